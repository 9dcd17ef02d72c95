# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of a guest reaches into the host: images, firmware, interfaces, logs, sockets, displays."""
import json
import os
import pathlib
import pwd
import shutil
import socket
import stat
import subprocess
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest
from conftest import code_of
from daemon import IMAGES, emulator_pids, hlt_xml, wait_until

QEMU_USER = "libvirt-qemu"


def image(name, *words, size="1M"):
    path = IMAGES / name
    subprocess.run(["qemu-img", "create", "-q", *words, str(path), *([size] if size else [])], check=True)
    return path


def disk(path, image_format, target="vda", more=""):
    return f"""<disk type='file' device='disk'>
      <driver name='qemu' type='{image_format}'/>
      <source file='{path}'/><target dev='{target}' bus='virtio'/>{more}</disk>"""


def live(domain):
    return ElementTree.fromstring(domain.XMLDesc())


def command_line(name):
    (pid,) = emulator_pids(name)
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_chain_is_found_and_shown(connection):
    base = image("base.img", "-f", "raw")
    middle = image("middle.qcow2", "-f", "qcow2", "-b", str(base), "-F", "raw")
    top = image("top.qcow2", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2")
    domain = connection.createXML(hlt_xml("chain", devices=disk(top, "qcow2")))
    found = live(domain).find("devices/disk")
    sources = [found.find("source")] + [below.find("source") for below in found.iter("backingStore")
                                        if below.find("source") is not None]
    assert [source.get("file") for source in sources] == [str(top), str(middle), str(base)]
    assert [source.get("index") for source in sources] == ["1", "2", "3"]
    assert found.find("backingStore/backingStore/backingStore") is not None
    domain.destroy()


def test_bytes_of_a_raw_disk_name_nothing(connection):
    secret = image("secret.img", "-f", "raw")
    trap = image("trap.img", "-f", "qcow2", "-b", str(secret), "-F", "raw")
    domain = connection.createXML(hlt_xml("trap", devices=disk(trap, "raw")))
    assert not any("secret.img" in word for word in command_line("trap"))
    domain.destroy()


def test_missing_image_is_named(connection):
    with pytest.raises(libvirt.libvirtError) as error:
        connection.createXML(hlt_xml("gone", devices=disk("/nowhere/disk.img", "raw")))
    assert error.value.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR
    assert "/nowhere/disk.img" in str(error.value)
    assert not emulator_pids("gone")


def test_firmware_has_variables_of_its_own(connection):
    if not os.path.exists("/usr/share/OVMF/OVMF_CODE_4M.fd"):
        pytest.skip("no package ovmf")
    document = hlt_xml("efi", machine="q35").replace("<os>", "<os firmware='efi'>").replace(
        f"<kernel>{IMAGES}/hlt</kernel>", "")
    domain = connection.defineXML(document)
    assert live(domain).find("os/nvram") is None        # which is chosen is known at the start
    domain.create()
    os_element = live(domain).find("os")
    variables = pathlib.Path(os_element.find("nvram").text)
    assert os_element.find("loader").get("type") == "pflash"
    assert variables.name == "efi_VARS.fd"
    about = variables.stat()
    assert about.st_uid == pwd.getpwnam(QEMU_USER).pw_uid
    assert stat.S_IMODE(about.st_mode) == 0o600
    domain.destroy()
    variables.write_bytes(b"changed")
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_RESET_NVRAM)
    assert variables.stat().st_size == about.st_size
    domain.destroy()
    assert code_of(domain.undefine) == libvirt.VIR_ERR_OPERATION_INVALID
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    assert not variables.exists()


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).stdout


@pytest.fixture
def bridge():
    if not shutil.which("ip") or not os.path.exists("/dev/net/tun"):
        pytest.skip("no ip, or no /dev/net/tun")
    ip("link", "add", "testbr0", "mtu", "1400", "type", "bridge")
    yield "testbr0"
    ip("link", "del", "testbr0")


def test_interface_on_a_bridge(connection, bridge):
    domain = connection.createXML(hlt_xml("bridged", devices=f"""<interface type='bridge'>
        <mac address='52:54:00:12:34:56'/><source bridge='{bridge}'/><model type='virtio'/></interface>"""))
    tap = live(domain).find("devices/interface/target").get("dev")
    assert tap.startswith("vnet")
    shown = ip("link", "show", tap)
    assert f"master {bridge}" in shown and "mtu 1400" in shown and "fe:54:00:12:34:56" in shown
    assert tap in ip("link", "show", "up")
    domain.destroy()
    wait_until(lambda: not ip("link", "show", tap, check=False), what="the end of " + tap)


def test_interface_with_two_queues(connection, bridge):
    domain = connection.createXML(hlt_xml("queues", devices=f"""<interface type='bridge'>
        <source bridge='{bridge}'/><model type='virtio'/><driver name='qemu' queues='2'/>
        <mtu size='1300'/><port isolated='yes'/></interface>"""))
    tap = live(domain).find("devices/interface/target").get("dev")
    shown = ip("-d", "link", "show", tap)
    assert "mtu 1300" in shown and "isolated on" in shown and "numtxqueues 256" in shown
    (netdev,) = [word for word in command_line("queues") if '"type":"tap"' in word]
    assert len(json.loads(netdev)["fds"].split(":")) == 2
    domain.destroy()


def test_interface_that_was_there_stays(connection, bridge):
    ip("tuntap", "add", "mytap0", "mode", "tap")
    script = IMAGES / "ifup"
    script.write_text('#!/bin/sh\necho "$1" > /run/ifup-was-here\n')
    script.chmod(0o755)
    domain = connection.createXML(hlt_xml("ready", devices=f"""<interface type='ethernet'>
        <target dev='mytap0' managed='no'/><script path='{script}'/><model type='e1000'/></interface>"""))
    assert pathlib.Path("/run/ifup-was-here").read_text() == "mytap0\n"
    domain.destroy()
    assert "mytap0" in ip("link", "show", "mytap0")
    ip("link", "del", "mytap0")


def test_interface_of_a_missing_bridge(connection):
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("no /dev/net/tun")
    with pytest.raises(libvirt.libvirtError) as error:
        connection.createXML(hlt_xml("nobridge", devices="""<interface type='bridge'>
            <source bridge='nobr0'/></interface>"""))
    assert "nobr0" in str(error.value)
    assert not emulator_pids("nobridge")


def test_logs_and_sockets(connection):
    folder = pathlib.Path("/var/log/guests")
    folder.mkdir(exist_ok=True)
    log, port = folder / "serial.log", folder / "port.sock"
    log.write_text("before\n")
    domain = connection.createXML(hlt_xml("streams", devices=f"""
        <serial type='file'><source path='{log}' append='on'/><target port='0'/></serial>
        <serial type='unix'><source mode='bind' path='{port}'/><target port='1'/></serial>
        <channel type='unix'><target type='virtio' name='org.example.0'/></channel>"""))
    assert log.read_text() == "before\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(port))
    path = live(domain).find("devices/channel/source").get("path")
    assert path.startswith("/run/libvirt/qemu/channel/") and path.endswith("/org.example.0")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    domain.destroy()
    assert not os.path.exists(path)


def test_displays(connection):
    domain = connection.createXML(hlt_xml("screens", devices="""
        <graphics type='vnc' port='-1' autoport='yes' passwd='secret'/>
        <graphics type='spice' autoport='yes'/>
        <video><model type='qxl'/></video>"""))
    ports = {found.get("type"): int(found.get("port")) for found in live(domain).iter("graphics")}
    assert ports["vnc"] >= 5900 and ports["spice"] >= 5900 and ports["vnc"] != ports["spice"]
    with socket.create_connection(("127.0.0.1", ports["vnc"])) as client:
        assert client.recv(12).startswith(b"RFB ")
        client.sendall(b"RFB 003.008\n")
        assert client.recv(2) == b"\x01\x02"                      # one way in: a password
    socket.create_connection(("127.0.0.1", ports["spice"])).close()
    assert not any("secret" in word for word in command_line("screens"))
    domain.destroy()


def test_name_is_no_option(connection):
    name = "a,process=b,'c' \"d\""
    xml = hlt_xml("placeholder").replace(
        "<name>placeholder</name>", "<name>a,process=b,'c' \"d\"</name>")
    domain = connection.createXML(xml)
    assert domain.name() == name
    words = [word for word in command_line(name.replace(",", ",,")) if word.startswith("guest=")]
    assert words == ["guest=" + name.replace(",", ",,") + ",debug-threads=on"]
    domain.destroy()


def test_emulator_is_confined(connection):
    domain = connection.createXML(hlt_xml("confined"))
    (pid,) = emulator_pids("confined")
    status = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    owner = pwd.getpwnam(QEMU_USER)
    assert status["Uid"].split() == [str(owner.pw_uid)] * 4
    assert status["Seccomp"].strip() == "2"
    assert int(status["CapEff"], 16) == 0
    domain.destroy()


def test_settings_told_by_the_monitor(connection):
    path, stick = image("limited.qcow2", "-f", "qcow2"), image("stick.img", "-f", "raw")
    limits = "<iotune><total_bytes_sec>1048576</total_bytes_sec><write_iops_sec>50</write_iops_sec></iotune>"
    usb = disk(stick, "raw", "sda", limits).replace("bus='virtio'", "bus='usb'")
    xml = hlt_xml("told", devices=disk(path, "qcow2", more=limits) + usb + """
        <interface type='user'><mac address='52:54:00:12:34:57'/><model type='virtio'/>
          <link state='down'/></interface>""")
    xml = xml.replace("<memballoon model='none'/>", "<memballoon model='virtio'><stats period='7'/></memballoon>")
    xml = xml.replace("<controller type='usb' model='none'/>", "").replace("<vcpu>", "<currentMemory unit='MiB'>16</currentMemory><vcpu>")
    domain = connection.createXML(xml)

    def ask(command, **arguments):
        said = libvirt_qemu.qemuMonitorCommand(
            domain, json.dumps({"execute": command, "arguments": arguments}), 0)
        return json.loads(said)["return"]

    limited = [found["inserted"] for found in ask("query-block") if "inserted" in found]
    assert [(found["bps"], found["iops_wr"]) for found in limited] == [(1048576, 50)] * 2
    period = ask("qom-get", path="/machine/peripheral/balloon0", property="guest-stats-polling-interval")
    assert period == 7
    domain.destroy()

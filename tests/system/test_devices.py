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
    stores = [below for below in found.iter("backingStore") if below.find("source") is not None]
    sources = [found.find("source")] + [below.find("source") for below in stores]
    assert [source.get("file") for source in sources] == [str(top), str(middle), str(base)]
    assert [source.get("index") for source in sources] == ["1", None, None]
    assert [below.get("index") for below in stores] == ["2", "3"]
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


def test_last_words_have_a_file(connection):
    path = IMAGES / "words" / "last"
    domain = connection.createXML(hlt_xml("words", devices=f"""<pstore backend='acpi-erst'>
        <path>{path}</path><size unit='KiB'>64</size></pstore>"""))
    about = path.stat()
    assert (about.st_size, about.st_uid) == (65536, pwd.getpwnam(QEMU_USER).pw_uid)
    assert stat.S_IMODE(about.st_mode) == 0o600
    domain.destroy()
    assert path.exists()


def test_trays_are_closed_at_the_start(connection):
    domain = connection.defineXML(hlt_xml("tray", machine="q35", devices="""<disk type='file' device='cdrom'>
        <target dev='sda' bus='sata' tray='open'/></disk>"""))
    domain.create()
    assert "tray=" not in domain.XMLDesc() and "tray='open'" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.destroy()


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
    after = IMAGES / "ifdown"
    after.write_text('#!/bin/sh\necho "$1" > /run/ifdown-was-here\n')
    after.chmod(0o755)
    device = """<interface type='ethernet'><target dev='mytap0' managed='no'/><script path='%s'/>
        <downscript path='%s'/><model type='e1000'/><backend tap='%s'/></interface>"""
    nowhere = hlt_xml("nowhere", devices=device % (script, "", "/run/no-such-tun"))
    with pytest.raises(libvirt.libvirtError, match="/run/no-such-tun"):
        connection.createXML(nowhere)
    domain = connection.createXML(hlt_xml("ready", devices=device % (script, after, "/dev/net/tun")))
    assert pathlib.Path("/run/ifup-was-here").read_text() == "mytap0\n"
    assert not pathlib.Path("/run/ifdown-was-here").exists()
    domain.destroy()
    assert pathlib.Path("/run/ifdown-was-here").read_text() == "mytap0\n"
    assert "mytap0" in ip("link", "show", "mytap0")
    ip("link", "del", "mytap0")


def test_name_in_frames_of_fibre_channel(connection):
    """of a host without such an adapter"""
    document = hlt_xml("frames").replace("<os>", "<resource><fibrechannel appid='frames'/></resource><os>")
    with pytest.raises(libvirt.libvirtError, match="appid_store|no group in the unified hierarchy"):
        connection.createXML(document)


def test_data_in_another_file(connection):
    """of a qcow2 image: the document names it, and it is the guest's as the image is"""
    top, data = IMAGES / "data.qcow2", IMAGES / "data.raw"
    image(top.name, "-f", "qcow2", "-o", "data_file=%s,data_file_raw=on" % data, size="4M")
    plain = IMAGES / "nodata.qcow2"
    image(plain.name, "-f", "qcow2")
    store = "<dataStore type='file'><format type='%s'/><source file='%s'/></dataStore>"
    device = """<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s'>%s</source>%s
      <target dev='%s' bus='virtio'/></disk>"""
    right = store % ("raw", data)
    domain = connection.createXML(hlt_xml("data", devices=device % (top, right, "", "vda")))
    uid = pwd.getpwnam(QEMU_USER).pw_uid
    assert top.stat().st_uid == data.stat().st_uid == uid
    shown = live(domain).find("devices/disk/source/dataStore")
    assert shown.find("source").get("file") == str(data)
    assert domain.blockInfo("vda")[0] == 4 << 20
    domain.destroy()
    assert top.stat().st_uid == data.stat().st_uid == 0
    for name, path, said, below in (("none", top, "", ""), ("none", top, "", "<backingStore/>"),
                                    ("needless", plain, right, ""), ("format", top, store % ("qcow2", data), "")):
        assert code_of(connection.createXML, hlt_xml(name, devices=device % (path, said, below, "vda"))) == \
            libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    domain = connection.createXML(hlt_xml("plug"))
    domain.attachDevice(device % (top, right, "", "vdc"))
    assert domain.blockInfo("vdc")[0] == 4 << 20
    domain.destroy()


def test_host_end_of_tap(connection):
    """addresses and routes that are the host's, and go with the guest"""
    source = ("<source><ip address='10.71.0.1' prefix='24'/><ip address='10.72.0.1' peer='10.72.0.2' prefix='32'/>"
              "<ip family='ipv6' address='2001:db8:71::1' prefix='64'/><route address='10.73.0.0' netmask='255.255.0.0' "
              "gateway='10.71.0.2' metric='7'/><route family='ipv6' address='2001:db8:73::' prefix='48' "
              "gateway='2001:db8:71::2'/>%s</source>")
    device = "<interface type='%s'>%s<target dev='ends'/><model type='virtio'/></interface>"
    domain = connection.createXML(hlt_xml("ends", devices=device % ("ethernet", source % "")))
    said = ip("-o", "addr", "show", "dev", "ends") + ip("route") + ip("-6", "route")
    for words in ("inet 10.71.0.1/24", "inet 10.72.0.1 peer 10.72.0.2/32", "inet6 2001:db8:71::1/64",
                  "10.73.0.0/16 via 10.71.0.2 dev ends", "2001:db8:73::/48 via 2001:db8:71::2 dev ends"):
        assert words in said
    domain.destroy()
    assert "10.73" not in ip("route")
    down = device.replace("<target", "<link state='down'/><target")
    connection.createXML(hlt_xml("ends", devices=down % ("ethernet", source % ""))).destroy()
    for kind, more, code in (("user", "", libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
                             ("ethernet", "<ip address='10.1.2.300'/>", libvirt.VIR_ERR_XML_ERROR),
                             ("ethernet", "<route address='10.1.2.3' prefix='33'/>", libvirt.VIR_ERR_XML_ERROR)):
        assert code_of(connection.defineXML, hlt_xml("no", devices=device % (kind, source % more))) == code


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


# ---- memory, folders and the like, asked of QEMU ----

def ask(domain, command, **arguments):
    said = libvirt_qemu.qemuMonitorCommand(
        domain, json.dumps({"execute": command, "arguments": arguments}), 0)
    return json.loads(said)["return"]


CELLS = """<cpu><numa><cell id='0' cpus='0' memory='32' unit='MiB' memAccess='shared'>
      <distances><sibling id='1' value='30'/></distances></cell>
    <cell id='1' memory='32' unit='MiB'/>%s</numa></cpu>"""
CONNECTIONS = """<interconnects>
    <latency initiator='0' target='0' type='access' value='5'/>
    <latency initiator='0' target='1' type='access' value='30'/>
    <bandwidth initiator='0' target='0' type='access' value='204800' unit='KiB'/>
    <bandwidth initiator='0' target='1' type='access' value='102400' unit='KiB'/></interconnects>"""


def with_cells(xml, connections=""):
    return xml.replace("<memory unit='MiB'>32</memory>",
                       "<maxMemory slots='4' unit='GiB'>4</maxMemory><memory unit='MiB'>64</memory>").replace(
                           "</features>", "</features>" + CELLS % connections)


def test_plugged_memory(connection):
    image("nvdimm.img", "-f", "raw", size="256M")
    xml = with_cells(hlt_xml("plugged", machine="q35", devices=f"""
        <memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>
        <memory model='nvdimm' access='shared'><source><path>{IMAGES}/nvdimm.img</path></source>
          <target><size unit='MiB'>256</size><node>1</node><label><size unit='KiB'>128</size></label></target></memory>
        <memory model='virtio-mem'><target><size unit='MiB'>256</size><node>1</node>
          <block unit='MiB'>2</block><requested unit='MiB'>64</requested></target></memory>"""))
    domain = connection.createXML(xml)
    found = {device["data"]["id"]: device for device in ask(domain, "query-memory-devices")}
    assert {name: device["type"] for name, device in found.items()} == {
        "dimm0": "dimm", "nvdimm1": "nvdimm", "virtiomem0": "virtio-mem"}
    assert found["nvdimm1"]["data"]["size"] == (256 << 20) - (128 << 10)
    assert found["virtiomem0"]["data"]["requested-size"] == 64 << 20
    assert (IMAGES / "nvdimm.img").stat().st_uid == pwd.getpwnam(QEMU_USER).pw_uid
    domain.destroy()
    assert (IMAGES / "nvdimm.img").stat().st_uid == 0


def test_cells_with_distances_and_latencies(connection):
    domain = connection.createXML(with_cells(hlt_xml("cells", machine="q35"), CONNECTIONS))
    words = command_line("cells")
    assert "dist,src=1,dst=0,val=30" in words
    assert "hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=30" in words
    backends = {backend["id"]: backend for backend in ask(domain, "query-memdev")}
    assert backends["ram-node0"]["share"] and not backends["ram-node1"]["share"]
    domain.destroy()


def test_huge_pages(connection):
    free = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
    if not free.exists() or int(free.read_text()) < 16:
        pytest.skip("the host has no 16 huge pages")
    xml = hlt_xml("huge").replace("<vcpu>", """<memoryBacking><hugepages><page size='2' unit='MiB'/></hugepages>
        </memoryBacking><vcpu>""")
    domain = connection.createXML(xml)
    (backend,) = ask(domain, "query-memdev")
    assert backend["prealloc"]
    domain.destroy()


def test_devices_of_many_families(connection):
    folder = IMAGES / "nine"
    folder.mkdir(exist_ok=True)
    domain = connection.createXML(hlt_xml("families", machine="q35", devices=f"""
        <filesystem type='mount' accessmode='mapped'><source dir='{folder}'/><target dir='tag'/><readonly/></filesystem>
        <shmem name='modvirt-test'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>
        <crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>
        <iommu model='intel'><driver caching_mode='on'/></iommu>"""))
    types = {found["name"]: found["type"] for found in ask(domain, "qom-list", path="/machine/peripheral")}
    assert types["fs0"] == "child<virtio-9p-pci>"
    assert types["shmem0"] == "child<ivshmem-plain>"
    assert types["crypto0"] == "child<virtio-crypto-pci>"
    assert types["iommu0"] == "child<intel-iommu>"
    assert ask(domain, "qom-get", path="/machine/peripheral/iommu0", property="caching-mode") is True
    domain.destroy()
    pathlib.Path("/dev/shm/modvirt-test").unlink()


def test_socket_to_the_host(connection):
    if not os.path.exists("/dev/vhost-vsock"):
        pytest.skip("no /dev/vhost-vsock")
    vsock = "<vsock model='virtio'><cid auto='yes'/></vsock>"
    domains = [connection.createXML(hlt_xml(name, machine="q35", devices=vsock)) for name in ("vsock1", "vsock2")]
    cids = {int(live(domain).find("devices/vsock/cid").get("address")) for domain in domains}
    assert len(cids) == 2 and min(cids) >= 3
    for domain in domains:
        domain.destroy()


def test_interface_on_top_of_another(connection):
    done = subprocess.run(["ip", "link", "add", "up1", "type", "veth", "peer", "name", "up2"],
                          capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no veth")
    try:
        if subprocess.run(["ip", "link", "add", "link", "up1", "name", "try0", "type", "macvtap"],
                          capture_output=True, check=False).returncode:
            pytest.skip("no macvtap")
        ip("link", "del", "try0")
        domain = connection.createXML(hlt_xml("direct", machine="q35", devices="""<interface type='direct'>
            <mac address='52:54:00:12:34:58'/><source dev='up1' mode='bridge'/><model type='virtio'/></interface>"""))
        name = live(domain).find("devices/interface/target").get("dev")
        assert name.startswith("macvtap")
        shown = ip("-d", "link", "show", name)
        assert "52:54:00:12:34:58" in shown and "mode bridge" in shown
        domain.destroy()
        assert not ip("link", "show", name, check=False)
    finally:
        ip("link", "del", "up1")


def test_missing_devices_of_the_host(connection):
    for device, words in (
            ("""<hostdev mode='subsystem' type='usb'><source><vendor id='0xdead'/><product id='0xbeef'/></source></hostdev>""",
             "dead:beef"),
            ("""<hostdev mode='subsystem' type='pci' managed='yes'><source>
                <address domain='0xffff' bus='0xfe' slot='0x1f' function='7'/></source></hostdev>""", "ffff:fe:1f.7")):
        with pytest.raises(libvirt.libvirtError) as error:
            connection.createXML(hlt_xml("nodevice", machine="q35", devices=device).replace(
                "<controller type='usb' model='none'/>", ""))
        assert words in str(error.value)
    assert not emulator_pids("nodevice")


def test_optional_device_is_left_out(connection):
    xml = hlt_xml("optional", machine="q35", devices="""<hostdev mode='subsystem' type='usb'>
        <source startupPolicy='optional'><vendor id='0xdead'/><product id='0xbeef'/></source></hostdev>""")
    domain = connection.createXML(xml.replace("<controller type='usb' model='none'/>", ""))
    assert live(domain).find("devices/hostdev") is None
    domain.destroy()


def test_an_edge_bridge_needs_lldpad(connection):
    domain = connection.defineXML(hlt_xml("edge", devices="""<interface type='direct'><source dev='lo'/>
      <virtualport type='802.1Qbg'><parameters managerid='11' typeid='1193047' typeidversion='2'/></virtualport>
      <model type='virtio'/></interface>"""))
    assert "instanceid='" in domain.XMLDesc()
    with pytest.raises(libvirt.libvirtError, match="package lldpad") as caught:
        domain.create()
    assert caught.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert not domain.isActive()

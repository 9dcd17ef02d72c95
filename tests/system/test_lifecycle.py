# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's life through stock virsh and python3-libvirt."""
import os
import pathlib
import re
import signal
import time
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from conftest import boot, code_of
from daemon import EMULATOR, SOCKET, URI, emulator_pids, hlt_xml, linux_xml, virsh, wait_until
from wire import Client, Refused


def test_a_life_through_virsh(connection, tmp_path):
    document = tmp_path / "guest.xml"
    document.write_text(linux_xml("life"))
    virsh("define", str(document))
    assert "life" in virsh("list", "--all", "--name").split()
    assert "life" not in virsh("list", "--name").split()
    virsh("start", "life")
    assert "life" in virsh("list", "--name").split()
    info = dict(re.findall(r"^(.+?):\s+(.*)$", virsh("dominfo", "life"), re.M))
    assert (info["State"], info["CPU(s)"], info["Persistent"]) == ("running", "1", "yes")
    assert info["Max memory"] == "131072 KiB"
    assert virsh("domstate", "life", "--reason").strip() == "running (booted)"
    virsh("suspend", "life")
    assert virsh("domstate", "life", "--reason").strip() == "paused (user)"
    virsh("resume", "life")
    assert virsh("domstate", "life").strip() == "running"
    stats = dict(line.strip().split("=", 1) for line in virsh("domstats", "life").splitlines() if "=" in line)
    assert stats["state.state"] == "1" and stats["vcpu.current"] == "1"
    assert int(stats["balloon.maximum"]) == 131072 and int(stats["cpu.time"]) > 0
    virsh("destroy", "life")
    assert virsh("domstate", "life", "--reason").strip() == "shut off (destroyed)"
    virsh("undefine", "life")
    assert virsh("domstate", "life", check=False).returncode == 1


def test_virsh_writes_what_it_read(connection, tmp_path):
    document = tmp_path / "guest.xml"
    document.write_text(linux_xml("again"))
    virsh("define", str(document))
    first = virsh("dumpxml", "again")
    document.write_text(first)
    virsh("define", str(document))
    assert virsh("dumpxml", "again") == first


def test_boot_and_power_button(linux):
    console = boot(linux)
    assert "Linux version" in console.text
    linux.shutdown()
    console.wait("guest: power button")
    assert console.ended.wait(20)
    wait_until(lambda: not linux.isActive(), 20)
    assert linux.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN]


def test_reset_boots_again(linux):
    console = boot(linux)
    identity = linux.ID()
    console.text = ""
    linux.reset()
    console.wait("guest: up")
    assert linux.ID() == identity


def test_reboot_keeps_the_guest(linux):
    console = boot(linux)
    identity, pids = linux.ID(), emulator_pids("linux")
    console.text = ""
    linux.reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)
    console.wait("guest: up")
    assert linux.isActive() and linux.ID() == identity and emulator_pids("linux") == pids


def test_guest_that_powers_off_by_itself(linux):
    console = boot(linux)
    console.send("poweroff -f\n")
    wait_until(lambda: not linux.isActive(), 20)
    assert linux.state()[1] == libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN


def test_start_paused(hlt):
    hlt.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert hlt.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    hlt.resume()
    assert hlt.state()[0] == libvirt.VIR_DOMAIN_RUNNING


def test_transient_guest_goes_with_its_end(connection):
    domain = connection.createXML(hlt_xml("fleeting"), libvirt.VIR_DOMAIN_START_PAUSED)
    assert domain.isActive() and not domain.isPersistent()
    assert domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    domain.destroy()
    assert code_of(connection.lookupByName, "fleeting") == libvirt.VIR_ERR_NO_DOMAIN


def test_transient_becomes_persistent_and_back(connection):
    xml = hlt_xml("both")
    domain = connection.createXML(xml)
    connection.defineXML(xml)
    assert domain.isPersistent() and domain.isActive()
    domain.undefine()
    assert not domain.isPersistent() and domain.isActive()
    domain.destroy()
    assert code_of(connection.lookupByName, "both") == libvirt.VIR_ERR_NO_DOMAIN


def test_autodestroy_ends_with_its_connection(connection):
    other = libvirt.open(URI)
    other.createXML(hlt_xml("tied"), libvirt.VIR_DOMAIN_START_AUTODESTROY)
    domain = connection.lookupByName("tied")
    assert domain.isActive()
    del domain
    other.close()
    wait_until(lambda: code_of(connection.lookupByName, "tied") == libvirt.VIR_ERR_NO_DOMAIN)
    wait_until(lambda: not emulator_pids("tied"))


def test_ids_rise_and_end(hlt):
    assert hlt.ID() == -1
    hlt.create()
    first = hlt.ID()
    assert first > 0 and hlt.connect().lookupByID(first).name() == "hlt"
    hlt.destroy()
    assert code_of(hlt.connect().lookupByID, first) == libvirt.VIR_ERR_NO_DOMAIN
    hlt.create()
    assert hlt.ID() > first


def test_process_is_gone_after_destroy(hlt):
    hlt.create()
    assert len(emulator_pids("hlt")) == 1
    hlt.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
    assert not emulator_pids("hlt")


def test_killed_emulator_is_noticed(hlt):
    hlt.create()
    os.kill(emulator_pids("hlt")[0], signal.SIGKILL)
    wait_until(lambda: not hlt.isActive())
    assert hlt.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]


def test_live_document_says_what_runs(linux):
    boot(linux)
    live = ElementTree.fromstring(linux.XMLDesc())
    assert live.get("id") == str(linux.ID())
    assert live.find("devices/serial/source").get("path").startswith("/dev/pts/")
    assert live.find("devices/console").get("tty") == live.find("devices/serial/source").get("path")
    inactive = ElementTree.fromstring(linux.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    assert inactive.get("id") is None and inactive.find("devices/serial/source") is None


def test_each_console_shows_its_terminal(connection):
    domain = connection.createXML(hlt_xml("consoles", devices="<console type='pty'><target type='virtio'/></console>" * 2))
    consoles = ElementTree.fromstring(domain.XMLDesc()).findall("devices/console")
    ends = [console.find("source").get("path") for console in consoles]
    assert [console.get("tty") for console in consoles] == ends and len(set(ends)) == 2


def test_list_filters(connection, hlt):
    connection.createXML(hlt_xml("running"))
    connection.createXML(hlt_xml("paused"), libvirt.VIR_DOMAIN_START_PAUSED)

    def names(flags):
        return sorted(d.name() for d in connection.listAllDomains(flags))

    assert names(0) == ["hlt", "paused", "running"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE) == ["paused", "running"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE) == ["hlt"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT) == ["paused", "running"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT) == ["hlt"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED) == ["paused"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING) == ["running"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_SHUTOFF) == ["hlt"]
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART) == []
    assert sorted(connection.listDefinedDomains()) == ["hlt"]
    assert connection.numOfDomains() == 2 and len(connection.listDomainsID()) == 2


def test_autostart(hlt, daemon):
    hlt.setAutostart(True)
    assert hlt.autostart() == 1
    virsh("autostart", "--disable", "hlt")
    assert hlt.autostart() == 0


def test_autostart_once(connection, daemon):
    """at the next start of the host, which a file under /run is a sign of, and no other"""
    domain = connection.defineXML(hlt_xml("once"))
    handle = {"name": "once", "uuid": domain.UUID(), "id": -1}
    link = pathlib.Path("/etc/libvirt/qemu/autostart/again.xml.once")
    client = Client(SOCKET).open()
    assert client.call("DOMAIN_GET_AUTOSTART_ONCE", {"dom": handle}) == {"autostart": 0}
    client.call("DOMAIN_SET_AUTOSTART_ONCE", {"dom": handle, "autostart": 1})
    client.close()
    assert domain.autostart() == 0
    domain.rename("again")
    assert link.is_symlink()
    daemon.restart()
    again = libvirt.open(URI)
    domain = again.lookupByName("again")
    assert not domain.isActive() and link.is_symlink()
    again.close()
    for running in (True, False):
        daemon.kill()
        pathlib.Path("/run/libvirt/qemu/autostarted").unlink()
        daemon.start()
        again = libvirt.open(URI)
        domain = again.lookupByName("again")
        wait_until(lambda: pathlib.Path("/run/libvirt/qemu/autostarted").exists())
        if running:
            wait_until(domain.isActive)
            assert not link.exists()
            domain.destroy()
        again.close()
    again = libvirt.open(URI)
    assert not again.lookupByName("again").isActive()
    transient = again.createXML(hlt_xml("transient"))
    client = Client(SOCKET).open()
    with pytest.raises(Refused) as caught:
        client.call("DOMAIN_SET_AUTOSTART_ONCE", {"dom": {"name": "transient", "uuid": transient.UUID(), "id": 1},
                                                  "autostart": 1})
    assert caught.value.code == libvirt.VIR_ERR_OPERATION_INVALID
    client.close()
    again.close()


def test_rename(hlt):
    identity = hlt.UUIDString()
    hlt.rename("renamed")
    assert hlt.connect().lookupByName("renamed").UUIDString() == identity
    assert code_of(hlt.connect().lookupByName, "hlt") == libvirt.VIR_ERR_NO_DOMAIN


def test_title_description_metadata(hlt):
    config = libvirt.VIR_DOMAIN_AFFECT_CONFIG
    hlt.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "A title", None, None, config)
    hlt.setMetadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "Some <words>", None, None, config)
    hlt.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<owner>me</owner>", "o", "http://owner.invalid/1", config)
    assert hlt.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, config) == "A title"
    assert hlt.metadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, None, config) == "Some <words>"
    assert "me" in hlt.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "http://owner.invalid/1", config)
    hlt.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, None, None, config)
    assert code_of(hlt.metadata, libvirt.VIR_DOMAIN_METADATA_TITLE, None, config) \
        == libvirt.VIR_ERR_NO_DOMAIN_METADATA


def test_monitor_command(hlt):
    hlt.create()
    assert "running" in virsh("qemu-monitor-command", "hlt", '{"execute": "query-status"}')
    assert "VM status: running" in virsh("qemu-monitor-command", "--hmp", "hlt", "info status")


def test_statistics_of_all(connection, hlt):
    connection.createXML(linux_xml("other"))
    stats = {d.name(): values for d, values in connection.getAllDomainStats()}
    assert stats["hlt"]["state.state"] == libvirt.VIR_DOMAIN_SHUTOFF
    assert stats["other"]["state.state"] == libvirt.VIR_DOMAIN_RUNNING
    assert stats["other"]["balloon.maximum"] == 131072


def test_screenshot(connection):
    domain = connection.createXML(hlt_xml("seen", devices="<video><model type='vga'/></video>"
                                                          "<graphics type='vnc'/>"))
    stream = connection.newStream()
    assert domain.screenshot(stream, 0).startswith("image/")
    data = b""
    while True:
        more = stream.recv(65536)
        if not more:
            break
        data += more
    stream.finish()
    assert data.startswith((b"P6", b"\x89PNG")) and len(data) > 100
    assert code_of(domain.screenshot, connection.newStream(), 1) == libvirt.VIR_ERR_OPERATION_INVALID


def test_start_failure_shows_what_the_emulator_said(connection):
    domain = connection.defineXML(hlt_xml("wrong", devices="""
        <disk type='file' device='disk'><source file='/nonexistent/disk.img'/>
        <target dev='hda' bus='ide'/></disk>"""))
    with pytest.raises(libvirt.libvirtError) as failure:
        domain.create()
    assert "/nonexistent/disk.img" in str(failure.value)
    assert domain.state()[0] == libvirt.VIR_DOMAIN_SHUTOFF and not emulator_pids("wrong")


def test_an_emulator_that_ends_early_is_noticed_at_once(connection):
    """without a word, and before it has taken our connection to its monitor"""
    program = pathlib.Path("/run/short-lived")
    program.write_text("#!/bin/sh\ncase \"$*\" in *guest=early*) kill -KILL $$;; esac\n"
                       "exec %s \"$@\"\n" % EMULATOR)
    program.chmod(0o755)
    domain = connection.defineXML(hlt_xml("early", emulator=program))
    start = time.monotonic()
    with pytest.raises(libvirt.libvirtError):
        domain.create()
    assert time.monotonic() - start < 10
    assert not domain.isActive()


def test_log_begins_with_the_command(hlt):
    hlt.create()
    text = open("/var/log/libvirt/qemu/hlt.log").read()
    assert "qemu-system-x86_64" in text and "-nodefaults" in text


WOODEN_DISK = "<disk><target dev='hda' bus='wood'/></disk>"
NO_SOURCE = "<disk type='file'><target dev='hda' bus='ide'/></disk>"
NO_TARGET = "<disk type='file'><source file='/x'/></disk>"
GROUP_MAC = "<interface type='user'><mac address='01:00:00:00:00:01'/></interface>"
BOTH_NVRAM = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
NOBODY = "0badcafe-0000-4000-8000-000000000000"


@pytest.mark.parametrize("code, mistake", [
    (libvirt.VIR_ERR_NO_DOMAIN, lambda c, d: c.lookupByName("nobody")),
    (libvirt.VIR_ERR_NO_DOMAIN, lambda c, d: c.lookupByUUIDString(NOBODY)),
    (libvirt.VIR_ERR_NO_DOMAIN, lambda c, d: c.lookupByID(4711)),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: (d.create(), d.create())),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.destroy()),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.suspend()),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.resume()),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.shutdown()),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.reboot()),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.openConsole(None, c.newStream())),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: (d.create(), d.rename("other"))),
    (libvirt.VIR_ERR_XML_DETAIL, lambda c, d: c.defineXML("<domain type='qemu'>")),
    (libvirt.VIR_ERR_XML_ERROR, lambda c, d: c.defineXML("<network/>")),
    (libvirt.VIR_ERR_XML_ERROR, lambda c, d: c.defineXML(hlt_xml("a/b"))),
    (libvirt.VIR_ERR_XML_ERROR, lambda c, d: c.defineXML(hlt_xml("x", devices=WOODEN_DISK))),
    (libvirt.VIR_ERR_XML_ERROR, lambda c, d: c.defineXML(hlt_xml("x", devices=GROUP_MAC))),
    (libvirt.VIR_ERR_NO_NAME, lambda c, d: c.defineXML(hlt_xml(""))),
    (libvirt.VIR_ERR_NO_SOURCE, lambda c, d: c.defineXML(hlt_xml("x", devices=NO_SOURCE))),
    (libvirt.VIR_ERR_NO_TARGET, lambda c, d: c.defineXML(hlt_xml("x", devices=NO_TARGET))),
    (libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
     lambda c, d: c.defineXML(hlt_xml("x").replace("<vcpu>1<", "<vcpu>9999<"))),
    (libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
     lambda c, d: c.defineXML(hlt_xml("x").replace("arch='x86_64'", "arch='aarch64'"))),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.rename("hlt")),
    (libvirt.VIR_ERR_OPERATION_INVALID,
     lambda c, d: (c.defineXML(hlt_xml("other")), d.rename("other"))),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: d.undefineFlags(BOTH_NVRAM)),
    (libvirt.VIR_ERR_OPERATION_INVALID, lambda c, d: (d.create(), d.screenshot(c.newStream(), 0))),
    (libvirt.VIR_ERR_OPERATION_FAILED, lambda c, d: c.defineXML(hlt_xml("hlt"))),
    (libvirt.VIR_ERR_OPERATION_FAILED,
     lambda c, d: c.defineXML(hlt_xml("other", uuid=d.UUIDString()))),
    (libvirt.VIR_ERR_OPERATION_INVALID,
     lambda c, d: (d.create(), c.createXML(hlt_xml("hlt", uuid=d.UUIDString())))),
    (libvirt.VIR_ERR_INVALID_ARG, lambda c, d: d.createWithFlags(1 << 30)),
    (libvirt.VIR_ERR_INVALID_ARG, lambda c, d: d.XMLDesc(1 << 30)),
    (libvirt.VIR_ERR_NO_DOMAIN, lambda c, d: (d.undefine(), d.create())),
])
def test_error_codes(connection, hlt, code, mistake):
    assert code_of(mistake, connection, hlt) == code

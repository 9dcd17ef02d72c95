# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest's hardware does becomes events in both styles, and states: guests that move it by
themselves (tests/lib/poke.S), and QEMU's displays and drives."""
import os
import socket
import subprocess
import time

import libvirt
import pytest
from conftest import Console
from daemon import IMAGES, SOCKET, hlt_xml, linux_xml, poke_xml, virsh, wait_until
from wire import Client

RUNNING, PAUSED, SUSPENDED = libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PMSUSPENDED


class Events:
    """one kind of event as an old and a new client are told of it"""

    def __init__(self, kind):
        self.kind = kind
        number = getattr(libvirt, "VIR_DOMAIN_EVENT_ID_" + kind)
        self.old, self.new = Client(SOCKET).open(), Client(SOCKET).open()
        self.old.call("CONNECT_DOMAIN_EVENT_REGISTER_ANY", {"eventID": number})
        self.new.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", {"eventID": number})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.old.close()
        self.new.close()

    def next(self):
        """what both say; the name of the guest for its handle"""
        old = self.old.wait_event("DOMAIN_EVENT_" + self.kind, timeout=60)
        new = self.new.wait_event("DOMAIN_EVENT_CALLBACK_" + self.kind, timeout=60)["msg"]
        assert old == new
        return {**new, "dom": new["dom"]["name"]}


def pci(slot, register):
    """selects a register of a device's configuration"""
    return "lcf8=%x" % (1 << 31 | slot << 11 | register)


# the i6300esb: its memory placed, both stages one tick long, enabled
UNLOCK = "mfe00000c=80 mfe00000c=86"
I6300ESB = " ".join([pci(9, 0x10), "lcfc=fe000000", pci(9, 4), "wcfc=2", UNLOCK, "mfe000000=1", UNLOCK, "mfe000004=1",
                     pci(9, 0x68), "bcfc=2"])
I6300ESB_XML = """<watchdog model='i6300esb' action='%s'>
    <address type='pci' domain='0' bus='0' slot='9' function='0'/></watchdog>"""

# the first disk: one sector, written with zeros
WRITE_SECTOR = "b1f6=e0 b1f2=1 b1f3=0 b1f4=0 b1f5=0 b1f7=30 w1f0=0*100"
# the second channel's drive: a packet, START STOP UNIT with what to do
TRAY = "b176=a0 b174=0 b175=0 b177=a0 w170=1b w170=0 w170=%d w170=0*3"
# sleep states of the power management's control register, where the firmware has put it
SLEEP = "w604=%x"


@pytest.mark.parametrize("script, devices, action, state", [
    (I6300ESB, I6300ESB_XML % "pause", "PAUSE", (PAUSED, libvirt.VIR_DOMAIN_PAUSED_WATCHDOG)),
    (I6300ESB, I6300ESB_XML % "none", "NONE", (RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED)),
    ("b443=f", "<watchdog model='ib700' action='pause'/>", "PAUSE", (PAUSED, libvirt.VIR_DOMAIN_PAUSED_WATCHDOG)),
], ids=["i6300esb", "without-action", "ib700"])
def test_watchdog(connection, script, devices, action, state):
    with Events("WATCHDOG") as events:
        domain = connection.createXML(poke_xml("dog", script, devices=devices))
        assert events.next() == {"dom": "dog", "action": getattr(libvirt, "VIR_DOMAIN_EVENT_WATCHDOG_" + action)}
    wait_until(lambda: tuple(domain.state()) == state, what=domain.state)


def test_clock(connection):
    """ten years and more ahead, by the year's register"""
    with Events("RTC_CHANGE") as events:
        connection.createXML(poke_xml("clock", "b70=9 b71=36"))
        event = events.next()
    assert event["dom"] == "clock"
    assert abs(event["offset"] - (2036 - time.gmtime().tm_year) * 365.25 * 86400) < 3 * 86400


@pytest.fixture
def full_disk():
    """an image without blocks on a file system without room"""
    folder = IMAGES / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", str(folder)], check=True)
    image = folder / "disk.img"
    image.touch()
    os.truncate(image, 1 << 20)
    with pytest.raises(OSError), (folder / "filling").open("wb", buffering=0) as filling:
        while True:
            filling.write(bytes(4096))
    yield image
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


DISK = """<disk type='file' device='disk'><driver name='qemu' type='raw' error_policy='%s'/>
    <source file='%s'/><target dev='hda' bus='ide'/></disk>"""


IOERRORS = 4          # VIR_DOMAIN_MESSAGE_IOERRORS, since 11.1


def test_disk_without_room(connection, full_disk):
    with Events("IO_ERROR") as events, Events("IO_ERROR_REASON") as reasons:
        domain = connection.createXML(poke_xml("full", WRITE_SECTOR, devices=DISK % ("stop", full_disk)))
        event = {"dom": "full", "srcPath": str(full_disk), "devAlias": "ide0-0-0",
                 "action": libvirt.VIR_DOMAIN_EVENT_IO_ERROR_PAUSE}
        assert events.next() == event
        assert reasons.next() == {**event, "reason": "enospc"}
    wait_until(lambda: domain.state() == [PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR], what=domain.state)
    (message,) = domain.messages(IOERRORS)
    assert message.startswith("I/O error: disk='hda', index='1', path='%s', timestamp='2" % full_disk)
    assert message.endswith("message='No space left on device'")
    assert message in domain.messages() and domain.messages(libvirt.VIR_DOMAIN_MESSAGE_TAINTING) == []
    assert virsh("domstate", "--reason", "full").strip() == "paused (I/O error)"
    (full_disk.parent / "filling").unlink()
    domain.resume()
    wait_until(lambda: full_disk.stat().st_blocks)
    assert domain.state()[0] == RUNNING


def test_disk_whose_errors_are_the_guests_own(connection, full_disk):
    with Events("IO_ERROR") as events:
        domain = connection.createXML(poke_xml("full", WRITE_SECTOR, devices=DISK % ("report", full_disk)))
        assert events.next()["action"] == libvirt.VIR_DOMAIN_EVENT_IO_ERROR_REPORT
    assert domain.state()[0] == RUNNING


CDROM = "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"


@pytest.mark.parametrize("what, reason, shown", [
    (2, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN, "open"),
    (3, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE, None),
], ids=["open", "close"])
def test_tray(connection, what, reason, shown):
    with Events("TRAY_CHANGE") as events:
        script = TRAY % 2 if what == 2 else "%s %s" % (TRAY % 2, TRAY % 3)
        domain = connection.createXML(poke_xml("tray", script, devices=CDROM))
        said = [events.next() for _ in range(what - 1)]
    assert said[-1] == {"dom": "tray", "devAlias": "ide0-1-0", "reason": reason}
    wait_until(lambda: ("tray='open'" in domain.XMLDesc()) == (shown == "open"))


PM = "<pm><suspend-to-mem enabled='yes'/><suspend-to-disk enabled='yes'/></pm>"


def test_sleep_and_wakeup(connection):
    with Events("PMSUSPEND") as events, Events("PMWAKEUP") as wakeups:
        domain = connection.createXML(poke_xml("sleepy", SLEEP % 0x2400).replace("<devices>", PM + "<devices>"))
        assert events.next() == {"dom": "sleepy"}
        wait_until(lambda: domain.state()[0] == SUSPENDED)
        virsh("dompmwakeup", "sleepy")
        assert wakeups.next() == {"dom": "sleepy"}
    wait_until(lambda: domain.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_WAKEUP], what=domain.state)


def test_sleep_on_disk(connection):
    with Events("PMSUSPEND_DISK") as events:
        domain = connection.defineXML(poke_xml("sleepy", SLEEP % 0x2800).replace("<devices>", PM + "<devices>"))
        domain.create()
        assert events.next() == {"dom": "sleepy"}
    wait_until(lambda: not domain.isActive())


@pytest.mark.parametrize("action, state", [
    ("preserve", [libvirt.VIR_DOMAIN_CRASHED, libvirt.VIR_DOMAIN_CRASHED_PANICKED]),
    ("destroy", [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED])])
def test_panic(connection, action, state):
    with Events("LIFECYCLE") as events:
        domain = connection.defineXML(poke_xml("panic", "b505=1", devices="<panic model='isa'/>").replace(
            "<devices>", "<on_crash>%s</on_crash><devices>" % action))
        domain.create()
        while events.next()["event"] != libvirt.VIR_DOMAIN_EVENT_CRASHED:
            pass
    wait_until(lambda: domain.state() == state, what=domain.state)


def test_reset(hlt):
    hlt.create()
    with Events("REBOOT") as events:
        hlt.reset()
        assert events.next() == {"dom": "hlt"}


def read_exactly(client, length):
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        assert more, "the display has closed the connection"
        data += more
    return data


def look(client):
    """the handshake of a viewer without a password"""
    client.settimeout(20)
    assert read_exactly(client, 12).startswith(b"RFB ")
    client.sendall(b"RFB 003.008\n")
    assert 1 in read_exactly(client, read_exactly(client, 1)[0])
    client.sendall(b"\1")
    assert read_exactly(client, 4) == bytes(4)
    client.sendall(b"\1")
    read_exactly(client, 24)


def test_viewer_by_tcp(connection):
    domain = connection.createXML(hlt_xml("seen", devices="""<graphics type='vnc' autoport='yes'/>
        <video><model type='vga'/></video>"""))
    host, port = virsh("domdisplay", "seen").strip()[len("vnc://"):].split(":")
    with Events("GRAPHICS") as events:
        with socket.create_connection(("127.0.0.1", 5900 + int(port))) as viewer:
            here = viewer.getsockname()
            look(viewer)
        said = [events.next() for _ in range(3)]
    assert domain.isActive() and host in ("localhost", "127.0.0.1")
    assert [event["phase"] for event in said] == [
        libvirt.VIR_DOMAIN_EVENT_GRAPHICS_CONNECT, libvirt.VIR_DOMAIN_EVENT_GRAPHICS_INITIALIZE,
        libvirt.VIR_DOMAIN_EVENT_GRAPHICS_DISCONNECT]
    for event in said:
        assert event["dom"] == "seen"
        assert event["local"] == {"family": 0, "node": "127.0.0.1", "service": str(5900 + int(port))}
        assert event["remote"] == {"family": 0, "node": here[0], "service": str(here[1])}


def test_viewer_by_socket(connection):
    folder = IMAGES / "display"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    path = str(folder / "seen.sock")
    connection.createXML(hlt_xml("seen", devices="""<graphics type='vnc' socket='%s'/>
        <video><model type='vga'/></video>""" % path))
    with Events("GRAPHICS") as events:
        with socket.socket(socket.AF_UNIX) as viewer:
            viewer.connect(path)
            look(viewer)
        said = [events.next() for _ in range(3)]
    assert {event["local"]["family"] for event in said} == {libvirt.VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_UNIX}
    assert {event["local"]["service"] for event in said} == {path}


def test_a_linux_gives_memory_back_and_sets_its_clock(connection):
    domain = connection.createXML(linux_xml("linux"), libvirt.VIR_DOMAIN_START_PAUSED)
    console = Console(domain)
    with Events("BALLOON_CHANGE") as balloons, Events("RTC_CHANGE") as clocks:
        domain.resume()
        console.wait("guest: up")
        virsh("qemu-monitor-command", "linux", '{"execute": "balloon", "arguments": {"value": %d}}' % (100 << 20))
        while balloons.next()["actual"] != 100 * 1024:
            pass
        console.send("date -s 2031-05-06 && hwclock -w -u\n")
        assert clocks.next()["offset"] > 86400
    wait_until(lambda: domain.info()[2] == 100 * 1024)

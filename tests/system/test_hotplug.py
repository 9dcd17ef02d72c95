# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of a running guest: attached, seen by a Linux guest, changed, detached, seen gone; what a
killed daemon, a stopped QEMU and a refused step leave behind."""
import difflib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest
from conftest import Console, boot, code_of
from daemon import EMULATOR, GUEST, IMAGES, ROOT, URI, emulator_pids, hlt_xml, virsh, wait_until

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
BOTH = LIVE | CONFIG

PLUGGABLE = """<domain type='qemu'>
  <name>%(name)s</name>
  <uuid>%(uuid)s</uuid>
  <maxMemory slots='4' unit='MiB'>2048</maxMemory>
  <memory unit='MiB'>256</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>%(images)s/vmlinuz</kernel>
    <initrd>%(images)s/plug.gz</initrd>
    <cmdline>console=ttyS0 panic=-1 tsc=reliable</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>
  <devices>
    <emulator>%(emulator)s</emulator>
    <controller type='pci' model='pcie-root'/>
    %(ports)s
    <controller type='pci' model='pcie-to-pci-bridge'/>
    <controller type='usb' model='qemu-xhci' ports='8'/>
    <controller type='virtio-serial' index='0'/>
    <serial type='pty'/>
    <console type='pty'/>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
    <memballoon model='none'/>
  </devices>
</domain>"""


def image(name, size=8 << 20):
    path = IMAGES / name
    with path.open("wb") as file:
        file.truncate(size)
    path.chmod(0o666)
    return path


def disk(path, target, bus="virtio", device="disk", more=""):
    source = f"<source file='{path}'/>" if path else ""
    return f"""<disk type='file' device='{device}'><driver name='qemu' type='raw'/>{source}
      <target dev='{target}' bus='{bus}'/>{more}</disk>"""


def devices(domain, flags=0):
    return ElementTree.fromstring(domain.XMLDesc(flags)).find("devices")


def aliases(domain):
    return {found.get("name") for found in devices(domain).iter("alias")}


def qmp(domain, command, **arguments):
    text = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0)).get("return")


def in_qemu(domain):
    """the names of the devices that QEMU has"""
    return {found["name"] for found in qmp(domain, "qom-list", path="/machine/peripheral")
            if found["name"] != "type"}


def back_ends(domain):
    """block nodes, character devices, objects"""
    return ({node["node-name"] for node in qmp(domain, "query-named-block-nodes", flat=True)}
            | {end["label"] for end in qmp(domain, "query-chardev")}
            | {found["name"] for found in qmp(domain, "qom-list", path="/objects")})


def nodes_of_images(domain):
    return len([node for node in back_ends(domain) if node.startswith("libvirt-")])


OF_MACHINE = ("pci.", "usb", "virtio-serial", "serial0", "sata", "watchdog", "ide")


def true(domain):
    """does the live definition say what QEMU has, of what can be plugged?"""
    of_qemu = {name for name in in_qemu(domain) if not name.startswith(OF_MACHINE)}
    said = {found.find("alias").get("name") for found in devices(domain)
            if found.find("alias") is not None and found.find("alias").get("name") in of_qemu
            or found.tag in ("disk", "interface", "rng", "channel", "shmem", "memory")}
    return {name for name in said if not name.startswith(OF_MACHINE)} == of_qemu


class Events:
    """what a domain tells of its devices"""
    IDS = {libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: "added",
           libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: "removed",
           libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: "refused"}

    def __init__(self, connection, domain):
        self.seen, self.changed = [], threading.Condition()
        for number, word in self.IDS.items():
            connection.domainEventRegisterAny(domain, number, self._note, word)

    def _note(self, connection, domain, alias, word):
        with self.changed:
            self.seen.append((word, alias))
            self.changed.notify_all()

    def wait(self, word, alias, timeout=30):
        with self.changed:
            assert self.changed.wait_for(lambda: (word, alias) in self.seen, timeout), self.seen
            self.seen.remove((word, alias))


@pytest.fixture(scope="module", autouse=True)
def guest_files(daemon):
    if not (GUEST / "plug.gz").exists():
        pytest.skip("no plug.gz: run tests/lib/guest")
    shutil.copy(GUEST / "plug.gz", IMAGES / "plug.gz")
    (IMAGES / "plug.gz").chmod(0o644)


def pluggable(name, ports=12):
    return PLUGGABLE % {"name": name, "uuid": uuid.uuid4(), "images": IMAGES, "emulator": EMULATOR,
                        "ports": "<controller type='pci' model='pcie-root-port'/>" * ports}


def halted(name, **values):
    """a guest without a system, which lets nothing go"""
    ports = "<controller type='pci' model='pcie-root'/>" + \
            "<controller type='pci' model='pcie-root-port'/>" * 6 + \
            "<controller type='usb' model='qemu-xhci' ports='8'/>"
    return hlt_xml(name, machine="q35", devices=ports + values.pop("devices", ""), **values).replace(
        "<controller type='usb' model='none'/>", "")


def ask(console, condition, word):
    """waits until a condition of the guest's shell holds"""
    console.send("until %s; do sleep 0.1; done; echo %s''%s\n" % (condition, word[:2], word[2:]))
    console.wait(word)


# what a guest sees of a device: a condition of its shell that holds while it is there
def has_block(name, sectors=16384):
    return "[ \"$(cat /sys/block/%s/size 2>/dev/null)\" = %d ]" % (name, sectors)


def has_virtio(number, count=1):
    return "[ $(grep -l %s /sys/bus/virtio/devices/*/device 2>/dev/null | wc -l) = %d ]" % (number, count)


def has_pci(vendor, device):
    return "cut -f 2 /proc/bus/pci/devices | grep -q %s%s" % (vendor, device)


MAC = "52:54:00:aa:bb:01"

# kind, document, alias, what the guest sees of it
FAMILIES = [
    ("disk", lambda: disk(image("v.img"), "vdb", more="<iotune><total_iops_sec>900</total_iops_sec>"
                          "</iotune>"), "virtio-disk1", has_block("vda")),
    ("controller", lambda: "<controller type='scsi' model='virtio-scsi' index='0'/>", "scsi0",
     has_virtio("0x0008")),
    ("disk", lambda: disk(image("s.img"), "sdb", "scsi"), "scsi0-0-0-1", has_block("sda")),
    ("disk", lambda: disk(image("u.img"), "sdc", "usb"), "usb-disk2", None),
    ("interface", lambda: "<interface type='ethernet'><mac address='%s'/><model type='virtio'/>"
     "</interface>" % MAC, "net0", "grep -q %s /sys/class/net/*/address" % MAC),
    ("interface", lambda: "<interface type='user'><mac address='52:54:00:aa:bb:02'/>"
     "<model type='e1000'/></interface>", "net1", has_pci("8086", "100e")),
    ("rng", lambda: "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", "rng0",
     has_virtio("0x0004")),
    ("crypto", lambda: "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>", "crypto0",
     has_virtio("0x0014")),
    ("channel", lambda: "<channel type='unix'><target type='virtio' name='a.b'/></channel>", "channel0",
     "grep -q a.b /sys/class/virtio-ports/*/name"),
    ("channel", lambda: "<channel type='file'><source path='%s'/><target type='virtio' name='c.d'/>"
     "</channel>" % (IMAGES / "c.log"), "channel1", "grep -q c.d /sys/class/virtio-ports/*/name"),
    ("serial", lambda: "<serial type='pty'><target type='pci-serial'/></serial>", "serial1",
     has_pci("1b36", "0002")),
    ("serial", lambda: "<serial type='null'><target type='usb-serial'/></serial>", "serial2", None),
    ("input", lambda: "<input type='tablet' bus='virtio'/>", "input2",
     "grep -q 'Virtio Tablet' /sys/class/input/*/name"),
    ("input", lambda: "<input type='mouse' bus='usb'/>", "input3", None),
    ("memory", lambda: "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target>"
     "</memory>", "dimm0", "ls /sys/devices/system/memory | grep -q memory32"),
    ("console", lambda: "<console type='pty'><target type='virtio'/></console>", "console0", None),
    ("shmem", lambda: "<shmem name='modvirt'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
     "shmem0", has_pci("1af4", "1110")),
    ("redirdev", lambda: "<redirdev bus='usb' type='unix'><source mode='bind' path='%s'/></redirdev>"
     % (IMAGES / "redir"), "redir0", None),
    ("watchdog", lambda: "<watchdog model='i6300esb' action='reset'/>", "watchdog0",
     has_pci("8086", "25ab")),
]
if pathlib.Path("/usr/lib/qemu/virtiofsd").exists():
    FAMILIES.append(
        ("filesystem", lambda: "<filesystem><driver type='virtiofs'/><source dir='%s'/><target dir='tag'/>"
         "</filesystem>" % IMAGES, "fs0", has_virtio("0x001a")))


def stored(domain, tag):
    return len(devices(domain, libvirt.VIR_DOMAIN_XML_INACTIVE).findall(tag))


def test_families_are_plugged_seen_and_unplugged(daemon, connection):
    """each kind comes, is seen by the guest, outlives the daemon, and goes"""
    domain = connection.defineXML(pluggable("plug"))
    console = boot(domain)
    events = Events(connection, domain)
    before, before_ends = in_qemu(domain), back_ends(domain)
    texts = [family[1]() for family in FAMILIES]
    for number, (tag, _, alias, seen) in enumerate(FAMILIES):
        count = stored(domain, tag)
        domain.attachDeviceFlags(texts[number], BOTH)
        events.wait("added", alias)
        assert alias in aliases(domain), tag
        assert alias in in_qemu(domain), tag
        assert stored(domain, tag) == count + 1, tag
        if seen:
            ask(console, seen, "have-%d." % number)
    # tables of the tools follow
    assert {"vdb", "sdb", "sdc"} <= set(virsh("domblklist", "plug").split())
    assert MAC in virsh("domiflist", "plug")
    assert domain.blockStats("vdb")[0] >= 0
    inserted = [drive["inserted"] for drive in qmp(domain, "query-block")
                if "virtio-disk1" in drive.get("qdev", "")]
    assert inserted[0]["iops"] == 900
    assert int(ElementTree.fromstring(domain.XMLDesc()).find("memory").text) == 384 * 1024
    text, names = domain.XMLDesc(), in_qemu(domain)
    console.close()
    daemon.restart(signal.SIGKILL)
    connection = libvirt.open(URI)
    domain = connection.lookupByName("plug")
    wait_until(lambda: domain.XMLDesc() == text, 30, what=lambda: "\n".join(
        difflib.unified_diff(text.splitlines(), domain.XMLDesc().splitlines(), lineterm="", n=2)))
    assert in_qemu(domain) == names
    console, events = Console(domain), Events(connection, domain)
    # later ones stand on earlier ones
    for number, (tag, _, alias, seen) in reversed(list(enumerate(FAMILIES))):
        count = stored(domain, tag)
        domain.detachDeviceFlags(texts[number], BOTH)
        events.wait("removed", alias)
        assert alias not in aliases(domain), tag
        assert stored(domain, tag) == count - 1, tag
        if seen:
            ask(console, "! { %s; }" % seen, "gone-%d." % number)
    assert in_qemu(domain) == before
    assert back_ends(domain) == before_ends
    assert int(ElementTree.fromstring(domain.XMLDesc()).find("memory").text) == 256 * 1024
    console.close()
    connection.close()


def test_a_machine_without_pci_express(linux):
    console = boot(linux)
    for text, alias, seen in [
            (disk(image("pc.img"), "vdb"), "virtio-disk1", has_block("vda")),
            ("<interface type='user'><mac address='%s'/><model type='virtio'/></interface>" % MAC, "net0",
             "grep -q %s /sys/class/net/*/address" % MAC)]:
        linux.attachDeviceFlags(text, BOTH)
        ask(console, seen, alias + " is there")
        linux.detachDeviceFlags(text, BOTH)
        ask(console, "! { %s; } 2>/dev/null" % seen, alias + " has gone")
        wait_until(lambda: alias not in aliases(linux))
    assert true(linux)
    console.close()


# ---- what changes in a device that stays ----

def test_media(connection):
    domain = connection.defineXML(pluggable("drive"))
    first, second = image("first.iso"), image("second.iso", 4 << 20)
    domain.attachDeviceFlags("<controller type='scsi' model='virtio-scsi'/>", CONFIG)
    domain.attachDeviceFlags(disk(first, "sdb", "scsi", "cdrom"), CONFIG)
    console = boot(domain)
    ask(console, has_block("sr0"), "first.")
    ends = back_ends(domain)
    domain.updateDeviceFlags(disk(second, "sdb", "scsi", "cdrom"), BOTH)
    ask(console, "cat /dev/sr0 | wc -c | grep -q %d" % (4 << 20), "second.")
    for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        (source,) = [found.find("source").get("file") for found in devices(domain, flags).findall("disk")
                     if found.find("target").get("dev") == "sdb"]
        assert source == str(second)
    assert len(back_ends(domain)) == len(ends) and back_ends(domain) != ends
    # a drive in use is locked: the guest is asked, and does nothing
    console.send("exec 4</dev/sr0; echo lo''cked.\n")
    console.wait("locked.")
    assert code_of(domain.updateDeviceFlags, disk(first, "sdb", "scsi", "cdrom"), LIVE) == \
        libvirt.VIR_ERR_OPERATION_FAILED
    assert str(second) in domain.XMLDesc() and len(back_ends(domain)) == len(ends)
    domain.updateDeviceFlags(disk(None, "sdb", "scsi", "cdrom"),
                             LIVE | libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE)
    assert str(second) not in domain.XMLDesc() and len(back_ends(domain)) == len(ends) - 2
    # attaching to a drive that is there inserts; what is not there changes nothing
    domain.attachDevice(disk(first, "sdb", "scsi", "cdrom"))
    assert str(first) in domain.XMLDesc()
    text = domain.XMLDesc()
    assert code_of(domain.updateDeviceFlags, disk(IMAGES / "none.iso", "sdb", "scsi", "cdrom"), LIVE) == \
        libvirt.VIR_ERR_SYSTEM_ERROR
    assert domain.XMLDesc() == text
    console.close()


def greets(address, port):
    """does a VNC server talk there?"""
    try:
        with socket.create_connection((address, port), 10) as viewer:
            return viewer.recv(4) == b"RFB "
    except ConnectionRefusedError:
        return False


def test_display_listens_elsewhere(connection):
    display = "<graphics type='vnc' port='-1' autoport='yes' listen='%s'/>"
    domain = connection.defineXML(hlt_xml("moves", devices=display % "127.0.0.1" + "<video><model type='vga'/></video>"))
    domain.create()
    said = lambda flags: ElementTree.fromstring(domain.XMLDesc(flags)).find("devices/graphics")
    port = int(said(0).get("port"))
    domain.updateDeviceFlags(display % "127.0.0.2", BOTH)
    for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        assert said(flags).get("listen") == said(flags).find("listen").get("address") == "127.0.0.2"
    assert greets("127.0.0.2", port) and not greets("127.0.0.1", port)
    # no address of this host
    assert code_of(domain.updateDeviceFlags, display % "192.0.2.77", BOTH) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert said(0).get("listen") == "127.0.0.2" and greets("127.0.0.2", port)
    for other in ("<graphics type='vnc' port='-1' autoport='yes'><listen type='socket'/></graphics>",
                  "<graphics type='vnc' port='%d' listen='127.0.0.2'/>" % (port + 1)):
        assert code_of(domain.updateDeviceFlags, other, LIVE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED


def test_tray_that_closes(connection):
    """a guest may close the tray before the medium is out, and is asked again"""
    emulator = shutil.copy(ROOT / "tests" / "lib" / "closing-tray", IMAGES)
    first, second = image("first.iso"), image("second.iso", 4 << 20)
    domain = connection.createXML(hlt_xml("closing", emulator=emulator, devices=disk(first, "hdc", "ide", "cdrom")))
    domain.updateDeviceFlags(disk(second, "hdc", "ide", "cdrom"), LIVE)
    assert str(second) in domain.XMLDesc() and str(first) not in domain.XMLDesc()
    (drive,) = qmp(domain, "query-block")
    assert drive["inserted"]["image"]["filename"] == str(second) and not drive["tray_open"]


def test_updates(connection):
    more = "<graphics type='vnc' port='-1' autoport='yes' passwd='old'/>"
    net = "<interface type='user'><mac address='52:54:00:aa:bb:03'/><model type='virtio'/>%s</interface>"
    text = pluggable("update").replace("<memballoon", more + net % "" + "<memballoon")
    domain = connection.defineXML(text)
    console = boot(domain)
    console.send("ip link set eth0 up\n")
    ask(console, "grep -q 1 /sys/class/net/eth0/carrier", "up.")
    domain.updateDeviceFlags(net % "<link state='down'/>", BOTH)
    ask(console, "grep -q 0 /sys/class/net/eth0/carrier", "down.")
    assert domain.XMLDesc().count("link state='down'") == 1
    virsh("domif-setlink", "update", "52:54:00:aa:bb:03", "up")
    ask(console, "grep -q 1 /sys/class/net/eth0/carrier", "again.")

    domain.updateDeviceFlags(more.replace("old", "new"), BOTH)
    for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        assert "passwd='new'" in domain.XMLDesc(flags | libvirt.VIR_DOMAIN_XML_SECURE)

    memory = """<memory model='virtio-mem'><target><size unit='MiB'>256</size><node>0</node>
      <block unit='MiB'>2</block><requested unit='MiB'>%d</requested></target></memory>"""
    used = lambda: int(ElementTree.fromstring(domain.XMLDesc()).find("currentMemory").text)
    before = used()
    for flags in (LIVE, CONFIG):
        assert code_of(domain.attachDeviceFlags, memory % 3, flags) == libvirt.VIR_ERR_XML_DETAIL
    domain.attachDeviceFlags(memory % 0, LIVE)
    assert used() == before
    assert code_of(domain.updateDeviceFlags, memory % 3, LIVE) == libvirt.VIR_ERR_XML_DETAIL
    domain.updateDeviceFlags(memory % 128, LIVE)
    wait_until(lambda: qmp(domain, "qom-get", path="/machine/peripheral/virtiomem0",
                           property="requested-size") == 128 << 20)
    wait_until(lambda: qmp(domain, "qom-get", path="/machine/peripheral/virtiomem0",
                           property="size") == 128 << 20, 30, what="the guest takes the memory")
    wait_until(lambda: devices(domain).find("memory/target/current").text == str(128 * 1024))
    assert used() == before + 128 * 1024
    console.close()


# ---- what can't be ----

REFUSED = [
    ("<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>", LIVE,
     libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "floppy"),
    ("<disk type='file'><source file='/etc/hostname'/><target dev='sdb' bus='sata'/></disk>", LIVE,
     libvirt.VIR_ERR_INTERNAL_ERROR, "does not support hotplugging"),
    ("<disk type='file'><source file='/none'/><target dev='vdb' bus='virtio'/></disk>", LIVE,
     libvirt.VIR_ERR_SYSTEM_ERROR, "/none"),
    ("<disk type='file'><source file='/none'/><target dev='vda' bus='virtio'/></disk>", LIVE,
     libvirt.VIR_ERR_XML_ERROR, "vda"),
    ("<disk type='file'><source file='/none'/><target dev='vda' bus='virtio'/></disk>", CONFIG,
     libvirt.VIR_ERR_OPERATION_INVALID, "vda"),
    ("<disk type='file'><source file='/none'/><target dev='vdb' bus='virtio'/>"
     "<address type='pci' domain='0' bus='1' slot='0' function='0'/></disk>", LIVE,
     libvirt.VIR_ERR_XML_ERROR, "0000:01:00.0"),
    ("<controller type='usb' model='qemu-xhci' index='1'/>", LIVE,
     libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "usb"),
    ("<sound model='usb'/>", LIVE, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "sound"),
    ("<memballoon model='virtio'/>", BOTH, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "memballoon"),
    ("<graphics type='vnc'/>", CONFIG, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "graphics"),
    ("<input type='mouse' bus='ps2'/>", LIVE, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "ps2"),
    ("<input type='passthrough' bus='virtio'><source evdev='/none'/></input>", LIVE, libvirt.VIR_ERR_SYSTEM_ERROR,
     "/none"),
    ("<input type='evdev'><source dev='/none'/></input>", LIVE, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, "'none'"),
    ("<vsock model='virtio'><cid auto='yes'/></vsock>", LIVE, libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "vhost-vsock"),
    ("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
     "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>", LIVE,
     libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "VFIO"),
    ("<device/>", LIVE, libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "device"),
    ("<disk", LIVE, libvirt.VIR_ERR_XML_DETAIL, "disk"),
]


def test_refused(connection):
    domain = connection.createXML(halted("refused", devices=disk(image("r.img"), "vda")))
    domain = connection.defineXML(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    text, stored, ends = domain.XMLDesc(), domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), back_ends(domain)
    for xml, flags, code, words in REFUSED:
        with pytest.raises(libvirt.libvirtError) as caught:
            domain.attachDeviceFlags(xml, flags)
        assert caught.value.get_error_code() == code, (xml, caught.value)
        assert words in str(caught.value), xml
    for call, xml, code in [
            (domain.detachDeviceFlags, disk(None, "vdz"), libvirt.VIR_ERR_DEVICE_MISSING),
            (domain.detachDeviceFlags, disk(None, "sda", "sata", "cdrom"), libvirt.VIR_ERR_DEVICE_MISSING),
            (domain.detachDeviceFlags, "<controller type='pci' index='1'/>",
             libvirt.VIR_ERR_OPERATION_UNSUPPORTED),
            (domain.updateDeviceFlags, "<rng model='virtio'><backend model='random'/></rng>",
             libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
            (domain.updateDeviceFlags, disk(IMAGES / "r.img", "vda", more="<serial>1</serial>"),
             libvirt.VIR_ERR_OPERATION_UNSUPPORTED),
            (domain.updateDeviceFlags, disk(IMAGES / "r.img", "vda", more="<alias name='ua-other'/>"),
             libvirt.VIR_ERR_OPERATION_DENIED),
            (domain.updateDeviceFlags, disk(image("other.img"), "vda"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
            (domain.detachDeviceAlias, "net77", libvirt.VIR_ERR_INTERNAL_ERROR)]:
        assert code_of(call, xml, LIVE) == code, xml
    assert (domain.XMLDesc(), domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)) == (text, stored)
    assert back_ends(domain) == ends


def test_a_step_that_fails_undoes_the_others(connection):
    domain = connection.createXML(halted("undo", devices=disk(image("locked.img"), "vda")))
    text, ends, names = domain.XMLDesc(), back_ends(domain), in_qemu(domain)
    # the second user of an image is refused at the very last step
    assert code_of(domain.attachDevice, disk(IMAGES / "locked.img", "vdb")) == libvirt.VIR_ERR_INTERNAL_ERROR
    image("fresh.img")
    os.chown(IMAGES / "fresh.img", 0, 0)
    assert code_of(domain.attachDevice, disk(IMAGES / "fresh.img", "sdb", "sata")) == \
        libvirt.VIR_ERR_INTERNAL_ERROR
    assert os.stat(IMAGES / "fresh.img").st_uid == 0
    assert (domain.XMLDesc(), back_ends(domain), in_qemu(domain)) == (text, ends, names)
    # of a file that QEMU was to write to nothing is left open
    channel = "<channel type='file'><source path='%s'/><target type='virtio' name='%s'/></channel>"
    domain.attachDevice(channel % (IMAGES / "one.log", "one"))
    assert code_of(domain.attachDevice, channel % (IMAGES / "two.log", "one")) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    qmp(domain, "device_add", driver="virtserialport", id="channel1", bus="virtio-serial0.0")
    sets = qmp(domain, "query-fdsets")
    assert code_of(domain.attachDevice, channel % (IMAGES / "two.log", "two")) == \
        libvirt.VIR_ERR_INTERNAL_ERROR
    assert qmp(domain, "query-fdsets") == sets
    qmp(domain, "device_del", id="channel1")
    assert true(domain)


# ---- guests that take their time, daemons that end ----

def test_a_device_leaves_when_the_guest_lets_it(daemon, connection):
    domain = connection.defineXML(pluggable("late"))
    console = boot(domain)
    events = Events(connection, domain)
    for target in ("vdb", "vdc"):
        domain.attachDevice(disk(image(target + ".img"), target))
    ask(console, "[ -e /sys/block/vdb ]", "both.")
    domain.suspend()
    begun = time.monotonic()
    domain.detachDevice(disk(IMAGES / "vdb.img", "vdb"))
    assert 4 < time.monotonic() - begun < 20
    assert "virtio-disk1" in aliases(domain)
    domain.resume()
    events.wait("removed", "virtio-disk1")
    assert "virtio-disk1" not in aliases(domain) and true(domain)
    # the same while nobody listens
    domain.suspend()
    domain.detachDeviceAlias("virtio-disk2")
    domain.resume()
    daemon.restart(signal.SIGKILL)
    with libvirt.open(URI) as fresh:
        domain = fresh.lookupByName("late")
        wait_until(lambda: "virtio-disk2" not in aliases(domain), 30)
        wait_until(lambda: true(domain) and nodes_of_images(domain) == 0, 30)


def test_a_killed_daemon_leaves_a_true_definition(daemon, connection):
    connection.createXML(halted("killed"))
    for turn in range(8):
        path = image("k%d.img" % turn)
        words = ("attach-disk", "killed", str(path), "vd" + "abcdefgh"[turn % 5], "--targetbus", "virtio")
        client = threading.Thread(target=virsh, args=words, kwargs={"check": False})
        client.start()
        time.sleep(0.02 + 0.012 * turn)
        daemon.restart(signal.SIGKILL)
        client.join()
        with libvirt.open(URI) as fresh:
            domain = fresh.lookupByName("killed")
            wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
            wait_until(lambda: true(domain), 30, what=lambda: (in_qemu(domain), domain.XMLDesc()))
            wait_until(lambda: nodes_of_images(domain) == 2 * len(devices(domain).findall("disk/source")), 30)


def test_a_daemon_killed_while_a_device_leaves(daemon, connection):
    connection.createXML(halted("leaving"))
    for turn in range(6):
        path = image("l%d.img" % turn)
        virsh("attach-disk", "leaving", str(path), "sda", "--targetbus", "usb")
        client = threading.Thread(target=virsh, args=("detach-disk", "leaving", "sda"),
                                  kwargs={"check": False})
        client.start()
        time.sleep(0.015 + 0.01 * turn)
        daemon.restart(signal.SIGKILL)
        client.join()
        with libvirt.open(URI) as fresh:
            domain = fresh.lookupByName("leaving")
            wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
            wait_until(lambda: true(domain), 30, what=lambda: (in_qemu(domain), domain.XMLDesc()))
            wait_until(lambda: nodes_of_images(domain) == 2 * len(devices(domain).findall("disk/source")), 30)
            if "usb-disk0" in aliases(domain):
                assert code_of(domain.detachDeviceAlias, "usb-disk0") in (None, libvirt.VIR_ERR_INTERNAL_ERROR)
                wait_until(lambda: "usb-disk0" not in aliases(domain), 30)


def test_the_guest_agrees_after_a_kill(daemon, connection):
    """what a Linux guest sees is what the definition says, whenever the daemon was killed"""
    domain = connection.defineXML(pluggable("agrees", 4))
    boot(domain).close()
    path = image("agrees.img")
    for turn, words in enumerate([("attach-disk", "agrees", str(path), "vdb"), ("detach-disk", "agrees", "vdb")] * 3):
        client = threading.Thread(target=virsh, args=words, kwargs={"check": False})
        client.start()
        time.sleep(0.01 + 0.02 * turn)
        daemon.restart(signal.SIGKILL)
        client.join()
        with libvirt.open(URI) as fresh:
            domain = fresh.lookupByName("agrees")
            wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
            there = "virtio-disk1" in aliases(domain)
            if words[0] == "detach-disk" and there:     # it leaves late, or was never asked to
                code_of(domain.detachDeviceAlias, "virtio-disk1")
                wait_until(lambda: "virtio-disk1" not in aliases(domain), 30)
                there = False
            elif words[0] == "attach-disk" and not there:
                domain.attachDevice(disk(path, "vdb"))
                there = True
            wait_until(lambda: true(domain), 30, what=lambda: (in_qemu(domain), domain.XMLDesc()))
            wait_until(lambda: nodes_of_images(domain) == (2 if there else 0), 30,
                       what=lambda: (turn, there, nodes_of_images(domain), in_qemu(domain)))
            console = Console(domain)
            ask(console, has_block("vda") if there else "! { %s; }" % has_block("vda"), "turn-%d." % turn)
            console.close()


def test_killed_while_qemu_is_busy(daemon, connection):
    connection.createXML(halted("busy"))
    (pid,) = emulator_pids("busy")
    path = image("busy.img")
    os.kill(pid, signal.SIGSTOP)
    words = ("attach-disk", "busy", str(path), "vda", "--targetbus", "virtio")
    client = threading.Thread(target=virsh, args=words, kwargs={"check": False})
    client.start()
    status = pathlib.Path("/run/libvirt/qemu/busy.xml")
    wait_until(lambda: "<plugging>" in status.read_text(), what="it is recorded before QEMU is told")
    daemon.kill(signal.SIGKILL)
    os.kill(pid, signal.SIGCONT)
    daemon.start()
    client.join()
    with libvirt.open(URI) as fresh:
        domain = fresh.lookupByName("busy")
        wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
        wait_until(lambda: true(domain) and "<plugging>" not in status.read_text(), 30)
        assert nodes_of_images(domain) == 0 or "vda" in domain.XMLDesc()
        domain.attachDevice(disk(image("after.img"), "vdb"))
        assert true(domain)


def test_a_stopped_qemu_ends_the_call_alone(connection):
    domain = connection.createXML(halted("stopped"))
    other = connection.createXML(halted("other"))
    (pid,) = emulator_pids("stopped")
    path = image("stopped.img")
    result = []

    def attach():
        with libvirt.open(URI) as own:
            result.append(code_of(own.lookupByName("stopped").attachDevice, disk(path, "vda")))

    os.kill(pid, signal.SIGSTOP)
    try:
        client = threading.Thread(target=attach)
        client.start()
        other.attachDevice(disk(image("o.img"), "vda"))
        assert true(other)
        assert "vda" not in domain.XMLDesc()
        client.join(60)
        assert result == [libvirt.VIR_ERR_OPERATION_TIMEOUT]
        assert "vda" not in domain.XMLDesc()
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
    wait_until(lambda: true(domain), 30)
    wait_until(lambda: code_of(domain.attachDevice, disk(image("p.img"), "vdb")) is None, 30, 0.2)
    assert true(domain)


# ---- the stock tool ----

@pytest.fixture
def bridge():
    for name in ("plugbr0", "plugbr1"):
        subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    yield
    for name in ("plugbr0", "plugbr1"):
        subprocess.run(["ip", "link", "del", name], check=True)


def test_virsh(connection, bridge):
    domain = connection.defineXML(pluggable("tool"))
    console = boot(domain)
    path = image("tool.img")
    virsh("attach-disk", "tool", str(path), "vdb", "--targetbus", "virtio", "--live", "--config")
    ask(console, has_block("vda"), "disk.")
    virsh("detach-disk", "tool", "vdb", "--live", "--config")
    ask(console, "! { %s; }" % has_block("vda"), "nodisk.")
    virsh("attach-interface", "tool", "bridge", "plugbr0", "--mac", MAC, "--model", "virtio", "--live",
          "--config")
    ask(console, "grep -q %s /sys/class/net/*/address" % MAC, "net.")
    device = devices(domain).find("interface/target").get("dev")
    virsh("update-device", "tool", "/dev/stdin", "--live", text="<interface type='bridge'><mac address='%s'/>"
          "<source bridge='plugbr1'/><model type='virtio'/></interface>" % MAC)
    assert os.readlink("/sys/class/net/%s/master" % device).endswith("/plugbr1")
    assert "plugbr1" in virsh("domiflist", "tool")
    port = "<interface type='bridge'><mac address='%s'/><source bridge='plugbr1'/><model type='virtio'/>%s</interface>"
    isolated = pathlib.Path("/sys/class/net/%s/brport/isolated" % device)
    more = "<port isolated='yes'/><coalesce><rx><frames max='7'/></rx></coalesce>"
    domain.updateDeviceFlags(port % (MAC, more), LIVE)
    assert isolated.read_text().strip() == "1"
    assert devices(domain).find("interface/coalesce/rx/frames").get("max") == "7"
    domain.updateDeviceFlags(port % (MAC, ""), LIVE)
    assert isolated.read_text().strip() == "0" and devices(domain).find("interface/coalesce") is None
    domain.updateDeviceFlags(port % (MAC, "<alias name='ua-port'/>"), CONFIG)
    assert "ua-port" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    virsh("detach-interface", "tool", "bridge", "--mac", MAC, "--live", "--config")
    ask(console, "! grep -q %s /sys/class/net/*/address 2>/dev/null" % MAC, "nonet.")
    virsh("change-media", "tool", "sda", str(path), "--insert", "--live", "--config")
    assert str(path) in virsh("domblklist", "tool")
    virsh("change-media", "tool", "sda", "--eject", "--live", "--config")
    assert str(path) not in virsh("domblklist", "tool")
    virsh("attach-device", "tool", "/dev/stdin", "--current",
          text="<rng model='virtio'><backend model='random'>/dev/urandom</backend>"
               "<alias name='ua-mine'/></rng>")
    assert "ua-mine" in aliases(domain)
    virsh("detach-device-alias", "tool", "ua-mine", "--live")
    wait_until(lambda: "ua-mine" not in aliases(domain), 30)
    virsh("update-device", "tool", "/dev/stdin", "--live",
          text=disk(path, "sda", "sata", "cdrom"))
    assert str(path) in virsh("domblklist", "tool")
    assert true(domain)
    console.close()

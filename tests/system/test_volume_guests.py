# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on volumes of storage pools, and volumes that guests work with."""
import json
import os
import pathlib
import shutil
import subprocess

import libvirt
import libvirt_qemu
import pytest

import daemon as tested
from conftest import code_of, opened, remove_guests
from daemon import EMULATOR, boot_sector, boot_xml, has_booted, hlt_xml, wait_until

STORAGE = "storage:///system"
ROOT = pathlib.Path("/run/pools")
MiB = 1024 * 1024
POOL = "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>"
INVALID = libvirt.VIR_ERR_OPERATION_INVALID


def volume_xml(name, capacity=4 * MiB, form="raw", below=None):
    backing = f"<backingStore><path>{below}</path><format type='qcow2'/></backingStore>" if below else ""
    return f"""<volume><name>{name}</name><capacity>{capacity}</capacity><allocation>0</allocation>
      <target><format type='{form}'/></target>{backing}</volume>"""


def message_of(call, *arguments):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    return caught.value.get_error_message()


@pytest.fixture(scope="module")
def storaged():
    ROOT.mkdir(exist_ok=True)
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    shutil.rmtree(ROOT)


@pytest.fixture
def pool(storaged):
    connection = libvirt.open(STORAGE)
    yield connection.storagePoolCreateXML(POOL % ("p", ROOT / "p"), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    with libvirt.open(STORAGE) as fresh:
        fresh.storagePoolLookupByName("p").destroy()
    shutil.rmtree(ROOT / "p")


# ---- what somebody works with ----

class Emulator:
    """a QEMU that nobody has told us of, with an image"""

    def __init__(self, name, path, form):
        drive = f"if=none,id=d,file={path},format={form}"
        self.process = subprocess.Popen([
            EMULATOR, "-name", f"guest={name},debug-threads=on", "-M", "pc,accel=tcg", "-m", "16", "-S",
            "-nodefaults", "-display", "none", "-drive", drive, "-device", "virtio-blk,drive=d"])

    def end(self):
        self.process.kill()
        self.process.wait()


def is_locked(path):
    return any(line.split()[-3].endswith(f":{os.stat(path).st_ino}") for line in open("/proc/locks"))


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_of_strangers(pool, form):
    """an image that any QEMU has open is not deleted, wiped or made smaller, nor one below it"""
    below = pool.createXML(volume_xml("below", form="qcow2"))
    volume = pool.createXML(volume_xml("v", form=form, below=below.path() if form == "qcow2" else None))
    guest = Emulator("a,,b", volume.path(), form)
    try:
        wait_until(lambda: is_locked(volume.path()) and (form == "raw" or is_locked(below.path())), timeout=60)
        for call in (volume.delete, volume.wipe, lambda: volume.resize(MiB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK),
                     lambda: volume.upload(pool.connect().newStream(), 0, 0)):
            assert code_of(call) == INVALID
            assert f"by guest 'a,b' (process {guest.process.pid})" in message_of(call)
        if form == "raw":
            volume.resize(8 * MiB)
        else:
            assert "by guest 'a,b'" in message_of(below.delete)
    finally:
        guest.end()
    volume.wipe()
    volume.delete()
    below.delete()


def test_upload_keeps_guests_out(pool):
    """several uploads at once, and no guest that would see the half of one"""
    volume = pool.createXML(volume_xml("v"))
    streams = [pool.connect().newStream() for _ in range(2)]
    for number, stream in enumerate(streams):
        volume.upload(stream, number * MiB, MiB)
    opens = ["qemu-io", "-f", "raw", "-c", "quit", volume.path()]
    shown = subprocess.run(opens, capture_output=True, text=True)
    assert shown.returncode and "lock" in shown.stderr
    for stream in streams:
        stream.send(b"x" * 100)
        stream.finish()
    subprocess.run(opens, check=True, stdout=subprocess.DEVNULL)
    volume.delete()


# ---- guests on volumes ----

DISK = """<disk type='volume' device='%(device)s'><driver name='qemu' type='%(form)s'/>
  <source pool='p' volume='%(name)s'%(more)s/><target dev='%(target)s' bus='%(bus)s'/></disk>"""


def disk_xml(name, target="vda", bus="virtio", device="disk", form="raw", more=""):
    return DISK % locals()


@pytest.fixture(scope="module")
def qemud(storaged):
    tested.install_guests()
    running = tested.Daemon().start()
    yield running
    running.stop()


@pytest.fixture
def connection(qemud):
    with opened(qemud, tested.URI, remove_guests) as connection:
        yield connection


def start(connection, name, *disks):
    text = hlt_xml(name).replace("</devices>", "".join(disks) + "</devices>")
    return connection.createXML(text, libvirt.VIR_DOMAIN_START_PAUSED)


def nodes(domain):
    """file name by node name, as QEMU has them"""
    found = json.loads(libvirt_qemu.qemuMonitorCommand(
        domain, '{"execute": "query-named-block-nodes"}', 0))["return"]
    return {node["node-name"]: node["file"] for node in found}


def test_start(connection, pool):
    """a disk that is a volume starts as the file that it is, and its document stays the same"""
    below = pool.createXML(volume_xml("below", form="qcow2"))
    for name in ("raw", "cd"):
        pool.createXML(volume_xml(name))
    above = pool.createXML(volume_xml("above", form="qcow2", below=below.path()))
    guest = start(connection, "g", disk_xml("raw"), disk_xml("above", "vdb", form="qcow2"),
                  disk_xml("cd", "sdc", "sata", "cdrom", more=" startupPolicy='optional'"))
    text = guest.XMLDesc()
    assert "<source pool='p' volume='raw' index=" in text and "/run/pools/p/raw" not in text
    assert "<real" not in text
    assert f"<source file='{below.path()}'" in text
    assert str(ROOT / "p" / "raw") in nodes(guest).values()
    assert str(ROOT / "p" / "above") in nodes(guest).values()
    volume = pool.storageVolLookupByName("raw")
    assert guest.blockInfo("vda")[0] == volume.info()[1] == 4 * MiB
    assert guest.blockInfo("vda")[2] == volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2]
    assert guest.blockInfo("vdb")[0] == above.info()[1]
    stats = connection.domainListGetStats([guest], libvirt.VIR_DOMAIN_STATS_BLOCK)[0][1]
    assert stats["block.0.path"] == volume.path() and stats["block.0.capacity"] == 4 * MiB
    for used in (volume, above, below):
        assert "by guest 'g'" in message_of(used.delete)


def test_layers_on_a_server(connection, pool):
    """an image on a server that has another one below it never runs without it"""
    base, top, socket = ROOT / "base.img", ROOT / "top.qcow2", ROOT / "layers"
    base.write_bytes(boot_sector("below a server").ljust(MiB))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, top], check=True)
    server = subprocess.Popen(["qemu-nbd", "-t", "-e", "4", "-f", "raw", "-x", "e", "-r", "-k", socket, top])
    disk = """<disk type='network'><driver name='qemu' type='qcow2'/><source protocol='nbd' name='e'>
      <host transport='unix' socket='%s'/></source>%s<target dev='vda' bus='virtio'/><readonly/></disk>"""
    said = "<backingStore type='file'><format type='raw'/><source file='%s'/></backingStore>" % base
    try:
        wait_until(lambda: tested.accepts(socket), timeout=60)
        socket.chmod(0o777)
        with pytest.raises(libvirt.libvirtError, match="base.img") as refused:
            connection.createXML(hlt_xml("alone", devices=disk % (socket, "")))
        assert refused.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        domain = connection.createXML(hlt_xml("plug"))
        with pytest.raises(libvirt.libvirtError, match="base.img"):
            domain.attachDevice(disk % (socket, ""))
        assert "vda" not in domain.XMLDesc()
        domain.destroy()
        connection.createXML(hlt_xml("whole", devices=disk % (socket, said))).destroy()
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("words", ["nbd:unix:%s:exportname=e", "nbd+unix:///e?socket=%s",
                                   'json:{"file":{"driver":"nbd","path":"%s","export":"e"}}'])
def test_image_on_a_server_below(connection, pool, words):
    """what a header says of a server is no word for QEMU to believe, but part of the live document"""
    content, socket, path = ROOT / "content", ROOT / "socket", ROOT / "p" / "v"
    content.write_bytes(boot_sector("on a server").ljust(MiB))
    server = subprocess.Popen(["qemu-nbd", "-t", "-r", "-f", "raw", "-x", "e", "-k", socket, content])
    try:
        wait_until(lambda: tested.accepts(socket), timeout=60)
        socket.chmod(0o777)
        subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", words % socket, "-F", "raw", path, "1M"],
                       check=True)
        pool.refresh()
        guest = connection.createXML(boot_xml("g", disk_xml("v", form="qcow2")))
        assert "<source protocol='nbd' name='e'" in guest.XMLDesc() and f"socket='{socket}'" in guest.XMLDesc()
        wait_until(lambda: has_booted(guest, "on a server"), timeout=60)
        guest.destroy()
    finally:
        server.kill()
        server.wait()
    pool.storageVolLookupByName("v").delete()


def test_known_after_restart(connection, pool, qemud):
    volume = pool.createXML(volume_xml("v"))
    start(connection, "g", disk_xml("v"))
    qemud.restart()
    with libvirt.open(tested.URI) as fresh:
        guest = fresh.lookupByName("g")
        assert "<source pool='p' volume='v' index=" in guest.XMLDesc()
        assert guest.blockInfo("vda")[0] == 4 * MiB and str(ROOT / "p" / "v") in nodes(guest).values()
        guest.blockResize("vda", 8 * MiB, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        assert volume.info()[1] == 8 * MiB
        guest.destroy()
    owner = os.stat(volume.path()).st_uid
    assert owner == 0                                       # given back by what the status file told
    volume.delete()


def test_plugged(connection, pool):
    for name in "abcd":
        pool.createXML(volume_xml(name))
    guest = start(connection, "g", disk_xml("c", "sdc", "sata", "cdrom"))
    guest.attachDevice(disk_xml("a"))
    assert str(ROOT / "p" / "a") in nodes(guest).values()
    assert code_of(guest.attachDevice, disk_xml("none", "vdb")) == libvirt.VIR_ERR_NO_STORAGE_VOL
    guest.updateDeviceFlags(disk_xml("d", "sdc", "sata", "cdrom"))
    assert str(ROOT / "p" / "d") in nodes(guest).values() and str(ROOT / "p" / "c") not in nodes(guest).values()
    pool.storageVolLookupByName("c").delete()
    assert code_of(pool.storageVolLookupByName("d").delete) == INVALID


def test_refused(connection, pool, storaged):
    """what is not there is told as what it is, and nothing is left of the start"""
    pool.createXML(volume_xml("v"))
    with libvirt.open(STORAGE) as storage:
        idle = storage.storagePoolDefineXML(POOL % ("idle", ROOT / "idle"))
        for text, code, words in (
                (disk_xml("none"), libvirt.VIR_ERR_NO_STORAGE_VOL, "disk 'vda'"),
                (disk_xml("v").replace("pool='p'", "pool='none'"), libvirt.VIR_ERR_NO_STORAGE_POOL, "none"),
                (disk_xml("v").replace("pool='p'", "pool='idle'"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
                 "storage pool 'idle' containing volume 'v' is not active"),
                (disk_xml("v", more=" mode='direct'"), libvirt.VIR_ERR_XML_ERROR, "iscsi"),
                (disk_xml("v").replace(" volume='v'", ""), libvirt.VIR_ERR_XML_ERROR, "'volume'")):
            assert (code_of(start, connection, "g", text), words in message_of(start, connection, "g", text)) \
                == (code, True), text
        idle.undefine()
    guest = start(connection, "g", disk_xml("none", "sdc", "sata", "cdrom", more=" startupPolicy='optional'"))
    assert "<source pool" not in guest.XMLDesc()
    guest.destroy()
    storaged.stop()
    try:
        assert "virtstoraged" in message_of(start, connection, "g", disk_xml("v"))
    finally:
        storaged.start()


def test_size_while_off(connection, pool):
    pool.createXML(volume_xml("v", form="qcow2"))
    domain = connection.defineXML(hlt_xml("g").replace("</devices>", disk_xml("v", form="qcow2") + "</devices>"))
    assert domain.blockInfo("vda")[0] == 4 * MiB
    assert "<source pool='p' volume='v'/>" in domain.XMLDesc()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools of type rbd, and a guest on a volume of one, against a Ceph cluster of one node."""
import base64
import json
import os
import signal
import time
import uuid

import libvirt
import libvirt_qemu
import pytest

import ceph
import daemon as tested
from client import code_of, guests  # noqa: F401 - a fixture

URI = "storage:///system"
MiB = 1024 * 1024
MODULES = tested.BUILD / "virtstoraged"
SECRET = str(uuid.uuid4())
SECRET_XML = f"""<secret ephemeral='no' private='yes'><uuid>{SECRET}</uuid><usage type='ceph'>
  <name>client.joe</name></usage></secret>"""
POOL = f"""<pool type='rbd' xmlns:rbd='http://libvirt.org/schemas/storagepool/rbd/1.0'><name>r</name>
  <source><host name='127.0.0.1' port='%d'/><name>{ceph.POOL}</name>
  <auth type='ceph' username='%s'><secret uuid='{SECRET}'/></auth></source>%s</pool>"""
OPTIONS = "<rbd:config_opts><rbd:option name='%s' value='%s'/></rbd:config_opts>"
VOLUME = "<volume><name>%s</name><capacity>%d</capacity>%s</volume>"


def pool_xml(port=ceph.PORT, user=ceph.USER, more=""):
    return POOL % (port, user, more)


@pytest.fixture(scope="module")
def cluster():
    if ceph.find_missing():
        pytest.skip("needs Ceph: " + " ".join(ceph.find_missing()))
    if not (MODULES / "rbd.so").exists():
        pytest.skip("the module was not built: needs librbd-dev and librados-dev")
    running = ceph.Ceph("/run/ceph-cluster")
    yield running
    running.end()


@pytest.fixture(scope="module")
def daemon(cluster):
    os.environ["MODVIRT_STORAGE_MODULES"] = str(MODULES)
    secrets = tested.Daemon(name="virtsecretd").start()
    running = tested.Daemon(name="virtstoraged").start()
    with libvirt.open("secret:///system") as opened:
        opened.secretDefineXML(SECRET_XML).setValue(base64.b64decode(cluster.key()))
    yield running
    running.stop()
    secrets.stop()
    del os.environ["MODVIRT_STORAGE_MODULES"]


@pytest.fixture
def pool(daemon, cluster):
    connection = libvirt.open(URI)
    yield connection.storagePoolCreateXML(pool_xml())
    assert daemon.alive(), daemon.log_tail()
    with libvirt.open(URI) as fresh:
        for one in fresh.listAllStoragePools():
            one.destroy()
    cluster.clear()


def rbd(cluster, *words):
    return cluster.run("rbd", *words)


def write(cluster, name, length):
    rbd(cluster, "bench", f"{ceph.POOL}/{name}", "--io-type", "write", "--io-size", "64K", "--io-threads", 1,
        "--io-total", length, "--io-pattern", "seq")


def content(cluster, name):
    target = cluster.work / "export"
    rbd(cluster, "export", f"{ceph.POOL}/{name}", target)
    data = target.read_bytes()
    target.unlink()
    return data


def test_volumes(pool, daemon, cluster):
    volume = pool.createXML(VOLUME % ("a", 10 * MiB, ""))
    assert volume.key() == volume.path() == "disks/a"
    assert volume.info() == [libvirt.VIR_STORAGE_VOL_NETWORK, 10 * MiB, 0]
    assert "<volume type='network'>" in volume.XMLDesc() and "<format type='raw'/>" in volume.XMLDesc()
    assert json.loads(rbd(cluster, "info", "disks/a", "--format", "json"))["size"] == 10 * MiB
    assert code_of(pool.createXML, VOLUME % ("a", MiB, "")) == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    write(cluster, "a", MiB)
    assert volume.info()[2] == 4 * MiB                      # an object of Ceph's
    volume.resize(20 * MiB)
    assert code_of(volume.resize, 8 * MiB) == libvirt.VIR_ERR_INVALID_ARG
    volume.resize(8 * MiB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
    assert volume.info()[1:] == [8 * MiB, 4 * MiB]
    # what others do
    rbd(cluster, "create", "disks/b", "--size", "32")
    assert code_of(pool.createXML, VOLUME % ("b", MiB, "")) == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    pool.refresh()
    assert sorted(pool.listVolumes()) == ["a", "b"]
    daemon.restart(signal.SIGKILL)
    pool = libvirt.open(URI).storagePoolLookupByName("r")
    assert sorted(pool.listVolumes()) == ["a", "b"]
    rbd(cluster, "rm", "disks/b")
    assert code_of(pool.storageVolLookupByName("b").info) == libvirt.VIR_ERR_NO_STORAGE_VOL
    pool.storageVolLookupByName("a").delete()
    assert pool.listVolumes() == ["b"] and rbd(cluster, "ls", "disks") == ""
    pool.refresh()
    assert pool.listVolumes() == []


def test_wipe(pool, cluster):
    size = 8 * MiB + 4096
    volume = pool.createXML(VOLUME % ("w", size, ""))
    for algorithm, allocation in ((libvirt.VIR_STORAGE_VOL_WIPE_ALG_ZERO, size),
                                  (libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM, 4096)):
        rbd(cluster, "bench", "disks/w", "--io-type", "write", "--io-size", 4096, "--io-total", size,
            "--io-pattern", "seq")
        assert 0 not in content(cluster, "w")[-4096:]
        volume.wipePattern(algorithm)
        assert content(cluster, "w") == bytes(size) and volume.info()[2] <= allocation
    assert code_of(volume.wipePattern, libvirt.VIR_STORAGE_VOL_WIPE_ALG_DOD) == libvirt.VIR_ERR_INVALID_ARG


def test_clones(pool, cluster):
    origin = pool.createXML(VOLUME % ("o", 8 * MiB, ""))
    write(cluster, "o", MiB)
    data = content(cluster, "o")
    first = pool.createXMLFrom(VOLUME % ("first", 12 * MiB, ""), origin)
    second = pool.createXMLFrom(VOLUME % ("second", 0, ""), origin)
    assert first.info()[1:] == [12 * MiB, 0] and second.info()[1:] == [8 * MiB, 0]
    assert content(cluster, "second") == data and content(cluster, "first") == data + bytes(4 * MiB)
    snapshots = lambda: json.loads(rbd(cluster, "snap", "ls", "disks/o", "--format", "json"))
    assert [snap["protected"] for snap in snapshots()] == ["true"]         # one for both
    write(cluster, "o", 2 * MiB)
    third = pool.createXMLFrom(VOLUME % ("third", 0, ""), origin)
    assert content(cluster, "third") == content(cluster, "o") and len(snapshots()) == 2
    # a clone that is wiped does not show what is below it
    first.wipe()
    assert content(cluster, "first") == bytes(12 * MiB) and content(cluster, "second") == data
    assert code_of(origin.delete) is not None
    assert code_of(origin.delete, libvirt.VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS) is not None
    assert content(cluster, "second") == data
    for volume in (first, second, third):
        volume.delete()
    assert code_of(origin.delete) is not None
    origin.delete(libvirt.VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS)
    assert rbd(cluster, "ls", "disks") == ""


def test_copies(pool, cluster, tmp_path):
    """an image without layers, and a file of another pool"""
    rbd(cluster, "create", "disks/plain", "--size", "8", "--image-feature", "exclusive-lock")
    write(cluster, "plain", MiB)
    pool.refresh()
    copy = pool.createXMLFrom(VOLUME % ("copy", 0, ""), pool.storageVolLookupByName("plain"))
    assert content(cluster, "copy") == content(cluster, "plain") and copy.info()[1] == 8 * MiB
    connection = libvirt.open(URI)
    folder = connection.storagePoolCreateXML(
        f"<pool type='dir'><name>d</name><target><path>{tmp_path}</path></target></pool>")
    data = bytes(3 * MiB) + os.urandom(MiB + 5) + bytes(2 * MiB)
    (tmp_path / "file").write_bytes(data)
    folder.refresh()
    volume = pool.createXMLFrom(VOLUME % ("file", 0, ""), folder.storageVolLookupByName("file"))
    assert content(cluster, "file")[:len(data)] == data and volume.info()[1] >= len(data)
    assert code_of(folder.createXMLFrom, VOLUME % ("x", 0, ""), volume) == libvirt.VIR_ERR_NO_SUPPORT


def test_unfinished(pool, cluster):
    """what a killed daemon leaves is not shown, and goes at the next start"""
    rbd(cluster, "create", "disks/.modvirt-part-0123", "--size", "8")
    pool.refresh()
    assert pool.listVolumes() == []
    libvirt.open(URI).storagePoolLookupByName("r").destroy()
    libvirt.open(URI).storagePoolCreateXML(pool_xml())
    assert rbd(cluster, "ls", "disks") == ""


def test_refused(pool, daemon):
    create = pool.createXML
    wrong = libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(create, VOLUME % ("q", MiB, "<target><format type='qcow2'/></target>")) == wrong
    assert code_of(create, VOLUME % ("a@b", MiB, "")) == wrong
    assert code_of(create, VOLUME % ("a/b", MiB, "")) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(create, VOLUME % ("c", 0, "")) == libvirt.VIR_ERR_NO_SUPPORT
    connection = libvirt.open(URI)
    pool.destroy()
    start = connection.storagePoolCreateXML
    assert code_of(start, pool_xml(user="jim")) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(start, pool_xml().replace("<name>disks", "<name>none")) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(start, pool_xml().replace("'ceph'", "'chap'")) is not None
    assert code_of(start, pool_xml(more=OPTIONS % ("no_such", 1))) == libvirt.VIR_ERR_INTERNAL_ERROR
    # nobody there; the document's own deadline
    begun = time.monotonic()
    assert code_of(start, pool_xml(3301, more=OPTIONS % ("client_mount_timeout", 1))) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert time.monotonic() - begun < 20


def test_dead_cluster(pool, cluster):
    """a cluster that stops answering holds up its own calls for a while, and nobody else's"""
    connection = libvirt.open(URI)
    pool.createXML(VOLUME % ("a", MiB, ""))
    pool.destroy()
    pool = connection.storagePoolCreateXML(pool_xml(more=OPTIONS % ("rados_osd_op_timeout", 2)))
    cluster.daemons["osd"].send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert code_of(pool.storageVolLookupByName("a").info) == libvirt.VIR_ERR_SYSTEM_ERROR
        assert code_of(pool.refresh) == libvirt.VIR_ERR_SYSTEM_ERROR
        assert time.monotonic() - begun < 30
        assert pool.listVolumes() == ["a"]
    finally:
        cluster.daemons["osd"].send_signal(signal.SIGCONT)
    tested.wait_until(lambda: code_of(pool.refresh) is None, 60, step=0.2, what="a cluster that answers")
    assert pool.storageVolLookupByName("a").info()[1] == MiB


DISK = """<disk type='volume' device='disk'><driver name='qemu' type='raw'/>
  <source pool='r' volume='%s'/><target dev='vda' bus='virtio'/></disk>"""


def test_guest(pool, guests, cluster):
    """QEMU reaches the volume by its own driver; what it has open is not deleted, wiped or made smaller"""
    image = cluster.work / "image"
    image.write_bytes(tested.boot_sector("rbd").ljust(16 * MiB, b"\0"))
    rbd(cluster, "import", image, f"{ceph.POOL}/g")
    pool.refresh()
    volume = pool.storageVolLookupByName("g")
    domain = guests.createXML(tested.boot_xml("g", DISK % "g"))
    tested.wait_until(lambda: tested.has_booted(domain, "rbd"), 60, what="the guest to boot")
    assert domain.blockInfo("vda")[0] == 16 * MiB
    nodes = json.loads(libvirt_qemu.qemuMonitorCommand(domain, '{"execute": "query-named-block-nodes"}', 0))
    assert "rbd" in [node["drv"] for node in nodes["return"]]
    for call, arguments in ((volume.delete, ()), (volume.wipe, ()),
                            (volume.resize, (8 * MiB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK))):
        assert code_of(call, *arguments) == libvirt.VIR_ERR_OPERATION_INVALID
    volume.resize(32 * MiB)
    domain.destroy()
    volume.delete()


def test_space(pool):
    """it is told by the cluster's manager, some time after its start"""
    def told():
        pool.refresh()
        return pool.info()[1] == 1024 * MiB and 0 < pool.info()[3] <= 1024 * MiB

    tested.wait_until(told, 120, step=0.5, what="the cluster's size")

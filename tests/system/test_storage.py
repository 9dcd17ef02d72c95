# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools and volumes on real folders, with real images, by stock clients."""
import hashlib
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import daemon as tested
from client import code_of, opened, remove_pools
from daemon import wait_until

URI = "storage:///system"
ROOT = pathlib.Path("/run/pools")
MiB = 1024 * 1024

POOL = "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>"
VOLUME = "<volume><name>%s</name><capacity>%d</capacity>%s</volume>"


def volume_xml(name, capacity=MiB, rest="<allocation>0</allocation>", form="raw"):
    return VOLUME % (name, capacity, rest + "<target><format type='%s'/></target>" % form)


@pytest.fixture(scope="module")
def daemon():
    ROOT.mkdir(exist_ok=True)
    os.environ["LIBVIRT_DEBUG"] = "2"                       # with what is told of long work
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    del os.environ["LIBVIRT_DEBUG"]


@pytest.fixture
def connection(daemon):
    """an open connection; afterwards there is no pool, and nothing of one"""
    with opened(daemon, URI, remove_pools) as connection:
        yield connection
    shutil.rmtree(ROOT)
    ROOT.mkdir()
    assert not list(pathlib.Path("/etc/libvirt/storage").glob("*.xml"))
    assert not list(pathlib.Path("/run/libvirt/storage").glob("*.xml"))


def make_pool(connection, name="p"):
    return connection.storagePoolCreateXML(POOL % (name, ROOT / name),
                                           libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)


@pytest.fixture
def pool(connection):
    return make_pool(connection)


# ---- the life of a pool ----

def test_life(connection):
    events, refreshed = [], []
    connection.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                                           lambda c, p, event, detail, _: events.append(event), None)
    connection.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                                           lambda c, p, _: refreshed.append(p.name()), None)
    path = ROOT / "p"
    pool = connection.storagePoolDefineXML(POOL % ("p", path))
    assert (pool.isActive(), pool.isPersistent(), pool.autostart()) == (0, 1, 0)
    assert code_of(pool.create) == libvirt.VIR_ERR_SYSTEM_ERROR       # there is no such folder
    assert pool.isActive() == 0
    pool.build()
    assert path.is_dir()
    for call in (pool.refresh, pool.destroy, pool.listVolumes, pool.numOfVolumes):
        assert code_of(call) == libvirt.VIR_ERR_OPERATION_INVALID
    assert pool.info() == [libvirt.VIR_STORAGE_POOL_INACTIVE, 0, 0, 0]
    pool.create()
    for call in (pool.create, pool.undefine, pool.delete, pool.build):
        assert code_of(call) == libvirt.VIR_ERR_OPERATION_INVALID
    space = os.statvfs(path)
    state, capacity, allocation, available = pool.info()
    assert (state, capacity) == (libvirt.VIR_STORAGE_POOL_RUNNING, space.f_blocks * space.f_frsize)
    assert capacity == allocation + available
    assert "<mode>07" in pool.XMLDesc() and "<mode>" not in pool.XMLDesc(libvirt.VIR_STORAGE_XML_INACTIVE)
    pool.setAutostart(True)
    assert pathlib.Path("/etc/libvirt/storage/autostart/p.xml").is_symlink()
    pool.refresh()
    pool.destroy()
    (path / "file").touch()
    assert code_of(pool.delete) == libvirt.VIR_ERR_SYSTEM_ERROR       # not empty
    (path / "file").unlink()
    pool.delete()
    assert not path.exists()
    pool.undefine()
    assert code_of(connection.storagePoolLookupByName, "p") == libvirt.VIR_ERR_NO_STORAGE_POOL
    wait_until(lambda: events == [0, 4, 2, 3, 5, 1], what=lambda: events)
    assert refreshed == ["p"]


def test_refused_pools(connection, pool):
    define = connection.storagePoolDefineXML
    assert code_of(define, POOL % ("q", ROOT / "p")) == libvirt.VIR_ERR_OPERATION_FAILED
    assert code_of(define, POOL % ("a/b", ROOT / "q")) == libvirt.VIR_ERR_XML_ERROR
    assert code_of(define, "<pool type='rbd'><name>r</name><source><host name='h'/></source></pool>") == \
        libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(connection.storagePoolCreateXML, POOL % ("q", "relative")) == \
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(connection.storagePoolCreateXML, POOL % ("q", ROOT / "q"), 6) == \
        libvirt.VIR_ERR_INVALID_ARG
    assert code_of(connection.storagePoolCreateXML, POOL % ("q", ROOT / "none")) == \
        libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(connection.storagePoolLookupByName, "q") == libvirt.VIR_ERR_NO_STORAGE_POOL
    assert code_of(pool.setAutostart, 1) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(connection.storagePoolLookupByTargetPath, "/none") == libvirt.VIR_ERR_NO_STORAGE_POOL
    assert connection.storagePoolLookupByTargetPath(str(ROOT / "p")).name() == "p"
    assert code_of(connection.findStoragePoolSources, "dir", None) == libvirt.VIR_ERR_NO_SUPPORT
    assert code_of(connection.findStoragePoolSources, "zz", None) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert "<pool type='dir' supported='yes'>" in connection.getStoragePoolCapabilities()


def test_stock_client(connection):
    virsh = lambda *words: tested.virsh(*words, uri=URI)
    virsh("pool-define-as", "shell", "dir", "--target", ROOT / "shell")
    virsh("pool-build", "shell")
    virsh("pool-start", "shell")
    assert "shell" in virsh("pool-list")
    virsh("vol-create-as", "shell", "one", "4M", "--format", "qcow2")
    virsh("vol-create-as", "shell", "two", "4M", "--allocation", "0")
    assert str(ROOT / "shell" / "one") in virsh("vol-list", "shell")
    virsh("vol-clone", "--pool", "shell", "one", "three")
    virsh("vol-resize", "--pool", "shell", "two", "8M")
    assert "8.00 MiB" in virsh("vol-info", "--pool", "shell", "two")
    assert "shell" in virsh("vol-pool", ROOT / "shell" / "two")
    source = pathlib.Path("/run/source")
    source.write_bytes(os.urandom(3 * MiB))
    virsh("vol-upload", "--pool", "shell", "two", source)
    virsh("vol-download", "--pool", "shell", "two", "/run/copy", "--length", str(3 * MiB))
    assert pathlib.Path("/run/copy").read_bytes() == source.read_bytes()
    virsh("vol-wipe", "--pool", "shell", "two", "--algorithm", "nnsa")
    for name in ("one", "two", "three"):
        virsh("vol-delete", "--pool", "shell", name)
    virsh("pool-destroy", "shell")
    virsh("pool-delete", "shell")
    virsh("pool-undefine", "shell")


# ---- volumes ----

def test_create(pool):
    volume = pool.createXML(volume_xml("raw", 10 * MiB, "<allocation>%d</allocation>" % MiB))
    path = ROOT / "p" / "raw"
    assert (volume.name(), volume.key(), volume.path()) == ("raw", str(path), str(path))
    assert path.stat().st_size == 10 * MiB and path.stat().st_mode & 0o777 == 0o600
    assert volume.info() == [0, 10 * MiB, path.stat().st_blocks * 512]
    assert volume.infoFlags(1)[2] == 10 * MiB
    assert MiB <= volume.info()[2] < 2 * MiB
    volume = pool.createXML(VOLUME % ("q", 64 * MiB, """<target><format type='qcow2'/><compat>1.1</compat>
        <clusterSize unit='KiB'>128</clusterSize><features><lazy_refcounts/></features>
        <permissions><mode>0640</mode><owner>1</owner><group>2</group></permissions></target>
        <backingStore><path>%s</path><format type='raw'/></backingStore>""" % path))
    text = volume.XMLDesc()
    for part in ("<format type='qcow2'/>", "<compat>1.1</compat>", "<lazy_refcounts/>", "<mode>0640</mode>",
                 "<owner>1</owner>", "<group>2</group>", "<clusterSize unit='B'>131072</clusterSize>",
                 "<path>%s</path>\n    <format type='raw'/>" % path, "<capacity unit='bytes'>67108864<"):
        assert part in text, text
    images = subprocess.run(["qemu-img", "check", str(ROOT / "p" / "q")], capture_output=True)
    assert images.returncode == 0
    assert pool.createXML(volume_xml("d", form="dir")).info()[0] == 2
    assert sorted(pool.listVolumes()) == ["d", "q", "raw"]


@pytest.mark.parametrize("form", ["qcow", "qcow2", "qed", "vdi", "vmdk", "vpc"])
def test_formats(pool, form):
    """what QEMU makes is recognized, with its size"""
    volume = pool.createXML(volume_xml("v", 16 * MiB, form=form))
    assert "<format type='%s'/>" % form in volume.XMLDesc()
    assert 16 * MiB <= volume.info()[1] < 17 * MiB
    pool.destroy()


def test_found_formats(pool):
    for form in ("vhdx", "parallels"):
        subprocess.run(["qemu-img", "create", "-q", "-f", form, str(ROOT / "p" / form), "16M"], check=True)
    (ROOT / "p" / "luks").write_bytes(b"LUKS\xba\xbe\0\1" + bytes(4096))
    pool.refresh()
    assert "<format type='vhdx'/>" in pool.storageVolLookupByName("vhdx").XMLDesc()
    assert pool.storageVolLookupByName("vhdx").info()[1] == 16 * MiB
    assert "<encryption format='luks'" in pool.storageVolLookupByName("luks").XMLDesc()
    assert "<format type='ploop'/>" in pool.storageVolLookupByName("parallels").XMLDesc()


def test_refused_volumes(connection, pool):
    def code(name="v", capacity=MiB, rest="", flags=0, text=None):
        return code_of(pool.createXML, text or VOLUME % (name, capacity, rest), flags)

    for name in ("a/b", "..", ".", "/etc/x", "a&#10;b", "x" * 256, ".modvirt-part-1"):
        assert code(name) == libvirt.VIR_ERR_OPERATION_INVALID, name
    assert code("") == libvirt.VIR_ERR_XML_ERROR
    assert code(capacity=-1) == libvirt.VIR_ERR_XML_ERROR
    assert code(capacity=1 << 63) == libvirt.VIR_ERR_OVERFLOW
    assert code(text="<volume><name>v</name></volume>") == libvirt.VIR_ERR_XML_ERROR
    assert code(text="<volume><name>v</name><capacity unit='zz'>1</capacity></volume>") == libvirt.VIR_ERR_INVALID_ARG
    for form in ("zz", "luks", "unknown", "ext4", "gpt"):
        assert code(rest="<target><format type='%s'/></target>" % form) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    for form in ("bochs", "cloop", "dmg", "cow"):
        assert code(rest="<target><format type='%s'/></target>" % form) == libvirt.VIR_ERR_INTERNAL_ERROR
    below = "<target><format type='%s'/></target><backingStore><path>%s</path>%s</backingStore>"
    raw = "<format type='raw'/>"
    assert code(rest=below % ("raw", "/etc/passwd", raw)) == libvirt.VIR_ERR_NO_SUPPORT
    assert code(rest=below % ("qcow2", "/none", raw)) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code(rest=below % ("qcow2", "relative", raw)) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code(rest=below % ("qcow2", "../../../etc/passwd", raw)) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code(flags=1) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED        # metadata of raw
    assert code(flags=1 << 7) == libvirt.VIR_ERR_INVALID_ARG
    assert code(capacity=1 << 60, rest="<allocation>%d</allocation>" % (1 << 60)) == libvirt.VIR_ERR_SYSTEM_ERROR
    encrypted = "<target><encryption format='luks'><secret type='passphrase' usage='x'/></encryption></target>"
    assert code(rest=encrypted) == libvirt.VIR_ERR_NO_CONNECT          # without virtsecretd
    assert pool.listVolumes() == [] and not list((ROOT / "p").iterdir())
    pool.createXML(volume_xml("v"))
    assert code() == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    (ROOT / "p" / "unseen").write_text("mine")
    assert code("unseen") == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    assert (ROOT / "p" / "unseen").read_text() == "mine"


def test_lookups(connection, pool):
    volume = pool.createXML(volume_xml("v"))
    path = str(ROOT / "p" / "v")
    assert connection.storageVolLookupByKey(path).name() == "v"
    assert connection.storageVolLookupByPath(path).name() == "v"
    assert volume.storagePoolLookupByVolume().name() == "p"
    assert [v.name() for v in pool.listAllVolumes()] == ["v"]
    for call, what in ((connection.storageVolLookupByKey, "/x"), (connection.storageVolLookupByPath, "/x"),
                       (pool.storageVolLookupByName, "x")):
        assert code_of(call, what) == libvirt.VIR_ERR_NO_STORAGE_VOL
    pool.destroy()
    assert code_of(connection.storageVolLookupByPath, path) == libvirt.VIR_ERR_NO_STORAGE_VOL
    assert code_of(volume.info) == libvirt.VIR_ERR_NO_STORAGE_POOL    # a transient pool is gone


def test_resize(pool):
    raw, qcow2 = pool.createXML(volume_xml("r")), pool.createXML(volume_xml("q", form="qcow2"))
    grow, shrink, delta = 0, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK, libvirt.VIR_STORAGE_VOL_RESIZE_DELTA
    for volume in (raw, qcow2):
        volume.resize(8 * MiB, grow)
        volume.resize(MiB, delta)
        assert volume.info()[1] == 9 * MiB
        assert code_of(volume.resize, MiB, grow) == libvirt.VIR_ERR_INVALID_ARG
        volume.resize(MiB, delta | shrink)
        assert volume.info()[1] == 8 * MiB
        assert code_of(volume.resize, (1 << 63) - 1, delta) == libvirt.VIR_ERR_OVERFLOW
    raw.resize(8 * MiB, libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE)
    assert raw.info()[2] >= 8 * MiB
    assert code_of(raw.resize, MiB, shrink) == libvirt.VIR_ERR_INVALID_ARG


def test_delete(pool):
    volume = pool.createXML(volume_xml("v"))
    assert code_of(volume.delete, 1) == libvirt.VIR_ERR_INVALID_ARG
    volume.delete()
    assert code_of(volume.delete) == libvirt.VIR_ERR_NO_STORAGE_VOL
    assert not (ROOT / "p" / "v").exists()
    gone = pool.createXML(volume_xml("gone"))
    (ROOT / "p" / "gone").unlink()
    assert code_of(gone.info) == libvirt.VIR_ERR_NO_STORAGE_VOL
    gone.delete()                                           # what is gone already is deleted


@pytest.mark.parametrize("algorithm", range(10))
def test_wipe(pool, algorithm):
    volume = pool.createXML(volume_xml("v", MiB))
    path = ROOT / "p" / "v"
    with path.open("r+b") as file:
        file.seek(MiB // 2)
        file.write(b"secret" * 1000)
    volume.wipePattern(algorithm, 0)
    assert b"secret" not in path.read_bytes() and path.stat().st_size == MiB
    assert path.stat().st_blocks * 512 < MiB // 2           # holes are left alone
    assert code_of(volume.wipePattern, 10, 0) == libvirt.VIR_ERR_INVALID_ARG


def test_clone(connection, pool):
    other = make_pool(connection, "other")
    raw = pool.createXML(volume_xml("raw", 64 * MiB))
    with (ROOT / "p" / "raw").open("r+b") as file:
        file.seek(40 * MiB)
        file.write(b"data" * 1000)
    digest = hashlib.sha256((ROOT / "p" / "raw").read_bytes()).digest()
    copy = other.createXMLFrom(volume_xml("copy", 1), raw)
    assert hashlib.sha256((ROOT / "other" / "copy").read_bytes()).digest() == digest
    assert copy.info()[1] == 64 * MiB and copy.info()[2] < MiB       # sparse stays sparse
    larger = other.createXMLFrom(volume_xml("larger", 80 * MiB), raw)
    assert larger.info()[1] == 80 * MiB
    converted = pool.createXMLFrom(volume_xml("q", 1, form="qcow2"), raw)
    assert converted.info()[1] == 64 * MiB
    again = pool.createXMLFrom(volume_xml("back", 70 * MiB, form="qcow2"), converted)
    assert again.info()[1] == 70 * MiB
    flat = pool.createXMLFrom(volume_xml("flat", 1), converted)
    assert hashlib.sha256((ROOT / "p" / "flat").read_bytes()).digest() == digest
    assert flat.info()[2] < MiB
    assert code_of(pool.createXMLFrom, volume_xml("q"), raw) == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    raw.delete()
    assert code_of(pool.createXMLFrom, volume_xml("x"), raw) == libvirt.VIR_ERR_NO_STORAGE_VOL


# ---- streams ----

def upload(connection, volume, data, offset=0, length=0):
    stream = connection.newStream()
    volume.upload(stream, offset, length)
    stream.sendAll(lambda _, size, state: state.read(size), data)
    stream.finish()


def download(connection, volume, offset=0, length=0):
    stream, parts = connection.newStream(), []
    volume.download(stream, offset, length)
    stream.recvAll(lambda _, data, state: parts.append(data), None)
    stream.finish()
    return b"".join(parts)


def test_streams(connection, pool, tmp_path):
    volume = pool.createXML(volume_xml("v", 20 * MiB))
    content = os.urandom(20 * MiB)
    (tmp_path / "content").write_bytes(content)
    with (tmp_path / "content").open("rb") as file:
        upload(connection, volume, file)
    assert download(connection, volume) == content
    assert download(connection, volume, 5 * MiB, 777) == content[5 * MiB:5 * MiB + 777]
    assert download(connection, volume, 20 * MiB - 5) == content[-5:]
    assert download(connection, volume, 21 * MiB) == b""
    (tmp_path / "part").write_bytes(b"0123456789")
    with (tmp_path / "part").open("rb") as file:
        upload(connection, volume, file, offset=100, length=10)
    assert download(connection, volume, 99, 12) == content[99:100] + b"0123456789" + content[110:111]
    with (tmp_path / "part").open("rb") as file:
        assert code_of(upload, connection, volume, file, 0, 4) is not None
    assert code_of(volume.upload, connection.newStream(), 0, 5, 4) == libvirt.VIR_ERR_INVALID_ARG
    volume.info()


def test_upload_tells_the_format(connection, pool, daemon, tmp_path):
    """a client's bytes are the client's word; a guest's are not"""
    volume = pool.createXML(volume_xml("v"))
    image = tmp_path / "image"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "32M"], check=True)
    with image.open("rb") as file:
        upload(connection, volume, file)
    assert "<format type='qcow2'/>" in volume.XMLDesc()
    guests = pool.createXML(volume_xml("guests"))
    with (ROOT / "p" / "guests").open("r+b") as disk:
        disk.write(image.read_bytes())
    pool.refresh()
    assert "<format type='raw'/>" in guests.XMLDesc()
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.start()
    with libvirt.open(URI) as fresh:
        assert "<format type='raw'/>" in fresh.storageVolLookupByPath(str(ROOT / "p" / "guests")).XMLDesc()
        assert "<format type='qcow2'/>" in fresh.storageVolLookupByPath(str(ROOT / "p" / "v")).XMLDesc()


class Sparse:
    """a file's data and holes, as the stream's callbacks want them"""

    def __init__(self, path, mode):
        self.fd = os.open(path, mode | os.O_CREAT, 0o600)

    def recv(self, stream, data, _):
        return os.write(self.fd, data)

    def recv_hole(self, stream, length, _):
        os.truncate(self.fd, os.lseek(self.fd, length, os.SEEK_CUR))

    def read(self, stream, size, _):
        return os.read(self.fd, size)

    def hole(self, stream, _):
        at = os.lseek(self.fd, 0, os.SEEK_CUR)
        try:
            data = os.lseek(self.fd, at, os.SEEK_DATA)
        except OSError:                                    # a hole up to the end
            end = os.lseek(self.fd, 0, os.SEEK_END)
            os.lseek(self.fd, at, os.SEEK_SET)
            return [False, end - at]
        if data > at:
            os.lseek(self.fd, at, os.SEEK_SET)
            return [False, data - at]
        hole = os.lseek(self.fd, at, os.SEEK_HOLE)
        os.lseek(self.fd, at, os.SEEK_SET)
        return [True, hole - at]

    def skip(self, stream, length, _):
        return os.lseek(self.fd, length, os.SEEK_CUR)


def test_sparse_streams(connection, pool, tmp_path):
    """100 GiB with some data take the time of the data"""
    size = 100 << 30
    source = tmp_path / "source"
    with source.open("wb") as file:
        for at in (0, 1 << 30, 50 << 30):
            file.seek(at)
            file.write(os.urandom(MiB))
        file.truncate(size)
    volume = pool.createXML(volume_xml("v", size))
    (ROOT / "p" / "v").write_bytes(b"old" * MiB)            # holes cover what was there
    reader = Sparse(source, os.O_RDONLY)
    stream = connection.newStream()
    begun = time.monotonic()
    volume.upload(stream, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    stream.sparseSendAll(reader.read, reader.hole, reader.skip, None)
    stream.finish()
    copy = tmp_path / "copy"
    writer = Sparse(copy, os.O_RDWR)
    stream = connection.newStream()
    volume.download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    stream.sparseRecvAll(writer.recv, writer.recv_hole, None)
    stream.finish()
    assert time.monotonic() - begun < 30
    assert copy.stat().st_size == size and volume.info()[1] == size
    assert copy.stat().st_blocks * 512 <= 4 * MiB and volume.info()[2] <= 4 * MiB
    for at in (0, MiB, 1 << 30, 50 << 30, size - MiB):
        expected, *found = [read_at(path, at) for path in (source, ROOT / "p" / "v", copy)]
        assert found == [expected, expected], at


def read_at(path, offset):
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(MiB)


def test_in_use(connection, pool):
    """what is being uploaded to is nobody else's meanwhile, and its pool does not stop"""
    volume = pool.createXML(volume_xml("v"))
    stream = connection.newStream()
    volume.upload(stream, 0, 0)
    assert code_of(volume.delete) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(volume.wipe) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(volume.resize, 2 * MiB) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(pool.destroy) == libvirt.VIR_ERR_INTERNAL_ERROR
    pool.refresh()
    assert volume.info()[1] == MiB
    stream.abort()
    wait_until(lambda: code_of(volume.delete) is None)


def test_client_gone(connection, pool, daemon):
    """who vanishes in the middle of an upload leaves nothing in use"""
    volume = pool.createXML(volume_xml("v"))
    other = libvirt.open(URI)
    stream = other.newStream()
    other.storageVolLookupByPath(volume.path()).upload(stream, 0, 0)
    stream.send(b"x" * 1000)
    del stream
    other.close()
    wait_until(lambda: code_of(volume.delete) is None)


def test_cancelled(connection, pool):
    """work ends with its client: 35 passes over 256 MiB would take long"""
    volume = pool.createXML(volume_xml("v", 256 * MiB))
    with (ROOT / "p" / "v").open("r+b") as file:
        for _ in range(256):
            file.write(b"x" * MiB)
    client = subprocess.Popen(["virsh", "-c", URI, "vol-wipe", volume.path(), "--algorithm", "gutmann"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: code_of(volume.resize, 257 * MiB) == libvirt.VIR_ERR_OPERATION_INVALID, step=0.001)
    client.kill()
    client.wait()
    wait_until(lambda: code_of(volume.delete) is None, timeout=2)


def job_of(volume):
    """name, done and total of the work that its document tells"""
    job = ElementTree.fromstring(volume.XMLDesc()).find("{urn:modvirt:storage:1}job")
    return None if job is None else (job.get("name"), int(job.get("done")), int(job.get("total", 0)))


def test_progress(connection, pool, daemon):
    """what is at work shows how far it is, and is not taken into a new volume"""
    size = 256 * MiB                                        # seconds of work on the fastest machine
    volume = pool.createXML(volume_xml("v", size))
    assert job_of(volume) is None
    (ROOT / "p" / "v").write_bytes(b"x" * size)
    client = subprocess.Popen(["virsh", "-c", URI, "vol-wipe", volume.path(), "--algorithm", "gutmann"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    worth_telling = time.monotonic() + 1.5
    seen = []
    wait_until(lambda: seen.append(job_of(volume)) or seen[-1] and seen[-1][1] > 64 * MiB and
               time.monotonic() > worth_telling, step=0.001, timeout=60)
    name, done, total = seen[-1]
    assert name == "wipe" and 64 * MiB < done < total == 35 * size
    pool.createXML(volume.XMLDesc().replace("<name>v<", "<name>w<"))
    assert "modvirt" not in pool.storageVolLookupByName("w").XMLDesc()
    client.kill()
    client.wait()
    wait_until(lambda: job_of(volume) is None)
    wait_until(lambda: re.search(r"wipe of volume .* has ended after \d{4,} ms: \d+ of \d+ MiB", daemon.log.read_text()), what="the log")
    stream = connection.newStream()
    volume.upload(stream, 0, 4 * MiB)
    stream.send(b"y" * 1000)
    wait_until(lambda: job_of(volume) == ("upload", 1000, 4 * MiB))
    stream.abort()
    wait_until(lambda: job_of(volume) is None)


def children(pid):
    return [int(child) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
            for child in path.read_text().split()]


def part_size():
    return sum(path.stat().st_blocks * 512 for path in (ROOT / "p").glob(".modvirt-part-*"))


def test_convert_progress(connection, pool, daemon):
    """qemu-img tells how far it is, too; it is stopped in the middle, so that it can be seen"""
    (ROOT / "p" / "origin").write_bytes(os.urandom(MiB) * 512)
    pool.refresh()
    origin = pool.storageVolLookupByName("origin")
    thread = threading.Thread(target=pool.createXMLFrom, args=[volume_xml("v", 1, form="qcow2"), origin])
    thread.start()
    wait_until(lambda: part_size() > 64 * MiB, step=0.001, timeout=60)
    tool, = children(daemon.process.pid)
    os.kill(tool, signal.SIGSTOP)
    name, done, total = job_of(pool.storageVolLookupByName("v"))
    os.kill(tool, signal.SIGCONT)
    thread.join()
    assert name == "clone" and 0 < done < total == 512 * MiB


# ---- files of others ----

@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_cancelled_while_making(connection, pool, daemon, tmp_path, form):
    """a clone ends with its client, too, be it by us or by a tool, and leaves nothing"""
    (ROOT / "p" / "origin").write_bytes(os.urandom(MiB) * 512)
    pool.refresh()
    document = tmp_path / "clone.xml"
    document.write_text(volume_xml("v", 1, form=form))
    for _ in range(10):                                     # it may be done first
        client = subprocess.Popen(["virsh", "-c", URI, "vol-create-from", "p", document, "origin", "--inputpool", "p"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: part_size() > 8 * MiB or client.poll() is not None, step=0.001, timeout=60)
        client.kill()
        client.wait()
        wait_until(lambda: not list((ROOT / "p").glob(".modvirt-part-*")), timeout=60, what="the end of the work")
        if not (ROOT / "p" / "v").exists():
            break
        pool.storageVolLookupByName("v").delete()
    wait_until(lambda: pool.listVolumes() == ["origin"], what="the volume to go")
    assert os.listdir(ROOT / "p") == ["origin"] and not children(daemon.process.pid)


def test_refresh(connection, pool):
    folder = ROOT / "p"
    (folder / "sub").mkdir()
    os.mkfifo(folder / "fifo")
    os.mknod(folder / "device", 0o600 | 0o060000, os.makedev(7, 200))
    (ROOT / "outside").touch()
    (folder / "link").symlink_to(ROOT / "outside")
    (folder / "dangling").symlink_to("/none")
    (folder / ".hidden").touch()
    (folder / "new\nline").touch()
    (folder / "image").write_bytes(b"QFI\xfb\0\0\0\2" + b"\xff" * 200)   # a header that lies
    pool.refresh()
    assert sorted(pool.listVolumes()) == [".hidden", "image", "sub"]
    assert pool.storageVolLookupByName("image").info()[1] == 208
    (folder / "image").unlink()
    (folder / ".hidden").write_bytes(bytes(100))
    (folder / "second").touch()
    pool.refresh()
    assert sorted(pool.listVolumes()) == [".hidden", "second", "sub"]
    assert pool.storageVolLookupByName(".hidden").info()[1] == 100


def test_links_are_not_followed(connection, pool):
    """a volume that has become a link leads nowhere"""
    volume = pool.createXML(volume_xml("v"))
    victim = ROOT / "victim"
    victim.write_text("untouched")
    (ROOT / "p" / "v").unlink()
    (ROOT / "p" / "v").symlink_to(victim)
    assert code_of(volume.info) == libvirt.VIR_ERR_NO_STORAGE_VOL
    assert code_of(volume.wipe) is not None
    assert code_of(volume.resize, 5 * MiB) is not None
    assert code_of(volume.upload, connection.newStream(), 0, 0) is not None
    assert code_of(pool.createXMLFrom, volume_xml("copy"), volume) is not None
    volume.delete()
    assert victim.read_text() == "untouched"


def test_links_within(connection, pool):
    """a link to what is in the folder is a volume, as it is elsewhere; one that leads out of it is none"""
    folder = ROOT / "p"
    pool.createXML(volume_xml("v", form="qcow2"))
    (folder / "sub").mkdir()
    (folder / "sub" / "deep").write_bytes(bytes(100))
    (ROOT / "outside").write_text("untouched")
    links = {"link": "v", "to-sub": "sub", "to-deep": "sub/deep", "of-link": "link"}
    for name, target in {**links, "out": "../outside", "back": "../p/v", "absolute": str(ROOT / "outside"),
                         "process": "/proc/self/fd/0", "dangling": "none", "self": "self"}.items():
        (folder / name).symlink_to(target)
    pool.refresh()
    assert set(pool.listVolumes()) == {"v", "sub"} | set(links)
    link = pool.storageVolLookupByName("link")
    assert link.info()[1] == MiB and "<format type='qcow2'/>" in link.XMLDesc()
    link.resize(2 * MiB)
    assert pool.storageVolLookupByName("v").info()[1] == pool.storageVolLookupByName("of-link").info()[1] == 2 * MiB
    assert download(connection, pool.storageVolLookupByName("to-deep")) == bytes(100)
    for name in links:
        pool.storageVolLookupByName(name).delete()
    assert sorted(os.listdir(folder / "sub")) == ["deep"] and (folder / "v").exists()
    assert not any((folder / name).is_symlink() for name in links)


def test_replaced_folder(connection, pool):
    """a folder that is exchanged for a link is not what was started: nothing is made elsewhere"""
    elsewhere = ROOT / "elsewhere"
    elsewhere.mkdir()
    (ROOT / "p").rename(ROOT / "moved")
    (ROOT / "p").symlink_to(elsewhere)
    pool.createXML(volume_xml("v"))
    assert not list(elsewhere.iterdir()) and (ROOT / "moved" / "v").exists()
    assert code_of(pool.refresh) == libvirt.VIR_ERR_OPERATION_FAILED
    pool.destroy()


def test_replaced_in_a_job(connection, pool):
    """the same in the middle of an upload: what comes goes where it began"""
    elsewhere = ROOT / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "v").write_bytes(b"untouched")
    volume = pool.createXML(volume_xml("v"))
    stream = connection.newStream()
    volume.upload(stream, 0, 0)
    stream.send(b"x" * 1000)
    (ROOT / "p").rename(ROOT / "moved")
    (ROOT / "p").symlink_to(elsewhere)
    stream.send(b"y" * 1000)
    stream.finish()
    assert (elsewhere / "v").read_bytes() == b"untouched" and os.listdir(elsewhere) == ["v"]
    assert (ROOT / "moved" / "v").read_bytes()[:2000] == b"x" * 1000 + b"y" * 1000
    pool.destroy()


def test_strange_files(connection, pool):
    """pipes, sockets, devices, links, names of two lines: none is a volume, none holds anybody up"""
    folder = ROOT / "p"
    os.mkfifo(folder / "pipe")
    os.mknod(folder / "device", 0o600 | 0o020000, os.makedev(1, 3))
    (ROOT / "outside").touch()
    (folder / "link").symlink_to(ROOT / "outside")
    (folder / "loop").symlink_to("loop")
    (folder / "two\nlines").touch()
    (folder / b"bad\xff".decode(errors="surrogateescape")).touch()
    (folder / ".hidden").touch()
    (folder / "sub").mkdir()
    huge = bytearray(b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(64 * 1024))
    huge[24:32] = (1 << 63).to_bytes(8, "big")                          # size
    huge[36:40] = b"\xff" * 4                                           # entries of the first table
    (folder / "huge").write_bytes(huge)
    below = b"json:" + b"[" * 900
    json_bomb = bytearray(huge)
    json_bomb[8:16], json_bomb[16:20] = (1024).to_bytes(8, "big"), len(below).to_bytes(4, "big")
    json_bomb[1024:1024 + len(below)] = below
    (folder / "json").write_bytes(json_bomb)
    for name, other in ("a", "b"), ("b", "a"):
        subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", other, "-F", "qcow2",
                        folder / name, "1M"], check=True)
    pool.refresh()
    assert set(pool.listVolumes()) == {".hidden", "sub", "huge", "json", "a", "b"}
    for volume in pool.listAllVolumes():
        assert volume.info()[1] < 1 << 62 and volume.XMLDesc()
    for name in ("pipe", "device", "link", "../p/a", "two\nlines"):
        assert code_of(pool.storageVolLookupByName, name) == libvirt.VIR_ERR_NO_STORAGE_VOL


# ---- restarts ----

def test_restart(connection, daemon):
    path = ROOT / "p"
    pool = connection.storagePoolDefineXML(POOL % ("p", path))
    pool.build()
    pool.create()
    pool.createXML(volume_xml("v", form="qcow2"))
    make_pool(connection, "transient").createXML(volume_xml("w"))
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.start()
    with libvirt.open(URI) as fresh:
        assert sorted(p.name() for p in fresh.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)) \
            == ["p", "transient"]
        assert fresh.storageVolLookupByPath(str(path / "v")).info()[1] == MiB
        assert fresh.storagePoolLookupByName("transient").listVolumes() == ["w"]


@pytest.mark.parametrize("work", ["create", "clone", "convert"])
@pytest.mark.parametrize("delay", [0, 0.02, 0.1])
def test_killed_in_a_job(connection, daemon, work, delay):
    """kill -9 in the middle: the product is whole, or there is none"""
    pool = make_pool(connection)
    (ROOT / "p" / "origin").write_bytes(os.urandom(64 * MiB))
    pool.refresh()
    origin = pool.storageVolLookupByName("origin")
    calls = {"create": lambda: pool.createXML(volume_xml("v", 1 << 30, form="qcow2"), 1),
             "clone": lambda: pool.createXMLFrom(volume_xml("v", 1), origin),
             "convert": lambda: pool.createXMLFrom(volume_xml("v", 1, form="qcow2"), origin)}
    thread = threading.Thread(target=code_of, args=[calls[work]])
    thread.start()
    time.sleep(delay)                                       # the moment is what the test is about
    kill(daemon)
    thread.join()
    daemon.start()
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("p")
        names = again.listVolumes()
        assert sorted(os.listdir(ROOT / "p")) == sorted(names)
        assert set(names) <= {"origin", "v"}
        if "v" in names:
            assert again.storageVolLookupByName("v").info()[1] == ((1 << 30) if work == "create" else 64 * MiB)
            if work != "clone":
                subprocess.run(["qemu-img", "check", "-q", str(ROOT / "p" / "v")], check=True)


def kill(daemon):
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()


@pytest.mark.parametrize("work", ["wipe", "resize", "resize-image", "upload", "download"])
def test_killed_at_work(connection, daemon, work):
    """kill -9 while a volume is changed or read: it is there as before, and anything can be done to it"""
    pool = make_pool(connection)
    form = "qcow2" if work == "resize-image" else "raw"
    volume = pool.createXML(volume_xml("v", 64 * MiB, form=form))
    path = ROOT / "p" / "v"
    if form == "raw":
        path.write_bytes(b"x" * 64 * MiB)
    stream = connection.newStream()
    calls = {"wipe": lambda: volume.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_GUTMANN),
             "resize": lambda: volume.resize(1 << 30),
             "resize-image": lambda: volume.resize(1 << 30),
             "upload": lambda: volume.upload(stream, 0, 0) or stream.send(b"y" * MiB),
             "download": lambda: volume.download(stream, 0, 0) or stream.recv(MiB)}
    thread = threading.Thread(target=code_of, args=[calls[work]])
    thread.start()
    if work == "wipe":
        with libvirt.open(URI) as other:
            wait_until(lambda: job_of(other.storageVolLookupByPath(str(path))) is not None, what="the job")
    elif not work.startswith("resize"):
        thread.join()
    kill(daemon)
    thread.join()
    daemon.start()
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("p")
        assert again.listVolumes() == os.listdir(ROOT / "p") == ["v"]
        volume = again.storageVolLookupByName("v")
        assert job_of(volume) is None
        assert volume.info()[1] in ([64 * MiB, 1 << 30] if work.startswith("resize") else [64 * MiB])
        if form == "qcow2":
            subprocess.run(["qemu-img", "check", "-q", str(path)], check=True)
        elif work == "download":
            assert path.read_bytes() == b"x" * 64 * MiB
        volume.resize(2 << 30)
        upload(fresh, volume, io.BytesIO(b"z" * 100))
        volume.wipe()
        volume.delete()
        assert os.listdir(ROOT / "p") == []


def test_many(connection, pool):
    """thousands of volumes: found at once, also while a refresh is at work"""
    for number in range(5000):
        (ROOT / "p" / ("v%d" % number)).touch()
    pool.refresh()
    assert pool.numOfVolumes() == 5000
    refreshing = threading.Thread(target=lambda: [libvirt.open(URI).storagePoolLookupByName("p").refresh()
                                                  for _ in range(3)])
    refreshing.start()
    begun = time.monotonic()
    for number in range(0, 5000, 50):
        assert pool.storageVolLookupByName("v%d" % number).name() == "v%d" % number
    assert time.monotonic() - begun < 5
    refreshing.join()

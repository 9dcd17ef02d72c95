# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools of partitions, on loop devices with every kind of table. No udev runs here:
the daemon has the kernel's own /dev, where nodes of partitions come and go by themselves."""
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import libvirt
import pytest

import daemon as tested
from client import code_of, opened, remove_pools
from daemon import wait_until

URI = "storage:///system"
WORK = pathlib.Path("/run/disks")
MiB = 1024 * 1024
SIZE = 200 * MiB

POOL = """<pool type='disk'><name>%s</name>
  <source><device path='%s'/><format type='%s'/></source><target><path>/dev</path></target></pool>"""
VOLUME = """<volume><name>%s</name><capacity unit='MiB'>%d</capacity>
  <target><format type='%s'/></target></volume>"""
OVERWRITE = libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE
NO_OVERWRITE = libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE
REAL_DEV = ["unshare", "-m", "sh", "-c", 'mount -t devtmpfs devtmpfs /dev && exec "$@"', "sh"]


def run(*words, check=True, text=None):
    """a program with the kernel's /dev"""
    done = subprocess.run([*REAL_DEV, *map(str, words)], text=True, stdout=subprocess.PIPE, input=text,
                          stderr=subprocess.STDOUT, timeout=60)
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def make_loop(name, size=SIZE):
    """a device with partitions, or None when there can be none"""
    path = WORK / name
    with path.open("wb") as image:
        image.truncate(size)
    return run("losetup", "-f", "--show", "-P", path, check=False).strip()


@pytest.fixture(scope="module")
def daemon():
    WORK.mkdir(exist_ok=True)
    if not shutil.which("parted"):
        pytest.skip("needs parted")
    probe = make_loop("probe", MiB)
    if not probe.startswith("/dev/loop"):
        pytest.skip("no loop devices: %s" % probe)
    run("losetup", "-d", probe)
    running = tested.Daemon(name="virtstoraged")
    wrapper = WORK / "virtstoraged"
    wrapper.write_text("#!/bin/sh\nexec unshare -m sh -c 'mount -t devtmpfs devtmpfs /dev && exec \"$@\"' "
                       "sh %s \"$@\"\n" % running.binary)
    wrapper.chmod(0o755)
    running.binary = wrapper
    running.start()
    yield running
    running.stop()
    shutil.rmtree(WORK)


@pytest.fixture
def connection(daemon):
    with opened(daemon, URI, remove_pools) as connection:
        yield connection


@pytest.fixture
def disk():
    device = make_loop("disk")
    yield device
    run("losetup", "-d", device)


def make_pool(connection, disk, form="gpt", flags=libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE):
    return connection.storagePoolCreateXML(POOL % ("p", disk, form), flags)


def part(disk, number):
    return "%sp%d" % (pathlib.Path(disk).name, number)


def make(pool, disk, number, size=20, form="none"):
    return pool.createXML(VOLUME % (part(disk, number), size, form))


def names(pool):
    return sorted(volume.name() for volume in pool.listAllVolumes())


def extents(xml):
    return [(int(a), int(b)) for a, b in re.findall(r"xtent start='(\d+)' end='(\d+)'", xml)]


# numbers of the first two partitions: some tables have some of their own
@pytest.mark.parametrize("form, first, second", [
    ("dos", 1, 2), ("gpt", 1, 2), ("mac", 2, 3), ("bsd", 1, 2), ("dvh", 1, 2), ("sun", 1, 2), ("pc98", 1, 2)])
def test_tables(connection, daemon, disk, form, first, second):
    pool = make_pool(connection, disk, form)
    own = names(pool)                                   # of the table itself
    state, capacity, allocation, available = pool.info()
    assert SIZE - MiB < capacity <= SIZE and SIZE - 4 * MiB < available <= capacity
    a = make(pool, disk, first)
    b = make(pool, disk, second, 30)
    assert names(pool) == sorted(own + [part(disk, first), part(disk, second)])
    assert a.path() == "/dev/" + a.name() == a.key()
    assert 20 * MiB <= a.info()[1] == a.info()[2] <= 21 * MiB and a.info()[0] == libvirt.VIR_STORAGE_VOL_BLOCK
    (start, end), = extents(b.XMLDesc())
    assert end - start == b.info()[1] >= 30 * MiB and ("<device path='%s'>" % disk) in b.XMLDesc()
    assert "<format type='none'/>" in b.XMLDesc() and "<owner>0</owner>" in b.XMLDesc()
    assert sum(e - s for s, e in extents(pool.XMLDesc())) == pool.info()[3]
    assert pool.info()[2] - allocation == a.info()[1] + b.info()[1]
    assert connection.storageVolLookupByPath(a.path()).name() == a.name()
    daemon.restart()
    connection = libvirt.open(URI)
    pool = connection.storagePoolLookupByName("p")
    assert names(pool) == sorted(own + [part(disk, first), part(disk, second)])
    pool.storageVolLookupByName(part(disk, first)).delete()
    assert names(pool) == sorted(own + [part(disk, second)])
    assert make(pool, disk, first, 10).name() == part(disk, first)
    pool.destroy()
    # a kernel that has forgotten is told again
    run("partx", "-d", disk)
    assert not pathlib.Path("/sys/block", pathlib.Path(disk).name, part(disk, first)).exists()
    pool = make_pool(connection, disk, form, 0)
    assert pool.storageVolLookupByName(part(disk, first)).info()[1] >= 10 * MiB
    pool.destroy()
    connection.close()


def test_logical_partitions(connection, disk):
    pool = make_pool(connection, disk, "dos")
    make(pool, disk, 1, 10, "linux-lvm")
    extended = make(pool, disk, 2, 100, "extended")
    assert "<format type='extended'/>" in extended.XMLDesc()
    assert extended.info()[1:] == [100 * MiB, 0]
    for number in (3, 4):
        make(pool, disk, number, 5)
    fifth = make(pool, disk, 5, 20, "linux-swap")
    sixth = make(pool, disk, 6, 30)
    outer, = extents(extended.XMLDesc())
    for volume in (fifth, sixth):
        (start, end), = extents(volume.XMLDesc())
        assert outer[0] < start < end <= outer[1]
    assert pool.info()[2] == 70 * MiB
    assert "type=8e" in run("sfdisk", "-d", disk) and "type=82" in run("sfdisk", "-d", disk)
    # what can't be
    assert code_of(extended.wipe) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(extended.delete) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(make, pool, disk, 7, 100) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(make, pool, disk, 7, 5, "extended") == libvirt.VIR_ERR_INTERNAL_ERROR
    # those behind get other numbers, as users know it
    (start, end), = extents(sixth.XMLDesc())
    fifth.delete()
    assert names(pool) == [part(disk, n) for n in (1, 2, 3, 4, 5)]
    assert extents(pool.storageVolLookupByName(part(disk, 5)).XMLDesc()) == [(start, end)]
    pool.storageVolLookupByName(part(disk, 5)).delete()
    pool.storageVolLookupByName(part(disk, 2)).delete()
    assert names(pool) == [part(disk, n) for n in (1, 3, 4)]


def test_refused_volumes(connection, disk):
    pool = make_pool(connection, disk)
    assert code_of(make, pool, disk, 2) == libvirt.VIR_ERR_INVALID_ARG
    assert names(pool) == []
    assert code_of(make, pool, disk, 1, 300) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(make, pool, disk, 1, 0) == libvirt.VIR_ERR_NO_SUPPORT
    assert code_of(make, pool, disk, 1, 1, "qcow2") == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(make, pool, disk, 1, 1, "extended") == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    for name in ("", "..", "a/b"):
        assert code_of(pool.createXML, VOLUME % (name, 1, "none")) is not None
    volume = make(pool, disk, 1)
    assert code_of(make, pool, disk, 1) == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    assert code_of(volume.resize, 30 * MiB) == libvirt.VIR_ERR_NO_SUPPORT
    run("mkfs.ext4", "-q", volume.path())
    held = WORK / "mounted"
    held.mkdir()
    # mounted where the daemon does not see it
    holder = subprocess.Popen([*REAL_DEV, "sh", "-c", "mount %s %s && echo ok && read x" % (volume.path(), held)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"ok\n"
    assert code_of(volume.delete) == libvirt.VIR_ERR_OPERATION_INVALID
    holder.communicate(b"\n", timeout=30)
    assert make(pool, disk, 2).name() == part(disk, 2)      # while others are there
    volume.delete()
    assert names(pool) == [part(disk, 2)]


def test_build(connection, disk):
    pool = connection.storagePoolDefineXML(POOL % ("p", disk, "dos"))
    assert code_of(pool.create) == libvirt.VIR_ERR_STORAGE_PROBE_FAILED
    pool.build()
    for flags in (0, NO_OVERWRITE):
        assert code_of(pool.build, flags) == libvirt.VIR_ERR_STORAGE_POOL_BUILT
    assert code_of(pool.build, OVERWRITE | NO_OVERWRITE) == libvirt.VIR_ERR_INVALID_ARG
    other = POOL % ("p", disk, "gpt")
    pool.undefine()
    assert code_of(connection.storagePoolCreateXML, other) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(make_pool, connection, disk, "gpt", libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD) == \
        libvirt.VIR_ERR_STORAGE_POOL_BUILT
    make_pool(connection, disk, "gpt").destroy()
    run("wipefs", "-aq", disk)
    run("mkfs.ext4", "-Fq", disk)
    assert code_of(make_pool, connection, disk, "gpt", libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD) == \
        libvirt.VIR_ERR_STORAGE_POOL_BUILT
    make_pool(connection, disk, "unknown").destroy()
    assert "label: dos" in run("sfdisk", "-d", disk)
    pool = connection.storagePoolDefineXML(POOL % ("p", disk, "dos"))
    pool.delete()
    assert run("blkid", "-p", disk, check=False) == ""
    pool.undefine()
    assert code_of(make_pool, connection, disk, "lvm2") == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(make_pool, connection, "/dev/nosuch") == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(make_pool, connection, "/dev/null") == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def send(connection, volume, data):
    stream = connection.newStream()
    volume.upload(stream, 0, len(data))
    stream.sendAll(lambda _, size, left: bytes(left.pop(0)) if left else b"",
                   [data[i:i + 65536] for i in range(0, len(data), 65536)])
    stream.finish()


def test_content(connection, disk):
    pool = make_pool(connection, disk)
    old = make(pool, disk, 1, 2)
    data = b"modvirt!" * (MiB // 4)
    send(connection, old, data)
    got = []
    stream = connection.newStream()
    old.download(stream, 0, 0)
    stream.recvAll(lambda _, chunk, __: got.append(chunk), None)
    stream.finish()
    assert b"".join(got) == data
    clone = pool.createXMLFrom(VOLUME % (part(disk, 2), 1, "none"), old)
    assert clone.info()[1] == 2 * MiB
    assert run("cmp", old.path(), clone.path()) == ""
    old.wipe()
    assert run("cmp", "-n", 2 * MiB, old.path(), "/dev/zero") == ""
    # an image in a file is a raw partition
    folder = WORK / "images"
    files = connection.storagePoolCreateXML("<pool type='dir'><name>images</name><target><path>%s</path></target>"
                                            "</pool>" % folder, libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    files.createXML("<volume><name>i</name><capacity unit='MiB'>3</capacity><target><format type='qcow2'/>"
                    "</target></volume>")
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 1M", folder / "i"], check=True,
                   stdout=subprocess.DEVNULL)
    image = pool.createXMLFrom(VOLUME % (part(disk, 3), 1, "none"), files.storageVolLookupByName("i"))
    first = run("od", "-An", "-tx1", "-j", MiB - 1, "-N", 2, image.path()).split()
    assert first == ["00", "07"] and image.info()[1] == 3 * MiB
    send(connection, old, b"\xff" * (2 * MiB))
    old.delete()
    # what was there before does not shine through holes
    sparse = files.createXML("<volume><name>s</name><capacity unit='MiB'>2</capacity></volume>")
    subprocess.run(["fallocate", "-p", "-o", "0", "-l", str(MiB), folder / "s"], check=True)
    again = pool.createXMLFrom(VOLUME % (part(disk, 1), 1, "none"), sparse)
    assert run("cmp", "-n", 2 * MiB, again.path(), "/dev/zero") == ""
    # back into a file
    back = files.createXMLFrom("<volume><name>back</name><capacity unit='MiB'>1</capacity></volume>", clone)
    assert run("cmp", clone.path(), back.path()) == ""


def test_made_at_once(connection, disk):
    """two clients get different free extents, and the names that belong to them"""
    pool = make_pool(connection, disk)
    refused = []

    def make_two():
        with libvirt.open(URI) as mine:
            made = 0
            while made < 2:
                number = len(names(mine.storagePoolLookupByName("p"))) + 1
                code = code_of(make, mine.storagePoolLookupByName("p"), disk, number, 10)
                made += code is None
                if code not in (None, libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_STORAGE_VOL_EXIST):
                    refused.append(code)
                    return

    threads = [threading.Thread(target=make_two) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not refused and names(pool) == [part(disk, n) for n in (1, 2, 3, 4)]
    places = sorted(extents(volume.XMLDesc())[0] for volume in pool.listAllVolumes())
    assert all(end <= start for (_, end), (start, _) in zip(places, places[1:]))


def test_killed_while_making(connection, daemon, disk):
    pool = make_pool(connection, disk)
    first = make(pool, disk, 1, 60)
    document = WORK / "clone.xml"
    document.write_text(VOLUME % (part(disk, 2), 60, "none"))
    caller = subprocess.Popen(["virsh", "-q", "-c", URI, "vol-create-from", "p", document, first.name(),
                               "--inputpool", "p"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    written = pathlib.Path("/sys/block", pathlib.Path(disk).name, "stat")
    before = int(written.read_text().split()[6])
    wait_until(lambda: int(written.read_text().split()[6]) > before + 2048, what="the copy's first MiB")
    daemon.kill(signal.SIGKILL)
    caller.wait(30)
    daemon.start()
    connection = libvirt.open(URI)
    pool = connection.storagePoolLookupByName("p")
    found = names(pool)
    assert found in ([part(disk, 1)], [part(disk, 1), part(disk, 2)])
    if len(found) == 2:
        assert pool.storageVolLookupByName(part(disk, 2)).info()[1] == 60 * MiB
        assert run("cmp", "/dev/" + found[0], "/dev/" + found[1]) == ""
    else:
        make(pool, disk, 2, 60)
    connection.close()


@pytest.mark.parametrize("work", ["create", "wipe", "upload"])
def test_killed_at_work(connection, daemon, disk, work):
    """kill -9 while a partition is made or written: the table is whole, and anything can be done with it"""
    pool = make_pool(connection, disk)
    volume = make(pool, disk, 1, 60)
    words = {"create": ["vol-create-as", "p", part(disk, 2), "20M"],
             "wipe": ["vol-wipe", volume.name(), "--pool", "p", "--algorithm", "gutmann"],
             "upload": ["vol-upload", volume.name(), "/dev/zero", "--pool", "p"]}[work]
    caller = subprocess.Popen(["virsh", "-q", "-c", URI, *words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if work == "create":
        wait_until(lambda: caller.poll() is not None or len(pool.listVolumes()) > 1, step=0.001, what="the volume")
    else:
        wait_until(lambda: "<modvirt:job name='%s'" % work in volume.XMLDesc(), step=0.001, what="the work")
    daemon.kill(signal.SIGKILL)
    caller.wait(30)
    daemon.start()
    connection = libvirt.open(URI)
    pool = connection.storagePoolLookupByName("p")
    found = names(pool)
    assert found == [part(disk, 1)] or work == "create" and found == [part(disk, 1), part(disk, 2)]
    if len(found) == 1:
        make(pool, disk, 2)
    for volume in pool.listAllVolumes():
        assert "modvirt:job" not in volume.XMLDesc()
        volume.wipe()
        volume.delete()
    assert names(pool) == []
    connection.close()

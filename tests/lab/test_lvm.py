# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type logical: real volume groups on several disks, thin pools, snapshots."""
import json
import os
import re
import signal
import subprocess

import libvirt
import pytest

import daemon as tested
from conftest import DEADLINE, URI, code_of, is_taken_up, kill_and_restart, run, volume_names
from daemon import boot_sector
from volume_guests import live_on, upload

MiB = 1 << 20
POOL = """<pool type='logical'><name>vg</name>
  <source>%s<name>vg</name></source><target><path>/dev/vg</path></target></pool>"""
VOLUME = "<volume><name>%s</name><capacity unit='MiB'>%d</capacity>%s</volume>"
BUILD = libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD


def pool_xml(*devices):
    return POOL % "".join("<device path='%s'/>" % device for device in devices)


def make(pool, name, size, rest=""):
    return pool.createXML(VOLUME % (name, size, rest))


@pytest.fixture
def group(connection, disks):
    """a pool on two disks"""
    pool = connection.storagePoolCreateXML(pool_xml(*disks[:2]), BUILD)
    yield pool
    with libvirt.open(URI) as fresh:
        for left in fresh.listAllStoragePools():
            left.destroy()
    run("vgremove", "-qff", "-y", "vg", check=False)


def extents(volume):
    xml = volume.XMLDesc()
    return [(device, int(start), int(end)) for device, start, end in
            re.findall(r"device path='([^']*)'>\s*<extent start='(\d+)' end='(\d+)'", xml)]


def test_life(connection, disks):
    xml = pool_xml(*disks[:2])
    pool = connection.storagePoolDefineXML(xml)
    assert code_of(pool.create) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    run("mkfs.ext4", "-q", disks[1])
    for flags in (0, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE):
        assert code_of(pool.build, flags) == libvirt.VIR_ERR_STORAGE_POOL_BUILT
    assert run("pvs") == ""                                 # nothing was begun
    pool.build(libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
    assert code_of(pool.build) == libvirt.VIR_ERR_STORAGE_POOL_BUILT
    pool.create()
    state, capacity, allocation, available = pool.info()
    assert (capacity, allocation) == (available, 0) and capacity == 510 * 4 * MiB
    assert "<path>/dev/vg</path>" in pool.XMLDesc() and "<format type='lvm2'/>" in pool.XMLDesc()
    found = connection.findStoragePoolSources("logical", None)
    assert "<name>vg</name>" in found and all("<device path='%s'/>" % d in found for d in disks[:2])
    volume = make(pool, "a", 21)                            # whole extents are taken
    assert (volume.path(), volume.info()) == ("/dev/vg/a", [libvirt.VIR_STORAGE_VOL_BLOCK, 24 * MiB, 24 * MiB])
    assert volume.key() == run("lvs", "--noheadings", "-o", "lv_uuid", "vg/a").strip()
    assert connection.storageVolLookupByKey(volume.key()).name() == "a"
    assert extents(volume) == [(disks[0], 0, 24 * MiB)]
    assert pool.info()[2] == 24 * MiB
    volume.resize(40 * MiB)
    assert volume.info()[1:] == [40 * MiB, 40 * MiB] and pool.info()[2] == 40 * MiB
    assert code_of(volume.resize, 8 * MiB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK) == libvirt.VIR_ERR_INVALID_ARG
    pool.destroy()
    assert run("lvs", "--noheadings", "-o", "lv_active", "vg/a").strip() == ""
    assert code_of(connection.storagePoolCreateXML, pool_xml(disks[3])) == libvirt.VIR_ERR_OPERATION_FAILED
    pool.undefine()
    # a group of that name is elsewhere
    assert code_of(connection.storagePoolCreateXML, pool_xml(disks[3])) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    pool = connection.storagePoolDefineXML(xml)
    pool.create()
    assert volume_names(pool) == ["a"]
    pool.destroy()
    pool.delete()
    assert run("vgs") == run("pvs") == ""


def test_volumes(connection, disks, group):
    sparse = make(group, "sparse", 64, "<allocation unit='MiB'>10</allocation>")
    assert sparse.info()[1:] == [64 * MiB, 12 * MiB]
    assert make(group, "empty", 64, "<allocation>0</allocation>").info()[1:] == [64 * MiB, 4 * MiB]
    owned = make(group, "owned", 8, "<target><permissions><mode>0640</mode><owner>7</owner><group>9</group>"
                                    "</permissions></target>")
    assert run("stat", "-Lc", "%a %u %g", owned.path()).split() == ["640", "7", "9"]
    assert "<mode>0640</mode>" in owned.XMLDesc()
    plain = make(group, "plain", 16)
    run("sh", "-c", "printf modvirt | dd conv=notrunc status=none of=/dev/vg/plain")
    snapshot = make(group, "snap", 16, "<allocation unit='MiB'>8</allocation><backingStore><path>/dev/vg/plain</path>"
                                       "</backingStore>")
    assert snapshot.info()[1:] == [16 * MiB, 8 * MiB]
    assert re.search(r"<backingStore>\s*<path>/dev/vg/plain</path>", snapshot.XMLDesc())
    run("sh", "-c", "printf changed | dd conv=notrunc status=none of=/dev/vg/plain")
    assert run("head", "-c", "7", snapshot.path()) == "modvirt"
    clone = group.createXMLFrom(VOLUME % ("clone", 1, ""), plain)
    assert clone.info()[1:] == [16 * MiB, 16 * MiB]
    assert run("cmp", plain.path(), clone.path()) == ""
    clone.wipe()
    assert run("cmp", "-n", str(16 * MiB), clone.path(), "/dev/zero") == ""
    assert code_of(sparse.wipe) == code_of(snapshot.wipe) == libvirt.VIR_ERR_NO_SUPPORT
    assert code_of(sparse.resize, 128 * MiB) == libvirt.VIR_ERR_NO_SUPPORT
    for name, size, code in (("plain", 4, libvirt.VIR_ERR_STORAGE_VOL_EXIST), ("zero", 0, libvirt.VIR_ERR_NO_SUPPORT),
                             ("-f", 4, libvirt.VIR_ERR_INTERNAL_ERROR), ("big", 4096, libvirt.VIR_ERR_INTERNAL_ERROR),
                             ("a/b", 4, libvirt.VIR_ERR_OPERATION_INVALID)):
        assert code_of(make, group, name, size) == code, name
    assert code_of(make, group, "s", 4, "<backingStore><path>/dev/vdc</path></backingStore>") == \
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    run("mkfs.ext4", "-q", clone.path())
    run("mount", clone.path(), "/mnt")
    assert code_of(clone.delete) == code_of(group.destroy) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert group.isActive() and "clone" in volume_names(group)
    run("umount", "/mnt")
    clone.delete()
    plain.delete()                                          # with its snapshots, as everywhere
    assert volume_names(group) == ["empty", "owned", "sparse"]
    assert group.info()[2] == 24 * MiB


def test_made_elsewhere(connection, daemon, disks, group):
    lvcreate = lambda *words: run("lvcreate", "-qq", "-y", *words)
    lvcreate("-i", "2", "-L", "32M", "-n", "striped", "vg")
    lvcreate("--type", "raid1", "-m", "1", "-L", "16M", "-n", "mirror", "vg")
    lvcreate("-L", "64M", "-T", "vg/tp")
    lvcreate("-V", "200M", "-T", "vg/tp", "-n", "thin")
    lvcreate("-L", "8M", "-an", "-n", "idle", "vg")
    group.refresh()
    assert volume_names(group) == ["mirror", "striped", "thin"]
    striped, mirror, thin = (group.storageVolLookupByName(n) for n in ("striped", "mirror", "thin"))
    assert sorted((device, end - start) for device, start, end in extents(striped)) == \
        [(disks[0], 16 * MiB), (disks[1], 16 * MiB)]
    assert [device for device, _, _ in extents(mirror)] == ["mirror_rimage_0", "mirror_rimage_1"]
    assert striped.info()[1:] == [32 * MiB] * 2 and mirror.info()[1:] == [16 * MiB] * 2
    assert thin.info()[1:] == [200 * MiB, 0] and extents(thin) == []
    run("dd", "if=/dev/urandom", "of=/dev/vg/thin", "bs=1M", "count=20", "oflag=direct", "status=none")
    group.refresh()
    assert 19 * MiB < thin.info()[2] < 22 * MiB
    copy = make(group, "thincopy", 200, "<backingStore><path>/dev/vg/thin</path></backingStore>")
    assert run("cmp", "-n", str(20 * MiB), thin.path(), copy.path()) == ""
    assert code_of(thin.wipe) == libvirt.VIR_ERR_NO_SUPPORT
    thin.resize(240 * MiB)
    assert thin.info()[1] == 240 * MiB
    # one report tells all of it to a daemon that comes later, too
    kill_and_restart(daemon)
    with libvirt.open(URI) as fresh:
        pool = fresh.storagePoolLookupByName("vg")
        assert volume_names(pool) == ["idle", "mirror", "striped", "thin", "thincopy"]
        pool.storageVolLookupByName("thin").delete()
        assert pool.storageVolLookupByName("thincopy").info()[1] == 200 * MiB


def vgs():
    rows = json.loads(run("lvs", "--reportformat", "json", "-o", "lv_name,lv_tags", "vg"))["report"][0]["lv"]
    return {row["lv_name"]: row["lv_tags"] for row in rows}


def test_killed_in_the_middle(connection, daemon, disks, group, tmp_path):
    make(group, "origin", 300)
    document = tmp_path / "clone.xml"
    document.write_text(VOLUME % ("clone", 300, ""))
    caller = subprocess.Popen(["virsh", "-q", "-c", URI, "vol-create-from", "vg", document, "origin",
                               "--inputpool", "vg"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tested.wait_until(lambda: os.path.exists("/dev/vg/clone"), DEADLINE, 0.001, what="the new volume")
    daemon.kill(signal.SIGKILL)
    caller.wait(60)
    assert vgs()["clone"] in ("modvirt.part", "")
    daemon.start()
    with libvirt.open(URI) as fresh:
        pool = fresh.storagePoolLookupByName("vg")
        left = volume_names(pool)
        if "clone" in left:                                 # it was done at that very moment
            assert run("cmp", "/dev/vg/origin", "/dev/vg/clone") == "" and vgs()["clone"] == ""
        else:
            assert left == list(vgs()) == ["origin"]
            assert pool.info()[2] == 300 * MiB


def test_killed_at_work(connection, daemon, disks, group):
    """kill -9 in the middle of what changes a volume: the group is whole, and anything can be done with it"""
    make(group, "a", 16)
    for words in (["vol-wipe", "a", "--algorithm", "gutmann"], ["vol-upload", "a", "/dev/zero"],
                  ["vol-resize", "a", "24M"], ["vol-create-as", "vg", "b", "8M"]):
        rest = [] if words[0] == "vol-create-as" else ["--pool", "vg"]
        caller = subprocess.Popen(["virsh", "-q", "-c", URI, *words, *rest], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        with libvirt.open(URI) as watching:
            pool = watching.storagePoolLookupByName("vg")
            tested.wait_until(lambda: caller.poll() is not None or "b" in pool.listVolumes() or
                              "<modvirt:job" in pool.storageVolLookupByName("a").XMLDesc(), DEADLINE, 0.001, words[0])
        daemon.kill(signal.SIGKILL)
        caller.wait(60)
        daemon.start(DEADLINE)
        with libvirt.open(URI) as fresh:
            pool = fresh.storagePoolLookupByName("vg")
            tested.wait_until(lambda: is_taken_up(pool), DEADLINE, 0.1, words[0])
            assert set(volume_names(pool)) in ({"a"}, {"a", "b"}) and set(vgs().values()) == {""}
            volume = pool.storageVolLookupByName("a")
            assert volume.info()[1] in (16 * MiB, 24 * MiB) and "<modvirt:job" not in volume.XMLDesc()
    with libvirt.open(URI) as fresh:
        pool = fresh.storagePoolLookupByName("vg")
        for volume in pool.listAllVolumes():
            volume.wipe()
            volume.delete()
        assert vgs() == {} and pool.info()[2] == 0


def test_guests(group, link):
    volume = make(group, "a", 8)
    upload(volume, boot_sector("logical"))
    assert live_on(link, volume, "logical") == ["delete", "wipe", "upload"]

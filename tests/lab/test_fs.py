# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type fs, of every kind of file system there is, on disks and loop devices."""
import pathlib

import libvirt
import pytest

from conftest import POOLS, code_of, kill_and_restart, run, settle, volume_names
from daemon import boot_sector
from volume_guests import live_on, upload

POOL = """<pool type='fs'><name>%(name)s</name>
  <source><device path='%(device)s'/><format type='%(format)s'/></source>
  <target><path>%(path)s</path></target></pool>"""
VOLUME = "<volume><name>%s</name><capacity unit='MiB'>8</capacity><allocation>0</allocation></volume>"


def pool_xml(form, device, name="fs"):
    return POOL % {"name": name, "device": device, "format": form, "path": POOLS / name}


@pytest.mark.parametrize("form", ["ext2", "ext3", "ext4", "xfs", "vfat", "udf"])
def test_made_and_used(connection, disks, form):
    pool = connection.storagePoolDefineXML(pool_xml(form, disks[0]))
    pool.build(libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE)
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE) == libvirt.VIR_ERR_OPERATION_INVALID
    pool.create()
    assert " %s " % form in [l for l in open("/proc/mounts") if str(POOLS) in l][0]
    volume = pool.createXML(VOLUME % "a")
    assert (volume.path(), volume.info()[1]) == (str(POOLS / "fs/a"), 8 << 20)
    state, capacity, allocation, available = pool.info()
    assert 900 << 20 < capacity <= 1 << 30 and capacity == allocation + available
    pool.destroy()
    pool.create()
    assert volume_names(pool) == ["a"] if form in ("xfs", "vfat", "udf") else ["a", "lost+found"]
    pool.destroy()
    pool.delete()
    assert not (POOLS / "fs").exists()


def make_image(device, *maker):
    """a file system made of a folder with a file"""
    folder = pathlib.Path("/run/made")
    folder.mkdir(exist_ok=True)
    (folder / "a.img").write_bytes(b"x" * 100000)
    run(*maker, str(folder))
    settle()


def test_read_only(connection, disks):
    """what can't be made and changed can still be looked at"""
    make_image(disks[0], "genisoimage", "-quiet", "-r", "-o", disks[0])
    pool = connection.storagePoolDefineXML(pool_xml("iso9660", disks[0]))
    pool.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    assert volume_names(pool) == ["a.img"]
    assert pool.storageVolLookupByName("a.img").info()[1] == 100000
    assert code_of(pool.createXML, VOLUME % "b") is not None
    assert code_of(pool.storageVolLookupByName("a.img").delete) is not None
    pool.destroy()
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE) == libvirt.VIR_ERR_OPERATION_INVALID


def test_whatever_it_is(connection, daemon, disks):
    """a file system that has no word in the format, shared blocks in it; its daemon is killed"""
    make_image(disks[0], "mkfs.btrfs", "-q", disks[0], "-r")
    pool = connection.storagePoolDefineXML(pool_xml("auto", disks[0]))
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE) == libvirt.VIR_ERR_OPERATION_INVALID
    pool.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    assert " btrfs " in [line for line in open("/proc/mounts") if str(POOLS) in line][0]
    volume = pool.storageVolLookupByName("a.img")
    clone = pool.createXMLFrom(VOLUME % "clone", volume)
    assert pathlib.Path(clone.path()).read_bytes()[:100000] == b"x" * 100000
    run("sync")
    assert "shared" in run("filefrag", "-v", clone.path())
    kill_and_restart(daemon)
    with libvirt.open("storage:///system") as fresh:
        again = fresh.storagePoolLookupByName("fs")
        assert volume_names(again) == ["a.img", "clone"]
        again.destroy()


def test_guests(connection, disks, link):
    pool = connection.storagePoolCreateXML(pool_xml("ext4", disks[0]),
                                           libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE)
    volume = pool.createXML(VOLUME % "a")
    upload(volume, boot_sector("fs"))
    assert live_on(link, volume, "fs") == ["delete", "wipe", "shrink", "upload"]
    pool.destroy()

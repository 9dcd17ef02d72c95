# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of partitions on disks with a controller, under udev. Every kind of table on loop devices:
tests/system/test_storage_disk.py."""
import re

import libvirt
import pytest

from conftest import code_of, kill_and_restart, run, settle, volume_names
from daemon import boot_sector
from volume_guests import live_on, paused_on, upload

MiB = 1 << 20
POOL = """<pool type='disk'><name>disk</name><source><device path='%s'/><format type='%s'/></source>
  <target><path>%s</path></target></pool>"""
VOLUME = "<volume><name>%s</name><capacity unit='MiB'>%d</capacity><target><format type='%s'/></target></volume>"
BUILD = libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD


@pytest.mark.parametrize("form", ["dos", "gpt"])
def test_partitions(connection, daemon, disks, form):
    disk = disks[0]
    pool = connection.storagePoolCreateXML(POOL % (disk, form, "/dev"), BUILD)
    assert 1023 * MiB <= pool.info()[1] <= 1024 * MiB
    first = pool.createXML(VOLUME % ("vdb1", 100, "linux"))
    second = pool.createXML(VOLUME % ("vdb2", 50, "linux-swap"))
    assert (first.path(), first.info()[1]) == ("/dev/vdb1", 100 * MiB)
    assert re.search(r"extent start='1048576' end='105906176'", first.XMLDesc())
    run("mkfs.ext4", "-q", first.path())
    run("mount", first.path(), "/mnt")
    assert code_of(first.delete) == libvirt.VIR_ERR_OPERATION_INVALID
    second.delete()                                         # while its neighbour is mounted
    third = pool.createXML(VOLUME % ("vdb2", 60, "none"))
    assert third.info()[1] == 60 * MiB
    run("umount", "/mnt")
    kill_and_restart(daemon)
    with libvirt.open("storage:///system") as fresh:
        pool = fresh.storagePoolLookupByName("disk")
        assert volume_names(pool) == ["vdb1", "vdb2"]
        pool.storageVolLookupByName("vdb1").delete()
        assert volume_names(pool) == ["vdb2"]


# the number of the first partition that is not the table's own; of those that this kernel can read:
# udev has it look again whenever something has been written
@pytest.mark.parametrize("form, number", [("mac", 2), ("bsd", 1), ("sun", 1), ("dvh", 1)])
def test_other_tables(connection, disks, form, number):
    pool = connection.storagePoolCreateXML(POOL % (disks[0], form, "/dev"), BUILD)
    own = volume_names(pool)
    volume = pool.createXML(VOLUME % ("vdb%d" % number, 50, "none"))
    run("mkfs.ext4", "-q", volume.path())
    run("mount", volume.path(), "/mnt")
    assert code_of(volume.delete) == libvirt.VIR_ERR_OPERATION_INVALID
    run("umount", "/mnt")
    volume.delete()
    assert volume_names(pool) == own


def test_names_by_id(connection, disks):
    """volumes go by the links of udev that the target's path has"""
    pool = connection.storagePoolCreateXML(POOL % ("/dev/disk/by-id/virtio-LAB2", "gpt", "/dev/disk/by-id"), BUILD)
    volume = pool.createXML(VOLUME % ("vdc1", 10, "none"))
    assert (volume.name(), volume.path()) == ("vdc1", "/dev/disk/by-id/virtio-LAB2-part1")
    assert connection.storageVolLookupByPath("/dev/disk/by-id/virtio-LAB2-part1").name() == "vdc1"
    assert volume.key() == volume.path()
    volume.delete()
    settle()
    assert volume_names(pool) == []


def test_disk_with_a_volume_group(connection, disks):
    run("pvcreate", "-qq", disks[2])
    assert code_of(connection.storagePoolCreateXML, POOL % (disks[2], "gpt", "/dev"), BUILD) == \
        libvirt.VIR_ERR_STORAGE_POOL_BUILT
    run("vgcreate", "-qq", "held", disks[2])
    run("lvcreate", "-qq", "-y", "-L", "8M", "-n", "lv", "held")
    # in use: not even when told to
    overwrite = libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE
    assert code_of(connection.storagePoolCreateXML, POOL % (disks[2], "gpt", "/dev"), overwrite) == \
        libvirt.VIR_ERR_INTERNAL_ERROR
    assert "lv" in run("lvs", "held")
    run("vgremove", "-qff", "-y", "held")


def test_guests(connection, disks, link):
    pool = connection.storagePoolCreateXML(POOL % (disks[0], "gpt", "/dev"), BUILD)
    volume = pool.createXML(VOLUME % ("vdb1", 10, "linux"))
    upload(volume, boot_sector("disk"))
    assert live_on(link, volume, "disk") == ["delete", "wipe", "upload"]


def test_built_over(connection, disks, link):
    """not what a guest has a partition of, by any kind of pool, though told to"""
    pool = connection.storagePoolCreateXML(POOL % (disks[0], "gpt", "/dev"), BUILD)
    volume = pool.createXML(VOLUME % ("vdb1", 10, "linux"))
    guest = paused_on(link, volume)
    pool.destroy()
    for text in (POOL % (disks[0], "gpt", "/dev"),
                 "<pool type='fs'><name>f</name><source><device path='%s'/><format type='ext4'/></source>"
                 "<target><path>/run/pools/f</path></target></pool>" % disks[0],
                 "<pool type='logical'><name>l</name><source><device path='%s'/><name>l</name></source>"
                 "<target><path>/dev/l</path></target></pool>" % disks[0]):
        again = connection.storagePoolDefineXML(text)
        with pytest.raises(libvirt.libvirtError, match="/dev/vdb1.*by guest 'one'"):
            again.build(libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
        if "type='disk'" in text:
            with pytest.raises(libvirt.libvirtError, match="/dev/vdb1.*by guest 'one'"):
                again.delete()
        again.undefine()
    guest.destroy()

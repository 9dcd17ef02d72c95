# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type fs, of every kind of file system there is, on disks and loop devices."""
import pathlib
import signal

import libvirt
import pytest

from conftest import POOLS, code_of, modprobe, run, volume_names

POOL = """<pool type='fs'><name>%(name)s</name>
  <source><device path='%(device)s'/><format type='%(format)s'/></source>
  <target><path>%(path)s</path></target></pool>"""
VOLUME = "<volume><name>%s</name><capacity unit='MiB'>8</capacity><allocation>0</allocation></volume>"


def pool_xml(form, device, name="fs"):
    return POOL % {"name": name, "device": device, "format": form, "path": POOLS / name}


@pytest.mark.parametrize("form", ["ext2", "ext3", "ext4", "xfs", "vfat"])
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
    assert volume_names(pool) == ["a"] if form in ("xfs", "vfat") else ["a", "lost+found"]
    pool.destroy()
    pool.delete()
    assert not (POOLS / "fs").exists()

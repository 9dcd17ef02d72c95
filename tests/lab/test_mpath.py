# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pool of multipath maps, on a LUN that two HBAs of scsi_debug lead to."""
import os
import pathlib

import libvirt
import pytest

from conftest import DEADLINE, code_of, modprobe, run, settle, volume_names
from daemon import boot_sector, wait_until
from volume_guests import live_on, upload

POOL = "<pool type='mpath'><name>m</name><source/><target><path>/dev/mapper</path></target></pool>"
SIZE = 32 << 20
CONFIG = """defaults {
    find_multipaths no
    user_friendly_names yes
}
blacklist {
    devnode "^vd"
}
blacklist_exceptions {
    device {
        vendor Linux
        product scsi_debug
    }
}
"""


@pytest.fixture
def maps():
    modprobe("dm-multipath", "sd_mod", "sg")
    run("modprobe", "scsi_debug", "dev_size_mb=32", "vpd_use_hostno=0", "add_host=2")
    settle()
    pathlib.Path("/etc/multipath.conf").write_text(CONFIG)
    run("multipathd")
    wait_until(lambda: os.path.exists("/dev/mapper/mpatha"), DEADLINE)
    settle()
    yield
    run("multipathd", "shutdown", check=False)
    wait_until(lambda: run("pidof", "multipathd", check=False).strip() == "", DEADLINE)
    settle()
    run("multipath", "-F")
    wait_until(lambda: "in use" not in run("modprobe", "-r", "scsi_debug", check=False), DEADLINE, 0.5, "the HBA to be free")
    settle()


def test_maps(connection, maps, disks):
    pool = connection.storagePoolDefineXML(POOL)
    pool.create()
    (volume,) = pool.listAllVolumes()
    assert (volume.path(), volume.key()) == ("/dev/mapper/mpatha",) * 2
    assert volume.name() == os.path.basename(os.path.realpath(volume.path()))
    assert volume.info() == [libvirt.VIR_STORAGE_VOL_BLOCK, SIZE, SIZE]
    assert pool.info()[1:] == [SIZE, SIZE, 0]
    # partitions of maps, and other maps, are none
    run("parted", "-s", volume.path(), "mklabel", "gpt", "mkpart", "a", "1MiB", "8MiB")
    run("dmsetup", "create", "other", "--table", "0 2048 linear %s 0" % disks[0])
    settle()
    pool.refresh()
    assert volume_names(pool) == [volume.name()]
    run("dmsetup", "remove", "other")
    assert code_of(connection.storagePoolDefineXML, POOL.replace(">m<", ">again<")) == \
        libvirt.VIR_ERR_OPERATION_FAILED
    assert code_of(connection.findStoragePoolSources, "mpath", None) == libvirt.VIR_ERR_NO_SUPPORT
    pool.destroy()
    pool.undefine()


def test_none(connection):
    pool = connection.storagePoolCreateXML(POOL)
    assert volume_names(pool) == [] and pool.info()[1:] == [0, 0, 0]
    pool.destroy()


def test_guests(connection, maps, link):
    pool = connection.storagePoolCreateXML(POOL)
    (volume,) = pool.listAllVolumes()
    upload(volume, boot_sector("mpath"))
    assert live_on(link, volume, "mpath") == ["wipe", "upload"]
    pool.destroy()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools of ZFS. Debian's main archive has no ZFS: programs of our own stand in for zpool
and zfs, and tell how they were called; the real ones are asked where they are."""
import os
import pathlib
import shutil

import libvirt
import pytest

import daemon as tested
from conftest import code_of

URI = "storage:///system"
WORK = pathlib.Path("/run/zfs")
POOL = """<pool type='zfs'><name>z</name><source><name>tank</name>
  <device path='/dev/x'/><device path='/dev/y'/></source></pool>"""
VOLUME = "<volume><name>%s</name><capacity unit='MiB'>10</capacity>%s</volume>"
MiB = 1 << 20

ZPOOL = r"""#!/bin/sh
echo "zpool $*" >>%(work)s/calls
case $1 in
create) mkdir -p %(work)s/tank ;;
destroy) rm -r %(work)s/tank ;;
get) [ -d %(work)s/tank ] || { echo "cannot open 'tank': no such pool" >&2; exit 1; }
    printf 'tank\tsize\t1000000\t-\ntank\tfree\t900000\t-\ntank\tallocated\t100000\t-\n' ;;
esac
"""
# a volume is a file with what zfs lists of it; its node is of a device that there is not
ZFS = r"""#!/bin/sh
echo "zfs $*" >>%(work)s/calls
mkdir -p /dev/zvol/tank
for last; do :; done
case $1 in
list) cat %(work)s/tank/* 2>/dev/null || : ;;
create) printf '%%s\t10485760\t%%s\n' "$last" "$(case $* in *-s*) echo none ;; *) echo 10813440 ;; esac)" >%(work)s/"$last"
    mknod /dev/zvol/"$last" b 1 200 ;;
destroy) rm %(work)s/"$last" /dev/zvol/"$last" ;;
esac
"""


@pytest.fixture(scope="module")
def daemon():
    WORK.mkdir(exist_ok=True)
    for name, text in (("zpool", ZPOOL), ("zfs", ZFS)):
        (WORK / name).write_text(text % {"work": WORK})
        (WORK / name).chmod(0o755)
    path = os.environ["PATH"]
    os.environ["PATH"] = "%s:%s" % (WORK, path)
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    os.environ["PATH"] = path
    shutil.rmtree(WORK)
    shutil.rmtree("/dev/zvol", ignore_errors=True)


def calls():
    """how the programs were called since the last question; without mere questions of theirs"""
    lines = (WORK / "calls").read_text().splitlines()
    (WORK / "calls").write_text("")
    return [line for line in lines if line.split()[1] not in ("get", "list")]


def test_life(daemon):
    connection = libvirt.open(URI)
    pool = connection.storagePoolDefineXML(POOL)
    assert code_of(pool.create) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE) == libvirt.VIR_ERR_INVALID_ARG
    pool.build()
    assert calls() == ["zpool create -- tank /dev/x /dev/y"]
    pool.create()
    assert pool.info()[1:] == [1000000, 100000, 900000] and "<path>/dev/zvol/tank</path>" in pool.XMLDesc()
    volume = pool.createXML(VOLUME % ("a", ""))
    assert (volume.key(), volume.path()) == ("tank/a", "/dev/zvol/tank/a")
    assert volume.info() == [libvirt.VIR_STORAGE_VOL_BLOCK, 10 * MiB, 10813440]
    pool.createXML(VOLUME % ("b", "<allocation>0</allocation>"))
    pool.createXML(VOLUME % ("c", "<allocation unit='MiB'>4</allocation>"))
    assert calls() == ["zfs create -V 10240K -- tank/a", "zfs create -s -V 10240K -- tank/b",
                       "zfs create -s -o refreservation=4096K -V 10240K -- tank/c"]
    assert code_of(pool.createXMLFrom, VOLUME % ("d", ""), volume) is not None
    assert code_of(pool.createXML, VOLUME % ("a", "")) == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    assert code_of(pool.createXML, VOLUME % ("x/y", "")) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(volume.resize, 20 * MiB) == libvirt.VIR_ERR_NO_SUPPORT
    daemon.restart()
    connection = libvirt.open(URI)
    pool = connection.storagePoolLookupByName("z")
    assert sorted(v.name() for v in pool.listAllVolumes()) == ["a", "b", "c"]
    pool.storageVolLookupByName("b").delete()
    pool.destroy()
    pool.delete()
    assert calls() == ["zfs destroy -- tank/b", "zpool destroy -- tank"]
    pool.undefine()


def test_the_real_one(daemon):
    if not shutil.which("zpool") or not os.path.exists("/dev/zfs"):
        pytest.skip("no ZFS here: neither its programs nor its module are in Debian's main archive")
    with libvirt.open(URI) as connection:
        xml = connection.getStoragePoolCapabilities()
    assert "<pool type='zfs' supported='yes'>" in xml

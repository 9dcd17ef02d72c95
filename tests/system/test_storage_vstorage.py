# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools of type vstorage. Debian has no Virtuozzo Storage: a program of our own stands in for
vstorage-mount, and tells how it was called."""
import os
import pathlib
import shutil

import libvirt
import pytest

import daemon as tested

URI = "storage:///system"
WORK = pathlib.Path("/run/vstorage")
POOL = """<pool type='vstorage'><name>v</name><source><name>stor1</name></source>
  <target><path>/run/vstorage/mounted</path>%s</target></pool>"""
RIGHTS = "<permissions><mode>0750</mode><owner>1</owner><group>54321</group></permissions>"
MOUNT = r"""#!/bin/sh
echo "vstorage-mount $*" >>%s/calls
for last; do :; done
mount -t tmpfs "vstorage://$2" "$last"
"""
MiB = 1 << 20


@pytest.fixture
def daemon():
    WORK.mkdir()
    path = os.environ["PATH"]
    os.environ["PATH"] = "%s:%s" % (WORK / "bin", path)
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    os.environ["PATH"] = path
    shutil.rmtree(WORK)


def test_life(daemon):
    if shutil.which("vstorage-mount"):
        pytest.skip("a real one is here")
    connection = libvirt.open(URI)
    assert "<pool type='vstorage' supported='no'>" in connection.getStoragePoolCapabilities()
    with pytest.raises(libvirt.libvirtError, match="'vstorage' need the program 'vstorage-mount'"):
        connection.storagePoolCreateXML(POOL % "")
    (WORK / "bin").mkdir()
    (WORK / "bin" / "vstorage-mount").write_text(MOUNT % WORK)
    (WORK / "bin" / "vstorage-mount").chmod(0o755)
    pool = connection.storagePoolDefineXML(POOL % RIGHTS)
    pool.build()
    pool.create()
    calls = WORK / "calls"
    assert calls.read_text() == "vstorage-mount -c stor1 -m 0750 -g 54321 -u daemon /run/vstorage/mounted\n"
    volume = pool.createXML("<volume><name>a</name><capacity>%d</capacity></volume>" % MiB)
    assert volume.path() == "/run/vstorage/mounted/a" and volume.info()[1] == MiB
    daemon.restart()
    pool = libvirt.open(URI).storagePoolLookupByName("v")
    assert pool.listVolumes() == ["a"] and len(calls.read_text().splitlines()) == 1
    pool.destroy()
    assert "/run/vstorage/mounted" not in pathlib.Path("/proc/mounts").read_text()
    pool.delete()
    pool.undefine()

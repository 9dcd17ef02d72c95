# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: file systems on devices that it makes and mounts, and one that stops answering."""
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import libvirt
import pytest

from conftest import code_of
from daemon import wait_until
from test_storage import MiB, ROOT, URI, connection, daemon, make_pool, remove_pools, volume_xml  # fixtures, too

FS_POOL = """<pool type='fs'><name>fs</name><source><device path='%s'/><format type='%s'/></source>
  <target><path>%s</path></target></pool>"""


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, text=True, capture_output=True).stdout


@pytest.fixture
def device(connection):
    """a loop device of 512 MiB on a file, which is sparse"""
    for number in range(64):
        path = pathlib.Path("/dev/loop%d" % number)
        if not path.exists():
            os.mknod(path, 0o600 | 0o060000, os.makedev(7, number))
    control = pathlib.Path("/dev/loop-control")
    if not control.exists():
        os.mknod(control, 0o600 | 0o020000, os.makedev(10, 237))
    image = pathlib.Path("/run/device.img")
    with image.open("wb") as file:
        file.truncate(512 * MiB)
    found = subprocess.run(["losetup", "--find", "--show", image], text=True, capture_output=True)
    if found.returncode:
        pytest.skip("no loop devices: " + found.stderr)
    yield found.stdout.strip()
    with libvirt.open(URI) as fresh:
        remove_pools(fresh)
    run("losetup", "--detach", found.stdout.strip())
    image.unlink()


def is_mounted(path):
    return any(line.split()[1] == str(path) for line in open("/proc/self/mounts"))


@pytest.mark.parametrize("form", ["ext4", "xfs"])
def test_fs(connection, daemon, device, form):
    if not shutil.which("mkfs." + form):
        pytest.skip("no mkfs." + form)
    target = ROOT / "fs"
    pool = connection.storagePoolDefineXML(FS_POOL % (device, form, target))
    pool.build()
    assert target.is_dir() and code_of(pool.create) is not None        # nothing on the device
    assert not is_mounted(target) and pool.isActive() == 0
    pool.build(libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE)
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE) == libvirt.VIR_ERR_OPERATION_INVALID
    pool.build(libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
    pool.create()
    assert is_mounted(target)
    assert "noexec" in next(line for line in open("/proc/self/mounts") if str(target) in line)
    assert 200 * MiB < pool.info()[1] <= 512 * MiB
    raw = pool.createXML(volume_xml("raw", 4 * MiB, "<allocation>%d</allocation>" % (4 * MiB)))
    assert raw.info()[2] >= 4 * MiB
    copy = pool.createXMLFrom(volume_xml("copy", 1), raw)
    copy.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM, 0)
    assert copy.info()[2] < MiB
    if form == "xfs":
        shared = pool.createXMLFrom(volume_xml("shared", 1), raw, libvirt.VIR_STORAGE_VOL_CREATE_REFLINK)
        assert shared.info()[1] == 4 * MiB
        shared.delete()
    assert code_of(pool.createXML, volume_xml("big", 1 << 30, "<allocation>%d</allocation>" % (1 << 30))) == \
        libvirt.VIR_ERR_SYSTEM_ERROR
    assert sorted(n for n in os.listdir(target) if n != "lost+found") == ["copy", "raw"]
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    daemon.start()
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("fs")
        assert again.isActive() and set(again.listVolumes()) >= {"copy", "raw"}
        with (target / "raw").open("rb"):
            assert code_of(again.destroy) is not None                  # somebody has it open
            assert again.isActive() and set(again.listVolumes()) >= {"copy", "raw"}
        again.destroy()
        assert not is_mounted(target)
        again.delete()
        again.undefine()


def test_fs_refused(connection, device):
    assert code_of(connection.storagePoolCreateXML, FS_POOL % ("/none", "ext4", ROOT / "fs"), 1) == \
        libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(connection.storagePoolCreateXML, FS_POOL % ("-bad", "ext4", ROOT / "fs"), 1) == \
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    pool = connection.storagePoolDefineXML(FS_POOL % (device, "auto", ROOT / "fs"))
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(connection.storagePoolDefineXML, (FS_POOL % (device, "ext4", ROOT / "other"))
                   .replace(">fs<", ">other<")) == libvirt.VIR_ERR_OPERATION_FAILED


def test_hung_pool(connection, daemon, device):
    """one pool that hangs, with more calls than there are workers: the others are served as ever"""
    run("mkfs.ext4", "-q", device)
    hung = connection.storagePoolCreateXML(FS_POOL % (device, "ext4", ROOT / "fs"), 1)
    others = [make_pool(connection, "other%d" % number) for number in range(3)]
    stuck, results = [], []
    run("fsfreeze", "--freeze", ROOT / "fs")

    def create(number):
        with libvirt.open(URI) as client:
            pool = client.storagePoolLookupByName("fs")
            results.append(code_of(pool.createXML, volume_xml("v%d" % number)))

    taken = []

    def serve_others():
        for number in range(30):
            begun = time.monotonic()
            volume = others[number % 3].createXML(volume_xml("v%d" % number))
            assert volume.info()[1] == MiB
            taken.append(time.monotonic() - begun)

    try:
        for number in range(40):
            stuck.append(threading.Thread(target=create, args=[number]))
            stuck[-1].start()
        wait_until(lambda: daemon_threads_in(daemon, "D") >= 3, timeout=60)
        assert hung.info()[0] == libvirt.VIR_STORAGE_POOL_RUNNING
        others_served = threading.Thread(target=serve_others)
        others_served.start()
        others_served.join(20)
        in_time, at_work = len(taken) == 30, results == []
    finally:                                    # what is frozen can't be ended by anything else
        run("fsfreeze", "--unfreeze", ROOT / "fs")
    assert in_time and at_work and sorted(taken)[-2] < 1, (taken, results)
    for thread in stuck:
        thread.join()
    assert results == [None] * 40
    assert len(hung.listVolumes()) == 40 + ("lost+found" in hung.listVolumes())


def daemon_threads_in(daemon, state):
    return sum(stat.read_text().rpartition(")")[2].split()[0] == state
               for stat in pathlib.Path(f"/proc/{daemon.process.pid}/task").glob("*/stat"))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the lab's tests: real virtstoraged and stock clients, in a machine of its own."""
import os
import pathlib
import shutil
import subprocess
import sys

import libvirt
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import daemon as tested  # noqa: E402
from client import code_of, collect_garbage, event_loop  # noqa: E402,F401

URI = "storage:///system"
POOLS = pathlib.Path("/run/pools")          # for targets of pools
DISKS = ["/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde"]


def pytest_configure():
    if not os.path.exists("/source/tests/lab/init"):
        pytest.exit("these tests need a machine of their own: ./run lab", 2)


def run(*words, check=True, text=None, timeout=120):
    """a program's output; its errors are in the assertion's message"""
    done = subprocess.run(words, input=text, stdin=None if text is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    assert not check or done.returncode == 0, "%s: %s" % (" ".join(words), done.stdout)
    return done.stdout


def modprobe(*names):
    run("modprobe", "-a", *names)


def settle():
    run("udevadm", "settle", "--timeout=60")


@pytest.fixture(scope="session")
def daemon():
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()


def remove_pools():
    with libvirt.open(URI) as fresh:
        for pool in fresh.listAllStoragePools():
            persistent = pool.isPersistent()
            if pool.isActive():
                tested.wait_until(lambda: code_of(pool.destroy) is None, 30, what="the end of jobs")
            if persistent:
                pool.undefine()


@pytest.fixture
def connection(daemon):
    """an open connection; afterwards there is no pool, and nothing of one"""
    if not daemon.alive():
        daemon.start()
    POOLS.mkdir(exist_ok=True)
    mounted = mounts()
    opened = libvirt.open(URI)
    yield opened
    assert daemon.alive(), daemon.log_tail()
    try:
        opened.close()
    except libvirt.libvirtError:                # of a daemon that has been killed since
        pass
    remove_pools()
    assert mounts() == mounted
    shutil.rmtree(POOLS)
    for folder in ("/etc/libvirt/storage", "/run/libvirt/storage"):
        assert not list(pathlib.Path(folder).glob("*.xml"))


def mounts():
    return sorted(line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines())


@pytest.fixture
def disks():
    """the machine's own disks, 1 GiB each, empty before and after"""
    yield DISKS
    for disk in DISKS:
        run("wipefs", "-aqf", disk)
        run("blkdiscard", "-f", disk)
        run("blockdev", "--rereadpt", disk, check=False)
    settle()


def volume_names(pool):
    return sorted(volume.name() for volume in pool.listAllVolumes())

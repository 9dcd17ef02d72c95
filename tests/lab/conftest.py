# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the lab's tests: real daemons and stock clients, in machines of their own."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import libvirt
import libvirt_qemu
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import daemon as tested  # noqa: E402
from client import code_of, collect_garbage, event_loop, opened, remove_guests, remove_pools  # noqa: E402,F401

URI = "storage:///system"
POOLS = pathlib.Path("/run/pools")          # for targets of pools
DEADLINE = 120                              # seconds, of what takes one on a machine that does nothing else
DISKS = ["/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde"]


def pytest_configure():
    if not os.path.exists("/source/tests/lab/init"):
        pytest.exit("these tests need a machine of their own: ./run lab", 2)


def run(*words, check=True, text=None, timeout=2 * DEADLINE):
    """a program's output; its errors are in the assertion's message"""
    done = subprocess.run(words, input=text, stdin=None if text is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    assert not check or done.returncode == 0, "%s: %s" % (" ".join(words), done.stdout)
    return done.stdout


def modprobe(*names):
    run("modprobe", "-a", *names)


def systemctl(*words, check=True):
    return run("systemctl", "--no-pager", *words, check=check)


def settle():
    run("udevadm", "settle", "--timeout=%d" % DEADLINE)


@pytest.fixture(scope="session")
def daemon():
    running = tested.Daemon(name="virtstoraged").start(DEADLINE)
    yield running
    running.stop()


@pytest.fixture
def connection(daemon):
    """an open connection; afterwards there is no pool, and nothing of one"""
    POOLS.mkdir(exist_ok=True)
    mounted = mounts()
    with opened(daemon, URI, remove_pools) as connection:
        yield connection
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


def is_taken_up(pool):
    try:
        pool.listAllVolumes()
    except libvirt.libvirtError as error:
        return "has not answered since" not in str(error)
    return True


def kill_and_restart(daemon):
    """kill -9; then another daemon, which has taken up all pools that ran"""
    daemon.restart(signal.SIGKILL)
    with libvirt.open(URI) as fresh:
        for pool in fresh.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
            tested.wait_until(lambda: is_taken_up(pool), DEADLINE, 0.1, what=pool.name())


@pytest.fixture(scope="session")
def virtqemud(daemon):
    running = tested.Daemon().start(DEADLINE)
    yield running
    running.stop()


@pytest.fixture
def link(virtqemud):
    """an open connection to a virtqemud beside virtstoraged; afterwards there is no guest"""
    with opened(virtqemud, tested.URI, remove_guests) as link:
        yield link


def volume_names(pool):
    return sorted(volume.name() for volume in pool.listAllVolumes())


# ---- guests, in the machine that has systemd ----

GUEST = """<domain type='qemu'><name>%s</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>%s
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><controller type='usb' model='qemu-xhci'/><memballoon model='none'/>%s%s</devices></domain>"""
# A device leaves without a word of the guest, which has no system: ACPI would wait for it.
NATIVE_HOTPLUG = """<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-global'/>
  <qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/></qemu:commandline>"""
PORTS = "<controller type='pci' model='pcie-root'/>" + "<controller type='pci' model='pcie-root-port'/>" * 6


def main_pid(unit):
    return int(systemctl("show", "--value", "-p", "MainPID", unit))


def kill_virtqemud():
    """kill -9; systemd starts it again"""
    pid = main_pid("virtqemud")
    os.kill(pid, signal.SIGKILL)
    tested.wait_until(lambda: main_pid("virtqemud") not in (0, pid), DEADLINE, 0.2, "another virtqemud")


class Guests:
    """guests that do not run, in a virtqemud that systemd starts"""

    def __init__(self):
        self.link = None

    def open(self):
        """a connection; another one when its daemon has gone"""
        if self.link is None or not self.link.isAlive():
            self.link = libvirt.open("qemu:///system")
        return self.link

    def start(self, name, devices="", elements="", flags=libvirt.VIR_DOMAIN_START_PAUSED):
        return self.open().createXML(GUEST % (name, elements, PORTS, devices), flags)

    def find(self, name):
        return self.open().lookupByName(name)

    def ask(self, name, command):
        """what QEMU's own monitor says"""
        return libvirt_qemu.qemuMonitorCommand(self.find(name), command,
                                               libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)


@pytest.fixture
def guests():
    """makes guests; afterwards there are none"""
    systemctl("start", "virtqemud.socket", "virtqemud-ro.socket", "virtqemud-admin.socket")
    made = Guests()
    yield made
    for domain in made.open().listAllDomains():
        domain.destroy()
    assert not tested.emulator_pids()

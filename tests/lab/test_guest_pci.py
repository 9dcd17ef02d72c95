# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI devices of the host in guests, by VFIO."""
import pathlib
import re
import subprocess

import libvirt
import pytest

from conftest import DEADLINE, NATIVE_HOTPLUG, code_of, kill_virtqemud, modprobe, tested

FIRST, SECOND = "0000:01:00.0", "0000:02:00.0"
PCI = """<hostdev mode='subsystem' type='pci' managed='%s'><source><address bus='0x%s' slot='0' function='0'/>
  </source></hostdev>"""
MODULES = pathlib.Path("/etc/modprobe.d/lab.conf")


def hostdev(address, managed="yes"):
    return PCI % (managed, address[5:7])


def driver(address):
    link = pathlib.Path("/sys/bus/pci/devices", address, "driver")
    return link.resolve().name if link.exists() else None


def locked(name):
    """the limit of QEMU's locked memory"""
    pid, = tested.emulator_pids(name)
    return int(re.search(r"Max locked memory +(\d+)", pathlib.Path("/proc/%d/limits" % pid).read_text()).group(1))


def has_device(guests, name):
    return "vfio-pci" in guests.ask(name, "info qtree")


@pytest.fixture(autouse=True)
def cards():
    modprobe("virtio_net")
    yield
    for address in FIRST, SECOND:
        assert driver(address) == "virtio-pci"
        assert list(pathlib.Path("/sys/bus/pci/devices", address).glob("virtio*/net/*"))


def test_without_its_driver(guests):
    """before any other test has loaded it"""
    subprocess.run(["modprobe", "-r", "vfio-pci"])
    MODULES.write_text("install vfio-pci /bin/false\n")
    try:
        with pytest.raises(libvirt.libvirtError, match="no driver vfio-pci"):
            guests.start("one", hostdev(FIRST))
    finally:
        MODULES.unlink()


def test_life(guests):
    one = guests.start("one", hostdev(FIRST))
    assert has_device(guests, "one") and driver(FIRST) == "vfio-pci"
    assert locked("one") >= (64 + 1024) << 20
    # another guest gets neither that nor what the host still uses
    with pytest.raises(libvirt.libvirtError, match="%s is in use by driver QEMU, domain one" % FIRST):
        guests.start("two", hostdev(FIRST))
    two = guests.start("two", elements=NATIVE_HOTPLUG)
    assert code_of(two.attachDevice, hostdev(FIRST)) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(two.attachDevice, hostdev(SECOND, "no")) == libvirt.VIR_ERR_OPERATION_INVALID
    assert driver(FIRST) == "vfio-pci" and has_device(guests, "one")
    one.destroy()
    assert driver(FIRST) == "virtio-pci"
    before = locked("two")
    two.attachDevice(hostdev(FIRST))
    assert has_device(guests, "two") and driver(FIRST) == "vfio-pci" and locked("two") > before
    two.detachDevice(hostdev(FIRST))
    tested.wait_until(lambda: driver(FIRST) == "virtio-pci", DEADLINE, 0.2, "the device to be the host's again")
    assert not has_device(guests, "two")


def test_missing(guests):
    with pytest.raises(libvirt.libvirtError, match="0000:09:00.0 not found"):
        guests.start("one", hostdev("0000:09:00.0"))


def test_restart(guests):
    """a later daemon knows what guests have, and gives it back"""
    guests.start("one", hostdev(FIRST))
    two = guests.start("two")
    two.attachDevice(hostdev(SECOND))
    kill_virtqemud()
    with pytest.raises(libvirt.libvirtError, match="domain two"):
        guests.start("three", hostdev(SECOND))
    guests.find("two").destroy()
    assert driver(SECOND) == "virtio-pci" and driver(FIRST) == "vfio-pci"
    # one that has ended while nobody looked
    pid, = tested.emulator_pids("one")
    kill_virtqemud()
    subprocess.run(["kill", "-9", str(pid)], check=True)
    tested.wait_until(lambda: driver(FIRST) == "virtio-pci", DEADLINE, 0.2, "the device to be the host's again")

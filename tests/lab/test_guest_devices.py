# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB and SCSI devices of the host in guests, its huge pages, files as NVDIMMs, and vsock."""
import pathlib
import re

import libvirt
import pytest

from conftest import DEADLINE, NATIVE_HOTPLUG, code_of, kill_virtqemud, modprobe, run, settle, tested

USB = """<hostdev mode='subsystem' type='usb'%s><source><vendor id='0x%s'/><product id='0x%s'/></source></hostdev>"""
SERIAL, TABLET = ("0403", "6001"), ("0627", "0001")       # of the second kind there are two
SCSI = """<hostdev mode='subsystem' type='scsi' sgio='filtered'%s><source><adapter name='%s'/>
  <address bus='0' target='0' unit='%d'/></source></hostdev>"""
HBA = "<controller type='scsi' index='0' model='virtio-scsi'/>"
HUGE = "<memoryBacking><hugepages/></memoryBacking>"
ROOM = """<maxMemory slots='4' unit='MiB'>512</maxMemory><features><acpi/></features>
  <cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>"""
NVDIMM = """<memory model='nvdimm'><source><path>%s</path></source>
  <target><size unit='MiB'>64</size><node>0</node></target></memory>"""
VSOCK = "<vsock model='virtio'><cid auto='yes'/></vsock>"
PAGE_KIB = 2048


def usb(ids, rest=""):
    return USB % (rest, *ids)


def qtree(guests, name):
    return guests.ask(name, "info qtree")


def usb_node(ids):
    """(path, owner) of the first device of a kind"""
    for path in pathlib.Path("/sys/bus/usb/devices").glob("*/idVendor"):
        words = [(path.parent / word).read_text().strip() for word in ("idVendor", "idProduct", "busnum", "devnum")]
        if tuple(words[:2]) == ids:
            node = pathlib.Path("/dev/bus/usb/%03d/%03d" % (int(words[2]), int(words[3])))
            return node, node.owner()
    return None


@pytest.fixture(scope="module")
def bus():
    modprobe("xhci_pci")
    settle()
    tested.wait_until(lambda: usb_node(SERIAL) and usb_node(TABLET), DEADLINE, 0.2, lambda: run(
        "sh", "-c", "ls /sys/bus/usb/devices; cat /sys/bus/usb/devices/*/id*; lsmod; cat /sys/bus/pci/devices/*/modalias; dmesg | tail -n 30"))


def test_usb(guests, bus):
    one = guests.start("one", usb(SERIAL))
    assert "usb-host" in qtree(guests, "one") and usb_node(SERIAL)[1] == "libvirt-qemu"
    with pytest.raises(libvirt.libvirtError, match="in use by driver QEMU, domain one"):
        guests.start("two", usb(SERIAL))
    # which of two that are alike is not said
    assert code_of(one.attachDevice, usb(TABLET)) == libvirt.VIR_ERR_OPERATION_FAILED
    kill_virtqemud()
    one, two = guests.find("one"), guests.start("two")
    assert code_of(two.attachDevice, usb(SERIAL)) == libvirt.VIR_ERR_OPERATION_INVALID
    one.detachDevice(usb(SERIAL))
    assert "usb-host" not in qtree(guests, "one") and usb_node(SERIAL)[1] == "root"
    two.attachDevice(usb(SERIAL))
    assert "usb-host" in qtree(guests, "two") and usb_node(SERIAL)[1] == "libvirt-qemu"


def test_usb_missing(guests, bus):
    with pytest.raises(libvirt.libvirtError):
        guests.start("one", usb(("1234", "5678")))
    guests.start("one", USB.replace("<source>", "<source startupPolicy='optional'>") % ("", "1234", "5678"))
    assert "usb-host" not in qtree(guests, "one")


@pytest.fixture
def adapter():
    """an HBA of the host with two LUNs"""
    modprobe("sg")
    run("modprobe", "scsi_debug", "dev_size_mb=8", "max_luns=2")
    settle()
    path, = [path.parent.name for path in pathlib.Path("/sys/class/scsi_host").glob("*/proc_name")
             if path.read_text().strip() == "scsi_debug"]
    yield path
    tested.wait_until(lambda: "in use" not in run("modprobe", "-r", "scsi_debug", check=False), DEADLINE, 0.5,
                      "the HBA to be free")


def test_scsi(adapter, guests):
    first, second = SCSI % ("", adapter, 0), SCSI % ("", adapter, 1)
    one = guests.start("one", HBA + first)
    assert qtree(guests, "one").count("dev: scsi-generic") == 1
    two = guests.start("two", HBA)
    assert code_of(two.attachDevice, first) == libvirt.VIR_ERR_OPERATION_INVALID
    two.attachDevice(second)
    kill_virtqemud()
    one, two = guests.find("one"), guests.find("two")
    two.detachDevice(second)
    assert "dev: scsi-generic" not in qtree(guests, "two")
    one.attachDevice(second)
    assert qtree(guests, "one").count("dev: scsi-generic") == 2
    with pytest.raises(libvirt.libvirtError, match="no SCSI device|not found|No such file"):
        two.attachDevice(SCSI % ("", adapter, 5))


def free_pages():
    return int(re.search(r"HugePages_Free: +(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1))


@pytest.fixture
def pages():
    """2 MiB each, for one guest and a little"""
    run("mount", "-t", "hugetlbfs", "hugetlbfs", "/dev/hugepages")
    count = pathlib.Path("/proc/sys/vm/nr_hugepages")
    pathlib.Path("/proc/sys/vm/compact_memory").write_text("1")
    count.write_text("40")
    assert free_pages() == 40
    yield 40
    count.write_text("0")
    run("umount", "/dev/hugepages")


def test_huge_pages(pages, guests):
    guests.start("one", elements=HUGE)
    assert free_pages() == pages - (64 << 10) // PAGE_KIB
    with pytest.raises(libvirt.libvirtError):
        guests.start("two", elements=HUGE)
    kill_virtqemud()
    guests.find("one").destroy()
    tested.wait_until(lambda: free_pages() == pages, DEADLINE, 0.2, "the pages to be free again")


def test_nvdimm(guests):
    folder = pathlib.Path("/run/nvdimm")
    folder.mkdir()
    images = [folder / "a", folder / "b"]
    for image in images:
        with image.open("wb") as file:
            file.truncate(64 << 20)
    guests.start("one", NVDIMM % images[0], elements=ROOM)
    assert str(images[0]) in run("cat", "/proc/%d/maps" % tested.emulator_pids("one")[0])
    kill_virtqemud()
    guests.find("one").attachDevice(NVDIMM % images[1])
    assert guests.ask("one", "info memory-devices").count("nvdimm") >= 2
    assert [image.owner() for image in images] == ["libvirt-qemu"] * 2
    guests.find("one").destroy()
    assert [image.owner() for image in images] == ["root"] * 2


def test_vsock(guests):
    modprobe("vhost_vsock")
    one = guests.start("one", VSOCK)
    two = guests.start("two", elements=NATIVE_HOTPLUG)
    two.attachDevice(VSOCK)
    cids = [re.search(r"address='(\d+)'", domain.XMLDesc()).group(1) for domain in (one, two)]
    assert len(set(cids)) == 2 and min(map(int, cids)) >= 3
    kill_virtqemud()
    assert "vhost-vsock" in qtree(guests, "one") and "vhost-vsock" in qtree(guests, "two")
    guests.find("two").detachDevice("<vsock model='virtio'><cid auto='yes' address='%s'/></vsock>" % cids[1])
    tested.wait_until(lambda: "vhost-vsock" not in qtree(guests, "two"), DEADLINE, 0.5, "the device to go")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type scsi and mpath, on HBAs of scsi_debug, and on fibre channel over a virtual wire."""
import os
import pathlib

import libvirt
import pytest

from conftest import DEADLINE, URI, code_of, kill_and_restart, modprobe, run, settle, volume_names
from daemon import boot_sector, wait_until
from volume_guests import live_on, upload

POOL = "<pool type='scsi'><name>s</name><source>%s</source><target><path>%s</path></target></pool>"
DEBUG = pathlib.Path("/sys/bus/pseudo/drivers/scsi_debug")
SIZE = 32 << 20


def hosts(driver):
    return sorted(path.parent.name for path in pathlib.Path("/sys/class/scsi_host").glob("*/proc_name")
                  if path.read_text().strip() == driver)


@pytest.fixture
def adapter():
    """an HBA with two LUNs"""
    modprobe("sd_mod", "sg")
    run("modprobe", "scsi_debug", "dev_size_mb=32", "max_luns=2")
    settle()
    yield hosts("scsi_debug")[0]
    settle()                                                # udev looks at what QEMU has closed
    wait_until(lambda: "in use" not in run("modprobe", "-r", "scsi_debug", check=False), DEADLINE, 0.5, "the HBA to be free")
    settle()


def test_life(connection, daemon, adapter):
    pool = connection.storagePoolDefineXML(POOL % ("<adapter name='%s'/>" % adapter, "/dev"))
    pool.build()
    pool.create()
    assert volume_names(pool) == ["unit:0:0:0", "unit:0:0:1"]
    assert pool.info()[1:] == [2 * SIZE, 2 * SIZE, 0]
    volume = pool.storageVolLookupByName("unit:0:0:1")
    assert volume.info() == [libvirt.VIR_STORAGE_VOL_BLOCK, SIZE, SIZE]
    serial = run("/lib/udev/scsi_id", "--replace-whitespace", "--whitelisted", "--device", volume.path()).strip()
    assert volume.key() == serial and os.path.realpath(volume.path()) == volume.path()
    assert "<format" not in volume.XMLDesc()
    assert connection.storageVolLookupByKey(serial).path() == volume.path()

    run("parted", "-s", volume.path(), "mklabel", "gpt")
    settle()
    assert "<format type='gpt'/>" in volume.XMLDesc()
    volume.wipe()
    assert "<format" not in volume.XMLDesc()
    for call, words in ((pool.createXML, ("<volume><name>x</name><capacity>1</capacity></volume>",)),
                        (volume.delete, ()), (pool.delete, ())):
        assert code_of(call, *words) in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_INVALID)

    (DEBUG / "max_luns").write_text("3")
    pool.refresh()
    assert volume_names(pool) == ["unit:0:0:0", "unit:0:0:1", "unit:0:0:2"]
    (DEBUG / "max_luns").write_text("2")
    name = os.path.basename(pool.storageVolLookupByName("unit:0:0:2").path())
    pathlib.Path("/sys/block/%s/device/delete" % name).write_text("1")
    path = volume.path()
    kill_and_restart(daemon)
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("s")
        assert volume_names(again) == ["unit:0:0:0", "unit:0:0:1"]
        again.refresh()
        assert again.storageVolLookupByName("unit:0:0:1").key() == serial
        again.destroy()
        again.undefine()
    assert os.path.exists(path)


def test_names_of_volumes(connection, adapter):
    """by links of udev, if the target is a folder of these; what has none there is no volume"""
    pool = connection.storagePoolCreateXML(POOL % ("<adapter type='scsi_host' name='scsi_%s'/>" % adapter,
                                                   "/dev/disk/by-id"))
    paths = [volume.path() for volume in pool.listAllVolumes()]
    assert len(paths) == 2 and all(path.startswith("/dev/disk/by-id/") and os.path.islink(path) for path in paths)
    pool.destroy()
    pool = connection.storagePoolCreateXML(POOL % ("<adapter name='%s'/>" % adapter, "/dev/disk/by-path"))
    assert volume_names(pool) == []
    pool.destroy()


def test_by_address(connection):
    modprobe("ahci")
    settle()
    address = "<address domain='0' bus='0' slot='0x1f' function='0x%d'/>"
    parent = "<adapter type='scsi_host'><parentaddr unique_id='%d'>" + address + "</parentaddr></adapter>"
    ids = sorted(int(pathlib.Path("/sys/class/scsi_host", host, "unique_id").read_text()) for host in hosts("ahci"))
    pool = connection.storagePoolCreateXML(POOL % (parent % (ids[0], 2), "/dev"))
    assert volume_names(pool) == []
    pool.destroy()
    for values in ((99, 2), (ids[0], 3)):
        assert code_of(connection.storagePoolCreateXML, POOL % (parent % values, "/dev")) == \
            libvirt.VIR_ERR_XML_ERROR


@pytest.mark.parametrize("words,path,code", [
    ("name='host99'", "/dev", libvirt.VIR_ERR_SYSTEM_ERROR),
    ("name='odd'", "/dev", libvirt.VIR_ERR_INTERNAL_ERROR),
    ("type='fc_host' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'", "/dev", libvirt.VIR_ERR_XML_ERROR),
    ("type='fc_host' parent='scsi_host77' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'", "/dev",
     libvirt.VIR_ERR_XML_ERROR),
    ("type='fc_host' parent='odd' wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'", "/dev",
     libvirt.VIR_ERR_INTERNAL_ERROR),
    ("type='fc_host' parent_wwnn='2000000000000001' parent_wwpn='1000000000000001' wwnn='20000000c9831b4b'"
     " wwpn='10000000c9831b4b'", "/dev", libvirt.VIR_ERR_XML_ERROR)])
def test_refused(connection, words, path, code):
    assert code_of(connection.storagePoolCreateXML, POOL % ("<adapter %s/>" % words, path)) == code


def test_no_such_folder(connection, adapter):
    assert code_of(connection.storagePoolCreateXML, POOL % ("<adapter name='%s'/>" % adapter, "/none")) == \
        libvirt.VIR_ERR_INVALID_ARG


# ---- virtual HBAs ----

FC = pathlib.Path("/sys/class/fc_host")
OWN = "wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'"


@pytest.fixture(scope="module")
def fibre():
    """an FC host on a virtual network link. There is none at the other end of that: two of these make
    the kernel fall over its own feet now and then"""
    modprobe("fcoe", "sd_mod")
    run("ip", "link", "add", "fc0", "type", "veth", "peer", "name", "fc1")
    for name in ("fc0", "fc1"):
        run("ip", "link", "set", name, "up")
    pathlib.Path("/sys/module/libfcoe/parameters/create_vn2vn").write_text("fc0")
    wait_until(lambda: list(FC.iterdir()), DEADLINE)
    yield os.listdir(FC)[0]
    pathlib.Path("/sys/module/libfcoe/parameters/destroy").write_text("fc0")
    run("ip", "link", "del", "fc0")


def virtual_hosts():
    return [path.name for path in FC.iterdir() if "vport-" in os.path.realpath(path)]


def word(host, name):
    return (FC / host / name).read_text().strip()[2:]


def test_virtual(connection, daemon, fibre):
    pool = connection.storagePoolDefineXML(POOL % ("<adapter type='fc_host' parent='scsi_%s' %s/>" % (fibre, OWN),
                                                   "/dev"))
    pool.create()
    (host,) = virtual_hosts()
    assert (word(host, "node_name"), word(host, "port_name")) == ("20000000c9831b4b", "10000000c9831b4b")
    kill_and_restart(daemon)
    assert virtual_hosts() == [host]
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("s")
        assert again.isActive()
        again.destroy()
        assert virtual_hosts() == []
        again.undefine()


def test_virtual_of_others(connection, fibre):
    """what was there before stays"""
    (FC / fibre / "vport_create").write_text("10000000c9831b4b:20000000c9831b4b")
    wait_until(virtual_hosts, DEADLINE)
    for parent in ("", "parent_wwnn='%s' parent_wwpn='%s'" % (word(fibre, "node_name"), word(fibre, "port_name"))):
        pool = connection.storagePoolCreateXML(POOL % ("<adapter type='fc_host' %s %s/>" % (parent, OWN), "/dev"))
        pool.destroy()
        assert len(virtual_hosts()) == 1
    pool = connection.storagePoolCreateXML(POOL % ("<adapter type='fc_host' managed='yes' %s/>" % OWN, "/dev"))
    pool.destroy()
    assert virtual_hosts() == []


def test_guests(connection, adapter, link):
    pool = connection.storagePoolCreateXML(POOL % ("<adapter name='%s'/>" % adapter, "/dev"))
    volume = pool.storageVolLookupByName("unit:0:0:0")
    upload(volume, boot_sector("scsi"))
    assert live_on(link, volume, "scsi") == ["wipe", "upload"]
    pool.destroy()

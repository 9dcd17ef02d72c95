# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: which documents of pools and volumes are taken, which are refused and how, and which two pools
are one storage; that no host, disk or server of theirs is there does not matter."""
import pathlib
import shutil

import libvirt
import pytest

from client import opened, remove_pools, serving
from conftest import code_of

URI = "storage:///system"
ROOT = pathlib.Path("/run/pools")
MiB = 1 << 20
CONFLICT = libvirt.VIR_ERR_OPERATION_FAILED
UNSUPPORTED = libvirt.VIR_ERR_CONFIG_UNSUPPORTED
WRONG = libvirt.VIR_ERR_XML_ERROR
FS = "http://libvirt.org/schemas/storagepool/fs/1.0"


daemon = serving("virtstoraged")


@pytest.fixture
def connection(daemon):
    ROOT.mkdir()
    with opened(daemon, URI, remove_pools) as connection:
        yield connection
    shutil.rmtree(ROOT)


def pool_xml(kind, name, source="", path=None, more=""):
    target = f"<target><path>{path}</path></target>" if path else ""
    return f"<pool type='{kind}' xmlns:fs='{FS}'><name>{name}</name><source>{source}</source>{target}{more}</pool>"


def host(name, port=None):
    return f"<host name='{name}'" + (f" port='{port}'/>" if port else "/>")


def adapter(attributes, inner=""):
    return f"<adapter {attributes}>{inner}</adapter>"


ADDRESS = "<parentaddr unique_id='%d'><address domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/></parentaddr>"
VIRTUAL = "type='fc_host' wwnn='20000000c9831b4b' wwpn='%s'"
NFS = "<dir path='/x'/>"
GLUSTER = "<dir path='%s'/><name>v</name>"
PAIRS = [  # kind, source and path of one, of another, is that one storage?
    ("netfs", host("s", 1) + NFS, "/a", host("s", 1) + NFS, "/b", True),
    ("netfs", host("s", 1) + NFS, "/a", host("s", 2) + NFS, "/b", False),
    ("netfs", host("s", 1) + NFS, "/a", host("s") + NFS, "/b", True),         # whichever port that is
    ("netfs", host("s") + NFS, "/a", host("t") + NFS, "/b", False),
    ("netfs", host("s") + NFS, "/a", host("s") + "<dir path='/y'/>", "/b", False),
    ("netfs", host("s") + NFS, "/a", host("t") + "<dir path='/y'/>", "/a", False),
    ("fs", "<device path='/dev/x'/>", "/a", "<device path='/dev/x'/>", "/b", True),
    ("fs", "<device path='/dev/x'/>", "/a", "<device path='/dev/y'/>", "/a", False),
    ("dir", "", "/a/b", "", "/a//b/", True),
    ("dir", "", "/a", "", "/a/b", False),
    ("disk", "<device path='/dev/x'/>", "/dev", "<device path='/dev/x'/>", "/dev/disk", True),
    ("disk", "<device path='/dev/x'/>", "/dev", "<device path='/dev/y'/>", "/dev", False),
    ("scsi", adapter("name='host5'"), "/dev/disk/by-path", adapter("name='scsi_host5'"), "/dev/disk/by-id", True),
    ("scsi", adapter("name='host5'"), "/dev/disk/by-path", adapter("name='host6'"), "/dev/disk/by-path", False),
    ("scsi", adapter("type='scsi_host'", ADDRESS % 1), "/dev", adapter("type='scsi_host'", ADDRESS % 1), "/dev", True),
    ("scsi", adapter("type='scsi_host'", ADDRESS % 1), "/dev", adapter("type='scsi_host'", ADDRESS % 2), "/dev", False),
    ("scsi", adapter(VIRTUAL % "10000000c9831b4b"), "/dev",
     adapter(VIRTUAL % "10000000C9831B4B" + " parent='scsi_host3'"), "/dev", True),
    ("scsi", adapter(VIRTUAL % "10000000c9831b4b"), "/dev", adapter(VIRTUAL % "10000000c9831b4c"), "/dev", False),
    ("mpath", "", "/dev/mapper", "", "/dev/disk", True),
]


@pytest.mark.parametrize("kind, first, first_path, second, second_path, same", PAIRS)
def test_two_pools(connection, kind, first, first_path, second, second_path, same):
    connection.storagePoolDefineXML(pool_xml(kind, "one", first, first_path))
    code = code_of(connection.storagePoolDefineXML, pool_xml(kind, "two", second, second_path))
    assert code == (CONFLICT if same else None)


def test_one_name(connection):
    one = connection.storagePoolDefineXML(pool_xml("dir", "one", path=ROOT / "one"))
    with pytest.raises(libvirt.libvirtError, match="'one' .* exists with uuid " + one.UUIDString()):
        connection.storagePoolDefineXML(pool_xml("dir", "one", path=ROOT / "one"))
    assert "/two<" in connection.storagePoolDefineXML(one.XMLDesc().replace("/one<", "/two<")).XMLDesc()


AUTH = "<device path='iqn.x'/><initiator><iqn name='iqn.y'/></initiator><auth%s username='u'><secret usage='x'/></auth>"
REFUSED = [
    (pool_xml("netfs", "p", host("s") + NFS + "<format type='cifs'/><protocol ver='3'/>", "/a"), UNSUPPORTED),
    (pool_xml("netfs", "p", host("s") + NFS + "<protocol ver='3,exec'/>", "/a"), libvirt.VIR_ERR_XML_DETAIL),
    (pool_xml("netfs", "p", host("s") + NFS + "<format type='zfs'/>", "/a"), UNSUPPORTED),
    (pool_xml("netfs", "p", host("s", -1) + NFS, "/a"), WRONG),
    (pool_xml("netfs", "p", host("s", 99999) + NFS, "/a"), WRONG),
    (pool_xml("scsi", "p", adapter("type='scsi_host'", ADDRESS.replace(" unique_id='%d'", "")), "/dev"), WRONG),
    (pool_xml("iscsi-direct", "p", host("s") + AUTH % ""), UNSUPPORTED),
    (pool_xml("iscsi-direct", "p", host("s") + AUTH % " type='none'"), UNSUPPORTED),
    (pool_xml("dir", "p", path="/a", more="<refresh><volume allocation='zz'/></refresh>"), UNSUPPORTED),
    (pool_xml("dir", "p&#10;q", path="/a"), WRONG),
    (pool_xml("dir", "../p", path="/a"), WRONG),
    (pool_xml("fs", "p", "<device path='/dev/x'/>", "/a", "<fs:mount_opts><fs:option/></fs:mount_opts>"), WRONG),
    ("<!DOCTYPE p [<!ENTITY e SYSTEM '/etc/passwd'>]>" + pool_xml("dir", "&e;", path="/a"), WRONG),
]


@pytest.mark.parametrize("text, code", REFUSED)
def test_refused_pools(connection, text, code):
    assert code_of(connection.storagePoolDefineXML, text) == code


def test_mount_options(connection):
    """the namespace counts, whatever its prefix; of other kinds of pools it has no meaning"""
    options = "<x:mount_opts xmlns:x='%s'><x:option name='sync'/><x:option name='noatime'/></x:mount_opts>"
    device = "<device path='/dev/x'/>"
    pool = connection.storagePoolDefineXML(pool_xml("fs", "p", device, "/a", options % FS))
    assert "<fs:option name='sync'/>" in pool.XMLDesc() and f"xmlns:fs='{FS}'" in pool.XMLDesc()
    assert pool.XMLDesc().index("sync") < pool.XMLDesc().index("noatime")
    for kind, more in (("fs", options % "urn:other"), ("dir", options % FS)):
        pool.undefine()
        pool = connection.storagePoolDefineXML(pool_xml(kind, "p", device if kind == "fs" else "", "/a", more))
        assert "mount_opts" not in pool.XMLDesc()


def test_build(connection):
    """folders that lead to the pool are everybody's to go through"""
    pool = connection.storagePoolDefineXML(pool_xml("dir", "p", path=ROOT / "a" / "b"))
    pool.build()
    assert (ROOT / "a").stat().st_mode & 0o777 == 0o755 and (ROOT / "a" / "b").stat().st_mode & 0o777 == 0o711
    for flag in (libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE):
        assert code_of(pool.build, flag) == libvirt.VIR_ERR_OPERATION_INVALID         # there is no device
    pool.create()
    assert connection.storagePoolLookupByTargetPath("/run//pools/a/b/").name() == "p"


@pytest.fixture
def pool(connection):
    return connection.storagePoolCreateXML(pool_xml("dir", "p", path=ROOT / "p"),
                                           libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)


def volume_xml(name, target, more="", capacity=MiB):
    return f"<volume><name>{name}</name><capacity>{capacity}</capacity><target>{target}</target>{more}</volume>"


QCOW2 = "<format type='qcow2'/>"


def test_volumes(connection, pool):
    for feature in ("lazy_refcounts", "extended_l2"):
        text = volume_xml("v", f"{QCOW2}<compat>0.10</compat><features><{feature}/></features>")
        with pytest.raises(libvirt.libvirtError, match=feature + " not supported with compat level 0.10"):
            pool.createXML(text)
    unit = "<volume><name>v</name><capacity unit='%s'>16</capacity></volume>"
    assert code_of(pool.createXML, unit % "zz") == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(pool.createXML, unit % "EiB") == libvirt.VIR_ERR_OVERFLOW
    # nothing below is written by some as an element without a path
    volume = pool.createXML(volume_xml("v", QCOW2, "<backingStore><format type='raw'/></backingStore>"))
    assert "<backingStore>" not in volume.XMLDesc() and "<clusterSize unit='B'>65536</clusterSize>" in volume.XMLDesc()
    with pytest.raises(libvirt.libvirtError, match="storage volume 'v' exists already"):
        pool.createXML(volume_xml("v", QCOW2))
    volume.resize(2 * MiB + 1)                              # whole sectors
    assert volume.info()[1] == 2 * MiB + 512
    assert code_of(volume.resize, 3 * MiB, libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert connection.storageVolLookupByPath("/run//pools/p//v").name() == "v"
    with pytest.raises(libvirt.libvirtError, match="^Storage volume not found: "):
        pool.storageVolLookupByName("w")


def test_clone_flags(pool):
    """what is asked of a clone is done or refused"""
    metadata, share = libvirt.VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA, libvirt.VIR_STORAGE_VOL_CREATE_REFLINK
    raw = pool.createXML(volume_xml("raw", ""))
    image = pool.createXML(volume_xml("image", QCOW2 + "<compat>1.1</compat><features><lazy_refcounts/></features>"))
    assert code_of(pool.createXMLFrom, volume_xml("c", ""), raw, metadata) == UNSUPPORTED
    assert code_of(pool.createXMLFrom, volume_xml("c", QCOW2), raw, share) == UNSUPPORTED
    # in memory nothing is shared
    assert code_of(pool.createXMLFrom, volume_xml("c", ""), raw, share) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(pool.createXMLFrom, image.XMLDesc().replace("image", "c"), image, share) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert sorted(pool.listVolumes()) == sorted(path.name for path in (ROOT / "p").iterdir()) == ["image", "raw"]
    # as a stock client clones: by the document of the original, byte by byte
    clone = pool.createXMLFrom(image.XMLDesc().replace("image", "c"), image)
    assert (ROOT / "p" / "c").read_bytes() == (ROOT / "p" / "image").read_bytes() and "<lazy_refcounts/>" in clone.XMLDesc()
    full = pool.createXMLFrom(volume_xml("full", QCOW2), raw, metadata)
    assert full.info()[1] == MiB and (ROOT / "p" / "full").stat().st_size > MiB


@pytest.mark.parametrize("kind, library", [("iscsi-direct", "libiscsi7"), ("gluster", "libgfapi0"), ("rbd", "librbd1")])
def test_without_the_module(daemon, monkeypatch, kind, library):
    """what is missing is told by the names of its file and packages"""
    host = "<host name='127.0.0.1'/><name>n</name><dir path='/'/><device path='iqn.x:y'/><initiator><iqn name='iqn.x'/></initiator>"
    monkeypatch.setenv("MODVIRT_STORAGE_MODULES", "/nowhere")
    daemon.restart()
    with libvirt.open(URI) as connection:
        assert f"<pool type='{kind}' supported='no'>" in connection.getStoragePoolCapabilities()
        for call in (lambda: connection.storagePoolCreateXML(pool_xml(kind, "p", host)),
                     lambda: connection.storagePoolDefineXML(pool_xml(kind, "p", host)).create()):
            with pytest.raises(libvirt.libvirtError, match=f"/nowhere/{kind}.so.*modvirt-virtstoraged-{kind}.*{library}"):
                call()
        remove_pools(connection)
    monkeypatch.undo()
    daemon.restart()

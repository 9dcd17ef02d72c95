# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools of type gluster, a guest on a volume of one, and netfs pools of Gluster, against a
server with one brick."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import libvirt
import libvirt_qemu
import pytest

import daemon as tested
import gluster
from client import code_of, guests, opened, remove_pools  # noqa: F401 - a fixture

URI = "storage:///system"
MiB = 1024 * 1024
MODULES = tested.BUILD / "virtstoraged"
POOL = "<pool type='gluster'><name>g</name><source><host name='%s'/><dir path='%s'/><name>%s</name></source></pool>"
BASE = f"gluster://{gluster.HOST}/{gluster.VOLUME}"


def pool_xml(folder="/", host=gluster.HOST, volume=gluster.VOLUME):
    return POOL % (host, folder, volume)


@pytest.fixture(scope="module")
def server():
    if tested.is_sanitized():
        pytest.skip("sanitizers' functions for XDR do not find those of a library that is loaded late")
    if gluster.find_missing():
        pytest.skip("needs Gluster: " + " ".join(gluster.find_missing()))
    running = gluster.Gluster("/run/gluster-server")
    yield running
    running.end()


@pytest.fixture(scope="module")
def daemon(server):
    os.environ["MODVIRT_STORAGE_MODULES"] = str(MODULES)
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    del os.environ["MODVIRT_STORAGE_MODULES"]


@pytest.fixture
def connection(daemon, server):
    if not (MODULES / "gluster.so").exists():
        pytest.skip("the module was not built: needs libglusterfs-dev")
    with opened(daemon, URI, remove_pools) as connection:
        yield connection


@pytest.fixture(scope="module")
def images(server):
    """files of the volume, made before it has a client"""
    folder = server.brick / "images"
    folder.mkdir()
    for name, form, size in (("raw", "raw", 3 * MiB), ("q", "qcow2", 64 * MiB), ("v", "vmdk", 32 * MiB),
                             ("x", "vhdx", 16 * MiB), ("c", "vpc", 8 * MiB)):
        subprocess.run(["qemu-img", "create", "-q", "-f", form, folder / name, str(size)], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "q", "-F", "qcow2", folder / "top"], check=True)
    with (folder / "raw").open("r+b") as image:
        image.write(tested.boot_sector("gluster"))
    (folder / "raw").chmod(0o666)                           # the server asks who QEMU is
    (folder / "dir").mkdir()
    (folder / "link").symlink_to("raw")
    os.mkfifo(folder / "fifo")
    (folder / "odd name%").write_bytes(b"x" * 1000)
    return folder


def test_volumes(connection, images, daemon):
    pool = connection.storagePoolCreateXML(pool_xml("/images"))
    base = BASE + "/images"
    formats = {volume.name(): re.search("<format type='(.*)'/>", volume.XMLDesc()).group(1)
               for volume in pool.listAllVolumes()}
    assert formats == {"raw": "raw", "q": "qcow2", "v": "vmdk", "x": "vhdx", "c": "vpc", "top": "qcow2",
                       "dir": "dir", "odd name%": "raw"}
    volume = pool.storageVolLookupByName("q")
    assert volume.key() == volume.path() == base + "/q"
    assert volume.info()[:2] == [libvirt.VIR_STORAGE_VOL_NETWORK, 64 * MiB]
    assert pool.storageVolLookupByName("dir").info()[0] == libvirt.VIR_STORAGE_VOL_NETDIR
    assert f"<path>{base}/q</path>" in pool.storageVolLookupByName("top").XMLDesc().split("<backingStore>")[1]
    odd = connection.storageVolLookupByPath(base + "/odd%20name%25")
    assert odd.name() == "odd name%" and odd.info()[1] == 1000
    info = pool.info()
    assert info[1] == info[2] + info[3] and info[3] > 0
    assert code_of(pool.createXML, "<volume><name>n</name><capacity>1</capacity></volume>") == libvirt.VIR_ERR_NO_SUPPORT
    assert code_of(odd.wipe) == libvirt.VIR_ERR_NO_SUPPORT
    daemon.restart(signal.SIGKILL)
    pool = libvirt.open(URI).storagePoolLookupByName("g")
    assert sorted(pool.listVolumes()) == sorted(formats)
    pool.destroy()


def test_changes(connection, server):
    """by others, and by us"""
    folder = server.brick / "changes"
    (folder / "full").mkdir(parents=True)
    (folder / "full" / "x").write_bytes(b"")
    (folder / "empty").mkdir()
    (folder / "a").write_bytes(bytes(1000))
    pool = connection.storagePoolCreateXML(pool_xml("//changes/"))
    volume = pool.storageVolLookupByName("a")
    assert volume.path() == BASE + "/changes/a"
    # a raw image that a guest writes another header into stays raw
    with (folder / "a").open("r+b") as image:
        image.write(b"QFI\xfb\0\0\0\3" + bytes(2000))
    pool.refresh()
    assert "<format type='raw'/>" in volume.XMLDesc()
    for name in ("a", "empty"):
        pool.storageVolLookupByName(name).delete()
        assert not (folder / name).exists()
    assert code_of(pool.storageVolLookupByName("full").delete) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert pool.listVolumes() == ["full"]
    pool.destroy()


def test_refused(connection):
    create = connection.storagePoolCreateXML
    assert code_of(create, pool_xml(volume="none")) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(create, pool_xml("/none")) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert code_of(create, pool_xml("images")) == libvirt.VIR_ERR_XML_ERROR
    assert code_of(create, pool_xml(volume="a/b")) == libvirt.VIR_ERR_XML_ERROR
    two = pool_xml().replace("<dir", "<host name='other'/><dir")
    assert code_of(create, two) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_sources(connection):
    source = f"<source><host name='{gluster.HOST}'/></source>"
    found = connection.findStoragePoolSources("gluster", source)
    assert re.findall("<name>(.*)</name>", found) == [gluster.VOLUME] and "<dir path='/'/>" in found
    found = connection.findStoragePoolSources("netfs", source)
    assert f"<dir path='{gluster.VOLUME}'/>" in found and "<format type='glusterfs'/>" in found
    assert code_of(connection.findStoragePoolSources, "gluster", None) == libvirt.VIR_ERR_INVALID_ARG


def test_silent_server(connection, images, server):
    """a brick that does not answer takes nobody with it: its calls end with a timeout"""
    pool = connection.storagePoolCreateXML(pool_xml("/images"))
    volume = pool.storageVolLookupByName("raw")
    brick = server.brick_process()
    os.kill(brick, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert code_of(pool.refresh) == libvirt.VIR_ERR_OPERATION_TIMEOUT
        assert code_of(volume.info) == libvirt.VIR_ERR_OPERATION_TIMEOUT
        assert time.monotonic() - begun < 40
        assert "raw" in pool.listVolumes()
    finally:
        os.kill(brick, signal.SIGCONT)
    tested.wait_until(lambda: code_of(volume.info) is None, 60, step=0.2, what="a server that answers")
    pool.destroy()


DISK = """<disk type='volume' device='disk'><driver name='qemu' type='raw'/>
  <source pool='g' volume='raw'/><target dev='vda' bus='virtio'/></disk>"""


def test_guest(connection, images, guests):
    """QEMU reaches the volume by its own driver"""
    pool = connection.storagePoolCreateXML(pool_xml("/images"))
    domain = guests.createXML(tested.boot_xml("g", DISK))
    tested.wait_until(lambda: tested.has_booted(domain, "gluster"), 60, what="the guest to boot")
    assert domain.blockInfo("vda")[0] == 3 * MiB
    nodes = json.loads(libvirt_qemu.qemuMonitorCommand(domain, '{"execute": "query-named-block-nodes"}', 0))
    assert "gluster" in [node["drv"] for node in nodes["return"]]
    # a polite end takes Gluster's library ten seconds
    for pid in tested.emulator_pids("g"):
        os.kill(pid, signal.SIGKILL)
    tested.wait_until(lambda: not guests.listAllDomains(), 30, what="the guest's end")
    pool.destroy()


def test_mounted(daemon, server, tmp_path):
    """a pool of type netfs, by FUSE"""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("needs /dev/fuse")
    connection = libvirt.open(URI)
    pool = connection.storagePoolCreateXML(f"""<pool type='netfs'><name>m</name>
      <source><host name='{gluster.HOST}'/><dir path='{gluster.VOLUME}'/><format type='glusterfs'/></source>
      <target><path>{tmp_path}</path></target></pool>""")
    volume = pool.createXML("<volume><name>made</name><capacity>%d</capacity></volume>" % MiB)
    assert (server.brick / "made").stat().st_size == MiB
    daemon.restart(signal.SIGKILL)
    pool = libvirt.open(URI).storagePoolLookupByName("m")
    pool.storageVolLookupByName("made").delete()
    pool.destroy()
    assert not (server.brick / "made").exists() and str(tmp_path) not in pathlib.Path("/proc/mounts").read_text()

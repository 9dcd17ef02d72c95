# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type netfs, from the kernel's NFS server on loopback; and one that does not answer."""
import pathlib
import threading
import time

import libvirt
import pytest

import daemon as tested
from conftest import DEADLINE, POOLS, URI, code_of, kill_and_restart, modprobe, mounts, run, volume_names
from daemon import boot_sector
from volume_guests import live_on, upload

EXPORT = pathlib.Path("/srv/export")
POOL = """<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><name>n</name>
  <source><host name='%(host)s'/><dir path='%(folder)s'/><format type='%(format)s'/>%(rest)s</source>
  <target><path>%(path)s</path></target>%(options)s</pool>"""
OPTION = "<fs:mount_opts><fs:option name='%s'/></fs:mount_opts>"
VOLUME = "<volume><name>%s</name><capacity unit='MiB'>8</capacity><allocation>0</allocation></volume>"


def pool_xml(**values):
    return POOL % {"host": "localhost", "folder": EXPORT, "format": "nfs", "rest": "", "options": "",
                   "path": POOLS / "n", **values}


@pytest.fixture(scope="module")
def server():
    modprobe("nfsd", "nfs", "nfsv3", "nfsv4")
    run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
    EXPORT.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "tmpfs", str(EXPORT))
    pathlib.Path("/etc/exports").write_text("%s *(rw,fsid=0,no_root_squash,insecure,no_subtree_check)\n" % EXPORT)
    # nobody has locks to claim from before: there is no need for a time of grace
    pathlib.Path("/proc/sys/fs/nfs/nlm_grace_period").write_text("1")
    for name in ("nfsv4leasetime", "nfsv4gracetime"):
        pathlib.Path("/proc/fs/nfsd", name).write_text("10")
    for words in (["rpcbind", "-w"], ["rpc.statd"], ["exportfs", "-ra"], ["rpc.nfsd", "2"], ["rpc.mountd"]):
        run(*words)
    yield EXPORT
    run("exportfs", "-ua")
    run("rpc.nfsd", "0")
    run("umount", str(EXPORT))


@pytest.fixture
def export(server):
    yield server
    run("nft", "flush", "ruleset")
    for path in server.iterdir():
        path.unlink()


def mount_options():
    line = [l for l in open("/proc/mounts") if str(POOLS) in l][0]
    return line.split()[2] + "," + line.split()[3]


@pytest.mark.parametrize("rest,folder,expected", [
    ("<protocol ver='3'/>", EXPORT, "vers=3"), ("<protocol ver='4.2'/>", "/", "vers=4.2"), ("", EXPORT, "nfs")])
def test_life(connection, export, rest, folder, expected):
    pool = connection.storagePoolDefineXML(pool_xml(rest=rest, folder=folder))
    pool.build()
    assert code_of(pool.build, libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE) == libvirt.VIR_ERR_INVALID_ARG
    (export / "before").write_bytes(b"x" * 5000)
    pool.create()
    assert all(word in mount_options() for word in (expected, "nodev", "nosuid", "noexec"))
    assert volume_names(pool) == ["before"]
    volume = pool.createXML(VOLUME % "made")
    assert (export / "made").stat().st_size == 8 << 20
    assert (volume.path(), volume.key()) == (str(POOLS / "n/made"),) * 2
    (export / "after").write_bytes(b"")
    pool.refresh()
    assert volume_names(pool) == ["after", "before", "made"]
    volume.delete()
    assert not (export / "made").exists()
    state, capacity, allocation, available = pool.info()
    assert state == libvirt.VIR_STORAGE_POOL_RUNNING and capacity == allocation + available > 1 << 20
    pool.destroy()
    pool.delete()
    assert not (POOLS / "n").exists() and (export / "before").exists()


def test_auto_and_options(connection, export):
    options = OPTION % "soft"
    pool = connection.storagePoolDefineXML(pool_xml(format="auto", options=options))
    pool.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    assert ",soft," in mount_options()


def test_killed(connection, daemon, export):
    """a pool that runs does so when its daemon has been killed"""
    pool = connection.storagePoolDefineXML(pool_xml())
    pool.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    pool.createXML(VOLUME % "a")
    mounted = mounts()
    kill_and_restart(daemon)
    assert mounts() == mounted
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("n")
        assert again.isActive() and volume_names(again) == ["a"]
        again.destroy()
    assert str(POOLS / "n") not in mounts()


def test_refused(connection, export):
    define = connection.storagePoolDefineXML
    build = libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD
    pool = define(pool_xml(rest="<host name='other'/>"))
    assert code_of(pool.create, build) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    pool.undefine()
    for values in ({"folder": "/none"}, {"format": "cifs", "folder": "share"}, {"format": "glusterfs", "folder": "v"}):
        pool = define(pool_xml(**values))
        assert code_of(pool.create, build) == libvirt.VIR_ERR_INTERNAL_ERROR
        assert not pool.isActive()
        pool.undefine()


def test_sources(connection, export):
    find = connection.findStoragePoolSources
    assert "<dir path='%s'/>\n    <format type='nfs'/>" % EXPORT in find(
        "netfs", "<source><host name='localhost'/></source>")
    assert code_of(find, "netfs", None) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(find, "netfs", "<source/>") == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(find, "netfs", "<source><host name='none.invalid'/></source>") == \
        libvirt.VIR_ERR_OPERATION_FAILED


# ---- a server that does not answer ----

def silence():
    run("nft", "add table inet silence; add chain inet silence in { type filter hook input priority 0; }; "
        "add rule inet silence in tcp dport 2049 drop")


def timed(call, *arguments):
    begin = time.monotonic()
    return code_of(call, *arguments), time.monotonic() - begin


def test_silent(connection, export):
    """it takes no one else with it, and its pool can be stopped"""
    pool = connection.storagePoolDefineXML(pool_xml())
    pool.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    volume = pool.createXML(VOLUME % "a")
    other = connection.storagePoolCreateXML("<pool type='dir'><name>d</name><target><path>%s</path></target></pool>"
                                            % (POOLS / "d"), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    time.sleep(1.1)                              # what it said last is no news any more
    silence()
    connections = [libvirt.open(URI) for _ in range(30)]
    results = []

    def ask(one, i):
        vol = one.storageVolLookupByPath(volume.path())
        results.append(timed((vol.info, one.storagePoolLookupByName("n").refresh, vol.delete)[i % 3]))

    threads = [threading.Thread(target=ask, args=(one, i)) for i, one in enumerate(connections)]
    for thread in threads:
        thread.start()
    with libvirt.open(URI) as fresh:
        beside = fresh.storagePoolLookupByName("d")
        for i in range(5):
            assert max(timed(beside.createXML, VOLUME % i)[1], timed(beside.refresh)[1]) < 15
        assert fresh.storagePoolLookupByName("n").info()[0] == libvirt.VIR_STORAGE_POOL_RUNNING
    for thread in threads:
        thread.join(2 * DEADLINE)
        assert not thread.is_alive()
    assert {code for code, _ in results} == {libvirt.VIR_ERR_OPERATION_TIMEOUT}, results
    code, took = timed(volume.info)
    assert code == libvirt.VIR_ERR_OPERATION_TIMEOUT and took < 9
    assert timed(pool.destroy)[0] is None
    assert str(POOLS / "n") not in mounts()
    for one in connections:
        one.close()
    run("nft", "flush", "ruleset")
    pool.create()
    assert volume_names(pool) == ["a"]
    other.destroy()


def test_comes_back(connection, export):
    pool = connection.storagePoolDefineXML(pool_xml())
    pool.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    volume = pool.createXML(VOLUME % "a")
    time.sleep(1.1)
    silence()
    assert code_of(volume.info) == libvirt.VIR_ERR_OPERATION_TIMEOUT
    run("nft", "flush", "ruleset")
    tested.wait_until(lambda: code_of(volume.info) is None, 2 * DEADLINE, 1, "an answer")
    pool.refresh()
    assert volume_names(pool) == ["a"]


@pytest.mark.parametrize("version", ["3", "4.2"])
def test_guests(connection, export, link, version):
    pool = connection.storagePoolCreateXML(pool_xml(rest="<protocol ver='%s'/>" % version,
                                                    folder="/" if version == "4.2" else EXPORT),
                                           libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    volume = pool.createXML(VOLUME % "a")
    upload(volume, boot_sector("netfs"))
    assert live_on(link, volume, "netfs") == ["delete", "wipe", "shrink", "upload"]
    pool.destroy()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: pools of type iscsi-direct, against a target in user space (tgt)."""
import os
import pathlib
import re
import shutil
import signal
import subprocess

import libvirt
import pytest

import daemon as tested
from client import code_of, guests, opened, remove_pools  # noqa: F401 - a fixture
from daemon import wait_until

URI = "storage:///system"
WORK = pathlib.Path("/run/target")
MiB = 1024 * 1024
TARGET = "iqn.2026-01.lab.example:disks"
INITIATOR = "iqn.2026-01.lab.example:me"
POOL = """<pool type='iscsi-direct'><name>i</name><source><host name='%s'%s/><device path='%s'/>
  <initiator><iqn name='%s'/></initiator></source></pool>"""
MODULE = tested.BUILD / "virtstoraged" / "iscsi-direct.so"


def tgtadm(*words):
    return subprocess.run(["tgtadm", "--lld", "iscsi", *map(str, words)], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def answers():
    return subprocess.run(["tgtadm", "--mode", "sys", "--op", "show"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture(scope="module")
def target():
    """two LUNs of 64 and 32 MiB; the process of the target's daemon"""
    if not shutil.which("tgtd"):
        pytest.skip("needs tgtd")
    if not MODULE.exists():
        pytest.skip("the module was not built: needs libiscsi-dev")
    WORK.mkdir(exist_ok=True)
    with (WORK / "log").open("wb") as log:
        process = subprocess.Popen(["tgtd", "-f"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_until(answers, 30, what="tgtd")
    tgtadm("--mode", "target", "--op", "new", "--tid", 1, "-T", TARGET)
    for lun, size in ((1, 64), (2, 32)):
        with (WORK / str(lun)).open("wb") as image:
            image.truncate(size * MiB)
        tgtadm("--mode", "logicalunit", "--op", "new", "--tid", 1, "--lun", lun, "-b", WORK / str(lun))
    tgtadm("--mode", "target", "--op", "bind", "--tid", 1, "-I", "ALL")
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait(30)
    shutil.rmtree(WORK)


@pytest.fixture(scope="module")
def daemon(target):
    os.environ["MODVIRT_STORAGE_MODULES"] = str(MODULE.parent)
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    del os.environ["MODVIRT_STORAGE_MODULES"]


@pytest.fixture
def connection(daemon):
    with opened(daemon, URI, remove_pools) as connection:
        yield connection


def pool_xml(host="127.0.0.1", target=TARGET, port=""):
    return POOL % (host, port, target, INITIATOR)


def test_volumes(connection, daemon):
    pool = connection.storagePoolCreateXML(pool_xml())
    assert sorted(v.name() for v in pool.listAllVolumes()) == ["unit:0:0:1", "unit:0:0:2"]
    assert pool.info()[1:] == [96 * MiB, 96 * MiB, 0]
    volume = pool.storageVolLookupByName("unit:0:0:1")
    assert volume.info() == [libvirt.VIR_STORAGE_VOL_NETWORK, 64 * MiB, 64 * MiB]
    assert volume.key() == volume.path() == "ip-127.0.0.1:3260-iscsi-%s-lun-1" % TARGET
    assert connection.storageVolLookupByPath(volume.path()).name() == volume.name()
    assert "<volume type='network'>" in volume.XMLDesc()
    # what comes and goes at the target
    with (WORK / "3").open("wb") as image:
        image.truncate(8 * MiB)
    tgtadm("--mode", "logicalunit", "--op", "new", "--tid", 1, "--lun", 3, "-b", WORK / "3")
    pool.refresh()
    assert pool.storageVolLookupByName("unit:0:0:3").info()[1] == 8 * MiB
    daemon.restart(signal.SIGKILL)
    connection = libvirt.open(URI)
    pool = connection.storagePoolLookupByName("i")
    assert pool.numOfVolumes() == 3
    tgtadm("--mode", "logicalunit", "--op", "delete", "--tid", 1, "--lun", 3)
    pool.refresh()
    assert pool.numOfVolumes() == 2
    pool.destroy()


def test_wipe(connection):
    pool = connection.storagePoolCreateXML(pool_xml())
    volume = pool.storageVolLookupByName("unit:0:0:2")
    with (WORK / "2").open("r+b") as image:
        for offset in (0, 17 * MiB, 32 * MiB - 8):
            image.seek(offset)
            image.write(b"modvirt!")
    volume.wipe()
    assert subprocess.run(["cmp", "-n", str(32 * MiB), WORK / "2", "/dev/zero"]).returncode == 0
    assert code_of(volume.wipePattern, libvirt.VIR_STORAGE_VOL_WIPE_ALG_RANDOM) == libvirt.VIR_ERR_INVALID_ARG


def test_refused(connection):
    create = connection.storagePoolCreateXML
    assert code_of(create, pool_xml(target="iqn.2026-01.lab.example:none")) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(create, pool_xml(port=" port='99'")) == libvirt.VIR_ERR_INTERNAL_ERROR
    pool = create(pool_xml())
    volume = pool.storageVolLookupByName("unit:0:0:1")
    stream = connection.newStream()
    assert code_of(volume.download, stream, 0, 0) == libvirt.VIR_ERR_NO_SUPPORT
    for call, arguments in ((volume.resize, (128 * MiB,)), (volume.delete, ()),
                            (pool.createXML, ("<volume><name>a</name><capacity>1</capacity></volume>",))):
        assert code_of(call, *arguments) == libvirt.VIR_ERR_NO_SUPPORT
    assert connection.listAllStoragePools()[0].name() == "i"


PASSWORD = b"secret-of-joe"
SECRET = """<secret ephemeral='no' private='yes'><usage type='%s'><%s>%s</%s></usage></secret>"""
AUTH = "<auth type='%s' username='%s'><secret usage='disks'/></auth></source>"


@pytest.fixture
def secret():
    """of virtsecretd: the password of joe, as the target knows it"""
    secrets = tested.Daemon(name="virtsecretd").start()
    with libvirt.open("secret:///system") as opened:
        value = opened.secretDefineXML(SECRET % ("iscsi", "target", "disks", "target"))
        value.setValue(PASSWORD)
        tgtadm("--mode", "account", "--op", "new", "--user", "joe", "--password", PASSWORD.decode())
        tgtadm("--mode", "account", "--op", "bind", "--tid", 1, "--user", "joe")
        yield value
        tgtadm("--mode", "account", "--op", "unbind", "--tid", 1, "--user", "joe")
        tgtadm("--mode", "account", "--op", "delete", "--user", "joe")
        value.undefine()
    secrets.stop()


def test_password(connection, daemon, secret):
    create = connection.storagePoolCreateXML
    with_auth = lambda kind, user: pool_xml().replace("</source>", AUTH % (kind, user))
    assert code_of(create, pool_xml()) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(create, with_auth("chap", "jim")) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(create, with_auth("ceph", "joe")) is not None
    pool = create(with_auth("chap", "joe"))
    assert pool.numOfVolumes() == 2
    pool.storageVolLookupByName("unit:0:0:2").wipe()
    for wrong in (b"another", b"a\0b"):
        secret.setValue(wrong)
        assert code_of(pool.refresh) in (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_INVALID_ARG)
    secret.setValue(PASSWORD)
    pool.refresh()
    assert PASSWORD not in daemon.log.read_bytes()


def test_targets(connection):
    source = "<source><host name='127.0.0.1'/>%s</source>"
    found = connection.findStoragePoolSources("iscsi-direct", source % (
        "<initiator><iqn name='%s'/></initiator>" % INITIATOR))
    assert re.findall("device path='([^']*)'", found) == [TARGET] and INITIATOR in found
    assert code_of(connection.findStoragePoolSources, "iscsi-direct", source % "") == \
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(connection.findStoragePoolSources, "iscsi-direct", None) == libvirt.VIR_ERR_INVALID_ARG


DISK = """<disk type='volume' device='disk'><driver name='qemu' type='raw'/>
  <source pool='i' volume='unit:0:0:1'/><target dev='vda' bus='virtio'/></disk>"""


def test_guest(connection, guests):
    """QEMU is the initiator, by the pool's name for it"""
    pool = connection.storagePoolCreateXML(pool_xml())
    volume = pool.storageVolLookupByName("unit:0:0:1")
    with (WORK / "1").open("r+b") as image:
        image.write(tested.boot_sector("iscsi-direct"))
    domain = guests.createXML(tested.boot_xml("g", DISK))
    wait_until(lambda: tested.has_booted(domain, "iscsi-direct"), 60, what="the guest to boot")
    assert domain.blockInfo("vda")[0] == volume.info()[1]
    assert tgtadm("--mode", "target", "--op", "show").count("Initiator: " + INITIATOR) == 1
    pool.destroy()

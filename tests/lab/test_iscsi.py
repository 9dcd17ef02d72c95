# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type iscsi, by open-iscsi, from targets of tgt on loopback: CHAP, several portals, names of
initiators."""
import os
import pathlib
import re

import libvirt
import pytest

import daemon as tested
from conftest import DEADLINE, URI, code_of, kill_and_restart, modprobe, run, settle, volume_names
from daemon import boot_sector, wait_until
from volume_guests import live_on, upload

IQN = "iqn.2026-01.lab.example:"
POOL = """<pool type='iscsi'><name>%(pool)s</name><source><host name='%(host)s'%(port)s/>
  <device path='%(iqn)s'/>%(rest)s</source><target><path>%(path)s</path></target></pool>"""
AUTH = "<auth type='chap' username='me'><secret usage='target'/></auth>"
INITIATOR = "<initiator><iqn name='" + IQN + "other'/></initiator>"
SIZE = 64 << 20
PASSWORD = "a secret of many words"


def pool_xml(**values):
    return POOL % {"pool": "i", "host": "127.0.0.1", "port": "", "iqn": IQN + "open", "rest": "",
                   "path": "/dev/disk/by-path", **values}


def tgt(*words):
    run("tgtadm", "--lld", "iscsi", *words)


def make_target(number, name, luns):
    tgt("--op", "new", "--mode", "target", "--tid", str(number), "-T", IQN + name)
    for lun in range(1, luns + 1):
        add_lun(number, lun)
    tgt("--op", "bind", "--mode", "target", "--tid", str(number), "-I", "ALL")


def add_lun(number, lun):
    path = "/tmp/lun-%d-%d" % (number, lun)
    with open(path, "wb") as file:
        file.truncate(SIZE)
    tgt("--op", "new", "--mode", "logicalunit", "--tid", str(number), "--lun", str(lun), "-b", path)


@pytest.fixture(scope="module")
def targets():
    modprobe("iscsi_tcp", "sd_mod", "sg")
    pathlib.Path("/etc/iscsi/initiatorname.iscsi").write_text("InitiatorName=%sme\n" % IQN)
    os.makedirs("/run/lock/iscsi", exist_ok=True)
    run("ip", "address", "add", "127.0.0.2/8", "dev", "lo")
    run("iscsid")
    run("tgtd")
    wait_until(lambda: "Error" not in run("tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "sys", check=False)
               and os.path.exists("/run/tgtd/socket.0"), DEADLINE, 0.2)
    make_target(1, "open", 2)
    make_target(2, "chap", 1)
    tgt("--op", "new", "--mode", "account", "--user", "me", "--password", PASSWORD)
    tgt("--op", "bind", "--mode", "account", "--tid", "2", "--user", "me")


@pytest.fixture
def clean(targets):
    """afterwards there is no session, and nothing on record"""
    yield
    assert not os.path.exists("/sys/class/iscsi_session") or not os.listdir("/sys/class/iscsi_session")
    assert records() == []


def records():
    return [str(path) for folder in ("nodes", "ifaces") for path in pathlib.Path("/etc/iscsi", folder).rglob("*")
            if path.is_file()]


@pytest.fixture
def secret():
    running = tested.Daemon(name="virtsecretd").start()
    with libvirt.open("secret:///system") as opened:
        yield opened.secretDefineXML("<secret private='yes'><usage type='iscsi'><target>target</target></usage></secret>")
        opened.secretLookupByUsage(libvirt.VIR_SECRET_USAGE_TYPE_ISCSI, "target").undefine()
    running.stop()


def test_life(connection, daemon, clean):
    pool = connection.storagePoolDefineXML(pool_xml())
    pool.create()
    first, second = sorted(pool.listAllVolumes(), key=lambda volume: volume.name())
    assert [re.sub(r":\d+:\d+:", ":", volume.name()) for volume in (first, second)] == ["unit:1", "unit:2"]
    assert first.path() == "/dev/disk/by-path/ip-127.0.0.1:3260-iscsi-%sopen-lun-1" % IQN
    assert first.key() == run("/lib/udev/scsi_id", "--replace-whitespace", "--whitelisted", "--device",
                              first.path()).strip()
    assert first.info() == [libvirt.VIR_STORAGE_VOL_BLOCK, SIZE, SIZE]
    assert pool.info()[1:] == [2 * SIZE, 2 * SIZE, 0]
    add_lun(1, 3)
    pool.refresh()
    assert len(volume_names(pool)) == 3
    sessions = os.listdir("/sys/class/iscsi_session")
    kill_and_restart(daemon)
    assert os.listdir("/sys/class/iscsi_session") == sessions
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("i")
        assert again.isActive() and len(volume_names(again)) == 3
        again.destroy()
        again.undefine()
    tgt("--op", "delete", "--mode", "logicalunit", "--tid", "1", "--lun", "3")


def test_portals_and_initiators(connection, clean):
    """one target by three portals, at one by another name of ours: each session is its pool's"""
    pools = [connection.storagePoolCreateXML(pool_xml(pool=name, host=host, rest=rest)) for name, host, rest in (
        ("a", "127.0.0.1", ""), ("b", "127.0.0.2", ""), ("c", "127.0.0.3", INITIATOR))]
    sessions = pathlib.Path("/sys/class/iscsi_session")
    assert len(os.listdir(sessions)) == 3
    names = sorted((sessions / name / "initiatorname").read_text().strip() for name in os.listdir(sessions))
    assert names == [IQN + "me", IQN + "me", IQN + "other"]
    assert [len(volume_names(pool)) for pool in pools] == [2, 2, 2]
    pools[0].destroy()
    pools[1].refresh()
    assert len(os.listdir(sessions)) == 2 and len(volume_names(pools[1])) == 2
    pools[1].destroy()
    pools[2].destroy()


def test_chap(connection, clean, secret):
    xml = pool_xml(iqn=IQN + "chap", rest=AUTH)
    create = connection.storagePoolCreateXML
    assert code_of(create, xml) == libvirt.VIR_ERR_NO_SECRET
    assert code_of(create, pool_xml(iqn=IQN + "chap")) == libvirt.VIR_ERR_INTERNAL_ERROR
    secret.setValue("another one, and wrong")
    assert code_of(create, xml) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert records() == []
    secret.setValue(PASSWORD)
    pool = create(xml)
    assert len(volume_names(pool)) == 1
    (record,) = records()
    assert os.stat(record).st_mode & 0o077 == 0
    other = create(pool_xml(pool="j", host="127.0.0.2", iqn=IQN + "chap", rest=AUTH))     # by another portal, too
    assert len(volume_names(other)) == 1 and len(os.listdir("/sys/class/iscsi_session")) == 2
    pool.destroy()
    other.refresh()
    assert len(volume_names(other)) == 1 and len(os.listdir("/sys/class/iscsi_session")) == 1
    other.destroy()
    assert code_of(create, xml.replace("'chap'", "'ceph'")) == libvirt.VIR_ERR_XML_ERROR


def test_refused(connection, clean):
    create = connection.storagePoolCreateXML
    assert code_of(create, pool_xml(rest="<host name='other'/>")) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(create, pool_xml(rest="<device path='other'/>")) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(create, pool_xml(iqn=IQN + "none")) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(create, pool_xml(iqn="../x")) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(create, pool_xml(path="/none")) == libvirt.VIR_ERR_INVALID_ARG


def test_sources(connection, clean):
    find = connection.findStoragePoolSources
    host = "<host name='127.0.0.2'/>"
    found = find("iscsi", "<source>%s</source>" % host)
    assert found.count("<source>") == 2 and "<host name='127.0.0.2' port='3260'/>" in found
    assert "<device path='%sopen'/>" % IQN in found and "<device path='%schap'/>" % IQN in found
    assert INITIATOR[11:-12].strip() in find("iscsi", "<source>%s%s</source>" % (host, INITIATOR))
    assert code_of(find, "iscsi", None) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(find, "iscsi", "<source/>") == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(find, "iscsi", "<source><host name='127.0.0.1' port='3999'/></source>") == \
        libvirt.VIR_ERR_INTERNAL_ERROR


def test_guests(connection, clean, link):
    """by the host's disks, and by QEMU itself"""
    pool = connection.storagePoolCreateXML(pool_xml())
    first, second = sorted(pool.listAllVolumes(), key=lambda volume: volume.name())
    upload(first, boot_sector("iscsi"))
    assert live_on(link, first, "iscsi", " mode='host'") == ["wipe", "upload"]
    live_on(link, first, "iscsi", " mode='direct'")
    pool.destroy()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of type netfs from Samba on loopback: as nobody, and with a password."""
import pathlib
import subprocess

import libvirt
import pytest

import daemon as tested
from conftest import DEADLINE, POOLS, URI, code_of, kill_and_restart, modprobe, mounts, run, volume_names

SHARES = pathlib.Path("/srv/shares")
SETTINGS = pathlib.Path("/run/smb.conf")
IDENTITY = pathlib.Path("/run/identity")
CONFIG = """[global]
  server role = standalone server
  interfaces = lo
  bind interfaces only = yes
  smb ports = 445
  map to guest = bad user
  disable spoolss = yes
  log level = 0
[open]
  path = %(path)s/open
  guest ok = yes
  read only = no
[closed]
  path = %(path)s/closed
  valid users = me
  read only = no
""" % {"path": SHARES}
POOL = """<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><name>c</name>
  <source><host name='127.0.0.1'/><dir path='%s'/><format type='cifs'/></source>
  <target><path>/run/pools/c</path></target>%s</pool>"""
OPTION = "<fs:mount_opts><fs:option name='credentials=%s'/></fs:mount_opts>" % IDENTITY
VOLUME = "<volume><name>a</name><capacity unit='MiB'>8</capacity><allocation>0</allocation></volume>"
BUILD = libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD


def listens():
    return ":445 " in run("ss", "-ltn")


@pytest.fixture(scope="module")
def server():
    modprobe("cifs")
    for name in "open", "closed":
        folder = SHARES / name
        folder.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", "mode=777", "tmpfs", str(folder))
    SETTINGS.write_text(CONFIG)
    run("useradd", "me")
    run("smbpasswd", "-c", str(SETTINGS), "-s", "-a", "me", text="secret\nsecret\n")
    # when it ends, it ends its group
    server = subprocess.Popen(["smbd", "-F", "--no-process-group", "-s", str(SETTINGS)], stdin=subprocess.DEVNULL, start_new_session=True)
    tested.wait_until(listens, DEADLINE, 0.2, "the server's port")
    # the first one loads what there is of ciphers, which takes its time
    run("mount", "-t", "cifs", "-o", "guest", "//127.0.0.1/open", "/mnt")
    run("umount", "/mnt")
    yield
    server.terminate()
    server.wait(DEADLINE)
    for name in "open", "closed":
        run("umount", "-l", str(SHARES / name))


def identify(password):
    IDENTITY.write_text("username=me\npassword=%s\n" % password)
    IDENTITY.chmod(0o600)


def type_of_mount():
    return [line.split()[2] for line in open("/proc/mounts") if str(POOLS) in line]


def test_as_nobody(connection, daemon, server):
    pool = connection.storagePoolCreateXML(POOL % ("open", ""), BUILD)
    assert type_of_mount() == ["cifs"]
    volume = pool.createXML(VOLUME)
    assert (SHARES / "open/a").stat().st_size == 8 << 20 == volume.info()[1]
    (SHARES / "open/b").write_bytes(b"x" * 5000)
    pool.refresh()
    assert volume_names(pool) == ["a", "b"]
    mounted = mounts()
    kill_and_restart(daemon)
    assert mounts() == mounted
    with libvirt.open(URI) as fresh:
        again = fresh.storagePoolLookupByName("c")
        again.storageVolLookupByName("a").delete()
        assert not (SHARES / "open/a").exists()
        again.destroy()
    assert type_of_mount() == []


def test_with_a_password(connection, server):
    for options, password in (("", None), (OPTION, "wrong")):
        if password:
            identify(password)
        assert code_of(connection.storagePoolCreateXML, POOL % ("closed", options), BUILD) == \
            libvirt.VIR_ERR_INTERNAL_ERROR
        assert type_of_mount() == []
    identify("secret")
    pool = connection.storagePoolCreateXML(POOL % ("closed", OPTION), BUILD)
    pool.createXML(VOLUME)
    assert (SHARES / "closed/a").exists()
    assert "secret" not in pool.XMLDesc()

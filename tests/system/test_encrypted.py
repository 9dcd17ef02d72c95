# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests whose disks and TPMs are encrypted: the passphrases are virtsecretd's."""
import json
import os
import pathlib
import shutil
import subprocess
import uuid

import libvirt
import libvirt_qemu
import pytest
import images
from client import code_of, opened, remove_secrets
from conftest import boot
from daemon import IMAGES, URI, Daemon, emulator_pids, hlt_xml, linux_xml, wait_until

LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
PASSPHRASE = b"a passphrase of the tests"
MARK = "what is encrypted can be read"


@pytest.fixture(scope="module")
def secret_daemon():
    running = Daemon(name="virtsecretd").start()
    yield running
    running.stop()


@pytest.fixture
def secrets(secret_daemon):
    with opened(secret_daemon, "secret:///system", remove_secrets) as connection:
        yield connection


def make_secret(secrets, value=PASSPHRASE, usage="volume", **attributes):
    """a private secret for that use; its uuid"""
    number = str(uuid.uuid4())
    inner = "<volume>/%s</volume>" % number if usage == "volume" else "<name>%s</name>" % number
    secret = secrets.secretDefineXML(
        "<secret ephemeral='yes' private='yes'><uuid>%s</uuid>%s</secret>" % (
            number, usage and "<usage type='%s'>%s</usage>" % (usage, inner)))
    if value:
        secret.setValue(value)
    return number


MADE = {}


def make_image(name, layout):
    """an image of 64 KiB that begins with the mark"""
    path = IMAGES / name
    original = MADE.get(layout)
    if original:
        shutil.copy(original, path)
    else:
        plain = IMAGES / "plain"
        plain.write_bytes(MARK.encode().ljust(64 * 1024, b"\n"))
        passphrase = IMAGES / "passphrase"
        passphrase.write_bytes(PASSPHRASE)
        images.make_encrypted("convert", layout, passphrase, plain, path)
        MADE[layout] = shutil.copy(path, path.with_suffix(".original"))
    os.chown(path, 64055, 64055)
    return path


def disk(path, secret, layout="raw", target="vda", by="uuid"):
    return """<disk type='file' device='disk'><driver name='qemu' type='%s'/>
      <source file='%s'><encryption format='luks'><secret type='passphrase' %s='%s'/></encryption></source>
      <target dev='%s' bus='virtio'/></disk>""" % (layout, path, by, secret, target)


def read_in_guest(console, device):
    """once its kernel has found the disk"""
    console.send("until [ \"$(head -c %d /dev/%s 2>/dev/null)\" = \"%s\" ]; do sleep 0.1; done; echo re''ad-%s.\n"
                 % (len(MARK), device, MARK, device))
    console.wait("read-%s." % device)


def test_disks(secrets, connection):
    """both ways of LUKS, one secret by uuid, the other by its use"""
    one, other = make_secret(secrets), make_secret(secrets)
    disks = disk(make_image("one.luks", "luks"), one) + \
        disk(make_image("other.qcow2", "qcow2"), "/" + other, "qcow2", "vdb", "usage")
    domain = connection.defineXML(linux_xml("encrypted", devices=disks))
    console = boot(domain)
    read_in_guest(console, "vda")
    read_in_guest(console, "vdb")
    console.close()
    (pid,) = emulator_pids("encrypted")
    words = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
    log = pathlib.Path("/var/log/libvirt/qemu/encrypted.log").read_bytes()
    assert b"masterKey0" in words and PASSPHRASE not in words and PASSPHRASE not in log
    (key,) = pathlib.Path("/var/lib/libvirt/qemu").glob("domain-*-encrypted/master-key.aes")
    about = key.stat()
    assert (about.st_mode & 0o7777, about.st_size, about.st_uid) == (0o600, 32, 64055)
    domain.destroy()
    assert not key.exists()


def test_image_below(secrets, connection):
    base = make_image("base.qcow2", "qcow2")
    top = IMAGES / "top.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", str(base), str(top),
                    "64K"], check=True)
    os.chown(top, 64055, 64055)
    chain = """<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/>
      <backingStore type='file'><format type='qcow2'/><source file='%s'><encryption format='luks'>
      <secret type='passphrase' uuid='%s'/></encryption></source><backingStore/></backingStore>
      <target dev='vda' bus='virtio'/></disk>""" % (top, base, make_secret(secrets))
    domain = connection.createXML(linux_xml("below", devices=chain), libvirt.VIR_DOMAIN_START_PAUSED)
    assert "<encryption format='luks' engine='qemu'>" in domain.XMLDesc()
    domain.destroy()


def test_hotplug(secrets, daemon, connection):
    """into a guest that was started without any secret, and again after a restart of the daemon"""
    number = make_secret(secrets)
    domain = connection.defineXML(linux_xml("plugged"))
    console = boot(domain)
    xml = disk(make_image("plug.luks", "luks"), number, target="vdb")
    domain.attachDeviceFlags(xml, LIVE)
    read_in_guest(console, "vda")
    console.close()
    domain.detachDeviceFlags(xml, LIVE)
    wait_until(lambda: "vdb" not in domain.XMLDesc(), 30, what=domain.XMLDesc)
    objects = json.loads(libvirt_qemu.qemuMonitorCommand(
        domain, json.dumps({"execute": "qom-list", "arguments": {"path": "/objects"}}), 0))["return"]
    assert [o["name"] for o in objects if "secret" in o["name"]] == []
    daemon.restart()
    with libvirt.open(URI) as again:
        domain = again.lookupByName("plugged")
        domain.attachDeviceFlags(xml, LIVE)
        assert "plug.luks" in domain.XMLDesc()


def test_wrong_secrets(secrets, connection):
    """what is missing or wrong is said, and nothing of the guest is left"""
    path = make_image("wrong.luks", "luks")
    number = make_secret(secrets, b"not that of the image")
    for secret, by, code, words in (
            (number, "uuid", libvirt.VIR_ERR_INTERNAL_ERROR, "Invalid password"),
            (str(uuid.uuid4()), "uuid", libvirt.VIR_ERR_NO_SECRET, "no secret with matching uuid"),
            ("/none", "usage", libvirt.VIR_ERR_NO_SECRET, "no secret with matching usage '/none'"),
            (make_secret(secrets, None), "uuid", libvirt.VIR_ERR_NO_SECRET, "does not have a value"),
            (make_secret(secrets, usage="ceph"), "uuid", libvirt.VIR_ERR_INVALID_ARG, "type 'ceph'")):
        with pytest.raises(libvirt.libvirtError) as refused:
            connection.createXML(hlt_xml("wrong", devices=disk(path, secret, by=by)))
        assert refused.value.get_error_code() == code and words in str(refused.value), str(refused.value)
        assert not emulator_pids("wrong")
        assert not list(pathlib.Path("/var/lib/libvirt/qemu").glob("domain-*-wrong"))
    # of no use in particular, it is for any
    connection.createXML(hlt_xml("right", devices=disk(path, make_secret(secrets, usage="")))).destroy()
    domain = connection.createXML(hlt_xml("wrong"))
    with pytest.raises(libvirt.libvirtError) as refused:
        domain.attachDevice(disk(path, number))
    assert "Invalid password" in str(refused.value)
    assert "wrong.luks" not in domain.XMLDesc()


# ---- TPMs ----

TPM = """<tpm model='tpm-crb'><backend type='emulator' version='2.0'>
  <encryption secret='%s'/>%s</backend></tpm>"""


def need_swtpm():
    for program in ("swtpm", "swtpm_setup"):
        if not shutil.which(program):
            pytest.skip("no " + program)


def test_tpm(secrets, daemon, connection):
    """its state is encrypted, and can be used with that secret alone, also after a restart of the daemon"""
    need_swtpm()
    number = make_secret(secrets, usage="vtpm")
    domain = connection.defineXML(hlt_xml("tpm", machine="q35", devices=TPM % (number, "")))
    domain.create()
    state = pathlib.Path("/var/lib/libvirt/swtpm", domain.UUIDString(), "tpm2", "tpm2-00.permall")
    blob = state.read_bytes()
    (helper,) = [int(p.parent.name) for p in pathlib.Path("/proc").glob("[0-9]*/comm")
                 if p.read_text().strip() == "swtpm"]
    words = pathlib.Path("/proc/%d/cmdline" % helper).read_bytes()
    assert b"pwdfd=" in words and b"aes-256-cbc" in words and PASSPHRASE not in words
    daemon.restart()
    with libvirt.open(URI) as again:
        domain = again.lookupByName("tpm")
        domain.destroy()
        domain.create()
        domain.destroy()
        assert state.read_bytes() == blob or len(state.read_bytes()) > 0
        secrets.secretLookupByUUIDString(number).setValue(b"another passphrase")
        with pytest.raises(libvirt.libvirtError):
            domain.create()
        assert not emulator_pids("tpm")
        secrets.secretLookupByUUIDString(number).undefine()
        assert code_of(domain.create) == libvirt.VIR_ERR_NO_SECRET


def test_tpm_of_a_kind(secrets, connection):
    """a secret that is for something else"""
    need_swtpm()
    xml = hlt_xml("tpm", machine="q35", devices=TPM % (make_secret(secrets), ""))
    assert code_of(connection.createXML, xml) == libvirt.VIR_ERR_INVALID_ARG
    assert not list(pathlib.Path("/var/lib/libvirt/swtpm").glob("*/tpm2/*"))


@pytest.mark.parametrize("encrypted", [False, True])
def test_tpm_in_a_file(secrets, connection, encrypted):
    need_swtpm()
    folder = IMAGES / ("tpm-%s" % encrypted)
    folder.mkdir()
    shutil.chown(folder, "tss")                     # whose program makes the file anew
    path = folder / "state"
    source = "<source type='file' path='%s'/>" % path
    devices = TPM % (make_secret(secrets, usage="vtpm"), source)
    if not encrypted:
        devices = devices.replace("<encryption secret='%s'/>" % devices.split("'")[7], "")
    domain = connection.defineXML(hlt_xml("tpm", machine="q35", devices=devices))
    for _ in range(2):
        domain.create()
        assert path.stat().st_size > 1000 and path.stat().st_mode & 0o007 == 0
        domain.destroy()
    shutil.rmtree(folder)


def test_no_virtsecretd(secret_daemon, connection):
    """a guest that needs it is told"""
    path = make_image("alone.luks", "luks")
    secret_daemon.stop()
    with pytest.raises(libvirt.libvirtError) as refused:
        connection.createXML(hlt_xml("alone", devices=disk(path, str(uuid.uuid4()))))
    secret_daemon.start()
    assert refused.value.get_error_code() == libvirt.VIR_ERR_NO_CONNECT
    assert "systemctl start virtsecretd.socket" in str(refused.value)

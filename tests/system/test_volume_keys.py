# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encrypted volumes: made, cloned, grown, refused; by secrets of virtsecretd, private ones included."""
import os
import pathlib
import shutil
import signal
import subprocess
import threading

import libvirt
import pytest

import daemon as tested
import images
from conftest import code_of

STORAGE, SECRET = "storage:///system", "secret:///system"
ROOT = pathlib.Path("/run/pools")
MiB = 1024 * 1024
TOOLS = pathlib.Path("/run/tools")
# stands before QEMU's tool: as many characters as this file has, so many times it can't measure
UNMEASURED = pathlib.Path("/run/unmeasured")
TOOL = f"""#!/bin/sh
[ -s {UNMEASURED} ] || exec /usr/bin/qemu-img "$@"
truncate -s -1 {UNMEASURED}
echo "qemu-img: Unable to get accurate CPU usage" >&2
exit 1
"""
UUID = "5f5f5f5f-0000-4000-8000-000000000001"
KEY = b"not to be seen, anywhere"


@pytest.fixture(scope="module")
def daemons():
    ROOT.mkdir(exist_ok=True)
    TOOLS.mkdir()
    (TOOLS / "qemu-img").write_text(TOOL)
    (TOOLS / "qemu-img").chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{TOOLS}:{before}"
    storaged, secretd = [tested.Daemon(name=name).start() for name in ("virtstoraged", "virtsecretd")]
    with libvirt.open(SECRET) as connection:
        secret = connection.secretDefineXML(
            f"<secret private='yes'><uuid>{UUID}</uuid><usage type='volume'><volume>/a</volume></usage></secret>")
        secret.setValue(KEY)
    yield storaged, secretd
    for running in (storaged, secretd):
        if running.alive():
            running.stop()
    os.environ["PATH"] = before
    shutil.rmtree(ROOT)
    shutil.rmtree(TOOLS)


@pytest.fixture
def pool(daemons):
    connection = libvirt.open(STORAGE)
    yield connection.storagePoolCreateXML(
        f"<pool type='dir'><name>p</name><target><path>{ROOT}/p</path></target></pool>",
        libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    with libvirt.open(STORAGE) as fresh:                    # a test may have killed the daemon
        fresh.storagePoolLookupByName("p").destroy()
    shutil.rmtree(ROOT / "p")


def volume_xml(name, form="raw", secret=f"<secret type='passphrase' uuid='{UUID}'/>", kind="luks", more=""):
    return f"""<volume><name>{name}</name><capacity>{4 * MiB}</capacity><allocation>0</allocation>
      <target><format type='{form}'/><encryption format='{kind}'>{secret}{more}</encryption></target></volume>"""


def message_of(call, *arguments):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    return caught.value.get_error_message()


def opens(path, form, key=KEY):
    """can qemu-img read it with this key?"""
    options = f"driver={form},{'encrypt.' if form == 'qcow2' else ''}key-secret=k,file.filename={path}"
    key_file = pathlib.Path("/run/key")
    key_file.write_bytes(key)
    try:
        return subprocess.run(["qemu-img", "convert", "--object", f"secret,id=k,file={key_file}", "--image-opts",
                               options, "-O", "raw", "/run/plain"], capture_output=True).returncode == 0
    finally:
        key_file.unlink()


def test_life(pool):
    """made, seen anew, grown, cloned, wiped; one volume for all, as QEMU takes seconds to make one"""
    words = []
    ended = threading.Event()

    def watch():                                # the words of every program, while it runs
        while not ended.wait(0.005):
            for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words.append(process.read_bytes())
                except OSError:
                    pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    volume = pool.createXML(volume_xml("v"))
    ended.set()
    watcher.join()
    assert any(b"qemu-img" in line for line in words) and not any(KEY in line for line in words)
    assert volume.info()[1] == 4 * MiB
    assert "<encryption format='luks'" in volume.XMLDesc() and f"<format type='raw'/>" in volume.XMLDesc()
    path = ROOT / "p" / "v"
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert not opens(path, "luks", b"another")
    pool.refresh()
    assert "<encryption format='luks'" in volume.XMLDesc()
    assert os.listdir(ROOT / "p") == ["v"]
    volume.resize(8 * MiB)
    copy = pool.createXMLFrom(volume_xml("w", secret=""), volume)
    assert volume.info()[1] == copy.info()[1] == 8 * MiB
    assert opens(ROOT / "p" / "w", "luks") and os.path.getsize("/run/plain") == 8 * MiB
    assert "without <secret>" in message_of(pool.createXMLFrom, volume_xml("x"), volume)
    plain = volume_xml("x").replace("<encryption", "<!--").replace("</encryption>", "-->")
    assert code_of(pool.createXMLFrom, plain.replace("<!-- format='luks'>", "<!-- "), volume) == \
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    volume.wipe()
    assert "encryption" not in volume.XMLDesc()


def test_made_of_a_plain_one(pool):
    data = os.urandom(MiB)
    (ROOT / "p" / "plain").write_bytes(data * 4)
    pool.refresh()
    image = pool.createXMLFrom(volume_xml("v", "qcow2"), pool.storageVolLookupByName("plain"))
    assert opens(ROOT / "p" / "v", "qcow2") and data not in (ROOT / "p" / "v").read_bytes()
    assert pathlib.Path("/run/plain").read_bytes() == data * 4


def make_image(path):
    """quickly: with few rounds to make a key of the passphrase"""
    key = pathlib.Path("/run/key")
    key.write_bytes(KEY)
    images.make_encrypted("create", "qcow2", key, path, "4M", more=",compat=0.10")


def test_time_not_measured(pool):
    """what QEMU's tool can't measure at one time it can at another; the file is the same"""
    UNMEASURED.write_text("x" * 3)
    volume = pool.createXML(volume_xml("v"))
    assert UNMEASURED.read_text() == "" and opens(volume.path(), "luks")
    UNMEASURED.write_text("x" * 1000)
    try:
        assert "accurate CPU usage" in message_of(pool.createXML, volume_xml("w"))
    finally:
        UNMEASURED.unlink()
    assert os.listdir(ROOT / "p") == ["v"]


def test_image_resized(pool):
    """by the secret that is for its path; a larger copy too"""
    make_image(ROOT / "p" / "v")
    pool.refresh()
    image = pool.storageVolLookupByName("v")
    assert code_of(image.resize, 8 * MiB) == libvirt.VIR_ERR_NO_SECRET
    with libvirt.open(SECRET) as connection:
        secret = connection.secretDefineXML(f"<secret><usage type='volume'><volume>{image.path()}</volume></usage></secret>")
        secret.setValue(KEY)
        try:
            image.resize(8 * MiB)
            larger = volume_xml("w", "qcow2", secret="").replace(str(4 * MiB), str(12 * MiB))
            copy = pool.createXMLFrom(larger, image)
            image.resize(7 * MiB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
            secret.setValue(b"another")
            assert code_of(image.resize, 8 * MiB) == libvirt.VIR_ERR_INTERNAL_ERROR
        finally:
            secret.undefine()
    for volume, size in (image, 7 * MiB), (copy, 12 * MiB):
        assert volume.info()[1] == size
        assert opens(volume.path(), "qcow2") and os.path.getsize("/run/plain") == size


def test_killed(pool, daemons):
    """kill -9 while one is made: nothing of it is left, and the key is nowhere"""
    ended = []
    thread = threading.Thread(target=lambda: ended.append(code_of(pool.createXML, volume_xml("v"))))
    thread.start()
    tested.wait_until(lambda: os.listdir(ROOT / "p") or ended, timeout=30, what="the file under construction")
    daemons[0].process.send_signal(signal.SIGKILL)
    daemons[0].process.wait()
    thread.join()
    daemons[0].start()
    with libvirt.open(STORAGE) as fresh:
        assert fresh.storagePoolLookupByName("p").listVolumes() == []
    assert os.listdir(ROOT / "p") == []


def test_refused(pool, daemons):
    secret = f"<secret type='passphrase' uuid='{UUID}'/>"
    other = secret.replace("0001", "0002")
    for text, code, words in (
            (volume_xml("v", secret=""), libvirt.VIR_ERR_XML_ERROR, "no secret"),
            (volume_xml("v", secret=secret + secret), libvirt.VIR_ERR_XML_ERROR, "too many secrets"),
            (volume_xml("v", secret=other), libvirt.VIR_ERR_NO_SECRET, "volume 'v'"),
            (volume_xml("v", kind="qcow"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "'qcow'"),
            (volume_xml("v", "vmdk"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "vmdk"),
            (volume_xml("v", more="<cipher name='aes,x=y' size='256'/>"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "aes"),
            (volume_xml("v", more="<cipher name='none-such' size='256'/>"), libvirt.VIR_ERR_INTERNAL_ERROR, "none-such")):
        assert (code_of(pool.createXML, text), words in message_of(pool.createXML, text)) == (code, True), text
    assert os.listdir(ROOT / "p") == []
    daemons[1].stop()
    try:
        assert "virtsecretd" in message_of(pool.createXML, volume_xml("v"))
        assert os.listdir(ROOT / "p") == []
    finally:
        daemons[1].start()

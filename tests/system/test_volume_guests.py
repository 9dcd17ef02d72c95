# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on volumes of storage pools, and volumes that guests work with."""
import os
import pathlib
import shutil
import subprocess

import libvirt
import pytest

import daemon as tested
from conftest import code_of
from daemon import EMULATOR, wait_until

STORAGE = "storage:///system"
ROOT = pathlib.Path("/run/pools")
MiB = 1024 * 1024
POOL = "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>"
INVALID = libvirt.VIR_ERR_OPERATION_INVALID


def volume_xml(name, capacity=4 * MiB, form="raw", below=None):
    backing = f"<backingStore><path>{below}</path><format type='qcow2'/></backingStore>" if below else ""
    return f"""<volume><name>{name}</name><capacity>{capacity}</capacity><allocation>0</allocation>
      <target><format type='{form}'/></target>{backing}</volume>"""


def message_of(call, *arguments):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    return caught.value.get_error_message()


@pytest.fixture(scope="module")
def storaged():
    ROOT.mkdir(exist_ok=True)
    running = tested.Daemon(name="virtstoraged").start()
    yield running
    running.stop()
    shutil.rmtree(ROOT)


@pytest.fixture
def pool(storaged):
    if not storaged.alive():
        storaged.start()
    with libvirt.open(STORAGE) as connection:
        made = connection.storagePoolCreateXML(POOL % ("p", ROOT / "p"),
                                               libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
        yield made
        made.destroy()
    shutil.rmtree(ROOT / "p")


# ---- what somebody works with ----

class Emulator:
    """a QEMU that nobody has told us of, with an image"""

    def __init__(self, name, path, form):
        drive = f"if=none,id=d,file={path},format={form}"
        self.process = subprocess.Popen([
            EMULATOR, "-name", f"guest={name},debug-threads=on", "-M", "pc,accel=tcg", "-m", "16", "-S",
            "-nodefaults", "-display", "none", "-drive", drive, "-device", "virtio-blk,drive=d"])

    def end(self):
        self.process.kill()
        self.process.wait()


def is_locked(path):
    return any(line.split()[-3].endswith(f":{os.stat(path).st_ino}") for line in open("/proc/locks"))


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_of_strangers(pool, form):
    """an image that any QEMU has open is not deleted, wiped or made smaller, nor one below it"""
    below = pool.createXML(volume_xml("below", form="qcow2"))
    volume = pool.createXML(volume_xml("v", form=form, below=below.path() if form == "qcow2" else None))
    guest = Emulator("a,,b", volume.path(), form)
    try:
        wait_until(lambda: is_locked(volume.path()) and (form == "raw" or is_locked(below.path())), timeout=60)
        for call in (volume.delete, volume.wipe, lambda: volume.resize(MiB, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)):
            assert code_of(call) == INVALID
            assert f"by guest 'a,b' (process {guest.process.pid})" in message_of(call)
        if form == "raw":
            volume.resize(8 * MiB)
        else:
            assert "by guest 'a,b'" in message_of(below.delete)
    finally:
        guest.end()
    volume.wipe()
    volume.delete()
    below.delete()

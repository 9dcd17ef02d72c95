# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that forget: what a guest wrote is there until it ends, whatever becomes of the daemon."""
import os
import pathlib
import shutil

import libvirt
import pytest
from conftest import Console, boot, code_of
from daemon import GUEST, IMAGES, hlt_xml, wait_until
from test_hotplug import disk, image, pluggable

LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


@pytest.fixture(scope="module", autouse=True)
def guest_files(daemon):
    if not (GUEST / "plug.gz").exists():
        pytest.skip("no plug.gz: run tests/lib/guest")
    if not shutil.which("qemu-img"):
        pytest.skip("no qemu-img")
    shutil.copy(GUEST / "plug.gz", IMAGES / "plug.gz")
    (IMAGES / "plug.gz").chmod(0o644)


def overlay(path, name):
    return pathlib.Path("%s.TRANSIENT-%s" % (path, name))


def reads(console, word, number):
    """waits until the guest's disk begins with the word"""
    console.send("until [ \"$(head -c %d /dev/vda)\" = %s ]; do sleep 0.1; done; echo re''ad-%d.\n"
                 % (len(word), word, number))
    console.wait("read-%d." % number)


def test_writes_are_kept_until_the_end(daemon, connection):
    path = image("forget.img")
    path.chmod(0o600)
    text = pluggable("forget", 4).replace("<memballoon", disk(path, "vda", more="<transient/>") + "<memballoon")
    domain = connection.defineXML(text)
    console = boot(domain)
    console.send("echo remembered > /dev/vda; sync; echo writ''ten.\n")
    console.wait("written.")
    assert overlay(path, "forget").exists()
    assert path.read_bytes() == bytes(8 << 20)
    assert str(overlay(path, "forget")) in domain.XMLDesc()
    assert str(overlay(path, "forget")) not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    console.close()
    daemon.restart()
    again = libvirt.open(connection.getURI())
    domain = again.lookupByName("forget")
    console = Console(domain)
    reads(console, "remembered", 1)
    # a guest that starts anew by itself is the same run
    domain.reset()
    console.wait("guest: up")
    reads(console, "remembered", 2)
    console.close()
    domain.destroy()
    assert not overlay(path, "forget").exists()
    assert path.read_bytes() == bytes(8 << 20)
    assert os.stat(path).st_uid == 0
    again.close()


def test_many_guests_share_an_image(connection):
    path = image("many.img")
    guests = [connection.createXML(hlt_xml(name, devices=disk(path, "vda", more="<transient shareBacking='yes'/>")))
              for name in ("one", "two")]
    assert overlay(path, "one").exists() and overlay(path, "two").exists()
    guests[0].destroy()
    assert not overlay(path, "one").exists() and overlay(path, "two").exists()
    guests[1].destroy()
    assert not overlay(path, "two").exists()


def test_plugged(connection):
    first, second = image("first.img"), image("second.img")
    domain = connection.defineXML(pluggable("plugged", 4))
    console = boot(domain)
    domain.attachDeviceFlags(disk(first, "vda", more="<transient/>"), LIVE)
    assert overlay(first, "plugged").exists()
    domain.detachDeviceFlags(disk(first, "vda"), LIVE)
    wait_until(lambda: not overlay(first, "plugged").exists(), 60, what="the overlay goes with the disk")
    domain.attachDeviceFlags(disk(second, "vdb", more="<transient/>"), LIVE)
    console.close()
    domain.destroy()
    assert not overlay(second, "plugged").exists()


def test_what_is_not_ours_stays(connection):
    path = image("kept.img")
    overlay(path, "kept").write_text("somebody's")
    domain = connection.defineXML(hlt_xml("kept", devices=disk(path, "vda", more="<transient/>")))
    assert code_of(domain.create) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert overlay(path, "kept").read_text() == "somebody's"
    overlay(path, "kept").unlink()
    # a start that fails leaves nothing
    domain = connection.defineXML(hlt_xml(
        "fails", devices=disk(path, "vda", more="<transient/>") +
        "<interface type='bridge'><source bridge='none'/></interface>"))
    assert code_of(domain.create) is not None
    assert not overlay(path, "fails").exists()


@pytest.mark.parametrize("xml, words", [
    (lambda: disk(None, "sda", "sata", "cdrom", "<transient/>"), "must not be empty"),
    (lambda: disk(image("r.img"), "sda", "sata", "cdrom", "<transient/>"), "must not be read-only"),
    (lambda: disk(image("r.img"), "fda", "fdc", "floppy", "<transient/>"), "'disk' device"),
    (lambda: "<disk type='block'><source dev='/dev/null'/><target dev='vda'/><transient/></disk>",
     "'file' type"),
])
def test_refused(connection, xml, words):
    with pytest.raises(libvirt.libvirtError, match=words) as caught:
        connection.defineXML(hlt_xml("refused", devices=xml()))
    assert caught.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the emulator has not is said to who defines a guest or attaches a device; what is stored already stays."""
import os
import pathlib
import shutil

import libvirt
import pytest

from client import code_of, opened, remove_guests
from daemon import IMAGES, URI, hlt_xml

UNSUPPORTED = libvirt.VIR_ERR_CONFIG_UNSUPPORTED
CONFIG = libvirt.VIR_DOMAIN_AFFECT_CONFIG
TABLET = "<input type='tablet' bus='virtio' model='virtio-transitional'/>"        # of which QEMU has no such
RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
STORED = pathlib.Path("/etc/libvirt/qemu/stored.xml")


def with_flash():
    return hlt_xml("new").replace("<features><acpi/></features>", "").replace(
        "</type>", "</type><loader readonly='yes' type='pflash'>/x</loader>")


@pytest.mark.parametrize("text, words", [
    (hlt_xml("new", devices=TABLET), r"devices/input\[1\]: the emulator .* has no device 'virtio-tablet-pci-transitional'"),
    (hlt_xml("new").replace("</devices>", "</devices><launchSecurity type='s390-pv'/>"), "has no 's390-pv-guest'"),
    (with_flash(), "UEFI without features/acpi"),
], ids=["device", "object", "firmware"])
def test_refused_when_defined(connection, text, words):
    for make in connection.defineXML, connection.createXML:
        with pytest.raises(libvirt.libvirtError, match=words) as caught:
            make(text)
        assert caught.value.get_error_code() == UNSUPPORTED
    assert connection.listAllDomains() == []


def test_other_machines_have_other_devices(connection):
    emulator = shutil.which("qemu-system-aarch64")
    if not emulator:
        pytest.skip("qemu-system-aarch64 is not installed")
    text = """<domain type='qemu'><name>arm</name><memory unit='MiB'>64</memory>
      <os><type arch='aarch64' machine='virt'>hvm</type></os>
      <devices><emulator>%s</emulator><video><model type='%s'/></video></devices></domain>"""
    connection.defineXML(text % (emulator, "virtio"))
    with pytest.raises(libvirt.libvirtError, match="'qxl-vga'") as caught:
        connection.defineXML(text % (emulator, "qxl"))
    assert caught.value.get_error_code() == UNSUPPORTED


def test_refused_when_attached(hlt):
    before = hlt.XMLDesc()
    assert code_of(hlt.attachDeviceFlags, TABLET, CONFIG) == UNSUPPORTED
    assert hlt.XMLDesc() == before
    hlt.attachDeviceFlags(RNG, CONFIG)
    assert "<rng" in hlt.XMLDesc()


def test_stored_guests_stay(daemon, connection):
    """that the emulator could run once, or whose emulator has gone: listed, changed, undefined"""
    emulator = IMAGES / "qemu-for-a-while"
    os.symlink("/usr/bin/qemu-system-x86_64", emulator)
    connection.defineXML(hlt_xml("orphan", emulator=emulator))
    connection.defineXML(hlt_xml("stored"))
    daemon.stop()
    emulator.unlink()
    STORED.write_text(STORED.read_text().replace("</devices>", TABLET + "</devices>"))
    daemon.start()
    with opened(daemon, URI, remove_guests) as again:
        stored, orphan = again.lookupByName("stored"), again.lookupByName("orphan")
        assert "virtio-transitional" in stored.XMLDesc()
        assert code_of(stored.create) == UNSUPPORTED
        stored.attachDeviceFlags(RNG, CONFIG)
        stored.detachDeviceFlags(TABLET, CONFIG)
        stored.create()
        orphan.undefine()
        assert [domain.name() for domain in again.listAllDomains()] == ["stored"]

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU would refuse itself is refused before there is one, by the element and its cause."""
import os
import pathlib

import libvirt
import pytest
from daemon import hlt_xml

UNSUPPORTED, SYSTEM = libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_SYSTEM_ERROR
OPERATION = libvirt.VIR_ERR_OPERATION_FAILED


def with_device(device):
    return hlt_xml("wrong", devices=device)


def with_os(words):
    text = hlt_xml("wrong")
    return text[:text.index("<kernel>")] + words + text[text.index("</os>"):]


def above_devices(words):
    return hlt_xml("wrong").replace("<devices>", words + "<devices>")


REFUSED = [
    (with_os("<kernel>/nowhere</kernel>"), SYSTEM, "os/kernel: cannot access '/nowhere'"),
    (with_os("<kernel>/dev/null</kernel><initrd>/nowhere</initrd>"), SYSTEM, "os/initrd"),
    (with_os("<kernel>/dev/null</kernel><dtb>/nowhere</dtb>"), SYSTEM, "os/dtb"),
    (with_os("<loader type='rom'>/nowhere</loader>"), SYSTEM, "os/loader"),
    (with_os("<acpi><table type='slic'>/nowhere</table></acpi>"), SYSTEM, "os/acpi/table"),
    (above_devices("<sysinfo type='fwcfg'><entry name='opt/a' file='/nowhere'/></sysinfo>"), SYSTEM, "sysinfo/entry"),
    (above_devices("<memtune><hard_limit>0</hard_limit></memtune>"), UNSUPPORTED, "memtune/hard_limit"),
    (above_devices("<cpu><model>qemu64</model><feature policy='disable' name='bogus'/></cpu>"), UNSUPPORTED,
     "unknown CPU feature: bogus"),
    (above_devices("<cpu><model>bogus</model></cpu>"), UNSUPPORTED, "no CPU model 'bogus'"),
    (with_device("<graphics type='spice' autoport='yes'><gl enable='yes'/></graphics>"), UNSUPPORTED, "OpenGL"),
    (with_device("<graphics type='vnc' keymap='bogus'/>"), UNSUPPORTED, "keymap 'bogus'"),
    (with_device("<graphics type='egl-headless'><gl rendernode='/nowhere'/></graphics>"), SYSTEM, "rendernode"),
    (with_device("<rng model='virtio'><backend model='random'>/dev/nowhere</backend></rng>"), SYSTEM, "devices/rng"),
    (with_device("<input type='evdev'><source dev='/dev/nowhere'/></input>"), SYSTEM, "devices/input"),
    (with_device("<serial type='unix'><source mode='connect' path='/nowhere'/></serial>"), SYSTEM, "devices/serial"),
    (with_device("<parallel type='pipe'><source path='/nowhere'/></parallel>"), SYSTEM, "devices/parallel"),
    (with_device("<filesystem><source dir='/nowhere'/><target dir='a'/></filesystem>"), SYSTEM, "devices/filesystem"),
    (with_device("<interface type='user'><rom file='/nowhere'/></interface>"), SYSTEM, "devices/interface"),
    (with_device("<serial type='pty'><target port='7'/></serial>"), UNSUPPORTED, "there are four"),
    (with_device("<interface type='hostdev'><source><address type='usb' bus='250' port='7.7'/></source></interface>")
     .replace("<controller type='usb' model='none'/>", ""), OPERATION, "bus:250 port:7.7"),
]


@pytest.mark.parametrize("text, code, words", REFUSED, ids=[words.replace("/", "-") for _, _, words in REFUSED])
def test_refused_before_there_is_an_emulator(connection, text, code, words):
    domain = connection.defineXML(text)
    with pytest.raises(libvirt.libvirtError, match=words) as caught:
        domain.create()
    assert caught.value.get_error_code() == code
    assert not domain.isActive()
    log = pathlib.Path("/var/log/libvirt/qemu/wrong.log")
    assert not log.exists() or "qemu-system" not in log.read_text()


def test_tables_that_the_host_has_not(connection):
    if os.path.exists("/sys/class/dmi/id"):
        pytest.skip("the host has tables of SMBIOS")
    test_refused_before_there_is_an_emulator(connection, with_os("<kernel>/dev/null</kernel><smbios mode='host'/>"),
                                             UNSUPPORTED, "Host SMBIOS information is not available")


def test_card_readers_beyond_the_ports_are_on_a_hub(connection):
    readers = "".join("<controller type='ccid' index='%d'/>" % index for index in range(5))
    text = with_device(readers)
    assert "model='none'/>" in text
    domain = connection.defineXML(text.replace("model='none'/>", "model='piix3-uhci'/>", 1))
    domain.create()
    assert "<hub type='usb'>" in domain.XMLDesc()
    domain.destroy()

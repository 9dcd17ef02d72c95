# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents as command lines of QEMU, for people who want to see or run them by hand."""
import json
import shlex
from xml.etree import ElementTree

import libvirt
import libvirt_qemu
import pytest
from conftest import code_of
from daemon import hlt_xml, virsh

DEVICES = """
    <interface type='bridge'><source bridge='absent0'/><target dev='never0'/></interface>
    <serial type='pty'/><graphics type='vnc' autoport='yes'/><graphics type='spice' autoport='yes'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"""


def words_of(text):
    return shlex.split(text)


def test_a_document_becomes_one_line(connection, tmp_path):
    path = tmp_path / "guest.xml"
    path.write_text(hlt_xml("shown's", devices=DEVICES))
    text = virsh("domxml-to-native", "qemu-argv", "--xml", str(path)).strip()
    words = words_of(text)
    assert "\n" not in text
    assert words[0].startswith("LC_ALL=")
    assert "guest=shown's,debug-threads=on" in words
    assert "127.0.0.1:0,audiodev=audio1" in words
    assert any("port=5901" in word for word in words)
    assert any("/domain--1-shown's/org.qemu.guest_agent.0" in word for word in words)
    assert not connection.listAllDomains()


def test_a_guest_that_is_defined(connection):
    connection.defineXML(hlt_xml("defined"))
    words = words_of(virsh("domxml-to-native", "qemu-argv", "--domain", "defined"))
    assert "/usr/bin/qemu-system-x86_64" in words


SCRIPT = """#!/bin/sh
/usr/bin/qemu-system-x86_64 -name "of a script" -machine q35 -m 64 -smp 2 \\
  -drive file=/absent.qcow2,if=virtio,format=qcow2 -device e1000e,netdev=n,mac=52:54:00:00:00:07 \\
  -netdev user,id=n -device usb-tablet -device qemu-xhci -vnc 127.0.0.1:7 -global kvm-pit.lost_tick_policy=delay
"""


def test_a_script_becomes_a_guest(connection, tmp_path):
    path = tmp_path / "guest.sh"
    path.write_text(SCRIPT)
    document = virsh("domxml-from-native", "qemu-argv", str(path))
    path.write_text(document)
    virsh("define", "--validate", str(path))
    words = words_of(virsh("domxml-to-native", "qemu-argv", "--domain", "of a script"))
    assert "guest=of a script,debug-threads=on" in words
    assert "size=65536k" in words
    assert any("/absent.qcow2" in word for word in words)
    assert any("52:54:00:00:00:07" in word for word in words)
    assert any(word.startswith("127.0.0.1:7") for word in words)
    assert words[words.index("kvm-pit.lost_tick_policy=delay") - 1] == "-global"


def test_our_own_line_is_read_back(connection, tmp_path):
    connection.defineXML(hlt_xml("back", devices=DEVICES))
    path = tmp_path / "line"
    path.write_text(virsh("domxml-to-native", "qemu-argv", "--domain", "back"))
    domain = ElementTree.fromstring(virsh("domxml-from-native", "qemu-argv", str(path)))
    defined = ElementTree.fromstring(connection.lookupByName("back").XMLDesc())
    for part in ["name", "uuid", "memory", "vcpu"]:
        assert domain.findtext(part) == defined.findtext(part)
    for part in ["interface", "graphics", "channel"]:
        assert len(domain.findall("devices/" + part)) == len(defined.findall("devices/" + part))


@pytest.mark.parametrize("ask, code", [
    (lambda connection: connection.domainXMLToNative("vmx", hlt_xml("other")),
     libvirt.VIR_ERR_INVALID_ARG),
    (lambda connection: connection.domainXMLToNative("qemu-argv", "<domain/>"), libvirt.VIR_ERR_XML_ERROR),
    (lambda connection: connection.domainXMLFromNative("vmx", "a"), libvirt.VIR_ERR_INVALID_ARG),
    (lambda connection: connection.domainXMLFromNative("qemu-argv", "qemu-system-x86_64 -m x"),
     libvirt.VIR_ERR_INVALID_ARG),
])
def test_what_is_refused(connection, ask, code):
    assert code_of(ask, connection) == code


def test_what_has_no_place_in_a_document_does_not_stand_in_its_way(connection, tmp_path):
    """devices that go on as they were given come to QEMU first, and leave the others' places and buses alone"""
    path = tmp_path / "guest.sh"
    path.write_text("/usr/bin/qemu-system-x86_64 -name passing -machine q35 -m 32 -display none "
                    "-netdev user,id=a,hostfwd=tcp:127.0.0.1:0-:22 -device e1000,netdev=a "
                    "-device pcie-root-port,id=root,chassis=9 -device edu,bus=root,id=behind -device pci-testdev,id=beside "
                    "-serial unix:%s,reconnect=5" % (tmp_path / "absent"))
    domain = connection.createXML(virsh("domxml-from-native", "qemu-argv", str(path)), libvirt.VIR_DOMAIN_START_PAUSED)
    text = json.dumps({"execute": "qom-list", "arguments": {"path": "/machine/peripheral"}})
    devices = json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0))["return"]
    assert {"root", "behind", "beside", "video0"} <= {device["name"] for device in devices}

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents as command lines of QEMU, for people who want to see or run them by hand."""
import shlex

import libvirt
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


@pytest.mark.parametrize("ask, code", [
    (lambda connection: connection.domainXMLToNative("vmx", hlt_xml("other")),
     libvirt.VIR_ERR_INVALID_ARG),
    (lambda connection: connection.domainXMLToNative("qemu-argv", "<domain/>"), libvirt.VIR_ERR_XML_ERROR),
    (lambda connection: connection.domainXMLFromNative("qemu-argv", "qemu-system-x86_64 -m 3"),
     libvirt.VIR_ERR_NO_SUPPORT),
])
def test_what_is_refused(connection, ask, code):
    assert code_of(ask, connection) == code

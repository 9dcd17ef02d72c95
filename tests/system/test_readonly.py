# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a stock read-only client may do and may not (every procedure: test_every_procedure.py)."""
import pathlib
import subprocess

import libvirt
import pytest
import wire
from conftest import code_of
from daemon import SOCKET_RO, URI, hlt_xml, virsh


@pytest.fixture
def reader(connection):
    opened = libvirt.openReadOnly(URI)
    yield opened
    opened.close()


def test_reading(reader, hlt):
    domain = reader.lookupByName("hlt")
    assert domain.UUIDString() == hlt.UUIDString()
    assert domain.state()[0] == libvirt.VIR_DOMAIN_SHUTOFF
    assert "<name>hlt</name>" in domain.XMLDesc()
    assert "hlt" in virsh("-r", "list", "--all", "--name").split()
    assert reader.getCapabilities().startswith("<capabilities>")


@pytest.mark.parametrize("act", [
    lambda c, d: c.defineXML(hlt_xml("new")),
    lambda c, d: c.createXML(hlt_xml("new")),
    lambda c, d: d.create(),
    lambda c, d: d.undefine(),
    lambda c, d: d.setAutostart(True),
    lambda c, d: d.rename("other"),
    lambda c, d: d.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "x", None, None),
    lambda c, d: d.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE),
])
def test_refused(reader, hlt, act):
    assert code_of(act, reader, reader.lookupByName("hlt")) == libvirt.VIR_ERR_OPERATION_DENIED
    assert [d.name() for d in reader.listAllDomains()] == ["hlt"]
    assert not hlt.isActive() and not hlt.autostart()


def test_an_identity_is_believed_of_root_alone(daemon):
    """whoever speaks for others, by the socket that is open to all as well"""
    program = """
import sys
sys.path.insert(0, %r)
import wire
client = wire.Client(%r).open()
try:
    client.call("CONNECT_SET_IDENTITY", {"params": [], "flags": 0})
except wire.Refused as refused:
    sys.exit(refused.code)
""" % (str(pathlib.Path(wire.__file__).parent), SOCKET_RO)
    everyone = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    script = ["/usr/bin/python3", "-c", program]
    assert subprocess.run(script).returncode == 0
    assert subprocess.run(everyone + script).returncode == libvirt.VIR_ERR_ACCESS_DENIED


def test_secrets_are_left_out(connection, reader):
    connection.defineXML(hlt_xml("screen", devices="<graphics type='vnc' passwd='hidden'/>"))
    assert "hidden" not in reader.lookupByName("screen").XMLDesc()
    assert "hidden" not in connection.lookupByName("screen").XMLDesc()
    assert "hidden" in connection.lookupByName("screen").XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)

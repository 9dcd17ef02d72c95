# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory a guest gets, and where: sizes, modules, NUMA nodes of the guest and of the host."""
import os
import pathlib

import libvirt
import pytest
from conftest import code_of
from daemon import hlt_xml

SIZE = "<memory unit='MiB'>32</memory>"
CELL = "<cpu><numa><cell id='0' cpus='0' memory='%s' unit='KiB'/></numa></cpu><features>"


def text_of(name, *changes):
    text = hlt_xml(name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def module(size, more="", node="<node>0</node>"):
    return "<memory model='dimm'>%s<target><size unit='KiB'>%d</size>%s</target></memory>" % (more, size, node)


def roomy(name, *devices, memory=262144):
    return text_of(name, (SIZE, "<maxMemory slots='4' unit='MiB'>2048</maxMemory><memory unit='KiB'>%d</memory>"
                          % memory),
                   ("<features>", CELL % memory), ("</devices>", "".join(devices) + "</devices>"))


def test_sizes_are_whole(connection):
    domain = connection.createXML(text_of("odd", (SIZE, "<memory unit='KiB'>33333</memory>")))
    assert domain.XMLDesc().count(">33792<") == 2
    domain.destroy()
    domain = connection.defineXML(roomy("modules", module(1000), memory=33333))
    domain.create()
    assert "<size unit='KiB'>2048</size>" in domain.XMLDesc()
    assert "<memory unit='KiB'>%d</memory>" % (33792 + 2048) in domain.XMLDesc()
    assert "memory='33792'" in domain.XMLDesc()
    assert "<size unit='KiB'>1000</size>" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.attachDevice(module(3073))
    assert "<size unit='KiB'>4096</size>" in domain.XMLDesc()
    assert domain.maxMemory() == 33792 + 2048 + 4096


def test_a_stored_module_is_known_by_its_place(connection):
    module_at = "<memory model='dimm'><target><size unit='KiB'>%d</size><node>0</node></target>" \
                "<address type='dimm' slot='%d'/></memory>"
    domain = connection.defineXML(roomy("stored", module_at % (131072, 1)))
    domain.updateDeviceFlags(module_at % (262144, 1), libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    assert "<size unit='KiB'>262144</size>" in domain.XMLDesc()
    assert domain.XMLDesc().count("<memory model") == 1
    assert code_of(domain.updateDeviceFlags, module_at % (262144, 0), libvirt.VIR_DOMAIN_AFFECT_CONFIG) \
        == libvirt.VIR_ERR_INVALID_ARG


REFUSED = [
    (lambda: roomy("r", module(131072, node="")), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "target NUMA node"),
    (lambda: roomy("r", module(131072, node="<node>7</node>")), libvirt.VIR_ERR_XML_DETAIL, "guest node '7'"),
    (lambda: roomy("r", module(4 << 20)), libvirt.VIR_ERR_XML_ERROR, "maximum memory"),
    (lambda: text_of("r", ("<features>", CELL.replace("cpus='0'", "cpus='0-3'") % 32768)),
     libvirt.VIR_ERR_INTERNAL_ERROR, "exceeds the <vcpu> count"),
    (lambda: text_of("r", ("<vcpu>", "<numatune><memnode cellid='0' mode='strict' nodeset='0'/></numatune><vcpu>")),
     libvirt.VIR_ERR_XML_ERROR, "memnode"),
    (lambda: text_of("r", ("<vcpu>", "<numatune><memnode cellid='3' mode='strict' nodeset='0'/></numatune><vcpu>"),
                     ("<features>", CELL % 32768)), libvirt.VIR_ERR_XML_ERROR, "cellid"),
    (lambda: text_of("r", ("<vcpu>", "<memoryBacking><hugepages><page size='2' unit='MiB' nodeset='3'/></hugepages>"
                           "</memoryBacking><vcpu>")), libvirt.VIR_ERR_XML_DETAIL, "node 3 not found"),
    (lambda: text_of("r", ("<vcpu>", "<memoryBacking><hugepages/><source type='anonymous'/></memoryBacking><vcpu>")),
     libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "anonymous"),
]


@pytest.mark.parametrize("text, code, words", REFUSED)
def test_refused_when_defined(connection, text, code, words):
    with pytest.raises(libvirt.libvirtError, match=words) as caught:
        connection.defineXML(text())
    assert caught.value.get_error_code() == code


@pytest.mark.parametrize("tune", ["<memory mode='%s' nodeset='900'/>" % mode
                                  for mode in ("strict", "preferred", "interleave", "restrictive")])
def test_nodes_that_the_host_has_not(connection, tune):
    domain = connection.defineXML(text_of("nodes", ("<vcpu>", "<numatune>%s</numatune><vcpu>" % tune)))
    assert code_of(domain.create) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert not domain.isActive()
    domain = connection.defineXML(roomy("module", module(2048, "<source><nodemask>900</nodemask></source>")))
    assert code_of(domain.create) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_advice_of_numad(daemon, connection, monkeypatch):
    """placement='auto': the program is asked, and must be there"""
    text = text_of("advised", ("<vcpu>", "<numatune><memory mode='strict' placement='auto'/></numatune>"
                               "<vcpu placement='auto'>"))
    folder = pathlib.Path("/run/tmp/bin")
    folder.mkdir()
    program = folder / "numad"
    # another one may be installed
    monkeypatch.setenv("PATH", "%s:%s" % (folder, os.environ["PATH"]))
    daemon.restart()
    again = libvirt.open(connection.getURI())
    program.write_text("#!/bin/sh\necho nonsense\n")
    program.chmod(0o755)
    domain = again.defineXML(text)
    assert code_of(domain.create) == libvirt.VIR_ERR_OPERATION_FAILED
    program.write_text("#!/bin/sh\n[ \"$1\" = -w ] && [ \"$2\" = 1:32 ] && echo 0\n")
    domain.create()
    assert "nodeset='0'" in domain.XMLDesc()
    assert "placement='auto'" in domain.XMLDesc()
    domain.destroy()
    again.close()
    monkeypatch.undo()
    daemon.restart()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's document under the flags that choose what is shown, and starts that change files."""
import contextlib
import os
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from conftest import code_of
from daemon import IMAGES, URI, hlt_xml, virsh

INACTIVE, UPDATE_CPU, MIGRATABLE = (libvirt.VIR_DOMAIN_XML_INACTIVE, libvirt.VIR_DOMAIN_XML_UPDATE_CPU,
                                    libvirt.VIR_DOMAIN_XML_MIGRATABLE)
HOST_MODEL = "<cpu mode='host-model'><feature policy='disable' name='rdrand'/></cpu><devices>"
DEVICES = """
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s/upper.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <interface type='user'/><serial type='pty'/><graphics type='vnc' autoport='yes'/>
    <video><model type='vga'/></video>""" % IMAGES


def parsed(domain, flags=0):
    return ElementTree.fromstring(domain.XMLDesc(flags))


@pytest.fixture
def images(daemon):
    for words in (["lower.qcow2", "8M"], ["-b", "lower.qcow2", "-F", "qcow2", "upper.qcow2"]):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *words], cwd=IMAGES, check=True)


def live_marks(document):
    """what only a running guest has"""
    devices = document.find("devices")
    return {
        "aliases": bool(devices.findall("*/alias")),
        "terminal": devices.find("serial/source") is not None,
        "port": devices.find("graphics").get("port") != "-1",
        "address": devices.find("graphics/listen").get("address") is not None,
        "below": devices.find("disk/backingStore/source") is not None,
        "id": document.get("id") is not None,
    }


@pytest.mark.parametrize("flags", [INACTIVE, MIGRATABLE])
def test_what_lives_with_the_guest_is_left_out(connection, images, flags):
    domain = connection.createXML(hlt_xml("shown", devices=DEVICES))
    assert set(live_marks(parsed(domain)).values()) == {True}
    assert set(live_marks(parsed(domain, flags)).values()) == {False}
    assert parsed(domain).find("devices/graphics").get("listen") == "127.0.0.1"
    text = domain.XMLDesc(flags)
    domain.destroy()
    again = connection.defineXML(text)
    assert again.XMLDesc(flags) == text
    again.create()


# what a document of each machine has by itself, and older daemons did not write
IMPLIED = {
    "pc": ("x86_64", ["controller[@type='pci']", "controller[@type='usb']", "input[@type='keyboard']", "audio"]),
    "q35": ("x86_64", ["input[@type='keyboard']", "audio"]),
    "pseries": ("ppc64", ["controller[@type='pci']", "panic", "serial/target[@type]", "serial/target/model", "audio"]),
}
PLAIN = """<domain type='qemu'><name>implied</name><memory>65536</memory>
  <os><type arch='%s' machine='%s'>hvm</type></os><devices><serial type='pty'/>%s</devices></domain>"""


@pytest.mark.parametrize("machine", IMPLIED)
def test_what_is_implied_is_not_for_older_ones(connection, machine):
    arch, places = IMPLIED[machine]
    if not os.path.exists("/usr/bin/qemu-system-" + arch):
        pytest.skip("no emulator for " + arch)
    domain = connection.defineXML(PLAIN % (arch, machine, ""))
    shown, kept = parsed(domain).find("devices"), parsed(domain, MIGRATABLE).find("devices")
    assert [place for place in places if shown.find(place) is None] == []
    assert [place for place in places if kept.find(place) is not None] == []
    assert kept.find("serial/target").get("port") == "0"
    # and what was asked for stays
    domain.undefine()
    domain = connection.defineXML(PLAIN % (arch, machine, """<controller type='pci' index='1' model='%s'/>
        <audio id='1' type='file' path='/tmp/sound'/>""" % ("pcie-root-port" if machine == "q35" else "pci-bridge")))
    kept = parsed(domain, MIGRATABLE).find("devices")
    assert len(kept.findall("controller[@type='pci']")) >= 2 and kept.find("audio") is not None


def test_passwords_go_with_a_guest(connection):
    domain = connection.defineXML(hlt_xml("secret", devices="<graphics type='vnc' autoport='yes' passwd='word'/>"))
    assert parsed(domain).find("devices/graphics").get("passwd") is None
    assert parsed(domain, MIGRATABLE).find("devices/graphics").get("passwd") == "word"
    with contextlib.closing(libvirt.openReadOnly(URI)) as reader:
        assert code_of(reader.lookupByName("secret").XMLDesc, MIGRATABLE) == libvirt.VIR_ERR_OPERATION_DENIED


def test_an_image_below_that_was_asked_for_stays(connection, images):
    said = """<backingStore type='file'><format type='qcow2'/><source file='%s/lower.qcow2'/>
        </backingStore><target dev='vda'""" % IMAGES
    domain = connection.createXML(hlt_xml("said", devices=DEVICES.replace("<target dev='vda'", said)))
    assert live_marks(parsed(domain, MIGRATABLE))["below"]


def test_the_cpu_of_the_host(connection, daemon):
    domain = connection.defineXML(hlt_xml("cpu").replace("<devices>", HOST_MODEL))
    assert parsed(domain).find("cpu").get("mode") == "host-model"
    cpu = parsed(domain, UPDATE_CPU).find("cpu")
    host = ElementTree.fromstring(connection.getDomainCapabilities(virttype="qemu")) \
        .find("cpu/mode[@name='host-model']")
    assert cpu.get("mode") == "custom" and cpu.findtext("model") == host.findtext("model")
    features = {f.get("name"): f.get("policy") for f in cpu.findall("feature")}
    assert features == {**{f.get("name"): f.get("policy") for f in host.findall("feature")},
                        "rdrand": "disable"}
    domain.create()
    assert parsed(domain).find("cpu").get("mode") == "custom"
    assert parsed(domain, INACTIVE).find("cpu").get("mode") == "host-model"
    assert "custom" in virsh("dumpxml", "cpu", "--inactive", "--update-cpu")


def test_a_cpu_of_at_least_a_model_is_the_hosts(connection, daemon):
    asked = "<cpu match='minimum'><model>qemu64</model><feature policy='disable' name='rdrand'/></cpu><devices>"
    domain = connection.defineXML(hlt_xml("cpu").replace("<devices>", asked))
    domain.create()
    host = ElementTree.fromstring(connection.getDomainCapabilities(virttype="qemu")) \
        .find("cpu/mode[@name='host-model']")
    cpu = parsed(domain).find("cpu")
    assert (cpu.get("match"), cpu.findtext("model")) == ("exact", host.findtext("model"))
    assert cpu_of(domain)[0] == "full" and cpu_of(domain)[1]["rdrand"] == "disable"
    assert parsed(domain, INACTIVE).find("cpu").get("match") == "minimum"


# TCG has no x2apic, no avx512f
HASWELL = """<cpu check='none'><model>Haswell</model><feature policy='optional' name='avx512f'/>
    <feature policy='disable' name='rdrand'/></cpu><devices>"""


def cpu_of(domain, flags=0):
    cpu = parsed(domain, flags).find("cpu")
    return cpu.get("check"), {f.get("name"): f.get("policy") for f in cpu.findall("feature")}


def test_a_live_cpu_is_what_qemu_gave(connection, daemon):
    domain = connection.defineXML(hlt_xml("cpu").replace("<devices>", HASWELL))
    asked = cpu_of(domain, INACTIVE)
    assert asked == ("none", {"avx512f": "optional", "rdrand": "disable"})
    domain.create()
    given = cpu_of(domain)
    assert given[0] == "full" and given[1]["hypervisor"] == "require"
    assert {given[1][name] for name in ("avx512f", "rdrand", "x2apic", "pcid")} == {"disable"}
    assert parsed(domain).find("cpu/model").get("fallback") == "forbid"
    daemon.restart()
    with libvirt.open(URI) as later:
        domain = later.lookupByName("cpu")
        assert cpu_of(domain) == given and cpu_of(domain, INACTIVE) == asked
        assert cpu_of(domain, MIGRATABLE) == ("none", {"avx512f": "disable", "rdrand": "disable"})
        live = domain.XMLDesc()
        domain.destroy()
        assert cpu_of(domain) == asked
        domain = later.defineXML(live)  # of such a guest, to the letter
        domain.create()
        assert cpu_of(domain) == given


@pytest.mark.parametrize("cpu, words", [
    ("<cpu check='full'><model>qemu64</model></cpu>", "extra features: hypervisor"),
    ("<cpu check='full'><model>qemu64</model><feature policy='force' name='avx512f'/></cpu>",
     "extra features: hypervisor, missing features: avx512f"),
])
def test_a_cpu_checked_in_full_has_nothing_else(connection, cpu, words):
    domain = connection.defineXML(hlt_xml("cpu").replace("<devices>", cpu + "<devices>"))
    with pytest.raises(libvirt.libvirtError, match=words + "$") as refusal:
        domain.create()
    assert refusal.value.get_error_code() == libvirt.VIR_ERR_OPERATION_FAILED
    assert not domain.isActive()


VARIABLES = pathlib.Path("/var/lib/libvirt/qemu/nvram/vars_VARS.fd")


LOADER, TEMPLATE = IMAGES / "code.fd", IMAGES / "vars.fd"


def define_with_firmware(connection, elements):
    LOADER.write_bytes(b"\xf4" * (256 << 10))
    TEMPLATE.write_bytes(b"template".ljust(64 << 10, b"\0"))
    return connection.defineXML(hlt_xml("vars").replace("</type>", "</type>" + elements))


def test_fresh_variables_of_the_firmware(connection):
    domain = define_with_firmware(connection, "<loader readonly='yes' type='pflash'>%s</loader>"
                                  "<nvram template='%s'/>" % (LOADER, TEMPLATE))
    assert parsed(domain).findtext("os/nvram") == str(VARIABLES)
    domain.create()
    assert parsed(domain).findtext("os/nvram") == str(VARIABLES)
    assert parsed(domain).find("os/nvram").get("template") == str(TEMPLATE)
    domain.destroy()
    assert VARIABLES.read_bytes().startswith(b"template")
    VARIABLES.write_bytes(b"changed".ljust(64 << 10, b"\0"))
    domain.create()
    domain.destroy()
    assert VARIABLES.read_bytes().startswith(b"changed")
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_RESET_NVRAM)
    assert VARIABLES.read_bytes().startswith(b"template")


def test_variables_without_a_template(connection):
    domain = define_with_firmware(connection, "<loader readonly='yes' type='pflash'>%s</loader>" % LOADER)
    assert parsed(domain).findtext("os/nvram") == str(VARIABLES)
    assert code_of(domain.create) == libvirt.VIR_ERR_OPERATION_FAILED
    domain.rename("renamed")
    assert parsed(domain).findtext("os/nvram") == str(VARIABLES)
    assert code_of(domain.undefine) is None     # there is no such file


@pytest.mark.parametrize("loader, nvram", [
    ("<loader type='pflash'>%s</loader><nvram template='%s'/>" % (LOADER, TEMPLATE), ""),
    ("<loader type='pflash'>%s</loader><nvram/>" % LOADER, None),
    ("<loader type='rom'>%s</loader><nvram/>" % LOADER, None),
    ("<loader readonly='yes' type='pflash' stateless='yes'>%s</loader>" % LOADER, None),
])
def test_variables_that_are_not_named_yet(connection, loader, nvram):
    assert parsed(define_with_firmware(connection, loader)).findtext("os/nvram") == nvram


@pytest.mark.parametrize("elements", [
    "<loader/>", "<loader readonly='yes' type='pflash'/>", "<nvram>/nowhere.fd</nvram>",
    "<loader type='pflash' stateless='yes'>/nowhere.fd</loader><nvram>/nowhere.fd</nvram>"])
def test_firmware_that_is_not_there(connection, elements):
    assert code_of(define_with_firmware, connection, elements) == libvirt.VIR_ERR_XML_DETAIL


def test_flags_of_a_start(connection, hlt):
    hlt.createWithFlags(libvirt.VIR_DOMAIN_START_FORCE_BOOT | libvirt.VIR_DOMAIN_START_BYPASS_CACHE)
    odd = hlt_xml("odd").replace("<memory", "<oddity/><memory")
    assert code_of(connection.createXML, odd, libvirt.VIR_DOMAIN_START_VALIDATE) \
        == libvirt.VIR_ERR_XML_INVALID_SCHEMA
    connection.createXML(odd)
    wrong = hlt_xml("wrong").replace("<memory", "<memory unit='furlong'>1</memory><memory")
    assert code_of(connection.defineXMLFlags, wrong, libvirt.VIR_DOMAIN_DEFINE_VALIDATE) \
        == libvirt.VIR_ERR_XML_INVALID_SCHEMA
    assert code_of(connection.defineXML, wrong) == libvirt.VIR_ERR_INVALID_ARG


@pytest.mark.parametrize("kind, daemon_name", [("lxc", "virtlxcd"), ("xen", "virtxend"), ("test", "virtqemud")])
def test_domains_of_others_are_sent_there(connection, kind, daemon_name):
    """read and checked first: what is no document at all is an error of its own"""
    text = "<domain type='%s'><name>elsewhere</name><memory>65536</memory><os><type>exe</type>" \
           "<init>/bin/sh</init></os></domain>" % kind
    with pytest.raises(libvirt.libvirtError, match=daemon_name) as caught:
        connection.defineXML(text)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(connection.defineXML, text.replace("<memory>", "<memory>x")) == libvirt.VIR_ERR_XML_ERROR

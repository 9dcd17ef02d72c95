# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that AMD's SEV encrypts, with a QEMU that says that the host can (tests/lib/sev-emulator)."""
import os
import pathlib
import pwd
import shutil
import stat
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import daemon as tested
from client import code_of
from daemon import hlt_xml, virsh

FOLDER = pathlib.Path("/var/lib/libvirt/guest/with-sev")
EMULATOR = FOLDER / "qemu-system-x86_64"
NULL = os.makedev(1, 3)
LAUNCH = "<launchSecurity type='sev'%s><policy>0x0003</policy>%s</launchSecurity>"


@pytest.fixture(scope="module")
def daemon():
    """of a host that has the nodes, the second for root alone as kernels make it, and such an emulator first"""
    for path, mode in ("/dev/kvm", 0o666), ("/dev/sev", 0o600):
        os.mknod(path, stat.S_IFCHR | mode, NULL)
        os.chmod(path, mode)
    tested.install_guests()
    FOLDER.mkdir()
    shutil.copy(tested.ROOT / "tests/lib/sev-emulator", EMULATOR)
    EMULATOR.chmod(0o755)
    running = tested.Daemon()
    running.prefix = ["env", "PATH=%s:%s" % (FOLDER, os.environ["PATH"])]
    yield running.start()
    running.stop()
    for path in "/dev/kvm", "/dev/sev":
        os.unlink(path)


def sev_xml(name, attributes="", more=""):
    text = hlt_xml(name, emulator=EMULATOR).replace("type='qemu'", "type='kvm'")
    return text.replace("</domain>", LAUNCH % (attributes, more) + "</domain>")


def has_resource_rights():
    status = pathlib.Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0]
    return bool(int(status, 16) >> 24 & 1)                      # CAP_SYS_RESOURCE


def test_capabilities(connection):
    def sev(kind):
        said = connection.getDomainCapabilities(str(EMULATOR), "x86_64", "q35", kind)
        return ElementTree.fromstring(said).find("features/sev")

    owner = os.stat("/dev/sev").st_uid
    assert sev("kvm").get("supported") == "yes"
    assert {child.tag: child.text for child in sev("kvm")}.items() >= {
        "cbitpos": "51", "reducedPhysBits": "1", "cpu0Id": "Y3B1MA=="}.items()
    assert [child.tag for child in sev("kvm")] == ["cbitpos", "reducedPhysBits", "maxGuests", "maxESGuests", "cpu0Id"]
    assert sev("qemu").get("supported") == "no"
    limits = {name: int(sev("kvm").findtext(tag)) for tag, name in (("maxGuests", "max-guests"), ("maxESGuests", "max-es-guests"))}
    assert connection.getSEVInfo() == {
        "pdh": "cGRo", "cert-chain": "Y2VydHM=", "cpu0-id": "Y3B1MA==", "cbitpos": 51, "reduced-phys-bits": 1, **limits}
    assert "pdh" in virsh("nodesevinfo")
    assert os.stat("/dev/sev").st_uid == owner, "asking has taken the node"


def test_guest(connection):
    domain = connection.defineXML(sev_xml("sev", " kernelHashes='yes'"))
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    live = ElementTree.fromstring(domain.XMLDesc())
    assert [live.findtext("launchSecurity/" + name) for name in ("cbitpos", "reducedPhysBits", "policy")] == \
        ["51", "1", "0x0003"]
    assert ElementTree.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).find("launchSecurity/cbitpos") is None
    log = pathlib.Path("/var/log/libvirt/qemu/sev.log").read_text()
    assert '{"qom-type":"sev-guest","id":"lsec0","cbitpos":51,"reduced-phys-bits":1,"policy":3,"kernel-hashes":true}' in log
    assert os.stat("/dev/sev").st_uid == pwd.getpwnam("libvirt-qemu").pw_uid
    assert domain.launchSecurityInfo() == {
        "sev-measurement": "bWVhc3VyZQ==", "sev-api-major": 1, "sev-api-minor": 51, "sev-build-id": 3, "sev-policy": 3}
    domain.setLaunchSecurityState({"sev-secret": "c2VjcmV0", "sev-secret-header": "aGVhZGVy", "sev-secret-set-address": 4096})
    assert "c2VjcmV0" in virsh("domlaunchsecinfo", "sev")
    domain.resume()
    assert code_of(domain.setLaunchSecurityState, {"sev-secret": "x", "sev-secret-header": "y"}) == \
        libvirt.VIR_ERR_OPERATION_INVALID


def test_locked_memory(connection):
    """encrypted memory can't be moved, and counts"""
    domain = connection.createXML(sev_xml("locked"))
    limits = pathlib.Path("/proc/%d/limits" % tested.emulator_pids("locked")[0]).read_text()
    said = next(line.split()[3] for line in limits.splitlines() if line.startswith("Max locked memory"))
    domain.destroy()
    if not has_resource_rights():
        pytest.skip("no CAP_SYS_RESOURCE: the limit stays at " + said)
    assert int(said) == (32 + 1024) << 20


def test_own_bits(connection):
    domain = connection.createXML(sev_xml("bits", more="<cbitpos>47</cbitpos><reducedPhysBits>5</reducedPhysBits>"))
    live = ElementTree.fromstring(domain.XMLDesc())
    assert (live.findtext("launchSecurity/cbitpos"), live.findtext("launchSecurity/reducedPhysBits")) == ("47", "5")


def test_without(connection):
    """a guest of the installed QEMU, which finds no SEV here"""
    xml = sev_xml("plain").replace("type='kvm'", "type='qemu'").replace(str(EMULATOR), tested.EMULATOR)
    domain = connection.defineXML(xml)
    with pytest.raises(libvirt.libvirtError, match="launchSecurity 'sev': SEV does not work here: see /dev/sev") as raised:
        domain.create()
    assert raised.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Security labels: the user that QEMU runs as, and who owns the guest's files while it does."""
import grp
import os
import pwd
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from client import code_of
from daemon import IMAGES, emulator_pids, hlt_xml

OWN = (1234, 1235)
STATIC = "<seclabel type='static' model='dac' relabel='%s'><label>%s</label></seclabel>"
GUESTS = STATIC % ("yes", "+1234:+1235")
DISK = """<disk type='file'><driver name='qemu' type='raw'/><source file='%s'>%s</source>
  <target dev='%s' bus='virtio'/></disk>"""


def make_image(name="labelled", owner=(1, 1)):
    path = IMAGES / name
    path.write_bytes(bytes(1 << 20))
    os.chown(path, *owner)
    path.chmod(0o600)
    return path


def owner(path):
    about = os.stat(path)
    return about.st_uid, about.st_gid


def make_xml(name, label="", own="", path=None):
    xml = hlt_xml(name, devices=DISK % (path or IMAGES / "labelled", own, "vda"))
    return xml.replace("</domain>", label + "</domain>")


def runs_as(name):
    return owner("/proc/%d" % emulator_pids(name)[0])


def shown(domain):
    """(type, label, label of files) of the model dac"""
    label = ElementTree.fromstring(domain.XMLDesc()).find("seclabel[@model='dac']")
    return label.get("type"), label.findtext("label"), label.findtext("imagelabel")


@pytest.fixture(scope="module")
def usual():
    return pwd.getpwnam("libvirt-qemu").pw_uid, grp.getgrnam("libvirt-qemu").gr_gid


@pytest.mark.parametrize("label", ["", "<seclabel type='dynamic' model='dac'/>", "<seclabel type='none'/>"])
def test_usual(connection, usual, label):
    image = make_image()
    domain = connection.createXML(make_xml("usual", label))
    assert runs_as("usual") == owner(image) == usual
    text = "+%d:+%d" % usual
    assert shown(domain) == ("dynamic", text, text)
    assert domain.securityLabelList()[1][0] == text
    domain.destroy()
    assert owner(image) == (1, 1)


def test_own_user(connection, daemon, usual):
    """also of what is plugged, and after the daemon was killed"""
    image, plugged = make_image(), make_image("plugged")
    connection.createXML(make_xml("own", GUESTS))
    assert runs_as("own") == owner(image) == OWN
    with libvirt.open("qemu:///system") as other:
        domain = other.lookupByName("own")
        assert shown(domain) == ("static", "+1234:+1235", "+1234:+1235")
        assert domain.securityLabelList()[1][0] == "+1234:+1235"
        domain.attachDevice(DISK % (plugged, "", "vdb"))
        assert owner(plugged) == OWN
    daemon.restart()
    with libvirt.open("qemu:///system") as other:
        assert runs_as("own") == owner(image) == OWN
        other.lookupByName("own").destroy()
        assert owner(image) == owner(plugged) == (1, 1)
        # another guest after it is as usual
        other.createXML(make_xml("next"))
        assert runs_as("next") == usual
        other.lookupByName("next").destroy()


def test_root_is_told(connection):
    """a label that makes a root of QEMU taints the guest"""
    for label, words in ((STATIC % ("yes", "root:+0"), ["tainted: running with undesirable elevated privileges"]),
                         (GUESTS, [])):
        domain = connection.createXML(hlt_xml("root").replace("</domain>", label + "</domain>"))
        assert domain.messages(libvirt.VIR_DOMAIN_MESSAGE_TAINTING) == words
        domain.destroy()


def test_files_are_left_alone(connection):
    """what the guest may not open it does not get"""
    image = make_image()
    for label in (STATIC % ("no", "+1234:+1235"), "<seclabel type='none' model='dac'/>"):
        with pytest.raises(libvirt.libvirtError, match="Permission denied"):
            connection.createXML(make_xml("denied", label))
        assert owner(image) == (1, 1)
    os.chown(image, *OWN)
    domain = connection.createXML(make_xml("may", STATIC % ("no", "+1234:+1235")))
    assert runs_as("may") == OWN
    domain.destroy()


def test_one_file(connection, usual):
    image = make_image()
    with pytest.raises(libvirt.libvirtError, match="Permission denied"):
        connection.createXML(make_xml("one", own="<seclabel model='dac' relabel='no'/>"))
    assert owner(image) == (1, 1)
    image.chmod(0o666)
    domain = connection.createXML(make_xml("one", own="<seclabel model='dac'><label>+77:+78</label></seclabel>"))
    assert runs_as("one") == usual and owner(image) == (77, 78)
    domain.destroy()
    assert owner(image) == (1, 1)


def test_shared(connection, usual):
    """an image that guests share is each one's to write to, and none takes it from the others"""
    image = make_image()
    devices = (DISK % (image, "", "vda")).replace("<target", "<shareable/><target")
    first, second = (connection.createXML(hlt_xml(name, devices=devices)) for name in ("first", "second"))
    assert owner(image) == usual
    first.destroy()
    assert owner(image) == usual
    second.destroy()
    os.chown(image, 1, 1)
    image.chmod(0o666)
    connection.createXML(hlt_xml("first", devices=devices)).destroy()
    assert owner(image) == (1, 1)


def test_groups(connection):
    """QEMU is in all groups of its user: one of them may be what opens /dev/kvm"""
    user = pwd.getpwnam("libvirt-qemu")
    connection.createXML(hlt_xml("groups"))
    with open("/proc/%d/status" % emulator_pids("groups")[0]) as status:
        groups = next(line for line in status if line.startswith("Groups:")).split()[1:]
    assert set(os.getgrouplist(user.pw_name, user.pw_gid)) <= set(map(int, groups))


@pytest.mark.parametrize("label, own, code", [
    ("<seclabel type='dynamic' model='selinux'/>", "", libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
    ("<seclabel type='static' model='apparmor'><label>x</label></seclabel>", "", libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
    ("", "<seclabel model='selinux' relabel='no'/>", libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
    (STATIC % ("yes", "+1234"), "", libvirt.VIR_ERR_INVALID_ARG),
    (STATIC % ("yes", "nobody-of-this-name:root"), "", libvirt.VIR_ERR_INVALID_ARG),
    ("", "<seclabel model='dac'><label>root:nobody-of-this-name</label></seclabel>", libvirt.VIR_ERR_INVALID_ARG)])
def test_not_started(connection, label, own, code):
    """a guest never runs with less than its document asks for"""
    image = make_image()
    domain = connection.defineXML(make_xml("refused", label, own))
    assert code_of(domain.create) == code and not emulator_pids("refused")
    assert owner(image) == (1, 1)


@pytest.mark.parametrize("label, own", [
    ("<seclabel type='dynamic' model='dac' relabel='no'/>", ""),
    (STATIC % ("no", "+1:+1"), "<seclabel model='dac'><label>+2:+2</label></seclabel>")])
def test_not_defined(connection, label, own):
    assert code_of(connection.defineXML, make_xml("no", label, own)) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED

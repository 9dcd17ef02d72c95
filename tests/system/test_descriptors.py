# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that the client opens, and hands over as descriptors."""
import contextlib
import json
import os

import libvirt
import libvirt_qemu
import pytest
from conftest import code_of
from daemon import IMAGES, URI, emulator_pids, hlt_xml, wait_until

NAME = "handed"
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


def disk(target, group, more=""):
    return """<disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='/nowhere/%s.img' fdgroup='%s'/><target dev='%s' bus='virtio'/>%s</disk>""" \
        % (target, group, target, more)


@contextlib.contextmanager
def opened(*modes):
    """descriptors of a file that has no name"""
    path = IMAGES / "handed.img"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    fds = [os.open(path, mode) for mode in modes]
    path.unlink()
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def qmp(domain, command, **arguments):
    text = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0)).get("return")


def sets(domain):
    """how many descriptors each set has"""
    return sorted(len(found["fds"]) for found in qmp(domain, "query-fdsets"))


def drives(domain):
    """of each drive: read-only, and the size of what it reads"""
    return {os.path.dirname(drive.get("qdev") or "").split("/")[-1] or drive["qdev"]:
            (drive["inserted"]["ro"], drive["inserted"]["image"]["virtual-size"])
            for drive in qmp(domain, "query-block") if "inserted" in drive}


def files_of(pid):
    return [os.readlink(entry) for entry in os.scandir("/proc/%d/fd" % pid)]


@pytest.mark.parametrize("modes, more, readonly", [
    ([os.O_RDWR], "", False), ([os.O_RDONLY], "<readonly/>", True), ([os.O_RDWR], "<readonly/>", True),
    ([os.O_RDONLY, os.O_RDWR], "", False)])
def test_start(connection, modes, more, readonly):
    domain = connection.defineXML(hlt_xml(NAME, devices=disk("vda", "images", more)))
    with opened(*modes) as fds:
        domain.FDAssociate("images", fds)
    domain.create()
    assert drives(domain) == {"virtio-disk0": (readonly, 1 << 20)} and sets(domain) == [len(modes)]
    domain.destroy()
    domain.create()                             # the group is there as long as the connection
    assert sets(domain) == [len(modes)]
    domain.detachDeviceAlias("virtio-disk0", LIVE)


def test_plug(connection):
    domain = connection.defineXML(hlt_xml(NAME))
    domain.create()
    xml = disk("vdb", "plugged")
    assert code_of(domain.attachDeviceFlags, xml, LIVE) == libvirt.VIR_ERR_INVALID_ARG
    with opened(os.O_RDONLY) as fds:
        domain.FDAssociate("plugged", fds)
    assert code_of(domain.attachDeviceFlags, xml, LIVE) == libvirt.VIR_ERR_INVALID_ARG      # not for writing
    assert sets(domain) == []
    with opened(os.O_RDWR, os.O_RDONLY) as fds:
        domain.FDAssociate("plugged", fds, libvirt.VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE)
    domain.attachDeviceFlags(xml, LIVE)
    assert drives(domain) == {"virtio-disk1": (False, 1 << 20)} and sets(domain) == [2]


def test_media(connection):
    drive = disk("hda", "one", "<readonly/>").replace("device='disk'", "device='cdrom'").replace("virtio", "ide")
    domain = connection.defineXML(hlt_xml(NAME, devices=drive))
    for group in ("one", "two"):
        with opened(os.O_RDONLY) as fds:
            domain.FDAssociate(group, fds)
    domain.create()
    for group in ("two", "one"):
        domain.updateDeviceFlags(drive.replace("one", group), LIVE)
        assert list(drives(domain).values()) == [(True, 1 << 20)]
    domain.reset()
    assert list(drives(domain).values()) == [(True, 1 << 20)]


def test_a_group_goes_with_its_connection(connection, daemon):
    domain = connection.defineXML(hlt_xml(NAME, devices=disk("vda", "images")))
    assert code_of(domain.create) == libvirt.VIR_ERR_INVALID_ARG and not domain.isActive()
    with contextlib.closing(libvirt.open(URI)) as other, opened(os.O_RDWR) as fds:
        other.lookupByName(NAME).FDAssociate("images", fds)
        assert any("handed.img" in name for name in files_of(daemon.process.pid))
        domain.create()                         # whoever starts it
    wait_until(lambda: not any("handed.img" in name for name in files_of(daemon.process.pid)))
    assert drives(domain) == {"virtio-disk0": (False, 1 << 20)}
    assert any("handed.img" in name for name in files_of(emulator_pids(NAME)[0]))
    domain.destroy()
    assert code_of(domain.create) == libvirt.VIR_ERR_INVALID_ARG

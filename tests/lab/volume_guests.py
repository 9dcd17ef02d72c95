# SPDX-License-Identifier: LGPL-2.1-or-later
"""What holds for guests on a volume of any pool: they boot from it, alone or shared, from the start or
plugged in, and as long as they do nobody else changes it."""
import io
import json
import pathlib
import re

import libvirt
import libvirt_qemu
import pytest

import daemon as tested
from conftest import DEADLINE, GUEST, NATIVE_HOTPLUG, PORTS, code_of
from daemon import boot_sector, disk_reads, has_booted, wait_until

DISK = """<disk type='volume' device='disk'><driver name='qemu' type='raw'/>
  <source pool='%s' volume='%s'%s/><target dev='vda' bus='virtio'/>%s</disk>"""
SOCKETS = pathlib.Path("/run/sockets")
SHARED = "<shareable/>"
MiB = 1 << 20
INVALID, NO_SUPPORT = libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_SUPPORT


def upload(volume, content):
    stream = volume.connect().newStream()
    volume.upload(stream, 0, len(content))
    stream.sendAll(lambda _, count, source: source.read(count), io.BytesIO(content))
    stream.finish()


def boots(domain, words):
    wait_until(lambda: has_booted(domain, words), DEADLINE, 0.2, "%s to boot" % domain.name())


def check_protected(volume, name, capacity):
    """an error names the guest, where the volume could be changed at all; which calls were refused so"""
    refused = []
    for word, call, arguments in (
            ("delete", volume.delete, ()), ("wipe", volume.wipe, ()),
            ("shrink", volume.resize, (capacity // 2, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)),
            ("upload", lambda: volume.upload(volume.connect().newStream(), 0, 0), ())):
        with pytest.raises(libvirt.libvirtError) as caught:
            call(*arguments)
        if caught.value.get_error_code() == INVALID:
            assert "by guest '%s'" % name in caught.value.get_error_message(), word
            refused.append(word)
        else:
            assert caught.value.get_error_code() in (NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG), word
    return refused


def has_disk(domain):
    return "<disk " in domain.XMLDesc()


def sector_of(domain):
    """the first one of its disk"""
    index = int(re.search(r"<source pool=[^>]* index='(\d+)'", domain.XMLDesc()).group(1))
    SOCKETS.mkdir(exist_ok=True)
    SOCKETS.chmod(0o777)
    return disk_reads(lambda words: libvirt_qemu.qemuMonitorCommand(domain, json.dumps(words), 0), index, SOCKETS)


def disk_xml(volume, more="", rest=""):
    return DISK % (volume.storagePoolLookupByVolume().name(), volume.name(), more, rest)


def paused_on(link, volume):
    return link.createXML(GUEST % ("one", "", PORTS, disk_xml(volume)), libvirt.VIR_DOMAIN_START_PAUSED)


def live_on(link, volume, words, more=""):
    """the whole life on a volume that begins with boot_sector(words); more: attributes of <source>.
    Returns what could not be done to it meanwhile"""
    pool = volume.storagePoolLookupByVolume().name()
    disk = lambda rest="": disk_xml(volume, more, rest)
    capacity = volume.info()[1]

    one = link.createXML(GUEST % ("one", "", PORTS, disk()))
    boots(one, words)
    assert one.blockInfo("vda")[0] == capacity
    stats = link.domainListGetStats([one], libvirt.VIR_DOMAIN_STATS_BLOCK)[0][1]
    assert stats["block.0.capacity"] == capacity and stats["block.0.rd.bytes"] >= 512 <= one.blockStats("vda")[1]
    assert "<source pool='%s' volume='%s'" % (pool, volume.name()) in one.XMLDesc()
    # of a server that QEMU itself reaches this host knows nothing
    direct = "direct" in more
    refused = [] if direct else check_protected(volume, "one", capacity)

    two = link.createXML(GUEST % ("two", NATIVE_HOTPLUG, PORTS, ""))
    if not direct:
        assert code_of(two.attachDevice, disk()) is not None and not has_disk(two)
    one.destroy()
    two.attachDevice(disk(SHARED))
    assert sector_of(two) == boot_sector(words)
    three = link.createXML(GUEST % ("three", "", PORTS, disk(SHARED)), libvirt.VIR_DOMAIN_START_PAUSED)
    three.destroy()
    two.detachDevice(disk(SHARED))
    wait_until(lambda: not has_disk(two), DEADLINE, 0.2, "the disk to go")
    assert volume.info()[1] == capacity
    two.destroy()
    return refused

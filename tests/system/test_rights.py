# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rights that QEMU keeps, or has none of."""
import pathlib

import libvirt
import pytest
from daemon import EMULATOR, IMAGES, emulator_pids, hlt_xml

RAW_IO = 17
BUS = "<controller type='scsi' model='virtio-scsi'/>"
DISK = """<disk type='block' device='lun' rawio='yes'><driver name='qemu' type='raw'/><source dev='/dev/null'/>
  <target dev='sda' bus='scsi'/></disk>"""
LUN = BUS + DISK


def rights_of(path):
    """the sets of capabilities in a copy of /proc/PID/status"""
    lines = [line.split(":") for line in path.read_text().splitlines() if line.startswith("Cap")]
    return {name: int(value, 16) for name, value in lines}


def test_raw_commands(connection):
    """QEMU keeps the one right that rawio='yes' is about, if there is one to keep"""
    script = IMAGES / "qemu-system-recorded"
    record = pathlib.Path("/run/tmp/rights")
    record.mkdir()
    record.chmod(0o777)
    script.write_text("#!/bin/sh\ncat /proc/$$/status >%s/last\nexec %s \"$@\"\n" % (record, EMULATOR))
    script.chmod(0o755)
    for name, devices, wanted in (("none", "", 0), ("raw", LUN, 1 << RAW_IO)):
        domain = connection.defineXML(hlt_xml(name, emulator=script, devices=devices))
        if not devices:
            domain.create()
            domain.destroy()
        else:
            # the null device knows no SCSI commands
            with pytest.raises(libvirt.libvirtError) as caught:
                domain.create()
            if "has not itself" in str(caught.value):
                ours = rights_of(pathlib.Path("/proc/self/status"))
                assert not ours["CapPrm"] >> RAW_IO & 1
                assert caught.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
                pytest.skip("CAP_SYS_RAWIO is not to be had here")
        rights = rights_of(record / "last")
        assert rights["CapEff"] == rights["CapAmb"] == wanted
        (record / "last").unlink()


def test_raw_commands_of_a_disk_plugged_later(connection):
    """a right that a process has not can't be given to it"""
    domain = connection.createXML(hlt_xml("later", devices=BUS))
    (pid,) = emulator_pids("later")
    assert not rights_of(pathlib.Path("/proc/%d/status" % pid))["CapPrm"] >> RAW_IO & 1
    before = domain.XMLDesc()
    with pytest.raises(libvirt.libvirtError, match="CAP_SYS_RAWIO") as caught:
        domain.attachDeviceFlags(DISK, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert domain.XMLDesc() == before

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control groups of the unified hierarchy: a daemon that is alone in its group hands down what it has."""
import pathlib

import libvirt
import pytest
from daemon import BINARY, IMAGES, URI, Daemon, emulator_pids, hlt_xml, install_guests


def unified():
    """where the unified hierarchy is mounted, if it has controllers to hand down"""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        place, kind = line.split(" - ")
        top = pathlib.Path(place.split()[4])
        if kind.startswith("cgroup2 ") and (top / "cgroup.controllers").read_text().strip():
            return top
    pytest.skip("no unified hierarchy with a controller")


@pytest.fixture
def alone():
    """a daemon in a group of its own"""
    top = unified()
    names = (top / "cgroup.controllers").read_text().split()
    try:
        (top / "cgroup.subtree_control").write_text(" ".join("+" + name for name in names))
    except OSError:
        pytest.skip("other processes are in the way of controllers")
    group = top / "service"
    group.mkdir()
    install_guests()
    script = IMAGES / "virtqemud-alone"
    script.write_text("#!/bin/sh\necho $$ >%s/cgroup.procs || exit 1\nexec %s \"$@\"\n" % (group, BINARY))
    script.chmod(0o755)
    running = Daemon()
    running.binary = script
    running.start()
    yield running, group, names
    running.stop()
    (group / "daemon").rmdir()
    group.rmdir()


def test_controllers(alone):
    daemon, group, names = alone
    assert (group / "cgroup.subtree_control").read_text().split() == names
    assert (group / "cgroup.procs").read_text() == ""
    assert int((group / "daemon" / "cgroup.procs").read_text()) == daemon.process.pid
    connection = libvirt.open(URI)
    domain = connection.createXML(hlt_xml("grouped"))
    inside, = [folder for folder in group.glob("*grouped")]
    assert (inside / "cgroup.controllers").read_text().split() == names
    assert [int(pid) for pid in (inside / "cgroup.procs").read_text().split()] == emulator_pids("grouped")
    connection.close()
    # the next one starts in the leaf, as the script's group has groups alone by now
    daemon.kill()
    daemon.binary.write_text(daemon.binary.read_text().replace("service/cgroup.procs", "service/daemon/cgroup.procs"))
    daemon.start()
    connection = libvirt.open(URI)
    domain = connection.lookupByName("grouped")
    second = connection.createXML(hlt_xml("second"))
    assert [folder for folder in group.glob("*second")]
    second.destroy()
    domain.destroy()
    assert not list(group.glob("qemu-*"))
    connection.close()

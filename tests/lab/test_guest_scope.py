# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests under systemd: each in a scope of its own, whatever becomes of the daemon's service."""
import pathlib
import signal

import libvirt
import pytest

from conftest import DEADLINE, code_of, kill_virtqemud, main_pid, run, systemctl, tested

GROUPS = pathlib.Path("/sys/fs/cgroup")
PARTITION = "<resource><partition>%s</partition></resource>"


def scope_of(pid):
    """the control group of a process, from the top"""
    return pathlib.Path("/proc/%d/cgroup" % pid).read_text().strip().split("::/")[1]


def machines():
    return run("machinectl", "list", "--no-legend", "--no-pager").split()


def wait_gone(group):
    tested.wait_until(lambda: not group.exists(), DEADLINE, 0.2, "the end of %s" % group)


def test_life(guests):
    one = guests.start("one")
    pid, = tested.emulator_pids("one")
    unit = "machine-qemu\\x2d%d\\x2done.scope" % one.ID()
    assert scope_of(pid) == "machine.slice/%s/libvirt" % unit
    assert "<partition>/machine</partition>" in one.XMLDesc()
    group = GROUPS / scope_of(pid)
    # its limits are there without a word in the service's unit
    assert "memory" in (group / "cgroup.controllers").read_text()
    one.setMemoryParameters({"hard_limit": 1 << 20})
    assert int((group / "memory.max").read_text()) == 1 << 30
    name = "qemu-%d-one" % one.ID()
    assert machines()[:3] == [name, "vm", "libvirt-qemu"]
    said = run("machinectl", "--no-pager", "show", name)
    assert "Leader=%d\n" % pid in said and one.UUIDString().replace("-", "") in said.replace("-", "")
    one.destroy()
    wait_gone(group.parent)
    assert machines() == [] and not systemctl("is-active", unit, check=False).startswith("active")


def test_service_is_killed(guests):
    """and all that it has with it, stopped, and killed by its process"""
    one = guests.start("one", "<interface type='ethernet'><target dev='labtap'/><model type='virtio'/></interface>")
    pid, = tested.emulator_pids("one")
    group = scope_of(pid)
    old = main_pid("virtqemud")
    systemctl("kill", "-s", "KILL", "virtqemud")
    tested.wait_until(lambda: main_pid("virtqemud") not in (0, old), DEADLINE, 0.2, "another virtqemud")
    assert guests.find("one").state()[0] == libvirt.VIR_DOMAIN_PAUSED
    systemctl("stop", "virtqemud")
    assert tested.emulator_pids("one") == [pid] and scope_of(pid) == group
    kill_later = guests.find("one")             # its sockets start the daemon again
    kill_later.resume()
    kill_virtqemud()
    assert guests.find("one").isActive()
    guests.find("one").destroy()
    wait_gone(GROUPS / group.rsplit("/", 1)[0])


def test_partition(guests):
    one = guests.start("one", elements=PARTITION % "/machine/lab-x")
    pid, = tested.emulator_pids("one")
    assert scope_of(pid).startswith("machine.slice/machine-lab\\x2dx.slice/machine-qemu")
    with pytest.raises(libvirt.libvirtError) as refused:
        guests.start("two", elements=PARTITION % "machine")
    assert refused.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    one.destroy()


def test_refused_start(guests):
    """leaves no scope"""
    drive = "<disk type='file' device='disk'><source file='/none'/><target dev='vda' bus='virtio'/></disk>"
    with pytest.raises(libvirt.libvirtError):
        guests.start("one", drive)
    assert not list(GROUPS.glob("machine.slice/machine-qemu*"))


def test_without_machined(guests):
    """the guest has its scope, though nobody lists it"""
    systemctl("mask", "--runtime", "--now", "systemd-machined.service")
    try:
        guests.start("one")
        pid, = tested.emulator_pids("one")
        assert scope_of(pid).startswith("machine.slice/machine-qemu")
        assert "is not known to machinectl" in run("journalctl", "-q", "-u", "virtqemud", "--no-pager")
    finally:
        systemctl("unmask", "--runtime", "systemd-machined.service")


def test_silent_machined(guests):
    """holds up one start, for a time"""
    systemctl("start", "systemd-machined.service")
    pid = main_pid("systemd-machined")
    run("kill", "-STOP", str(pid))
    try:
        one = guests.start("one")
        two = guests.start("two")
        assert one.isActive() and two.isActive() and len(tested.emulator_pids()) == 2
    finally:
        run("kill", "-CONT", str(pid))

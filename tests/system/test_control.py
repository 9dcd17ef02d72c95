# SPDX-License-Identifier: LGPL-2.1-or-later
"""A monitor that breaks while its QEMU lives: the guest runs on, clients are told, and it is under control
again as soon as QEMU takes a connection."""
import ctypes
import os
import pathlib
import signal
import socket
import time

import libvirt
import pytest
from daemon import SOCKET, emulator_pids, hlt_xml, virsh, wait_until
from wire import Client

PIDFD_GETFD = 438
LOST = [libvirt.VIR_DOMAIN_CONTROL_ERROR, libvirt.VIR_DOMAIN_CONTROL_ERROR_REASON_MONITOR]


def descriptor_of(pid, number):
    """a duplicate of another process's descriptor"""
    process = os.pidfd_open(pid)
    try:
        copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)
    if copy < 0:
        pytest.skip("no pidfd_getfd: " + os.strerror(ctypes.get_errno()))
    return copy


def is_monitor(end):
    try:
        return end.getpeername() is not None and str(end.getsockname()).endswith("/monitor.sock")
    except OSError:
        return False


def monitor_of(name):
    """QEMU's end of the connection that the daemon has to its monitor"""
    pid, = emulator_pids(name)
    for number in os.listdir("/proc/%d/fd" % pid):
        if os.readlink("/proc/%d/fd/%s" % (pid, number)).startswith("socket:"):
            end = socket.socket(fileno=descriptor_of(pid, int(number)))
            if is_monitor(end):
                return end
            end.close()
    raise AssertionError("QEMU has no connection to its monitor")


def hang_up(name):
    with monitor_of(name) as end:
        end.shutdown(socket.SHUT_RDWR)


def babble(name):
    with monitor_of(name) as end:
        end.sendall(b"no JSON\r\n")


def in_control(domain):
    return domain.controlInfo()[0] != libvirt.VIR_DOMAIN_CONTROL_ERROR


@pytest.mark.parametrize("breaking", [hang_up, babble])
def test_a_broken_monitor_is_connected_to_again(hlt, breaking):
    hlt.create()
    pids, identity = emulator_pids("hlt"), hlt.ID()
    with Client(SOCKET).open() as old, Client(SOCKET).open() as new:
        old.call("CONNECT_DOMAIN_EVENT_REGISTER_ANY", {"eventID": libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR})
        new.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY",
                 {"eventID": libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR})
        breaking("hlt")
        assert old.wait_event("DOMAIN_EVENT_CONTROL_ERROR")["dom"]["name"] == "hlt"
        assert new.wait_event("DOMAIN_EVENT_CALLBACK_CONTROL_ERROR")["msg"]["dom"]["id"] == identity
    wait_until(lambda: in_control(hlt))
    hlt.suspend()
    assert "paused" in virsh("qemu-monitor-command", "hlt", '{"execute": "query-status"}')
    assert (emulator_pids("hlt"), hlt.ID()) == (pids, identity)


def test_what_happened_meanwhile_is_told(hlt):
    """another program is quicker to take the monitor, and pauses the guest"""
    hlt.create()
    with Client(SOCKET).open() as client, socket.socket(socket.AF_UNIX) as other:
        client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", {"eventID": libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE})
        with monitor_of("hlt") as end:
            path = end.getsockname()
            end.shutdown(socket.SHUT_RDWR)
        other.connect(path)
        other.sendall(b'{"execute": "qmp_capabilities"} {"execute": "stop"}')
        said = b""
        while b"STOP" not in said:
            said += other.recv(4096)
        other.close()
        event = client.wait_event("DOMAIN_EVENT_CALLBACK_LIFECYCLE", timeout=30)["msg"]
        assert event["event"] == libvirt.VIR_DOMAIN_EVENT_SUSPENDED
    assert hlt.state()[0] == libvirt.VIR_DOMAIN_PAUSED


@pytest.fixture
def unreachable(hlt):
    """a guest whose monitor is broken and whose QEMU takes no other connection, and QEMU's pid"""
    hlt.create()
    pid, = emulator_pids("hlt")
    os.kill(pid, signal.SIGSTOP)
    hang_up("hlt")
    wait_until(lambda: not in_control(hlt))
    yield hlt, pid
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def test_an_unreachable_guest_stays(unreachable):
    domain, pid = unreachable
    assert domain.isActive() and domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    assert domain.controlInfo()[:2] == LOST
    time.sleep(0.01)
    assert domain.controlInfo()[2] > 0
    assert "error" in virsh("domcontrol", "hlt")
    assert domain.info()[0] == libvirt.VIR_DOMAIN_RUNNING and "<name>hlt</name>" in domain.XMLDesc()
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: in_control(domain), 30)
    domain.suspend()


def test_an_unreachable_guest_can_be_destroyed(unreachable):
    domain, _ = unreachable
    domain.destroy()
    assert not emulator_pids("hlt")
    domain.create()
    assert in_control(domain)
    domain.suspend()


def test_an_unreachable_guest_after_a_restart(unreachable, daemon):
    domain, pid = unreachable
    daemon.restart()
    with libvirt.open("qemu:///system") as again:
        domain = again.lookupByName("hlt")
        assert domain.isActive()
        os.kill(pid, signal.SIGCONT)
        domain.suspend()
        assert in_control(domain)


def test_the_end_of_a_guest_is_no_error(hlt, connection):
    with Client(SOCKET).open() as client:
        client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY",
                    {"eventID": libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR})
        for _ in range(3):
            hlt.create()
            os.kill(emulator_pids("hlt")[0], signal.SIGKILL)
            wait_until(lambda: not hlt.isActive())
            hlt.create()
            hlt.destroy()
        client.call("CONNECT_GET_HOSTNAME")
        assert client.events == []


def test_the_end_of_an_unreachable_guest_leaves_nothing(connection, daemon):
    """what was to connect to it again goes too: the daemon ends without a leak"""
    connection.createXML(hlt_xml("fleeting"))
    folder, = pathlib.Path("/var/lib/libvirt/qemu").glob("domain-*-fleeting")
    (folder / "monitor.sock").rename(folder / "elsewhere")
    hang_up("fleeting")
    wait_until(lambda: "can't be taken up again" in daemon.log_tail()[-500:], 30)
    connection.lookupByName("fleeting").destroy()
    daemon.stop()
    daemon.start()

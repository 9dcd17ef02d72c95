# SPDX-License-Identifier: LGPL-2.1-or-later
"""Consoles and channels as streams: both ways, exclusive, and their end."""
import os
import pathlib
import pty
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from conftest import Console, boot, code_of
from daemon import URI, hlt_xml, linux_xml, virsh, wait_until


def test_both_ways(linux):
    console = boot(linux)
    console.send("echo sum $((20 + 22))\n")
    console.wait("sum 42")


def test_much_output_arrives_whole(linux):
    console = boot(linux)
    console.send("dmesg -n 1; echo begin $((1 + 1))\n")    # the kernel's words would come between
    console.wait("begin 2")
    console.send("seq 1 3000; echo end $((2 + 2))\n")
    console.wait("end 4", 60)
    lines = console.text[console.text.index("begin 2"):].split("\r\n")
    assert [line for line in lines if line.isdigit()] == [str(n) for n in range(1, 3001)]


def test_safe_refuses_a_second(linux):
    boot(linux)
    second = linux.connect().newStream()
    assert code_of(linux.openConsole, None, second, libvirt.VIR_DOMAIN_CONSOLE_SAFE) \
        == libvirt.VIR_ERR_OPERATION_FAILED


# --- the lock file of a terminal -------------------------------------------------------------

SAFE, FORCE = libvirt.VIR_DOMAIN_CONSOLE_SAFE, libvirt.VIR_DOMAIN_CONSOLE_FORCE


@pytest.fixture
def terminal(connection):
    """a running guest with a terminal, and another port that is none"""
    return connection.createXML(hlt_xml("terminal", devices="""<serial type='pty'/>
        <serial type='unix'><source mode='bind' path='/run/port.sock'/></serial>"""))


def lock_file(domain):
    path = ElementTree.fromstring(domain.XMLDesc()).find("devices/serial/source").get("path")
    return pathlib.Path("/var/lock/LCK..%s" % path[len("/dev"):].replace("/", "_"))


def test_lock_file_while_a_client_is_there(terminal, daemon):
    ours, theirs = pty.openpty()
    client = subprocess.Popen(["virsh", "-c", URI, "console", "--safe", "terminal"], stdin=theirs,
                              stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    wait_until(lock_file(terminal).exists)
    assert lock_file(terminal).read_text() == "%10d\n" % daemon.process.pid
    wait_until(lambda: b"Escape character" in os.read(ours, 4096))
    os.write(ours, b"\x1d")
    assert client.wait(10) == 0
    wait_until(lambda: not lock_file(terminal).exists())
    os.close(ours)


def test_lock_file_goes_with_the_guest(terminal, connection):
    lock = lock_file(terminal)
    stream = connection.newStream()
    terminal.openConsole(None, stream, SAFE)
    terminal.destroy()
    assert not lock.exists()


def test_lock_file_of_a_taken_console(terminal, connection):
    first = Console(terminal, SAFE)
    second = connection.newStream()
    terminal.openConsole(None, second, SAFE | FORCE)
    assert first.ended.wait(10) and lock_file(terminal).exists()
    assert code_of(terminal.openConsole, None, connection.newStream(), SAFE) == libvirt.VIR_ERR_OPERATION_FAILED
    assert lock_file(terminal).exists()
    second.abort()
    wait_until(lambda: not lock_file(terminal).exists())


@pytest.mark.parametrize("flags", [0, SAFE, FORCE])
def test_a_terminal_locked_by_another_program(terminal, connection, flags):
    lock_file(terminal).write_text("%d\n" % os.getpid())
    with pytest.raises(libvirt.libvirtError) as refused:
        terminal.openConsole(None, connection.newStream(), flags)
    assert refused.value.get_error_code() == libvirt.VIR_ERR_OPERATION_FAILED
    assert str(os.getpid()) in str(refused.value)
    assert lock_file(terminal).read_text() == "%d\n" % os.getpid()
    lock_file(terminal).unlink()


def ended_pid():
    with subprocess.Popen(["true"]) as process:
        return process.pid


@pytest.mark.parametrize("text", ["%10d\n" % ended_pid(), "not a number", "", "-1", "99999999999\n"])
def test_a_lock_file_of_nobody_is_taken_over(terminal, connection, daemon, text):
    lock_file(terminal).write_text(text)
    stream = connection.newStream()
    terminal.openConsole(None, stream, SAFE)
    assert int(lock_file(terminal).read_text()) == daemon.process.pid
    stream.abort()


def test_lock_file_of_a_killed_daemon(terminal, connection, daemon):
    terminal.openConsole(None, connection.newStream(), SAFE)
    lock = lock_file(terminal)
    daemon.restart()
    assert int(lock.read_text()) != daemon.process.pid
    with libvirt.open(URI) as other:
        stream = other.newStream()
        other.lookupByName("terminal").openConsole(None, stream, SAFE)
        assert int(lock.read_text()) == daemon.process.pid
        stream.abort()


def test_lock_file_goes_with_the_daemon(terminal, connection, daemon):
    terminal.openConsole(None, connection.newStream(), SAFE)
    lock = lock_file(terminal)
    daemon.stop()
    assert not lock.exists()
    daemon.start()


def test_no_safe_console_without_a_terminal(terminal, connection):
    assert code_of(terminal.openConsole, "serial1", connection.newStream(), SAFE) == libvirt.VIR_ERR_INTERNAL_ERROR
    stream = connection.newStream()
    terminal.openConsole("serial1", stream)
    stream.abort()


def test_without_a_folder_for_lock_files(terminal, connection):
    """a console that need not be safe works as well"""
    folder = pathlib.Path("/run/lock")
    folder.rename("/run/elsewhere")
    try:
        assert code_of(terminal.openConsole, None, connection.newStream(), SAFE) == libvirt.VIR_ERR_SYSTEM_ERROR
        stream = connection.newStream()
        terminal.openConsole(None, stream)
        stream.abort()
    finally:
        pathlib.Path("/run/elsewhere").rename(folder)


# --- who has it ------------------------------------------------------------------------------

def test_force_takes_over(linux):
    first = boot(linux)
    second = Console(linux, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
    assert first.ended.wait(10)
    second.send("echo mine $((5 * 5))\n")
    second.wait("mine 25")


def test_a_closed_one_can_be_opened_again(linux):
    first = boot(linux)
    first.close()
    second = Console(linux, libvirt.VIR_DOMAIN_CONSOLE_SAFE)
    second.send("echo again $((6 * 6))\n")
    second.wait("again 36")


def test_end_of_guest_ends_the_stream(linux):
    console = boot(linux)
    linux.destroy()
    assert console.ended.wait(10)


def test_end_of_connection_frees_the_console(linux, connection):
    boot(linux).close()
    other = libvirt.open(URI)
    domain = other.lookupByName("linux")
    stream = other.newStream()
    domain.openConsole(None, stream)
    del domain, stream
    other.close()
    wait_until(lambda: code_of(linux.openConsole, None, connection.newStream(),
                               libvirt.VIR_DOMAIN_CONSOLE_SAFE) is None)


def test_unknown_device(linux):
    boot(linux)
    assert code_of(linux.openConsole, "serial7", linux.connect().newStream()) is not None


def test_guest_without_console(hlt):
    hlt.create()
    assert code_of(hlt.openConsole, None, hlt.connect().newStream()) == libvirt.VIR_ERR_INTERNAL_ERROR


def test_terminals_are_named(connection):
    domain = connection.createXML(hlt_xml("named", devices="""<serial type='pty'/>
        <console type='pty'><target type='virtio'/></console>"""))
    consoles = ElementTree.fromstring(domain.XMLDesc()).findall("devices/console")
    assert [console.find("target").get("type") for console in consoles] == ["serial", "virtio"]
    for console in consoles:
        assert console.get("tty") == console.find("source").get("path")
    assert virsh("ttyconsole", "named").strip() == consoles[0].get("tty")


def test_channel(connection):
    domain = connection.createXML(hlt_xml("channels", devices="""
        <controller type='virtio-serial' index='0'/>
        <channel type='unix'><target type='virtio' name='test.0'/></channel>"""))
    stream = connection.newStream()
    domain.openChannel("test.0", stream, 0)
    assert code_of(domain.openChannel, "test.1", connection.newStream(), 0) is not None
    stream.abort()


def test_virsh_console_of_a_booting_guest(connection):
    """what a person does: start with the console at once, see it boot, leave by ^]"""
    connection.defineXML(linux_xml("seen"))
    ours, theirs = pty.openpty()
    client = subprocess.Popen(["virsh", "-c", URI, "start", "seen", "--console"], stdin=theirs,
                              stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    text = b""
    deadline = time.monotonic() + 40
    while b"guest: up" not in text and time.monotonic() < deadline:
        text += os.read(ours, 4096)
    assert b"Escape character is ^]" in text and b"Linux version" in text and b"guest: up" in text
    os.write(ours, b"\x1d")
    try:
        while os.read(ours, 4096):
            pass
    except OSError:
        pass
    assert client.wait(10) == 0
    os.close(ours)
    assert connection.lookupByName("seen").isActive()


@pytest.mark.parametrize("flags", [1 << 20])
def test_unknown_flags(linux, flags):
    linux.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert code_of(linux.openConsole, None, linux.connect().newStream(), flags) == libvirt.VIR_ERR_INVALID_ARG

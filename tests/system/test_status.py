# SPDX-License-Identifier: LGPL-2.1-or-later
"""modvirt status: what runs, in words and as JSON, and an exit code that says if all is well."""
import json
import os
import re
import signal
import socket
import subprocess

import libvirt
import pytest
import wire
from daemon import BUILD, Daemon, hlt_xml, wait_until

PROGRAM = BUILD / "modvirt" / "modvirt"


def status(*words):
    return subprocess.run([PROGRAM, "status", *words], text=True, stdin=subprocess.DEVNULL, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def facts(name):
    done = status("--json", name)
    return done.returncode, json.loads(done.stdout)[0]


def test_in_words(daemon, connection):
    connection.defineXML(hlt_xml("asleep"))
    connection.createXML(hlt_xml("awake"))
    done = status()
    assert done.returncode == 0, done.stderr
    assert re.search(r"virtqemud: running\n  process   %d, version \d" % daemon.process.pid, done.stdout)
    assert "domains   2, 1 of them active" in done.stdout
    assert "/run/libvirt/virtqemud-sock-ro, mode 0777, of root" in done.stdout


def test_what_each_daemon_has(tmp_path):
    pool = "<pool type='dir'><name>%%s</name><target><path>%s</path></target></pool>" % tmp_path
    network = "<network><name>%s</name><forward mode='bridge'/><bridge name='any'/></network>"
    for name, kind, scheme, define, create, xml in (
            ("virtstoraged", "pools", "storage", "storagePoolDefineXML", "storagePoolCreateXML", pool),
            ("virtnetworkd", "networks", "network", "networkDefineXML", "networkCreateXML", network)):
        running = Daemon(name=name).start()
        try:
            with libvirt.open(scheme + ":///system") as opened:
                asleep = getattr(opened, define)(xml % "asleep")
                awake = getattr(opened, create)(xml.replace(str(tmp_path), "/run") % "awake")
                counted = facts(name)[1]["facts"]
                assert (counted[kind], counted[kind + ".active"]) == ("2", "1")
                assert re.search(r"%s +2, 1 of them active" % kind, status(name).stdout)
                awake.destroy()
                asleep.undefine()
        finally:
            running.stop()


def test_as_json(daemon, connection):
    code, said = facts("virtqemud")
    assert code == 0 and said["state"] == "running"
    assert int(said["facts"]["pid"]) == daemon.process.pid
    assert int(said["facts"]["clients"]) == 1 and int(said["facts"]["clients.max"]) == 5000
    assert int(said["facts"]["uptime"]) >= 0
    assert {s["path"] for s in said["sockets"]} == {
        "/run/libvirt/virtqemud-sock", "/run/libvirt/virtqemud-sock-ro", "/run/libvirt/virtqemud-admin-sock"}


def test_who_is_not_there(daemon):
    code, said = facts("virtxend")
    assert code == 1 and said["state"] == "absent"
    assert "virtxend" not in status().stdout
    assert "no daemon called" in status("nonsense").stderr
    assert subprocess.run([PROGRAM], capture_output=True).returncode == 1


def test_who_hangs(daemon):
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        code, said = facts("virtqemud")
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    assert code == 1 and said["state"] == "silent" and "does not answer" in said["trouble"]
    assert facts("virtqemud")[0] == 0


def test_what_a_crash_left_is_not_running(daemon):
    daemon.kill()
    try:
        code, said = facts("virtqemud")
        assert said["state"] == "dead" and code == 1    # sockets are there, and nobody listens
    finally:
        daemon.start()


def test_who_waits_to_be_started(daemon):
    """sockets that another process listens on, as systemd does; looking does not connect"""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("/run/libvirt/virtlxcd-sock")
        listener.listen()
        listener.setblocking(False)
        try:
            code, said = facts("virtlxcd")
            assert code == 0 and said["state"] == "waiting"
            with pytest.raises(BlockingIOError):
                listener.accept()
        finally:
            os.unlink("/run/libvirt/virtlxcd-sock")


def test_errors_and_keys_without_effect(daemon, tmp_path):
    config = tmp_path / "virtproxyd.conf"
    config.write_text("audit_level = 2\nmax_cleints = 3\n")
    proxy = Daemon("-f", str(config), name="virtproxyd", path="/run/libvirt/libvirt-sock").start()
    try:
        ignored = facts("virtproxyd")[1]["facts"]["config.ignored"]
        assert any("audit_level" in line for line in ignored)
        assert any("max_cleints" in line and "max_clients" in line for line in ignored)
        assert "error.last" not in facts("virtproxyd")[1]["facts"]
        config.write_text("max_clients = many\n")
        proxy.process.send_signal(signal.SIGHUP)
        assert_soon_error(proxy)
    finally:
        proxy.stop()


def assert_soon_error(proxy):
    wait_until(lambda: "could not be read again" in facts("virtproxyd")[1]["facts"].get("error.last", ""),
               what=proxy.log_tail)
    assert "error     20" in status("virtproxyd").stdout


def test_the_program_is_for_administrators_alone(daemon):
    """the ordinary socket does not know it"""
    call = wire.pack(0x6D6F6476, 1, 1, wire.CALL, 7, wire.OK)
    for path, known in (("/run/libvirt/virtqemud-sock", False), ("/run/libvirt/virtqemud-admin-sock", True)):
        with wire.Client(path) as client:
            client.socket.sendall(call)
            reply = client.wait(7)
            assert (reply.status == wire.OK) == known
            if not known:
                assert "Cannot find program" in reply.error()["message"]

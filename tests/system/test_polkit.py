# SPDX-License-Identifier: LGPL-2.1-or-later
"""auth_unix_rw = "polkit": a real polkitd on a D-Bus of its own decides who may use a socket."""
import os
import signal
import subprocess

import libvirt
import pytest
import wire
from daemon import ROOT, Daemon, wait_until
from policy import BUS, NOBODY, ROOM, SOMEBODY, run_as, said
from policy import policy as host_policy

SOCKET = "/run/libvirt/libvirt-sock"
RULES = """polkit.addRule(function(action, subject) {
    if (action.id == "org.libvirt.unix.manage" && subject.user == "somebody")
        return polkit.Result.YES;
});
"""


@pytest.fixture(scope="module")
def policy():
    with host_policy(RULES) as polkitd:
        yield polkitd


@pytest.fixture(scope="module")
def proxy(daemon, policy):
    config = ROOM / "virtproxyd.conf"
    config.write_text('auth_unix_rw = "polkit"\nauth_unix_ro = "polkit"\nunix_sock_rw_perms = "0777"\n'
                      "log_level = 1\n")
    running = Daemon("-f", str(config), name="virtproxyd", path=SOCKET).start()
    yield running
    running.stop()


def virsh_as(user, *words, uri="qemu:///system?mode=legacy"):
    return run_as(user, "virsh", "-q", "-c", uri, *words)


def test_root_is_not_asked(proxy):
    with wire.Client(SOCKET) as client:
        assert client.call("AUTH_LIST") == {"types": [0]}
        client.call("CONNECT_OPEN", {"name": "qemu:///system"})


def test_a_user_whom_the_rules_allow(proxy):
    done = virsh_as(SOMEBODY, "uri")
    assert done.returncode == 0, done.stderr + proxy.log_tail() + said()


def test_a_user_who_would_have_to_prove_it(proxy):
    """without an agent nobody can ask for the password"""
    done = virsh_as(NOBODY, "uri")
    assert done.returncode and "authentication unavailable" in done.stderr, done.stderr + said()
    assert "is not let in" in proxy.log_tail()


def test_looking_is_for_all(proxy):
    done = virsh_as(NOBODY, "-r", "uri")
    assert done.returncode == 0, done.stderr + said()


def test_nothing_before_the_answer(proxy):
    program = """
import sys
sys.path.insert(0, %r)
import wire
client = wire.Client(%r)
print(client.call("AUTH_LIST")["types"])
for name in ("CONNECT_OPEN", "AUTH_SASL_INIT", "AUTH_POLKIT"):
    try:
        client.call(name, {"name": "qemu:///system"} if name == "CONNECT_OPEN" else {})
        print("let in")
    except wire.Refused as refused:
        print(refused.message)
""" % (str(ROOT / "tests" / "lib"), SOCKET)
    done = subprocess.run(["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
                           "/usr/bin/python3", "-c", program], text=True, capture_output=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "[2]" and "authentication required" in lines[1], done.stderr
    assert "does not ask for SASL" in lines[2] and "unavailable" in lines[3]


def test_policy_that_does_not_answer(proxy, policy):
    """who has to be asked about waits; everybody else goes on"""
    os.kill(policy.pid, signal.SIGSTOP)
    waiting = subprocess.Popen(["setpriv", "--reuid=%d" % SOMEBODY, "--regid=%d" % SOMEBODY,
                                "--clear-groups", "virsh", "-c", "qemu:///system?mode=legacy", "uri"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for _ in range(10):
            with wire.Client(SOCKET) as client:
                client.open()
        assert waiting.poll() is None
    finally:
        os.kill(policy.pid, signal.SIGCONT)
    assert b"qemu:///system" in waiting.communicate(timeout=30)[0]


def test_clients_that_give_up(proxy, policy):
    """the answer to a ping shows that the question has been asked"""
    program = """
import sys
sys.path.insert(0, %r)
import wire
client = wire.Client(%r)
client.call("AUTH_LIST")
client.send("AUTH_POLKIT")
client.ping(10)
""" % (str(ROOT / "tests" / "lib"), SOCKET)
    before = proxy.descriptors()
    os.kill(policy.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            done = subprocess.run(["setpriv", "--reuid=%d" % SOMEBODY, "--regid=%d" % SOMEBODY,
                                   "--clear-groups", "/usr/bin/python3", "-c", program],
                                  text=True, capture_output=True)
            assert done.returncode == 0, done.stderr
        wait_until(lambda: proxy.descriptors() == before, what="clients to go")
    finally:
        os.kill(policy.pid, signal.SIGCONT)
    assert virsh_as(SOMEBODY, "uri").returncode == 0 and proxy.alive()


def test_without_policy(proxy):
    """no D-Bus: nobody but root gets in, and is told why"""
    os.rename(BUS, BUS + "-away")
    try:
        proxy.restart()
        done = virsh_as(SOMEBODY, "uri")
        assert done.returncode and "no way to the system's D-Bus" in done.stderr
        assert libvirt.open("qemu:///system?mode=legacy").close() == 0
    finally:
        os.rename(BUS + "-away", BUS)
    assert virsh_as(SOMEBODY, "uri").returncode == 0     # it is found when it is there again

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stock virt-admin with every daemon, and with virtproxyd by both of its names: root alone."""
import re
import subprocess

import libvirt
import pytest
from daemon import Daemon, wait_until

LEGACY_ADMIN = "libvirtd:///system"
# name, the socket that the daemon is known by, URI of a client, URI of the administrator
DAEMONS = {
    "virtqemud": ("/run/libvirt/virtqemud-sock", "qemu:///system", "virtqemud:///system"),
    "virtnetworkd": ("/run/libvirt/virtnetworkd-sock", "network:///system", "virtnetworkd:///system"),
    "virtstoraged": ("/run/libvirt/virtstoraged-sock", "storage:///system", "virtstoraged:///system"),
    "virtsecretd": ("/run/libvirt/virtsecretd-sock", "secret:///system", "virtsecretd:///system"),
    "virtproxyd": ("/run/libvirt/libvirt-sock", "secret:///system?mode=legacy", "virtproxyd:///system"),
    "libvirt-admin-sock": ("/run/libvirt/libvirt-sock", "secret:///system?mode=legacy", LEGACY_ADMIN),
}


def virt_admin(uri, *words, user=()):
    return subprocess.run([*user, "virt-admin", "-c", uri, *words], text=True, capture_output=True, timeout=60)


def said(uri, *words):
    done = virt_admin(uri, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text):
    return {name: int(value) for name, value in re.findall(r"(\w+)\s*:\s*(\d+)", text)}


@pytest.fixture(params=DAEMONS)
def target(request):
    """(daemon, name, URI of a client, URI of the administrator)"""
    name = request.param if request.param.startswith("virt") else "virtproxyd"
    path, client, admin = DAEMONS[request.param]
    behind = [Daemon(name="virtsecretd").start()] if name == "virtproxyd" else []
    running = Daemon(name=name, path=path).start()
    yield running, name, client, admin
    for each in [running, *behind]:
        each.stop()


def test_every_command(target):
    running, name, client, admin = target
    assert re.findall(r"^ *\d+ +(\w+)", said(admin, "srv-list"), re.M) == [name, "admin"]
    said(admin, "srv-threadpool-set", name, "--max-workers", "31", "--priority-workers", "7")
    threads = numbers(said(admin, "srv-threadpool-info", name))
    assert (threads["maxWorkers"], threads["prioWorkers"]) == (31, 7)
    said(admin, "srv-clients-set", name, "--max-clients", "100", "--max-unauth-clients", "7")
    limits = numbers(said(admin, "srv-clients-info", name))
    assert (limits["nclients_max"], limits["nclients_unauth_max"]) == (100, 7)
    for kind, value in (("filters", "1:wire"), ("outputs", "3:stderr")):
        said(admin, "daemon-log-" + kind, "--" + kind, value)
        assert value in said(admin, "daemon-log-" + kind).split()
    check_client(name, client, admin)
    done = virt_admin(admin, "server-update-tls", name)
    assert done.returncode and "no tls service" in done.stderr
    said(admin, "daemon-timeout", "--timeout", "1")
    assert running.process.wait(60) == 0


def check_client(name, client, admin):
    connection = libvirt.open(client)
    identity = re.findall(r"^ *(\d+) +unix ", said(admin, "srv-clients-list", name), re.M)[-1]
    shown = dict(re.findall(r"^(\w+) *: *(.*)$", said(admin, "client-info", name, identity), re.M))
    assert (shown["readonly"], shown["unix_user_id"]) == ("no", "0")
    said(admin, "client-disconnect", name, identity)
    wait_until(lambda: not alive(connection), 20, what="the end of the client's link")


def alive(connection):
    try:
        connection.getLibVersion()
        return True
    except libvirt.libvirtError:
        return False


def test_root_alone(target):
    _, _, _, admin = target
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    done = virt_admin(admin, "srv-list", user=nobody)
    assert done.returncode and "Permission denied" in done.stderr

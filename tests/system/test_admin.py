# SPDX-License-Identifier: LGPL-2.1-or-later
"""The admin program of a running daemon: the stock virt-admin, and calls that it would not make."""
import re
import subprocess

import libvirt
import pytest
import wire
from daemon import SOCKET, URI

ADMIN = wire.Program("admin")
ADMIN_SOCKET = "/run/libvirt/virtqemud-admin-sock"
SERVER = {"name": "virtqemud"}
UINT, INT = 2, 1


def virt_admin(*words):
    done = subprocess.run(["virt-admin", "-c", "virtqemud:///system", *words], text=True,
                          capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(text):
    """the lines "name : value" as a dict"""
    return {name: int(value) for name, value in re.findall(r"(\w+)\s*:\s*(\d+)", text)}


@pytest.fixture
def admin(daemon):
    with wire.Client(ADMIN_SOCKET) as client:
        client.call("CONNECT_OPEN", {}, ADMIN)
        yield client


def refusal(client, name, args):
    with pytest.raises(wire.Refused) as refused:
        client.call(name, args, ADMIN)
    assert refused.value.domain == libvirt.VIR_FROM_ADMIN
    return refused.value.code


def param(name, kind, value):
    return {"field": name, "value": (kind, value)}


# --- servers and threads --------------------------------------------------------------------

def test_servers(daemon):
    assert re.findall(r"^ *\d+ +(\w+)", virt_admin("server-list"), re.M) == ["virtqemud", "admin"]


def test_servers_are_counted_without_their_names(admin):
    assert admin.call("CONNECT_LIST_SERVERS", {}, ADMIN) == {"servers": [], "ret": 2}


def test_threads(daemon):
    before = numbers(virt_admin("server-threadpool-info", "virtqemud"))
    assert list(before) == ["minWorkers", "maxWorkers", "nWorkers", "freeWorkers", "prioWorkers",
                            "jobQueueDepth"]
    virt_admin("server-threadpool-set", "virtqemud", "--max-workers", "31", "--min-workers", "2",
               "--priority-workers", "7")
    after = numbers(virt_admin("server-threadpool-info", "virtqemud"))
    assert (after["minWorkers"], after["maxWorkers"], after["prioWorkers"]) == (2, 31, 7)


@pytest.mark.parametrize("params, code", [
    ([param("minWorkers", INT, 3)], libvirt.VIR_ERR_INVALID_ARG),
    ([param("nope", UINT, 3)], libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED),
    ([param("freeWorkers", UINT, 3)], libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED),
    ([param("minWorkers", UINT, 3000)], libvirt.VIR_ERR_INVALID_ARG),
    ([param("maxWorkers", UINT, 0)], libvirt.VIR_ERR_INVALID_ARG),
    ([param("minWorkers", UINT, 3), param("minWorkers", UINT, 4)], libvirt.VIR_ERR_INVALID_ARG),
])
def test_threads_that_make_no_sense(admin, params, code):
    call = ("SERVER_GET_THREADPOOL_PARAMETERS", {"srv": SERVER}, ADMIN)
    before = admin.call(*call)
    assert refusal(admin, "SERVER_SET_THREADPOOL_PARAMETERS",
                   {"srv": SERVER, "params": params}) == code
    names = ("minWorkers", "maxWorkers", "prioWorkers")
    assert [p for p in admin.call(*call)["params"] if p["field"] in names] == \
        [p for p in before["params"] if p["field"] in names]


# --- clients --------------------------------------------------------------------------------

def test_limits_of_clients(daemon):
    virt_admin("server-clients-set", "virtqemud", "--max-clients", "100", "--max-unauth-clients", "7")
    limits = numbers(virt_admin("server-clients-info", "virtqemud"))
    assert (limits["nclients_max"], limits["nclients_unauth_max"]) == (100, 7)


@pytest.mark.parametrize("params", [
    [param("nclients_max", UINT, 0)],
    [param("nclients_max", UINT, 3), param("nclients_unauth_max", UINT, 4)],
])
def test_limits_of_clients_that_make_no_sense(admin, params):
    assert refusal(admin, "SERVER_SET_CLIENT_LIMITS",
                   {"srv": SERVER, "params": params}) == libvirt.VIR_ERR_INVALID_ARG


def client_ids():
    return re.findall(r"^ *(\d+) +unix ", virt_admin("client-list", "virtqemud"), re.M)


def test_a_client_is_shown_and_disconnected(daemon):
    connection = libvirt.openReadOnly(URI)
    identity = client_ids()[-1]
    shown = dict(re.findall(r"^(\w+) *: *(.*)$",
                            virt_admin("client-info", "virtqemud", identity), re.M))
    assert shown["readonly"] == "yes" and shown["unix_user_name"] == "root"
    assert (shown["unix_user_id"], shown["unix_group_name"]) == ("0", "root")
    virt_admin("client-disconnect", "virtqemud", identity)
    with pytest.raises(libvirt.libvirtError):
        for _ in range(2):
            connection.getLibVersion()
    assert identity not in client_ids()


def test_what_is_not_there(admin):
    nobody = {"srv": SERVER, "id": 1 << 40}
    assert refusal(admin, "CONNECT_LOOKUP_SERVER", {"name": "nope"}) == libvirt.VIR_ERR_NO_SERVER
    assert refusal(admin, "SERVER_LIST_CLIENTS",
                   {"srv": {"name": "nope"}}) == libvirt.VIR_ERR_NO_SERVER
    assert refusal(admin, "SERVER_LOOKUP_CLIENT", nobody) == libvirt.VIR_ERR_NO_CLIENT
    assert refusal(admin, "CLIENT_GET_INFO", {"clnt": nobody}) == libvirt.VIR_ERR_NO_CLIENT
    assert refusal(admin, "CLIENT_CLOSE", {"clnt": nobody}) == libvirt.VIR_ERR_NO_CLIENT


# --- the log --------------------------------------------------------------------------------

def test_log_filters(daemon):
    virt_admin("daemon-log-filters", "--filters", "1:qemu 3:wire")
    assert virt_admin("daemon-log-filters").split(":", 1)[1].split() == ["1:qemu", "3:wire"]
    virt_admin("daemon-log-filters", "--filters", "")
    assert virt_admin("daemon-log-filters").split(":", 1)[1].split() == []


def test_log_outputs(daemon, tmp_path):
    before = virt_admin("daemon-log-outputs").split(":", 1)[1].strip()
    virt_admin("daemon-log-filters", "--filters", "1:*")
    virt_admin("daemon-log-outputs", "--outputs", "1:file:%s/log" % tmp_path)
    libvirt.openReadOnly(URI).close()
    assert "client" in (tmp_path / "log").read_text()
    virt_admin("daemon-log-outputs", "--outputs", before)
    virt_admin("daemon-log-filters", "--filters", "")
    assert virt_admin("daemon-log-outputs").split(":", 1)[1].strip() == before


def test_logs_that_make_no_sense(admin):
    for name, text in (("FILTERS", "9:qemu"), ("OUTPUTS", "1:foo")):
        assert refusal(admin, "CONNECT_SET_LOGGING_" + name,
                       {name.lower(): text}) == libvirt.VIR_ERR_INVALID_ARG


# --- the daemon -----------------------------------------------------------------------------

def test_version_and_other_programs(admin):
    assert admin.call("CONNECT_GET_LIB_VERSION", {}, ADMIN)["libVer"] == libvirt_version()
    with pytest.raises(wire.Refused):
        admin.call("CONNECT_GET_LIB_VERSION", {})


def libvirt_version():
    with wire.Client(SOCKET) as client:
        return client.open().call("CONNECT_GET_LIB_VERSION")["lib_ver"]


def test_flags_are_refused(admin):
    for name in ("CONNECT_OPEN", "CONNECT_LIST_SERVERS", "CONNECT_GET_LOGGING_FILTERS",
                 "CONNECT_SET_DAEMON_TIMEOUT", "CONNECT_DAEMON_SHUTDOWN"):
        assert refusal(admin, name, {"flags": 1 << 30}) == libvirt.VIR_ERR_INVALID_ARG


def test_tls_files_without_tls(admin):
    assert refusal(admin, "SERVER_UPDATE_TLS_FILES",
                   {"srv": SERVER}) == libvirt.VIR_ERR_INTERNAL_ERROR


def test_timeout(daemon):
    """the client that asks is the last one: the daemon ends after it"""
    virt_admin("daemon-timeout", "--timeout", "1")
    assert daemon.process.wait(30) == 0
    daemon.start()


def test_shutdown(daemon, admin):
    admin.call("CONNECT_DAEMON_SHUTDOWN", {}, ADMIN)
    assert daemon.process.wait(30) == 0
    daemon.start()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every procedure of the facts by every kind of client - reading and writing, looking only, denied by
the policy - directly and through virtproxyd: the way makes no difference, and what is refused has no
effect."""
import json

import libvirt
import pytest
from daemon import ROOT, SOCKET, SOCKET_RO, Daemon, hlt_xml, install_guests
from policy import NOBODY, ROOM, policy, run_as
from test_every_procedure import PROGRAMS, ASKS_WHO_CALLS, Values, is_read, look, payload_of, procedures
from wire import ERROR, Client

PROXY, PROXY_RO = "/run/libvirt/libvirt-sock", "/run/libvirt/libvirt-sock-ro"
DENIED = libvirt.VIR_ERR_ACCESS_DENIED
# A user of whom the policy allows that he connects, and nothing else.
RULES = """polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.libvirt.api.") == 0)
        return action.id == "org.libvirt.api.connect.getattr" ? polkit.Result.YES : polkit.Result.NO;
});
"""
# As an ordinary user: each procedure with the guest's handle, on one connection unless it ends.
PROGRAM = """
import json, sys
sys.path[:0] = %r
import wire, test_every_procedure as every
path, domain = sys.argv[1], json.loads(sys.argv[2])
domain["uuid"] = bytes.fromhex(domain["uuid"])
codes, client = {}, None
for program in every.PROGRAMS:
    for procedure in every.procedures(program):
        payload = every.payload_of(program, procedure, every.Values(program, domain))
        try:
            client = client or wire.Client(path).open()
            reply = client.wait(client.send(procedure["name"], program=program, payload=payload))
            codes[procedure["name"]] = reply.error()["code"] if reply.status == wire.ERROR else 0
            if procedure["stream"] and reply.status != wire.ERROR:
                client = client.close()
        except (ConnectionError, TimeoutError) as error:
            codes[procedure["name"]], client = str(error) or "gone", None
print(json.dumps(codes))
""" % [str(ROOT / "tests" / "lib"), str(ROOT / "tests" / "system")]


@pytest.fixture(scope="module")
def both():
    """virtqemud and virtproxyd, with a policy, and the handle of a guest that is off"""
    install_guests()
    with policy(RULES):
        config = ROOM / "virtqemud.conf"
        config.write_text('access_drivers = [ "polkit" ]\nunix_sock_rw_perms = "0777"\n')
        qemu = Daemon("-f", str(config)).start()
        (ROOM / "virtproxyd.conf").write_text('unix_sock_rw_perms = "0777"\n')
        proxy = Daemon("-f", str(ROOM / "virtproxyd.conf"), name="virtproxyd", path=PROXY).start()
        yield qemu, proxy
        proxy.stop()
        qemu.stop()


@pytest.fixture
def target(both):
    """a fresh guest; its handle on the wire"""
    with libvirt.open("qemu:///system") as root:
        domain = root.defineXML(hlt_xml("target"))
        yield {"name": "target", "uuid": domain.UUID(), "id": -1}
        for left in root.listAllDomains():
            if left.isActive():
                left.destroy()
            if left.isPersistent():
                left.undefine()


def answers(path, domain, wanted):
    """by procedure: what a client at this socket gets, each on a connection of its own"""
    codes = {}
    for program in PROGRAMS:
        for procedure in procedures(program):
            if not wanted(procedure):
                continue
            with Client(path).open() as client:
                payload = payload_of(program, procedure, Values(program, domain))
                reply = client.wait(client.send(procedure["name"], program=program, payload=payload))
                codes[procedure["name"]] = reply.error()["code"] if reply.status == ERROR else 0
    return codes


def test_writers_get_the_same_answers(both):
    """about a guest that there is not, so that each call finds the same"""
    nobody = {"name": "nobody", "uuid": bytes(range(16)), "id": -1}
    direct, proxied = [answers(path, nobody, lambda p: p["needs_auth"]) for path in (SOCKET, PROXY)]
    assert {k: (direct[k], proxied[k]) for k in direct if direct[k] != proxied[k]} == {}
    assert len(direct) > 390 and both[0].alive() and both[1].alive()


@pytest.mark.parametrize("path", [SOCKET_RO, PROXY_RO])
def test_readers_are_refused_the_rest(both, target, path):
    with libvirt.open("qemu:///system") as root:
        before = look(root)
        codes = answers(path, target, lambda p: not is_read(p) and p["needs_auth"]
                        and p["name"] != ASKS_WHO_CALLS)
        assert look(root) == before
    refused = (libvirt.VIR_ERR_OPERATION_DENIED, libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_RPC)
    assert {k: v for k, v in codes.items() if v not in refused} == {}
    assert sum(v == libvirt.VIR_ERR_OPERATION_DENIED for v in codes.values()) > 150


def rules_of(procedure):
    """the permissions that the call needs whatever its flags, but for that to connect"""
    rules = [rule.split(":") for rule in procedure["acl"]]
    return [rule for rule in rules if len(rule) == 2 and rule != ["connect", "getattr"]]


@pytest.mark.parametrize("path", [SOCKET, PROXY])
def test_who_is_denied_everything(both, target, path):
    with libvirt.open("qemu:///system") as root:
        before = look(root)
        handle = dict(target, uuid=target["uuid"].hex())
        done = run_as(NOBODY, "/usr/bin/python3", "-B", "-c", PROGRAM, path, json.dumps(handle))
        assert done.returncode == 0, done.stderr
        assert look(root) == before
    codes = json.loads(done.stdout)
    wrong, denied = {}, 0
    for program in PROGRAMS:
        for procedure in procedures(program):
            name, code = procedure["name"], codes[procedure["name"]]
            if not isinstance(code, int) or (code == 0 and rules_of(procedure)):
                wrong[name] = code
            denied += code == DENIED
            about = program.structs[procedure["args"]][0]["type"] if procedure["args"] else ""
            # a guest that there is, and a call that is served: nothing else may be said of it
            if about == "remote_nonnull_domain" and rules_of(procedure) and \
                    code not in (DENIED, libvirt.VIR_ERR_NO_SUPPORT):
                wrong[name] = code
    assert wrong == {}
    assert denied > 150

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every procedure of the facts, called with what a well-formed packet can hold at its limits: each
gets an answer in time that the facts can read, and the daemon lives. On the read-only socket
nothing but reading is answered, and nothing else has an effect."""
import socket

import libvirt
import pytest
from daemon import SOCKET, SOCKET_RO, hlt_xml
from wire import ERROR, LXC, QEMU, REMOTE, Client, Reader, Refused

DEADLINE = 30                       # seconds; the first question for capabilities runs every emulator
LONGEST = 4 * 1024 * 1024           # bytes of a string
WHOLE = 24 * 1024 * 1024            # bytes of a packet that no limit forbids

PROGRAMS = (REMOTE, QEMU, LXC)
# the connection's own end; and what would change the host, not a guest
ENDS = {"CONNECT_CLOSE"}
HOST = {"NODE_SUSPEND_FOR_DURATION", "NODE_ALLOC_PAGES", "NODE_SET_MEMORY_PARAMETERS"}


def procedures(program):
    return [p for p in program.procedures.values()
            if not p["event"] and p["name"] not in ENDS | HOST]


class Values:
    """fills every field of a type with one idea"""

    def __init__(self, program, domain=None, **ideas):
        self.program, self.domain, self.ideas = program, domain, ideas

    def struct(self, name):
        if self.domain and name.endswith("_nonnull_domain"):
            return self.domain
        return {f["name"]: self.field(f) for f in self.program.structs[name]}

    def field(self, field):
        kind = field["kind"]
        if kind in ("scalar", "enum"):
            return self.number(field["type"])
        if kind in ("string", "opaque"):
            return b"x" * min(self.ideas.get("length", 0), field.get("max", LONGEST))
        if kind == "fixed-opaque":
            return bytes([self.ideas.get("byte", 0)]) * field["max"]
        if kind == "pointer":
            if self.ideas.get("null"):
                return None
            return self.field(self.program.resolve(field["of"]))
        if kind == "array":
            count = min(self.ideas.get("count", 0), field["max"])
            return [self.field(self.program.element(field)) for _ in range(count)]
        if kind == "fixed-array":
            return [self.number(field["type"])] * field["max"]
        if kind == "union":
            return 7, b"x" * min(self.ideas.get("length", 0), 1000)
        return self.struct(field["type"])

    def number(self, name):
        bits = 64 if "hyper" in name else 32
        unsigned = name.startswith("unsigned")
        if name in ("char", "short") or "char" in name or "short" in name:
            bits, unsigned = 7, True
        idea = self.ideas.get("number", 0)
        if idea == "largest":
            return 2 ** bits - 1 if unsigned else 2 ** (bits - 1) - 1
        if idea == "smallest":
            return 0 if unsigned else -2 ** (bits - 1)
        return idea


IDEAS = {
    "null": {"null": True},
    "zero": {},
    "smallest": {"number": "smallest", "length": 1, "count": 1},
    "largest": {"number": "largest", "length": 1000, "count": 8, "byte": 255},
    "longest": {"number": 1, "length": LONGEST, "count": 1, "byte": 170},
    "many": {"number": 1, "length": 1, "count": 100000, "byte": 170},
}


@pytest.fixture
def guest(connection):
    """makes sure that there is a running guest; returns its handle on the wire"""
    xml = hlt_xml("target")

    def handle():
        with Client(SOCKET).open() as client:   # raw: nothing here may wait for ever
            domain = client.call("DOMAIN_DEFINE_XML", {"xml": xml})["dom"]
            if not client.call("DOMAIN_IS_ACTIVE", {"dom": domain})["active"]:
                return client.call("DOMAIN_CREATE_WITH_FLAGS", {"dom": domain})["dom"]
            return domain
    return handle


def payload_of(program, procedure, values):
    if not procedure["args"]:
        return b""
    return program.encode_struct(procedure["args"], values.struct(procedure["args"]))


def ask(client, program, procedure, payload):
    """what is wrong with the answer; None when nothing is"""
    try:
        reply = client.wait(client.send(procedure["name"], program=program, payload=payload), DEADLINE)
        if reply.status == ERROR:
            if reply.error()["code"] <= 0:
                return "an error without a code"
        elif procedure["ret"]:
            program.decode_struct(procedure["ret"], Reader(reply.payload))
    except (ConnectionError, TimeoutError, socket.timeout, ValueError) as error:
        return str(error) or type(error).__name__
    return None


def try_all(daemon, make_values, opened=True, handle=None):
    """asks each procedure on a connection of its own; returns all that went wrong"""
    faults = []
    last = None
    for program in PROGRAMS:
        for procedure in procedures(program):
            try:
                domain = handle() if handle else None
            except (Refused, OSError) as error:     # the last call's effect came after its reply
                faults.append("after %s: %s" % (last, error))
                daemon.restart()
                domain = handle()
            last = procedure["name"]
            payload = payload_of(program, procedure, make_values(program, domain))
            if len(payload) > WHOLE:
                continue
            with Client(SOCKET) as client:
                if opened:
                    client.open()
                fault = ask(client, program, procedure, payload)
            if not daemon.alive():
                fault = "the daemon died"
                daemon.start()
            if fault:
                faults.append("%s %s: %s" % (program.name, procedure["name"], fault))
    return faults


@pytest.mark.parametrize("idea", IDEAS)
def test_unknown_handles(daemon, connection, idea):
    assert try_all(daemon, lambda program, _: Values(program, **IDEAS[idea])) == []


@pytest.mark.parametrize("idea", [i for i in IDEAS if i != "longest"])
def test_running_guest(daemon, idea, guest):
    assert try_all(daemon, lambda program, domain: Values(program, domain, **IDEAS[idea]),
                   handle=guest) == []


def test_before_the_connection_is_open(daemon, connection):
    assert try_all(daemon, lambda program, _: Values(program), opened=False) == []


def test_truncated_arguments(daemon, connection):
    faults = []
    for program in PROGRAMS:
        for procedure in procedures(program):
            payload = payload_of(program, procedure, Values(program, number=1, length=8, count=2))
            with Client(SOCKET).open() as client:
                for length in range(0, len(payload), max(4, len(payload) // 16 & ~3)):
                    fault = ask(client, program, procedure, payload[:length])
                    if fault:
                        faults.append("%s, %d bytes: %s" % (procedure["name"], length, fault))
                        break
            assert daemon.alive(), procedure["name"]
    assert faults == []


def test_unknown_numbers(connection):
    with Client(SOCKET).open() as client:
        for number in (0, -1, 457, 100000, 2 ** 31 - 1, REMOTE.procedures["DOMAIN_EVENT_LIFECYCLE"]["number"]):
            REMOTE.procedures["UNKNOWN"] = {"number": number, "args": None, "ret": None}
            try:
                with pytest.raises(Refused) as refused:
                    client.call("UNKNOWN")
                assert refused.value.code == libvirt.VIR_ERR_RPC
            finally:
                del REMOTE.procedures["UNKNOWN"]


# --- the read-only socket ---------------------------------------------------------------------

def is_read(procedure):
    """whether each rule that always holds is one of reading"""
    rules = [r.split(":") for r in procedure["acl"] if r.count(":") == 1]
    return all(r[1] in ("getattr", "read") or r[1].startswith("search_") for r in rules)


def look(connection):
    return sorted((d.UUIDString(), d.name(), d.ID(), d.state(), d.XMLDesc(), d.autostart())
                  for d in connection.listAllDomains())


ASKS_WHO_CALLS = "CONNECT_SET_IDENTITY"         # root may, also here: test_readonly.py


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_read_only_socket_refuses_the_rest(daemon, connection, guest, program):
    domain = guest()
    before = look(connection)
    wrong = []
    for procedure in procedures(program):
        if is_read(procedure) or not procedure["needs_auth"] or procedure["name"] == ASKS_WHO_CALLS:
            continue
        with Client(SOCKET_RO).open() as client:
            try:
                client.call(procedure["name"], program=program,
                            payload=payload_of(program, procedure, Values(program, domain)))
                wrong.append("%s: allowed" % procedure["name"])
            except Refused as refused:
                absent = "Cannot find program" in refused.message or refused.code == libvirt.VIR_ERR_NO_SUPPORT
                if not absent and refused.code != libvirt.VIR_ERR_OPERATION_DENIED:
                    wrong.append("%s: %s" % (procedure["name"], refused))
            except (ConnectionError, TimeoutError) as error:
                wrong.append("%s: %s" % (procedure["name"], error))
    assert daemon.alive() and wrong == []
    assert look(connection) == before


@pytest.mark.parametrize("how", ["by socket", "by flag"])
def test_read_only_clients_can_read(connection, guest, how):
    guest()
    path, flags = (SOCKET_RO, 0) if how == "by socket" else (SOCKET, 1)
    with Client(path).open(flags=flags) as client:
        domains = client.call("CONNECT_LIST_ALL_DOMAINS", {"need_results": 1})["domains"]
        assert [d["name"] for d in domains] == ["target"]
        assert "target" in client.call("DOMAIN_GET_XML_DESC", {"dom": domains[0]})["xml"]
        with pytest.raises(Refused) as refused:
            client.call("DOMAIN_DESTROY", {"dom": domains[0]})
        assert refused.value.code == libvirt.VIR_ERR_OPERATION_DENIED
        with pytest.raises(Refused) as refused:
            client.call("DOMAIN_GET_XML_DESC", {"dom": domains[0], "flags": libvirt.VIR_DOMAIN_XML_SECURE})
        assert refused.value.code == libvirt.VIR_ERR_OPERATION_DENIED

# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QEMU that does not answer, among many: the others do not notice, and its own calls end with
an error that says which guest and which command."""
import contextlib
import os
import signal
import time

import libvirt
import pytest
from daemon import SOCKET, emulator_pids, hlt_xml
from wire import Client, Refused

MANY = int(os.environ.get("MODVIRT_BLOCKED_GUESTS", "50"))     # where times are compared
FEW = 10
DEADLINE = 60           # seconds in which a call that needs the stopped QEMU must have ended
TRIES = 5                # the best of them counts: what another program took from one is not ours

READS = {
    "list": lambda client, domain: client.call("CONNECT_LIST_ALL_DOMAINS", {"need_results": 1}),
    "info": lambda client, domain: client.call("DOMAIN_GET_INFO", {"dom": domain}),
    "state": lambda client, domain: client.call("DOMAIN_GET_STATE", {"dom": domain}),
    "dumpxml": lambda client, domain: client.call("DOMAIN_GET_XML_DESC", {"dom": domain}),
    "domstats": lambda client, domain: client.call("CONNECT_GET_ALL_DOMAIN_STATS", {"doms": [domain]}),
}


def start(connection, count):
    """handles of running guests; the first is the one to stop"""
    for number in range(count):
        connection.createXML(hlt_xml("g%02d" % number))
    with Client(SOCKET).open() as client:
        found = client.call("CONNECT_LIST_ALL_DOMAINS", {"need_results": 1})["domains"]
    return sorted(found, key=lambda d: d["name"])


@pytest.fixture
def guests(connection):
    return start(connection, FEW)


@pytest.fixture
def stopped(guests):
    """the handle of a guest whose QEMU is stopped"""
    pid = emulator_pids(guests[0]["name"])[0]
    os.kill(pid, signal.SIGSTOP)
    yield guests[0]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def measure(read, domains):
    """the 99th percentile of seconds"""
    times = []
    with Client(SOCKET).open() as client:
        for _ in range(10):
            for domain in domains:
                start = time.monotonic()
                READS[read](client, domain)
                times.append(time.monotonic() - start)
    return sorted(times)[int(len(times) * 0.99) - 1]


def test_others_do_not_notice(connection):
    guests = start(connection, MANY)
    quiet = {read: min(measure(read, guests[1:]) for _ in range(TRIES)) for read in READS}
    pid = emulator_pids(guests[0]["name"])[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        slow = {read: min(measure(read, guests[1:]) for _ in range(TRIES)) for read in READS}
    finally:
        os.kill(pid, signal.SIGCONT)
    # beside the ratio a few milliseconds are left to a busy machine
    assert {r: (quiet[r], slow[r]) for r in READS if slow[r] > 1.5 * quiet[r] + 0.005} == {}


@pytest.mark.parametrize("read", READS)
def test_reads_of_the_stopped_one(stopped, read):
    with Client(SOCKET).open() as client:
        start = time.monotonic()
        READS[read](client, stopped)
        assert time.monotonic() - start < 1


def test_statistics_of_all_with_one_stopped(stopped):
    with Client(SOCKET).open() as client:
        start = time.monotonic()
        stats = client.call("CONNECT_GET_ALL_DOMAIN_STATS")["retStats"]
        assert len(stats) == FEW and time.monotonic() - start < 5


def test_calls_that_need_it_end_with_an_error_that_says_so(stopped):
    with Client(SOCKET).open() as client:
        with pytest.raises(Refused) as refused:
            client.call("DOMAIN_SUSPEND", {"dom": stopped}, timeout=DEADLINE)
    assert refused.value.code in (libvirt.VIR_ERR_OPERATION_TIMEOUT, libvirt.VIR_ERR_AGENT_UNRESPONSIVE)
    assert stopped["name"] in refused.value.message and "stop" in refused.value.message


def test_others_can_be_changed_meanwhile(guests, stopped):
    with Client(SOCKET).open() as waiting, Client(SOCKET).open() as client:
        for _ in range(5):
            waiting.send("DOMAIN_SUSPEND", {"dom": stopped})
        start = time.monotonic()
        for domain in guests[1:6]:
            client.call("DOMAIN_SUSPEND", {"dom": domain})
            client.call("DOMAIN_RESUME", {"dom": domain})
        client.call("DOMAIN_DESTROY", {"dom": guests[1]})
        assert time.monotonic() - start < 5


def test_the_stopped_one_can_be_destroyed(stopped):
    with Client(SOCKET).open() as client:
        client.call("DOMAIN_DESTROY", {"dom": stopped}, timeout=DEADLINE)
    assert not emulator_pids(stopped["name"])


def test_it_works_again_afterwards(guests):
    pid = emulator_pids(guests[0]["name"])[0]
    with Client(SOCKET).open() as client:
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises((Refused, OSError)):
            client.call("DOMAIN_SUSPEND", {"dom": guests[0]}, timeout=DEADLINE)
        os.kill(pid, signal.SIGCONT)
    with Client(SOCKET).open() as client:
        deadline = time.monotonic() + 30
        while True:
            try:
                client.call("DOMAIN_SUSPEND", {"dom": guests[0]})
                break
            except Refused:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert client.call("DOMAIN_GET_STATE", {"dom": guests[0]})["state"] == libvirt.VIR_DOMAIN_PAUSED


def test_a_restart_does_not_wait_for_it(daemon, stopped):
    """the daemon comes up and serves the others while one QEMU cannot be reached"""
    start = time.monotonic()
    daemon.restart()
    with Client(SOCKET).open() as client:
        names = [d["name"] for d in
                 client.call("CONNECT_LIST_ALL_DOMAINS", {"need_results": 1, "flags": 1})["domains"]]
        assert len(names) == FEW and time.monotonic() - start < 10

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that are broken, slow or many neither harm the daemon nor keep an honest one waiting."""
import os
import random
import signal
import socket
import statistics
import struct
import threading
import time

import libvirt
import pytest
from daemon import SOCKET, URI, emulator_pids, hlt_xml, is_sanitized, wait_until
from wire import CALL, MAX_LENGTH, OK, REMOTE, STREAM, Client, pack


def raw(data=b""):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(SOCKET)
    peer.sendall(data)
    return peer


def is_closed(peer, timeout):
    peer.settimeout(timeout)
    try:
        return peer.recv(1) == b""
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def latency():
    """seconds of one cheap call on a connection of its own, the connection included"""
    start = time.monotonic()
    with Client(SOCKET).open() as client:
        client.call("CONNECT_GET_LIB_VERSION")
    return time.monotonic() - start


@pytest.mark.parametrize("length", [0, 3, 27, MAX_LENGTH + 1, 2 ** 31, 2 ** 32 - 1])
def test_impossible_length_ends_the_connection(connection, length):
    with raw(struct.pack(">I", length) + bytes(64)) as peer:
        assert is_closed(peer, 5)


def test_largest_length_is_waited_for(connection):
    with raw(struct.pack(">I", MAX_LENGTH)) as peer:
        assert not is_closed(peer, 0.5)


@pytest.mark.parametrize("packet, code", [
    (pack(0x12345678, 1, 1, CALL, 7, OK), libvirt.VIR_ERR_RPC),
    (pack(REMOTE.number, 9, 1, CALL, 7, OK), libvirt.VIR_ERR_RPC),
    (pack(REMOTE.number, 1, 9999, CALL, 7, OK), libvirt.VIR_ERR_RPC),
    (pack(REMOTE.number, 1, 66, CALL, 7, 1), libvirt.VIR_ERR_RPC),
])
def test_bad_header_is_answered(connection, packet, code):
    with Client(SOCKET) as client:
        client.call("AUTH_LIST")
        client.socket.sendall(packet)
        error = client.wait(7).error()
        assert (error["code"], error["domain"]) == (code, libvirt.VIR_FROM_RPC)


def test_stream_packets_without_a_stream(connection):
    with Client(SOCKET).open() as client:
        client.socket.sendall(pack(REMOTE.number, 1, 201, STREAM, 4711, 2, b"data"))
        try:
            client.call("CONNECT_GET_LIB_VERSION")
        except ConnectionError:
            pass


def test_random_bytes(connection, daemon):
    numbers = random.Random(1)
    for _ in range(300):
        body = bytes(numbers.randrange(256) for _ in range(numbers.randrange(24, 200)))
        with raw(struct.pack(">I", len(body) + 4) + body):
            pass
    for _ in range(300):
        head = pack(REMOTE.number, 1, numbers.randrange(1, 457), CALL, 0, OK,
                    bytes(numbers.randrange(256) for _ in range(numbers.randrange(0, 120))))
        with raw(head):
            pass
    assert daemon.alive() and latency() < 2


def test_idle_and_half_clients_keep_nobody_out(connection):
    quiet = statistics.median(latency() for _ in range(20))
    peers = [raw(b"\0\0\0" if n % 2 else b"") for n in range(200)]
    try:
        assert statistics.median(latency() for _ in range(20)) < max(10 * quiet, 0.1)
    finally:
        for peer in peers:
            peer.close()


def test_half_a_header_meets_a_deadline(connection):
    peers = [raw(pack(REMOTE.number, 1, 66, CALL, 0, OK)[:10]) for _ in range(5)]
    for peer in peers:
        with peer:
            assert is_closed(peer, 90)


def test_clients_that_never_read(connection, daemon):
    """back-pressure holds them: their replies neither fill memory nor delay an honest client"""
    for number in range(50):
        connection.defineXML(hlt_xml("long%d" % number))
    deaf = []
    stop = threading.Event()

    def shout(client):
        client.socket.setblocking(False)
        packet = pack(REMOTE.number, 1, REMOTE.procedures["CONNECT_GET_CAPABILITIES"]["number"], CALL, 9, OK)
        while not stop.is_set():
            try:
                client.socket.send(packet)
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                return

    threads = []
    for _ in range(10):
        client = Client(SOCKET).open()
        deaf.append(client)
        threads.append(threading.Thread(target=shout, args=(client,)))
        threads[-1].start()
    try:
        time.sleep(3)
        assert statistics.median(latency() for _ in range(20)) < 0.2
        memory = resident(daemon)
        time.sleep(2)
        assert is_sanitized() or resident(daemon) < memory + 20 * 1024
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for client in deaf:
            client.close()


def resident(daemon):
    """KiB"""
    with open("/proc/%d/status" % daemon.process.pid) as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def test_keepalive_beside_slow_calls(connection, hlt):
    """five calls that wait for a stopped QEMU fill this client's share; a ping is answered at once"""
    hlt.create()
    pid = emulator_pids("hlt")[0]
    with Client(SOCKET).open() as client:
        domain = client.call("DOMAIN_LOOKUP_BY_NAME", {"name": "hlt"})["dom"]
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(5):
                client.send("DOMAIN_SUSPEND", {"dom": domain})
            time.sleep(0.2)
            assert client.ping(1) < 1
            client.send("DOMAIN_SUSPEND", {"dom": domain})
            assert client.ping(1) < 1
        finally:
            os.kill(pid, signal.SIGCONT)


def test_descriptors_and_clients_are_given_back(connection, daemon):
    before = daemon.descriptors()
    for _ in range(100):
        with Client(SOCKET).open() as client:
            client.call("CONNECT_GET_LIB_VERSION")
    for _ in range(100):
        raw(b"\0").close()
    wait_until(lambda: daemon.descriptors() <= before + 2)


def test_many_clients_at_once(connection):
    clients = [libvirt.open(URI) for _ in range(64)]
    assert all(c.getLibVersion() for c in clients)
    for client in clients:
        client.close()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd under load: packets while it is killed, many guests at once, limits, checksums. MODVIRT_KILLS
is how often it is killed; else it is as often as fits into a minute."""
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import threading
import time

import libvirt
import pytest

import daemon as tested
from conftest import code_of
from daemon import wait_until
from netns import run
from networks import *  # noqa: F403 - fixtures

IPV6 = """<ip family='ipv6' address='fd00:77::1' prefix='64'>
  <dhcp><range start='fd00:77::100' end='fd00:77::1ff'/></dhcp></ip>"""
FORWARD = """<m:portForward xmlns:m='urn:modvirt:network:1' proto='udp'>
  <m:guest mac='52:54:00:77:00:99'/><m:range start='7000'/></m:portForward>"""
FIXED = "<host mac='52:54:00:77:00:%02x' name='h%d' ip='192.168.77.%d'/>"


# ---- nothing is lost ----

def echo_server(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("", port))

    def body():
        while True:
            data, peer = server.recvfrom(100)
            server.sendto(data, peer)

    threading.Thread(target=body, daemon=True).start()
    return server


class Flood:
    """numbered packets to an echo, a thousand a second, and which of them came back"""

    def __init__(self, host, address):
        self.socket = host.enter(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.socket.settimeout(5)
        self.sent, self.came, self.end = 0, set(), threading.Event()
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.came)

    def send(self):
        while not self.end.wait(0.001):
            self.socket.send(struct.pack("!I", self.sent))
            self.sent += 1

    def receive(self):
        while not self.end.is_set() or len(self.came) < self.sent:
            try:
                self.came.add(self.socket.recv(100))
            except OSError:
                return

    def stop(self):
        """how many were sent, and how many of them are missing"""
        self.end.set()
        for thread in self.threads:
            thread.join(30)
        return self.sent, self.sent - len(self.came)


def test_flood(connection, daemon, hosts, outside):
    """kill -9, start and net-update take no packet from guests: not to the host, not through NAT, not by
    a port that is forwarded"""
    network = connection.networkCreateXML(network_xml(dhcp=FIXED % (0x99, 99, 99), more=FORWARD))
    guest = plug(hosts, "guest", number=99)
    servers = [echo_server(7001), outside.enter(echo_server, 7002), guest.enter(echo_server, 7000)]
    floods = [Flood(guest, ("192.168.77.1", 7001)), Flood(guest, (OUTSIDE, 7002)),
              Flood(outside, ("203.0.113.1", 7000))]
    for turn in range(5):
        daemon.restart()
        with libvirt.open(URI) as fresh:
            network = fresh.networkLookupByName("net")
            update(network, "ADD_LAST", "IP_DHCP_HOST", FIXED % (turn, turn, 10 + turn))
            update(network, "ADD_LAST", "DNS_TXT", "<txt name='t%d' value='x'/>" % turn)
            # the rules of all are made anew, in one transaction
            run("nft", "add", "rule", "ip", "modvirt", "from-br-net", "accept")
            wait_until(lambda: "accept\n\t}" not in run("nft", "list", "chain", "ip", "modvirt", "from-br-net"))
    results = [flood.stop() for flood in floods]
    assert all(sent > 100 and lost == 0 for sent, lost in results), results
    del servers


# ---- many at once ----

def test_fifty_guests(connection, hosts):
    network = connection.networkCreateXML(network_xml())
    guests = [hosts("guest%d" % i, "br-net") for i in range(50)]
    got, lock = {}, threading.Lock()

    def ask(guest):
        address = guest.dhcp(guest.name)["address"]
        with lock:
            got[address] = guest.name

    threads = [threading.Thread(target=ask, args=(guest,)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 50
    # at once: the helper has written a lease before its guest has it configured
    wait_until(lambda: len(network.DHCPLeases()) == 50, 5, what=lambda: len(network.DHCPLeases()))
    assert {l["ipaddr"]: l["hostname"] for l in network.DHCPLeases()} == got


def states(network):
    """what there is of the network: bridge, rules, dnsmasq"""
    return ["br-net" in run("ip", "-o", "link"), "to-br-net" in run("nft", "list", "ruleset"),
            bool(dnsmasq_pids("net"))]


def test_killed_at_random(connection, daemon):
    """whatever it was at: afterwards bridge, rules and dnsmasq are there together, or none; and an update is
    there whole, or not at all"""
    kills = int(os.environ.get("MODVIRT_KILLS", 0))
    connection.networkDefineXML(network_xml(more=FORWARD))
    chance, end, turn, hosts_there = random.Random(4), time.monotonic() + 60, 0, 0
    both = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    while turn < kills or (not kills and turn < 200 and time.monotonic() < end):
        turn += 1
        with libvirt.open(URI) as fresh:
            network = fresh.networkLookupByName("net")
            order = network.destroy if network.isActive() else network.create
            if network.isActive() and chance.random() < 0.5:
                host = FIXED % (turn % 250, turn, 2 + turn % 250)
                order = lambda: update(network, "ADD_LAST", "IP_DHCP_HOST", host, both)
            thread = threading.Thread(target=code_of, args=(order,))
            thread.start()
            time.sleep(chance.random() * 0.05)      # the moment of the kill, not a wait
            daemon.kill()
            thread.join()
        daemon.start()
        with libvirt.open(URI) as fresh:
            network = fresh.networkLookupByName("net")
            active = bool(network.isActive())
            assert states(network) == [active] * 3, "turn %d: %s\n%s" % (turn, states(network), daemon.log_tail())
            if active:
                live = set(re.findall("name='h\\d+'", network.XMLDesc()))
                stored = set(re.findall("name='h\\d+'", network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)))
                assert len(live ^ stored) <= 1 or live < stored, "turn %d: %s" % (turn, live ^ stored)
                served = pathlib.Path("/var/lib/libvirt/dnsmasq/net.hostsfile").read_text()
                assert all(name[6:-1] in served for name in live), "turn %d: %s" % (turn, served)
    assert turn >= (kills or 20), "only %d kills in a minute" % turn


# ---- limits ----

RATE = 2000      # KiB a second, as documents say


def received(guest, sender, seconds):
    """bytes a second that arrive at a guest, when a sender gives what it takes, after the first burst"""
    server = guest.enter(socket.create_server, ("", 5001))
    client = sender(("192.168.77.10", 5001))
    taken, _ = server.accept()
    stop = threading.Event()

    def give():
        try:
            while not stop.is_set():
                client.sendall(b"x" * 65536)
        except OSError:
            pass

    thread = threading.Thread(target=give)
    thread.start()
    begin, count = None, 0
    while begin is None or time.monotonic() < begin + seconds:
        data = len(taken.recv(65536))
        if begin is None and (count := count + data) > 1000 * RATE:      # a second's worth
            begin, count = time.monotonic(), 0
        elif begin is not None:
            count += data
    took = time.monotonic() - begin
    stop.set()
    taken.close()
    client.close()
    thread.join()
    server.close()
    return count / took


def test_bandwidth(connection, hosts):
    """what the bridge gives to guests is what the document says, within a tenth"""
    connection.networkCreateXML(network_xml(more="<bandwidth><inbound average='%d'/></bandwidth>" % RATE))
    guest = plug(hosts, "guest")
    rate = received(guest, socket.create_connection, 3)
    # headers of Ethernet, IP and TCP count as well: 1514 bytes carry 1448
    assert abs(rate / (1000 * RATE * 1448 / 1514) - 1) < 0.1, rate


def test_guarantee(connection, hosts):
    """who is guaranteed a part has it, though another takes what there is"""
    network = connection.networkCreateXML(
        network_xml(more="<bandwidth><inbound average='%d' peak='%d'/></bandwidth>" % (RATE, RATE)))
    network.portCreateXML(PORT % (1, "<bandwidth><inbound average='%d' floor='%d'/></bandwidth>"
                                  % (RATE, RATE * 3 // 4)), 0)
    guest, greedy = plug(hosts, "guest"), plug(hosts, "greedy", number=11)
    guest.run("ip", "link", "set", "eth0", "address", "52:54:00:7b:35:01")
    run("ip", "neigh", "flush", "dev", "br-net", check=False)
    sink = greedy.enter(socket.create_server, ("", 5002))
    other = socket.create_connection(("192.168.77.11", 5002))
    taken, _ = sink.accept()
    threads = [threading.Thread(target=work, daemon=True) for work in (
        lambda: swallow(taken), lambda: code_of_os(lambda: [other.sendall(b"x" * 65536) for _ in iter(int, 1)]))]
    for thread in threads:
        thread.start()
    rate = received(guest, socket.create_connection, 3)
    for one in (other, taken, sink):
        one.close()
    assert rate > 0.9 * 1000 * RATE * 3 / 4 * 1448 / 1514, rate


def swallow(taken):
    code_of_os(lambda: [taken.recv(65536) or 1 / 0 for _ in iter(int, 1)])


def code_of_os(function):
    try:
        function()
    except (OSError, ZeroDivisionError):
        pass

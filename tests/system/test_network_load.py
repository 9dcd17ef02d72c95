# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd under load: packets while it is killed, many guests at once, limits, checksums. MODVIRT_KILLS
is how often it is killed; else it is as often as fits into a minute, and 20 times."""
import os
import pathlib
import random
import re
import socket
import struct
import threading
import time

import libvirt
import pytest

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

def make_room(receiver):
    """for what comes while nobody reads, on a busy machine"""
    receiver.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)      # SO_RCVBUFFORCE


def echo_server(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    make_room(server)
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
        self.socket.settimeout(30)
        make_room(self.socket)
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
            thread.join(60)
        return self.sent, self.sent - len(self.came)


def test_flood(connection, daemon, hosts, outside):
    """kill -9, start and net-update take no packet from guests: not to the host, not through NAT, not by
    a port that is forwarded"""
    network = connection.networkCreateXML(network_xml(dhcp=FIXED % (0x99, 99, 99), more=FORWARD))
    guest = plug(hosts, "guest", number=99)
    join(network, "52:54:00:77:00:99")
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
    wait_until(lambda: len(network.DHCPLeases()) == 50, 30, what=lambda: len(network.DHCPLeases()))
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
    chance, end, turn = random.Random(4), time.monotonic() + 60, 0
    both = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    while turn < (kills or 20) or (not kills and turn < 200 and time.monotonic() < end):
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
    # headers of Ethernet, IP and TCP count as well: 1514 bytes carry 1448
    held = lambda rate: abs(rate / (1000 * RATE * 1448 / 1514) - 1) < 0.1
    rates = []
    # a machine that pauses for a moment gives another rate; one without a limit does so each time
    while not rates or (not held(rates[-1]) and len(rates) < 5):
        rates.append(received(guest, socket.create_connection, 3))
    assert held(rates[-1]), rates


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
    wanted, rates = 0.9 * 1000 * RATE * 3 / 4 * 1448 / 1514, []
    while not rates or (rates[-1] < wanted and len(rates) < 5):      # see above
        rates.append(received(guest, socket.create_connection, 3))
    for one in (other, taken, sink):
        one.close()
    assert rates[-1] > wanted, rates


def swallow(taken):
    code_of_os(lambda: [taken.recv(65536) or 1 / 0 for _ in iter(int, 1)])


def code_of_os(function):
    try:
        function()
    except (OSError, ZeroDivisionError):
        pass


# ---- what clients of other makes look at ----

def sniff(guest):
    """a socket that sees all of the guest's packets, and what the kernel says of each"""
    raw = guest.enter(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.setsockopt(263, 8, 1)           # SOL_PACKET, PACKET_AUXDATA
    raw.settimeout(60)
    return raw


def checksum_is_right(packet):
    length = struct.unpack("!H", packet[2:4])[0]
    data = packet[(packet[0] & 15) * 4:length]
    data = packet[12:20] + struct.pack("!BBH", 0, 17, len(data)) + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    return total % 0xffff == 0


def test_checksums(connection, daemon, hosts):
    """answers of DHCP have their checksum, also for clients that take packets as they are: they are not left
    to a network card that is none"""
    connection.networkCreateXML(network_xml())
    if "act_csum" in daemon.log_tail() or not wait_for_filter():
        pytest.skip("this kernel can't fill in checksums (act_csum)")
    guest = hosts("guest", "br-net")
    raw = sniff(guest)
    guest.dhcp()
    answers = 0
    while answers < 2:
        packet = raw.recv(2000)[14:]
        if packet[9] == 17 and packet[20:24] == struct.pack("!HH", 67, 68):
            assert checksum_is_right(packet)
            answers += 1


def wait_for_filter():
    """of the bridge, for a moment"""
    try:
        wait_until(lambda: "csum" in run("tc", "filter", "show", "dev", "br-net", "egress", check=False).stdout, 10)
    except AssertionError:
        return False
    return True


class Dhcpv6:
    """a client of DHCPv6 that asks for one address: solicit, request"""
    DUID = bytes.fromhex("00030001525400770001")

    def __init__(self, guest):
        self.socket = guest.enter(socket.socket, socket.AF_INET6, socket.SOCK_DGRAM)
        guest.enter(self.socket.bind, ("::", 546))
        self.index = int(guest.run("cat", "/sys/class/net/eth0/ifindex"))
        self.socket.settimeout(2)

    @staticmethod
    def option(number, data):
        return struct.pack("!HH", number, len(data)) + data

    def ask(self, kind, more=b""):
        """options of the answer, by their numbers"""
        text = struct.pack("!I", kind << 24 | 0x4711) + self.option(1, self.DUID) + more
        for _ in range(10):
            self.socket.sendto(text, ("ff02::1:2", 547, 0, self.index))
            try:
                answer = self.socket.recv(2000)
            except TimeoutError:
                continue
            break
        found, at = {}, 4
        while at < len(answer):
            number, length = struct.unpack_from("!HH", answer, at)
            found[number], at = answer[at + 4:at + 4 + length], at + 4 + length
        return found

    def get(self):
        offer = self.ask(1, self.option(3, struct.pack("!III", 7, 0, 0)))
        given = self.ask(3, self.option(2, offer[2]) + self.option(3, offer[3]))
        return socket.inet_ntop(socket.AF_INET6, given[3][16:32])      # IA_NA: 12 bytes, then IAADDR


def test_dhcpv6(connection, hosts):
    network = connection.networkCreateXML(network_xml(ipv6=IPV6))
    guest = hosts("guest", "br-net")
    wait_until(lambda: "fe80" in guest.run("ip", "-6", "addr", "show", "dev", "eth0") and
               "tentative" not in guest.run("ip", "-6", "addr", "show", "dev", "eth0"), 60)
    address = Dhcpv6(guest).get()
    assert address.startswith("fd00:77::1")
    lease = wait_until(lambda: [l for l in network.DHCPLeases() if l["ipaddr"] == address])[0]
    assert lease["type"] == libvirt.VIR_IP_ADDR_TYPE_IPV6 and lease["prefix"] == 64
    assert lease["clientid"].replace(":", "") == Dhcpv6.DUID.hex()
    wait_until(lambda: "default" in guest.run("ip", "-6", "route"), 60)      # the router advertises itself


# ---- files that are not as they should be ----

@pytest.fixture
def small_disk():
    """where leases are, of 1 MiB"""
    folder = pathlib.Path("/var/lib/libvirt/dnsmasq")
    folder.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", folder)
    yield folder
    run("umount", folder)


def test_disk_is_full(daemon, small_disk, connection, hosts):
    """while a lease is written: those that were there stay, and the next one is there when there is room"""
    network = connection.networkCreateXML(network_xml())
    addresses = lambda: {lease["ipaddr"] for lease in network.DHCPLeases()}
    first, second = hosts("first", "br-net"), hosts("second", "br-net")
    one = first.dhcp()["address"]
    wait_until(lambda: addresses() == {one}, what=addresses)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    second.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "3", "-T", "1", "-s", "/bin/true", check=False)
    assert one in addresses()
    ballast.unlink()
    two = second.dhcp()["address"]
    wait_until(lambda: addresses() == {one, two}, what=addresses)


def test_files_of_no_use(connection, daemon, hosts):
    """status and leases that can't be read, at a start: what can be is served"""
    network = connection.networkDefineXML(network_xml())
    network.create()
    daemon.kill()
    status, leases = pathlib.Path("/run/libvirt/network"), pathlib.Path("/var/lib/libvirt/dnsmasq")
    for path, text in ((status / "stale.xml", "<networkstatus><"), (leases / "br-net.status", "[{\"ip-address\": 7"),
                       (leases / "gone.status", "[]"), (status / "net.xml.new", "")):
        path.write_text(text)
    daemon.start()
    with libvirt.open(URI) as fresh:
        network = fresh.networkLookupByName("net")
        assert network.isActive() and len(fresh.listAllNetworks()) == 1
        got = hosts("guest", "br-net").dhcp()["address"]
        wait_until(lambda: [lease["ipaddr"] for lease in network.DHCPLeases()] == [got])
    for name in "stale.xml", "net.xml.new":
        (status / name).unlink(missing_ok=True)

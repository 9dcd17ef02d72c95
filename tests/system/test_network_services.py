# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd: what a network's document promises to guests - options of DHCP, names and who is asked for
them, files to boot from, routes, addresses seen outside - by clients that ask for it."""
import pathlib
import re
import select
import socket
import struct
import subprocess
import threading
from xml.sax.saxutils import escape

import libvirt
import pytest

import wire
import daemon as tested
from daemon import wait_until
from netns import run
from networks import *  # noqa: F403 - fixtures

# ---- DHCP ----

SCRIPT = """#!/bin/sh
[ "$1" = bound ] && set | grep -E '^(boot_file|siaddr|lease|mtu|router|ip|staticroutes|ntpsrv)='
exit 0
"""


def ask_for(host, *options):
    """what DHCP gives to a host, as its client tells it"""
    script = pathlib.Path("/run/options-" + host.name)
    script.write_text(SCRIPT)
    script.chmod(0o755)
    said = host.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "50", "-T", "1", "-s", script, *options,
                    timeout=120)
    return dict(re.findall(r"(\w+)='([^']*)'", said))


BOOTS = """<tftp root='/run/tftp'/><dhcp><bootp file='boot.img'/><range start='192.168.77.100' end='192.168.77.200'>
  <lease expiry='7' unit='minutes'/></range><host mac='52:54:00:77:00:01' ip='192.168.77.50'><lease expiry='2'
  unit='hours'/></host><host mac='52:54:00:77:00:02' ip='192.168.77.51'><lease expiry='0'/></host></dhcp>"""
BOOT_NETWORK = re.sub("(?s)<dhcp>.*</dhcp>", BOOTS, network_xml(more="<mtu size='1400'/>").replace(
    "<o:option ", "<o:option value='dhcp-option=option:ntp-server,192.168.77.9'/><o:option "))


def test_options(connection, hosts):
    """lease times of the range and of a host, MTU, what to boot and where from, and an option of dnsmasq's own"""
    folder = pathlib.Path("/run/tftp")
    folder.mkdir(exist_ok=True)
    (folder / "boot.img").write_text("what is booted")
    connection.networkCreateXML(BOOT_NETWORK)
    assert "mtu 1400 " in run("ip", "link", "show", "br-net")
    guest = hosts("guest", "br-net")
    got = ask_for(guest, "-O", "mtu", "-O", "bootfile", "-O", "ntpsrv")
    assert got.pop("ip").startswith("192.168.77.1")
    assert got == {"boot_file": "boot.img", "siaddr": "192.168.77.1", "lease": "420", "mtu": "1400",
                   "router": "192.168.77.1", "ntpsrv": "192.168.77.9"}
    guest.run("ip", "addr", "add", "192.168.77.99/24", "dev", "eth0")
    guest.run("busybox", "tftp", "-g", "-r", "boot.img", "-l", "/run/booted", "192.168.77.1")
    assert pathlib.Path("/run/booted").read_text() == "what is booted"
    for number, address, lease in ((1, "192.168.77.50", 7200), (2, "192.168.77.51", 0xffffffff)):
        fixed = hosts("fixed%d" % number, "br-net")
        fixed.run("ip", "link", "set", "eth0", "address", "52:54:00:77:00:%02x" % number)
        got = ask_for(fixed)
        assert (got["ip"], int(got["lease"])) == (address, lease)


def test_isolated_has_no_router(connection, hosts):
    connection.networkCreateXML(network_xml(forward=""))
    assert "router" not in ask_for(hosts("guest", "br-net"))


# ---- names ----

class Resolver:
    """a DNS server on a host, which answers each question with one address and remembers it"""

    def __init__(self, host, address):
        self.asked = set()
        self.answer = socket.inet_aton("198.51.100.7")
        self.socket = host.enter(self.bind, address)
        threading.Thread(target=self.serve, daemon=True).start()

    @staticmethod
    def bind(address):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, 53))
        return server

    def serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            end = data.index(b"\0", 12) + 5
            labels, at = [], 12
            while data[at]:
                labels.append(data[at + 1:at + 1 + data[at]].decode())
                at += 1 + data[at]
            self.asked.add(".".join(labels))
            answers = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + self.answer
            wanted = data[end - 4:end - 2] == b"\0\1"                    # an address of IPv4
            self.socket.sendto(data[:2] + struct.pack(">HHHHH", 0x8180, 1, wanted, 0, 0) + data[12:end] +
                               (answers if wanted else b""), peer)


NAMES = """<domain name='test.lan' localOnly='yes'/><dns forwardPlainNames='no'>
  <forwarder addr='203.0.113.9'/><forwarder domain='other.example' addr='203.0.113.10'/>
  <txt name='text' value='words'/>
  <srv service='web' protocol='tcp' domain='test.lan' target='static.test.lan' port='80' priority='3' weight='4'/>
  <host ip='192.168.77.240'><hostname>static</hostname><hostname>alias</hostname></host>
  <host ip='fd00:77::240'><hostname>static</hostname></host></dns>"""


def test_names(connection, hosts, outside):
    """who is asked for which name, and who never is"""
    outside.run("ip", "addr", "add", "203.0.113.10/24", "dev", "eth0")
    usual, other = [Resolver(outside, address) for address in ("203.0.113.9", "203.0.113.10")]
    connection.networkCreateXML(network_xml(more=NAMES, ipv6="<ip family='ipv6' address='fd00:77::1' prefix='64'/>"))
    guest = plug(hosts, "guest")
    resolve(guest, "www.some.example", "198.51.100.7", "-type=a")
    resolve(guest, "www.other.example", "198.51.100.7", "-type=a")
    assert usual.asked == {"www.some.example"} and other.asked == {"www.other.example"}
    resolve(guest, "alias.test.lan", "192.168.77.240")
    resolve(guest, "static", "fd00:77::240", "-type=aaaa")
    resolve(guest, "_web._tcp.test.lan", "3 4 80 static.test.lan", "-type=srv")
    for unknown in ("nobody.test.lan", "nobody"):
        resolve(guest, unknown, "NXDOMAIN", "-type=a")
    assert usual.asked == {"www.some.example"} and other.asked == {"www.other.example"}
    for server in (usual, other):
        server.socket.close()


NAMES_OF_NETWORKS = ["a #b", "a\"b'c", "$(touch pwned)", "a\\nb", "-x", "%s%n", "a,b=c", "{ drop }", "ü 网络", "x" * 180]


@pytest.mark.parametrize("name", NAMES_OF_NETWORKS)
def test_names_of_networks(connection, daemon, hosts, name):
    """are names to all programs, whatever is in them"""
    files = set(pathlib.Path("/run/libvirt/network").iterdir())
    network = connection.networkCreateXML(network_xml().replace("<name>net<", "<name>%s<" % escape(name)))
    assert network.name() == name
    made = {path.name for path in set(pathlib.Path("/run/libvirt/network").iterdir()) - files}
    assert made == {name + ".xml", name + ".pid"}
    got = hosts("guest", "br-net").dhcp()["address"]
    # the guest has its address before it is written down
    wait_until(lambda: [lease["ipaddr"] for lease in network.DHCPLeases()] == [got], what=lambda: network.DHCPLeases())
    update(network, "ADD_LAST", "DNS_TXT", "<txt name='a' value='b'/>")
    check(name, 0)
    network.destroy()


def test_no_names(connection, hosts):
    """<dns enable='no'/>: addresses, and nobody at port 53"""
    connection.networkCreateXML(network_xml(more="<dns enable='no'/>"))
    guest = hosts("guest", "br-net")
    guest.dhcp()
    assert isinstance(guest.ask("192.168.77.1", 53), ConnectionRefusedError)


# ---- addresses and routes ----

SEVERAL = """<ip address='10.77.0.1' prefix='24'/><ip family='ipv6' address='fd00:77::1' prefix='64'/>
  <ip family='ipv6' address='fd00:78::1' prefix='64'/>
  <route address='10.99.0.0' prefix='16' gateway='192.168.77.2' metric='7'/>
  <route family='ipv6' address='fd00:99::' prefix='64' gateway='fd00:77::2'/>"""


def test_several_addresses_and_routes(connection, hosts):
    network = connection.networkCreateXML(network_xml(ipv6=SEVERAL))
    addresses = re.findall(r"inet6? (\S+)", run("ip", "-o", "addr", "show", "dev", "br-net", "scope", "global"))
    assert sorted(addresses) == sorted(["192.168.77.1/24", "10.77.0.1/24", "fd00:77::1/64", "fd00:78::1/64"])
    # behind a guest that routes, there is another net
    router = plug(hosts, "router", number=2)
    router.run("ip", "addr", "add", "10.99.0.1/16", "dev", "lo")
    router.run("ip", "addr", "add", "10.77.0.5/24", "dev", "eth0")
    assert "10.99.0.0/16 via 192.168.77.2 proto static metric 7" in run("ip", "route", "show", "dev", "br-net")
    assert "fd00:99::/64 via fd00:77::2" in run("ip", "-6", "route", "show", "dev", "br-net")
    for address in ("10.99.0.1", "10.77.0.5"):
        run("busybox", "ping", "-q", "-c", "5", "-i", "0.1", "-W", "20", address)
    network.destroy()
    assert "10.99" not in run("ip", "route")


def test_network_of_ipv6_alone(connection, hosts):
    connection.networkCreateXML("<network><name>net</name><forward mode='route'/><bridge name='br-net' stp='off'/>"
                                "<ip family='ipv6' address='fd00:79::1' prefix='64'/></network>")
    guest = hosts("guest", "br-net")
    wait_until(lambda: "fd00:79:" in guest.run("ip", "-6", "addr", "show", "dev", "eth0"), 60,
               what=lambda: guest.run("ip", "-6", "addr"))


@pytest.mark.parametrize("ipv6", ["no", "yes"])
def test_network_without_addresses(connection, hosts, ipv6):
    """guests reach each other; by IPv6 only where the document lets them; nobody serves anything"""
    connection.networkCreateXML("<network ipv6='%s'><name>net</name><bridge name='br-net' stp='off'/></network>" % ipv6)
    assert dnsmasq_pids() == []
    disabled = pathlib.Path("/proc/sys/net/ipv6/conf/br-net/disable_ipv6").read_text().strip()
    assert disabled == {"no": "1", "yes": "0"}[ipv6]
    one = plug(hosts, "one")
    plug(hosts, "two", number=11)
    ping(one, "192.168.77.11")


# ---- what is seen outside ----

RANGES = "<forward mode='nat'><nat><address start='203.0.113.50' end='203.0.113.51'/><port start='%d' end='%d'/></nat></forward>"


def test_nat_ranges(connection, hosts, outside):
    """of addresses and ports"""
    for number in (50, 51):
        run("ip", "addr", "add", "203.0.113.%d/32" % number, "dev", outside.link)
    connection.networkCreateXML(network_xml(forward=RANGES % (20000, 20009)))
    guest = plug(hosts, "guest")
    server = outside.enter(socket.create_server, ("203.0.113.9", 80))
    server.settimeout(30)
    seen = []
    for _ in range(4):
        client = guest.enter(socket.create_connection, ("203.0.113.9", 80), 30)
        taken, peer = server.accept()
        seen.append(peer)
        for one in (client, taken):
            one.close()
    server.close()
    assert all(address in ("203.0.113.50", "203.0.113.51") and 20000 <= port <= 20009 for address, port in seen), seen


def test_forward_by_one_device(connection, hosts, outside):
    """dev='...': by no other"""
    server = outside.serve(80)
    other = "<forward mode='%s' dev='%s'/>"
    for mode in ("nat", "route"):
        for dev, way in ((outside.link, True), ("elsewhere", False)):
            network = connection.networkCreateXML(network_xml(forward=other % (mode, dev)))
            guest = plug(hosts, "%s-%s" % (mode, way))
            assert guest.reaches(OUTSIDE, 80) if way else guest.misses(OUTSIDE, 80), (mode, dev)
            network.destroy()
    del server


# ---- ports that lead in ----

FORWARD = """<m:portForward xmlns:m='urn:modvirt:network:1' proto='%s' %s><m:guest %s/>
  <m:range start='%d' to='80'/></m:portForward>"""


def test_forwards_by_name_address_and_device(connection, hosts, outside):
    """by address they are open while the network runs, by name while the guest is plugged in; UDP as well"""
    more = "".join(FORWARD % words for words in (
        ("tcp", "dev='%s'" % outside.link, "address='192.168.77.10'", 8001),
        ("tcp", "dev='elsewhere'", "address='192.168.77.10'", 8002),
        ("tcp", "", "name='fixed'", 8003), ("udp", "", "address='192.168.77.10'", 8004)))
    network = connection.networkCreateXML(network_xml(
        more=more, dhcp="<host mac='52:54:00:77:00:10' name='fixed' ip='192.168.77.10'/>"))
    guest = plug(hosts, "guest")
    server, heard = guest.serve(80), guest.enter(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("192.168.77.10", 80))
    heard.settimeout(30)
    assert outside.ask("203.0.113.1", 8001) == OUTSIDE
    assert outside.misses("203.0.113.1", 8002) and outside.misses("203.0.113.1", 8003)
    sender = outside.enter(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"words", ("203.0.113.1", 8004))
    assert heard.recvfrom(100)[0] == b"words"
    port = join(network, "52:54:00:77:00:10")
    assert outside.ask("203.0.113.1", 8003) == OUTSIDE
    port.delete(0)
    assert outside.misses("203.0.113.1", 8003)
    for one in (server, heard, sender):
        one.close()


# ---- what is said of a network ----

def test_metadata(connection):
    """title, description and elements of others, live and stored, with an event for each change; by the
    protocol, as this distribution's client has no words for it"""
    network = connection.networkDefineXML(network_xml())
    network.create()
    handle = {"name": "net", "uuid": network.UUID()}
    with wire.Client("/run/libvirt/virtnetworkd-sock") as client:
        client.open("network:///system")
        registered = client.call("CONNECT_NETWORK_EVENT_REGISTER_ANY", {"eventID": 1, "net": handle})

        def put(kind, text, flags, key=None, uri=None):
            client.call("NETWORK_SET_METADATA", {"network": handle, "type": kind, "metadata": text, "key": key,
                                                 "uri": uri, "flags": flags})

        def get(kind, flags=0, uri=None):
            try:
                return client.call("NETWORK_GET_METADATA", {"network": handle, "type": kind, "uri": uri,
                                                            "flags": flags})["metadata"]
            except wire.Refused as error:
                return error.code

        put(0, "words\nof it", 3)
        put(1, "A title", 1)
        put(2, "<a x='1'/>", 2, "x", "urn:x")
        changes = [client.wait_event("NETWORK_EVENT_CALLBACK_METADATA_CHANGE") for _ in range(3)]
        assert [(c["type"], c["nsuri"], c["net"]["name"]) for c in changes] == [
            (0, None, "net"), (1, None, "net"), (2, "urn:x", "net")]
        assert {c["callbackID"] for c in changes} == {registered["callbackID"]}
        missing = libvirt.VIR_ERR_NO_NETWORK_METADATA if hasattr(libvirt, "VIR_ERR_NO_NETWORK_METADATA") else 111
        assert [get(0, 1), get(0, 2), get(1), get(1, 2)] == ["words\nof it", "words\nof it", "A title", missing]
        assert (get(2, 1, "urn:x"), get(2, 2, "urn:x")) == (missing, '<a x="1"/>')
        assert "<title>A title</title>" in network.XMLDesc()
        assert 'xmlns:x="urn:x"' in network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
        put(1, None, 1)
        put(2, None, 2, None, "urn:x")
        assert get(1) == missing and get(2, 2, "urn:x") == missing
        with pytest.raises(wire.Refused, match="newline"):
            put(1, "two\nlines", 1)


def test_stock_client_hears(connection):
    """virsh net-event, of all that becomes of a network"""
    def heard(line):
        """of another network, when the client has begun to listen"""
        connection.networkDefineXML(network_xml("other", net="192.168.78")).undefine()
        return select.select([line], [], [], 0)[0]

    with subprocess.Popen(["virsh", "-q", "-c", URI, "net-event", "--loop", "--event", "lifecycle", "--timeout",
                           "120"], stdout=subprocess.PIPE, text=True) as watch:
        wait_until(lambda: heard(watch.stdout), 60, 0.2)
        network = connection.networkDefineXML(network_xml())
        network.create()
        network.destroy()
        network.undefine()
        words = []
        for line in watch.stdout:
            words += re.findall(r"network net: (\w+)", line)
            if words[-1:] == ["Undefined"]:
                break
        watch.terminate()
    assert words == ["Defined", "Started", "Stopped", "Undefined"]


def test_lease_told_too_late():
    """by a dnsmasq that ends: it brings no file of a network back that has gone"""
    path = pathlib.Path("/run/gone.status")
    subprocess.run([tested.BUILD / "virtnetworkd" / "virtnetworkd-lease-helper", "add", "52:54:00:00:00:01", "10.1.2.3"],
                   env={"MODVIRT_LEASES": str(path)}, check=True, timeout=60)
    assert not path.exists()

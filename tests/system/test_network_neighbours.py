# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd and the other programs of a host: what they take, drop and delete."""
import pathlib
import subprocess
import sys

import libvirt
import pytest

from conftest import code_of
from daemon import wait_until
from netns import run
from networks import *  # noqa: F403 - fixtures


# ---- a bridge that somebody deletes ----

def test_bridge_is_put_back(connection, daemon, hosts, outside):
    """with its addresses, and what was plugged in: a guest notices a pause"""
    network = connection.networkCreateXML(network_xml(ipv6="<ip family='ipv6' address='fd00:77::1' prefix='64'/>"))
    guest = plug(hosts, "guest")
    server = outside.serve(80)
    assert guest.reaches(OUTSIDE, 80)
    addresses = lambda: [line.split()[3] for line in run("ip", "-o", "addr", "show", "dev", "br-net",
                                                         "scope", "global").splitlines()]
    before, pids = addresses(), dnsmasq_pids()
    run("ip", "link", "del", "br-net")
    wait_until(lambda: "master br-net" in run("ip", "-o", "link", "show", guest.link), 30)
    assert addresses() == before and len(before) == 2
    assert "br-net' was deleted by another program" in daemon.log_tail()
    assert guest.reaches(OUTSIDE, 80)
    assert network.isActive() and dnsmasq_pids() == pids
    assert hosts("late", "br-net").dhcp()["router"] == "192.168.77.1"
    del server


def test_bridge_of_a_network_that_ends(connection, daemon):
    """no loop, no bridge without its network"""
    network = connection.networkDefineXML(network_xml())
    before = daemon.log_tail().count("was deleted")
    for _ in range(5):
        network.create()
        network.destroy()
    connection.networkDefineXML(network_xml("other", net="192.168.78")).create()
    assert "br-net" not in run("ip", "-o", "link")
    assert daemon.log_tail().count("was deleted") == before


# ---- ports that somebody has ----

RESOLVER = """import socket, sys, time
s = socket.socket(socket.AF_INET, getattr(socket, sys.argv[2])); s.bind(("", int(sys.argv[1])))
if sys.argv[2] == "SOCK_STREAM": s.listen(1)
print("ready", flush=True)
time.sleep(600)"""


@pytest.mark.parametrize("port, kind", [(53, "SOCK_DGRAM"), (53, "SOCK_STREAM"), (67, "SOCK_DGRAM")])
def test_port_is_taken(connection, hosts, port, kind):
    """who has it on all addresses is named"""
    words = [sys.executable, "-c", RESOLVER, str(port), kind]
    other = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(libvirt.libvirtError, match=r"port %d of all addresses belongs to '.*' \(process %d\)"
                           % (port, other.pid)):
            connection.networkCreateXML(network_xml())
        assert connection.listAllNetworks() == []
    finally:
        other.kill()
        other.wait()
    connection.networkCreateXML(network_xml())


# ---- rules that go while a network changes ----

def test_rules_vanish_in_between(connection, daemon):
    """a change that meets a flushed rule set puts all of it back, not its own alone"""
    first = connection.networkCreateXML(network_xml("first", net="192.168.78"))
    connection.networkCreateXML(network_xml("second", net="192.168.79"))
    for change in (lambda: connection.networkCreateXML(network_xml()), first.destroy):
        run("nft", "flush", "ruleset")
        change()
        assert "to-br-second" in run("nft", "list", "ruleset")
    assert "br-first" not in run("nft", "list", "ruleset")


FORWARD = """<m:portForward xmlns:m='urn:modvirt:network:1' proto='tcp' %s>
  <m:guest mac='52:54:00:77:00:%d'/><m:range start='%d' end='%d' %s/></m:portForward>"""
FIXED = "<host mac='52:54:00:77:00:%d' name='h%d' ip='192.168.77.%d'/>"


def test_update_of_a_forward(connection, hosts, outside):
    """a guest that gets another address is followed, whatever has become of the rules"""
    more = FORWARD % ("", 99, 8080, 8080, "to='80'")
    network = connection.networkCreateXML(network_xml(dhcp=FIXED % (99, 99, 99), more=more))
    guest = plug(hosts, "guest", number=50)
    join(network, "52:54:00:77:00:99")
    server = guest.serve(80)
    assert outside.misses("203.0.113.1", 8080)
    run("nft", "flush", "ruleset")
    update(network, "MODIFY", "IP_DHCP_HOST", FIXED % (99, 99, 50))
    assert outside.ask("203.0.113.1", 8080) == OUTSIDE
    del server


def test_forwards_side_by_side(connection, hosts, outside):
    """one port on two addresses of the host leads to two guests"""
    run("ip", "addr", "add", "203.0.113.2/24", "dev", outside.link)
    more = "".join(FORWARD % ("address='203.0.113.%d'" % n, 50 + n, 8080, 8085, "to='80'") for n in (1, 2))
    fixed = "".join(FIXED % (50 + n, 50 + n, 50 + n) for n in (1, 2))
    network = connection.networkCreateXML(network_xml(dhcp=fixed, more=more))
    guests = [plug(hosts, "guest%d" % n, number=50 + n) for n in (1, 2)]
    for n in (1, 2):
        join(network, "52:54:00:77:00:%d" % (50 + n))
    servers = [guest.serve(80 + n) for n, guest in enumerate(guests)]
    assert outside.ask("203.0.113.1", 8080) == OUTSIDE and outside.ask("203.0.113.2", 8081) == OUTSIDE
    assert outside.misses("203.0.113.2", 8080)
    # another network can't have them too
    second = network_xml("second", net="192.168.78", more=FORWARD % ("", 1, 8000, 8080, ""))
    with pytest.raises(libvirt.libvirtError, match="'second' and 'net' can't both have the tcp port 8080"):
        connection.networkCreateXML(second)
    wide = network_xml("wide", net="192.168.78", more=FORWARD % ("", 1, 1, 60000, "to='2'"))
    assert code_of(connection.networkCreateXML, wide) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    del servers


# ---- firewalls ----

# what Docker makes of a host: a policy, and chains that accept what is its own
DOCKER = """-P FORWARD DROP
-N DOCKER
-N DOCKER-ISOLATION-STAGE-1
-N DOCKER-ISOLATION-STAGE-2
-N DOCKER-USER
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
-t nat -N DOCKER
-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-t nat -A DOCKER -i docker0 -j RETURN"""


@pytest.mark.skipif(not pathlib.Path("/usr/sbin/iptables-nft").exists(), reason="no iptables-nft")
def test_docker(connection, hosts, outside):
    iptables = lambda words: run("iptables-nft", *words.split())
    connection.networkCreateXML(network_xml())
    guest = plug(hosts, "guest")
    server = outside.serve(80)
    check("net", 0)
    for line in DOCKER.splitlines():
        iptables(line)
    try:
        assert guest.misses(OUTSIDE, 80)
        assert "table ip filter, chain FORWARD drops what is forwarded" in check("net", 1)
        assert hosts("dhcp", "br-net").dhcp()["router"] == "192.168.77.1"
        # as Docker's manual says
        iptables("-I DOCKER-USER -i br-net -j ACCEPT")
        assert "FORWARD drops" in check("net", 1)           # no answer comes back
        iptables("-I DOCKER-USER -o br-net -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        assert guest.reaches(OUTSIDE, 80)
        check("net", 0)
        iptables("-I DOCKER-USER -i br-net -j DROP")
        assert "chain DOCKER-USER has the rule: " in check("net", 1)
    finally:
        run("nft", "flush", "ruleset")
    wait_until(lambda: guest.reaches(OUTSIDE, 80))
    del server


# Debian's, as it is installed
NFTABLES_CONF = """#!/usr/sbin/nft -f

flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter;
	}
	chain forward {
		type filter hook forward priority filter;
	}
	chain output {
		type filter hook output priority filter;
	}
}
"""


def test_nftables_service(connection, daemon, hosts, outside):
    """restarted, it takes all rules away: ours are back, soon, and what a guest has open goes on"""
    connection.networkCreateXML(network_xml())
    guest = plug(hosts, "guest")
    server = outside.serve(80)
    said = daemon.log_tail().count("put back")
    path = pathlib.Path("/run/nftables.conf")
    path.write_text(NFTABLES_CONF)
    for _ in range(3):
        run("nft", "-f", path)
        wait_until(lambda: "to-br-net" in run("nft", "list", "ruleset"))
        assert guest.reaches(OUTSIDE, 80)
        check("net", 0)
    wait_until(lambda: daemon.log_tail().count("put back") >= said + 3)
    path.write_text(NFTABLES_CONF.replace("hook input priority filter;", "hook input priority filter; policy drop;"))
    run("nft", "-f", path)
    wait_until(lambda: "to-br-net" in run("nft", "list", "ruleset"))
    assert "table inet filter, chain input drops what comes to this host" in check("net", 1)
    run("nft", "add", "rule", "inet", "filter", "input", "iifname", "br-net", "udp", "dport", "{53,67}", "accept")
    check("net", 0)
    run("nft", "delete", "table", "inet", "filter")
    del server

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks under test: their documents, the daemon that has them, and hosts around it."""
import pathlib
import re

import libvirt
import pytest

import daemon as tested
from client import opened, remove_networks, serving
from daemon import wait_until
from netns import Host, run

URI = "network:///system"
OUTSIDE, OUTSIDE6 = "203.0.113.9", "2001:db8:f::9"

# hosts with addresses of their own (plug) stay below .100: with no-ping dnsmasq would lease those too
NETWORK = """<network %(attributes)s>
  <name>%(name)s</name>
  %(forward)s
  <bridge name='%(bridge)s' stp='off'/>
  %(more)s
  <ip address='%(net)s.1' netmask='255.255.255.0'>
    <dhcp><range start='%(net)s.100' end='%(net)s.200'/>%(dhcp)s</dhcp>
  </ip>
  %(ipv6)s
  <o:options xmlns:o='http://libvirt.org/schemas/network/dnsmasq/1.0'><o:option value='no-ping'/></o:options>
</network>"""


def network_xml(name="net", **values):
    return NETWORK % {"name": name, "attributes": "", "forward": "<forward mode='nat'/>", "more": "",
                      "bridge": "br-" + name, "net": "192.168.77", "dhcp": "", "ipv6": "", **values}


daemon = serving("virtnetworkd")


@pytest.fixture
def connection(daemon):
    """an open connection; afterwards there is no network, and nothing of one"""
    with opened(daemon, URI, remove_networks) as connection:
        yield connection
    wait_until(lambda: leftovers() == "", what=leftovers)


def leftovers():
    """bridges, rules and processes of networks that are gone"""
    left = run("ip", "-o", "link", "show", "type", "bridge")
    left += "".join(l for l in run("nft", "list", "ruleset").splitlines() if "br-" in l)
    left += " ".join(map(str, dnsmasq_pids()))
    left += " ".join(p.name for p in pathlib.Path("/run/libvirt/network").glob("*.*"))
    return left


def dnsmasq_pids(name=""):
    """without their children, which come and go with leases"""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if words[0].endswith(b"dnsmasq") and ("/dnsmasq/" + name).encode() in words[1]:
            parents[int(path.name)] = parent
    return sorted(pid for pid, parent in parents.items() if parent not in parents)


@pytest.fixture
def hosts():
    """makes hosts, and removes them"""
    made = []

    def make(name, bridge=None):
        made.append(Host(name, bridge))
        return made[-1]

    yield make
    for host in made:
        host.remove()


@pytest.fixture
def outside(hosts):
    """a host of the world, behind a link of this one"""
    host = hosts("outside")
    run("ip", "addr", "add", "203.0.113.1/24", "dev", host.link)
    run("ip", "addr", "add", "2001:db8:f::1/64", "dev", host.link, "nodad")
    host.address(OUTSIDE + "/24", "203.0.113.1")
    host.address(OUTSIDE6 + "/64", "2001:db8:f::1")
    return host


def plug(hosts, name, bridge="br-net", net="192.168.77", number=10):
    host = hosts(name, bridge)
    host.address("%s.%d/24" % (net, number), net + ".1")
    return host


def ping(host, address):
    """one of a few at least comes back"""
    host.run("busybox", "ping", "-q", "-c", "5", "-i", "0.1", "-W", "20", address)


def resolve(host, words, expected, *options):
    """dnsmasq's answer has what is expected, soon"""
    look = lambda: host.run("busybox", "nslookup", *options, words, "192.168.77.1", check=False).stdout.replace("\\", "")
    wait_until(lambda: expected in look(), 60, what=look)


def check(name, code):
    done = run(tested.BUILD / "virtnetworkd/virtnetworkd", "--check", name, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def update(network, command, section, text, flags=libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE, parent=-1):
    return network.update(getattr(libvirt, "VIR_NETWORK_UPDATE_COMMAND_" + command),
                          getattr(libvirt, "VIR_NETWORK_SECTION_" + section), parent, text, flags)


def join(network, mac, owner="guest"):
    """the network takes a guest's interface; returns its port"""
    return network.portCreateXML(re.sub("address='[^']*'", "address='%s'" % mac, PORT % (0, "")).replace(
        "<name>guest<", "<name>%s<" % owner), 0)


PORT = """<networkport>
  <owner><name>guest</name><uuid>7347e8a9-bd25-409c-b4c3-ebf8744322b4</uuid></owner>
  <mac address='52:54:00:7b:35:%02x'/>%s
</networkport>"""

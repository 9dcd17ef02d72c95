# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on virtual networks: virtqemud asks virtnetworkd for ports, and both may come and go."""
import pathlib
import re
import signal
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import daemon as tested
from conftest import Console, boot
from daemon import virsh, wait_until
from netguests import *  # noqa: F403 - fixtures
from netns import run
from networks import hosts, outside, update  # noqa: F401 - fixtures

# ---- the life of a port ----

def test_port_of_a_run(connection, net):
    domain = start_hlt(connection, interface_xml())
    source = source_of(domain)
    assert source.get("network") == "net" and source.get("bridge") == "br-net"
    assert ports_of() == [source.get("portid")]
    assert on_bridge("br-net") == [target_of(domain)]
    port = virsh("net-port-dumpxml", "net", source.get("portid"), uri=NETWORKS)
    assert "<name>hlt</name>" in port and domain.UUIDString() in port and MAC % 1 in port
    assert "portid" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert "network" in virsh("domiflist", "hlt").split()
    domain.destroy()
    assert ports_of() == [] and on_bridge("br-net") == []


def test_start_that_fails_gives_its_port_back(connection, net):
    domain = connection.defineXML(tested.hlt_xml("hlt", devices=interface_xml() + (
        "<disk type='file'><source file='/nonexistent.img'/><target dev='vda' bus='virtio'/></disk>")))
    in_vain(domain.create)
    assert ports_of() == []


def test_errors_are_those_of_networks(connection, networks, networkd):
    networks.networkDefineXML(network_xml())
    domain = connection.defineXML(tested.hlt_xml("hlt", devices=interface_xml()))
    code, words = in_vain(domain.create)
    assert code == libvirt.VIR_ERR_OPERATION_INVALID and "network 'net' is not active" in words
    domain = connection.defineXML(tested.hlt_xml("other", devices=interface_xml(network="nobody")))
    code, words = in_vain(domain.create)
    assert code == libvirt.VIR_ERR_NO_NETWORK and "no network with matching name 'nobody'" in words
    networkd.kill()
    code, words = in_vain(domain.create)
    assert code == libvirt.VIR_ERR_NO_CONNECT
    assert "virtnetworkd" in words and "systemctl start virtnetworkd.socket" in words
    networkd.start()


def test_plugged_and_unplugged(connection, net):
    domain = start_hlt(connection)
    domain.attachDevice(interface_xml())
    assert ports_of() == [source_of(domain).get("portid")]
    assert on_bridge("br-net") == [target_of(domain)]
    assert in_vain(domain.attachDevice, interface_xml(2, "nobody"))[0] == libvirt.VIR_ERR_NO_NETWORK
    assert live_interface(domain, 2) is None and len(ports_of()) == 1
    domain.destroy()
    assert ports_of() == []


def test_two_guests_at_once(connection, net):
    """and one port each; the same name and address in both documents is no matter"""
    domains = [start_hlt(connection, interface_xml(n), name="hlt%d" % n) for n in range(4)]
    assert sorted(ports_of()) == sorted(source_of(d, n).get("portid") for n, d in enumerate(domains))
    assert len(on_bridge("br-net")) == 4


def test_display_on_a_network(connection, net, networks):
    """listens where the host is on it, and nowhere while it is nowhere"""
    display = "<graphics type='%s' port='-1'><listen type='network' network='net'/></graphics>"
    for kind in ("vnc", "spice"):
        domain = start_hlt(connection, display % kind, name=kind)
        graphics = ElementTree.fromstring(domain.XMLDesc(0)).find("devices/graphics")
        assert graphics.find("listen").get("address") == graphics.get("listen") == "192.168.81.1"
        assert "LISTEN" in run("ss", "-Hlnt", "src", "192.168.81.1:%s" % graphics.get("port"))
        assert "192.168.81.1" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        domain.destroy()
    networks.networkLookupByName("net").destroy()
    domain = connection.defineXML(tested.hlt_xml("hlt", devices=display % "vnc"))
    assert in_vain(domain.create)[0] == libvirt.VIR_ERR_XML_ERROR


# ---- what networks say ----

GROUPS = "<portgroup name='slow'><bandwidth><inbound average='100'/></bandwidth></portgroup>"


def test_portgroup(connection, networks):
    networks.networkCreateXML(network_xml(more=GROUPS))
    domain = start_hlt(connection, interface_xml(source=" portgroup='slow'"))
    assert source_of(domain).get("portgroup") == "slow"
    assert live_interface(domain).find("bandwidth/inbound").get("average") == "100"
    assert domain.interfaceParameters(target_of(domain))["inbound.average"] == 100
    for more, wrong in (("<vlan><tag id='3'/></vlan>", "requesting a vlan tag"), ("", "no port group 'fast'")):
        other = connection.defineXML(tested.hlt_xml("other", devices=interface_xml(
            3, source="" if more else " portgroup='fast'", more=more)))
        code, words = in_vain(other.create)
        assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and wrong in words
        other.undefine()
    assert len(ports_of()) == 1


def test_guarantees(connection, networks):
    """are refused when they are used up, and given back"""
    networks.networkCreateXML(network_xml(more="<bandwidth><inbound average='1000' peak='1000'/></bandwidth>"))
    floor = "<bandwidth><inbound average='500' floor='%d'/></bandwidth>"
    first = start_hlt(connection, interface_xml(1, more=floor % 700))
    second = connection.defineXML(tested.hlt_xml("second", devices=interface_xml(2, more=floor % 301)))
    code, words = in_vain(second.create)
    assert code == libvirt.VIR_ERR_OPERATION_INVALID and "would exceed the inbound bandwidth" in words
    third = start_hlt(connection, name="third")
    assert in_vain(third.attachDevice, interface_xml(3, more=floor % 301))[0] == libvirt.VIR_ERR_OPERATION_INVALID
    third.attachDevice(interface_xml(3, more=floor % 300))
    first.destroy()
    second.create()
    assert len(ports_of()) == 2


@pytest.fixture
def host_bridge():
    run("ip", "link", "add", "br-host", "type", "bridge")
    yield "br-host"
    run("ip", "link", "del", "br-host")


def test_bridge_of_the_host(connection, networks, host_bridge):
    networks.networkCreateXML("<network><name>host</name><forward mode='bridge'/>"
                              "<bridge name='br-host'/></network>")
    domain = start_hlt(connection, interface_xml(network="host"))
    assert live_interface(domain).get("type") == "bridge"
    assert dict(source_of(domain).attrib, portid="") == {"network": "host", "bridge": "br-host", "portid": ""}
    assert on_bridge("br-host") == [target_of(domain)]
    assert "type='network'" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.detachDevice(interface_xml(network="host"))
    domain.destroy()
    assert ports_of("host") == []


LIMITED = "<portgroup name='slow' trustGuestRxFilters='yes'><bandwidth><inbound average='100'/></bandwidth></portgroup>"


def test_document_of_a_guest_that_is_not_stored(connection, networks, host_bridge, daemon):
    """shown as its next start would have it, it says what was asked for, not what the network made of it"""
    networks.networkCreateXML("<network><name>host</name><forward mode='bridge'/><bridge name='%s'/>%s</network>"
                              % (host_bridge, LIMITED))
    connection.createXML(tested.hlt_xml("hlt", devices=interface_xml(network="host", source=" portgroup='slow'")))
    daemon.restart()
    with libvirt.open(tested.URI) as fresh:
        domain = fresh.lookupByName("hlt")
        live = live_interface(domain)
        assert live.get("type") == "bridge" and live.get("trustGuestRxFilters") == "yes"
        assert live.find("bandwidth/inbound").get("average") == "100"
        for flags in (libvirt.VIR_DOMAIN_XML_INACTIVE, libvirt.VIR_DOMAIN_XML_MIGRATABLE):
            shown = interface_of(domain, flags)
            assert shown.get("type") == "network" and "trustGuestRxFilters" not in shown.attrib
            assert shown.find("source").attrib == {"network": "host", "portgroup": "slow"}
            assert shown.find("bandwidth") is None and shown.find("target") is None
        assert "<request" not in domain.XMLDesc()
        # what is asked for while it runs is asked for
        domain.setInterfaceParameters(MAC % 1, {"inbound.average": 300})
        shown = interface_of(domain, libvirt.VIR_DOMAIN_XML_INACTIVE)
        assert shown.find("bandwidth/inbound").get("average") == "300"
        domain.destroy()


@pytest.mark.parametrize("mode", ["bridge", "private", "vepa", "passthrough"])
def test_device_of_the_host(connection, networks, mode):
    run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1")
    try:
        networks.networkCreateXML("<network><name>direct</name><forward mode='%s'><interface dev='up0'/>"
                                  "</forward></network>" % mode)
        domain = connection.defineXML(tested.hlt_xml("hlt", devices=interface_xml(network="direct")))
        try:
            domain.create()
        except libvirt.libvirtError as error:
            if "macvtap" in str(error) and ("not supported" in str(error) or "/dev/tap" in str(error)):
                pytest.skip("no MACVTAP devices here: %s" % error)
            raise
        assert live_interface(domain).get("type") == "direct"
        assert source_of(domain).get("dev") == "up0" and source_of(domain).get("mode") == mode
        second = connection.defineXML(tested.hlt_xml("second", devices=interface_xml(2, "direct")))
        if mode == "passthrough":
            assert "exclusive access" in in_vain(second.create)[1]
        domain.destroy()
        assert ports_of("direct") == []
        second.create()
        second.destroy()
    finally:
        run("ip", "link", "del", "up0")


def test_pool_of_devices(connection, networks):
    """which are none that a guest can have, here; the port is given back"""
    networks.networkCreateXML("<network><name>pool</name><forward mode='hostdev' managed='yes'>"
                              "<address type='pci' domain='0' bus='0' slot='31' function='7'/>"
                              "</forward></network>")
    domain = connection.defineXML(tested.hlt_xml("hlt", devices=interface_xml(network="pool")))
    code, words = in_vain(domain.create)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and "SR-IOV Virtual Functions only" in words
    assert ports_of("pool") == []


# ---- changes ----

def test_moved_to_another_network(connection, networks, net):
    networks.networkCreateXML(network_xml("two", 82, more=GROUPS))
    domain = start_hlt(connection, interface_xml())
    domain.updateDeviceFlags(interface_xml(network="two", source=" portgroup='slow'", more="<link state='down'/>"))
    assert source_of(domain).get("network") == "two" and source_of(domain).get("bridge") == "br-two"
    assert live_interface(domain).find("link").get("state") == "down"
    assert live_interface(domain).find("bandwidth/inbound").get("average") == "100"
    assert on_bridge("br-net") == [] and on_bridge("br-two") == [target_of(domain)]
    assert ports_of() == [] and ports_of("two") == [source_of(domain).get("portid")]
    assert in_vain(domain.updateDeviceFlags, interface_xml(network="nobody"))[0] == libvirt.VIR_ERR_NO_NETWORK
    assert source_of(domain).get("network") == "two"
    domain.updateDeviceFlags(interface_xml())
    assert on_bridge("br-net") == [target_of(domain)] and ports_of("two") == []
    assert live_interface(domain).find("bandwidth") is None
    domain.destroy()
    assert ports_of() == []


# ---- ports of the host ----

FORWARD = """<m:portForward xmlns:m='urn:modvirt:network:1' proto='tcp'><m:guest name='hlt'/>
  <m:range start='8080' to='80'/></m:portForward>"""


def test_forward_to_a_guest_that_runs(connection, networks, networkd):
    """by the guest's name, which is none of the network's"""
    networks.networkCreateXML(network_xml(more=FORWARD).replace(
        "<dhcp>", "<dhcp><host mac='%s' ip='192.168.81.99'/>" % (MAC % 1)))
    forwards = lambda: "192.168.81.99" in run("nft", "list", "ruleset")
    assert not forwards()
    domain = start_hlt(connection, interface_xml())
    assert forwards()
    assert "<modvirt:range start='8080' to='80'/>" in virsh("net-port-dumpxml", "net", ports_of()[0], uri=NETWORKS)
    networkd.restart()
    assert forwards()
    domain.destroy()
    assert not forwards()


# ---- leases ----

UDHCPC = r"""printf '#!/bin/sh\n[ $1 = bound ] && ip addr add $ip/$mask dev $interface && echo LEASE=$ip\n' >/tmp/s;
chmod +x /tmp/s; ip link set eth0 up; udhcpc -i eth0 -n -q -t 20 -T 1 -x hostname:small -s /tmp/s"""


def test_leases(connection, net):
    domain = connection.defineXML(tested.linux_xml("linux", devices=interface_xml()))
    console = boot(domain)
    assert domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE) == {}
    console.send(UDHCPC.replace("\n", " ") + "\n")
    console.wait("LEASE=192.168.81.", 60)
    leases = net.DHCPLeases()
    assert [lease["mac"] for lease in leases] == [MAC % 1]
    found = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
    assert found == {target_of(domain): {"hwaddr": MAC % 1, "addrs": [
        {"addr": leases[0]["ipaddr"], "prefix": 24, "type": libvirt.VIR_IP_ADDR_TYPE_IPV4}]}}
    assert domain.hostname(libvirt.VIR_DOMAIN_GET_HOSTNAME_LEASE) == "small"
    assert leases[0]["ipaddr"] in virsh("domifaddr", "linux")
    # the network is another one now, and the guest is on it
    net.destroy()
    net.create()
    wait_until(lambda: on_bridge("br-net") == [target_of(domain)], what=lambda: on_bridge("br-net"))
    console.send("ping -c 5 -W 20 192.168.81.1 && echo PINGED\n".replace("PING", "PI''NG"))
    console.wait("PINGED", 60)
    console.close()


# ---- restarts ----

def test_virtqemud_is_killed(connection, net, daemon):
    domain = start_hlt(connection, interface_xml())
    port, target = source_of(domain).get("portid"), target_of(domain)
    daemon.kill()
    # ports that it knows nothing of, of a guest of its own: one whose start was cut short, say
    stray = virsh("net-port-create", "net", "/dev/stdin", uri=NETWORKS, text=(
        "<networkport><owner><name>hlt</name><uuid>%s</uuid></owner><mac address='%s'/></networkport>"
        % (domain.UUIDString(), MAC % 9)))
    assert len(ports_of()) == 2, stray
    virsh("net-port-delete", "net", port, uri=NETWORKS)
    run("ip", "link", "set", target, "nomaster")
    daemon.start()
    wait_until(lambda: ports_of() == [port], what=ports_of)
    wait_until(lambda: on_bridge("br-net") == [target], what=lambda: on_bridge("br-net"))
    with libvirt.open(tested.URI) as fresh:
        fresh.lookupByName("hlt").destroy()
    assert ports_of() == []


def test_virtnetworkd_is_killed(connection, net, networkd):
    domain = start_hlt(connection, interface_xml())
    port = source_of(domain).get("portid")
    networkd.restart()
    assert ports_of() == [port] and on_bridge("br-net") == [target_of(domain)]
    # while it is away a guest ends, which nobody waits long for; it hears of that when it is back
    other = start_hlt(connection, interface_xml(2), name="other")
    networkd.kill()
    other.destroy()
    networkd.start()
    wait_until(lambda: ports_of() == [port], what=ports_of)


def test_guest_that_nobody_stores_ends(connection, networks, networkd, daemon):
    """while virtnetworkd is away: what it is owed is known by the port alone, to the next virtqemud too"""
    networks.networkCreateXML(network_xml())
    domain = connection.createXML(tested.hlt_xml("hlt", devices=interface_xml()))
    assert len(ports_of()) == 1
    networkd.kill()
    domain.destroy()
    assert connection.listAllDomains() == []
    daemon.restart()
    networkd.start()
    wait_until(lambda: ports_of() == [], 60, what=ports_of)
    owed = pathlib.Path("/run/libvirt/qemu/owed-ports")
    wait_until(lambda: list(owed.iterdir()) == [], 60, what=lambda: list(owed.iterdir()))


# which waits until it is told to go on
HOOK = """#!/bin/sh
[ "$2" = port-created ] || exit 0
touch /run/hook-waits
while [ ! -e /run/hook-goes ]; do sleep 0.1; done
"""


def test_start_that_is_cut_short(connection, net, daemon):
    """of a guest that nobody stores, when there is a port and virtqemud has not heard of it"""
    hook = pathlib.Path("/etc/libvirt/hooks/network")
    hook.parent.mkdir(exist_ok=True)
    waits, goes = pathlib.Path("/run/hook-waits"), pathlib.Path("/run/hook-goes")
    try:
        hook.write_text(HOOK)
        hook.chmod(0o755)
        thread = threading.Thread(target=in_vain, args=(
            connection.createXML, tested.hlt_xml("hlt", devices=interface_xml())))
        thread.start()
        wait_until(waits.exists, 30)
        daemon.kill()
        goes.touch()
        thread.join()
        wait_until(lambda: len(ports_of()) == 1, 30, what=ports_of)
        daemon.start()
        wait_until(lambda: ports_of() == [], 60, what=ports_of)
        with libvirt.open(tested.URI) as fresh:
            assert fresh.listAllDomains() == []
    finally:
        for path in hook, waits, goes:
            path.unlink(missing_ok=True)


def test_network_comes_and_goes(connection, net):
    domain = start_hlt(connection, interface_xml())
    port, target = source_of(domain).get("portid"), target_of(domain)
    net.destroy()
    assert domain.isActive()
    net.create()
    wait_until(lambda: ports_of() == [port], what=ports_of)
    wait_until(lambda: on_bridge("br-net") == [target], what=lambda: on_bridge("br-net"))


def test_hung_virtnetworkd(connection, net, networkd, daemon):
    """delays the guests that need it, and says so; nobody else"""
    domain = start_hlt(connection, interface_xml())
    networkd.process.send_signal(signal.SIGSTOP)
    try:
        other = start_hlt(connection, name="other")
        assert other.isActive() and domain.info()
        domain.destroy()
        needy = connection.defineXML(tested.hlt_xml("needy", devices=interface_xml(2)))
        code, words = in_vain(needy.create)
        assert code == libvirt.VIR_ERR_NO_CONNECT and "virtnetworkd" in words
        assert not needy.isActive() and other.isActive()
        daemon.restart(signal.SIGTERM)          # which has nothing to wait for
    finally:
        networkd.process.send_signal(signal.SIGCONT)
    wait_until(lambda: ports_of() == [], 60, what=ports_of)
    with libvirt.open(tested.URI) as fresh:
        fresh.lookupByName("needy").create()


# ---- nothing is lost ----

# a hundred a second, 200 at a time, to each address; what each time came of it is in a file
FLOOD = """ip addr add 192.168.81.10/24 dev eth0; ip link set eth0 up; ip route add default via 192.168.81.1;
for a in 192.168.81.1 203.0.113.9; do
(ping -c 1 -W 60 $a; while [ ! -e /tmp/stop ]; do ping -q -i 0.01 -c 200 -W 60 $a; done) >/tmp/flood.$a & done; echo FLO''ODS
"""
COUNT = """touch /tmp/stop; wait; cat /tmp/flood.* | grep loss; echo DO''NE
"""


def test_flood(connection, networks, networkd, daemon, hosts, outside):
    """a guest's own count of its packets, to the host and through it, over kill -9 of both daemons, their
    starts and net-update: all have come back"""
    network = networks.networkCreateXML(network_xml())
    domain = connection.defineXML(tested.linux_xml("linux", devices=interface_xml()))
    console = boot(domain)
    console.send(FLOOD.replace("\n", " ") + "\n")
    console.wait("FLOODS", 60)
    console.close()
    sent = lambda: int(pathlib.Path("/sys/class/net/%s/statistics/rx_packets" % target_of(domain)).read_text())
    before = sent()
    wait_until(lambda: sent() > before + 500, 60)
    for turn in range(3):
        networkd.restart()
        daemon.restart()
        with libvirt.open(NETWORKS) as fresh:
            network = fresh.networkLookupByName("net")
            update(network, "ADD_LAST", "IP_DHCP_HOST", "<host mac='%s' ip='192.168.81.%d'/>" % (MAC % turn, 20 + turn))
            update(network, "ADD_LAST", "DNS_TXT", "<txt name='t%d' value='x'/>" % turn)
            # the rules of all are made anew
            run("nft", "add", "rule", "ip", "modvirt", "from-br-net", "accept")
            wait_until(lambda: "accept\n\t}" not in run("nft", "list", "chain", "ip", "modvirt", "from-br-net"), 30)
    with libvirt.open(tested.URI) as fresh:
        domain = fresh.lookupByName("linux")
        wait_until(lambda: domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING and in_control(domain), 60)
        console = Console(domain)
        console.send(COUNT)
        console.wait("DONE", 120)
        console.close()
        counts = [tuple(map(int, c)) for c in re.findall(r"(\d+) packets transmitted, (\d+) packets received", console.text)]
        assert all(sent == came for sent, came in counts), console.text[-3000:]
        assert sum(sent for sent, came in counts) >= 400
        domain.destroy()


def in_control(domain):
    return domain.controlInfo()[0] == libvirt.VIR_DOMAIN_CONTROL_OK

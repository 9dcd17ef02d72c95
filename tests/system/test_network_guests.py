# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on virtual networks: virtqemud asks virtnetworkd for ports, and both may come and go."""
import os
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import daemon as tested
from client import code_of
from conftest import Console
from daemon import virsh, wait_until
from netns import run

NETWORKS = "network:///system"
MAC = "52:54:00:aa:00:%02x"

NETWORK = """<network>
  <name>%(name)s</name>
  %(forward)s
  <bridge name='%(bridge)s' stp='off'/>
  %(more)s
  <ip address='192.168.%(net)d.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.%(net)d.2' end='192.168.%(net)d.200'/></dhcp>
  </ip>
  <o:options xmlns:o='http://libvirt.org/schemas/network/dnsmasq/1.0'><o:option value='no-ping'/></o:options>
</network>"""

INTERFACE = """<interface type='network'>
  <mac address='%s'/>
  <source network='%s'%s/>
  <model type='virtio'/>
  %s
</interface>"""


def network_xml(name="net", net=81, forward="<forward mode='nat'/>", more=""):
    return NETWORK % {"name": name, "bridge": "br-" + name, "net": net, "forward": forward, "more": more}


def interface_xml(number=1, network="net", source="", more=""):
    return INTERFACE % (MAC % number, network, source, more)


@pytest.fixture(scope="module")
def networkd():
    running = tested.Daemon(name="virtnetworkd").start()
    yield running
    running.stop()


@pytest.fixture
def networks(networkd):
    """an open connection to a virtnetworkd that runs; afterwards there is no network"""
    if not networkd.alive():
        networkd.start()
    opened = libvirt.open(NETWORKS)
    yield opened
    opened.close()
    if not networkd.alive():
        networkd.start()
    with libvirt.open(NETWORKS) as fresh:
        for network in fresh.listAllNetworks():
            active = network.isActive()
            if network.isPersistent():
                network.undefine()
            if active:
                network.destroy()


@pytest.fixture
def net(networks, connection):
    """a network that is active"""
    network = networks.networkDefineXML(network_xml())
    network.create()
    return network


def start_hlt(connection, *interfaces, name="hlt"):
    domain = connection.defineXML(tested.hlt_xml(name, devices="".join(interfaces)))
    domain.create()
    return domain


def live_interface(domain, number=1):
    for element in ElementTree.fromstring(domain.XMLDesc()).iter("interface"):
        if element.find("mac").get("address") == MAC % number:
            return element
    return None


def source_of(domain, number=1):
    return live_interface(domain, number).find("source")


def target_of(domain, number=1):
    return live_interface(domain, number).find("target").get("dev")


def ports_of(network="net"):
    return virsh("net-port-list", network, uri=NETWORKS).split()


def on_bridge(bridge):
    return re.findall(r"^\d+: ([^:@]+)", run("ip", "-o", "link", "show", "master", bridge), re.M)


def in_vain(call, *words):
    with pytest.raises(libvirt.libvirtError) as refused:
        call(*words)
    return refused.value.get_error_code(), str(refused.value)


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


def test_plugged_and_unplugged(connection, net):
    domain = start_hlt(connection)
    domain.attachDevice(interface_xml())
    assert ports_of() == [source_of(domain).get("portid")]
    assert on_bridge("br-net") == [target_of(domain)]
    assert in_vain(domain.attachDevice, interface_xml(2, "nobody"))[0] == libvirt.VIR_ERR_NO_NETWORK
    assert live_interface(domain, 2) is None and len(ports_of()) == 1
    domain.destroy()
    assert ports_of() == []


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


def test_network_comes_and_goes(connection, net):
    domain = start_hlt(connection, interface_xml())
    port, target = source_of(domain).get("portid"), target_of(domain)
    net.destroy()
    assert domain.isActive()
    net.create()
    wait_until(lambda: ports_of() == [port], what=ports_of)
    wait_until(lambda: on_bridge("br-net") == [target], what=lambda: on_bridge("br-net"))


def test_hung_virtnetworkd(connection, net, networkd):
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
    finally:
        networkd.process.send_signal(signal.SIGCONT)
    wait_until(lambda: ports_of() == [], 60, what=ports_of)
    needy.create()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on virtual networks: their documents, the daemon that has the networks, and what can be seen
of both."""
import re
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import daemon as tested
from client import opened, remove_networks, serving
from daemon import virsh
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


networkd = serving("virtnetworkd")


@pytest.fixture
def networks(networkd):
    """an open connection to a virtnetworkd that runs; afterwards there is no network"""
    with opened(networkd, NETWORKS, remove_networks) as connection:
        yield connection


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


def interface_of(domain, flags=0, number=1):
    for element in ElementTree.fromstring(domain.XMLDesc(flags)).iter("interface"):
        if element.find("mac").get("address") == MAC % number:
            return element
    return None


def live_interface(domain, number=1):
    return interface_of(domain, 0, number)


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

# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd: guests' interfaces on networks - what they are given, guaranteed, and plugged into."""
import pathlib
import re

import libvirt
import pytest

from conftest import code_of
from daemon import wait_until
from netns import run
from networks import *  # noqa: F403 - fixtures

ISOLATED = "<port isolated='yes'/>"


def bridge_port(link):
    """options of a device in its bridge"""
    return run("bridge", "-d", "link", "show", "dev", link)


def plug_guest(hosts, network, number, more="", bridge="br-net"):
    """a guest whose interface the network knows; its end of the host has an address like a tap's"""
    port = network.portCreateXML(PORT % (number, more), 0)
    host = hosts("guest%d" % number)
    host.run("ip", "link", "set", "eth0", "address", "52:54:00:7b:35:%02x" % number)
    run("ip", "link", "set", host.link, "address", "fe:54:00:7b:35:%02x" % number)
    run("ip", "link", "set", host.link, "master", bridge)
    host.address("192.168.77.%d/24" % (100 + number))
    return host, port


def test_isolated_ports(connection, hosts):
    network = connection.networkCreateXML(network_xml(more=ISOLATED))
    (one, port), (two, _) = [plug_guest(hosts, network, n) for n in (1, 2)]
    assert ISOLATED in port.XMLDesc(0)
    wait_until(lambda: all("isolated on" in bridge_port(h.link) for h in (one, two)))
    server = two.serve(80)
    assert one.misses("192.168.77.102", 80)
    ping(one, "192.168.77.1")
    del server


def test_mac_table(connection, daemon, hosts):
    """a bridge that learns nothing is told where guests are, and of those alone"""
    network = connection.networkCreateXML(
        network_xml().replace("stp='off'", "stp='off' macTableManager='libvirt'"))
    (one, port), (two, _) = [plug_guest(hosts, network, n) for n in (1, 2)]
    assert "macTableManager='libvirt'" in port.XMLDesc(0)
    stranger = hosts("stranger", "br-net")
    for host in (one, two):
        wait_until(lambda: "learning off flood off" in bridge_port(host.link))
    table = lambda: run("bridge", "fdb", "show", "dev", one.link)
    wait_until(lambda: "52:54:00:7b:35:01 master br-net static" in table(), 30, what=table)
    assert "learning on flood on" in bridge_port(stranger.link)
    ping(one, "192.168.77.102")


# ---- guarantees ----

LIMITED = "<bandwidth><inbound average='%d' peak='%d'/></bandwidth>"
FLOOR = "<bandwidth><inbound average='%d' floor='%d'/></bandwidth>"


def classes():
    """rates of the bridge's traffic classes in KiB a second, by their numbers"""
    text = run("tc", "class", "show", "dev", "br-net")
    units = {"bit": 8000, "Kbit": 8, "Mbit": 0.008}
    return {number: round(int(rate) / units[unit])
            for number, rate, unit in re.findall(r"class htb (\S+) .* rate (\d+)(\w*bit) ", text)}


def test_floor(connection, daemon):
    network = connection.networkCreateXML(network_xml(more=LIMITED % (1000, 2000)))
    assert classes() == {"1:1": 1000, "1:2": 1000}
    first = network.portCreateXML(PORT % (1, FLOOR % (500, 300)), 0)
    second = network.portCreateXML(PORT % (2, FLOOR % (500, 400)), 0)
    assert classes() == {"1:1": 1000, "1:2": 300, "1:3": 300, "1:4": 400}
    assert "u32" in run("tc", "filter", "show", "dev", "br-net")
    # more than there is: refused, and nothing has changed
    with pytest.raises(libvirt.libvirtError, match="would exceed") as caught:
        network.portCreateXML(PORT % (3, FLOOR % (500, 1400)), 0)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(first.setParameters, {"inbound.floor": 1700}, 0) == libvirt.VIR_ERR_OPERATION_INVALID
    first.setParameters({"inbound.floor": 100}, 0)
    assert classes() == {"1:1": 1000, "1:2": 500, "1:3": 100, "1:4": 400}
    first.setParameters({"inbound.floor": 0}, 0)
    assert classes() == {"1:1": 1000, "1:2": 600, "1:4": 400}
    first.setParameters({"inbound.floor": 200}, 0)
    assert "classID='3'" in first.XMLDesc(0)
    # a bridge that is made again has them
    run("ip", "link", "del", "br-net")
    wait_until(lambda: "br-net" in run("ip", "-o", "link") and
               classes() == {"1:1": 1000, "1:2": 400, "1:3": 200, "1:4": 400}, 30)
    second.delete(0)
    assert classes() == {"1:1": 1000, "1:2": 800, "1:3": 200}
    # a number that a client makes up is not taken
    made_up = "<bandwidth classID='3'><inbound average='10'/></bandwidth>"
    assert "classID" not in network.portCreateXML(PORT % (5, made_up), 0).XMLDesc(0)


def test_floor_without_limits(connection):
    network = connection.networkCreateXML(network_xml())
    assert code_of(network.portCreateXML, PORT % (1, FLOOR % (500, 300)), 0) == \
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED


# ---- switches of others ----

OVS = """<network><name>ovs</name><forward mode='bridge'/><bridge name='ovsbr'/>
  <vlan trunk='yes'><tag id='42'/><tag id='47'/></vlan><virtualport type='openvswitch'/>
  <portgroup name='red'><vlan><tag id='5'/></vlan><virtualport type='openvswitch'>
    <parameters profileid='red'/></virtualport></portgroup></network>"""
BLUE = "<group>red</group><virtualport type='openvswitch'><parameters profileid='blue'/></virtualport>"


def test_openvswitch(connection):
    """what a switch is to be told is in the port's document, whole"""
    network = connection.networkCreateXML(OVS)
    plain = network.portCreateXML(PORT % (1, ""), 0).XMLDesc(0)
    assert re.search(r"<virtualport type='openvswitch'>\s*<parameters interfaceid='[0-9a-f-]{36}'/>", plain)
    assert "<tag id='42'/>" in plain and "<plug type='bridge' bridge='ovsbr'/>" in plain
    red = network.portCreateXML(PORT % (2, "<group>red</group>"), 0).XMLDesc(0)
    assert "profileid='red'" in red and "<tag id='5'/>" in red and "<tag id='42'/>" not in red
    assert code_of(network.portCreateXML, PORT % (3, BLUE), 0) == libvirt.VIR_ERR_XML_ERROR
    other = "<virtualport type='802.1Qbh'><parameters profileid='x'/></virtualport>"
    with pytest.raises(libvirt.libvirtError, match="mismatched types"):
        network.portCreateXML(PORT % (4, other), 0)
    bridge = connection.networkCreateXML("<network><name>br</name><forward mode='bridge'/><bridge name='b0'/></network>")
    assert code_of(bridge.portCreateXML, PORT % (5, other), 0) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


# ---- virtual functions ----

@pytest.fixture
def adapter():
    """eth-pf, an adapter with two virtual functions, the second without a network device"""
    run("mount", "-t", "tmpfs", "tmpfs", "/sys/class/net")
    device = pathlib.Path("/sys/class/net/eth-pf/device")
    device.mkdir(parents=True)
    for number in range(2):
        folder = device / ("0000:06:10.%d" % (number * 2))
        folder.mkdir()
        (device / ("virtfn%d" % number)).symlink_to(folder)
    (device / "virtfn0/net/eth-vf0").mkdir(parents=True)
    yield "eth-pf"
    run("umount", "/sys/class/net")


def test_virtual_functions(connection, daemon, adapter):
    text = "<network><name>%s</name><forward mode='%s' managed='yes'><pf dev='%s'/></forward></network>"
    pool = connection.networkDefineXML(text % ("pool", "hostdev", adapter))
    pool.create()
    assert pool.XMLDesc().count("<address type='pci'") == 2
    assert "<address" not in pool.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    assert "bus='0x06' slot='0x10' function='0x0'" in pool.portCreateXML(PORT % (1, ""), 0).XMLDesc(0)
    daemon.restart()
    with libvirt.open(URI) as fresh:
        pool = fresh.networkLookupByName("pool")
        assert "bus='0x06' slot='0x10' function='0x2'" in pool.portCreateXML(PORT % (2, ""), 0).XMLDesc(0)
        with pytest.raises(libvirt.libvirtError, match="none are available"):
            pool.portCreateXML(PORT % (3, ""), 0)
        through = fresh.networkCreateXML(text % ("through", "passthrough", adapter))
        assert "dev='eth-vf0' mode='passthrough'" in through.portCreateXML(PORT % (4, ""), 0).XMLDesc(0)
        with pytest.raises(libvirt.libvirtError, match="No usable Vf's present on SRIOV PF lo"):
            fresh.networkCreateXML(text % ("none", "hostdev", "lo"))


# ---- the administrator's word ----

def test_port_hook(connection):
    hook, log = pathlib.Path("/etc/libvirt/hooks/network"), pathlib.Path("/run/hook-port.log")
    hook.parent.mkdir(exist_ok=True)
    try:
        hook.write_text("#!/bin/sh\necho \"$@\" >>%s\ngrep 'mac ' >>%s\n[ ! -e /run/hook-fails ]\n" % (log, log))
        hook.chmod(0o755)
        network = connection.networkCreateXML(network_xml(more="<mac address='52:54:00:00:00:01'/>"))
        log.unlink()
        network.portCreateXML(PORT % (1, ""), 0).delete(0)
        lines = [line.strip() for line in log.read_text().splitlines()]
        macs = ["<mac address='52:54:00:00:00:01'/>", "<mac address='52:54:00:7b:35:01'/>"]
        assert lines == ["net port-created begin -", *macs, "net port-deleted begin -", *macs]
        pathlib.Path("/run/hook-fails").touch()
        assert code_of(network.portCreateXML, PORT % (2, ""), 0) == libvirt.VIR_ERR_HOOK_SCRIPT_FAILED
        assert network.listAllPorts(0) == []
        pathlib.Path("/run/hook-fails").unlink()
    finally:
        hook.unlink()

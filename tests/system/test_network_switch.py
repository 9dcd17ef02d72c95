# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on Open vSwitch: a real one in user space, which needs no module of the kernel, and what its
program is told."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import libvirt
import pytest

import daemon as tested
from conftest import boot
from daemon import wait_until
from netguests import *  # noqa: F403 - fixtures
from netns import Host, run

NETWORK = """<network><name>ovs</name><forward mode='bridge'/><bridge name='ovsbr'/>
  <virtualport type='openvswitch'/>
  <portgroup name='seven'><vlan><tag id='7'/></vlan></portgroup>
  <portgroup name='eight'><vlan><tag id='8'/></vlan></portgroup></network>"""


# ---- a real switch ----

FOLDER = pathlib.Path("/run/openvswitch")       # where its programs look for it, and nobody's but the sandbox's
SCHEMA = pathlib.Path("/usr/share/openvswitch/vswitch.ovsschema")


class Switch:
    """its database and its daemon, in the foreground, with a bridge that forwards in user space"""

    def __init__(self):
        FOLDER.mkdir()
        run("ovsdb-tool", "create", FOLDER / "conf.db", SCHEMA)
        self.processes = []
        try:
            self.begin("ovsdb-server", FOLDER / "conf.db", "--remote=punix:%s/db.sock" % FOLDER)
            wait_until(lambda: tested.accepts(FOLDER / "db.sock"), 30)
            run("ovs-vsctl", "--no-wait", "init")
            self.begin("ovs-vswitchd")
            run("ovs-vsctl", "--timeout=30", "add-br", "ovsbr", "--", "set", "bridge", "ovsbr",
                "datapath_type=netdev")
        except BaseException:
            self.stop()
            raise

    def begin(self, program, *options):
        with open(tested.LOG.parent / (program + ".out"), "ab") as log:
            self.processes.append(subprocess.Popen(
                [program, *options, "--unixctl=%s/%s.ctl" % (FOLDER, program)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)
        shutil.rmtree(FOLDER)
        for device in "ovsbr", "ovs-netdev":
            run("ip", "link", "del", device, check=False)

    def ports(self):
        return run("ovs-vsctl", "--timeout=30", "list-ports", "ovsbr").split()

    def facts(self, port):
        """VLAN, and by what others know the interface"""
        ask = lambda table, column: json.loads(run(
            "ovs-vsctl", "--timeout=30", "--format=json", "--columns=" + column, "find", table,
            "name=" + port))["data"][0][0]
        return ask("Port", "tag"), dict(ask("Interface", "external_ids")[1])


@pytest.fixture(scope="module")
def real():
    if not SCHEMA.exists() or not shutil.which("ovs-vswitchd"):
        pytest.skip("no Open vSwitch here: install openvswitch-switch")
    running = Switch()
    yield running
    running.stop()


@pytest.fixture
def hosts(real):
    """two hosts on the switch: of VLAN 7 and of VLAN 8"""
    made = [Host("seven"), Host("eight")]
    for number, host in enumerate(made):
        host.address("10.7.0.%d/24" % (7 + number))
        run("ovs-vsctl", "--timeout=30", "add-port", "ovsbr", host.link, "tag=%d" % (7 + number))
    yield made
    for host in made:
        run("ovs-vsctl", "--timeout=30", "del-port", "ovsbr", host.link)
        host.remove()


def check_vlan(member, stranger):
    """member reaches the guest, stranger does not"""
    reach = lambda host: host.run("busybox", "ping", "-c", 1, "-W", 1, "10.7.0.1", check=False).returncode == 0
    wait_until(lambda: reach(member), 30)
    assert not reach(stranger)


def test_traffic_by_vlan(connection, networks, daemon, real, hosts):
    """from the guest's start to its end, over the end of virtqemud and a change of the guest's VLAN"""
    seven, eight = hosts
    networks.networkCreateXML(NETWORK)
    domain = connection.defineXML(tested.linux_xml(
        "linux", devices=interface_xml(network="ovs", source=" portgroup='seven'")))
    console = boot(domain)
    console.send("ip addr add 10.7.0.1/24 dev eth0; ip link set eth0 up && echo REA''DY\n")
    console.wait("READY")
    target = target_of(domain)
    port = live_interface(domain).find("virtualport/parameters").get("interfaceid")
    known = {"attached-mac": MAC % 1, "iface-id": port, "vm-id": domain.UUIDString(), "iface-status": "active"}
    assert real.facts(target) == (7, known)
    check_vlan(seven, eight)
    console.close()
    daemon.restart()
    with libvirt.open(tested.URI) as fresh:
        domain = fresh.lookupByName("linux")
        assert real.facts(target) == (7, known)
        check_vlan(seven, eight)
        domain.updateDeviceFlags(interface_xml(network="ovs", source=" portgroup='eight'"))
        assert real.facts(target) == (8, known)
        check_vlan(eight, seven)
        domain.destroy()
        wait_until(lambda: target not in real.ports(), what=real.ports)
        assert ports_of("ovs") == []


def test_guest_that_ends_alone(connection, networks, daemon, real):
    """while virtqemud is away: the next one takes the port out of the switch"""
    networks.networkCreateXML(NETWORK)
    start_hlt(connection, interface_xml(network="ovs", source=" portgroup='seven'"))
    assert len(real.ports()) == 1
    daemon.kill()
    os.kill(tested.emulator_pids("hlt")[0], signal.SIGKILL)
    wait_until(lambda: tested.emulator_pids("hlt") == [])
    assert len(real.ports()) == 1
    daemon.start()
    wait_until(lambda: real.ports() == [], what=real.ports)


# ---- one of ours plays the part of the switch's program ----

SWITCH = """#!/bin/sh
[ -e /run/ovs/broken ] && echo 'ovs-vsctl: no bridge named ovsbr' >&2 && exit 1
printf '%s|' "$@" >>/run/ovs/said
echo >>/run/ovs/said
"""
VIRTUAL_PORT = "<virtualport type='openvswitch'><parameters profileid='web'/></virtualport>"
ON_SWITCH = """<interface type='bridge'><mac address='%s'/><source bridge='ovsbr'/><model type='virtio'/>
  <vlan trunk='yes'><tag id='5' nativeMode='untagged'/><tag id='6'/></vlan>%s</interface>"""


@pytest.fixture
def switch(connection, daemon):
    """what the program was told, in lines"""
    folder = pathlib.Path("/run/ovs")
    folder.mkdir()
    (folder / "ovs-vsctl").write_text(SWITCH)
    (folder / "ovs-vsctl").chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = "%s:%s" % (folder, before)
    daemon.restart()
    yield folder
    os.environ["PATH"] = before
    daemon.restart()
    subprocess.run(["rm", "-r", folder], check=True)


def test_port_of_a_switch(switch, networks):
    networks.networkCreateXML(NETWORK)
    with libvirt.open(tested.URI) as connection:
        domain = start_hlt(connection, interface_xml(network="ovs", source=" portgroup='seven'"),
                           ON_SWITCH % (MAC % 2, VIRTUAL_PORT))
        first, second = (switch / "said").read_text().splitlines()
        target, port = target_of(domain), live_interface(domain).find("virtualport/parameters")
        assert first.split("|")[:-1] == (
            "ovs-vsctl --timeout=5 -- --if-exists del-port %(dev)s -- add-port ovsbr %(dev)s tag=7 "
            "-- set Interface %(dev)s external-ids:attached-mac=\"%(mac)s\" "
            "-- set Interface %(dev)s external-ids:iface-id=\"%(id)s\" "
            "-- set Interface %(dev)s external-ids:vm-id=\"%(uuid)s\" "
            "-- set Interface %(dev)s external-ids:iface-status=\"active\"" % {
                "dev": target, "mac": MAC % 1, "id": port.get("interfaceid"),
                "uuid": domain.UUIDString()}).split()[1:]
        assert "vlan_mode=native-untagged|tag=5|trunk=5,6|" in second
        assert 'external-ids:port-profile="web"' in second
        (switch / "said").unlink()
        domain.destroy()
        assert sorted((switch / "said").read_text().splitlines()) == sorted(
            "--timeout=5|--|--if-exists|del-port|%s|" % name for name in (target, re.search(
                r"add-port\|ovsbr\|([^|]+)", second)[1]))
        (switch / "broken").touch()
        code, words = in_vain(domain.create)
        assert "Unable to add port" in words and "no bridge named ovsbr" in words
        assert ports_of("ovs") == []


def test_vlan_needs_a_switch(connection):
    domain = connection.defineXML(tested.hlt_xml("hlt", devices=ON_SWITCH % (MAC % 2, "")))
    code, words = in_vain(domain.create)
    assert code == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert "interface of type 'bridge' is requesting a vlan tag" in words

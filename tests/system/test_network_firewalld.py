# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd beside a real firewalld, on a message bus of their own."""
import pathlib
import shutil
import subprocess

import libvirt
import pytest

import daemon as tested
import networks
from daemon import wait_until
from netns import run
from networks import *  # noqa: F403 - fixtures

pytestmark = pytest.mark.skipif(not shutil.which("firewalld") or not shutil.which("dbus-daemon"),
                                reason="no firewalld, or no dbus-daemon")
OURS = tested.ROOT / "virtnetworkd" / "firewalld"
FOLDERS = {"zones": ["libvirt", "libvirt-routed"],
           "policies": ["libvirt-routed-in", "libvirt-routed-out", "libvirt-to-host"]}


class Firewalld:
    """with its own configuration: what is installed, and what we add"""
    process = None

    def start(self):
        folder = pathlib.Path("/run/firewalld-etc")
        for name, files in FOLDERS.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(OURS / (file + ".xml"), folder / name)
        shutil.copy("/etc/firewalld/firewalld.conf", folder)
        self.process = subprocess.Popen(
            ["firewalld", "--nofork", "--nopid", "--system-config", folder, "--log-file", "/run/firewalld.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: run("firewall-cmd", "--state", check=False).stdout == "running\n", 60)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        run("nft", "delete", "table", "inet", "firewalld", check=False)


@pytest.fixture(scope="module")
def bus():
    pathlib.Path("/run/dbus").mkdir()
    process = subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile"])
    wait_until(pathlib.Path("/run/dbus/system_bus_socket").exists)
    yield process
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def daemon(bus):
    running = tested.Daemon(name="virtnetworkd").start()
    yield running
    running.stop()


@pytest.fixture
def firewalld(daemon):
    running = Firewalld()
    running.start()
    yield running
    running.stop()


def zone_of(bridge):
    return run("firewall-cmd", "--get-zone-of-interface=" + bridge, check=False).stdout.strip()


def zoned(zone):
    return network_xml().replace("stp='off'", "stp='off' zone='%s'" % zone)


def test_none(connection):
    """who asks for a zone is told that nobody makes one"""
    with pytest.raises(libvirt.libvirtError,
                       match="zone public requested for network net but firewalld is not active") as caught:
        connection.networkCreateXML(zoned("public"))
    assert caught.value.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR
    assert connection.listAllNetworks() == []


def test_zone(connection, firewalld):
    network = connection.networkCreateXML(zoned("trusted"))
    assert zone_of("br-net") == "trusted"
    network.destroy()
    assert zone_of("br-net") == ""
    with pytest.raises(libvirt.libvirtError, match="INVALID_ZONE: nowhere"):
        connection.networkCreateXML(zoned("nowhere"))
    wait_until(lambda: networks.leftovers() == "", what=networks.leftovers)


def test_usual_zone(connection, firewalld, hosts, outside):
    """guests get addresses, and reach outside; also after a reload, and another firewalld's start"""
    connection.networkCreateXML(network_xml())
    server = outside.serve(80)
    guest = hosts("guest", "br-net")
    assert guest.dhcp()["router"] == "192.168.77.1"
    for step in (lambda: run("firewall-cmd", "--reload"),
                 lambda: (firewalld.stop(), firewalld.start())):
        assert zone_of("br-net") == "libvirt"
        assert guest.reaches(OUTSIDE, 80)
        check("net", 0)
        step()
        wait_until(lambda: zone_of("br-net") == "libvirt", 60)
    assert guest.reaches(OUTSIDE, 80)
    # out of its zone it is one of those that firewalld knows nothing of
    run("firewall-cmd", "--zone=libvirt", "--remove-interface=br-net")
    assert guest.misses(OUTSIDE, 80)
    assert "table inet firewalld, chain filter_" in check("net", 1)
    del server


def test_routed(connection, firewalld, hosts, outside):
    connection.networkCreateXML(network_xml(forward="<forward mode='route'/>"))
    assert zone_of("br-net") == "libvirt-routed"
    guest = plug(hosts, "guest")
    servers = [outside.serve(80), guest.serve(80)]
    assert guest.ask(OUTSIDE, 80) == "192.168.77.10"
    assert outside.ask("192.168.77.10", 80) == OUTSIDE
    assert hosts("dhcp", "br-net").dhcp()["router"] == "192.168.77.1"
    check("net", 0)
    del servers

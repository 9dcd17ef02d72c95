# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtnetworkd: networks with real bridges, dnsmasq, nftables, and namespaces as guests and hosts."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

import libvirt
import pytest

import daemon as tested
import netns
from conftest import code_of
from daemon import wait_until
from netns import run
from networks import *  # noqa: F403 - fixtures

# ---- the life of a network ----

def test_life(connection, daemon):
    events = []
    connection.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                       lambda c, n, event, detail, _: events.append(event), None)
    network = connection.networkDefineXML(network_xml())
    assert (network.isActive(), network.isPersistent(), network.autostart()) == (0, 1, 0)
    assert code_of(network.destroy) == libvirt.VIR_ERR_OPERATION_INVALID
    network.create()
    assert code_of(network.create) == libvirt.VIR_ERR_OPERATION_INVALID
    assert network.bridgeName() == "br-net"
    assert "<port start='1024' end='65535'/>" in network.XMLDesc()
    assert "<port " not in network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    network.setAutostart(True)
    assert pathlib.Path("/etc/libvirt/qemu/networks/autostart/net.xml").is_symlink()
    network.undefine()
    assert network.isPersistent() == 0
    network.destroy()
    assert code_of(connection.networkLookupByName, "net") == libvirt.VIR_ERR_NO_NETWORK
    wait_until(lambda: events == [0, 2, 1, 3], what=lambda: events)
    wait_until(lambda: leftovers() == "", what=leftovers)


def test_stock_client(connection):
    path = pathlib.Path("/run/net.xml")
    path.write_text(network_xml("shell"))
    virsh = lambda *words: tested.virsh(*words, uri=URI)
    virsh("net-define", path)
    virsh("net-start", "shell")
    virsh("net-autostart", "shell")
    assert re.search(r"shell\s+active\s+yes\s+yes", virsh("net-list", "--all"))
    info = virsh("net-info", "shell")
    assert re.search(r"Bridge:\s+br-shell", info) and re.search(r"Autostart:\s+yes", info)
    virsh("net-dumpxml", "shell")
    virsh("net-destroy", "shell")
    assert re.search(r"shell\s+inactive", virsh("net-list", "--all"))
    virsh("net-undefine", "shell")
    virsh("net-create", path)
    assert re.search(r"shell\s+active\s+no\s+no", virsh("net-list"))


def test_refusals(connection, hosts):
    connection.networkDefineXML(network_xml()).create()
    # one bridge: both names
    with pytest.raises(libvirt.libvirtError, match="'net' and 'other'"):
        connection.networkDefineXML(network_xml("other", bridge="br-net"))
    # one range: at the start
    other = connection.networkDefineXML(network_xml("other"))
    with pytest.raises(libvirt.libvirtError, match="'other' and 'net' can't both"):
        other.create()
    # one MAC address
    mac = "<mac address='52:54:00:00:00:77'/>"
    connection.networkCreateXML(network_xml("mac", net="192.168.78", more=mac))
    with pytest.raises(libvirt.libvirtError, match="'same' and 'mac' can't both have the MAC address"):
        connection.networkCreateXML(network_xml("same", net="192.168.79", more=mac))
    # a route of the host: interface and route
    host = hosts("lan")
    run("ip", "addr", "add", "10.55.1.1/24", "dev", host.link)
    third = connection.networkDefineXML(network_xml("third", net="10.55.1"))
    with pytest.raises(libvirt.libvirtError, match="interface %s.*10.55.1.0/24" % host.link):
        third.create()
    # a device that is not ours
    run("ip", "link", "add", "br-third", "type", "bridge")
    run("ip", "addr", "del", "10.55.1.1/24", "dev", host.link)
    with pytest.raises(libvirt.libvirtError, match="'br-third' already"):
        third.create()
    run("ip", "link", "del", "br-third")
    third.create()
    # where in the document, and what would be right
    with pytest.raises(libvirt.libvirtError, match=r"line 3: .*forward/@mode: 'nut'.*did you mean 'nat'"):
        connection.networkDefineXML(network_xml("bad", forward="<forward mode='nut'/>"))


def test_no_dnsmasq_no_network(connection):
    """what dnsmasq refuses ends the start, and leaves nothing"""
    text = network_xml().replace("no-ping", "no-such-option")
    with pytest.raises(libvirt.libvirtError, match="dnsmasq"):
        connection.networkCreateXML(text)
    assert connection.listAllNetworks() == []
    wait_until(lambda: leftovers() == "", what=leftovers)


# ---- what guests get ----

def test_addresses_and_names(connection, hosts):
    more = """<domain name='test.lan' localOnly='yes'/><dns>
      <host ip='192.168.77.240'><hostname>static</hostname></host>
      <txt name='text' value='a "quoted", value'/>
      <srv service='web' protocol='tcp' domain='test.lan' target='static' port='80'/></dns>"""
    fixed = "<host mac='52:54:00:77:00:99' name='fixed' ip='192.168.77.99'/>"
    network = connection.networkCreateXML(network_xml(more=more, dhcp=fixed))
    one, two = hosts("one", "br-net"), hosts("two", "br-net")
    two.run("ip", "link", "set", "eth0", "address", "52:54:00:77:00:99")
    got = one.dhcp("guest-one")
    assert got["router"] == "192.168.77.1" and got["domain"] == "test.lan"
    assert two.dhcp()["address"] == "192.168.77.99"
    leases = {lease["ipaddr"]: lease for lease in network.DHCPLeases()}
    assert leases[got["address"]]["hostname"] == "guest-one"
    assert leases[got["address"]]["prefix"] == 24
    assert leases["192.168.77.99"]["mac"] == "52:54:00:77:00:99"
    assert [l["ipaddr"] for l in network.DHCPLeases("52:54:00:77:00:99")] == ["192.168.77.99"]
    with pytest.raises(libvirt.libvirtError, match="invalid MAC address: bogus"):
        network.DHCPLeases("bogus")
    assert connection.networkDefineXML(network_xml("idle", net="192.168.78")).DHCPLeases() == []
    for name, address in (("guest-one", got["address"]), ("static.test.lan", "192.168.77.240"),
                          ("fixed", "192.168.77.99")):
        resolve(one, name, address)
    # text that has a meaning elsewhere is just text
    resolve(one, "text", 'a "quoted", value', "-type=txt")


# ---- who reaches whom ----

def test_nat(connection, hosts, outside):
    connection.networkCreateXML(network_xml())
    guest, other = plug(hosts, "guest"), plug(hosts, "other", number=11)
    servers = [outside.serve(80), guest.serve(80)]
    assert guest.ask(OUTSIDE, 80) == "203.0.113.1"         # the host's address
    assert other.ask("192.168.77.10", 80) == "192.168.77.11"
    assert outside.misses("192.168.77.10", 80)
    assert isinstance(outside.ask("192.168.77.10", 80), ConnectionRefusedError)
    assert netns.ask("192.168.77.10", 80) == "192.168.77.1"  # this host
    del servers


def test_route(connection, hosts, outside):
    connection.networkCreateXML(network_xml(forward="<forward mode='route'/>"))
    guest = plug(hosts, "guest")
    servers = [outside.serve(80), guest.serve(80)]
    assert guest.ask(OUTSIDE, 80) == "192.168.77.10"
    assert outside.ask("192.168.77.10", 80) == OUTSIDE
    del servers


def test_isolated(connection, hosts, outside):
    connection.networkCreateXML(network_xml(forward=""))
    run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    guest, other = plug(hosts, "guest"), plug(hosts, "other", number=11)
    servers = [outside.serve(80), guest.serve(80)]
    assert guest.misses(OUTSIDE, 80)
    assert outside.misses("192.168.77.10", 80)
    assert other.ask("192.168.77.10", 80) == "192.168.77.11"
    del servers


def test_networks_do_not_meet(connection, hosts):
    connection.networkCreateXML(network_xml("a", net="192.168.78"))
    connection.networkCreateXML(network_xml("b", net="192.168.79"))
    one = plug(hosts, "one", "br-a", "192.168.78")
    two = plug(hosts, "two", "br-b", "192.168.79")
    server = two.serve(80)
    assert one.misses("192.168.79.10", 80)
    del server


def test_open(connection, hosts, outside):
    connection.networkCreateXML(network_xml(forward="<forward mode='open'/>"))
    guest = plug(hosts, "guest")
    server = guest.serve(80)
    assert outside.ask("192.168.77.10", 80) == OUTSIDE
    assert "br-net" not in run("nft", "list", "ruleset")
    del server


IPV6 = "<ip family='ipv6' address='fd00:77::1' prefix='64'/>"


@pytest.mark.parametrize("nat, seen", [("", "fd00:77::10"), ("<nat ipv6='yes'/>", "2001:db8:f::1")])
def test_ipv6(connection, hosts, outside, nat, seen):
    import socket
    connection.networkCreateXML(network_xml(ipv6=IPV6, forward="<forward mode='nat'>%s</forward>" % nat))
    guest = hosts("guest", "br-net")
    guest.address("fd00:77::10/64", "fd00:77::1")
    servers = [outside.serve(80, "::", socket.AF_INET6), guest.serve(80, "::", socket.AF_INET6)]
    assert guest.ask(OUTSIDE6, 80) == seen
    if nat:
        assert outside.misses("fd00:77::10", 80)
    else:
        assert outside.reaches("fd00:77::10", 80)
    del servers


def test_router_advertisement(connection, hosts):
    connection.networkCreateXML(network_xml(ipv6=IPV6))
    guest = hosts("guest", "br-net")
    wait_until(lambda: "fd00:77:" in guest.run("ip", "-6", "addr", "show", "dev", "eth0"), 60,
               what=lambda: guest.run("ip", "-6", "addr"))


FORWARD = """<m:portForward xmlns:m='urn:modvirt:network:1' proto='tcp' address='203.0.113.1'>
  <m:guest mac='52:54:00:77:00:99'/><m:range start='8080' end='8081' to='80'/></m:portForward>"""


def test_port_forward(connection, hosts, outside):
    fixed = "<host mac='52:54:00:77:00:99' name='fixed' ip='192.168.77.99'/>"
    network = connection.networkCreateXML(network_xml(dhcp=fixed, more=FORWARD))
    assert "<modvirt:portForward" in network.XMLDesc()
    guest = plug(hosts, "guest", number=99)
    assert "192.168.77.99" not in run("nft", "list", "ruleset")      # the guest is not plugged in
    port, other_port = join(network, "52:54:00:77:00:99"), join(network, "52:54:00:77:00:98")
    assert re.search(r"<modvirt:portForward proto='tcp' address='203.0.113.1'>\s*<modvirt:guest "
                     r"mac='52:54:00:77:00:99'/>\s*<modvirt:range start='8080' end='8081' to='80'/>", port.XMLDesc(0))
    assert "portForward" not in other_port.XMLDesc(0)
    servers = [guest.serve(80), guest.serve(81)]
    assert outside.ask("203.0.113.1", 8080) == OUTSIDE
    assert outside.ask("203.0.113.1", 8081) == OUTSIDE
    assert outside.misses("203.0.113.1", 8082)
    assert netns.ask("203.0.113.1", 8080) == "203.0.113.1"   # from this host
    other = plug(hosts, "other", number=98)
    assert other.reaches("203.0.113.1", 8080)                # from beside it
    # with the guest's interface they go, as one transaction, and come
    with netns.transactions() as count:
        port.delete(0)
    assert count() == 1 and outside.misses("203.0.113.1", 8080)
    with netns.transactions() as count:
        join(network, "52:54:00:77:00:99")
    assert count() == 1 and outside.ask("203.0.113.1", 8081) == OUTSIDE
    network.destroy()
    assert outside.misses("203.0.113.1", 8080)
    del servers


# ---- without rights ----

def without_rights(words):
    """a command that starts a daemon without CAP_NET_ADMIN"""
    return ["setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin", *words]


def test_no_capability(connection, daemon):
    """one error says what is missing; what runs stays, and nothing is left of what does not start"""
    connection.networkCreateXML(network_xml()).destroy()
    daemon.kill()
    daemon.prefix = without_rights([])
    try:
        daemon.start()
        with libvirt.open(URI) as fresh:
            network = fresh.networkDefineXML(network_xml())
            with pytest.raises(libvirt.libvirtError, match="CAP_NET_ADMIN") as caught:
                network.create()
            assert caught.value.get_error_code() == libvirt.VIR_ERR_OPERATION_DENIED
            assert caught.value.get_error_message().count("\n") == 0 and not network.isActive()
            network.undefine()
        assert leftovers() == ""
    finally:
        daemon.prefix = []
        daemon.restart()


def test_session(connection):
    """of a user: networks are kept in the user's folders, and starting one says what it needs"""
    home = pathlib.Path("/run/user-home")
    home.mkdir(mode=0o755, exist_ok=True)
    os.chown(home, 65534, 65534)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i", "HOME=%s" % home,
             "XDG_RUNTIME_DIR=%s" % home, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *tested.sanitizer_options(), daemon_path()]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    path = home / "libvirt" / "virtnetworkd-sock"
    try:
        wait_until(lambda: tested.accepts(path) or process.poll() is not None)
        with libvirt.open("network+unix:///session?socket=%s" % path) as session:
            network = session.networkDefineXML(network_xml("mine"))
            assert (home / ".config/libvirt/qemu/networks/mine.xml").exists()
            with pytest.raises(libvirt.libvirtError, match="CAP_NET_ADMIN"):
                network.create()
            assert [n.name() for n in session.listAllNetworks()] == ["mine"] and not network.isActive()
        assert "mine" not in [n.name() for n in connection.listAllNetworks()]
    finally:
        process.terminate()
        assert process.wait(30) == 0, tested.take_reports()


def daemon_path():
    return tested.BUILD / "virtnetworkd" / "virtnetworkd"


# ---- restarts and accidents ----

def test_killed(connection, daemon, hosts):
    network = connection.networkDefineXML(network_xml())
    network.create()
    guest = hosts("guest", "br-net")
    got = guest.dhcp("guest")
    pids, rules = dnsmasq_pids(), sorted(run("nft", "list", "ruleset").splitlines())
    daemon.restart(signal.SIGKILL)
    with libvirt.open(URI) as fresh:
        network = fresh.networkLookupByName("net")
        assert network.isActive()
        assert [l["ipaddr"] for l in network.DHCPLeases()] == [got["address"]]
        assert dnsmasq_pids() == pids
        assert sorted(run("nft", "list", "ruleset").splitlines()) == rules


def test_gone_while_away(connection, daemon):
    """a restart makes what has been taken away"""
    connection.networkCreateXML(network_xml())
    daemon.kill()
    for pid in dnsmasq_pids():
        tested.os.kill(pid, signal.SIGKILL)
    run("nft", "flush", "ruleset")
    run("ip", "link", "del", "br-net")
    daemon.start()
    assert "192.168.77.1/24" in run("ip", "addr", "show", "br-net")
    assert "masquerade" in run("nft", "list", "ruleset")
    wait_until(lambda: dnsmasq_pids("net"))


def test_dnsmasq_ends(connection, daemon, hosts):
    network = connection.networkCreateXML(network_xml())
    events = []
    connection.networkEventRegisterAny(network, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE,
                                       lambda c, n, event, detail, _: events.append(event), None)
    guest = hosts("guest", "br-net")
    got = guest.dhcp("guest")
    pids = dnsmasq_pids()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "dnsmasq has ended" in daemon.log_tail(), 60)
    wait_until(lambda: set(dnsmasq_pids()) - set(pids), 60)
    wait_until(lambda: events == [libvirt.VIR_NETWORK_EVENT_STARTED], 60, what=lambda: events)
    # its successor knows the leases there were
    assert [l["ipaddr"] for l in network.DHCPLeases()] == [got["address"]]
    resolve(guest, "guest", got["address"])


def test_dnsmasq_of_a_network_that_goes(connection, daemon):
    """is not looked after any more"""
    said = daemon.log.read_text()
    for _ in range(10):
        network = connection.networkCreateXML(network_xml())
        os.kill(int(pathlib.Path("/run/libvirt/network/net.pid").read_text()), signal.SIGKILL)
        network.destroy()
    assert "error :" not in daemon.log.read_text()[len(said):]


def test_leases_can_not_be_kept(connection, daemon):
    """of a dnsmasq that runs: both are looked after once they can"""
    connection.networkCreateXML(network_xml())
    kept = int(pathlib.Path("/run/libvirt/network/net.pid").read_text())
    daemon.kill()
    run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/var/lib/libvirt/dnsmasq")
    said = daemon.log.read_text()
    try:
        daemon.start()
        wait_until(lambda: daemon.log.read_text()[len(said):].count("Read-only file system") >= 2, 60,
                   what=daemon.log_tail)
    finally:
        run("umount", "/var/lib/libvirt/dnsmasq")
    wait_until(lambda: watches(daemon, kept), 60, what=daemon.log_tail)
    assert dnsmasq_pids() == [kept]


def watches(daemon, pid):
    """has the daemon a descriptor of that process?"""
    for path in pathlib.Path("/proc/%d/fdinfo" % daemon.process.pid).iterdir():
        with contextlib.suppress(FileNotFoundError):
            if "\nPid:\t%d\n" % pid in path.read_text():
                return True
    return False


def kill_dnsmasq():
    """also one that is just becoming a daemon, and so is two"""
    def no_more():
        for pid in dnsmasq_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not dnsmasq_pids()
    wait_until(no_more, 60)


def test_dnsmasq_can_not_start(connection, daemon):
    """for a while: it is tried again, also by the next daemon"""
    connection.networkCreateXML(network_xml())
    complaints = lambda: daemon.log.read_text().count("Read-only file system")
    for restart in (False, True):
        said = complaints()
        if restart:
            daemon.kill()
        run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/var/lib/libvirt/dnsmasq")
        try:
            kill_dnsmasq()
            if restart:
                daemon.start()
            wait_until(lambda: complaints() >= said + 2, 60, what=daemon.log_tail)
            assert dnsmasq_pids() == []
        finally:
            run("umount", "/var/lib/libvirt/dnsmasq")
        wait_until(lambda: dnsmasq_pids() and pathlib.Path("/run/libvirt/network/net.pid").exists(), 60)


# ---- living with others ----

@pytest.mark.parametrize("order", ["flush ruleset", "delete table ip modvirt",
                                   "flush chain ip modvirt from-br-net",
                                   "add rule ip modvirt forward drop"])
def test_rules_are_put_back(connection, daemon, order):
    connection.networkCreateXML(network_xml())
    rules = sorted(run("nft", "list", "ruleset").splitlines())
    said = daemon.log_tail().count("put back")
    run("nft", *order.split())
    wait_until(lambda: sorted(run("nft", "list", "ruleset").splitlines()) == rules, 30)
    wait_until(lambda: daemon.log_tail().count("put back") > said)


def test_rules_of_others_are_theirs(connection, daemon):
    """no loop: what others do in their own tables is not answered"""
    connection.networkCreateXML(network_xml())
    before = daemon.log_tail().count("put back")
    for _ in range(20):
        run("nft", "add table ip other; add chain ip other c; delete table ip other")
    connection.networkCreateXML(network_xml("second", net="192.168.80")).destroy()
    assert daemon.log_tail().count("put back") == before


def test_check(connection, daemon, hosts, outside):
    """who drops the network's packets is named; with what is asked for, they pass"""
    check("net", 2)
    connection.networkCreateXML(network_xml())
    check("net", 0)
    guest = plug(hosts, "guest")
    server = outside.serve(80)
    try:
        run("nft", "add table ip filter; add chain ip filter FORWARD "
                   "{ type filter hook forward priority 0; policy drop; }")
        assert guest.misses(OUTSIDE, 80)
        assert "table ip filter, chain FORWARD drops" in check("net", 1)
        for way in ("iifname", "oifname"):
            run("nft", "add", "rule", "ip", "filter", "FORWARD", way, '"br-net"', "accept")
        assert guest.reaches(OUTSIDE, 80)
        check("net", 0)
        run("nft", "insert", "rule", "ip", "filter", "FORWARD", "oifname", '"br-net"', "drop")
        assert 'rule: oifname "br-net" drop' in check("net", 1)
    finally:
        run("nft", "delete table ip filter", check=False)
    daemon.kill()
    run("ip", "link", "del", "br-net")
    assert "bridge 'br-net' is gone" in check("net", 1)
    daemon.start()
    check("net", 0)
    del server


def test_check_without_the_daemon(connection, daemon):
    """what it alone would mend is named in turn, as long as it does not run"""
    connection.networkCreateXML(network_xml())
    forward = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
    daemon.kill()
    run("nft", "delete", "table", "ip6", "modvirt")
    assert "its rules are not in table ip6 modvirt" in check("net", 1)
    run("nft", "delete", "table", "ip", "modvirt")
    assert "its rules are not in table ip modvirt" in check("net", 1)
    forward.write_text("0")
    assert "ip_forward is 0" in check("net", 1)
    os.kill(int(pathlib.Path("/run/libvirt/network/net.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: "its dnsmasq does not run" in check("net", 1), 30)
    forward.write_text("1")
    daemon.start()
    wait_until(lambda: "nothing wrong" in run(tested.BUILD / "virtnetworkd/virtnetworkd", "--check", "net",
                                              check=False).stdout, 30)


def test_firewall_backend(daemon):
    """what can't be had is refused by name at the start"""
    config = pathlib.Path("/etc/libvirt/network.conf")
    daemon.stop()
    try:
        config.write_text('firewall_backend = "iptables"\n')
        done = run(tested.BUILD / "virtnetworkd/virtnetworkd", check=False)
        assert done.returncode != 0 and f'{config}: firewall_backend = "iptables": only "nftables"' in done.stderr
        config.write_text('firewall_backend = "nftables"\n')
        daemon.start()
    finally:
        config.unlink()
        if not daemon.alive():
            daemon.start()


def test_hook(connection):
    hook, log = pathlib.Path("/etc/libvirt/hooks/network"), pathlib.Path("/run/hook.log")
    hook.parent.mkdir(exist_ok=True)
    try:
        hook.write_text("#!/bin/sh\necho \"$@\" >>/run/hook.log\ngrep -q '<name>net</name>'\n")
        hook.chmod(0o755)
        connection.networkCreateXML(network_xml()).destroy()
        assert log.read_text() == "net start begin -\nnet started begin -\nnet stopped end -\n"
        log.unlink()
        # of each change, whether or not what runs has it
        network = connection.networkDefineXML(network_xml())
        for flags in (2, 1, 2, 3):
            update(network, "ADD_LAST", "DNS_TXT", "<txt name='t%d' value='x'/>" % time.monotonic_ns(), flags)
            if not network.isActive():
                network.create()
        network.destroy()
        network.undefine()
        words = [line.split()[1] for line in log.read_text().splitlines()]
        assert words == ["updated", "start", "started", "updated", "updated", "updated", "stopped"]
        hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
        with pytest.raises(libvirt.libvirtError, match="not today") as caught:
            connection.networkCreateXML(network_xml())
        assert caught.value.get_error_code() == libvirt.VIR_ERR_HOOK_SCRIPT_FAILED
        wait_until(lambda: leftovers() == "", what=leftovers)
    finally:
        hook.unlink()


# ---- net-update ----

def test_update(connection, hosts):
    network = connection.networkDefineXML(network_xml())
    network.create()
    guest = hosts("guest", "br-net")
    got = guest.dhcp("guest")["address"]
    guest.run("ip", "link", "set", "eth0", "address", "52:54:00:77:00:50")
    both = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    host = "<host mac='52:54:00:77:00:50' name='fixed' ip='192.168.77.%d'/>"
    update(network, "ADD_LAST", "IP_DHCP_HOST", host % 50, both)
    assert host % 50 in network.XMLDesc() and \
        host % 50 in network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    assert guest.dhcp()["address"] == "192.168.77.50"
    assert code_of(update, network, "ADD_LAST", "IP_DHCP_HOST", host % 50) == \
        libvirt.VIR_ERR_OPERATION_INVALID
    update(network, "MODIFY", "IP_DHCP_HOST", host % 51)
    assert host % 51 in network.XMLDesc() and \
        host % 51 not in network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
    update(network, "DELETE", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:50' ip='192.168.77.51'/>")
    assert host % 51 not in network.XMLDesc()
    # names at once, records by a new process that knows the leases
    update(network, "ADD_LAST", "DNS_HOST", "<host ip='192.168.77.230'><hostname>more</hostname></host>")
    resolve(guest, "more", "192.168.77.230")
    update(network, "ADD_FIRST", "DNS_TXT", "<txt name='text' value='words'/>")
    resolve(guest, "text", "words", "-type=txt")
    assert got in [l["ipaddr"] for l in network.DHCPLeases()]
    update(network, "ADD_LAST", "PORTGROUP", "<portgroup name='web'/>", both)
    update(network, "DELETE", "PORTGROUP", "<portgroup name='web'/>", both)
    assert code_of(update, network, "ADD_LAST", "DNS_TXT", "<txt name='a' value='b&#10;c'/>") == \
        libvirt.VIR_ERR_XML_DETAIL
    assert code_of(update, network, "MODIFY", "BRIDGE", "<bridge name='x'/>") == \
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED


# what is there before each step; then command, section, element, and the error's code, or what the document
# says afterwards (with -: no more)
THERE = """<dns><txt name='t1' value='v1'/><host ip='192.168.77.240'><hostname>h1</hostname></host>
  <srv service='s1' protocol='tcp' domain='d.lan' target='x' port='1'/></dns><portgroup name='p1' default='yes'/>"""
STEPS = [
    ("ADD_LAST", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:02' ip='192.168.77.12'/>", "77:00:02"),
    ("ADD_LAST", "IP_DHCP_HOST", "<host id='0:1' mac='52:54:00:77:00:02' ip='192.168.77.12'/>", "id='0:1'"),
    ("ADD_LAST", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:01' ip='192.168.77.12'/>", 55),
    ("ADD_LAST", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:01'/>", 27),
    ("MODIFY", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:09' ip='192.168.77.11'/>", "77:00:09"),
    ("MODIFY", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:09' ip='192.168.77.99'/>", 55),
    ("DELETE", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:01'/>", "-77:00:01"),
    ("DELETE", "IP_DHCP_HOST", "<host ip='192.168.77.11'/>", "-77:00:01"),
    ("DELETE", "IP_DHCP_HOST", "<host mac='52:54:00:77:00:09'/>", 55),
    ("DELETE", "IP_DHCP_HOST", "<host mac='52:54:0:77:0:1'/>", "-77:00:01"),
    ("DELETE", "IP_DHCP_HOST", "<host/>", 27), ("ADD_LAST", "IP_DHCP_HOST", "<range/>", 27),
    # the only <ip> that it can mean is of IPv4
    ("ADD_LAST", "IP_DHCP_HOST", "<host name='six' ip='fd00:77::5'/>", 55),
    ("ADD_LAST", "IP_DHCP_HOST", "<host id='0:1' ip='fd00:77::5'/>", 27),
    ("DELETE", "IP_DHCP_RANGE", "<range start='192.168.77.100'/>", 27),
    ("DELETE", "DNS_HOST", "<host/>", 35), ("DELETE", "DNS_TXT", "<txt/>", 35),
    ("DELETE", "PORTGROUP", "<portgroup/>", 27), ("ADD_LAST", "PORTGROUP", "<host/>", 27),
    ("ADD_FIRST", "IP_DHCP_RANGE", "<range start='192.168.77.20' end='192.168.77.30'/>", "77.20"),
    ("ADD_FIRST", "IP_DHCP_RANGE", "<range start='192.168.77.100' end='192.168.77.200'/>", 55),
    ("MODIFY", "IP_DHCP_RANGE", "<range start='192.168.77.20' end='192.168.77.30'/>", 84),
    ("DELETE", "IP_DHCP_RANGE", "<range start='192.168.77.100' end='192.168.77.200'/>", "-77.100"),
    ("ADD_LAST", "DNS_HOST", "<host ip='192.168.77.241'><hostname>h1</hostname></host>", "77.241"),
    ("ADD_LAST", "DNS_HOST", "<host ip='192.168.77.240'><hostname>h2</hostname></host>", 55),
    ("MODIFY", "DNS_HOST", "<host ip='192.168.77.240'/>", 84),
    ("DELETE", "DNS_HOST", "<host ip='192.168.77.240'/>", "-77.240"),
    ("DELETE", "DNS_HOST", "<host><hostname>h1</hostname></host>", "-77.240"),
    ("DELETE", "DNS_HOST", "<host ip='192.168.77.243'/>", 55),
    ("ADD_LAST", "DNS_TXT", "<txt name='t1' value='v2'/>", 55),
    ("MODIFY", "DNS_TXT", "<txt name='t1'/>", 84),
    ("DELETE", "DNS_TXT", "<txt name='t1'/>", "-t1"),
    ("ADD_LAST", "DNS_SRV", "<srv service='s2' protocol='udp' domain='d.lan' target='y' port='2'/>", "'s2'"),
    ("DELETE", "DNS_SRV", "<srv service='s1' protocol='tcp'/>", "-'s1'"),
    ("DELETE", "DNS_SRV", "<srv service='s9'/>", 55),
    ("ADD_LAST", "PORTGROUP", "<portgroup name='p3' default='yes'/>", 55),
    ("MODIFY", "PORTGROUP", "<portgroup name='p1'/>", "<portgroup name='p1'/>"),
    ("DELETE", "PORTGROUP", "<portgroup name='p1'/>", "-'p1'"),
    ("ADD_LAST", "FORWARD_INTERFACE", "<interface dev='e1'/>", "<interface dev='e1'/>"),
    ("MODIFY", "IP", "<ip address='10.9.0.1' netmask='255.255.255.0'/>", 84),
    ("ADD_LAST", "FORWARD", "<forward mode='route'/>", 84), ("MODIFY", "DOMAIN", "<domain name='x'/>", 84),
    ("ADD_LAST", "FORWARD_PF", "<pf dev='e0'/>", 84),
]


def test_update_of_each_section(connection):
    host = "<host mac='52:54:00:77:00:01' name='a' ip='192.168.77.11'/>"
    for command, section, element, wanted in STEPS:
        network = connection.networkDefineXML(network_xml(more=THERE, dhcp=host))
        before, config = network.XMLDesc(), libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
        if isinstance(wanted, int):
            assert code_of(update, network, command, section, element, config) == wanted, (command, element)
            assert network.XMLDesc() == before
        else:
            update(network, command, section, element, config)
            assert (wanted.lstrip("-") in network.XMLDesc()) == (wanted[0] != "-"), (command, element)
        # what does not run is not changed while it runs
        assert code_of(update, network, command, section, element) == libvirt.VIR_ERR_OPERATION_INVALID
        network.undefine()


# by flags - none, live, config, both - of networks that are active and stored, active, stored: what has changed
FLAGS = [("running", "live live config both"), ("transient", "live live 55 55"), ("stored", "config 55 config 55")]


@pytest.mark.parametrize("state, wanted", FLAGS)
def test_update_by_flags(connection, state, wanted):
    """the document that is meant, and dnsmasq's files if it runs by it"""
    begin = connection.networkCreateXML if state == "transient" else connection.networkDefineXML
    network = begin(network_xml(more=THERE))
    if state == "running":
        network.create()
    folder = pathlib.Path("/var/lib/libvirt/dnsmasq")
    has = lambda text, file: text in (folder / file).read_text() if (folder / file).exists() else False
    for flags, result in enumerate(wanted.split()):
        mac, ip = "52:54:00:77:00:%02x" % (flags + 1), "192.168.77.%d" % (20 + flags)
        steps = [("IP_DHCP_HOST", "<host mac='%s' ip='%s'/>" % (mac, ip), "net.hostsfile", mac + "," + ip),
                 ("DNS_HOST", "<host ip='%s'><hostname>n</hostname></host>" % ip, "net.addnhosts", ip + "\tn"),
                 ("DNS_TXT", "<txt name='flags%d' value='x'/>" % flags, "net.conf", "txt-record=flags%d,x" % flags)]
        for section, element, file, line in steps:
            look = lambda: [element.split("><")[0] in network.XMLDesc(),
                            element.split("><")[0] in network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE), has(line, file)]
            code = code_of(update, network, "ADD_LAST", section, element, flags)
            assert code == (int(result) if result.isdigit() else None), (flags, section)
            live, config = result in ("live", "both"), result in ("config", "both")
            assert look() == [live if state != "stored" else config, config or (live and state == "transient"), live]
            if code is None:
                update(network, "DELETE", section, element, flags)
                assert look() == [False] * 3


def test_update_that_dnsmasq_must_start_for(connection):
    """the first host of DHCPv6 is served at once"""
    network = connection.networkCreateXML(network_xml(ipv6=IPV6, more="<dns enable='no'/>"))
    process = pathlib.Path("/run/libvirt/network/net.pid").read_text
    config = pathlib.Path("/var/lib/libvirt/dnsmasq/net.conf").read_text
    before = process()
    assert "port=0" in config() and "fd00:77::1,ra-only" in config()
    update(network, "ADD_LAST", "IP_DHCP_HOST", "<host name='six' ip='fd00:77::66'/>", parent=1)
    assert "dhcp-range=fd00:77::1,static,64" in config()
    after = process()
    assert after != before
    update(network, "ADD_LAST", "IP_DHCP_HOST", "<host name='seven' ip='fd00:77::67'/>", parent=1)
    assert process() == after           # it read the hosts again


def test_update_of_interfaces(connection):
    """the first is that which others are forwarded by"""
    network = connection.networkDefineXML("<network><name>net</name><forward mode='bridge'><interface dev='e0'/>"
                                          "<interface dev='e1'/></forward></network>")
    config = libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    update(network, "ADD_FIRST", "FORWARD_INTERFACE", "<interface dev='e2'/>", config)
    assert "<forward dev='e2' mode='bridge'>" in network.XMLDesc()
    update(network, "DELETE", "FORWARD_INTERFACE", "<interface dev='e2'/>", config)
    assert "<forward dev='e0' mode='bridge'>" in network.XMLDesc()
    assert code_of(update, network, "ADD_LAST", "FORWARD_INTERFACE", "<interface dev='e1'/>", config) == \
        libvirt.VIR_ERR_OPERATION_INVALID


# ---- ports ----

def test_ports(connection, daemon):
    more = "<bandwidth><inbound average='1000' peak='2000'/></bandwidth>" \
           "<portgroup name='slow' default='yes'><bandwidth><outbound average='10'/></bandwidth></portgroup>"
    network = connection.networkCreateXML(network_xml(more=more))
    first = network.portCreateXML(PORT % (1, ""), 0)
    text = first.XMLDesc(0)
    assert "<plug type='network' bridge='br-net'/>" in text and "<outbound average='10'/>" in text
    assert "connections='1'" in network.XMLDesc()
    floor = "<bandwidth><inbound average='500' floor='1500'/></bandwidth>"
    second = network.portCreateXML(PORT % (2, floor), 0)
    assert "classID='3'" in second.XMLDesc(0)
    assert code_of(network.portCreateXML, PORT % (3, floor), 0) == libvirt.VIR_ERR_OPERATION_INVALID
    plugged = PORT % (4, "<plug type='network' bridge='br-net'/>")
    assert code_of(network.portCreateXML, plugged, 0) == libvirt.VIR_ERR_INVALID_ARG
    second.setParameters({"inbound.floor": 100, "inbound.average": 600}, 0)
    assert second.parameters(0)["inbound.floor"] == 100
    uuid = second.UUIDString()
    daemon.restart()
    with libvirt.open(URI) as fresh:
        network = fresh.networkLookupByName("net")
        assert len(network.listAllPorts(0)) == 2
        second = network.portLookupByUUIDString(uuid)
        assert second.parameters(0)["inbound.average"] == 600
        second.delete(0)
        assert code_of(network.portLookupByUUIDString, uuid) == libvirt.VIR_ERR_NO_NETWORK_PORT
        assert "connections='1'" in network.XMLDesc()
    assert "networkport" not in tested.virsh("net-dumpxml", "net", uri=URI)


def test_ports_of_pools(connection):
    text = "<network><name>%s</name><forward mode='%s'>%s</forward></network>"
    pool = connection.networkCreateXML(text % ("pool", "passthrough",
                                               "<interface dev='e0'/><interface dev='e1'/>"))
    plugs = [re.search("<plug.*>", pool.portCreateXML(PORT % (n, ""), 0).XMLDesc(0))[0] for n in (1, 2)]
    assert plugs == ["<plug type='direct' dev='e0' mode='passthrough'/>",
                     "<plug type='direct' dev='e1' mode='passthrough'/>"]
    with pytest.raises(libvirt.libvirtError, match="none are available"):
        pool.portCreateXML(PORT % (3, ""), 0)
    address = "<address type='pci' domain='0' bus='3' slot='0' function='1'/>"
    devices = connection.networkCreateXML(text % ("devices", "hostdev", address))
    assert "<plug type='hostdev-pci' managed='no'>" in devices.portCreateXML(PORT % (1, ""), 0).XMLDesc(0)
    assert code_of(devices.portCreateXML, PORT % (2, ""), 0) == libvirt.VIR_ERR_INTERNAL_ERROR
    connection.networkCreateXML("<network><name>br</name><forward mode='bridge'/><bridge name='b0'/></network>")
    port = connection.networkLookupByName("br").portCreateXML(PORT % (1, ""), 0)
    assert "<plug type='bridge' bridge='b0'/>" in port.XMLDesc(0)


# ---- figures ----

def test_many(connection, daemon):
    """a restart with many networks changes no rule, and answers at once"""
    for number in range(20):
        connection.networkCreateXML(network_xml("n%d" % number, net="10.9.%d" % number))
    rules = run("nft", "list", "ruleset")
    base = [l for l in rules.splitlines() if "vmap" in l]
    assert len(base) == 10                          # a packet's way does not grow with networks
    watch = subprocess.Popen(["nft", "monitor"], stdout=subprocess.PIPE, text=True)
    daemon.restart()
    watch.terminate()
    assert watch.communicate()[0] == ""
    assert run("nft", "list", "ruleset") == rules
    with libvirt.open(URI) as fresh:
        assert fresh.numOfNetworks() == 20

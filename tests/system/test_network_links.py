# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests' interfaces that are on no bridge: what a Linux guest sends on each comes out at the other end,
and what is sent there reaches it."""
import pathlib
import shutil
import socket
import struct
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

import daemon as tested
from conftest import boot
from daemon import SOCKET, hlt_xml, wait_until
from netns import run
from wire import Client

MAC = "52:54:00:ab:00:%02x"
LINK = "<interface type='%s'><mac address='%s'/><source %s/><model type='virtio'/></interface>"
ECHO = b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"        # of ARP: who has an address?


def ask(number, sender=b"\x52\x54\x00\xab\xff\xff"):
    """a frame that asks the guest for the address of its interface number"""
    return b"\xff" * 6 + sender + ECHO + sender + bytes((10, 1, number, 9)) + bytes(6) + bytes((10, 1, number, 1)) + bytes(18)


def is_answer(frame, number):
    """the guest says that the address is its own"""
    mac = bytes.fromhex((MAC % number).replace(":", ""))
    return frame[6:12] == mac and frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2" and frame[22:28] == mac


class Datagrams:
    """a frame is a datagram"""

    def __init__(self, listener, peer):
        self.socket, self.peer = listener, peer
        listener.settimeout(1)

    def send(self, frame):
        self.socket.sendto(frame, self.peer)

    def receive(self):
        return self.socket.recv(65536)


class Stream:
    """a frame has its length before it"""

    def __init__(self, connected):
        self.socket, self.data = connected, b""
        connected.settimeout(1)

    def send(self, frame):
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)

    def receive(self):
        while len(self.data) < 4 or len(self.data) < 4 + struct.unpack(">I", self.data[:4])[0]:
            data = self.socket.recv(65536)
            assert data, "closed"
            self.data += data
        end = 4 + struct.unpack(">I", self.data[:4])[0]
        frame, self.data = self.data[4:end], self.data[end:]
        return frame


def answers(link, number):
    """the guest's answer comes back, of what it is asked"""
    link.send(ask(number))
    try:
        while not is_answer(link.receive(), number):
            pass
    except TimeoutError:
        return False
    return True


def bound(kind, address, port=0):
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


@pytest.fixture
def group():
    """a route for multicast, which has no other device here"""
    run("ip", "route", "add", "239.0.0.0/8", "dev", "lo")
    yield "239.1.2.3"
    run("ip", "route", "del", "239.0.0.0/8", "dev", "lo")


OTHERS = """<interface type='user'><mac address='52:54:00:ab:00:04'/><model type='virtio'/></interface>
  <interface type='ethernet'><mac address='52:54:00:ab:00:05'/><source><ip address='10.1.5.9' prefix='24'/>
  <ip address='fd00:5::9' family='ipv6' prefix='64'/><route address='10.2.0.0' prefix='16' gateway='10.1.5.1'/></source>
  <target dev='linktap'/><model type='virtio'/></interface>"""
COMMANDS = """ip addr add 10.2.0.1/16 dev lo; for n in 0 1 2 3 5; do ip addr add 10.1.$n.1/24 dev eth$n; ip link set eth$n up; done; ip link set eth4 up;
udhcpc -i eth4 -n -q -t 20 -T 1 -s /bin/true 2>&1; echo REA''DY
"""


def test_kinds(connection, group):
    """mcast, udp, client, server; user, with its own DHCP; and ethernet, with
    addresses and a route of the host"""
    many = bound(socket.SOCK_DGRAM, group)
    many.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton("127.0.0.1"))
    many.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    single, listener = bound(socket.SOCK_DGRAM, "127.0.0.1"), bound(socket.SOCK_STREAM, "127.0.0.1")
    listener.listen(1)
    free = [bound(kind, "127.0.0.1") for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    (mine, theirs), port = [s.getsockname()[1] for s in free], lambda s: s.getsockname()[1]
    for one in free:
        one.close()
    links = [("mcast", "address='%s' port='%d'" % (group, port(many))),
             ("udp", "address='127.0.0.1' port='%d'><local address='127.0.0.1' port='%d'/></source" % (port(single), mine)),
             ("client", "address='127.0.0.1' port='%d'" % port(listener)),
             ("server", "address='127.0.0.1' port='%d'" % theirs)]
    devices = "".join((LINK % (kind, MAC % number, source)).replace("</source/>", "</source>")
                      for number, (kind, source) in enumerate(links))
    domain = connection.defineXML(tested.linux_xml("linux", devices=devices + OTHERS))
    console = boot(domain)
    console.send(COMMANDS.replace("\n", " ") + "\n")
    console.wait("READY", 120)
    assert "10.0.2.15" in console.text
    for address in ("10.1.5.1", "10.2.0.1"):
        run("busybox", "ping", "-q", "-c", "5", "-i", "0.1", "-W", "20", address)
    assert "fd00:5::9/64" in run("ip", "-6", "addr", "show", "dev", "linktap")
    accepted, _ = listener.accept()
    ends = [Datagrams(many, (group, port(many))), Datagrams(single, ("127.0.0.1", mine)), Stream(accepted),
            Stream(socket.create_connection(("127.0.0.1", theirs), 30))]
    for number, (end, (kind, _)) in enumerate(zip(ends, links)):
        wait_until(lambda: answers(end, number), 60, what=kind)
    console.close()
    domain.destroy()
    for one in (many, single, listener, accepted, ends[3].socket):
        one.close()


@pytest.fixture
def macvtap():
    """a device of the host on top of which there can be others"""
    run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1")
    try:
        run("ip", "link", "add", "link", "up0", "name", "try0", "type", "macvtap")
        run("ip", "link", "del", "try0")
        yield "up0"
    except AssertionError as error:
        pytest.skip("no MACVTAP devices here: %s" % error)
    finally:
        run("ip", "link", "del", "up0")


GROUP = "33:33:ff:12:34:56"        # in which neighbours look for fd00::12:3456


def joined(device):
    return GROUP in run("ip", "maddr", "show", "dev", device)


def addresses(domain, number):
    """as the document has them, and as the host's device has its own"""
    interface = ElementTree.fromstring(domain.XMLDesc()).findall("devices/interface")[number]
    mac, device = interface.find("mac"), interface.find("target").get("dev")
    return mac.get("address"), mac.get("currentAddress"), run("cat", "/sys/class/net/%s/address" % device).strip()


def test_what_a_guest_wants_to_get(connection, macvtap):
    """its own address and groups reach the host's device if it is trusted, the document in any case"""
    kind = "<interface type='direct'%s><mac address='%s'/><source dev='up0' mode='bridge'/><model type='virtio'/></interface>"
    devices = kind % (" trustGuestRxFilters='yes'", MAC % 0) + kind % ("", MAC % 1)
    domain = connection.defineXML(tested.linux_xml("linux", devices=devices))
    console = boot(domain)
    trusted, other = [i.find("target").get("dev") for i in ElementTree.fromstring(domain.XMLDesc()).iter("interface")]
    with Client(SOCKET) as client:
        client.open().call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", {"eventID": 27})
        console.send("for n in 0 1; do ip link set eth$n address 02:00:00:00:01:0$n up; done; "
                     "for n in 0 1; do ip addr add fd00::12:3456/64 dev eth$n; done\n")
        told = [client.wait_event("DOMAIN_EVENT_NIC_MAC_CHANGE", timeout=60) for _ in range(2)]
    assert sorted((event["alias"], event["oldMAC"], event["newMAC"]) for event in told) == [
        ("net%d" % n, MAC % n, "02:00:00:00:01:0%d" % n) for n in range(2)]
    wait_until(lambda: joined(trusted), 60, what="the group")
    assert addresses(domain, 0) == (MAC % 0, "02:00:00:00:01:00", "02:00:00:00:01:00")
    assert addresses(domain, 1) == (MAC % 1, "02:00:00:00:01:01", MAC % 1)
    assert not joined(other)
    assert "currentAddress" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    console.send("ip addr del fd00::12:3456/64 dev eth0; ip link set eth0 promisc on\n")
    wait_until(lambda: not joined(trusted), 60, what="the group to be left")
    wait_until(lambda: "PROMISC" in run("ip", "link", "show", trusted), 60, what="all frames to be asked for")
    console.send("ip link set eth0 address %s promisc off\n" % (MAC % 0))
    wait_until(lambda: addresses(domain, 0) == (MAC % 0, None, MAC % 0), 60, what="its first address")
    wait_until(lambda: "PROMISC" not in run("ip", "link", "show", trusted), 60, what="its own frames alone to be asked for")
    console.close()
    # who begins to trust it later learns what it wanted before
    text = ElementTree.tostring(ElementTree.fromstring(domain.XMLDesc()).findall("devices/interface")[1], "unicode")
    domain.updateDeviceFlags(text.replace("<interface ", "<interface trustGuestRxFilters='yes' "))
    wait_until(lambda: addresses(domain, 1) == (MAC % 1, "02:00:00:00:01:01", "02:00:00:00:01:01"), 60, what="its address")
    domain.destroy()


PORTS = [("802.1Qbh", "profileid='x'", "an adapter that takes port profiles"),
         ("midonet", "interfaceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'", "mm-ctl"),
         ("802.1Qbg", "managerid='11' typeid='1193047' typeidversion='2'", "lldpad")]


@pytest.mark.parametrize("kind, parameters, missing", PORTS)
def test_switches_that_are_not_here(connection, kind, parameters, missing):
    """what would be needed is named"""
    port = "<virtualport type='%s'><parameters %s/></virtualport>" % (kind, parameters)
    domain = connection.defineXML(tested.hlt_xml("hlt", devices="""<interface type='direct'>
      <source dev='lo' mode='vepa'/>%s<model type='virtio'/></interface>""" % port))
    with pytest.raises(libvirt.libvirtError, match=missing) as caught:
        domain.create()
    assert caught.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert not domain.isActive()


class Switch(threading.Thread):
    """the far end of a vhost-user interface: says what it can, and which descriptors it has got"""
    HEADER = struct.Struct("<III")
    REPLY = 5                                               # version 1, a reply
    ANSWERS = {1: 1 << 32 | 1 << 30, 15: 0, 17: 1}          # features, those of the protocol, queues

    def __init__(self, path, listens):
        super().__init__(daemon=True)
        self.path, self.listens, self.asked = str(path), listens, []
        self.link = socket.socket(socket.AF_UNIX)
        if listens:
            self.link.bind(self.path)
            self.link.listen()
        self.start()

    def reach(self):
        if self.listens:
            return self.link.accept()[0]
        wait_until(lambda: self.link.connect_ex(self.path) == 0, 60, 0.05, "QEMU's socket")
        return self.link

    def run(self):
        link = self.reach()
        while header := link.recv(self.HEADER.size):
            request, _, size = self.HEADER.unpack(header)
            link.recv(size) if size else None
            self.asked.append(request)
            if request in self.ANSWERS:
                link.sendall(self.HEADER.pack(request, self.REPLY, 8) + struct.pack("<Q", self.ANSWERS[request]))


@pytest.mark.parametrize("mode", ["client", "server"])
def test_vhost_user(connection, mode):
    """QEMU goes to the switch, or the switch comes to QEMU"""
    folder = pathlib.Path("/run/switch")
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "libvirt-qemu")
    path = folder / mode
    switch = Switch(path, listens=mode == "client")
    if path.exists():
        shutil.chown(path, "libvirt-qemu")
    device = "<interface type='vhostuser'><source type='unix' path='%s' mode='%s'/><model type='virtio'/></interface>"
    shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu"
    domain = connection.createXML(hlt_xml("far", devices=device % (path, mode)).replace("<vcpu", shared, 1))
    wait_until(lambda: 3 in switch.asked, what="the switch's owner")
    domain.destroy()
    switch.join(30)
    assert not switch.is_alive()
    shutil.rmtree(folder)

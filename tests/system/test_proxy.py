# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtproxyd: the legacy socket leads to the daemons, and adds nothing but the way."""
import io
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import threading
import time

import libvirt
import pytest
import wire
from conftest import boot, code_of
from daemon import URI, Daemon, hlt_xml, is_sanitized, virsh, wait_until

LEGACY = URI + "?mode=legacy"
PROXY_SOCKET = "/run/libvirt/libvirt-sock"
HUNG_AFTER = 10  # seconds, after which a daemon that does not open its driver is given up


@pytest.fixture(scope="module")
def proxy(daemon):
    running = Daemon(name="virtproxyd", path=PROXY_SOCKET).start()
    yield running
    running.stop()


@pytest.fixture
def legacy(proxy, connection):
    opened = libvirt.open(LEGACY)
    yield opened
    try:
        opened.close()
    except libvirt.libvirtError:  # its daemon has been killed since
        pass
    assert proxy.alive(), proxy.log_tail()


@pytest.fixture
def beside(proxy):
    """a link to another daemon, which is to notice nothing"""
    secrets = Daemon(name="virtsecretd").start()
    opened = libvirt.open("secret:///system?mode=legacy")
    yield opened
    assert opened.close() == 0
    secrets.stop()


# --- the way there --------------------------------------------------------------------------

@pytest.mark.parametrize("uri", ["", LEGACY, "qemu+unix:///system?socket=" + PROXY_SOCKET])
def test_uris_that_lead_to_virtqemud(legacy, uri):
    assert re.match(r"qemu(\+unix)?:///system", virsh("uri", uri=uri))


@pytest.mark.parametrize("uri, words", [
    ("lxc:///system?mode=legacy", "virtlxcd is needed and can't be reached; start it with "
                                  "'systemctl start virtlxcd.socket'"),
    ("network:///system?mode=legacy", "virtnetworkd is needed"),
    ("nope:///system?mode=legacy", "no daemon serves nope:///system"),
])
def test_daemons_that_are_not_there(legacy, uri, words):
    done = virsh("uri", uri=uri, check=False)
    assert done.returncode and words in done.stderr


def test_a_daemon_that_comes_later(legacy):
    uri = "lxc:///system?mode=legacy"
    assert virsh("uri", uri=uri, check=False).returncode
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("/run/libvirt/virtlxcd-sock")
        listener.listen()
        caller = subprocess.Popen(["virsh", "-c", uri, "uri"], stderr=subprocess.PIPE)
        try:
            listener.settimeout(20)
            listener.accept()[0].close()
            assert b"the connection to virtlxcd" in caller.communicate(timeout=20)[1]
        finally:
            caller.kill()
            os.unlink("/run/libvirt/virtlxcd-sock")


def test_calls_before_the_driver_is_open(proxy, connection):
    with wire.Client(PROXY_SOCKET) as client:
        client.call("AUTH_LIST")
        with pytest.raises(wire.Refused) as refused:
            client.call("CONNECT_LIST_ALL_DOMAINS", {"need_results": 1})
        assert "not open" in refused.value.message
        client.open()
        with pytest.raises(wire.Refused) as refused:
            client.open()
        assert "already open" in refused.value.message


def test_who_closes_may_open_again(legacy):
    for _ in range(3):
        assert libvirt.open(LEGACY).close() == 0


# --- what goes through ----------------------------------------------------------------------

def test_a_guest(legacy):
    domain = legacy.defineXML(hlt_xml("far"))
    domain.create()
    assert "far" in virsh("list", uri=LEGACY)
    domain.suspend()
    assert domain.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    assert legacy.getAllDomainStats()[0][1]["state.state"] == libvirt.VIR_DOMAIN_PAUSED
    assert code_of(legacy.lookupByName, "nobody") == libvirt.VIR_ERR_NO_DOMAIN
    assert code_of(domain.create) == libvirt.VIR_ERR_OPERATION_INVALID
    domain.destroy()
    domain.undefine()


def test_events(legacy):
    seen = []
    legacy.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                  lambda c, d, event, detail, _: seen.append((d.name(), event)), None)
    legacy.defineXML(hlt_xml("noisy")).undefine()
    wait_until(lambda: seen == [("noisy", libvirt.VIR_DOMAIN_EVENT_DEFINED),
                                ("noisy", libvirt.VIR_DOMAIN_EVENT_UNDEFINED)], what=lambda: seen)


def test_a_console(legacy, linux):
    console = boot(legacy.lookupByName("linux"))
    console.send("seq 20000 | md5sum\n")
    console.wait("  -", 60)


@pytest.fixture
def volume(proxy, tmp_path):
    """an empty one of 8 MiB, more than all that may wait for a client that does not read"""
    storage = Daemon(name="virtstoraged").start()
    with libvirt.open("storage:///system?mode=legacy") as opened:
        pool = opened.storagePoolCreateXML("<pool type='dir'><name>proxied</name><target><path>%s</path></target>"
                                           "</pool>" % tmp_path)
        yield pool.createXML("<volume><name>v</name><capacity>%d</capacity></volume>" % (8 << 20))
        pool.destroy()
    storage.stop()


def test_much_data_and_a_slow_reader(volume, tmp_path):
    data = os.urandom(8 << 20)
    stream = volume.connect().newStream()
    volume.upload(stream, 0, len(data))
    stream.sendAll(lambda _, size, rest: rest.read(size), io.BytesIO(data))
    stream.finish()
    assert (tmp_path / "v").read_bytes() == data
    stream = volume.connect().newStream()
    volume.download(stream, 0, 0)
    received = b""
    while part := stream.recv(60000):
        received += part
        time.sleep(0.003)
    stream.finish()
    assert received == data


def test_descriptors(legacy, tmp_path):
    """a disk's image goes there, a screen comes back"""
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    domain = legacy.defineXML(hlt_xml("handed", devices="""
        <disk type='file'><driver name='qemu' type='raw'/><source file='/nowhere/image' fdgroup='image'/>
        <target dev='vda' bus='virtio'/></disk><graphics type='vnc' autoport='yes'/>"""))
    assert code_of(domain.create) == libvirt.VIR_ERR_INVALID_ARG
    with image.open("r+b") as file:
        domain.FDAssociate("image", [file.fileno()])
    domain.create()
    with socket.socket(fileno=domain.openGraphicsFD(0)) as screen:
        screen.settimeout(20)
        assert screen.recv(3) == b"RFB"


def test_a_stream_given_up(legacy):
    domain = legacy.createXML(hlt_xml("given-up", devices="<video><model type='vga'/></video>"))
    for _ in range(5):
        stream = legacy.newStream()
        domain.screenshot(stream, 0)
        stream.abort()
    assert domain.isActive()


def test_many_calls_at_once(legacy):
    """each of 16 clients gets its own answers"""
    names = ["crowd-%d" % i for i in range(16)]
    wrong = list(names)

    def ask(name):
        document = hlt_xml(name)
        with libvirt.open(LEGACY) as mine:
            for _ in range(20):
                domain = mine.defineXML(document)
                assert mine.lookupByUUIDString(domain.UUIDString()).name() == name
            domain.undefine()
        wrong.remove(name)

    threads = [threading.Thread(target=ask, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


# --- who may --------------------------------------------------------------------------------

def test_readonly_stays_readonly(legacy):
    with libvirt.openReadOnly(LEGACY) as weak:
        assert weak.listAllDomains() is not None
        assert code_of(weak.defineXML, hlt_xml("no")) == libvirt.VIR_ERR_OPERATION_DENIED


def test_any_user_may_look(legacy):
    program = ("import libvirt; libvirt.registerErrorHandler(lambda *_: None, None)\n"
               "c = libvirt.openReadOnly(%r)\nprint(c.getURI())" % LEGACY)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           "/usr/bin/python3", "-c", program], text=True, capture_output=True)
    assert done.stdout.startswith("qemu:///system"), done.stderr


def test_only_root_speaks_for_others(proxy, connection):
    program = """
import sys
sys.path.insert(0, %r)
import wire
client = wire.Client("/run/libvirt/libvirt-sock-ro").open()
try:
    client.call("CONNECT_SET_IDENTITY", {"params": [], "flags": 0})
except wire.Refused as refused:
    print(refused.code)
""" % str(pathlib.Path(wire.__file__).parent)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           "/usr/bin/python3", "-c", program], text=True, capture_output=True)
    assert done.stdout.strip() == str(libvirt.VIR_ERR_ACCESS_DENIED), done.stderr


# --- daemons that go or hang ----------------------------------------------------------------

def test_a_daemon_that_goes(legacy, beside, daemon):
    reasons = []
    legacy.registerCloseCallback(lambda c, reason, _: reasons.append(reason), None)
    daemon.kill()
    wait_until(lambda: reasons, what="the close callback")
    assert reasons[0] in (libvirt.VIR_CONNECT_CLOSE_REASON_EOF,
                          libvirt.VIR_CONNECT_CLOSE_REASON_ERROR)
    assert beside.listAllSecrets() == []
    daemon.start()
    assert virsh("uri", uri=LEGACY)


def test_a_daemon_that_hangs(legacy, beside, daemon):
    """its clients wait, in the end with a clear error; the proxy's other work goes on"""
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        waiting = subprocess.Popen(["virsh", "-c", LEGACY, "uri"], stderr=subprocess.PIPE, text=True)
        for _ in range(20):
            begun = time.monotonic()
            assert virsh("uri", uri="lxc:///system?mode=legacy", check=False).returncode
            assert beside.listAllSecrets() == []
            assert time.monotonic() - begun < 5
        error = waiting.communicate(timeout=3 * HUNG_AFTER)[1]
        assert time.monotonic() - start > HUNG_AFTER - 1
        assert "virtqemud accepts connections at '/run/libvirt/virtqemud-sock' but did not answer" in error
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    assert legacy.getLibVersion()


def test_the_end_before_an_answer(legacy, proxy, daemon):
    """a call that waits for a daemon that hangs: the proxy ends all the same, in order"""
    with wire.Client(PROXY_SOCKET).open() as client:
        os.kill(daemon.process.pid, signal.SIGSTOP)
        try:
            client.send("CONNECT_GET_LIB_VERSION")
            assert client.ping(1) is not None       # the call before it has been passed on
            proxy.kill(signal.SIGTERM)
            assert proxy.process.returncode == 0, proxy.log_tail()
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)
            proxy.start()


def test_clients_that_read_nothing(legacy, beside, proxy):
    """they are not read from in the end; memory and other clients do not feel them"""
    procedure = wire.REMOTE.procedures["CONNECT_GET_CAPABILITIES"]["number"]
    call = wire.pack(wire.REMOTE.number, 1, procedure, wire.CALL, 9, wire.OK)
    deaf, before = [wire.Client(PROXY_SOCKET).open() for _ in range(10)], resident(proxy)
    for client in deaf:
        fill(client.socket, call)
    for _ in range(20):
        begun = time.monotonic()
        assert legacy.getLibVersion() and beside.listAllSecrets() == []
        assert time.monotonic() - begun < 5
    assert is_sanitized() or resident(proxy) < before + 40 * 1024
    for client in deaf:
        client.close()


def fill(link, packet):
    """sends it again and again, until nothing has been taken for a while"""
    link.setblocking(False)
    while select.select([], [link], [], 0.5)[1]:
        link.send(packet)


def resident(daemon):
    """KiB"""
    status = pathlib.Path("/proc/%d/status" % daemon.process.pid).read_text()
    return int(re.search(r"VmRSS:\s*(\d+)", status)[1])


def test_nothing_is_left_of_clients(legacy, daemon, proxy):
    before = proxy.descriptors(), daemon.descriptors()
    for _ in range(30):
        libvirt.open(LEGACY).close()
    clients = [wire.Client(PROXY_SOCKET) for _ in range(20)]
    for client in clients[:10]:
        client.open()
    for client in clients:
        client.close()
    wait_until(lambda: (proxy.descriptors(), daemon.descriptors()) == before,
               what=lambda: (proxy.descriptors(), daemon.descriptors(), before))

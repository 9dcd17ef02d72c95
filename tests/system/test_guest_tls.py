# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections of guests that QEMU itself encrypts and asks for passwords: displays, streams, disks."""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest
import certificates
import daemon as tested
from client import code_of, opened, remove_guests, remove_secrets
from daemon import URI, Daemon, hlt_xml, poke_xml, wait_until

CONF = pathlib.Path("/etc/libvirt/qemu.conf")
PKI = pathlib.Path("/etc/pki/qemu")
LOCKED = pathlib.Path("/etc/pki/libvirt-chardev")
PASSWORD = "opens the key"
SECRET = "6a1d4b0e-52a5-4d0c-8e34-3a5f6f2f7c11"
NAMES = ["dns_name = localhost", "ip_address = 127.0.0.1"]
VENCRYPT, X509_NONE, X509_SASL = 19, 260, 263
SERIAL = "<serial type='tcp'><source mode='%s' host='127.0.0.1' service='%d'%s/></serial>"
NBD = """<disk type='network'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'%s>
  <host name='%s' port='%d'/></source><target dev='vda' bus='virtio'/></disk>"""


@pytest.fixture(scope="module")
def authority():
    folder = pathlib.Path("/run/authority")
    authority = certificates.Authority(folder)
    authority.server = authority.sign("server", certificates.SERVER + NAMES)
    authority.client = authority.sign("client", certificates.CLIENT)
    yield authority
    shutil.rmtree(folder)


def fill(folder, authority):
    """the names that QEMU has for certificates"""
    folder.mkdir(parents=True)
    for source, name in ((authority.certificate, "ca-cert"), (authority.server.certificate, "server-cert"),
                         (authority.server.key, "server-key"), (authority.client.certificate, "client-cert"),
                         (authority.client.key, "client-key")):
        shutil.copy(source, folder / (name + ".pem"))
        (folder / (name + ".pem")).chmod(0o644)


@pytest.fixture(scope="module")
def folders(authority):
    fill(PKI, authority)
    fill(LOCKED, authority)
    certificates.certtool("--to-p8", "--load-privkey", authority.server.key, "--password", PASSWORD,
                          "--outfile", LOCKED / "server-key.pem")
    yield
    shutil.rmtree(PKI)
    shutil.rmtree(LOCKED)


@contextlib.contextmanager
def configured(text):
    """a connection to a virtqemud that has read such a qemu.conf"""
    CONF.parent.mkdir(exist_ok=True)
    before = CONF.read_bytes() if CONF.exists() else None
    CONF.write_text(text)
    running = Daemon().start()
    try:
        with opened(running, URI, remove_guests) as connection:
            yield connection
    finally:
        running.stop()
        CONF.unlink() if before is None else CONF.write_bytes(before)


@pytest.fixture
def connection(folders):
    tested.install_guests()
    with configured("vnc_tls = 1\nspice_tls = 1\nchardev_tls = 1\nnbd_tls = 1\nvnc_sasl = 1\n"
                    "chardev_tls_x509_cert_dir = \"%s\"\n" % PKI) as connection:
        yield connection


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def tls_context(authority, own=True):
    context = ssl.create_default_context(cafile=authority.certificate)
    if own:
        context.load_cert_chain(authority.client.certificate, authority.client.key)
    return context


def encrypted(authority, port, own=True):
    plain = socket.create_connection(("127.0.0.1", port), 30)
    return tls_context(authority, own).wrap_socket(plain, server_hostname="localhost")


def display(domain, kind):
    return ElementTree.fromstring(domain.XMLDesc()).find("devices/graphics[@type='%s']" % kind)


def tls_of(domain, path):
    return ElementTree.fromstring(domain.XMLDesc()).find(path).get("tls")


def objects(domain):
    said = json.loads(libvirt_qemu.qemuMonitorCommand(
        domain, json.dumps({"execute": "qom-list", "arguments": {"path": "/objects"}}), 0))
    return {entry["name"] for entry in said["return"] if entry["type"].startswith("child<")}


def test_stream(connection, authority):
    """what the guest says arrives for who has a certificate, and for nobody else"""
    port, open_port = free_port(), free_port()
    domain = connection.createXML(
        poke_xml("speaks", "b3f8=41*3e8", devices=SERIAL % ("bind", port, "") +
                 SERIAL % ("bind", open_port, " tls='no'")), libvirt.VIR_DOMAIN_START_PAUSED)
    assert [e.get("tls") for e in ElementTree.fromstring(domain.XMLDesc()).findall("devices/serial/source")] == \
        ["yes", "no"]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with encrypted(authority, port, own=False) as stranger:
            stranger.recv(1)
            raise ConnectionError("closed")
    socket.create_connection(("127.0.0.1", open_port)).close()
    with encrypted(authority, port) as link:
        domain.resume()
        assert link.recv(1) == b"A"
    domain.destroy()


def test_plug_stream(connection, authority):
    """credentials come with the device, and go with it"""
    domain = connection.createXML(hlt_xml("plug", devices="<controller type='virtio-serial'/>"))
    port = free_port()
    channel = ("<channel type='tcp'><source mode='bind' host='127.0.0.1' service='%d'/>"
               "<target type='virtio' name='x'/></channel>" % port)
    before = objects(domain)
    domain.attachDevice(channel)
    assert objects(domain) - before == {"objcharchannel0_tls0"}
    assert tls_of(domain, "devices/channel/source") == "yes"
    encrypted(authority, port).close()
    domain.detachDevice(channel)
    wait_until(lambda: objects(domain) == before, what="the end of the credentials")


def rfb(port):
    """the ways in that a VNC server offers, after the greeting"""
    link = socket.create_connection(("127.0.0.1", port), 30)
    assert link.recv(12).startswith(b"RFB 003.008")
    link.sendall(b"RFB 003.008\n")
    return link, set(link.recv(link.recv(1)[0]))


def test_vnc(connection, authority):
    domain = connection.createXML(hlt_xml("vnc", devices="<graphics type='vnc'/>"))
    link, ways = rfb(int(display(domain, "vnc").get("port")))
    with link:
        assert ways == {VENCRYPT}
        link.sendall(bytes([VENCRYPT]))
        assert link.recv(2) == b"\0\2"
        link.sendall(b"\0\2")
        assert link.recv(1) == b"\0"
        count = link.recv(1)[0]
        assert struct.unpack(">%dI" % count, link.recv(4 * count)) == (X509_SASL,)
        link.sendall(struct.pack(">I", X509_SASL))
        assert link.recv(1) == b"\1"
        with tls_context(authority, own=False).wrap_socket(link, server_hostname="localhost") as inside:
            (length,) = struct.unpack(">I", inside.recv(4))
            assert inside.recv(length)                  # SASL's mechanisms


def test_spice(connection, authority):
    domain = connection.createXML(hlt_xml(
        "spice", devices="<graphics type='spice' autoport='yes'><channel name='main' mode='secure'/></graphics>"))
    port, tls_port = (int(display(domain, "spice").get(name)) for name in ("port", "tlsPort"))
    assert port != tls_port
    socket.create_connection(("127.0.0.1", port)).close()
    encrypted(authority, tls_port, own=False).close()
    words = pathlib.Path("/proc/%d/cmdline" % tested.emulator_pids("spice")[0]).read_bytes().split(b"\0")
    assert b"tls-channel=main" in words[words.index(b"-spice") + 1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def nbd_server(folder):
    """serves 1 MiB to who has a certificate; its port"""
    port = free_port()
    image = folder / "image"
    image.write_bytes(bytes(1 << 20))
    server = subprocess.Popen(
        ["qemu-nbd", "--persistent", "--shared=4", "--export-name=x", "--bind=127.0.0.1", "--port=%d" % port,
         "--format=raw", "--object", "tls-creds-x509,id=t,dir=%s,endpoint=server,verify-peer=yes" % PKI,
         "--tls-creds=t", image])
    try:
        wait_until(lambda: accepts(port), what="the NBD server")
        yield port
    finally:
        server.terminate()
        server.wait(30)


def test_disk(connection, tmp_path):
    with nbd_server(tmp_path) as port:
        domain = connection.createXML(hlt_xml("disk", devices=NBD % ("", "localhost", port)))
        assert tls_of(domain, "devices/disk/source") == "yes"
        assert domain.blockInfo("vda")[0] == 1 << 20
        domain.destroy()
        named = NBD % (" tls='yes' tlsHostname='localhost'", "127.0.0.1", port)
        connection.createXML(hlt_xml("named", devices=named)).destroy()
        # the server is not who it says, and does not speak in the clear
        for wrong in (" tls='yes' tlsHostname='example.org'", " tls='no'"):
            with pytest.raises(libvirt.libvirtError):
                connection.createXML(hlt_xml("wrong", devices=NBD % (wrong, "localhost", port)))


COOKIES = """<disk type='network' device='cdrom'><driver name='qemu' type='raw'/>
  <source protocol='http' name='image'><host name='localhost' port='%d'/><cookies>%s</cookies></source>
  <target dev='sda' bus='sata'/><readonly/></disk>"""


class Image(http.server.BaseHTTPRequestHandler):
    """1 MiB for who has the right cookies"""

    def do_HEAD(self):
        self.send_response(200 if self.headers.get("Cookie") == "session=s3cret; lang=en" else 403)
        self.send_header("Content-Length", str(1 << 20))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(bytes(1 << 20))

    def log_message(self, *words):
        pass


def test_cookies(connection):
    """they reach the server, and are not on QEMU's command line"""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Image)
    threading.Thread(target=server.serve_forever).start()
    try:
        right = "<cookie name='session'>s3cret</cookie><cookie name='lang'>en</cookie>"
        domain = connection.createXML(hlt_xml("web", machine="q35", devices=COOKIES % (server.server_port, right)))
        assert domain.blockInfo("sda")[0] == 1 << 20
        assert b"s3cret" not in pathlib.Path("/proc/%d/cmdline" % tested.emulator_pids("web")[0]).read_bytes()
        wrong = "<cookie name='session'>other</cookie>"
        with pytest.raises(libvirt.libvirtError, match="403"):
            connection.createXML(hlt_xml("no", machine="q35", devices=COOKIES % (server.server_port, wrong)))
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("cookies", [
    "<cookie name='a b'>x</cookie>", "<cookie name=''>x</cookie>", "<cookie name='a'/>",
    "<cookie name='a'>x&#10;Host: y</cookie>", "<cookie name='a'>x;y</cookie>",
    "<cookie name='a'>1</cookie><cookie name='a'>2</cookie>"])
def test_no_cookies(connection, cookies):
    assert code_of(connection.defineXML, hlt_xml("no", machine="q35", devices=COOKIES % (80, cookies))) == \
        libvirt.VIR_ERR_XML_ERROR


REFUSED = {
    "TLS port": "<graphics type='spice' port='5930' defaultMode='secure'/>",
    "plain port": "<graphics type='spice' tlsPort='5931'><channel name='main' mode='insecure'/></graphics>",
    "iSCSI": """<disk type='network'><driver name='qemu' type='raw'/>
      <source protocol='iscsi' name='iqn.2017-12.org.example:y/1' tls='yes'><host name='localhost'/></source>
      <target dev='vda' bus='virtio'/></disk>""",
    "protocol": "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='7' tls='no'/>"
                "<protocol type='telnets'/></serial>",
}


@pytest.mark.parametrize("devices", REFUSED.values(), ids=REFUSED)
def test_refused(connection, devices):
    assert code_of(connection.createXML, hlt_xml("no", devices=devices)) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_locked_key(folders, authority):
    """the passphrase of the key is virtsecretd's; without it, and without certificates, there is no start"""
    tested.install_guests()
    secretd = Daemon(name="virtsecretd").start()
    xml = hlt_xml("locked", devices=SERIAL % ("bind", free_port(), ""))
    with configured("chardev_tls = 1\nchardev_tls_x509_secret_uuid = \"%s\"\n" % SECRET) as connection, \
            opened(secretd, "secret:///system", remove_secrets) as secrets:
        assert code_of(connection.createXML, xml) == libvirt.VIR_ERR_NO_SECRET
        secrets.secretDefineXML("<secret private='yes'><uuid>%s</uuid><usage type='tls'><name>key</name></usage>"
                                "</secret>" % SECRET).setValue(PASSWORD.encode())
        domain = connection.createXML(xml)
        assert objects(domain) == {"masterKey0", "charserial0-secret0", "objcharserial0_tls0", "pc.ram"}
        domain.destroy()
        key = LOCKED / "server-key.pem"
        key.rename(LOCKED / "away")
        with pytest.raises(libvirt.libvirtError, match=str(key)) as refused:
            connection.createXML(xml)
        assert refused.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        (LOCKED / "away").rename(key)
    secretd.stop()


def test_sockets_of_displays():
    """unix sockets of ours: asked for by the document, and by qemu.conf"""
    tested.install_guests()
    asked = "<graphics type='%s'><listen type='socket'/></graphics>"
    left = "<graphics type='%s' autoport='yes'/>"
    named = "<graphics type='%s' autoport='yes'><listen type='address' address='127.0.0.1'/></graphics>"
    for conf, graphics, sockets in (("", asked, True), ("", left, False),
                                    ("vnc_auto_unix_socket = 1\nspice_auto_unix_socket = 1\n", left, True),
                                    ("vnc_auto_unix_socket = 1\nspice_auto_unix_socket = 1\n", named, False)):
        with configured(conf) as connection:
            domain = connection.createXML(hlt_xml("seen", devices=graphics % "vnc" + graphics % "spice"))
            for kind in ("vnc", "spice"):
                path = display(domain, kind).find("listen").get("socket")
                assert (path is not None) == sockets
                if sockets:
                    assert display(domain, kind).get("port") is None
                    with socket.socket(socket.AF_UNIX) as link:
                        link.connect(path)
                    assert os.path.basename(path) == kind + ".sock"


def test_secure_without_certificates(folders):
    """a port for TLS is never a plain one"""
    tested.install_guests()
    with configured("") as connection:
        for spice in ("<graphics type='spice' port='5930' tlsPort='5931'/>",
                      "<graphics type='spice' autoport='yes' defaultMode='secure'/>"):
            assert code_of(connection.createXML, hlt_xml("no", devices=spice)) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED

# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtproxyd for other hosts: TLS and TCP between two network namespaces, with stock clients."""
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

import certificates
import libvirt
import pytest
import wire
from certificates import CLIENT, EXPIRED, FUTURE, SERVER, Authority, pki_folder
from conftest import boot
from daemon import BUILD, Daemon, hlt_xml, wait_until
from netns import Host, run

HERE, THERE, HERE_6 = "10.77.0.1", "10.77.0.2", "fd77::1"
ROOM = pathlib.Path("/run/pki")
CONFIG = ROOM / "virtproxyd.conf"
NAMES = ["ip_address = " + HERE, "ip_address = " + HERE_6, "ip_address = 127.0.0.1", "ip_address = ::1",
         "dns_name = localhost"]
PROXY_SOCKET = "/run/libvirt/libvirt-sock"


@pytest.fixture(scope="module")
def authority():
    return Authority(ROOM / "ca")


@pytest.fixture(scope="module")
def server(authority):
    return authority.sign("server", SERVER + NAMES)


@pytest.fixture(scope="module")
def alice(authority):
    return pki_folder(ROOM / "alice", authority,
                      authority.sign("alice", CLIENT + ["organization = Example"]))


@pytest.fixture(scope="module")
def far(daemon):
    """the other host"""
    host = Host("far")
    run("ip", "addr", "add", HERE + "/24", "dev", host.link)
    run("ip", "addr", "add", HERE_6 + "/64", "dev", host.link, "nodad")
    host.address(THERE + "/24")
    host.address("fd77::2/64")
    yield host
    host.remove()


def write_config(authority, server, *lines, tls=True):
    CONFIG.write_text("\n".join([
        "listen_tls = %d" % tls, 'ca_file = "%s"' % authority.certificate,
        'cert_file = "%s"' % server.certificate, 'key_file = "%s"' % server.key,
        "log_level = 1", *lines]) + "\n")


def write_own_config(authority, server):
    """that of the proxy of most tests"""
    write_config(authority, server, "listen_tcp = 1", 'auth_tcp = "none"')


def start_proxy(*options):
    return Daemon("-f", str(CONFIG), *options, name="virtproxyd", path=PROXY_SOCKET).start()


@pytest.fixture(scope="module")
def proxy(daemon, authority, server):
    write_own_config(authority, server)
    running = start_proxy()
    yield running
    running.stop()


@pytest.fixture
def other_proxy(proxy, authority, server):
    """a proxy of the test's own configuration, in the place of the other"""
    proxy.stop()
    started = []

    def start(*lines, **values):
        write_config(*lines, **values)
        started.append(start_proxy())
        return started[-1]

    yield start
    for each in started:
        each.stop()
    write_own_config(authority, server)
    proxy.start()


@pytest.fixture(autouse=True)
def own_config(authority, server):
    yield
    write_own_config(authority, server)


def tls_uri(pki, host=HERE, more=""):
    return "qemu+tls://%s/system?pkipath=%s%s" % (host, pki, more)


def far_virsh(far, uri, *words, check=True):
    return far.run("virsh", "-q", "-c", uri, *words, check=check)


def refused(far, uri):
    done = far_virsh(far, uri, "list", check=False)
    assert done.returncode, done.stdout
    return done.stderr


# --- stock clients on another host ----------------------------------------------------------

@pytest.mark.parametrize("host", [HERE, "[%s]" % HERE_6])
def test_tls(proxy, far, alice, connection, host):
    connection.defineXML(hlt_xml("seen-from-afar"))
    uri = tls_uri(alice, host)
    assert "seen-from-afar" in far_virsh(far, uri, "list", "--all")
    far_virsh(far, uri, "start", "seen-from-afar")
    assert "running" in far_virsh(far, uri, "domstate", "seen-from-afar")
    far_virsh(far, uri, "destroy", "seen-from-afar")


@pytest.mark.parametrize("host", [HERE, "[%s]" % HERE_6])
def test_tcp_without_authentication(proxy, far, connection, host):
    assert b"who reaches TCP port 16509 has full control of this host" in proxy.log.read_bytes()
    connection.defineXML(hlt_xml("seen-in-the-clear"))
    assert "seen-in-the-clear" in far_virsh(far, "qemu+tcp://%s/system" % host, "list", "--all")


def test_a_console_over_tls(proxy, alice, linux):
    with libvirt.open(tls_uri(alice, "127.0.0.1")) as remote:
        console = boot(remote.lookupByName("linux"))
        console.send("seq 20000 | md5sum\n")
        console.wait("  -", 60)
        console.close()


def test_much_data_over_tls(proxy, alice, hlt):
    """more than a socket takes at once, in both directions"""
    with libvirt.open(tls_uri(alice, "127.0.0.1")) as remote:
        document = "<a>%s</a>" % ("x" * 3000000)
        metadata = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        domain = remote.lookupByName("hlt")
        domain.setMetadata(metadata, document, "k", "urn:k")
        for _ in range(5):
            assert len(domain.metadata(metadata, "urn:k")) >= 3000000


def test_who_the_client_is(proxy, far, alice, connection):
    holder = subprocess.Popen(["ip", "netns", "exec", "far", "virsh", "-q", "-c", tls_uri(alice)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write("uri\n")
        holder.stdin.flush()
        holder.stdout.readline()
        admin = "virtproxyd:///system"
        listed = run("virt-admin", "-q", "-c", admin, "srv-clients-list", "virtproxyd")
        number = re.findall(r"(\d+)\s+tls", listed)[-1]
        info = run("virt-admin", "-q", "-c", admin, "client-info", "virtproxyd", number)
        assert re.search(r"sock_addr *: %s:\d+" % re.escape(THERE), info), info
        assert re.search(r"tls_x509_dname *: O=Example,CN=alice|CN=alice,O=Example", info), info
    finally:
        holder.communicate(timeout=20)


# --- clients that are not let in ------------------------------------------------------------

def test_certificates_that_are_refused(proxy, far, authority, tmp_path):
    """each client trusts us, so what fails is our check of it; the log has the reason"""
    stranger = Authority(tmp_path / "other", "Somebody Else")
    cases = {
        "expired": authority.sign("late", CLIENT, EXPIRED),
        "not yet": authority.sign("early", CLIENT, FUTURE),
        "issuer": stranger.sign("mallory", CLIENT),
        "trusted": authority.sign("self", CLIENT, own=True),
        "purpose": authority.sign("a-server", SERVER),
    }
    for words, certificate in cases.items():
        pki = pki_folder(tmp_path / words.replace(" ", "-"), authority, certificate)
        refused(far, tls_uri(pki, more="&no_sanity=1"))
        assert re.search("is not let in|has gone: .*TLS client", proxy.log_tail()), words
    assert speak_tls(None, authority) == b""
    assert "sent no certificate" in proxy.log_tail()
    assert proxy.alive()


def speak_tls(pki, authority):
    """what a raw TLS client is told after the handshake"""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if pki:
        context.load_cert_chain(pki / "clientcert.pem", pki / "clientkey.pem")
    with socket.create_connection(("127.0.0.1", 16514), 10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as link:
                return link.recv(1)
        except (ssl.SSLError, ConnectionError):
            return b""


def test_the_byte_that_welcomes(proxy, authority, alice):
    assert speak_tls(alice, authority) == b"\1"


def test_revoked(other_proxy, far, authority, server, alice, tmp_path):
    """by a list that comes while the daemon runs"""
    bad = authority.sign("revoked", CLIENT)
    pki = pki_folder(tmp_path / "revoked", authority, bad)
    listed = authority.revoke(authority.sign("another", CLIENT))
    other = other_proxy(authority, server, 'crl_file = "%s"' % listed)
    assert far_virsh(far, tls_uri(pki), "uri")
    with libvirt.open(tls_uri(alice, "127.0.0.1")) as remote:
        assert authority.revoke(bad) == listed
        os.kill(other.process.pid, signal.SIGHUP)
        wait_until(lambda: speak_tls(pki, authority) == b"", 30, what=other.log_tail)
        refused(far, tls_uri(pki))
        assert "revoked" in other.log_tail()
        assert remote.getURI()


def test_names_that_are_allowed(other_proxy, far, authority, server, alice, tmp_path):
    bob = pki_folder(tmp_path / "bob", authority, authority.sign("bob", CLIENT))
    other = other_proxy(authority, server, 'tls_allowed_dn_list = [ "CN=b?b*" ]')
    assert far_virsh(far, tls_uri(bob), "uri")
    refused(far, tls_uri(alice))
    assert re.search(r"'.*CN=alice.*' is not in tls_allowed_dn_list", other.log_tail())


def test_clients_without_certificates(other_proxy, authority, server):
    other_proxy(authority, server, "tls_no_verify_certificate = 1")
    assert speak_tls(None, authority) == b"\1"


def test_versions_by_priority(other_proxy, authority, server, alice):
    other_proxy(authority, server, 'tls_priority = "NORMAL:-VERS-TLS1.3"')
    with connect_tls(authority) as link:
        assert link.version() == "TLSv1.2"


# --- certificates of ours that are wrong ----------------------------------------------------

def check(authority, server, *lines):
    write_config(authority, server, *lines)
    return subprocess.run([BUILD / "virtproxyd" / "virtproxyd", "-f", CONFIG, "--check-tls"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)


def test_check_tls(authority, server, tmp_path):
    stranger = Authority(tmp_path / "other", "Somebody Else")
    wrong_key = certificates.Certificate(server.certificate, certificates.make_key(tmp_path / "k.pem"))
    garbage = certificates.Certificate(tmp_path / "garbage.pem", server.key)
    garbage.certificate.write_text("hello\n")
    absent = certificates.Certificate(tmp_path / "absent.pem", server.key)
    cases = [
        (authority.sign("s1", SERVER, EXPIRED), "'not after' is 2002-01-01.*expired"),
        (authority.sign("s2", SERVER, FUTURE), "'not before' is 2090-01-01.*not yet valid"),
        (authority.sign("s3", ["non_repudiation"]), "'key usage'"),
        (authority.sign("s4", CLIENT), "'extended key usage'.*tls_www_server"),
        (stranger.sign("s5", SERVER), "'issuer' is 'CN=Somebody Else'.*no authority in"),
        (wrong_key, "'public key' is not the one of the private key in .*k.pem"),
        (stranger, "'basic constraints'"),
        (garbage, "garbage.pem: no certificate can be read"),
        (absent, "absent.pem.*No such file"),
    ]
    for certificate, words in cases:
        done = check(authority, certificate)
        assert done.returncode and re.search(words, done.stdout), (words, done.stdout)
        assert str(certificate.certificate) in done.stdout
    done = check(server, server)
    assert done.returncode and "'basic constraints' do not say that it is an authority's" in done.stdout
    done = check(authority, server, 'tls_priority = "NORMAL:NONSENSE"')
    assert done.returncode and "tls_priority" in done.stdout
    done = check(authority, authority.sign("s6", SERVER, EXPIRED), "tls_no_sanity_certificate = 1")
    assert done.returncode == 0, done.stdout
    done = check(authority, server)
    assert done.returncode == 0 and "all is well" in done.stdout


def test_wrong_certificates_end_the_start(proxy, authority, server):
    proxy.stop()
    try:
        write_config(authority, authority.sign("old", SERVER, EXPIRED))
        done = subprocess.run([proxy.binary, "-f", CONFIG], text=True, capture_output=True, timeout=30)
        assert done.returncode and "old.pem: 'not after' is 2002-01-01" in done.stderr
    finally:
        write_own_config(authority, server)
        proxy.start()


def connect_tls(authority, ciphers=None):
    """a link after the handshake, without a certificate; by those ciphers of TLS 1.2"""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.check_hostname = False
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", 16514), 10))


def peer_certificate(authority, ciphers=None):
    try:
        with connect_tls(authority, ciphers) as link:
            return dict(pair[0] for pair in link.getpeercert()["subject"])["commonName"]
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.mark.parametrize("how", ["signal", "admin"])
def test_new_certificates_without_dropping_links(proxy, authority, server, alice, how):
    def reload():
        if how == "signal":
            os.kill(proxy.process.pid, signal.SIGHUP)
        else:
            run("virt-admin", "-c", "virtproxyd:///system", "server-update-tls", "virtproxyd", check=False)

    kept = server.certificate.read_bytes(), server.key.read_bytes()
    with libvirt.open(tls_uri(alice, "127.0.0.1")) as remote:
        assert peer_certificate(authority) == "server"
        fresh = authority.sign("fresh", SERVER + NAMES)
        server.certificate.write_bytes(fresh.certificate.read_bytes())
        server.key.write_bytes(fresh.key.read_bytes())
        try:
            reload()
            wait_until(lambda: peer_certificate(authority) == "fresh", what=proxy.log_tail)
            assert remote.listAllDomains() is not None
            server.certificate.write_text("broken")     # it goes on with what it had
            reload()
            wait_until(lambda: "no certificate can be read" in proxy.log_tail(), what=proxy.log_tail)
            assert peer_certificate(authority) == "fresh"
        finally:
            server.certificate.write_bytes(kept[0])
            server.key.write_bytes(kept[1])
        reload()
        wait_until(lambda: peer_certificate(authority) == "server", what=proxy.log_tail)
        assert remote.listAllDomains() is not None


@pytest.fixture
def usual_places(proxy, authority, server):
    """words that run a program with that script's changes of /etc, which lies below an overlay"""
    room = ROOM / "etc"
    room.mkdir()

    def words(script):
        return ["unshare", "-m", "sh", "-e", "-c", """
            mount -t tmpfs none {0}
            mkdir {0}/up {0}/work
            mount -t overlay -o lowerdir=/etc,upperdir={0}/up,workdir={0}/work none /etc
            mkdir -p /etc/pki/CA /etc/pki/libvirt/private
            {1}
            exec "$@"
            """.format(room, script), "sh"]

    tried = subprocess.run([*words(""), "true"], text=True, capture_output=True)
    if tried.returncode:
        pytest.skip("no overlay file systems here: " + tried.stderr)
    proxy.stop()
    yield words
    write_own_config(authority, server)
    proxy.start()


def test_several_certificates_in_the_usual_places(usual_places, authority):
    """clients get the one that they can work with"""
    files = {"CA/cacert.pem": authority.certificate}
    for number, name, kind in (("", "first", ("rsa", 2048)), ("0", "second", ("ecdsa", 256))):
        made = authority.sign(name, SERVER + NAMES, kind=kind)
        files["libvirt/servercert%s.pem" % number] = made.certificate
        files["libvirt/private/serverkey%s.pem" % number] = made.key
    CONFIG.write_text('listen_tls = 1\nlisten_addr = "127.0.0.1"\ntls_no_verify_certificate = 1\n')
    daemon = Daemon("-f", str(CONFIG), name="virtproxyd", path=PROXY_SOCKET)
    daemon.prefix = usual_places("\n".join("cp %s /etc/pki/%s" % (path, place) for place, path in files.items()))
    checked = run(*daemon.prefix, daemon.binary, *daemon.options, "--check-tls")
    assert "/etc/pki/libvirt/servercert0.pem" in checked and "servercert1.pem" not in checked
    daemon.start()
    try:
        assert peer_certificate(authority, "ECDHE-RSA-AES128-GCM-SHA256") == "first"
        assert peer_certificate(authority, "ECDHE-ECDSA-AES128-GCM-SHA256") == "second"
    finally:
        daemon.stop()


# --- socket activation ----------------------------------------------------------------------

def test_socket_activation(proxy, authority, server, alice):
    proxy.stop()
    write_config(authority, server, 'auth_tcp = "none"', tls=False)
    hosts = ["127.0.0.1", "::1"]
    listeners = [socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
                 for host in hosts for port in (16514, 16509)]
    local = socket.socket(socket.AF_UNIX)
    local.bind(PROXY_SOCKET)
    local.listen()
    listeners.append(local)
    names = 2 * "virtproxyd-tls.socket:virtproxyd-tcp.socket:" + "virtproxyd.socket"
    process = start_activated(proxy.binary, listeners, names)
    try:
        for host in ("localhost", "127.0.0.1", "[::1]"):
            for uri in (tls_uri(alice, host), "qemu+tcp://%s/system" % host):
                with libvirt.open(uri) as remote:
                    assert remote.getURI()
    finally:
        process.terminate()
        assert process.wait(30) == 0
        os.unlink(PROXY_SOCKET)
        for listener in listeners:
            listener.close()
        write_own_config(authority, server)
        proxy.start()


def start_activated(binary, listeners, names):
    def pass_on():
        high = [os.dup2(listener.fileno(), 100 + i) for i, listener in enumerate(listeners)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)
        os.environ["LISTEN_PID"] = str(os.getpid())

    program = ("import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); "
               "os.execv(sys.argv[1], sys.argv[1:])")
    return subprocess.Popen(["/usr/bin/python3", "-c", program, binary, "-f", CONFIG],
                            preexec_fn=pass_on, close_fds=False, stdin=subprocess.DEVNULL,
                            env=dict(os.environ, LISTEN_FDS=str(len(listeners)), LISTEN_FDNAMES=names))


def test_idle_exit_waits_for_remote_clients(proxy, authority, server):
    proxy.stop()
    try:
        short = start_proxy("--timeout", "1")
        with socket.create_connection(("127.0.0.1", 16509), 10):
            with pytest.raises(subprocess.TimeoutExpired):
                short.process.wait(2)
        assert short.process.wait(20) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", 16509), 10)
    finally:
        proxy.start()


class Bytes:
    """a TLS client whose bytes go out when the test says so"""

    def __init__(self, pki, authority, plain):
        context = ssl.create_default_context(cafile=str(authority.certificate))
        context.load_cert_chain(pki / "clientcert.pem", pki / "clientkey.pem")
        self.plain, self.read, self.written = plain, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.link = context.wrap_bio(self.read, self.written, server_hostname="127.0.0.1")

    def send(self):
        self.plain.sendall(self.written.read())

    def until(self, step, *words):
        """what step returns, once it has read what it wants; None at the end of the link"""
        while True:
            try:
                return step(*words)
            except ssl.SSLWantReadError:
                self.send()
                data = self.plain.recv(65536)
                if not data:
                    return None
                self.read.write(data)
            except ssl.SSLZeroReturnError:
                return None


def test_an_end_that_comes_with_the_last_bytes(proxy, authority, alice):
    """many records and the word of the end are read at one go, and nothing more comes: the link ends"""
    procedure = wire.REMOTE.procedures["AUTH_LIST"]["number"]
    call = wire.pack(wire.REMOTE.number, 1, procedure, wire.CALL, 0, wire.OK)
    with socket.create_connection(("127.0.0.1", 16514), 30) as plain:
        client = Bytes(alice, authority, plain)
        client.until(client.link.do_handshake)
        assert client.until(client.link.read, 1) == b"\1"
        client.link.write(call * 2340)
        try:
            client.link.unwrap()
        except ssl.SSLWantReadError:
            pass
        client.send()
        read_to_end(plain)
    assert proxy.alive()


# --- a hostile network ----------------------------------------------------------------------

def test_garbage_is_one_line_of_the_log(proxy):
    for port in (16509, 16514):
        before = proxy.log.stat().st_size
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            read_to_end(client)
        wait_until(lambda: b"has gone" in proxy.log.read_bytes()[before:], what="its end")
        lines = [line for line in proxy.log.read_bytes()[before:].decode().splitlines()
                 if "virtproxyd" in line or "client" in line]
        # the last of who only looked whether the daemon is there may be among them
        assert len([line for line in lines if "has gone" in line and "closed by itself" not in line]) == 1
        assert not [line for line in lines if re.search(r"\b(error|warning)\b", line)], lines


def read_to_end(client):
    try:
        while client.recv(4096):
            pass
    except ConnectionResetError:
        pass


def test_half_open_clients_hold_up_nobody(proxy, far, alice):
    """more than may be anonymous, that say nothing, or begin a handshake and stop"""
    idle = [socket.create_connection(("127.0.0.1", port), 10)
            for port in (16509, 16514) for _ in range(30)]
    try:
        for client in idle[30:]:
            client.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert libvirt.open("qemu:///system?mode=legacy").close() == 0
        start = time.monotonic()
        assert far_virsh(far, tls_uri(alice), "uri")
        assert time.monotonic() - start < 30
    finally:
        for client in idle:
            client.close()


def hello():
    """the first packet of a handshake"""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    link = ssl._create_unverified_context().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        link.do_handshake()
    return outgoing.read()


def test_a_storm_of_handshakes(proxy, far, alice):
    """strangers who have the costly part done, and go, again and again: others still get in"""
    before, first = proxy.descriptors(), hello()
    waiting = subprocess.Popen(["ip", "netns", "exec", far.name, "virsh", "-q", "-c", tls_uri(alice), "uri"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    for _ in range(20):
        strangers = [socket.create_connection(("127.0.0.1", 16514), 20) for _ in range(15)]
        for stranger in strangers:
            stranger.sendall(first)
        strangers[0].settimeout(20)
        assert strangers[0].recv(1)             # it is answered, then
        for stranger in strangers:
            stranger.close()
    assert b"/system" in waiting.communicate(timeout=60)[0]
    wait_until(lambda: proxy.descriptors() <= before, 30, what=proxy.descriptors)
    assert proxy.alive()


def test_a_renegotiation_ends_the_link(proxy, authority, alice):
    """openssl's client begins one when it reads an R"""
    if not pathlib.Path("/usr/bin/openssl").exists():
        pytest.skip("no openssl")
    client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:16514", "-tls1_2", "-CAfile",
                               authority.certificate, "-cert", alice / "clientcert.pem", "-key",
                               alice / "clientkey.pem"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = b""
        while b"\1" not in said:
            part = os.read(client.stdout.fileno(), 4096)
            assert part, said
            said += part
        client.stdin.write(b"R\n")
        client.stdin.flush()
        assert client.wait(20) is not None
    finally:
        client.kill()
    assert proxy.alive()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who the client is: SASL with passwords on TLS, TCP and unix sockets, with stock clients."""
import os
import pathlib
import re
import socket
import subprocess
import time

import kerberos
import libvirt
import pytest
import wire
from certificates import CLIENT, SERVER, Authority, pki_folder
from daemon import Daemon, hlt_xml, virsh, wait_until
from netns import run

ROOM = pathlib.Path("/run/sasl")
CONFIG = ROOM / "virtproxyd.conf"
PASSWORDS = ROOM / "passwd.db"
PROXY_SOCKET = "/run/libvirt/libvirt-sock"
REFUSED_AFTER = 0.9     # seconds: a wrong password is answered late


@pytest.fixture(scope="module")
def authority():
    return Authority(ROOM / "ca")


@pytest.fixture(scope="module")
def pki(authority):
    return pki_folder(ROOM / "client", authority, authority.sign("laptop", CLIENT))


@pytest.fixture(scope="module")
def passwords():
    ROOM.mkdir(exist_ok=True)
    for user in ("alice", "bob"):
        subprocess.run(["saslpasswd2", "-p", "-a", "libvirt", "-f", PASSWORDS, "-u", "example", "-c",
                        user], input="secret of %s" % user, text=True, check=True)
        credentials(user, "secret of %s" % user)
    credentials("mallory", "guess", "alice")
    return PASSWORDS


def credentials(name, password, user=None):
    text = "".join("[credentials-%s]\nauthname=%s@example\nusername=%s@example\npassword=%s\n"
                   "[auth-libvirt-%s]\ncredentials=%s\n"
                   % (name, user or name, user or name, password, host, name)
                   for host in ("127.0.0.1", "localhost", "default"))
    (ROOM / (name + ".auth")).write_text(text)


def uri(transport, user, more=""):
    return "qemu+%s://127.0.0.1/system?authfile=%s%s" % (transport, ROOM / (user + ".auth"), more)


@pytest.fixture
def plugins(passwords, monkeypatch):
    """what they leave behind is no leak of ours: that of DIGEST-MD5 its cache and what it loads of OpenSSL,
    the loader a message. Who called one that is unloaded by then, only slow unwinding tells."""
    (ROOM / "leaks").write_text("leak:sasl_server_add_plugin\nleak:libcrypto.so\nleak:_dlerror_run\n")
    monkeypatch.setenv("LSAN_OPTIONS", "print_suppressions=0:suppressions=%s/leaks" % ROOM)
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":fast_unwind_on_malloc=0")


@pytest.fixture
def proxy(daemon, authority, plugins, monkeypatch):
    """starts a proxy with these lines in its configuration, and these mechanisms"""
    server = authority.folder / "server.pem"
    if not server.exists():
        authority.sign("server", SERVER + ["ip_address = 127.0.0.1"])
    started = []

    def start(*lines, mechanisms="SCRAM-SHA-256"):
        folder = ROOM / "sasl2"
        folder.mkdir(exist_ok=True)
        (folder / "libvirt.conf").write_text(
            "mech_list: %s\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\n"
            % (mechanisms, PASSWORDS))
        CONFIG.write_text("\n".join([
            "listen_tls = 1", "listen_tcp = 1", 'ca_file = "%s"' % authority.certificate,
            'cert_file = "%s"' % server, 'key_file = "%s"' % (authority.folder / "server-key.pem"),
            "log_level = 1", *lines]) + "\n")
        monkeypatch.setenv("SASL_CONF_PATH", str(folder))
        started.append(Daemon("-f", str(CONFIG), name="virtproxyd", path=PROXY_SOCKET).start())
        return started[-1]

    yield start
    for each in started:
        each.stop()


def sign_in(address):
    """a connection whose user and password are those of the URI's file"""
    kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
    return libvirt.openAuth(address, [kinds, lambda *_: -1, None], 0)


def tls(pki, user):
    return uri("tls", user, "&pkipath=%s" % pki)


def test_passwords_behind_tls(proxy, pki, connection):
    running = proxy('auth_tls = "sasl"')
    connection.defineXML(hlt_xml("behind-a-password"))
    assert "behind-a-password" in virsh("list", "--all", uri=tls(pki, "alice"))
    assert "is 'alice@example', by SASL" in running.log_tail()


def test_who_it_is_for_administrators(proxy, pki):
    proxy('auth_tls = "sasl"')
    with sign_in(tls(pki, "alice")) as remote:
        assert remote.getURI()
        admin = "virtproxyd:///system"
        listed = run("virt-admin", "-q", "-c", admin, "srv-clients-list", "virtproxyd")
        number = re.findall(r"(\d+)\s+tls", listed)[-1]
        info = run("virt-admin", "-q", "-c", admin, "client-info", "virtproxyd", number)
        assert re.search(r"sasl_user_name *: alice@example", info), info
        assert "CN=laptop" in info


def test_wrong_passwords_take_time(proxy, pki):
    running = proxy('auth_tls = "sasl"')
    start = time.monotonic()
    done = virsh("list", uri=tls(pki, "mallory"), check=False)
    assert done.returncode and "authentication failed" in done.stderr
    assert time.monotonic() - start > REFUSED_AFTER
    assert "is not let in" in running.log_tail()


def test_users_that_are_allowed(proxy, pki):
    proxy('auth_tls = "sasl"', 'sasl_allowed_username_list = [ "b?b@*" ]')
    assert virsh("uri", uri=tls(pki, "bob"))
    assert virsh("uri", uri=tls(pki, "alice"), check=False).returncode


def test_encryption_by_sasl(proxy, connection):
    """128 bits of DIGEST-MD5: nothing that was said can be read on the wire"""
    running = proxy(mechanisms="DIGEST-MD5")
    with sign_in(uri("tcp", "alice")) as remote:
        document = "<a>%s</a>" % ("x" * 300000)
        domain = remote.defineXML(hlt_xml("whispered"))
        element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        domain.setMetadata(element, document, "k", "urn:k")
        assert len(domain.metadata(element, "urn:k")) >= 300000
        for _ in range(50):
            assert remote.lookupByName("whispered").name() == "whispered"
    assert "is 'alice@example', by SASL" in running.log_tail()


def test_tickets(proxy, connection, monkeypatch):
    """GSSAPI: who has a ticket of the realm needs no password, and TCP is encrypted"""
    before = socket.gethostname()
    with kerberos.realm(ROOM / "realm") as environment:
        monkeypatch.setenv("KRB5_CONFIG", environment["KRB5_CONFIG"])
        monkeypatch.setenv("KRB5_KTNAME", str(ROOM / "realm" / "keys"))
        socket.sethostname("localhost")         # of the sandbox alone; the service is of this name
        try:
            running = proxy(mechanisms="GSSAPI")
            connection.defineXML(hlt_xml("by-ticket"))
            words = ["virsh", "-q", "-c", "qemu+tcp://localhost/system", "list", "--all"]
            done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, text=True, timeout=60,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert "by-ticket" in done.stdout, done.stderr + running.log_tail()
            assert "is 'alice', by SASL" in running.log_tail()      # the realm is the default one
            environment["KRB5CCNAME"] = "FILE:%s/nothing" % ROOM
            assert subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, timeout=60,
                                  capture_output=True).returncode
        finally:
            socket.sethostname(before)


def test_nothing_without_encryption_on_tcp(proxy):
    """SCRAM does not encrypt: on TCP it is not even offered"""
    proxy(mechanisms="SCRAM-SHA-256")
    done = virsh("list", uri=uri("tcp", "alice"), check=False)
    assert done.returncode and "encrypts as TCP needs it" in done.stderr


def test_calls_before_authentication(proxy):
    proxy('auth_unix_rw = "sasl"', 'unix_sock_rw_perms = "0777"')
    with wire.Client(PROXY_SOCKET) as client:
        for name, args in (("CONNECT_OPEN", {"name": "qemu:///system"}), ("CONNECT_GET_HOSTNAME", {}),
                           ("CONNECT_SUPPORTS_FEATURE", {"feature": 10})):
            with pytest.raises(wire.Refused) as refused:
                client.call(name, args)
            assert "authentication required" in refused.value.message
        assert client.call("AUTH_LIST") == {"types": [1]}
        with pytest.raises(wire.Refused):
            client.call("AUTH_POLKIT")
        with pytest.raises(wire.Refused):       # the first step is missing
            client.call("AUTH_SASL_START", {"mech": "SCRAM-SHA-256", "nil": 1})
        assert client.call("AUTH_SASL_INIT")["mechlist"] == "SCRAM-SHA-256"
        for name in ("AUTH_SASL_INIT", "AUTH_SASL_STEP"):       # neither is next
            with pytest.raises(wire.Refused) as refused:
                client.call(name, {"nil": 1} if name == "AUTH_SASL_STEP" else None)
            assert "not the step that is next" in refused.value.message
        with pytest.raises(wire.Refused):
            client.call("CONNECT_OPEN", {"name": "qemu:///system"})
        token = {"mech": "SCRAM-SHA-256", "nil": 0, "data": list(b"n,,n=alice@example,r=abcdef")}
        assert client.call("AUTH_SASL_START", token)["complete"] == 0
        with pytest.raises(wire.Refused):
            client.call("AUTH_SASL_START", token)


def test_nonsense_in_the_exchange(proxy):
    running = proxy('auth_unix_rw = "sasl"')
    for mechanism, data in (("SCRAM-SHA-256", b""), ("SCRAM-SHA-256", bytes(range(256))),
                            ("NONSENSE", b"x"), ("", b""), ("ANONYMOUS", b"me"),
                            ("SCRAM-SHA-256", b"n,,n=alice@example,r=" + b"A" * 60000)):
        with wire.Client(PROXY_SOCKET) as client:
            client.call("AUTH_SASL_INIT")
            try:
                said = client.call("AUTH_SASL_START", {"mech": mechanism, "nil": 0, "data": list(data)})
                assert said["complete"] == 0
                client.call("AUTH_SASL_STEP", {"nil": 0, "data": list(b"c=biws,r=nonsense,p=AAAA")})
                assert False, "let in"
            except wire.Refused as refused:
                assert refused.code in (libvirt.VIR_ERR_AUTH_FAILED, libvirt.VIR_ERR_RPC)
    assert running.alive()


def test_clients_that_go_in_the_middle(proxy):
    running = proxy('auth_unix_rw = "sasl"')
    before = running.descriptors()
    for _ in range(20):
        client = wire.Client(PROXY_SOCKET)
        client.call("AUTH_SASL_INIT")
        client.send("AUTH_SASL_START", {"mech": "SCRAM-SHA-256", "nil": 0, "data": list(b"n,,n=a,r=b")})
        client.close()
    wait_until(lambda: running.descriptors() <= before + 2, what="clients to go")


def test_who_waits_holds_up_nobody(proxy, pki):
    """wrong passwords are answered late, right ones at once"""
    proxy('auth_tls = "sasl"')
    guessing = [subprocess.Popen(["virsh", "-c", tls(pki, "mallory"), "uri"], stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL) for _ in range(5)]
    try:
        assert virsh("uri", uri=tls(pki, "alice"))
    finally:
        for each in guessing:
            assert each.wait(60)


def test_a_password_for_virtqemud_itself(daemon, passwords, plugins, monkeypatch, tmp_path):
    """any daemon's unix socket may ask for one"""
    (tmp_path / "libvirt.conf").write_text("mech_list: SCRAM-SHA-256\npwcheck_method: auxprop\n"
                                           "auxprop_plugin: sasldb\nsasldb_path: %s\n" % passwords)
    config = tmp_path / "virtqemud.conf"
    config.write_text('auth_unix_rw = "sasl"\n')
    monkeypatch.setenv("SASL_CONF_PATH", str(tmp_path))
    daemon.stop()
    daemon.options = ("-f", str(config))
    try:
        daemon.start()
        for user, inside in (("alice", True), ("mallory", False)):
            done = virsh("uri", uri="qemu:///system?authfile=%s" % (ROOM / (user + ".auth")), check=False)
            assert (done.returncode == 0) == inside, done.stderr
    finally:
        daemon.stop()
        daemon.options = ()
        daemon.start()

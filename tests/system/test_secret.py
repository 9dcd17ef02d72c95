# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtsecretd: secrets by stock clients, and the values of private ones for daemons alone."""
import base64
import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import uuid

import libvirt
import pytest
import wire
from client import code_of, opened, remove_secrets
from daemon import Daemon, virsh, wait_until

URI = "secret:///system"
FOLDER = pathlib.Path("/etc/libvirt/secrets")
SOCKET = "/run/libvirt/virtsecretd-sock"
PRIVATE_CALL = "SECRET_USE_VALUE"


def secret_xml(usage=None, kind="volume", number=None, more="", **attributes):
    inner = {"volume": "volume", "iscsi": "target"}.get(kind, "name")
    return "<secret %s><uuid>%s</uuid>%s%s</secret>" % (
        " ".join("%s='%s'" % pair for pair in attributes.items()), number or uuid.uuid4(), more,
        "<usage type='%s'><%s>%s</%s></usage>" % (kind, inner, usage, inner) if usage else "")


@pytest.fixture(scope="module")
def daemon():
    running = Daemon(name="virtsecretd").start()
    yield running
    running.stop()


@pytest.fixture
def connection(daemon):
    """an open connection; afterwards there is no secret, and nothing of one"""
    with opened(daemon, URI, remove_secrets) as connection:
        yield connection
    assert not FOLDER.exists() or not os.listdir(FOLDER)


def define(connection, *args, **attributes):
    return connection.secretDefineXML(secret_xml(*args, **attributes))


def again(daemon, connection, secret):
    """the same secret after the daemon's end and start; a new connection with it, kept alive by it"""
    number = secret.UUIDString()
    daemon.restart()
    return libvirt.open(URI).secretLookupByUUIDString(number)


# ---- life ----

def test_life(connection):
    seen = []

    def note(_, secret, *rest):
        seen.append((secret.UUIDString(), secret.usageType(), secret.usageID()) + rest[:-1])

    connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, note, None)
    connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED, note, None)
    secret = define(connection, "/images/a", more="<description>words</description>")
    handle = (secret.UUIDString(), libvirt.VIR_SECRET_USAGE_TYPE_VOLUME, "/images/a")
    assert code_of(secret.value) == libvirt.VIR_ERR_NO_SECRET
    secret.setValue(b"a\0b\xff")
    assert secret.value() == b"a\0b\xff"
    assert connection.secretLookupByUsage(1, "/images/a").UUIDString() == handle[0]
    assert connection.secretLookupByUUIDString(handle[0]).usageID() == "/images/a"
    assert secret.XMLDesc().startswith("<secret ephemeral='no' private='no'>\n  <uuid>%s" % handle[0])
    assert (connection.numOfSecrets(), connection.listSecrets()) == (1, [handle[0]])
    secret.undefine()
    for call in (secret.undefine, secret.value, secret.XMLDesc, lambda: secret.setValue(b"x")):
        assert code_of(call) == libvirt.VIR_ERR_NO_SECRET
    assert code_of(connection.secretLookupByUsage, 1, "/images/a") == libvirt.VIR_ERR_NO_SECRET
    wait_until(lambda: len(seen) == 3, what=lambda: seen)
    assert seen == [handle + (libvirt.VIR_SECRET_EVENT_DEFINED, 0), handle,
                    handle + (libvirt.VIR_SECRET_EVENT_UNDEFINED, 0)]


def test_events_of_one(connection):
    one, other = define(connection, "/one"), define(connection, "/other")
    seen = []
    number = connection.secretEventRegisterAny(one, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED,
                                               lambda c, s, _: seen.append(s.usageID()), None)
    other.setValue(b"x")
    one.setValue(b"x")
    wait_until(lambda: seen == ["/one"], what=lambda: seen)
    connection.secretEventDeregisterAny(number)
    one.setValue(b"y")
    define(connection, "/third")
    assert seen == ["/one"]


def test_virsh(connection, tmp_path):
    document = tmp_path / "s.xml"
    number = str(uuid.uuid4())
    document.write_text(secret_xml("client.x", "ceph", number))
    run = dict(uri=URI)
    virsh("secret-define", str(document), **run)
    virsh("secret-set-value", number, base64.b64encode(b"of ceph").decode(), **run)
    assert base64.b64decode(virsh("secret-get-value", number, **run)) == b"of ceph"
    assert virsh("secret-list", **run).split() == [number, "ceph", "client.x"]
    assert "<name>client.x</name>" in virsh("secret-dumpxml", number, **run)
    listener = subprocess.Popen(["virsh", "-c", URI, "secret-event", "--event", "value-changed",
                                 "--timeout", "60"],
                                stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    try:
        def changed():
            virsh("secret-set-value", number, "eA==", **run)
            return listener.poll() is not None
        wait_until(changed, 30)
        assert "event 'value-changed' for secret %s" % number in listener.stdout.read()
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()
    virsh("secret-undefine", number, **run)


def test_lists(connection):
    define(connection, "plain", "ceph")
    define(connection, "private", "tls", private="yes")
    define(connection, "fleeting", "vtpm", ephemeral="yes")
    define(connection, "both", "iscsi", ephemeral="yes", private="yes")
    for flags, names in ((0, "both fleeting plain private"), (1, "both fleeting"), (2, "plain private"),
                         (4, "both private"), (8, "fleeting plain"), (3, "both fleeting plain private"),
                         (5, "both"), (10, "plain")):
        assert sorted(s.usageID() for s in connection.listAllSecrets(flags)) == names.split()
    assert code_of(connection.listAllSecrets, 16) == libvirt.VIR_ERR_INVALID_ARG


def test_refused(connection):
    """codes as the incumbent has them"""
    secret = define(connection, "/a")
    number = secret.UUIDString()
    for xml, code in (("<sekret/>", libvirt.VIR_ERR_XML_ERROR),
                      (secret_xml("/a"), libvirt.VIR_ERR_INTERNAL_ERROR),       # its use is taken
                      (secret_xml("/b", number=number), libvirt.VIR_ERR_INTERNAL_ERROR),
                      (secret_xml("x", "other"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED)):
        assert code_of(connection.secretDefineXML, xml) == code
    assert code_of(connection.secretDefineXML, secret_xml("/c"), 2) == libvirt.VIR_ERR_INVALID_ARG
    for call in (lambda: secret.value(1), lambda: secret.setValue(b"x", 1), lambda: secret.XMLDesc(1),
                 lambda: secret.setValue(b"")):
        assert code_of(call) == libvirt.VIR_ERR_INVALID_ARG
    define(connection, "/a", number=number, private="yes")
    assert code_of(define, connection, "/a", "volume", number) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert connection.numOfSecrets() == 1


def test_size_of_values(connection):
    secret = define(connection)
    secret.setValue(b"x" * 65536)
    assert secret.value() == b"x" * 65536
    with wire.Client(SOCKET) as client:
        client.open(URI)
        handle = {"uuid": secret.UUID(), "usageType": 0, "usageID": ""}
        with pytest.raises(wire.Refused):
            client.call("SECRET_SET_VALUE", {"secret": handle, "value": b"y" * 65537})
        assert len(client.call("SECRET_GET_VALUE", {"secret": handle})["value"]) == 65536


# ---- files ----

def test_files(daemon, connection):
    secret = define(connection, "/kept")
    secret.setValue(b"secretvalue\xff")
    document, value = FOLDER / (secret.UUIDString() + ".xml"), FOLDER / (secret.UUIDString() + ".base64")
    assert value.read_bytes() == b"c2VjcmV0dmFsdWX/"
    assert [path.stat().st_mode & 0o7777 for path in (FOLDER, document, value)] == [0o700, 0o600, 0o600]
    assert again(daemon, connection, secret).value() == b"secretvalue\xff"


def test_files_of_the_incumbent(daemon, connection):
    number = str(uuid.uuid4())
    daemon.kill()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / (number + ".xml")).write_text(
        "<secret ephemeral='no' private='no'>\n  <uuid>%s</uuid>\n  <usage type='volume'>\n"
        "    <volume>/a</volume>\n  </usage>\n</secret>\n" % number)
    (FOLDER / (number + ".base64")).write_text("c2VjcmV0dmFsdWX/")
    daemon.start()
    with libvirt.open(URI) as fresh:
        assert fresh.secretLookupByUsage(1, "/a").value() == b"secretvalue\xff"


def test_a_broken_value(daemon, connection):
    secret = define(connection, "/broken")
    secret.setValue(b"x")
    (FOLDER / (secret.UUIDString() + ".base64")).write_text("c2Vj!")
    secret = again(daemon, connection, secret)
    assert code_of(secret.value) == libvirt.VIR_ERR_NO_SECRET
    assert "does not hold a secret in base64" in daemon.log_tail() and "c2Vj" not in daemon.log_tail()
    secret.setValue(b"new")
    assert secret.value() == b"new"


def test_ephemeral_are_on_no_disk(daemon, connection):
    secret = define(connection, "/fleeting", ephemeral="yes")
    secret.setValue(b"in memory")
    assert secret.value() == b"in memory"
    assert not FOLDER.exists() or not os.listdir(FOLDER)
    kept = define(connection, "/fleeting", "volume", secret.UUIDString())        # and now to the disk
    assert again(daemon, connection, kept).value() == b"in memory"
    with libvirt.open(URI) as fresh:
        define(fresh, "/fleeting", "volume", secret.UUIDString(), ephemeral="yes")   # and back
        assert not os.listdir(FOLDER)
        assert fresh.secretLookupByUsage(1, "/fleeting").value() == b"in memory"


def test_kill_while_values_are_set(daemon, connection):
    """the old value or the new one, and one whose setting was answered is there"""
    number = define(connection, "/killed").UUIDString()
    values = [bytes([65 + n]) * (1 + n * 1000) for n in range(20)]
    for turn in range(8):
        answered, begun = [None], [None]
        with libvirt.open(URI) as fresh:
            secret = fresh.secretLookupByUUIDString(number)

            def work():
                with contextlib.suppress(libvirt.libvirtError):
                    for value in values * 50:
                        begun.append(value)
                        secret.setValue(value)
                        answered.append(value)

            worker = threading.Thread(target=work)
            worker.start()
            wait_until(lambda: len(answered) > 3 + turn * 3)
            daemon.kill()
            worker.join()
        daemon.start()
        with libvirt.open(URI) as fresh:
            assert fresh.secretLookupByUUIDString(number).value() in (answered[-1], begun[-1])
            assert sorted(os.listdir(FOLDER)) == [number + ".base64", number + ".xml"]


@pytest.fixture
def full(daemon, connection):
    """a connection to a daemon whose disk is full, with one secret"""
    daemon.kill()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", "/etc/libvirt"], check=True)
    daemon.start()
    with libvirt.open(URI) as opened:
        define(opened, "/full").setValue(b"before")
        with open("/etc/libvirt/ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        yield opened
    daemon.kill()
    subprocess.run(["umount", "-l", "/etc/libvirt"], check=True)
    daemon.start()


def test_disk_full(daemon, full):
    secret = full.secretLookupByUsage(1, "/full")
    assert code_of(secret.setValue, b"after") == libvirt.VIR_ERR_SYSTEM_ERROR
    assert secret.value() == b"before"
    assert code_of(define, full, "/another") == libvirt.VIR_ERR_SYSTEM_ERROR
    fleeting = define(full, "/fleeting", ephemeral="yes")
    fleeting.setValue(b"no disk")
    assert code_of(define, full, "/fleeting", "volume", fleeting.UUIDString()) == \
        libvirt.VIR_ERR_SYSTEM_ERROR
    assert "ephemeral='yes'" in fleeting.XMLDesc() and fleeting.value() == b"no disk"
    assert again(daemon, full, secret).value() == b"before"


# ---- who may ----

def test_readers(connection):
    secret = define(connection, "/a")
    secret.setValue(b"x")
    with libvirt.openReadOnly(URI) as reader:
        seen = reader.secretLookupByUUIDString(secret.UUIDString())
        assert "/a" in seen.XMLDesc() and reader.numOfSecrets() == 1
        for call in (seen.value, lambda: seen.setValue(b"y"), seen.undefine,
                     lambda: define(reader, "/b")):
            assert code_of(call) == libvirt.VIR_ERR_OPERATION_DENIED
    with wire.Client(SOCKET + "-ro") as client:
        client.open(URI, flags=1)
        with pytest.raises(wire.Refused) as refused:
            client.call(PRIVATE_CALL, {"uuid": secret.UUID()}, program=wire.Program("modvirt"))
        assert refused.value.code == libvirt.VIR_ERR_OPERATION_DENIED


def use_value(client, **args):
    return client.call(PRIVATE_CALL, args, program=wire.Program("modvirt"))["value"]


def test_private_values(connection):
    secret = define(connection, "/private", private="yes")
    secret.setValue(b"for daemons")
    assert code_of(secret.value) == libvirt.VIR_ERR_INVALID_SECRET
    assert "for daemons" not in secret.XMLDesc()
    with wire.Client(SOCKET) as client:
        client.open(URI)
        assert use_value(client, uuid=secret.UUID()) == b"for daemons"
        assert use_value(client, uuid=bytes(16), usageType=1, usageID="/private") == b"for daemons"
        for args, code in (({"uuid": secret.UUID(), "usageType": 2}, libvirt.VIR_ERR_INVALID_ARG),
                           ({"uuid": bytes(16)}, libvirt.VIR_ERR_NO_SECRET),
                           ({"uuid": bytes(16), "usageType": 1, "usageID": "/no"}, libvirt.VIR_ERR_NO_SECRET)):
            with pytest.raises(wire.Refused) as refused:
                use_value(client, **args)
            assert refused.value.code == code


@contextlib.contextmanager
def another(daemon, *options):
    """a daemon with other options, in the place of the module's"""
    daemon.stop()
    running = Daemon(*options, name="virtsecretd").start()
    try:
        yield running
    finally:
        running.kill(signal.SIGTERM)
        daemon.start()


def answer_to_nobody(secret):
    """the error code that another user's client gets to the daemons' question; 0: it has the value"""
    child = os.fork()
    if child == 0:
        code = 255
        os.setresuid(65534, 65534, 65534)
        try:
            with wire.Client(SOCKET) as client:
                client.open(URI)
                assert client.call("CONNECT_NUM_OF_SECRETS")["num"] == 1
                use_value(client, uuid=secret)
                code = 0
        except wire.Refused as refused:
            code = refused.code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_others_are_no_daemons(daemon, connection, tmp_path):
    """of a user who may do all that a client may"""
    secret = define(connection, "/private", private="yes")
    secret.setValue(b"for daemons")
    config = tmp_path / "open.conf"
    config.write_text('unix_sock_rw_perms = "0777"\nauth_unix_rw = "none"\n')
    with another(daemon, "-f", str(config)):
        assert answer_to_nobody(secret.UUID()) == libvirt.VIR_ERR_ACCESS_DENIED


@pytest.mark.parametrize("name, path, uri", [
    ("virtqemud", "/run/libvirt/virtqemud-sock", "qemu:///system"),
    ("virtproxyd", "/run/libvirt/libvirt-sock", "secret:///system")])
def test_through_forwarders(connection, name, path, uri):
    """the same secrets, but nothing that is private"""
    secret = define(connection, "/private", private="yes")
    secret.setValue(b"for daemons")
    running = Daemon(name=name, path=path).start()
    try:
        target = "%s+unix:///system?socket=%s" % (uri.partition(":")[0], path)
        with libvirt.open(target) as opened:
            assert [s.usageID() for s in opened.listAllSecrets()] == ["/private"]
            assert code_of(opened.secretLookupByUsage(1, "/private").value) == libvirt.VIR_ERR_INVALID_SECRET
            define(opened, "/public").setValue(b"public")
            assert opened.secretLookupByUsage(1, "/public").value() == b"public"
        with wire.Client(path) as client:
            client.open(uri)
            handle = {"uuid": secret.UUID(), "usageType": 1, "usageID": "/private"}
            for flags in (0, 1, 2, 0x80000000):
                with pytest.raises(wire.Refused):
                    client.call("SECRET_GET_VALUE", {"secret": handle, "flags": flags})
            with pytest.raises(wire.Refused) as refused:
                use_value(client, uuid=secret.UUID())
            assert "Cannot find program" in refused.value.message
    finally:
        running.stop()


# ---- the process ----

def test_idle_exit_waits_for_ephemeral_secrets(daemon, connection):
    with another(daemon, "--timeout", "1") as running:
        with libvirt.open(URI) as fresh:
            secret = define(fresh, "/fleeting", ephemeral="yes")
            secret.setValue(b"x")
            number = secret.UUIDString()
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(3)
        with libvirt.open(URI) as fresh:
            secret = fresh.secretLookupByUUIDString(number)
            assert secret.value() == b"x"
            secret.undefine()
        del secret
        assert running.process.wait(30) == 0


def test_memory_is_protected(daemon, connection):
    """it is not swapped out; and the files in /proc of a process that leaves no core dump are root's, even
    of another user's daemon"""
    status = pathlib.Path("/proc/%d/status" % daemon.process.pid).read_text()
    locked = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmLck:")]
    if locked == [0]:
        pytest.skip("memory can't be locked here")
    bounded = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "cat"]
    path = "/proc/%d/environ" % daemon.process.pid
    assert subprocess.run(["cat", path], stdout=subprocess.DEVNULL).returncode == 0
    assert subprocess.run([*bounded, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def memory_of(daemon):
    """all that it could have written a value to"""
    found = bytearray()
    with open("/proc/%d/maps" % daemon.process.pid) as maps, \
            open("/proc/%d/mem" % daemon.process.pid, "rb", buffering=0) as memory:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if " rw" in line and end - begin < 256 * 1024 * 1024:
                with contextlib.suppress(OSError):
                    memory.seek(begin)
                    found += memory.read(end - begin)
    return bytes(found)


def test_values_are_wiped(daemon, connection):
    secret = define(connection, "/wiped")
    values = [b"a value that is " + os.urandom(16).hex().encode() for _ in range(3)]
    for value in values:
        secret.setValue(value)
        assert secret.value() == value
    # a reply may be here before it is gone there
    wait_until(lambda: [memory_of(daemon).count(value) for value in values] == [0, 0, 1])
    secret.undefine()
    wait_until(lambda: values[2] not in memory_of(daemon))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures of virtproxyd: what its way costs beside the direct one, and TLS beside what gnutls does
between two programs that do nothing else, with the same certificates, in the same run."""
import contextlib
import pathlib
import socket

import certificates
import daemon as tested
import incumbent
import pingpong
import wire

LEGACY = "/run/libvirt/libvirt-sock"
STORAGE = "/run/libvirt/virtstoraged-sock"
POOL = pathlib.Path("/var/lib/libvirt/bench-pool")
PORT, ECHO_PORT, RELAY_PORT = 16514, 16614, 16615
DOWNLOAD = "STORAGE_VOL_DOWNLOAD"
STREAMS = (("take", DOWNLOAD), ("give", "STORAGE_VOL_UPLOAD"))     # of pingpong
REPEATS = 5
MIB = 1 << 20


def address(port, folder):
    return "tls:127.0.0.1:%d:%s" % (port, folder)


def in_turn(best, *measures):
    """the best of each, alternating: what else runs here makes any of them worse, and none better"""
    rounds = [[measure() for measure in measures] for _ in range(REPEATS)]
    return [best(values) for values in zip(*rounds)]


def private_kib(process):
    lines = pathlib.Path("/proc/%d/smaps_rollup" % process.pid).read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_config(path, *lines):
    limits = ["max_%s = 20000" % name for name in ("clients", "anonymous_clients")]
    path.write_text("\n".join([*limits, *lines]) + "\n")
    return path


@contextlib.contextmanager
def running(name, *options, **named):
    daemon = tested.Daemon(*options, name=name, **named).start()
    try:
        yield daemon
    finally:
        daemon.stop()


@contextlib.contextmanager
def proxy(folder, *lines):
    config = write_config(folder / "virtproxyd.conf", *lines)
    with running("virtproxyd", "-f", str(config), path=LEGACY) as daemon:
        yield daemon


# --- the way through virtproxyd -------------------------------------------------------------

def compare(bench, what, unit, measure, ours, floors):
    """one row for each floor: (name, address)"""
    value, *others = in_turn(min if unit == "us" else max,
                             *[lambda where=where: measure(where)
                               for where in (ours, *(address for _, address in floors))])
    for (name, _), floor in zip(floors, others):
        bench.add("%s (floor: %s)" % (what, name), unit, value, floor)


@contextlib.contextmanager
def installed():
    """libvirtd, asked directly, if there is one"""
    if not incumbent.is_installed():
        yield ()
        return
    with incumbent.running() as path:
        yield (("installed libvirtd, direct", path),)


@contextlib.contextmanager
def relay(folder, target):
    path = str(folder / "relay")
    with pingpong.server("relay", path, lambda: tested.accepts(path), target):
        yield ("direct", target), ("a bare relay", path)


def measure_proxy(bench):
    asking = pingpong.Pingpong(bench.folder, bench.options.seconds)
    with proxy(bench.folder):
        with relay(bench.folder, tested.SOCKET) as floors, installed() as other:
            floors += other
            compare(bench, "round trip through virtproxyd, p50", "us", lambda at: asking.call(at)["p50"], LEGACY, floors)
            compare(bench, "calls/s through virtproxyd, 64 clients", "/s",
                    lambda at: asking.call(at, 64)["per_second"], LEGACY, floors)
        with volume(bench) as (asking, vol, size), relay(bench.folder, STORAGE) as floors:
            for kind, procedure in STREAMS:
                asking.ask(procedure, {"vol": vol, "offset": 0, "length": 0, "flags": 0})
                compare(bench, "%s of a volume through virtproxyd" % procedure[12:].lower(), "MiB/s",
                        lambda at: asking.stream(kind, at, size), LEGACY, floors)


def make_volume(size):
    """a volume of so many bytes; what names it in a call"""
    uri = "storage:///system"
    POOL.mkdir()
    tested.virsh("pool-create-as", "bench", "dir", "--target", POOL, uri=uri)
    with (POOL / "volume").open("wb") as file:
        for _ in range(size // MIB):
            file.write(bytes(MIB))
    tested.virsh("pool-refresh", "bench", uri=uri)
    with wire.Client(STORAGE).open(uri) as client:
        pool = client.call("STORAGE_POOL_LOOKUP_BY_NAME", {"name": "bench"})["pool"]
        return client.call("STORAGE_VOL_LOOKUP_BY_NAME", {"pool": pool, "name": "volume"})["vol"]


@contextlib.contextmanager
def volume(bench):
    """who asks for its bytes"""
    with running("virtstoraged"):
        size = bench.options.stream_mib * MIB
        asking = pingpong.Pingpong(bench.folder, bench.options.seconds, "storage:///system")
        try:
            yield asking, make_volume(size), size
        finally:
            (POOL / "volume").unlink(missing_ok=True)
            tested.virsh("pool-destroy", "bench", uri="storage:///system", check=False)
            POOL.rmdir()


# --- TLS ------------------------------------------------------------------------------------

def make_certificates(folder):
    """folders of a server and of a client, for pingpong"""
    authority = certificates.Authority(folder / "authority")
    for name, lines in (("server", certificates.SERVER + ["ip_address = 127.0.0.1"]),
                        ("client", certificates.CLIENT)):
        own = authority.sign(name, lines)
        (folder / name).mkdir()
        for source, target in ((authority.certificate, "cacert.pem"), (own.certificate, "cert.pem"),
                               (own.key, "key.pem")):
            (folder / name / target).write_bytes(source.read_bytes())


@contextlib.contextmanager
def tls_proxy(folder):
    server = folder / "server"
    with proxy(folder, "listen_tls = 1", 'listen_addr = "127.0.0.1"', 'ca_file = "%s/cacert.pem"' % server,
               'cert_file = "%s/cert.pem"' % server, 'key_file = "%s/key.pem"' % server) as daemon:
        yield daemon


@contextlib.contextmanager
def gnutls_alone(bench, target):
    """(name, address) of a server that answers itself, and of one that passes on to the target"""
    server, client = bench.folder / "server", bench.folder / "client"
    procedure = wire.REMOTE.procedures[DOWNLOAD]["number"]
    with pingpong.server("echo", address(ECHO_PORT, server), lambda: listens(ECHO_PORT), procedure,
                         bench.options.stream_mib * MIB), \
         pingpong.server("relay", address(RELAY_PORT, server), lambda: listens(RELAY_PORT), target):
        yield ("gnutls alone", address(ECHO_PORT, client)), ("a bare relay", address(RELAY_PORT, client))


def measure_tls(bench):
    make_certificates(bench.folder)
    ours = address(PORT, bench.folder / "client")
    with tls_proxy(bench.folder):
        asking = pingpong.Pingpong(bench.folder, bench.options.seconds)
        with gnutls_alone(bench, tested.SOCKET) as floors:
            for clients in (1, 4):
                compare(bench, "TLS: connect + handshake + open, %d at a time" % clients, "/s",
                        lambda at: asking.open(at, clients)["per_second"], ours, floors)
            for clients in (1, 64):
                compare(bench, "TLS: calls/s, clients: %d" % clients, "/s",
                        lambda at: asking.call(at, clients)["per_second"], ours, floors)
        with volume(bench) as (asking, vol, size), gnutls_alone(bench, STORAGE) as floors:
            for kind, procedure in STREAMS:
                asking.ask(procedure, {"vol": vol, "offset": 0, "length": 0, "flags": 0})
                compare(bench, "TLS: %s of a volume" % procedure[12:].lower(), "MiB/s",
                        lambda at: asking.stream(kind, at, size), ours, floors)


# --- who says nothing -----------------------------------------------------------------------

def idle_memory(daemon, asking, where, count):
    """KiB of private memory that each client adds"""
    before = private_kib(daemon.process)
    with asking.held(where, count):
        return (private_kib(daemon.process) - before) / count


def measure_idle(bench):
    if not (bench.folder / "client").exists():
        make_certificates(bench.folder)
    count = 100 if bench.options.quick else 1000
    silent, greeting = (pingpong.Pingpong(bench.folder, bench.options.seconds) for _ in range(2))
    silent.greeting = bench.folder / "nothing"
    silent.greeting.touch()
    for asking, what in ((silent, "connected"), (greeting, "with a link to virtqemud")):
        for name, where, many in (("TLS", address(PORT, bench.folder / "client"), count),
                                  ("unix socket", LEGACY, 5 * count)):
            with tls_proxy(bench.folder) as daemon:
                bench.add("private memory of an idle client, %s, %s" % (name, what), "KiB",
                          idle_memory(daemon, asking, where, many))

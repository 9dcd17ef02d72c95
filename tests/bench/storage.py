# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures of virtstoraged, beside the same work without a daemon and, where it is installed, libvirtd:
all in turn, in the same run."""
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import threading
import time

import daemon as tested
import fuse
import libvirt
import pingpong
import wire
from proxied import LEGACY, STORAGE, in_turn, private_kib, running

INCUMBENT = "/usr/sbin/libvirtd"
URI = "storage:///system"
ROOT = pathlib.Path("/var/lib/libvirt/bench-storage")
MIB = 1 << 20
CHUNK = 256 * 1024
VOLUME = "<volume><name>%s</name><capacity>%d</capacity><allocation>0</allocation>" \
         "<target><format type='%s'/></target></volume>"


def seconds(call, *arguments):
    begun = time.monotonic()
    call(*arguments)
    return time.monotonic() - begun


class Side:
    """one who serves pools, and its own folder for them"""

    def __init__(self, name, path, process):
        self.name, self.path, self.process = name, path, process
        self.uri = "%s?socket=%s" % (URI, path)
        self.connection = libvirt.open(self.uri)
        self.folder = ROOT / name
        self.folder.mkdir(parents=True)

    def pool(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        return self.connection.storagePoolCreateXML(
            "<pool type='dir'><name>%s-%s</name><target><path>%s</path></target></pool>"
            % (self.name, name, self.folder / name))

    def handle(self, pool, volume=None):
        """what names a pool, or a volume of it, in a call"""
        with wire.Client(self.path, 60).open(URI) as client:
            found = client.call("STORAGE_POOL_LOOKUP_BY_NAME", {"name": pool.name()})["pool"]
            return client.call("STORAGE_VOL_LOOKUP_BY_NAME", {"pool": found, "name": volume})["vol"] \
                if volume else found

    def close(self):
        for pool in self.connection.listAllStoragePools():
            if pool.name().startswith(self.name + "-"):
                pool.destroy()
        self.connection.close()
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def installed_daemon():
    with open("/var/log/libvirt/incumbent.out", "w") as log:
        process = subprocess.Popen([INCUMBENT], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        tested.wait_until(lambda: tested.accepts(LEGACY), 60)
        yield process
    finally:
        process.terminate()
        process.wait()


def installed_side(stack):
    """None where there is none, or where it ends as soon as it has started"""
    if not os.path.exists(INCUMBENT):
        return None
    process = stack.enter_context(installed_daemon())
    try:
        theirs = Side("theirs", LEGACY, process)
    except libvirt.libvirtError as error:
        print("not measured: installed libvirtd: %s" % error)
        return None
    stack.callback(theirs.close)
    return theirs


@contextlib.contextmanager
def sides():
    """ours, and libvirtd or None"""
    with contextlib.ExitStack() as stack:
        theirs = installed_side(stack)
        ours = Side("ours", STORAGE, stack.enter_context(running("virtstoraged")).process)
        stack.callback(ours.close)
        yield ours, theirs


def compare(bench, what, unit, measure, floor, both):
    """the figure of each side, measure(side), and that of the floor"""
    best = max if unit.endswith("/s") else min
    values = in_turn(best, floor, *[lambda side=side: measure(side) for side in both if side])
    bench.add(what, unit, values[1], values[0])
    if len(values) > 2:
        bench.add("- the same, installed libvirtd", unit, values[2], values[0])


# --- streams --------------------------------------------------------------------------------

def empty(path, size):
    os.truncate(path, 0)
    os.truncate(path, size)


def forked(work):
    """the child, and our end of a socket whose other one is work's"""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child:
        theirs.close()
        return child, ours
    ours.close()
    work(theirs)
    os._exit(0)


def give_floor(path, size, synced):
    """MiB a second: bytes through a socket into a file"""
    def work(theirs):
        buffer = memoryview(bytearray(CHUNK))
        with open(path, "r+b", buffering=0) as file:
            while count := theirs.recv_into(buffer):
                file.write(buffer[:count])
            if synced:
                os.fdatasync(file.fileno())
        theirs.send(b"!")

    empty(path, size)
    begun = time.monotonic()
    child, ours = forked(work)
    buffer = bytes(CHUNK)
    for _ in range(size // CHUNK):
        ours.sendall(buffer)
    ours.shutdown(socket.SHUT_WR)
    ours.recv(1)
    taken = time.monotonic() - begun
    os.waitpid(child, 0)
    ours.close()
    return size / MIB / taken


def take_floor(path, size):
    """MiB a second: bytes of a file through a socket"""
    def work(theirs):
        buffer = memoryview(bytearray(CHUNK))
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                theirs.sendall(buffer[:count])

    begun = time.monotonic()
    child, ours = forked(work)
    buffer = memoryview(bytearray(CHUNK))
    while ours.recv_into(buffer):
        pass
    taken = time.monotonic() - begun
    os.waitpid(child, 0)
    ours.close()
    return size / MIB / taken


def stream(bench, side, kind, procedure, path, size):
    asking = pingpong.Pingpong(bench.folder, bench.options.seconds, URI)
    asking.ask(procedure, {"vol": side.stream_handle, "offset": 0, "length": 0, "flags": 0})
    if kind == "give":
        empty(path, size)
    return asking.stream(kind, side.path, size)


def measure_streams(bench, ours, theirs):
    size = bench.options.stream_mib * MIB
    floor = ROOT / "floor"
    floor.touch()
    for side in filter(None, (ours, theirs)):
        pool = side.pool("streams")
        pool.createXML(VOLUME % ("volume", size, "raw"))
        side.stream_handle = side.handle(pool, "volume")

    def give(side):
        return stream(bench, side, "give", "STORAGE_VOL_UPLOAD", side.folder / "streams/volume", size)

    def take(side):
        return stream(bench, side, "take", "STORAGE_VOL_DOWNLOAD", side.folder / "streams/volume", size)

    compare(bench, "upload of %d MiB, synced (floor: socket and file, synced)" % (size // MIB), "MiB/s", give,
            lambda: give_floor(floor, size, True), [ours])
    compare(bench, "upload, synced (floor: not synced)", "MiB/s", give,
            lambda: give_floor(floor, size, False), [ours, theirs])
    compare(bench, "download (floor: file and socket)", "MiB/s", take,
            lambda: take_floor(floor, size), [ours, theirs])
    floor.unlink()


def measure_sparse(bench, ours):
    data, holes, copy = (ROOT / name for name in ("data", "holes", "copy"))
    data.write_bytes(os.urandom(64 * MIB))
    with holes.open("wb") as file:
        file.truncate(100 << 30)
        file.seek(1 << 30)
        file.write(data.read_bytes())
    pool = ours.pool("sparse")
    for name in ("data", "holes"):
        pool.createXML(VOLUME % (name, 1, "raw"))

    def move(verb, volume, file, *options):
        return 1000 * seconds(lambda: tested.virsh(verb, "--pool", pool.name(), volume, file, *options, uri=ours.uri))

    for verb, source in (("vol-upload", holes), ("vol-download", copy)):
        values = in_turn(min, lambda: move(verb, "holes", source, "--sparse"),
                         lambda: move(verb, "data", data if source == holes else copy))
        bench.add("%s of 100 GiB with 64 MiB of data (floor: its data alone)" % verb, "ms", *values)
    assert holes.stat().st_size == copy.stat().st_size or copy.stat().st_size == 64 * MIB
    for path in (data, holes, copy):
        path.unlink()


# --- many files -----------------------------------------------------------------------------

def fill(folder, count):
    folder.mkdir(exist_ok=True)
    for number in range(count):
        with (folder / ("volume%05d.img" % number)).open("wb") as file:
            file.truncate(MIB)


def scan(folder):
    """milliseconds to know every file: its data and its first bytes"""
    begun = time.monotonic()
    for entry in os.scandir(folder):
        with open(entry.path, "rb") as file:
            os.fstat(file.fileno())
            file.read(512)
    return 1000 * (time.monotonic() - begun)


def scan_again(folder):
    begun = time.monotonic()
    for entry in os.scandir(folder):
        entry.stat(follow_symlinks=False)
    return 1000 * (time.monotonic() - begun)


def replace(folder, count):
    for path in folder.iterdir():
        path.unlink()
    fill(folder, count)


def measure_refresh(bench, both):
    count = bench.options.files // 2
    bare = ROOT / "bare"
    fill(bare, count)
    pools = {}
    for side in filter(None, both):
        fill(side.folder / "files", count)
        pools[side.name] = side.pool("files")

    def anew(side):
        replace(side.folder / "files", 0)
        pools[side.name].refresh()                          # nothing is known of those that come
        replace(side.folder / "files", count)
        taken = 1000 * seconds(pools[side.name].refresh)
        assert len(pools[side.name].listVolumes()) == count
        return taken

    def again(side):
        return 1000 * seconds(pools[side.name].refresh)

    def scan_anew():
        replace(bare, count)
        return scan(bare)

    compare(bench, "refresh of a pool with %d new files (floor: a bare scan)" % count, "ms", anew,
            scan_anew, both)
    compare(bench, "refresh, unchanged (floor: a bare scan that opens nothing)", "ms", again,
            lambda: scan_again(bare), both)
    shutil.rmtree(bare)


# --- making ---------------------------------------------------------------------------------

def make_by_tool(folder, count, durable):
    """images a second, by a program for each"""
    begun = time.monotonic()
    for number in range(count):
        path = folder / ("new%d" % number)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", path, "1G"], check=True)
        if durable:
            make_durable(folder, path)
    taken = time.monotonic() - begun
    for number in range(count):
        (folder / ("new%d%s" % (number, "-durable" if durable else ""))).unlink()
    return count / taken


def make_durable(folder, path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    os.rename(path, "%s-durable" % path)
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def make_files(folder, count):
    """files a second that have their length, their name, and are on the disk"""
    begun = time.monotonic()
    for number in range(count):
        path = folder / ("new%d" % number)
        with path.open("wb") as file:
            file.truncate(MIB)
        make_durable(folder, path)
    taken = time.monotonic() - begun
    for number in range(count):
        (folder / ("new%d-durable" % number)).unlink()
    return count / taken


def measure_making(bench, both):
    folder = ROOT / "made"
    folder.mkdir()
    pools = {side.name: side.pool("made") for side in both if side}

    def make(side, form, count):
        pool = pools[side.name]
        begun = time.monotonic()
        made = [pool.createXML(VOLUME % ("v%d" % number, 1 << 30, form)) for number in range(count)]
        taken = time.monotonic() - begun
        for volume in made:
            volume.delete()
        return count / taken

    count = bench.options.volumes // 10
    compare(bench, "vol-create of qcow2, durable (floor: qemu-img)", "/s", lambda side: make(side, "qcow2", count),
            lambda: make_by_tool(folder, count, False), both)
    compare(bench, "vol-create of qcow2, durable (floor: qemu-img, durable)", "/s",
            lambda side: make(side, "qcow2", count), lambda: make_by_tool(folder, count, True), both[:1])
    count = bench.options.volumes
    compare(bench, "vol-create of raw, durable (floor: write, sync, rename, sync)", "/s",
            lambda side: make(side, "raw", count), lambda: make_files(folder, count), both)
    folder.rmdir()


# --- memory and lookups ---------------------------------------------------------------------

def measure_many(bench, both):
    count = bench.options.files
    for side in filter(None, both):
        fill(side.folder / "many", count)
        idle = private_kib(side.process) / 1024
        pool = side.pool("many")
        who = "" if side == both[0] else ", installed libvirtd"
        bench.add("private memory, idle" + who, "MiB", idle)
        bench.add("private memory, %d volumes%s" % (count, who), "MiB", private_kib(side.process) / 1024)
        name = "volume%05d.img" % (count // 2)
        asking = pingpong.Pingpong(bench.folder, bench.options.seconds, URI)
        handle = side.handle(pool)

        def ask(*words):
            asking.ask(*words)
            return asking.call(side.path)["p50"]

        for what, words in (
                ("by name", ("STORAGE_VOL_LOOKUP_BY_NAME", {"pool": handle, "name": name})),
                ("by path", ("STORAGE_VOL_LOOKUP_BY_PATH", {"path": str(side.folder / "many" / name)}))):
            bench.add("lookup among %d volumes %s%s (floor: an empty call)" % (count, what, who), "us",
                      *in_turn(min, lambda words=words: ask(*words), lambda: ask("CONNECT_GET_LIB_VERSION")))


# --- one that hangs -------------------------------------------------------------------------

CALLERS = 40


def refresh_blindly(side, name, ready):
    with contextlib.closing(libvirt.open(side.uri)) as client:
        pool = client.storagePoolLookupByName(name)
        ready.wait()
        with contextlib.suppress(libvirt.libvirtError):
            pool.refresh()


def latencies(bench, side, calls):
    """microseconds, p50 and p99, of each call"""
    asking = pingpong.Pingpong(bench.folder, bench.options.seconds, URI)
    values = []
    for words in calls:
        asking.ask(*words)
        answer = asking.call(side.path)
        values += [answer["p50"], answer["p99"]]
    return values


def measure_hung(bench, side):
    folder = side.folder / "hung"
    folder.mkdir()
    server = fuse.Folder(folder)
    try:
        hung = side.pool("hung")
        others = [side.pool("other%d" % number) for number in range(9)]
        for pool in others:
            pool.createXML(VOLUME % ("volume", MIB, "raw"))
        calls = {"info of a pool": ("STORAGE_POOL_GET_INFO", {"pool": side.handle(others[0])}),
                 "info of a volume": ("STORAGE_VOL_GET_INFO", {"vol": side.handle(others[1], "volume")}),
                 "list of volumes": ("STORAGE_POOL_LIST_ALL_VOLUMES",
                                     {"pool": side.handle(others[2]), "need_results": 1}),
                 "refresh": ("STORAGE_POOL_REFRESH", {"pool": side.handle(others[3]), "flags": 0})}
        without, beside = [], []
        for _ in range(3):
            without.append(latencies(bench, side, calls.values()))
            server.hang()
            ready = threading.Barrier(CALLERS + 1)
            with concurrent.futures.ThreadPoolExecutor(CALLERS) as threads:
                stuck = [threads.submit(refresh_blindly, side, hung.name(), ready) for _ in range(CALLERS)]
                try:
                    ready.wait(60)
                    beside.append(latencies(bench, side, calls.values()))
                    assert not any(call.done() for call in stuck), "the pool does not hang"
                finally:
                    server.go_on()
        names = ["%s of %s" % (which, what) for what in calls for which in ("p50", "p99")]
        for what, mine, floor in zip(names, zip(*beside), zip(*without)):
            bench.add("%s, one pool of ten hangs with %d callers (floor: none)" % (what, CALLERS), "us",
                      statistics.median(mine), statistics.median(floor))
        hung.destroy()
    finally:
        server.go_on()
        server.close()


def measure(bench):
    ROOT.mkdir(parents=True)
    try:
        with sides() as both:
            measure_many(bench, both)
        with sides() as both:
            measure_streams(bench, *both)
            measure_sparse(bench, both[0])
            measure_refresh(bench, both)
            measure_making(bench, both)
            measure_hung(bench, both[0])
    finally:
        shutil.rmtree(ROOT, ignore_errors=True)

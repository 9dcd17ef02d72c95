# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for the kernel's resctrl file system, on hosts whose processors have none of it: two L3
caches of 10 bits, memory bandwidth by tens, and what is measured. As with the kernel, a new folder comes
with its files, a thread is in one group, and what is written is looked at."""
import collections
import ctypes
import errno
import os
import pathlib
import re
import stat
import struct
import subprocess
import sys

ROOT = pathlib.Path("/sys/fs/resctrl")
CPUS = pathlib.Path("/sys/devices/system/cpu")
CACHES, BITS, GROUPS, CACHE_KIB = 2, 10, 4, 10240
FULL = (1 << BITS) - 1

DEVICE = pathlib.Path("/dev/fuse")
HEADER = struct.Struct("IIQQIIII")
REPLY = struct.Struct("IiQ")
LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, RMDIR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, \
    OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, BATCH_FORGET = \
    1, 2, 3, 4, 9, 11, 14, 15, 16, 17, 18, 20, 25, 26, 27, 28, 29, 34, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
DIRECT_IO = 1


class Fault(Exception):
    pass


def fail(number):
    raise Fault(number)


# ---- the tree: folders are dicts, files have read() and write() ----

class Text:
    def __init__(self, text):
        self.text = text

    def read(self):
        return self.text

    def write(self, text):
        fail(errno.EACCES)


class Tasks:
    """of a group for control, or of one that measures: a thread is in one of each kind"""
    def __init__(self, group, key):
        self.group, self.key = group, key

    def read(self):
        threads = self.group.host.threads[self.key]
        return "".join("%d\n" % thread for thread, group in threads.items() if group is self.group)

    def write(self, text):
        thread = int(text)
        if not os.path.isdir("/proc/%d" % thread):
            fail(errno.ESRCH)
        if self.key == "monitor" and self.group.parent is not self.group.host \
                and self.group.host.threads["control"].get(thread) is not self.group.parent:
            fail(errno.EINVAL)
        self.group.host.threads[self.key][thread] = self.group


class Schemata:
    def __init__(self):
        self.cache, self.bandwidth = [FULL] * CACHES, [100] * CACHES

    def read(self):
        return "    MB:%s\n    L3:%s\n" % (
            ";".join("%d=%3d" % item for item in enumerate(self.bandwidth)),
            ";".join("%d=%03x" % item for item in enumerate(self.cache)))

    def write(self, text):
        if not text.endswith("\n"):
            fail(errno.EINVAL)
        for line in text.splitlines():
            name, _, values = line.strip().partition(":")
            for value in values.split(";"):
                key, _, number = value.partition("=")
                self.set(name, int(key), number.strip())

    def set(self, name, cache, number):
        if name == "L3" and cache < CACHES and re.fullmatch("0*10*|0*1+0*", bin(int(number, 16))[2:]) \
                and int(number, 16) <= FULL:
            self.cache[cache] = int(number, 16)
        elif name == "MB" and cache < CACHES and 10 <= int(number) <= 100:
            self.bandwidth[cache] = -(-int(number) // 10) * 10
        else:
            fail(errno.EINVAL)


class Folder(dict):
    make = None

    def remove(self, name):
        fail(errno.EPERM)


def measures(scale):
    data = Folder()
    for cache in range(CACHES):
        data["mon_L3_%02d" % cache] = Folder(
            llc_occupancy=Text("%d\n" % (scale * 1000 + cache)),
            mbm_total_bytes=Text("%d\n" % (scale * 2000 + cache)),
            mbm_local_bytes=Text("Unavailable\n" if cache else "%d\n" % (scale * 3000)))
    return data


class Monitor(Folder):
    def __init__(self, host, parent):
        super().__init__(tasks=Tasks(self, "monitor"), mon_data=measures(2))
        self.host, self.parent = host, parent


class Monitors(Folder):
    def __init__(self, group):
        super().__init__()
        self.group = group

    def make(self, name):
        self[name] = Monitor(self.group.host, self.group)

    def remove(self, name):
        del self[name]


class Group(Folder):
    def __init__(self, host):
        super().__init__(tasks=Tasks(self, "control"), schemata=Schemata(), mon_data=measures(1),
                         mon_groups=Monitors(self), mode=Text("shareable\n"), size=Text(""))
        self.host = host


class Host(Group):
    def __init__(self, default):
        self.threads = collections.defaultdict(dict)
        super().__init__(self)
        self["schemata"].cache = [default] * CACHES
        self["info"] = Folder(
            L3=Folder(cbm_mask=Text("%x\n" % FULL), min_cbm_bits=Text("1\n"), num_closids=Text("%d\n" % GROUPS),
                      shareable_bits=Text("0\n")),
            MB=Folder(bandwidth_gran=Text("10\n"), min_bandwidth=Text("10\n"), num_closids=Text("%d\n" % GROUPS),
                      delay_linear=Text("1\n")),
            L3_MON=Folder(num_rmids=Text("176\n"), max_threshold_occupancy=Text("270336\n"),
                          mon_features=Text("llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n")),
            last_cmd_status=Text("ok\n"))

    def make(self, name):
        if sum(isinstance(entry, Group) for entry in self.values()) + 1 >= GROUPS:
            fail(errno.ENOSPC)
        self[name] = Group(self)

    def remove(self, name):
        group = self[name]
        if not isinstance(group, Group):
            fail(errno.EPERM)
        for threads in self.threads.values():
            for thread in [thread for thread, own in threads.items()
                           if own is group or getattr(own, "parent", None) is group]:
                del threads[thread]
        del self[name]


# ---- the protocol of FUSE ----

class Server:
    def __init__(self, fd, default):
        self.fd = fd
        self.nodes = {1: Host(default)}
        self.numbers = {id(self.nodes[1]): 1}
        self.calls = {
            INIT: lambda node, data: struct.pack("IIIIHHIIHHI7I", 7, 31, 0, 0, 16, 12, 1 << 16, 1, 16, 0, *[0] * 8),
            LOOKUP: self.lookup, MKDIR: self.mkdir, RMDIR: self.rmdir, READ: self.read, READDIR: self.readdir,
            WRITE: self.write,
            GETATTR: lambda node, data: struct.pack("QII", 0, 0, 0) + self.attributes(node),
            SETATTR: lambda node, data: struct.pack("QII", 0, 0, 0) + self.attributes(node),
            STATFS: lambda node, data: struct.pack("5Q10I", 0, 0, 0, 0, 0, 4096, 255, 4096, *[0] * 7),
            OPEN: lambda node, data: struct.pack("QII", 0, DIRECT_IO, 0),
            OPENDIR: lambda node, data: bytes(16),
        }
        for ignored in (RELEASE, RELEASEDIR, FLUSH, FSYNC, ACCESS):
            self.calls[ignored] = lambda node, data: b""

    def number_of(self, node):
        number = self.numbers.setdefault(id(node), len(self.nodes) + 1)
        self.nodes[number] = node                            # kept, so that no id comes twice
        return number

    def attributes(self, node):
        mode = stat.S_IFDIR | 0o755 if isinstance(node, dict) else stat.S_IFREG | 0o644
        return struct.pack("6Q10I", self.number_of(node), 0, 0, 0, 0, 0, 0, 0, 0, mode, 2, 0, 0, 0, 4096, 0)

    def entry(self, node):
        return struct.pack("4QII", self.number_of(node), 0, 0, 0, 0, 0) + self.attributes(node)

    def lookup(self, node, data):
        name = data.rstrip(b"\0").decode()
        return self.entry(node[name]) if name in node else fail(errno.ENOENT)

    def mkdir(self, node, data):
        name = data[8:].rstrip(b"\0").decode()
        if name in node:
            fail(errno.EEXIST)
        if not node.make:
            fail(errno.EPERM)
        node.make(name)
        return self.entry(node[name])

    def rmdir(self, node, data):
        name = data.rstrip(b"\0").decode()
        if name not in node:
            fail(errno.ENOENT)
        node.remove(name)
        return b""

    def read(self, node, data):
        _, offset, size = struct.unpack_from("QQI", data)
        return node.read().encode()[offset:offset + size]

    def write(self, node, data):
        _, _, size = struct.unpack_from("QQI", data)
        node.write(data[40:40 + size].decode())
        return struct.pack("II", size, 0)

    def readdir(self, node, data):
        _, offset, size = struct.unpack_from("QQI", data)
        answer = b""
        for index, (name, child) in enumerate(list(node.items())[offset:], offset + 1):
            text = name.encode()
            entry = struct.pack("QQII", self.number_of(child), index, len(text),
                                4 if isinstance(child, dict) else 8) + text
            entry += bytes(-len(entry) % 8)
            if len(answer) + len(entry) > size:
                break
            answer += entry
        return answer

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 18)
            except OSError:
                return                                      # it is not mounted any more
            _, opcode, unique, number, *_ = HEADER.unpack_from(request)
            if opcode in UNANSWERED:
                continue
            fault, answer = 0, b""
            try:
                answer = self.calls[opcode](self.nodes.get(number), request[HEADER.size:])
            except Fault as refused:
                fault = -refused.args[0]
            except (KeyError, ValueError):
                fault = -errno.EINVAL if opcode in self.calls else -errno.ENOSYS
            os.write(self.fd, REPLY.pack(REPLY.size + len(answer), fault, unique) + answer)


# ---- the host that has it ----

def run(*words):
    subprocess.run(words, check=True)


class Resctrl:
    """at its usual place, with the caches that belong to it; OSError where this kernel can't"""
    def __init__(self, default=0x003):
        if not DEVICE.exists():
            os.mknod(DEVICE, 0o600 | stat.S_IFCHR, os.makedev(10, 229))
        fd = os.open(DEVICE, os.O_RDWR)
        self.mounts = []
        self.make_caches()
        self.make_room()
        libc = ctypes.CDLL(None, use_errno=True)
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % fd
        if libc.mount(b"resctrl", os.fsencode(ROOT), b"fuse", 0, options):
            os.close(fd)
            number = ctypes.get_errno()
            self.unmount()
            raise OSError(number, "mount")
        self.mounts.append(ROOT)
        self.server = subprocess.Popen([sys.executable, __file__, str(fd), str(default)], pass_fds=[fd])
        os.close(fd)

    def mount(self, path):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path)
        self.mounts.append(path)

    def make_caches(self):
        """two, and each CPU has one of them: the last CPU the second"""
        cpus = sorted(int(path.name[3:]) for path in CPUS.glob("cpu[0-9]*") if (path / "topology").is_dir())
        for cpu in cpus:
            self.mount(CPUS / ("cpu%d" % cpu) / "cache")
            index = CPUS / ("cpu%d" % cpu) / "cache/index0"
            index.mkdir()
            own = cpus[-1:] if cpu == cpus[-1] else cpus[:-1]
            values = {"id": int(cpu == cpus[-1]), "level": 3, "type": "Unified", "size": "%dK" % CACHE_KIB,
                      "shared_cpu_list": ",".join(map(str, own))}
            for name, value in values.items():
                (index / name).write_text("%s\n" % value)

    def make_room(self):
        if ROOT.is_dir():
            return
        room = pathlib.Path("/mnt")
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", room)
        for name in ("cgroup", "resctrl"):
            (room / name).mkdir()
        run("mount", "--rbind", "/sys/fs/cgroup", room / "cgroup")
        run("mount", "--move", room, "/sys/fs")
        self.mounts.append(pathlib.Path("/sys/fs"))

    def unmount(self):
        for path in reversed(self.mounts):
            run("umount", "-l", path)

    def close(self):
        self.unmount()
        self.server.kill()
        self.server.wait()


if __name__ == "__main__":
    Server(int(sys.argv[1]), int(sys.argv[2])).serve()

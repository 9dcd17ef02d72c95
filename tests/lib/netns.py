# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts on a network as network namespaces: their links, and what they can reach."""
import contextlib
import errno
import pathlib
import re
import socket
import subprocess
import threading
import time

DHCP_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
[ -z "$router" ] || ip route add default via $router
echo "address=$ip router=$router dns=$dns domain=$domain"
"""


def run(*words, check=True, timeout=60, **options):
    done = subprocess.run([str(w) for w in words], text=True, stdin=subprocess.DEVNULL, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    assert not check or done.returncode == 0, "%s: %s%s" % (" ".join(map(str, words)), done.stdout,
                                                            done.stderr)
    return done.stdout if check else done


class Host:
    """a network namespace with eth0, whose other end is plugged in where told"""
    count = 0

    def __init__(self, name, bridge=None):
        Host.count += 1
        self.name, self.link = name, "veth%d" % Host.count
        run("ip", "netns", "add", name)
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", name)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")
        if bridge:
            run("ip", "link", "set", self.link, "master", bridge)
        run("ip", "link", "set", self.link, "up")

    def run(self, *words, **options):
        return run("ip", "netns", "exec", self.name, *words, **options)

    def address(self, address, router=None):
        self.run("ip", "addr", "add", address, "dev", "eth0", "nodad")
        if router:
            self.run("ip", "route", "add", "default", "via", router)

    def dhcp(self, hostname=None):
        """what the server gave: a dict"""
        script = pathlib.Path("/run/dhcp-" + self.name)
        script.write_text(DHCP_SCRIPT)
        script.chmod(0o755)
        options = ["-x", "hostname:" + hostname] if hostname else []
        said = self.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-t", "50", "-T", "1", "-s",
                        script, *options, timeout=120)
        return dict(re.findall(r"(\w+)=(\S*)", said))

    def enter(self, function, *arguments):
        """function(*arguments), by a thread that is in the namespace"""
        result = []

        def body():
            import ctypes
            with open("/run/netns/" + self.name) as namespace:
                assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) == 0
            try:
                result.append(function(*arguments))
            except OSError as error:
                result.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join(120)
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def serve(self, port, address="", family=socket.AF_INET):
        """a TCP server that tells each client its address; returns the socket"""
        return self.enter(serve, address, port, family)

    def ask(self, address, port, timeout=30):
        """what the server at address says, or the OSError of a connection that fails"""
        try:
            return self.enter(ask, address, port, timeout)
        except OSError as error:
            return error

    def reaches(self, address, port):
        return not isinstance(self.ask(address, port), OSError)

    def misses(self, address, port):
        """who drops packets says nothing: a second is waited"""
        return isinstance(self.ask(address, port, 1), OSError)

    def remove(self):
        run("ip", "link", "del", self.link, check=False)
        run("ip", "netns", "del", self.name, check=False)


@contextlib.contextmanager
def transactions():
    """a call that tells how many changes of the packet filter there were inside, by others than nft"""
    watch = subprocess.Popen(["nft", "monitor"], stdout=subprocess.PIPE, text=True)
    mark = lambda name: run("nft", "add table ip %s; delete table ip %s" % (name, name))
    seen = []

    def read(name):
        """up to our own change"""
        for line in watch.stdout:
            seen.append(line)
            if "delete table ip %s" % name in line:
                return

    def follow(name):
        thread = threading.Thread(target=read, args=(name,), daemon=True)
        thread.start()
        return thread

    try:
        reader = follow("begin-of-it")
        while reader.is_alive():            # it listens at some time after it was started
            mark("begin-of-it")
            reader.join(0.2)
        seen.clear()
        yield lambda: len([line for line in seen if "new generation" in line and "(nft)" not in line])
        reader = follow("end-of-it")
        mark("end-of-it")
        reader.join(60)
        assert not reader.is_alive()
    finally:
        watch.terminate()
        watch.wait()


def serve(address, port, family=socket.AF_INET):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(64)

    def body():
        while True:
            try:
                client, peer = server.accept()
            except OSError:
                return
            client.sendall(peer[0].encode())
            client.close()

    threading.Thread(target=body, daemon=True).start()
    return server


def ask(address, port, timeout=30):
    end = time.monotonic() + timeout
    while True:
        try:
            with socket.create_connection((address, port), timeout) as client:
                client.settimeout(timeout)
                return client.recv(100).decode()
        except OSError as error:
            # an address of IPv6 that is new is not spoken for, a second or two
            if error.errno != errno.EHOSTUNREACH or time.monotonic() > end:
                raise

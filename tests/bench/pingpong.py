# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program pingpong, its packets, and its server that stands for a daemon which does nothing."""
import contextlib
import json
import pathlib
import subprocess

import daemon as tested
import wire

PROGRAM = tested.BUILD / "tests" / "bench" / "pingpong"


def packet(name, args=None):
    procedure = wire.REMOTE.procedures[name]
    payload = wire.REMOTE.encode_struct(procedure["args"], args) if procedure["args"] else b""
    return wire.pack(wire.REMOTE.number, 1, procedure["number"], wire.CALL, 0, wire.OK, payload)


class Pingpong:
    """what is asked of whoever listens at an address; the folder is for its files"""

    def __init__(self, folder, seconds, uri="qemu:///system"):
        self.seconds = str(seconds)
        self.greeting, self.packet = pathlib.Path(folder) / "greeting", pathlib.Path(folder) / "packet"
        self.greeting.write_bytes(packet("AUTH_LIST") + packet("CONNECT_OPEN", {"name": uri}))
        self.ask("CONNECT_GET_LIB_VERSION")

    def ask(self, name, args=None):
        self.packet.write_bytes(packet(name, args))

    def run(self, kind, address, *words):
        out = subprocess.run([PROGRAM, kind, address, self.greeting, self.packet, *map(str, words)],
                             stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out)

    def call(self, address, clients=1):
        return self.run("call", address, clients, self.seconds)

    def open(self, address, clients=1):
        return self.run("open", address, clients, self.seconds)

    def stream(self, kind, address, size):
        """MiB a second"""
        result = self.run(kind, address, *([size] if kind == "give" else []))
        assert result["bytes"] == size, "%d of %d bytes" % (result["bytes"], size)
        return result["mib_per_second"]

    @contextlib.contextmanager
    def held(self, address, count):
        process = subprocess.Popen([PROGRAM, "hold", address, self.greeting, str(count)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout.readline() == b"held\n"
            yield
        finally:
            process.communicate()


@contextlib.contextmanager
def server(kind, address, ready, *words):
    """one of the program's servers, until the end of the block; ready() says that it listens"""
    process = subprocess.Popen([PROGRAM, kind, address, *map(str, words)])
    try:
        tested.wait_until(ready)
        yield address
    finally:
        process.kill()
        process.wait()

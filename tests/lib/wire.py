# SPDX-License-Identifier: LGPL-2.1-or-later
"""A raw client of the wire protocol, driven by the facts in common/facts: it can send what no
stock client would. Values of structs are dicts; a field that is left out is zero, empty or NULL."""
import json
import pathlib
import socket
import struct
import time

FACTS = pathlib.Path(__file__).resolve().parents[2] / "common" / "facts"

CALL, REPLY, EVENT, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS, STREAM_HOLE = range(7)
OK, ERROR, CONTINUE = range(3)
KEEPALIVE, PING, PONG = 0x6B656570, 1, 2
MAX_LENGTH = 4 + 32 * 1024 * 1024

SCALARS = {"int": ">i", "unsigned int": ">I", "hyper": ">q", "unsigned hyper": ">Q", "double": ">d",
           "char": ">i", "unsigned char": ">I", "short": ">i", "unsigned short": ">I", "bool": ">I"}


class Refused(Exception):
    """the daemon's answer was an error"""

    def __init__(self, error):
        super().__init__("%(code)s: %(message)s" % error)
        self.code = error["code"]
        self.domain = error["domain"]
        self.message = error["message"] or ""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if self.at + length > len(self.data):
            raise ValueError("truncated at byte %d" % self.at)
        self.at += length
        return self.data[self.at - length:self.at]

    def scalar(self, code):
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def opaque(self, length):
        data = self.take(length)
        self.take(-length % 4)
        return data


class Program:
    """the facts of one program: encodes and decodes its values"""

    def __init__(self, name):
        facts = json.loads((FACTS / (name + ".json")).read_text())
        self.name = name
        self.number = int(facts["program"], 16)
        self.version = facts["version"]
        self.structs = facts["structs"]
        self.unions = facts.get("unions") or {}
        self.typedefs = facts.get("typedefs") or {}
        self.procedures = {p["name"]: p for p in facts["procedures"]}

    def resolve(self, name):
        """the description of a type by name, as a field without a name"""
        if name in self.typedefs:
            return dict(self.typedefs[name], type=name)
        if name in self.structs:
            return {"kind": "struct", "type": name}
        if name in self.unions:
            return {"kind": "union", "type": name}
        return {"kind": "scalar" if name in SCALARS else "enum", "type": name}

    def element(self, field):
        """the description of an array's elements"""
        found = self.resolve(field["type"])
        return dict(found, max=field["elem_max"]) if "elem_max" in field else found

    def encode_struct(self, name, value):
        return b"".join(self.encode(f, (value or {}).get(f["name"])) for f in self.structs[name])

    def encode(self, field, value):
        kind = field["kind"]
        if kind in ("scalar", "enum"):
            return struct.pack(SCALARS.get(field["type"], ">i"), value or 0)
        if kind in ("string", "opaque"):
            data = value.encode() if isinstance(value, str) else value or b""
            return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)
        if kind == "fixed-opaque":
            data = value or bytes(field["max"])
            return data + bytes(-len(data) % 4)
        if kind == "array":
            return struct.pack(">I", len(value or ())) + b"".join(
                self.encode(self.element(field), v) for v in value or ())
        if kind == "fixed-array":
            return b"".join(self.encode(self.element(field), v) for v in value or [0] * field["max"])
        if kind == "pointer":
            if value is None:
                return struct.pack(">I", 0)
            return struct.pack(">I", 1) + self.encode(self.resolve(field["of"]), value)
        if kind == "union":
            case, inner = value or (1, 0)
            return struct.pack(">i", case) + self.encode(self.arm(field, case), inner)
        return self.encode_struct(field["type"], value)

    def arm(self, field, case):
        for arm in self.unions[field["type"]]["arms"]:
            if arm["case"] == case:
                return arm
        raise ValueError("no such arm: %d" % case)

    def decode_struct(self, name, reader):
        return {f["name"]: self.decode(f, reader) for f in self.structs[name]}

    def decode(self, field, reader):
        kind = field["kind"]
        if kind in ("scalar", "enum"):
            return reader.scalar(SCALARS.get(field["type"], ">i"))
        if kind in ("string", "opaque"):
            length = reader.scalar(">I")
            if length > field.get("max", MAX_LENGTH):
                raise ValueError("%s: %d bytes are too many" % (field.get("name"), length))
            data = reader.opaque(length)
            return data.decode(errors="surrogateescape") if kind == "string" else data
        if kind == "fixed-opaque":
            return reader.opaque(field["max"])
        if kind == "array":
            count = reader.scalar(">I")
            if count > field["max"]:
                raise ValueError("%s: %d elements are too many" % (field.get("name"), count))
            return [self.decode(self.element(field), reader) for _ in range(count)]
        if kind == "fixed-array":
            return [self.decode(self.element(field), reader) for _ in range(field["max"])]
        if kind == "pointer":
            return self.decode(self.resolve(field["of"]), reader) if reader.scalar(">I") else None
        if kind == "union":
            case = reader.scalar(">i")
            return case, self.decode(self.arm(field, case), reader)
        return self.decode_struct(field["type"], reader)


REMOTE = Program("remote")
QEMU = Program("qemu")
LXC = Program("lxc")


class Message:
    def __init__(self, data):
        (self.program, self.version, self.procedure, self.type, self.serial,
         self.status) = struct.unpack(">IIiiIi", data[:24])
        self.payload = data[24:]

    def error(self):
        return REMOTE.decode_struct("remote_error", Reader(self.payload))


def pack(program, version, procedure, kind, serial, status, payload=b""):
    return struct.pack(">IIIiiIi", 28 + len(payload), program, version, procedure, kind, serial,
                       status) + payload


class Client:
    """One connection. Replies may come in any order; events and stream packets are kept aside."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.serial = 0
        self.buffer = b""
        self.pongs = 0
        self.replies, self.events, self.streams = {}, [], []

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, uri="qemu:///system", flags=0):
        """what a stock client does first"""
        self.call("AUTH_LIST")
        self.call("CONNECT_OPEN", {"name": uri, "flags": flags})
        return self

    def send(self, name, args=None, program=REMOTE, payload=None):
        """sends a call without waiting; returns its serial"""
        procedure = program.procedures[name]
        if payload is None:
            payload = program.encode_struct(procedure["args"], args) if procedure["args"] else b""
        serial = self.serial
        self.serial += 1
        self.socket.sendall(pack(program.number, program.version, procedure["number"], CALL, serial,
                                 OK, payload))
        return serial

    def call(self, name, args=None, program=REMOTE, payload=None, timeout=10):
        """the reply as a dict; raises Refused for an error"""
        reply = self.wait(self.send(name, args, program, payload), timeout)
        if reply.status == ERROR:
            raise Refused(reply.error())
        ret = program.procedures[name]["ret"]
        return program.decode_struct(ret, Reader(reply.payload)) if ret else {}

    def wait(self, serial, timeout=10):
        """the reply of that serial"""
        deadline = time.monotonic() + timeout
        while serial not in self.replies:
            self.pump(deadline)
        return self.replies.pop(serial)

    def wait_event(self, name, program=REMOTE, timeout=10):
        """the next event of that procedure, decoded"""
        procedure = program.procedures[name]
        deadline = time.monotonic() + timeout
        while True:
            for message in self.events:
                if (message.program, message.procedure) == (program.number, procedure["number"]):
                    self.events.remove(message)
                    return program.decode_struct(procedure["msg"], Reader(message.payload))
            self.pump(deadline)

    def ping(self, timeout=1):
        """seconds that the keepalive's answer took"""
        start, pongs = time.monotonic(), self.pongs
        self.socket.sendall(pack(KEEPALIVE, 1, PING, EVENT, 0, OK))
        while self.pongs == pongs:
            self.pump(start + timeout)
        return time.monotonic() - start

    def pump(self, deadline):
        """receives one packet and puts it where it belongs"""
        message = self.receive(deadline)
        if message.program == KEEPALIVE:
            if message.procedure == PONG:
                self.pongs += 1
            else:
                self.socket.sendall(pack(KEEPALIVE, 1, PONG, EVENT, 0, OK))
        elif message.type in (REPLY, REPLY_WITH_FDS):
            self.replies[message.serial] = message
        elif message.type == EVENT:
            self.events.append(message)
        else:
            self.streams.append(message)

    def receive(self, deadline):
        (length,) = struct.unpack(">I", self.read(4, deadline))
        if not 28 <= length <= MAX_LENGTH:
            raise ValueError("length %d" % length)
        return Message(self.read(length - 4, deadline))

    def read(self, length, deadline):
        while len(self.buffer) < length:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            self.socket.settimeout(left)
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError("closed by the daemon")
            self.buffer += data
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

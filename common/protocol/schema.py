# SPDX-License-Identifier: LGPL-2.1-or-later
"""The model that the generator's visitors walk: common/facts/PROGRAM.json, read and resolved."""
import json
import os
import re
from dataclasses import dataclass, field
from typing import List, Optional


class SchemaError(Exception):
    """The facts contradict themselves or say something that the codec cannot."""


@dataclass(frozen=True)
class Type:
    """How one value lies in C and on the wire; a struct codec_type at run time."""
    kind: str                        # enum codec_kind without CODEC_
    c: str                           # C type of the value: "int", "char *", "struct x"
    symbol: str                      # C identifier of the codec_type
    wire_min: int
    max: int = 0
    of: Optional["Type"] = None

    @property
    def is_list(self):
        return self.kind in ("BYTES", "ARRAY")


def scalar(kind, c, wire_min):
    return Type(kind, c, "codec_" + kind.lower(), wire_min)


SCALARS = {
    "int": scalar("INT", "int", 4),
    "unsigned int": scalar("UINT", "unsigned", 4),
    "char": scalar("CHAR", "char", 4),
    "unsigned char": scalar("UCHAR", "unsigned char", 4),
    "unsigned short": scalar("USHORT", "unsigned short", 4),
    "hyper": scalar("INT64", "int64_t", 8),
    "unsigned hyper": scalar("UINT64", "uint64_t", 8),
    "double": scalar("DOUBLE", "double", 8),
}


def padded(size):
    return (size + 3) & ~3


def pointer_to(c):
    return c + "*" if c.endswith("*") else c + " *"


@dataclass
class Field:
    name: str
    type: Type
    arm: Optional[int] = None

    @property
    def place(self):
        """The C member that codec_member.offset points to."""
        return self.name + "_val" if self.type.is_list else self.name

    def declarations(self):
        t = self.type
        if t.is_list:
            c = "char *" if t.kind == "BYTES" else pointer_to(t.of.c)
            return [c + self.name + "_val;", "uint32_t %s_len;" % self.name]
        if t.kind == "FIXED_BYTES":
            return ["uint8_t %s[%d];" % (self.name, t.max)]
        if t.kind == "FIXED_ARRAY":
            return ["%s %s[%d];" % (t.of.c, self.name, t.max)]
        return [t.c + ("" if t.c.endswith("*") else " ") + self.name + ";"]


@dataclass
class Struct:
    name: str
    fields: List[Field]
    discriminant: Optional[str] = None  # unions only

    @property
    def type(self):
        if self.discriminant:
            wire_min = 4 + min(f.type.wire_min for f in self.fields)
        else:
            wire_min = sum(f.type.wire_min for f in self.fields)
        return Type("UNION" if self.discriminant else "STRUCT", "struct " + self.name,
                    self.name + "_type", wire_min)

    def find(self, name):
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True)
class Rule:
    """One "object:permission[:condition]" of a procedure."""
    object: str
    permission: str
    condition: str = "ALWAYS"
    place: Optional[str] = None
    value: Optional[str] = None

    @staticmethod
    def parse(text):
        part = text.split(":")
        if len(part) == 2:
            return Rule(*part)
        if len(part) == 3:
            clear = part[2].startswith("!")
            return Rule(part[0], part[1], "FLAGS_CLEAR" if clear else "FLAG_SET", "flags",
                        part[2].lstrip("!"))
        if len(part) == 5 and not part[2]:
            return Rule(part[0], part[1], "PARAM_IS", part[3], part[4])
        raise SchemaError("access rule '%s'" % text)


@dataclass
class Method:
    number: int
    name: str
    handler: str
    api: Optional[str]
    args: Optional[Struct]
    ret: Optional[Struct]
    msg: Optional[Struct]
    access: List[Rule]
    filter: List[Rule]
    owner: str
    facts: dict = field(repr=False)

    @property
    def stream(self):
        if not self.facts["stream"]:
            return "NONE"
        return "BOTH" if self.facts.get("bidirectional") else self.facts["stream"].upper()

    @property
    def fds(self):
        return [word.upper() for word in self.facts.get("fds", "none").split("+")]

    @property
    def object(self):
        """(kind, place in args) of the object that the call is about, or None."""
        if not self.args:
            return None
        first = self.args.fields[0]
        if first.type.kind == "STRUCT" and first.type.c.startswith("struct remote_nonnull_"):
            return first.type.c[len("struct remote_nonnull_"):].upper(), first.place
        if re.fullmatch("NODE_DEVICE_(?!LOOKUP).*", self.name) and first.name == "name":
            return "NODE_DEVICE", first.place
        return None


class Program:
    """One program's facts. remote is the program whose structs others share, or None."""

    def __init__(self, folder, name, remote=None):
        self.folder = folder
        self.name = name
        facts = self._load(name)
        self.number = int(facts["program"], 16)
        self.version = facts["version"]
        self.constants = {k: v for k, v in facts["constants"].items() if k not in self.defines()}
        self.enums = facts["enums"]
        self._facts = facts
        self._resolved = {}
        self._pending = []
        self.structs = []  # own ones, each after those that it holds
        self.imported = {s.name: s for s in remote.structs} if remote else {}
        for struct in list(facts["unions"]) + list(facts["structs"]):
            self.struct(struct)
        self.methods = [self._method(p) for p in facts["procedures"]]
        self._check_methods()

    def _load(self, name):
        with open(os.path.join(self.folder, name + ".json"), encoding="utf-8") as f:
            return json.load(f)

    def defines(self):
        return self._load("constants")["defines"]

    def struct(self, name):
        """The struct or union, resolved with all that it holds."""
        if name in self.imported:
            return self.imported[name]
        if name in self._resolved:
            return self._resolved[name]
        if name in self._pending:
            raise SchemaError("%s holds itself" % name)
        self._pending.append(name)
        struct = self._read_struct(name)
        self._pending.pop()
        self._resolved[name] = struct
        self.structs.append(struct)
        return struct

    def _read_struct(self, name):
        if name in self._facts["unions"]:
            union = self._facts["unions"][name]
            arms = [Field(a["name"], self._type(a), a["case"]) for a in union["arms"]]
            return Struct(c_name(name), arms, union["discriminant"]["name"])
        if name not in self._facts["structs"]:
            raise SchemaError("%s: no such type" % name)
        return Struct(c_name(name), [Field(f["name"], self._type(f))
                                     for f in self._facts["structs"][name]])

    def _type(self, facts):
        make = getattr(self, "_type_" + facts["kind"].replace("-", "_"), None)
        if not make:
            raise SchemaError("%s: kind '%s'" % (facts["name"], facts["kind"]))
        return make(facts)

    def _named(self, name, elem_max=None):
        """The type that stands in an array or behind a pointer."""
        alias = self._facts["typedefs"].get(name)
        if alias and alias["kind"] == "string":
            return self._type_string({"max": elem_max or alias["max"]})
        if name in self.enums:
            return self._type_enum({"type": name})
        return SCALARS.get(name) or self.struct(name).type

    def _type_scalar(self, facts):
        return SCALARS[facts["type"]]

    def _type_enum(self, facts):
        return Type("INT", "enum " + c_name(facts["type"]), "codec_int", 4)

    def _type_string(self, facts):
        return Type("STRING", "char *", "string_%d" % facts["max"], 4, facts["max"])

    def _type_opaque(self, facts):
        return Type("BYTES", "", "bytes_%d" % facts["max"], 4, facts["max"])

    def _type_fixed_opaque(self, facts):
        n = facts["max"]
        return Type("FIXED_BYTES", "", "fixed_bytes_%d" % n, padded(n), n)

    def _type_array(self, facts):
        of = self._named(facts["type"], facts.get("elem_max"))
        return Type("ARRAY", "", "array_%d_of_%s" % (facts["max"], of.symbol), 4, facts["max"], of)

    def _type_fixed_array(self, facts):
        of, n = self._named(facts["type"]), facts["max"]
        return Type("FIXED_ARRAY", "", "fixed_array_%d_of_%s" % (n, of.symbol), n * of.wire_min,
                    n, of)

    def _type_pointer(self, facts):
        of = self._named(facts["of"], facts.get("max"))
        if of.kind == "STRING":
            return Type("STRING_OR_NULL", "char *", "string_or_null_%d" % of.max, 4, of.max)
        return Type("POINTER", pointer_to(of.c), "pointer_to_" + of.symbol, 4, 0, of)

    def _type_struct(self, facts):
        return self.struct(facts["type"]).type

    _type_union = _type_struct

    def _method(self, facts):
        name = facts["name"]
        structs = {key: self.struct(facts[key]) if facts.get(key) else None
                   for key in ("args", "ret", "msg")}
        prefix = "" if self.name == "remote" else self.name + "_"
        return Method(facts["number"], name, prefix + name.lower(), facts.get("api"),
                      access=[Rule.parse(text) for text in facts["acl"]],
                      filter=[Rule.parse(text) for text in facts.get("acl_filter", [])],
                      owner=self._owner(name), facts=facts, **structs)

    def _owner(self, name):
        if self.name != "remote":
            return "hypervisor"
        for rule in self._load("owners")["rules"]:
            if re.fullmatch(rule["pattern"], name):
                return rule["owner"]
        raise SchemaError("%s: owners.json has no rule for it" % name)

    def _check_methods(self):
        numbers = [method.number for method in self.methods]
        if len(set(numbers)) != len(numbers):
            raise SchemaError("%s: a number stands for two procedures" % self.name)
        for method in self.methods:
            for rule in method.access + method.filter:
                place = method.args.find(rule.place) if rule.place and method.args else None
                if rule.place and (not place or place.type.kind != "UINT"):
                    raise SchemaError("%s: no '%s' to ask %s about" % (method.name, rule.place,
                                                                      rule.permission))


def c_name(name):
    """virNetMessageError -> net_message_error; names in snake case stay."""
    return re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower().replace("vir_", "", 1) \
        if name.startswith("vir") else name


class Facts:
    """All programs, and the numbers of the public API."""

    def __init__(self, folder):
        self.folder = folder
        self.remote = Program(folder, "remote")
        others = [Program(folder, name, self.remote) for name in ("qemu", "lxc")]
        self.drivers = [self.remote] + others + [Program(folder, name) for name in ("admin", "modvirt")]
        self.keepalive = Program(folder, "keepalive")
        handlers = [method.handler for p in self.drivers for method in p.methods]
        if len(set(handlers)) != len(handlers):
            raise SchemaError("two procedures have handlers of one name")

    def program(self, name):
        return next(p for p in self.drivers + [self.keepalive] if p.name == name)

    def events(self):
        with open(os.path.join(self.folder, "events.json"), encoding="utf-8") as f:
            return json.load(f)["events"]

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""common/facts -> C. Usage: generate.py OUTPUT FACTS_FOLDER

OUTPUT's file name says what is made; see OUTPUTS at the end. One visitor makes one file.
"""
import os
import sys

from schema import Facts, SchemaError, c_name


class Writer:
    """Collects the lines of one generated file."""

    def __init__(self, what, header):
        self.lines = ["/* SPDX-License-Identifier: LGPL-2.1-or-later */",
                      "/* Generated from common/facts: %s. */" % what]
        if header:
            self.lines.append("#pragma once")
        self.lines.append("")

    def add(self, *lines):
        self.lines += lines

    def block(self, opening, body, closing="};"):
        self.add(opening, *["    " + line if line else "" for line in body], closing, "")

    def text(self):
        return "\n".join(self.lines) + "\n"


def number(value):
    return "%dU" % value if value > 0x7fffffff else str(value)


def quoted(text):
    return '"%s"' % text if text else "NULL"


class StructsHeader:
    """Constants, enums, numbers of procedures, structs and the names of their codec types."""

    def __init__(self, facts, name):
        self.program = facts.program(name)

    def write(self, out):
        p = self.program
        out.add("#include <stdint.h>", "")
        if p.imported:
            out.add('#include "protocol/remote.h"', "")
        if p.constants:
            out.block("enum {", ["%s = %s," % (k, number(v)) for k, v in p.constants.items()])
        self._write_numbers(out)
        for enum, members in p.enums.items():
            out.block("enum %s {" % c_name(enum),
                      ["%s = %s," % (k, number(v)) for k, v in members.items()])
        out.add("struct codec_type;", "")
        for struct in p.structs:
            self._write_struct(out, struct)

    def _write_numbers(self, out):
        prefix = self.program.name.upper()
        rows = ["%s_PROGRAM = 0x%08x," % (prefix, self.program.number),
                "%s_PROGRAM_VERSION = %d," % (prefix, self.program.version)]
        out.block("enum {", rows)
        out.block("enum %s_procedure {" % self.program.name,
                  ["%s_PROC_%s = %d," % (prefix, m.name, m.number) for m in self.program.methods])

    def _write_struct(self, out, struct):
        body = [line for f in struct.fields for line in f.declarations()]
        if struct.discriminant:
            arms = ["    %s /* %d */" % (line, f.arm)
                    for f in struct.fields for line in f.declarations()]
            body = ["int %s;" % struct.discriminant, "union {"] + arms + ["};"]
        out.block("struct %s {" % struct.name, body)
        out.add("extern const struct codec_type %s;" % struct.type.symbol, "")


class HandlersHeader:
    """Prototypes of the handlers, and the number that belongs to each: for HANDLER()."""

    def __init__(self, facts, name):
        self.program = facts.program(name)

    def write(self, out):
        name = self.program.name
        methods = [m for m in self.program.methods if not m.facts["event"]]
        out.add("#include <glib.h>", "", '#include "protocol/%s.h"' % name,
                '#include "protocol/protocol.h"', "")
        out.block("enum %s_number_of {" % name,
                  ["%s_number_of_%s = %d," % (name, m.handler, m.number) for m in methods])
        for m in methods:
            args = "const struct %s *args" % m.args.name if m.args else "const void *args"
            ret = "struct %s *ret" % m.ret.name if m.ret else "void *ret"
            out.add("int %s(struct call *call, %s," % (m.handler, args),
                    "    %s, GError **error);" % ret)


class CodecTables:
    """struct codec_type of every struct, with those of arrays, strings ... that they need."""

    def __init__(self, facts, name):
        self.program = facts.program(name)
        self.derived = set()
        self.tables = {}

    def write(self, out):
        header = "wire/net-message.h" if self.program.name == "keepalive" else \
            "protocol/%s.h" % self.program.name
        out.add("#include <glib.h>", "#include <stddef.h>", "", '#include "%s"' % header,
                '#include "wire/codec.h"', "")
        for struct in self.program.structs:
            self._write_struct(out, struct)

    def _write_derived(self, out, t):
        """Types that have no struct of their own are static, and made when first needed."""
        if t.of:
            self._write_derived(out, t.of)
        if t.symbol in self.derived or t.symbol.startswith("codec_") or \
                t.kind in ("STRUCT", "UNION"):
            return
        self.derived.add(t.symbol)
        size = "sizeof(void *)" if t.c.endswith("*") else "0"
        of = "&" + t.of.symbol if t.of else "NULL"
        out.block("static const struct codec_type %s = {" % t.symbol,
                  [".kind = CODEC_%s, .size = %s, .wire_min = %d, .max = %d, .of = %s,"
                   % (t.kind, size, t.wire_min, t.max, of)])

    def _write_members(self, out, struct):
        """The name of the members' table; structs with the same members share one."""
        key = (struct.discriminant,) + tuple((f.name, f.type.symbol, f.arm) for f in struct.fields)
        if key not in self.tables:
            self.tables[key] = struct.name + "_members"
            out.block("static const struct codec_member %s[] = {" % self.tables[key],
                      ['{"%s", &%s, offsetof(struct %s, %s), %d},'
                       % (f.name, f.type.symbol, struct.name, f.place, f.arm or 0)
                       for f in struct.fields])
        return self.tables[key]

    def _write_struct(self, out, struct):
        for f in struct.fields:
            self._write_derived(out, f.type)
        members = self._write_members(out, struct)
        t = struct.type
        out.block("const struct codec_type %s = {" % t.symbol,
                  ['.kind = CODEC_%s, .name = "%s", .size = sizeof(struct %s), .wire_min = %d,'
                   % (t.kind, struct.name, struct.name, t.wire_min),
                   ".members = %s, .n_members = G_N_ELEMENTS(%s)," % (members, members)])


class MethodTable:
    """One row for each procedure, and the program itself."""

    def __init__(self, facts, name):
        self.program = facts.program(name)
        self.rules = {}

    def write(self, out):
        p = self.program
        out.add("#include <stddef.h>", "", '#include "facts/constants.h"',
                '#include "protocol/%s.h"' % p.name, '#include "protocol/protocol.h"', "")
        rows = [line for method in p.methods for line in self._row(out, method)]
        out.block("static const struct protocol_method methods[] = {", rows)
        out.block("const struct protocol_program %s_program = {" % p.name,
                  ['.name = "%s", .number = 0x%08x, .version = %d,' % (p.name, p.number, p.version),
                   ".methods = methods, .n_methods = G_N_ELEMENTS(methods),"])

    def _row(self, out, m):
        row = ["[%d] = {" % (m.number - 1),
               '    .number = %d, .name = "%s", .api = %s,' % (m.number, m.name, quoted(m.api))]
        row += ["    .%s = &%s," % (key, getattr(m, key).type.symbol)
                for key in ("args", "ret", "msg") if getattr(m, key)]
        for key, rules in (("access", m.access), ("filter", m.filter)):
            if rules:
                table = self._write_rules(out, m, rules)
                row.append("    .%s = %s, .n_%s = G_N_ELEMENTS(%s)," % (key, table, key, table))
        row.append("    .owner = PROTOCOL_OWNER_%s," % m.owner.upper())
        row += ["    " + line for line in self._traits(m)]
        return row + ["},"]

    @staticmethod
    def _traits(m):
        facts = m.facts
        flags = m.args.find("flags") if m.args else None
        if m.stream != "NONE":
            yield ".stream = PROTOCOL_STREAM_%s," % m.stream
        if "fds" in facts:
            yield ".fds = %s," % " | ".join("PROTOCOL_FDS_" + word for word in m.fds)
        if m.object:
            yield ".object = PROTOCOL_OBJECT_%s, .object_offset = offsetof(struct %s, %s)," % (
                m.object[0], m.args.name, m.object[1])
        if flags:
            yield ".flags_size = %d, .flags_offset = offsetof(struct %s, flags)," % (
                flags.type.wire_min, m.args.name)
        if "sparse_flag" in facts:
            yield ".sparse_flag = %s," % facts["sparse_flag"]
        for key, value in (("high_priority", facts["priority"] == "high"),
                           ("needs_auth", facts["needs_auth"]), ("event", facts["event"])):
            if value:
                yield ".%s = true," % key

    def _write_rules(self, out, m, rules):
        """The name of the rules' table; methods that ask the same share one."""
        rows = tuple(self._rule(m, rule) for rule in rules)
        if rows not in self.rules:
            self.rules[rows] = "rules_%d" % (len(self.rules) + 1)
            out.block("static const struct access_rule %s[] = {" % self.rules[rows], rows)
        return self.rules[rows]

    @staticmethod
    def _rule(m, rule):
        offset = "offsetof(struct %s, %s)" % (m.args.name, rule.place) if rule.place else "0"
        return "{ACCESS_OBJECT_%s, ACCESS_PERM_%s, ACCESS_%s, %s, %s}," % (
            rule.object.upper(), rule.permission.upper(), rule.condition, offset, rule.value or "0")


class EventTable:
    """Event ids and the procedures that carry them."""

    def __init__(self, facts, _name):
        self.facts = facts

    def write(self, out):
        out.add('#include "facts/constants.h"', '#include "protocol/protocol.h"',
                '#include "protocol/qemu.h"', '#include "protocol/remote.h"', "")
        for kind, events in self.facts.events().items():
            out.block("static const struct protocol_event %s_events[] = {" % kind,
                      [self._row(event) for event in events])
            out.block("const struct protocol_events protocol_%s_events = {" % kind,
                      ["%s_events, G_N_ELEMENTS(%s_events)," % (kind, kind)])

    def _row(self, event):
        program = self.facts.program(event.get("program", "remote"))
        methods = {m.name: m for m in program.methods}
        prefix = program.name.upper() + "_PROC_"
        modern, legacy = methods[event["modern"]], methods.get(event.get("legacy"))
        if modern.msg.fields[0].name != "callbackID":
            raise SchemaError("%s does not begin with callbackID" % modern.name)
        last = modern.msg.fields[-1].type
        wraps = bool(legacy) and last.c == "struct " + legacy.msg.name
        return "[%s] = {%s, %s, %s, %s}," % (
            event["id"], event["id"], prefix + modern.name,
            prefix + legacy.name if legacy else "0", "true" if wraps else "false")


class AccessHeader:
    """Objects and permissions of access control, for layers that know no wire."""

    def __init__(self, facts, _name):
        rules = [r for p in facts.drivers for m in p.methods for r in m.access + m.filter]
        self.objects = sorted({rule.object for rule in rules})
        self.permissions = sorted({rule.permission for rule in rules})

    def write(self, out):
        out.add("#include <stdbool.h>", "#include <stddef.h>", "")
        self._write_enum(out, "access_object", "ACCESS_OBJECT_", self.objects)
        self._write_enum(out, "access_permission", "ACCESS_PERM_", self.permissions)
        out.add("/* What a read-only connection may do. */")
        cases = ["case ACCESS_PERM_%s:" % p.upper() for p in self.permissions
                 if is_read(p)]
        out.block("static inline bool access_permission_is_read(enum access_permission permission)\n{",
                  ["switch (permission) {"] + cases + ["    return true;", "default:",
                                                      "    return false;", "}"], "}")

    @staticmethod
    def _write_enum(out, name, prefix, words):
        out.block("enum %s {" % name,
                  [prefix + word.upper() + "," for word in words] + [prefix + "LAST,"])
        out.add("/* \"storage-pool\": as polkit's actions spell it; NULL if out of range. */")
        rows = ['"%s",' % word.replace("_", "-") for word in words]
        out.block("static inline const char *%s_word(enum %s value)\n{" % (name, name),
                  ["static const char *const words[] = {"] + ["    " + r for r in rows] +
                  ["};", "", "return (size_t)value < %sLAST ? words[value] : NULL;" % prefix], "}")


def is_read(permission):
    return permission in ("getattr", "read") or permission.startswith("search_")


class PolicyFile:
    """The actions of polkit: one for each permission on a kind of object. Those that read are for all
    unless a rule of the host says otherwise, with exceptions that rules of the ecosystem count on."""

    KEPT_BACK = {("node_device", "read"), ("network", "search_ports"),
                 ("storage_pool", "search_storage_vols")}

    def __init__(self, facts, _name):
        rules = [r for p in facts.drivers for m in p.methods for r in m.access + m.filter]
        self.actions = sorted({(rule.object, rule.permission) for rule in rules})

    def text(self):
        lines = ['<?xml version="1.0" encoding="UTF-8"?>',
                 "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->",
                 '<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD polkit Policy Configuration 1.0//EN"',
                 ' "http://www.freedesktop.org/software/polkit/policyconfig-1.dtd">', "<policyconfig>"]
        for kind, permission in self.actions:
            lines += self._action(kind, permission)
        return "\n".join(lines + ["</policyconfig>", ""])

    def _action(self, kind, permission):
        default = "yes" if is_read(permission) and (kind, permission) not in self.KEPT_BACK else "no"
        words = permission.replace("_", " "), kind.replace("_", " ")
        return ['  <action id="org.libvirt.api.%s.%s">' % (kind.replace("_", "-"), permission.replace("_", "-")),
                "    <description>Virtualization: %s of a %s</description>" % words,
                "    <message>The permission '%s' of a %s is needed</message>" % words,
                "    <defaults>",
                *("      <%s>%s</%s>" % (who, default, who)
                  for who in ("allow_any", "allow_inactive", "allow_active")),
                "    </defaults>", "  </action>"]


OUTPUTS = {"access.h": (AccessHeader, None), "events.c": (EventTable, None),
           "net-message.h": (StructsHeader, "keepalive"),
           "net-message.c": (CodecTables, "keepalive"), "org.libvirt.api.policy": (PolicyFile, None)}
for program_name in ("remote", "qemu", "lxc", "admin", "modvirt"):
    OUTPUTS[program_name + ".h"] = (StructsHeader, program_name)
    OUTPUTS[program_name + "-handlers.h"] = (HandlersHeader, program_name)
    OUTPUTS[program_name + "-codec.c"] = (CodecTables, program_name)
    OUTPUTS[program_name + "-methods.c"] = (MethodTable, program_name)


def main(target, folder):
    visitor, name = OUTPUTS[os.path.basename(target)]
    made = visitor(Facts(folder), name)
    if visitor is not PolicyFile:
        out = Writer(name or os.path.basename(target), target.endswith(".h"))
        made.write(out)
        made = out
    with open(target, "w", encoding="utf-8") as f:
        f.write(made.text())


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except SchemaError as problem:
        sys.exit("generate.py: %s" % problem)

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""constants.json -> constants.h: usage: generate-constants.py constants.json constants.h"""
import json
import sys

# the two enums that the whole project speaks of
RENAMED = {"virErrorNumber": "error_code", "virErrorDomain": "error_from"}


def literal(value):
    if isinstance(value, str):
        return json.dumps(value)
    if value > 0x7fffffff:
        return "%dU" % value if value <= 0xffffffff else "%dULL" % value
    return str(value)


def enum(lines, name, members):
    lines.append("enum %s {" % name)
    lines += ["    %s = %s," % (key, literal(value)) for key, value in members.items()]
    lines += ["};", ""]


def main(source, target):
    with open(source, encoding="utf-8") as f:
        facts = json.load(f)
    lines = ["/* SPDX-License-Identifier: LGPL-2.1-or-later */",
             "/* Generated from constants.json: the public API's numbers and field names. */",
             "#pragma once", ""]
    for name, members in facts["enums"].items():
        enum(lines, RENAMED.get(name, name), members)
    lines += ["#define %s %s" % (key, literal(value)) for key, value in facts["defines"].items()]
    with open(target, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


main(*sys.argv[1:])

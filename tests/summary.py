#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: summary.py DIRECTORY

Sums up the steps of a test run: DIRECTORY holds NAME.code, the exit code of each step, and for
steps made of many tests NAME.xml, their results as JUnit XML. Prints what was skipped and why,
what failed, and one last line; the exit code is 0 when nothing failed and something passed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def read_cases(path):
    """yields (name, 'passed' | 'failed' | 'skipped', reason) of each test of a JUnit file"""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "%s %s" % (case.get("classname", ""), case.get("name", ""))
        for kind, tags in (("failed", ("failure", "error")), ("skipped", ("skipped",))):
            found = [e for tag in tags for e in case.findall(tag)]
            if found:
                # TAP's reason comes beside the mark, pytest's in it
                reason = found[0].get("message") or case.findtext("system-out") or "no reason given"
                yield name.strip(), kind, reason.strip() or "no reason given"
                break
        else:
            yield name.strip(), "passed", ""


def read_step(directory, name):
    """the tests of a step; the step itself is one when it has none, or failed beside them"""
    code = int((directory / (name + ".code")).read_text())
    path = directory / (name + ".xml")
    cases = []
    if path.exists():
        try:
            cases = list(read_cases(path))
        except ElementTree.ParseError as error:
            return [(name, "failed", "results unreadable: %s" % error)]
    if code and not any(kind == "failed" for _, kind, _ in cases):
        cases.append((name, "failed", "exit code %d" % code))
    elif not cases:
        cases.append((name, "passed", ""))
    return cases


def main(directory):
    directory = pathlib.Path(directory)
    cases = []
    for path in sorted(directory.glob("*.code")):
        cases += read_step(directory, path.stem)
    count = {"passed": 0, "failed": 0, "skipped": 0}
    reasons = {}
    for name, kind, reason in cases:
        count[kind] += 1
        if kind == "skipped":
            reason = reason.splitlines()[0]
            # one line for the same reason of things with other names
            reasons.setdefault(re.sub(r"'[^']*'|\d+", "", reason), []).append((reason, name))
    for found in sorted(reasons.values()):
        print("skipped: %s: %s%s" % (*found[0], " and %d more" % (len(found) - 1) if len(found) > 1 else ""))
    for name, kind, reason in cases:
        if kind == "failed":
            print("FAILED: %s: %s" % (name, reason.splitlines()[0]))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % count)
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

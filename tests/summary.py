#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: summary.py DIRECTORY

Sums up the steps of a test run: DIRECTORY holds NAME.code, the exit code of each step, and for
steps made of many tests NAME.xml, their results as JUnit XML. Of meson there is also NAME.json,
which alone tells of programs that fail after their last test has passed; of fuzzers NAME.log, what
they printed, and NAME.input, in base64 the bytes at which one failed. DIRECTORY/first holds the
same of steps that were tried again because something in them had failed. Prints what was skipped
and why, what failed, and one last line; the exit code is 0 when nothing failed and something
passed.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


# What tells best why a test failed, where a test tells much: an assertion, a sanitizer's finding.
TELLING = re.compile(r"Bail out!|not ok|ERROR: |runtime error: |SUMMARY: ")


def telling_line(*texts):
    lines = "\n".join(filter(None, texts)).strip().splitlines() or ["no reason given"]
    return next(filter(TELLING.search, lines), lines[0]).strip()


def reason_of(case, found):
    """TAP's reason comes beside the mark, pytest's in it; a crash leaves only what was printed"""
    message = (found.get("message") or "").strip()
    return message.splitlines()[0] if message else telling_line(case.findtext("system-out"),
                                                                case.findtext("system-err"))


def read_cases(path):
    """yields (name, 'passed' | 'failed' | 'skipped', reason) of each test of a JUnit file"""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "%s %s" % (case.get("classname", ""), case.get("name", ""))
        for kind, tags in (("failed", ("failure", "error")), ("skipped", ("skipped",))):
            found = [e for tag in tags for e in case.findall(tag)]
            if found:
                yield name.strip(), kind, reason_of(case, found[0])
                break
        else:
            yield name.strip(), "passed", ""


def read_programs(path):
    """yields (name, reason) of each program that meson found to have failed"""
    for line in path.read_text().splitlines() if path.exists() else ():
        test = json.loads(line)
        if test["result"] not in ("OK", "SKIP"):
            yield test["name"], telling_line(test.get("stderr"), test.get("stdout"))


def read_alone(directory, name, code):
    """why a step failed that is no list of tests"""
    reason = "exit code %d" % code
    log, fuzzed = (directory / (name + ending) for ending in (".log", ".input"))
    if log.exists():
        reason += ": " + telling_line(log.read_text(errors="replace"))
    if fuzzed.exists():
        reason += ": input in base64: " + fuzzed.read_text()
    return reason


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
    cases = [(case if kind != "failed" else "%s: %s" % (name, case), kind, reason)
             for case, kind, reason in cases]
    if code and not any(kind == "failed" for _, kind, _ in cases):
        programs = read_programs(directory / (name + ".json"))
        cases += [("%s: %s" % (name, program), "failed", why) for program, why in programs] or \
            [(name, "failed", read_alone(directory, name, code))]
    elif not cases:
        cases.append((name, "passed", ""))
    return cases


def main(directory):
    directory = pathlib.Path(directory)
    cases = []
    for path in sorted(directory.glob("*.code")):
        cases += read_step(directory, path.stem)
    first = [case for path in sorted(directory.glob("first/*.code")) for case in read_step(path.parent, path.stem)]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    reasons = {}
    for name, kind, reason in cases:
        count[kind] += 1
        if kind == "skipped":
            # one line for the same reason of things with other names
            reasons.setdefault(re.sub(r"'[^']*'|\d+", "", reason), []).append((reason, name))
    for found in sorted(reasons.values()):
        print("skipped: %s: %s%s" % (*found[0], " and %d more" % (len(found) - 1) if len(found) > 1 else ""))
    for title, all_cases in (("FAILED AT FIRST", first), ("FAILED", cases)):
        for name, kind, reason in all_cases:
            if kind == "failed":
                print("%s: %s: %s" % (title, name, reason))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % count)
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of the source tree that no compiler makes. Prints TAP. Usage: lint.py SOURCE-ROOT"""
import pathlib
import re
import shutil
import subprocess
import sys

# The layers of docs/ARCHITECTURE.md: a folder of common/ -> the folders whose headers it may use.
LAYERS = {
    "facts": "",
    "base": "facts",
    "wire": "facts base",
    "protocol": "facts base wire",
    "daemon": "facts base wire protocol",
    "xml": "facts base",
    "model": "facts base xml",
    "image": "facts base xml model",
    "object": "facts base xml",
    "host": "facts base",
    "driver": "facts base wire protocol daemon xml model image object host",
}
# A daemon may use every layer; one that only forwards cannot see a document.
FORWARDING = {"virtproxyd": "facts base wire protocol daemon"}

LONGEST_FILE = 900      # lines
LONGEST_FUNCTION = 60   # lines between its braces
WIDEST_LINE = 100       # columns
CODE = {".c", ".h"}
TEXT = CODE | {".py", ".md", ".build", ".txt", ".sh", ".xml", ".conf", ".service", ".socket", ".in", ""}
# data: no comment could carry the line, or it is somebody's recorded bytes
DATA = r"tests/(golden|fuzz/corpus|wire/data|(abi|arguments)/cases)/.*"
UNMARKED = re.compile(r"^(COPYING|\.gitignore|%s|.*\.json|README\.md|docs/.*\.md)$" % DATA)
UNCHECKED = re.compile(r"^(COPYING|%s|tests/lint/lint\.py)$" % DATA)
REFERENCE = re.compile(r"`((?:common|docs|tests|virt[a-z]+d)/[\w./-]*)`")
PROTOTYPE = re.compile(r"(?!typedef|return|static|extern|#)[a-z][\w ]* \**\w+\(")
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def list_files(root):
    names = []
    if shutil.which("git"):
        out = subprocess.run(["git", "-C", root, "ls-files", "-z"], stdout=subprocess.PIPE)
        names = out.stdout.decode().split("\0")[:-1]
    if not names:
        names = [str(p.relative_to(root)) for p in root.rglob("*")
                 if p.is_file() and not p.parts[len(root.parts)].startswith(("build", ".git"))]
    return sorted(n for n in names if (root / n).is_file() and pathlib.Path(n).suffix in TEXT | {".json"})


def allowed_folders(name):
    """(own folder, folders whose headers it may name) or None where no rule holds"""
    parts = pathlib.PurePath(name).parts
    if parts[0] == "common" and len(parts) > 2 and parts[1] in LAYERS:
        return parts[1], LAYERS[parts[1]].split() + [parts[1]]
    if parts[0].startswith("virt") and len(parts) > 1:
        return parts[0], FORWARDING.get(parts[0], " ".join(LAYERS)).split()
    return None


def check_layers(name, text):
    rule = allowed_folders(name)
    if not rule or pathlib.Path(name).suffix not in CODE:
        return
    own, allowed = rule
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not include or "/" not in include[1]:
            continue
        folder = include[1].split("/")[0]
        if folder not in allowed:
            yield "%s:%d: %s may not include \"%s\"" % (name, number, own, include[1])


def check_license(name, text):
    if not UNMARKED.match(name) and "SPDX-License-Identifier: LGPL-2.1-or-later" not in text[:400]:
        yield "%s: no SPDX-License-Identifier line" % name


def check_length(name, text):
    lines = text.count("\n")
    if pathlib.Path(name).suffix in CODE | {".py"} and lines >= LONGEST_FILE:
        yield "%s: %d lines; %d are too many" % (name, lines, LONGEST_FILE)


def check_width(name, text):
    """A table that clang-format is told to leave alone may be as wide as it needs."""
    aligned = False
    for number, line in enumerate(text.splitlines(), 1):
        if "clang-format off" in line or "clang-format on" in line:
            aligned = "clang-format off" in line
        elif pathlib.Path(name).suffix in CODE and (len(line) > WIDEST_LINE and not aligned or "\t" in line):
            yield "%s:%d: wider than %d columns, or a tab" % (name, number, WIDEST_LINE)


def check_functions(name, text):
    """A function's braces stand alone in the first column, as clang-format puts them."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if pathlib.Path(name).suffix == ".c" and line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > LONGEST_FUNCTION:
                yield "%s:%d: a function of %d lines; %d are too many" % (
                    name, start, number - start - 1, LONGEST_FUNCTION)
            start = None


def check_contracts(name, text):
    """A function in a header has its contract above it, alone or with its neighbours; or the header
    begins with one for all."""
    if pathlib.Path(name).suffix != ".h" or name.startswith("tests/") or "\n/*\n" in text:
        return
    explained, previous = False, ""
    for number, line in enumerate(text.splitlines(), 1):
        if "SPDX-License-Identifier" in line:
            continue
        if line.startswith(("/*", " *")):
            explained = True
        elif not line.strip() and not (explained and previous.endswith("*/")):
            explained = False
        elif PROTOTYPE.match(line) and not explained:
            yield "%s:%d: no comment says what may be expected of this function" % (name, number)
        previous = line


def check_words(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        found = WORDS.search(line)
        if found and not UNCHECKED.match(name) and not name.endswith(".json"):
            yield "%s:%d: '%s' does not belong into a finished file" % (name, number, found[0])


def check_typedefs(name, text):
    if pathlib.Path(name).suffix in CODE:
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*typedef\s+(struct|union)\b", line):
                yield "%s:%d: a struct has no second name" % (name, number)


def check_references(name, text):
    """What a page names is there. A word in capitals stands for a name of the reader's."""
    for number, line in enumerate(text.splitlines(), 1):
        for path in REFERENCE.findall(line) if name.endswith(".md") else []:
            if "NAME" not in path and not (ROOT / path).exists():
                yield "%s:%d: there is no %s" % (name, number, path)


CHECKS = [check_layers, check_license, check_length, check_width, check_functions, check_contracts,
          check_words, check_typedefs, check_references]


def main():
    texts = {n: (ROOT / n).read_text(errors="replace") for n in list_files(ROOT)}
    print("1..%d" % len(CHECKS))
    bad = False
    for number, check in enumerate(CHECKS, 1):
        faults = [f for n, t in texts.items() if not UNCHECKED.match(n) or check is check_license
                  for f in check(n, t)]
        bad = bad or bool(faults)
        print("%s %d %s" % ("not ok" if faults else "ok", number, check.__name__[6:]))
        for fault in faults:
            print("# " + fault)
    return 1 if bad else 0


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv[1]).resolve()
    sys.exit(main())

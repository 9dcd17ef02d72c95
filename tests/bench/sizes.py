# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each device family costs: rows of its table, hooks, lines and bytes of code."""
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def code_bytes(paths):
    found = [path for path in paths if path.exists()]
    if not found:
        return 0
    lines = subprocess.run(["size", "-B", *found], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[0]) + int(line.split()[1]) for line in lines.splitlines()[1:])


def lines_of(path):
    return len(path.read_text().splitlines()) if path.exists() else 0


def families(build):
    """(name, rows, hooks, lines of the model, lines of the device, bytes of both)"""
    for path in sorted((ROOT / "common/model").glob("domain-*.c")):
        name = path.stem.removeprefix("domain-")
        text = path.read_text()
        device = ROOT / "virtqemud" / f"device-{name}.c"
        objects = [build / "common/model/libmodel.a.p" / f"{path.name}.o",
                   build / "virtqemud/libvirtqemud.a.p" / f"{device.name}.o"]
        rows, hooks = len(re.findall(r"\bROW_\w+\(", text)), len(re.findall(r"\bROW_HOOK\(", text))
        if rows:
            yield name, rows, hooks, lines_of(path), lines_of(device), code_bytes(objects)


def stripped_size(binary):
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(binary, folder)
        subprocess.run(["strip", copy], check=True)
        return pathlib.Path(copy).stat().st_size


def print_table(build):
    print("\n| family | rows | hooks | lines of the model | lines of the device | bytes |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    total = [0] * 5
    for name, *numbers in families(build):
        print("| %s | %s |" % (name, " | ".join(str(number) for number in numbers)))
        total = [a + b for a, b in zip(total, numbers)]
    print("| all | %s |" % " | ".join(str(number) for number in total))
    assert total[1] * 10 <= total[0], "more than one row in ten is a hook"

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which change of a document makes other hardware of it: by our tables, and by libvirtd 9.0.0, which is
asked whether a guest that was saved with one document may go on with the other."""
import collections
import pathlib
import re
import struct
import subprocess
import xml.etree.ElementTree as ET

import libvirt
import pytest

import daemon as tested

CASES = tested.ROOT / "tests" / "abi" / "cases"
GOLDEN = tested.ROOT / "tests" / "golden" / "domain"
IMAGE = pathlib.Path("/run/abi.save")
# ours, the incumbent's
VERDICTS = {"same": ("same", "same"), "differs": ("differs", "differs"),
            "stricter": ("differs", "same"), "looser": ("same", "differs")}

Pair = collections.namedtuple("Pair", "document verdict place value named why")


def read_pairs():
    for line in (CASES / "pairs.txt").read_text().splitlines():
        if not line.startswith("#"):
            columns = line.split("\t")
            yield Pair(*columns + [""] * (len(Pair._fields) - len(columns)))


def read_document(name):
    path = CASES / (name + ".xml")
    root = ET.parse(path if path.exists() else GOLDEN / (name + ".out.xml")).getroot()
    root.set("type", "qemu")
    return root


def read_text(name):
    return ET.tostring(read_document(name), encoding="unicode")


def change(name, place, value):
    """the document's text with that value at the place: an attribute, a text, or nothing"""
    root = read_document(name)
    path, _, attribute = place.rpartition("@") if "@" in place else (place, "", "")
    path = path.rstrip("/")
    element = root.find(path) if path else root
    assert element is not None, (name, place)
    if value == "-":
        root.find(path.rpartition("/")[0] or ".").remove(element)
    elif attribute:
        element.set(attribute, value)
    else:
        element.text = value
    return ET.tostring(root, encoding="unicode")


def simple(place):
    return place.replace("[1]", "")


@pytest.fixture(scope="module")
def pairs():
    return list(read_pairs())


def test_table(pairs):
    places = [(pair.document, pair.place, pair.value) for pair in pairs]
    assert len(places) == len(set(places)), [k for k, n in collections.Counter(places).items() if n > 1]
    for pair in pairs:
        assert bool(pair.why) == (pair.verdict in ("stricter", "looser")), pair
        assert bool(pair.named) == (VERDICTS[pair.verdict][0] == "differs"), pair


def test_ours(pairs):
    """every verdict, and the place that a refusal names"""
    texts, document = [], None
    for pair in pairs:
        texts.append("" if pair.document == document else read_text(pair.document))
        texts.append(change(pair.document, pair.place, pair.value))
        document = pair.document
    answers = subprocess.run([tested.BUILD / "tests" / "abi" / "check-abi"], input="\0".join(texts) + "\0",
                             capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    wrong = []
    for pair, answer in zip(pairs, answers, strict=True):
        verdict, _, message = answer.partition(" ")
        named = re.search(r"Target (?:count of )?(\S+) \(", message)
        expected = pair.place if pair.named == "=" else pair.named
        if verdict != VERDICTS[pair.verdict][0] or simple(named[1] if named else "") != simple(expected):
            wrong.append((pair, answer))
    assert not wrong, "%d of %d, as %s" % (len(wrong), len(pairs), wrong[:5])


def ask(connection, source, target):
    """why a guest that was saved with one document may not go on with the other, or nothing"""
    data = source.encode() + b"\0"
    room = len(data) + 65536
    IMAGE.write_bytes(b"LibvirtQemudSave" + struct.pack("<5I", 2, room, 1, 0, 0) + bytes(56) +
                      data.ljust(room, b"\0"))
    try:
        connection.saveImageDefineXML(str(IMAGE), target)
    except libvirt.libvirtError as e:
        return e.get_error_message()
    finally:
        IMAGE.unlink()
    return ""


def test_incumbent(pairs, incumbent):
    """the table's second half: what is compared with is what is there"""
    wrong, unknown = [], set()
    for name in dict.fromkeys(pair.document for pair in pairs):
        source = read_text(name)
        if ask(incumbent, source, source):
            unknown.add(name)           # its emulator is not installed
            continue
        for pair in (pair for pair in pairs if pair.document == name):
            message = ask(incumbent, source, change(name, pair.place, pair.value))
            if bool(message) != (VERDICTS[pair.verdict][1] == "differs"):
                wrong.append((pair, message))
    assert not wrong, "%d of %d, as %s" % (len(wrong), len(pairs), wrong[:5])
    assert not unknown & {"q35", "pc"}

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What other tests hold true of documents is what libvirtd 9.0 says of them: its refusals, its view of
what is accepted, and its command lines."""
import difflib
import re
import sys
import xml.etree.ElementTree as ElementTree

import libvirt

import daemon as tested

GOLDEN = tested.ROOT / "tests" / "golden"
ARGUMENTS = tested.ROOT / "tests" / "arguments"
sys.path.insert(0, str(ARGUMENTS))
import compare  # noqa: E402

EVERYTHING = libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE
# of refusals.txt: what libvirtd ends by, rather than to refuse it, and what is newer than it
NOT_ASKED = "<distances>", "<dataStore"

# Documents and command lines that are not the incumbent's: a word of how it differs, and why.
NEWER = "newer than it"
DOCUMENTS = {
    "arch-aarch64-newest": ("'virtualization'", NEWER),
    "arch-loongarch64": ("loongarch64", NEWER),
    "chardevs": ("reconnect is possible only", "a reconnection that is switched off asks for nothing"),
    "container": ("modvirt-lxc", "of another hypervisor"),
    "disks": ("driver format value 'luks'", NEWER),
    "displays": ("'virtio'", NEWER),
    "firmware": ("UEFI requires ACPI", "the rule is asked of the emulator at hand, which it has none of"),
    "hostdevs": ("ivshmem device is not supported", "the emulator of Debian has none"),
    "interfaces": ("'passt'", NEWER),
    "machine": ("'ps2'", NEWER),
    "newest": ("'host-model'", NEWER),
    "newest-devices": ("'usb-storage'", NEWER),
    "newest-parts": ("'host-model'", NEWER),
    "newest-smmu": ("ssidsize", NEWER),
    "ports": ("no hub at port 1", "a hub of the document without a place gets the one that others name"),
    "throttle": ("throttlegroups", NEWER),
    "xen-hvm": ("qemu-dm", "of another hypervisor"),
    "xen-pv": ("bootloader", "of another hypervisor"),
}
SIMPLE = "it shows interfaces without their details"
COMMANDS = {
    "arch-aarch64-newest": ("virtualization", NEWER),
    "arch-aarch64-usb": ("missing bus/device", "it wants to see the host's devices"),
    "arch-board-arm": ("-usb", "it asks for a USB controller of the board's, where it has one or not"),
    "arch-board-power": ("kvm-pit", "QEMU passes over words for what the machine has not"),
    "arch-board-sparc": ("-usb", "the same"),
    "arch-loongarch64": ("loongarch64", NEWER),
    "arch-s390x-devices": ("virtio-net-ccw", SIMPLE),
    "arch-s390x-order": ("virtio-net", SIMPLE),
    "chain": ("data-file", NEWER),
    "descriptors": ("was not associated", "it wants to have them"),
    "display-socket": ("spice", "'unix' is written without its value"),
    "encrypted-disks": ("no secret", "it wants to have them"),
    "encrypted-memory": ("SEV", "of the host"),
    "extras": ("'itco'", NEWER),
    "host-devices": ("'passt'", NEWER),
    "hugepages": ("hugetlbfs", "of the host"),
    "interfaces": ("virtio-net-pci", SIMPLE),
    "memory": ("poll-max-ns", NEWER),
    "newest": ("preserve-running", NEWER),
    "passthrough": ("virtio-net-pci", SIMPLE),
    "plugged-memory": ("mem-path", "files for memory have no names of their own: nothing to clear up"),
    "renderer": ("/dev/dri", "of the host"),
    "shared-things": ("crypto", NEWER),
    "tables": ("fw_cfg", "its commas in values are not doubled, and part them"),
    "throttle": ("throttle-group", NEWER),
    "transient": ("forget.img", "it asks for an overlay only when it starts"),
}


def as_qemu(text):
    """for a machine without KVM as well"""
    return re.sub(r"(<domain [^>]*type=['\"])kvm", r"\1qemu", text)


def define(connection, text):
    """(0, the document) or (an error's code, its message)"""
    try:
        domain = connection.defineXML(text)
    except libvirt.libvirtError as e:
        return e.get_error_code(), e.get_error_message()
    document = domain.XMLDesc(EVERYTHING)
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM)
    return 0, document


def judge(known, found):
    """found: of those that differ, how. Each is known by a word of it, and no other is"""
    unknown = {name: how for name, how in found.items()
               if name not in known or known[name][0] not in how}
    assert not unknown, "\n".join("%s: %s" % item for item in unknown.items())
    assert not known.keys() - found.keys(), "differ no more: %s" % (known.keys() - found.keys())


# ---- refusals ----

def make_document(machine, place, words):
    """as tests/golden/test-rules.c has it"""
    if place == "F":
        return words
    above, _, devices = ("", "", words) if place == "d" else words.partition(" ;; ")
    system = "" if "<os" in above else "<os><type arch='x86_64' machine='%s'>hvm</type></os>" % machine
    memory = "" if re.search("<memory[ >]", above) else "<memory>1048576</memory>"
    processors = "" if re.search("<vcpu[ >]", above) else "<vcpu>2</vcpu>"
    return "<domain type='qemu'><name>bad</name>%s<devices>%s</devices></domain>" \
        % (memory + processors + system + above, devices)


def test_refusals(incumbent):
    """what is refused when a guest is defined, by which code; at its start it is the emulator that refuses"""
    rows = [line.split(" ", 3) for line in (GOLDEN / "refusals.txt").read_text().splitlines()
            if line and line[0] not in "#s" and not any(word in line for word in NOT_ASKED)]
    assert len(rows) > 900
    wrong = []
    for code, *place in rows:
        said, message = define(incumbent, make_document(*place))
        if said != int(code):
            wrong.append((code, place, said, message if said else "accepted"))
    assert not wrong, "%d of %d, as %s" % (len(wrong), len(rows), wrong[:9])


# ---- documents ----

def lines_of(text):
    root = ElementTree.fromstring(as_qemu(text))
    for element in root.iter():
        element.tail = None
        if not (element.text or "").strip():
            element.text = None
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode").splitlines()


def test_documents(incumbent):
    found = {}
    for path in sorted(GOLDEN.glob("domain/*.out.xml")):
        name = path.name.removesuffix(".out.xml")
        code, said = define(incumbent, as_qemu((path.parent / (name + ".xml")).read_text()))
        differences = said if code else "\n".join(
            difflib.unified_diff(lines_of(said), lines_of(path.read_text()), n=0, lineterm=""))
        if differences:
            found[name] = differences
    judge(DOCUMENTS, found)


# ---- command lines ----

def words_of(path):
    """a line of the file is an option with its value"""
    return [word for line in path.read_text().splitlines()
            for word in (line.split(" ", 1) if line.startswith("-") else [line])]


def test_command_lines(incumbent):
    found = {}
    for path in sorted(ARGUMENTS.glob("cases/*.args")):
        document = path.with_suffix(".xml")
        if not document.exists():
            document = GOLDEN / "domain" / document.name
        try:
            said = incumbent.domainXMLToNative("qemu-argv", as_qemu(document.read_text()))
        except libvirt.libvirtError as e:
            found[path.stem] = e.get_error_message()
            continue
        differences = compare.differences(words_of(path), compare.words_of_shell(said))
        if differences:
            found[path.stem] = "\n".join(differences)
    judge(COMMANDS, found)

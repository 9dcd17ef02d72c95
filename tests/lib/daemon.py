# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon under test and its guests, inside the sandbox: used by the system tests and the
benchmark. MODVIRT_BUILD names the build folder, MODVIRT_GUEST what tests/lib/guest made."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MODVIRT_BUILD", ROOT / "build")).resolve()
GUEST = pathlib.Path(os.environ.get("MODVIRT_GUEST", ROOT / "build" / "guest")).resolve()
BINARY = BUILD / "virtqemud" / "virtqemud"
EMULATOR = "/usr/bin/qemu-system-x86_64"
URI = "qemu:///system"
SOCKET = "/run/libvirt/virtqemud-sock"
SOCKET_RO = SOCKET + "-ro"
IMAGES = pathlib.Path("/var/lib/libvirt/guest")
LOG = pathlib.Path("/var/log/libvirt/virtqemud.out")

HLT = """<domain type='qemu'>
  <name>%(name)s</name>
  <uuid>%(uuid)s</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='%(machine)s'>hvm</type><kernel>%(images)s/hlt</kernel></os>
  <features><acpi/></features>
  <on_reboot>%(on_reboot)s</on_reboot>
  <devices>
    <emulator>%(emulator)s</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    %(devices)s
  </devices>
</domain>"""

LINUX = """<domain type='%(type)s'>
  <name>%(name)s</name>
  <uuid>%(uuid)s</uuid>
  <title>A small Linux</title>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='%(machine)s'>hvm</type>
    <kernel>%(images)s/vmlinuz</kernel>
    <initrd>%(images)s/initrd.gz</initrd>
    <cmdline>console=ttyS0 panic=-1 tsc=reliable</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>%(emulator)s</emulator>
    <controller type='usb' model='none'/>
    <serial type='pty'/>
    <console type='pty'/>
    <memballoon model='virtio'/>
    %(devices)s
  </devices>
</domain>"""

# where daemons built with -Dsanitize leave what they found
REPORTS = pathlib.Path("/run/sanitizer")

# what a guest's name, uuid and so on are unless a test says otherwise
DEFAULTS = {"type": "qemu", "machine": "pc", "emulator": EMULATOR, "images": IMAGES,
            "on_reboot": "restart", "devices": ""}


def make_xml(template, name, **values):
    return template % {**DEFAULTS, "name": name, "uuid": uuid.uuid4(), **values}


def hlt_xml(name, **values):
    """a guest that runs and costs no CPU time"""
    return make_xml(HLT, name, **values)


def poke_xml(name, script, **values):
    """a guest that writes to its hardware as the script says (tests/lib/poke.S), and halts"""
    return hlt_xml(name, **values).replace("/hlt</kernel>", "/poke</kernel><cmdline>%s</cmdline>" % script)


def linux_xml(name, **values):
    """a guest that boots to a shell on its console"""
    return make_xml(LINUX, name, **values)


def boot_xml(name, devices="", **values):
    """a guest that the BIOS boots from its first disk"""
    text = hlt_xml(name, devices=devices, **values)
    return text[:text.index("<kernel>")] + text[text.index("</kernel>") + len("</kernel>"):]


def boot_sector(words):
    """the first bytes of a disk, from which a guest boots, to halt for ever; words tell it from others"""
    code = bytes([0xfa, 0xf4, 0xeb, 0xfd])                  # cli; hlt; jmp to the latter
    return code + words.encode().ljust(506, b"\0") + b"\x55\xaa"


def has_booted(domain, words):
    """has the guest read that boot sector?"""
    physical = 2                                            # VIR_MEMORY_PHYSICAL
    return domain.memoryPeek(0x7c00, 512, physical) == boot_sector(words)


def disk_reads(command, index, folder):
    """the first sector of a running guest's image, read by its QEMU; command() sends it one in JSON,
    folder is one that QEMU's user may write to"""
    path, copy = folder / "sector-sock", folder / "sector"
    command({"execute": "nbd-server-start", "arguments": {"addr": {"type": "unix", "data": {"path": str(path)}}}})
    try:
        command({"execute": "block-export-add", "arguments": {
            "type": "nbd", "id": "sector", "name": "sector", "node-name": "libvirt-%d-format" % index}})
        subprocess.run(["qemu-img", "dd", "-f", "raw", "-O", "raw", "bs=512", "count=1", "if=nbd+unix:///sector?socket=%s" % path,
                        "of=%s" % copy], check=True)
        return copy.read_bytes()
    finally:
        command({"execute": "nbd-server-stop"})
        copy.unlink(missing_ok=True)


def install_guests():
    """puts the guests' files where the user that QEMU runs as can read them"""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in ("hlt", "poke", "vmlinuz", "initrd.gz"):
        shutil.copy(GUEST / name, IMAGES / name)
        (IMAGES / name).chmod(0o644)


def is_sanitized():
    """have the daemons been built with -Dsanitize? Their time and memory say nothing then"""
    return any(name in BINARY.read_bytes() for name in (b"libasan.so", b"libtsan.so"))


def begin_reports():
    """whatever a sanitizer finds from now on, in any daemon, is a file in REPORTS"""
    REPORTS.mkdir(mode=0o1777)
    REPORTS.chmod(0o1777)               # daemons of sessions have another user
    os.environ["G_SLICE"] = "always-malloc"     # GLib's own allocator hides who had a block before
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        given = os.environ.get(name)
        os.environ[name] = ":".join(filter(None, [given, "log_path=%s/report" % REPORTS]))
    # who is told to end while calls hang does not wait for its threads
    os.environ["TSAN_OPTIONS"] += ":report_thread_leaks=0"


def sanitizer_options():
    """what an environment made anew must have of this one, as NAME=VALUE"""
    return ["%s=%s" % (name, value) for name, value in os.environ.items()
            if name.endswith("SAN_OPTIONS") or name == "G_SLICE"]


def take_reports():
    """the text of what sanitizers have found since; empty: nothing"""
    texts = []
    for path in sorted(REPORTS.glob("*")):
        texts.append(path.read_text(errors="replace"))
        path.unlink()
    return "\n".join(texts)


def wait_until(check, timeout=30, step=0.01, what="it"):
    """the first true value of check(), or an assertion after timeout seconds; what names the matter,
    or is a call that does when it is too late"""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, "not within %g s: %s" % (
            timeout, what() if callable(what) else what)
        time.sleep(step)


def emulator_pids(name=None):
    """the QEMU processes, or only those of the guest of that name"""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "qemu-system" in words[0] and (name is None or any(
                w == name or w.startswith("guest=%s," % name) for w in words)):
            found.append(int(path.parent.name))
    return found


def listener(path):
    """the process that listens there, or None. A socket may outlive its daemon for a moment, in a
    child that the killed one had made and that has not begun its own program yet."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return pid


def accepts(path):
    return listener(path) is not None


class Daemon:
    """a daemon of the build folder, in system mode unless told another socket and log"""

    def __init__(self, *options, name="virtqemud", path=None, log=None):
        self.binary = BUILD / name / name
        self.path = path or "/run/libvirt/%s-sock" % name
        self.log = log or pathlib.Path("/var/log/libvirt/%s.out" % name)
        self.options, self.process = options, None
        self.prefix = []            # words of a program that starts it

    def start(self, timeout=30):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*self.prefix, self.binary, *self.options], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: listener(self.path) == self.process.pid or self.process.poll() is not None,
                   timeout, 0.002)
        # nor is a killed one's pid file free before such a child has begun its program
        if not self.alive() and "is locked: already running" in self.log_tail()[-300:] and timeout > 0:
            time.sleep(0.1)
            return self.start(timeout - 0.1)
        assert self.alive(), "%s does not start: %s" % (self.binary, self.log_tail())
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        if self.alive():
            self.process.send_signal(number)
        return self.process.wait(30)

    def restart(self, number=signal.SIGKILL):
        self.kill(number)
        return self.start()

    def stop(self):
        """a polite end must be one, also for the sanitizers"""
        if self.alive():
            code = self.kill(signal.SIGTERM)
            assert code == 0, "exit code %d: %s\n%s" % (code, self.log_tail(), take_reports())

    def log_tail(self):
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))


def virsh(*words, uri=URI, check=True, text=None, timeout=60):
    """stdout of the stock client; its stderr is in the assertion's message"""
    done = subprocess.run(["virsh", "-q", "-c", uri, *words], input=text, text=True, timeout=timeout,
                          stdin=None if text is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, LC_ALL="C"))
    assert not check or done.returncode == 0, "virsh %s: %s" % (" ".join(words), done.stderr)
    return done.stdout if check else done

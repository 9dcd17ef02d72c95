#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: test-install.py BUILD

Installs the build into a folder of its own: daemons, unit files, configuration and documents must be
where the ecosystem looks for them, nothing else may be there, what an administrator has edited must
stay, and systemd must find nothing wrong with the units.
"""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

BUILD = None
UNITS = ("virtqemud.service", "virtqemud.socket", "virtqemud-ro.socket", "virtqemud-admin.socket")
FILES = {
    "etc/libvirt/qemu.conf", "etc/libvirt/virtqemud.conf", "etc/logrotate.d/libvirtd.qemu",
    "usr/lib/sysusers.d/virtqemud.conf", "usr/sbin/virtqemud",
    "usr/share/doc/modvirt/domain.md", "usr/share/doc/modvirt/virtqemud.md",
    "usr/share/doc/modvirt/virtqemud-calls.md",
    "usr/share/man/man8/virtqemud.8", "usr/share/modvirt/schemas/domain.rng",
    *("usr/lib/systemd/system/" + unit for unit in UNITS),
}
# Of the same name in Debian 12's libvirt packages (libvirt-daemon-system): see docs/virtqemud.md.
SHARED = {"etc/libvirt/qemu.conf", "etc/logrotate.d/libvirtd.qemu"}
SOCKETS = {"virtqemud.socket": ("/run/libvirt/virtqemud-sock", "0600"),
           "virtqemud-ro.socket": ("/run/libvirt/virtqemud-sock-ro", "0666"),
           "virtqemud-admin.socket": ("/run/libvirt/virtqemud-admin-sock", "0600")}


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="modvirt-install-"))
        cls.install(cls.folder)
        cls.units = next(path.parent for path in cls.folder.rglob("virtqemud.service"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @staticmethod
    def install(folder):
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir",
                        str(folder)], check=True, stdout=subprocess.DEVNULL)

    def test_files(self):
        """/lib and /usr/lib are the same folder on hosts of today"""
        found = {re.sub(r"^lib/", "usr/lib/", str(path.relative_to(self.folder)))
                 for path in self.folder.rglob("*") if path.is_file()}
        self.assertEqual(found, FILES)

    def test_others_are_left_alone(self):
        """what the incumbent's packages own, or an administrator has edited, is not overwritten"""
        with tempfile.TemporaryDirectory(prefix="modvirt-install-") as name:
            folder = pathlib.Path(name)
            for path in SHARED | {"etc/libvirt/virtqemud.conf"}:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text("theirs\n")
            self.install(folder)
            for path in SHARED | {"etc/libvirt/virtqemud.conf"}:
                self.assertEqual((folder / path).read_text(), "theirs\n")

    @unittest.skipUnless(shutil.which("dpkg"), "no dpkg")
    def test_collisions(self):
        """the names that an installed libvirt has too are those that are known"""
        packages = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n",
                                   "libvirt*"], text=True, capture_output=True).stdout
        names = [line.split()[1] for line in packages.splitlines() if line.startswith("ii")]
        listed = subprocess.run(["dpkg", "-L", *names], text=True, capture_output=True).stdout
        theirs = {re.sub(r"^/lib/", "/usr/lib/", path).strip("/") for path in listed.splitlines()}
        self.assertLessEqual(FILES & theirs, SHARED)

    def values(self, unit, key):
        text = (self.units / unit).read_text()
        return re.findall(r"^%s=(.*)$" % key, text, re.MULTILINE)

    def test_units(self):
        for unit in UNITS:
            self.assertNotIn("@", (self.units / unit).read_text())
        for unit, (path, mode) in SOCKETS.items():
            self.assertEqual(self.values(unit, "ListenStream"), [path])
            self.assertEqual(self.values(unit, "SocketMode"), [mode])
            self.assertEqual(self.values(unit, "Service"), ["virtqemud.service"])
        self.assertEqual(self.values("virtqemud.service", "Type"), ["notify"])
        self.assertEqual(self.values("virtqemud.service", "KillMode"), ["process"])

    def test_binary(self):
        program, argument = self.values("virtqemud.service", "ExecStart")[0].split()
        self.assertEqual(argument, "$VIRTQEMUD_ARGS")
        result = subprocess.run([str(self.folder) + program, "--version"], text=True,
                                capture_output=True)
        self.assertRegex(result.stdout, r"^virtqemud \(modvirt\) \d")

    def test_configuration(self):
        for name, key in (("virtqemud.conf", "max_clients"), ("qemu.conf", "user")):
            path = self.folder / "etc/libvirt" / name
            self.assertIn("#%s = " % key, path.read_text())
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_systemd_agrees(self):
        """with the binary's path, which is not installed for real, replaced by one that is there"""
        copies = self.folder / "copies"
        copies.mkdir()
        for unit in UNITS:
            text = (self.units / unit).read_text()
            (copies / unit).write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text,
                                              flags=re.MULTILINE))
        environment = dict(os.environ, SYSTEMD_UNIT_PATH="%s:" % copies)
        result = subprocess.run(["systemd-analyze", "verify", "--man=no",
                                 *(str(copies / unit) for unit in UNITS)],
                                env=environment, text=True, capture_output=True)
        complaints = [line for line in result.stderr.splitlines() if "virtqemud" in line]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: test-install.py BUILD

Installs the build into a folder of its own: daemons, unit files and configuration must be where
the ecosystem looks for them, and systemd must find nothing wrong with the units.
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
SOCKETS = {"virtqemud.socket": ("/run/libvirt/virtqemud-sock", "0600"),
           "virtqemud-ro.socket": ("/run/libvirt/virtqemud-sock-ro", "0666"),
           "virtqemud-admin.socket": ("/run/libvirt/virtqemud-admin-sock", "0600")}


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="modvirt-install-"))
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir",
                        str(cls.folder)], check=True, stdout=subprocess.DEVNULL)
        cls.units = next(path.parent for path in cls.folder.rglob("virtqemud.service"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def values(self, unit, key):
        text = (self.units / unit).read_text()
        return re.findall(r"^%s=(.*)$" % key, text, re.MULTILINE)

    def test_units(self):
        self.assertEqual(str(self.units.relative_to(self.folder)), "lib/systemd/system")
        for unit in UNITS:
            self.assertNotIn("@", (self.units / unit).read_text())
        for unit, (path, mode) in SOCKETS.items():
            self.assertEqual(self.values(unit, "ListenStream"), [path])
            self.assertEqual(self.values(unit, "SocketMode"), [mode])
            self.assertEqual(self.values(unit, "Service"), ["virtqemud.service"])
        self.assertEqual(self.values("virtqemud.service", "Type"), ["notify"])
        self.assertEqual(self.values("virtqemud.service", "KillMode"), ["process"])

    def test_binary(self):
        if not (pathlib.Path(BUILD) / "virtqemud/virtqemud").exists():
            self.skipTest("virtqemud is not part of this build")
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
        self.assertTrue((self.folder / "etc/logrotate.d/virtqemud").exists())

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

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
# How the names of their sockets begin.
DAEMONS = {"virtqemud": "virtqemud", "virtnetworkd": "virtnetworkd", "virtstoraged": "virtstoraged",
           "virtsecretd": "virtsecretd", "virtproxyd": "libvirt"}
UNITS = [name + suffix for name in DAEMONS
         for suffix in (".service", ".socket", "-ro.socket", "-admin.socket")]
UNITS += ["virtproxyd-tcp.socket", "virtproxyd-tls.socket"]
DOCUMENTS = ("domain", "network", "secret", "storagepool", "storagevol")
FIREWALLD = ["usr/lib/firewalld/%s.xml" % name for name in (
    "zones/libvirt", "zones/libvirt-routed", "policies/libvirt-routed-in", "policies/libvirt-routed-out",
    "policies/libvirt-to-host")]
FILES = {
    "etc/libvirt/network.conf", "etc/libvirt/qemu.conf", "etc/libvirt/qemu/networks/default.xml",
    "etc/logrotate.d/libvirtd.qemu", *FIREWALLD,
    "usr/bin/modvirt", "usr/share/doc/modvirt/modvirt.md", "usr/share/doc/modvirt/metrics.md",
    "usr/share/doc/modvirt/metrics-grafana.json", "usr/bin/virt-ssh-helper", "usr/libexec/modvirt/virt-ssh-helper",
    "usr/lib/sysusers.d/virtqemud.conf", "usr/libexec/modvirt/virtnetworkd-lease-helper",
    "usr/share/polkit-1/actions/org.libvirt.unix.policy", "usr/share/polkit-1/actions/org.libvirt.api.policy",
    "usr/share/doc/modvirt/virtqemud-calls.md",
    *("usr/share/doc/modvirt/%s.md" % kind for kind in DOCUMENTS),
    *("usr/share/modvirt/schemas/%s.rng" % kind for kind in DOCUMENTS),
    *("etc/libvirt/%s.conf" % name for name in DAEMONS),
    *("usr/sbin/" + name for name in DAEMONS),
    *("usr/share/doc/modvirt/%s.md" % name for name in DAEMONS),
    *("usr/share/man/man8/%s.8" % name for name in DAEMONS),
    *("usr/lib/systemd/system/" + unit for unit in UNITS),
}
# Of the same name in Debian 12's libvirt packages (libvirt-daemon-system): see docs/virtqemud.md.
SHARED = {"etc/libvirt/network.conf", "etc/libvirt/qemu.conf", "etc/libvirt/qemu/networks/default.xml",
          "etc/logrotate.d/libvirtd.qemu", "usr/bin/virt-ssh-helper", *FIREWALLD,
          "usr/share/polkit-1/actions/org.libvirt.unix.policy",
          "usr/share/polkit-1/actions/org.libvirt.api.policy"}
# What a socket unit is called, its socket, and the mode.
SOCKETS = (("%s.socket", "/run/libvirt/%s-sock", "0600"),
           ("%s-ro.socket", "/run/libvirt/%s-sock-ro", "0666"),
           ("%s-admin.socket", "/run/libvirt/%s-admin-sock", "0600"))


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
        # of pools that need libraries, as many as were built
        modules = {path for path in found if re.fullmatch(r"usr/lib/.*/modvirt/storage/[a-z-]+\.so", path)}
        self.assertEqual({pathlib.Path(path).name for path in modules},
                         {path.name for path in pathlib.Path(BUILD, "virtstoraged").glob("*.so")})
        self.assertEqual(found - modules, FILES)

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
        for name, stem in DAEMONS.items():
            service = name + ".service"
            for unit, path, mode in SOCKETS:
                self.assertEqual(self.values(unit % name, "ListenStream"), [path % stem])
                self.assertEqual(self.values(unit % name, "SocketMode"), [mode])
                self.assertEqual(self.values(unit % name, "Service"), [service])
            self.assertEqual(self.values(service, "Type"), ["notify"])
        # what outlives a restart of the daemon is not killed with it
        self.assertEqual(self.values("virtqemud.service", "KillMode"), ["process"])
        self.assertEqual(self.values("virtnetworkd.service", "KillMode"), ["process"])

    def test_binaries(self):
        for name in DAEMONS:
            program, argument = self.values(name + ".service", "ExecStart")[0].split()
            self.assertEqual(argument, "$%s_ARGS" % name.upper())
            result = subprocess.run([str(self.folder) + program, "--version"], text=True,
                                    capture_output=True)
            self.assertRegex(result.stdout, r"^%s \(modvirt\) \d" % name)

    def test_configuration(self):
        keys = {"qemu": "user", "network": "firewall_backend", **dict.fromkeys(DAEMONS, "max_clients")}
        for name, key in keys.items():
            path = self.folder / "etc/libvirt" / (name + ".conf")
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
        complaints = [line for line in result.stderr.splitlines() if any(name in line for name in DAEMONS)]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()

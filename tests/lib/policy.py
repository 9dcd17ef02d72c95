# SPDX-License-Identifier: LGPL-2.1-or-later
"""A polkitd with rules of the test's own, on a D-Bus of its own."""
import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest
from daemon import BUILD, ROOT, accepts, wait_until
from netns import run

ROOM = pathlib.Path("/run/policy")
BUS = "/run/dbus/system_bus_socket"
POLKITD = "/usr/lib/polkit-1/polkitd"
NOBODY, SOMEBODY = 65534, 4712
DBUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
    <allow send_type="method_call"/>
  </policy>
</busconfig>"""


@contextlib.contextmanager
def policy(rules):
    """bus and polkitd, which has its rules and actions in folders that the test covers"""
    if not (os.path.exists(POLKITD) and shutil.which("dbus-daemon")):
        pytest.skip("no polkitd")
    ROOM.mkdir(exist_ok=True)
    pathlib.Path(BUS).parent.mkdir(exist_ok=True)
    (ROOM / "log").unlink(missing_ok=True)
    (ROOM / "bus.conf").write_text(DBUS % BUS)
    (ROOM / "passwd").write_text(pathlib.Path("/etc/passwd").read_text()
                                 + "somebody:x:%d:%d::/:/bin/sh\n" % (SOMEBODY, SOMEBODY))
    run("mount", "--bind", ROOM / "passwd", "/etc/passwd")
    covered = ["/etc/passwd"]
    actions = ROOT / "virtproxyd/units/org.libvirt.unix.policy", BUILD / "common/protocol/org.libvirt.api.policy"
    for folder, files in (("/usr/share/polkit-1/rules.d", {"50-test.rules": rules}),
                          ("/usr/share/polkit-1/actions", {a.name: a.read_text() for a in actions})):
        if not os.path.isdir(folder):
            pytest.skip("no " + folder)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
        covered.append(folder)
        for name, text in files.items():
            pathlib.Path(folder, name).write_text(text)
            os.chmod(pathlib.Path(folder, name), 0o644)
    with (ROOM / "log").open("ab") as log:
        bus = subprocess.Popen(["dbus-daemon", "--config-file=%s/bus.conf" % ROOM, "--nofork"],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: accepts(BUS), 30, what=said)
        polkitd = subprocess.Popen([POLKITD], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log)
    wait_until(lambda: answers(polkitd), 30, what=said)
    yield polkitd
    for process in (polkitd, bus):
        process.terminate()
        process.wait(20)
    for path in covered:
        run("umount", path)


def said():
    return (ROOM / "log").read_text(errors="replace")


def answers(polkitd):
    assert polkitd.poll() is None, said()
    return b"org.freedesktop.PolicyKit1" in subprocess.run(
        ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/",
         "org.freedesktop.DBus.ListNames"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def run_as(user, *words, **options):
    """a program as that user, in no group but nobody's"""
    return subprocess.run(["setpriv", "--reuid=%d" % user, "--regid=%d" % NOBODY, "--clear-groups", *words],
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, env={"PATH": "/usr/bin:/bin", "HOME": "/", "LC_ALL": "C"}, **options)

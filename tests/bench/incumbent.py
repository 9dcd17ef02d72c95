# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed libvirtd beside our daemons: folders of its own lie over theirs where it alone looks."""
import contextlib
import os
import pathlib
import subprocess

import daemon as tested

PROGRAM = "/usr/sbin/libvirtd"
ROOM = pathlib.Path("/run/incumbent")
FOLDERS = ["/run/libvirt", "/etc/libvirt", *("/var/%s/libvirt" % name for name in ("lib", "cache", "log"))]


def is_installed():
    return os.path.exists(PROGRAM)


@contextlib.contextmanager
def running():
    """the path of its socket"""
    for folder in FOLDERS:
        (ROOM / folder[1:]).mkdir(parents=True, exist_ok=True)
    mounts = ["mount --bind %s%s %s" % (ROOM, folder, folder) for folder in FOLDERS]
    path = ROOM / "run/libvirt/libvirt-sock"
    with (ROOM / "out").open("w") as log:
        process = subprocess.Popen(["unshare", "-m", "sh", "-ec", "\n".join([*mounts, "exec " + PROGRAM])],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        tested.wait_until(lambda: tested.accepts(path), 60)
        yield str(path)
    finally:
        process.terminate()
        process.wait()

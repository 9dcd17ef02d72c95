# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed libvirtd beside our daemons: folders of its own lie over theirs where it alone looks."""
import contextlib
import os
import pathlib
import shutil
import subprocess

import daemon as tested

PROGRAM = "/usr/sbin/libvirtd"
ROOM = pathlib.Path("/run/incumbent")
FOLDERS = ["/run/libvirt", "/etc/libvirt", *("/var/%s/libvirt" % name for name in ("lib", "cache", "log"))]
# nothing that a sandbox lacks: no virtlogd, no AppArmor, no users of QEMU
CONFIGURATION = 'user="root"\ngroup="root"\nsecurity_driver="none"\nnamespaces=[]\nstdio_handler="file"\n'


def is_installed():
    return os.path.exists(PROGRAM)


def version():
    """"9.0.0", say"""
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


@contextlib.contextmanager
def running():
    """the path of its socket; what it keeps is gone afterwards"""
    for folder in FOLDERS:
        for path in (ROOM / folder[1:], pathlib.Path(folder)):
            path.mkdir(parents=True, exist_ok=True)
    (ROOM / "etc/libvirt/qemu.conf").write_text(CONFIGURATION)
    mounts = ["mount --bind %s%s %s" % (ROOM, folder, folder) for folder in FOLDERS]
    path = ROOM / "run/libvirt/libvirt-sock"
    with (ROOM / "out").open("w") as log:
        process = subprocess.Popen(["unshare", "-m", "sh", "-ec", "\n".join([*mounts, "exec " + PROGRAM])],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        tested.wait_until(lambda: tested.accepts(path), 60, what="libvirtd")
        yield str(path)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(ROOM)

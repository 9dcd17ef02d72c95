# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Ceph cluster of one node: a monitor, a manager and storage in memory, on loopback."""
import json
import os
import pathlib
import shutil
import subprocess
import uuid

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mgr", "ceph-mon", "ceph-osd", "monmaptool", "rbd")
PORT = 3300                                         # the network is the sandbox's own
POOL = "disks"
USER = "joe"
CONFIG = """[global]
fsid = {fsid}
mon initial members = a
mon host = 127.0.0.1:{port}
run dir = {work}
admin socket =
log file = {work}/$name.log
keyring = {work}/keyring
public network = 127.0.0.0/8
ms bind ipv6 = false
ms bind msgr1 = false
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
auth allow insecure global id reclaim = false
[mon]
mon data = {work}/mon
mon cluster log file = {work}/cluster.log
[osd]
osd data = {work}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
[mgr]
mgr data = {work}/mgr
mgr initial modules =
mgr stats period = 1
mgr tick period = 1
"""
RIGHTS = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    "mgr.x": {"mon": "allow profile mgr", "osd": "allow *"},
    "client." + USER: {"mon": "profile rbd", "osd": "profile rbd", "mgr": "profile rbd"},
}


def find_missing():
    return [name for name in PROGRAMS if not shutil.which(name)]


class Ceph:
    """it is up when it has been made, but for its manager, which tells how much there is; end() ends it and
    removes its folder"""

    def __init__(self, work):
        self.work, self.daemons = pathlib.Path(work), {}
        self.config = self.work / "ceph.conf"
        fsid, storage = str(uuid.uuid4()), str(uuid.uuid4())
        for folder in ("mon", "osd", "mgr"):
            (self.work / folder).mkdir(parents=True)
        self.config.write_text(CONFIG.format(fsid=fsid, work=self.work, port=PORT))
        try:
            self._make_keys()
            self.run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{PORT}]", "--fsid", fsid,
                     self.work / "monmap")
            self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", self.work / "monmap", "--keyring",
                     self.work / "keyring")
            self._start("mon", "a")
            self._start("mgr", "x")
            self.run("ceph", "osd", "new", storage)
            self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", storage)
            self._start("osd", "0")
            self.run("ceph", "osd", "pool", "create", POOL, "4", "4", "replicated")
            self.run("rbd", "pool", "init", POOL)
        except BaseException:
            self.end()
            raise

    def _make_keys(self):
        self.run("ceph-authtool", "-C", self.work / "keyring")
        for name, rights in RIGHTS.items():
            caps = [word for kind, cap in rights.items() for word in ("--cap", kind, cap)]
            self.run("ceph-authtool", self.work / "keyring", "--gen-key", "-n", name, *caps)

    def _start(self, kind, name):
        with (self.work / f"{kind}.out").open("wb") as out:
            self.daemons[kind] = subprocess.Popen([f"ceph-{kind}", "-f", "-i", name, "-c", self.config],
                                                  stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def run(self, *words, check=True):
        """what a program of Ceph's says, as the administrator"""
        environment = dict(os.environ, CEPH_CONF=str(self.config))
        done = subprocess.run(list(map(str, words)), env=environment, text=True, timeout=90,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0 or not check, (words, done.stderr)
        return done.stdout

    def key(self):
        """of the user, in base64"""
        return self.run("ceph-authtool", "-p", "-n", "client." + USER, self.work / "keyring").strip()

    def clear(self):
        """removes all images: clones first, then what they were made from"""
        while names := self.run("rbd", "ls", POOL).split():
            for name in names:
                for snapshot in json.loads(self.run("rbd", "snap", "ls", f"{POOL}/{name}", "--format", "json")):
                    self.run("rbd", "snap", "unprotect", f"{POOL}/{name}@{snapshot['name']}", check=False)
                self.run("rbd", "snap", "purge", f"{POOL}/{name}", check=False)
                self.run("rbd", "rm", f"{POOL}/{name}", check=False)
            assert self.run("rbd", "ls", POOL).split() != names, names

    def end(self):
        for process in self.daemons.values():
            process.kill()
            process.wait(30)
        shutil.rmtree(self.work)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Gluster server with one volume of one brick, in the sandbox's network."""
import pathlib
import shutil
import subprocess

from daemon import wait_until

PROGRAMS = ("gluster", "glusterd", "glusterfsd")
HOST = "10.11.12.1"                                 # Gluster takes none of 127.0.0.0/8
VOLUME = "disks"
FOLDERS = ("/var/lib/glusterd", "/var/log/glusterfs")


def find_missing():
    return [name for name in PROGRAMS if not shutil.which(name)]


def run(*words, check=True):
    done = subprocess.run(list(map(str, words)), text=True, timeout=120, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0 or not check, (words, done.stdout)
    return done.returncode, done.stdout


class Gluster:
    """it is up when it has been made; brick is the folder that its volume is; end() ends it"""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.brick = self.work / "brick"
        self.brick.mkdir(parents=True)
        run("ip", "address", "add", HOST + "/32", "dev", "lo")
        for folder in FOLDERS:
            own = self.work / pathlib.Path(folder).name
            own.mkdir()
            run("mount", "--bind", own, folder)
        with (self.work / "out").open("wb") as out:
            self.process = subprocess.Popen(["glusterd", "--no-daemon"], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out)
        try:
            wait_until(lambda: self.call("pool", "list", check=False)[0] == 0, 60, step=0.1, what="glusterd")
            self.call("volume", "create", VOLUME, f"{HOST}:{self.brick}", "force")
            self.call("volume", "start", VOLUME)
            wait_until(lambda: self.brick_process(), 30, what="the brick")
        except BaseException:
            self.end()
            raise

    @staticmethod
    def call(*words, check=True):
        return run("gluster", "--mode=script", *words, check=check)

    @staticmethod
    def brick_process():
        """its process id, or None"""
        for file in pathlib.Path(f"/var/run/gluster/vols/{VOLUME}").glob("*.pid"):
            if text := file.read_text().strip():
                return int(text)
        return None

    def end(self):
        self.call("volume", "stop", VOLUME, "force", check=False)
        self.process.kill()
        self.process.wait(30)
        for folder in FOLDERS:
            run("umount", "-l", folder)
        run("ip", "address", "delete", HOST + "/32", "dev", "lo")
        shutil.rmtree(self.work)

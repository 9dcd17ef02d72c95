# SPDX-License-Identifier: LGPL-2.1-or-later
"""An empty file system whose server can be stopped, as that of a file server which is gone: who asks
for anything on it hangs until it goes on."""
import ctypes
import errno
import os
import pathlib
import signal
import stat
import struct
import subprocess
import sys

DEVICE = pathlib.Path("/dev/fuse")
HEADER = struct.Struct("IIQQIIII")
REPLY = struct.Struct("IiQ")
LOOKUP, FORGET, GETATTR, STATFS, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = \
    1, 2, 3, 17, 26, 27, 28, 29, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT_ATTRIBUTES = struct.pack("QII6Q10I", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2,
                              0, 0, 0, 4096, 0)
ANSWERS = {
    INIT: struct.pack("IIIIHHIIHHI7I", 7, 31, 0, 0, 16, 12, 1 << 16, 1, 16, 0, *[0] * 8),
    GETATTR: ROOT_ATTRIBUTES,
    STATFS: struct.pack("5Q10I", 1 << 20, 1 << 19, 1 << 19, 1000, 900, 4096, 255, 4096, *[0] * 7),
    OPENDIR: bytes(16),
    READDIR: b"",
    RELEASEDIR: b"",
}


def serve(fd):
    while True:
        try:
            request = os.read(fd, 1 << 17)
        except OSError:
            return                                          # it is not mounted any more
        _, opcode, unique, *_ = HEADER.unpack_from(request)
        if opcode in UNANSWERED:
            continue
        answer = ANSWERS.get(opcode)
        fault = 0 if answer is not None else -(errno.ENOENT if opcode == LOOKUP else errno.ENOSYS)
        answer = answer or b""
        os.write(fd, REPLY.pack(REPLY.size + len(answer), fault, unique) + answer)


class Folder:
    def __init__(self, path):
        """mounted at path; OSError where this kernel can't"""
        if not DEVICE.exists():
            os.mknod(DEVICE, 0o600 | stat.S_IFCHR, os.makedev(10, 229))
        self.path = path
        fd = os.open(DEVICE, os.O_RDWR)
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % fd
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"hung", os.fsencode(path), b"fuse", 0, options):
            os.close(fd)
            raise OSError(ctypes.get_errno(), "mount")
        self.server = subprocess.Popen([sys.executable, __file__, str(fd)], pass_fds=[fd])
        os.close(fd)

    def hang(self):
        self.server.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.server.send_signal(signal.SIGCONT)

    def close(self):
        self.server.kill()
        self.server.wait()
        subprocess.run(["umount", "-l", self.path], check=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))

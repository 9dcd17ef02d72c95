#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage: test-daemon.py TESTD

Drives a small daemon (testd.c) through what common/daemon does for all: options, background, pid
file, sockets, activation, signals, reload, idle exit. As root, in the sandbox, which has a /run of
its own; otherwise only what a session daemon does.
"""
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ECHO, SLEEP, GREETING, RELOADS, BEGIN_WORK, END_WORK, SERVICE, PID = range(1, 9)
PATIENCE = 30
NOBODY = 65534
SANDBOX = pathlib.Path(__file__).resolve().parents[1] / "lib" / "sandbox"
BINARY = None
ROOT = os.geteuid() == 0


def wait_until(check, what, timeout=PATIENCE):
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %g s: %s" % (timeout, what))
        time.sleep(0.005)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.serial = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, procedure, payload=b""):
        self.serial += 1
        self.socket.sendall(struct.pack(">IIIiiII", 28 + len(payload), 0x1234, 1, procedure, 0,
                                        self.serial, 0) + payload)

    def read(self, length):
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                raise ConnectionError("closed")
            data += part
        return data

    def receive(self):
        length, = struct.unpack(">I", self.read(4))
        return self.read(length - 4)[24:]

    def call(self, procedure, payload=b""):
        self.send(procedure, payload)
        return self.receive()

    def service(self):
        """the socket's role; that for administrators knows nothing of the daemon's own program"""
        reply = self.call(SERVICE)
        return b"admin" if b"Cannot find program" in reply else reply


class Case(unittest.TestCase):
    """a session with folders of its own, or the system (sandboxed)"""

    session = True

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="modvirt-daemon-"))
        self.processes = []
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("LIBVIRT_", "XDG_", "LISTEN_", "NOTIFY_"))}
        if self.session:
            self.runtime = self.folder / "runtime" / "libvirt"
            self.pid_file = self.runtime / "testd.pid"
            self.config_file = self.folder / "config" / "libvirt" / "testd.conf"
            self.environment.update(HOME=str(self.folder),
                                    XDG_RUNTIME_DIR=str(self.folder / "runtime"),
                                    XDG_CONFIG_HOME=str(self.folder / "config"))
            self.config_file.parent.mkdir(parents=True)
            if ROOT:
                for path in (self.folder, self.config_file.parent.parent, self.config_file.parent):
                    os.chown(path, NOBODY, NOBODY)
        else:
            self.runtime = pathlib.Path("/run/libvirt")
            self.pid_file = pathlib.Path("/run/testd.pid")
            self.config_file = pathlib.Path("/etc/libvirt/testd.conf")
        self.socket = self.runtime / "testd-sock"

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stderr.close()
        shutil.rmtree(self.folder)
        if not self.session:
            shutil.rmtree(self.runtime, ignore_errors=True)
            self.config_file.unlink(missing_ok=True)
            self.pid_file.unlink(missing_ok=True)

    def user(self):
        if not (self.session and ROOT):
            return {}
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def configure(self, text):
        self.config_file.write_text(text)
        self.config_file.chmod(0o644)

    def popen(self, *options, **keywords):
        process = subprocess.Popen([BINARY, *options], env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   **self.user(), **keywords)
        self.processes.append(process)
        return process

    def start(self, *options, **keywords):
        process = self.popen(*options, **keywords)
        wait_until(lambda: self.accepts() or process.poll() is not None, "start")
        self.assertIsNone(process.poll(), process.poll() is not None and process.stderr.read())
        return process

    def run_to_end(self, *options):
        return subprocess.run([BINARY, *options], env=self.environment, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, capture_output=True, **self.user())

    def accepts(self):
        try:
            Client(self.socket).socket.close()
            return True
        except OSError:
            return False

    def end(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.wait(PATIENCE), 0)

    def mode(self, path):
        return stat.S_IMODE(path.stat().st_mode)


class Options(Case):
    def test_help(self):
        result = self.run_to_end("--help")
        self.assertEqual(result.returncode, 0)
        for option in ("--daemon", "--config", "--pid-file", "--timeout", "--verbose", "--version",
                       "--help", str(self.config_file), str(self.pid_file)):
            self.assertIn(option, result.stdout)
        self.assertEqual(self.run_to_end("-h").stdout, result.stdout)

    def test_version(self):
        result = self.run_to_end("--version")
        self.assertRegex(result.stdout, r"^testd \(modvirt\) \d+\.\d+\.\d+\n$")
        self.assertEqual(result.returncode, 0)

    def test_mistakes(self):
        for options, words in ((["--foo"], "--foo"), (["-t"], "requires an argument"),
                               (["-t", "soon"], "soon"), (["-t", "0"], "0"), (["-t", "-3"], "-3"),
                               (["stray"], "stray")):
            result = self.run_to_end(*options)
            self.assertEqual(result.returncode, 1, options)
            self.assertIn(words, result.stderr)

    def test_missing_config(self):
        result = self.run_to_end("-f", str(self.folder / "none.conf"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("none.conf': No such file or directory", result.stderr)

    def test_other_files(self):
        config, pid_file = self.folder / "other.conf", self.folder / "other.pid"
        config.write_text('greeting = "other"\n')
        self.start("-f", str(config), "-p", str(pid_file))
        self.assertEqual(int(pid_file.read_text()), self.processes[0].pid)
        with Client(self.socket) as client:
            self.assertEqual(client.call(GREETING), b"other")


class Configuration(Case):
    def fails_with(self, text, words):
        self.configure(text)
        result = self.run_to_end()
        self.assertEqual(result.returncode, 1)
        self.assertIn(words, result.stderr)
        self.assertFalse(self.socket.exists())
        self.assertFalse(self.pid_file.exists())

    def test_syntax_error(self):
        self.fails_with("max_clients = 3\nmax_workers 5\n", "testd.conf:2: expected '='")

    def test_wrong_value(self):
        self.fails_with('max_clients = "many"\n', "testd.conf:1: 'max_clients' takes a number")

    def test_ways_that_there_are_not(self):
        self.fails_with('auth_unix_rw = "kerberos"\n', 'auth_unix_rw = "kerberos"')
        self.fails_with('access_drivers = [ "selinux" ]\n', '"selinux"')

    def test_start_fails(self):
        self.fails_with("start_fails = 1\n", "as configured")

    def test_warnings(self):
        self.configure('max_client = 3\nlisten_tcp = 1\ngreeting = "hi"\n')
        process = self.start()
        with Client(self.socket) as client:
            self.assertEqual(client.call(GREETING), b"hi")
        self.end(process)
        text = process.stderr.read()
        self.assertRegex(text, r"warning : .*testd\.conf:1: unknown key 'max_client' "
                               r"\(did you mean 'max_clients'\?\)")
        self.assertRegex(text, r"warning : .*testd\.conf:2: 'listen_tcp' has no effect here: "
                               r"TCP and TLS are served by virtproxyd")
        self.assertNotIn("conf:3", text)


class Life(Case):
    def test_sockets_and_end(self):
        process = self.start()
        self.assertEqual(self.mode(self.socket), 0o700)
        self.assertEqual(self.mode(self.runtime / "testd-admin-sock"), 0o700)
        self.assertFalse((self.runtime / "testd-sock-ro").exists())
        self.assertEqual(self.mode(self.runtime), 0o700)
        self.assertEqual(int(self.pid_file.read_text()), process.pid)
        with Client(self.runtime / "testd-admin-sock") as client:
            self.assertEqual(client.service(), b"admin")
        with Client(self.socket) as client:
            self.assertEqual(client.service(), b"rw")
            self.end(process)
        self.assertEqual(sorted(self.runtime.iterdir()), [])

    def test_interrupt(self):
        self.end(self.start(), signal.SIGINT)

    def test_calls_at_work_are_answered(self):
        process = self.start()
        with Client(self.socket) as client:
            client.send(SLEEP, struct.pack(">I", 500))
            client.send(ECHO, b"echo")
            self.assertEqual(client.receive(), b"echo")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not self.accepts(), "no more clients")
            self.assertEqual(client.receive(), struct.pack(">I", 500))
            with self.assertRaises(ConnectionError):
                client.receive()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_second_signal(self):
        process = self.start()
        with Client(self.socket) as client:
            client.send(SLEEP, struct.pack(">I", 20000))
            client.call(ECHO)
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not self.socket.exists(), "withdrawn")
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(PATIENCE), 0)
            self.assertLess(time.monotonic() - begin, 3)
        self.assertFalse(self.pid_file.exists())

    def test_second_instance(self):
        process = self.start()
        result = self.run_to_end()
        self.assertEqual(result.returncode, 1)
        self.assertIn("already running as pid %d" % process.pid, result.stderr)
        self.assertTrue(self.accepts())

    def test_killed_predecessor(self):
        process = self.start()
        process.kill()
        process.wait()
        self.assertTrue(self.socket.exists())
        self.start()

    def test_ending_predecessor(self):
        """who is started because a predecessor has left its sockets waits until that has ended"""
        first = self.start()
        with Client(self.socket) as client:
            client.send(SLEEP, struct.pack(">I", 1500))
            client.call(ECHO)
            first.send_signal(signal.SIGTERM)
            wait_until(lambda: not self.socket.exists(), "withdrawn")
            self.start()
            self.assertEqual(client.receive(), struct.pack(">I", 1500))
        self.assertEqual(first.wait(PATIENCE), 0)
        self.assertEqual(int(self.pid_file.read_text()), self.processes[1].pid)
        self.assertTrue(self.accepts())

    def test_reload(self):
        log = self.folder / "log"
        self.configure('greeting = "one"\n')
        self.environment["LIBVIRT_LOG_OUTPUTS"] = "2:file:%s" % log
        process = self.start("-v")
        with Client(self.socket) as client:
            self.assertEqual(client.call(GREETING), b"one")
            self.configure('greeting = "two"\n')
            log.rename(self.folder / "log.1")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: client.call(RELOADS) == b"1", "reload")
            self.assertEqual(client.call(GREETING), b"two")
            self.assertIn("configuration read again", log.read_text())

            self.configure("greeting = two\n")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "testd.conf:1: expected a value" in log.read_text(), "error")
            self.assertEqual(client.call(GREETING), b"two")
            self.assertEqual(client.call(RELOADS), b"1")
        self.end(process)

    def test_log_precedence(self):
        for options, level, configured, lines in (
                ([], None, 3, 0), ([], None, 2, 1), (["-v"], None, 4, 1), ([], "2", 4, 1),
                ([], "4", 1, 0), (["-v"], "4", 3, 1)):
            log = self.folder / "log"
            log.unlink(missing_ok=True)
            self.configure('log_level = %d\nlog_outputs = "1:file:%s"\n' % (configured, log))
            self.environment.pop("LIBVIRT_DEBUG", None)
            if level:
                self.environment["LIBVIRT_DEBUG"] = level
            self.end(self.start(*options))
            self.assertEqual(log.read_text().count(": info : stop:"), lines, (options, level))

    def test_notify(self):
        path = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            path.chmod(0o777)
            notify.settimeout(PATIENCE)
            self.environment["NOTIFY_SOCKET"] = str(path)
            process = self.popen()
            self.assertEqual(notify.recv(1000), b"READY=1")
            self.assertTrue(self.accepts())
            process.send_signal(signal.SIGHUP)
            self.assertRegex(notify.recv(1000), rb"^RELOADING=1\nMONOTONIC_USEC=\d+$")
            self.assertEqual(notify.recv(1000), b"READY=1")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(notify.recv(1000), b"STOPPING=1")
            self.assertEqual(process.wait(PATIENCE), 0)


class Background(Case):
    def tearDown(self):
        if self.pid_file.exists():
            pid = int(self.pid_file.read_text())
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not self.alive(pid), "killed")
        super().tearDown()

    def alive(self, pid):
        try:
            # What is left of it may wait for its new parent to take notice.
            return pathlib.Path("/proc/%d/stat" % pid).read_text().split(") ")[1][0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def test_ready_on_return(self):
        result = self.run_to_end("-d")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(self.accepts())
        pid = int(self.pid_file.read_text())
        fields = pathlib.Path("/proc/%d/stat" % pid).read_text().split()
        self.assertNotEqual(int(fields[5]), pid)
        self.assertEqual(os.readlink("/proc/%d/cwd" % pid), "/")
        for number in range(3):
            self.assertEqual(os.readlink("/proc/%d/fd/%d" % (pid, number)), "/dev/null")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not self.alive(pid), "end")
        self.assertFalse(self.pid_file.exists())

    def test_failure(self):
        self.configure("start_fails = 1\n")
        result = self.run_to_end("-d")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("as configured"), 1)

    def test_twice(self):
        self.assertEqual(self.run_to_end("-d").returncode, 0)
        result = self.run_to_end("-d")
        self.assertEqual(result.returncode, 1)
        self.assertIn("already running as pid", result.stderr)


class Idle(Case):
    def test_end(self):
        process = self.start("-t", "1")
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertFalse(self.socket.exists())

    def test_client_keeps(self):
        process = self.start("-t", "1")
        with Client(self.socket) as client:
            time.sleep(1.5)
            self.assertEqual(client.call(ECHO, b"here"), b"here")
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_work_keeps(self):
        process = self.start("-t", "1")
        with Client(self.socket) as client:
            client.call(BEGIN_WORK)
        time.sleep(1.8)
        with Client(self.socket) as client:
            self.assertEqual(client.call(END_WORK), b"")
        self.assertEqual(process.wait(PATIENCE), 0)

    def replace_ended(self, stop):
        """as a client would that finds no daemon"""
        while not stop.is_set():
            if self.processes[-1].poll() is not None:
                self.popen("-t", "1")
            stop.wait(0.005)

    def test_storm(self):
        """a connect may find no daemon, but once it was accepted the call is answered"""
        self.start("-t", "1")
        stop = threading.Event()
        starter = threading.Thread(target=self.replace_ended, args=[stop])
        starter.start()
        storm = Storm(self.socket, absent_is_fine=True)
        stop.set()
        starter.join()
        self.assertEqual(storm.lost, [])
        self.assertGreater(storm.met, 0, "no idle exit was met")


class Storm:
    """clients that come in bursts, with pauses that draw near the idle time from both sides"""

    def __init__(self, path, absent_is_fine=False, seconds=12):
        self.path = path
        self.absent_is_fine = absent_is_fine
        self.lost = []
        self.met = 0  # ends of daemons
        end = time.monotonic() + seconds
        pause, step, before = 1.0, 0.016, None
        while time.monotonic() < end:
            pids = {pid for pid in (self.ask() for _ in range(3)) if pid}
            ended = bool(pids) and pids != {before}
            self.met += ended and before is not None
            # Smaller steps each time the border is crossed, larger ones on the way to it.
            step = -step / 2 if ended == (step > 0) else step * 1.5
            pause += step
            before = max(pids, default=before)
            time.sleep(pause)

    def ask(self):
        try:
            client = Client(self.path)
        except OSError as error:
            if not self.absent_is_fine:
                self.lost.append(repr(error))
            return None
        with client:
            try:
                return client.call(PID)
            except OSError as error:
                self.lost.append(repr(error))
                return None


class Activation(Case):
    """in systemd's place: holds the listening sockets and starts the daemon when a client waits"""

    def setUp(self):
        super().setUp()
        self.runtime.mkdir(parents=True)
        if ROOT:
            os.chown(self.runtime, NOBODY, NOBODY)
        self.listening = []

    def tearDown(self):
        for listening in self.listening:
            listening.close()
        super().tearDown()

    def listen(self, name):
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.runtime / name))
        listening.listen(100)
        (self.runtime / name).chmod(0o777)
        self.listening.append(listening)
        return listening

    def activate(self, sockets, *options, names=None):
        """starts the daemon with these sockets as descriptors 3 and up"""
        copies = [fcntl.fcntl(s, fcntl.F_DUPFD, 100) for s in sockets]
        moves = ["exec %d<&%d %d<&-; " % (3 + i, copy, copy) for i, copy in enumerate(copies)]
        # The shell's process id will be the daemon's.
        script = "".join(moves) + 'export LISTEN_PID=$$; exec "$@"'
        environment = dict(self.environment, LISTEN_FDS=str(len(sockets)))
        if names:
            environment["LISTEN_FDNAMES"] = ":".join(names)
        process = subprocess.Popen(["/bin/bash", "-c", script, "bash", BINARY, *options],
                                   env=environment, text=True, stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, pass_fds=copies, **self.user())
        for copy in copies:
            os.close(copy)
        self.processes.append(process)
        return process

    def test_roles_by_path(self):
        sockets = [self.listen(name)
                   for name in ("testd-admin-sock", "testd-sock-ro", "testd-sock")]
        process = self.activate(sockets)
        for name, service in (("testd-sock", b"rw"), ("testd-sock-ro", b"ro"),
                              ("testd-admin-sock", b"admin")):
            with Client(self.runtime / name) as client:
                self.assertEqual(client.service(), service)
        self.end(process)
        for name in ("testd-sock", "testd-sock-ro", "testd-admin-sock"):
            self.assertTrue((self.runtime / name).exists(), "systemd's own file is gone")

    def test_roles_by_name(self):
        sockets = [self.listen("a"), self.listen("b"), self.listen("c")]
        self.activate(sockets, names=["testd-ro.socket", "testd.socket", "testd-admin.socket"])
        for name, service in (("a", b"ro"), ("b", b"rw"), ("c", b"admin")):
            with Client(self.runtime / name) as client:
                self.assertEqual(client.service(), service)
        self.assertFalse(self.socket.exists(), "made a socket beside the passed ones")

    def test_foreign_socket(self):
        process = self.activate([self.listen("other-sock")])
        self.assertEqual(process.wait(PATIENCE), 1)
        self.assertIn("other-sock", process.stderr.read())

    def test_idle_exit_leaves_sockets(self):
        listening = self.listen("testd-sock")
        process = self.activate([listening], "-t", "1")
        self.assertEqual(process.wait(PATIENCE), 0)
        # Nobody listens now, and still nobody is refused.
        with Client(self.socket) as client:
            client.send(ECHO, b"wait")
            self.activate([listening])
            self.assertEqual(client.receive(), b"wait")

    def test_storm(self):
        """no connect is ever refused and no call lost while daemons come and go"""
        listening = self.listen("testd-sock")
        process = self.activate([listening], "-t", "1")
        storms = []
        stormer = threading.Thread(target=lambda: storms.append(Storm(self.socket)))
        stormer.start()
        while stormer.is_alive():
            if process.poll() is not None:
                self.assertEqual(process.returncode, 0)
                process = self.activate([listening], "-t", "1")
            stormer.join(0.005)
        self.assertEqual(storms[0].lost, [])
        self.assertGreater(storms[0].met, 0, "no idle exit was met")

    def test_terminated_leaves_clients(self):
        """who connects while the daemon ends is the next one's"""
        listening = self.listen("testd-sock")
        first = self.activate([listening])
        with Client(self.socket) as client:
            client.send(SLEEP, struct.pack(">I", 1000))
            client.call(ECHO)
            first.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with Client(self.socket) as late:
                late.send(ECHO, b"late")
                self.assertEqual(client.receive(), struct.pack(">I", 1000))
                self.assertEqual(first.wait(PATIENCE), 0)
                self.activate([listening])
                self.assertEqual(late.receive(), b"late")


@unittest.skipUnless(ROOT, "needs root")
class System(Case):
    session = False

    def test_sockets(self):
        self.start()
        for name, mode, service in (("testd-sock", 0o700, b"rw"), ("testd-sock-ro", 0o777, b"ro"),
                                    ("testd-admin-sock", 0o700, b"admin")):
            path = self.runtime / name
            self.assertEqual(self.mode(path), mode)
            with Client(path) as client:
                self.assertEqual(client.service(), service)
        self.assertEqual(self.mode(self.runtime), 0o755)
        self.assertEqual(self.mode(self.pid_file), 0o644)

    def test_modes(self):
        folder = self.folder / "sockets"
        self.folder.chmod(0o755)
        self.configure('unix_sock_group = "nogroup"\nunix_sock_rw_perms = "0770"\n'
                       'unix_sock_ro_perms = "0750"\nunix_sock_dir = "%s"\n' % folder)
        self.socket = folder / "testd-sock"
        self.start()
        self.assertEqual(self.mode(self.socket), 0o770)
        self.assertEqual(self.mode(folder / "testd-sock-ro"), 0o750)
        self.assertEqual(self.socket.stat().st_gid, NOBODY)
        self.assertEqual((folder / "testd-sock-ro").stat().st_gid, NOBODY)
        self.assertEqual((folder / "testd-admin-sock").stat().st_gid, 0)

    def test_no_such_group(self):
        self.configure('unix_sock_group = "no-such-group"\n')
        result = self.run_to_end()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no-such-group", result.stderr)

    def test_session_refuses_others(self):
        """a session serves its user and root, whatever the socket's mode lets through"""
        other = Life("test_interrupt")
        other.setUp()
        try:
            other.start()
            with Client(other.socket) as client:
                self.assertEqual(client.call(ECHO, b"root"), b"root")
            for path in (other.folder, other.folder / "runtime", other.runtime):
                path.chmod(0o755)
            other.socket.chmod(0o777)
            script = ("import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(20); "
                      "s.connect(%r); print(s.recv(10))" % str(other.socket))
            result = subprocess.run(["/usr/bin/python3", "-c", script], user=1, group=1,
                                    extra_groups=[], text=True, capture_output=True,
                                    timeout=PATIENCE)
            self.assertEqual(result.stdout.strip(), "b''")
            self.assertTrue(other.accepts())
        finally:
            other.tearDown()


def main():
    global BINARY
    BINARY = os.path.abspath(sys.argv.pop(1))
    if ROOT and not os.environ.get("MODVIRT_SANDBOX"):
        os.execv(SANDBOX, [str(SANDBOX), sys.executable, "-B", os.path.abspath(__file__), BINARY,
                           *sys.argv[1:]])
    os.umask(0o022)
    unittest.main()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu:///session of an ordinary user: the client starts the daemon by itself."""
import os
import pathlib
import select
import shutil
import signal
import subprocess

import pytest
import wire
from daemon import BUILD, LINUX, install_guests, make_xml, sanitizer_options, wait_until

USER = 65534            # nobody: an account that every system has
HOME = pathlib.Path("/run/session")
URI = "qemu:///session?mode=direct"


@pytest.fixture(scope="module")
def session():
    """runs words as the user; ends the user's daemon and guests afterwards"""
    install_guests()
    for folder in ("bin", "home", "runtime"):
        (HOME / folder).mkdir(parents=True)
        os.chown(HOME / folder, USER, USER)
        (HOME / folder).chmod(0o700)
    (HOME / "bin").chmod(0o755)
    for name in ("virtqemud", "virtstoraged", "virtproxyd"):
        shutil.copy(BUILD / name / name, HOME / "bin" / name)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(HOME / "home"), "LC_ALL": "C",
                   "XDG_RUNTIME_DIR": str(HOME / "runtime"), "VIRTD_PATH": str(HOME / "bin"),
                   **dict(option.split("=", 1) for option in sanitizer_options())}

    def run(*words, uri=URI, check=True):
        done = subprocess.run(
            ["setpriv", "--reuid=%d" % USER, "--regid=%d" % USER, "--clear-groups",
             *(["virsh", "-q", "-c", uri] if uri else []), *words], env=environment, cwd="/",
            stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if check else done.stderr

    yield run
    for pid in processes():
        os.kill(pid, signal.SIGKILL)


def processes(name=""):
    """the user's processes whose program has that name"""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == USER and name in (path / "cmdline").read_text().split("\0")[0]:
                found.append(int(path.name))
        except OSError:
            pass
    return found


def end(name):
    """its processes, with all that they have open: words and first threads go before the sockets do"""
    for pid in processes(name):
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        signal.pidfd_send_signal(process, signal.SIGKILL)
        assert select.select([process], [], [], 30)[0]
        os.close(process)


def test_the_client_starts_the_daemon(session):
    assert not processes("virtqemud")
    assert session("list", "--all", "--name").strip() == ""
    assert len(processes("virtqemud")) == 1
    assert session("uri").strip().startswith("qemu:///session")
    session("list")
    assert len(processes("virtqemud")) == 1


def test_a_guest_of_the_user(session):
    document = HOME / "home" / "guest.xml"
    document.write_text(make_xml(LINUX, "mine"))
    document.chmod(0o644)
    session("define", str(document))
    session("start", "mine")
    assert session("domstate", "mine").strip() == "running"
    assert len(processes("qemu-system")) == 1
    assert (HOME / "home/.config/libvirt/qemu/mine.xml").exists()
    session("suspend", "mine")
    end("virtqemud")
    assert session("domstate", "mine").strip() == "paused"      # by a daemon just started
    session("resume", "mine")
    session("destroy", "mine")
    session("undefine", "mine")
    assert session("list", "--all", "--name").strip() == ""


def test_files_of_the_session_are_the_users_alone(session):
    session("list")
    for path in (HOME / "runtime/libvirt", HOME / "runtime/libvirt/virtqemud-sock"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_another_daemon_serves(session):
    """virtqemud starts the user's other daemons, as clients start it; one that is not installed is no driver"""
    assert not processes("virtstoraged")
    for _ in range(2):
        assert session("pool-list", "--all", "--name").strip() == ""
    assert len(processes("virtstoraged")) == 1
    end("virtstoraged")
    assert session("pool-list", "--all", "--name").strip() == ""    # the socket was still there
    assert "not supported" in session("nwfilter-list", check=False)


@pytest.fixture
def proxy(session):
    session(str(HOME / "bin/virtproxyd"), "--daemon", uri=None)
    with wire.Client(str(HOME / "runtime/libvirt/libvirt-sock"), 60) as client:
        client.call("AUTH_LIST", timeout=60)
        yield client
    end("virtproxyd")


@pytest.mark.parametrize("uri", ["qemu:///session", ""])
def test_through_a_proxy(proxy, uri):
    end("virtqemud")
    proxy.call("CONNECT_OPEN", {"name": uri}, timeout=60)
    assert proxy.call("CONNECT_GET_URI", timeout=60)["uri"] == "qemu:///session"
    assert len(processes("virtqemud")) == 1


def test_who_cannot_be_started(proxy):
    with pytest.raises(wire.Refused, match="virtnodedevd is needed and can't be started: .*virtnodedevd"):
        proxy.call("CONNECT_OPEN", {"name": "nodedev:///session"}, timeout=60)

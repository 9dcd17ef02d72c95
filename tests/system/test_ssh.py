# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu+ssh://: stock clients, a real sshd on another host (a network namespace), our helper there."""
import os
import pathlib
import shutil
import socket
import subprocess

import libvirt
import pytest
from conftest import boot
from daemon import BUILD, Daemon, hlt_xml, wait_until
from netns import Host, run

THERE, HERE = "10.78.0.2", "10.78.0.1"
ROOM = pathlib.Path("/run/ssh-room")
HELPER = BUILD / "virt-ssh-helper" / "virt-ssh-helper"
USER, NUMBER = "modvirt-guest", 4711
SSHD = """Port 22
ListenAddress 0.0.0.0
HostKey %(room)s/host
AuthorizedKeysFile %(room)s/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 100
SetEnv PATH=%(room)s/bin:/usr/sbin:/usr/bin:/sbin:/bin VIRTD_PATH=%(room)s/bin XDG_RUNTIME_DIR=%(room)s/user
"""
SSH = """#!/bin/sh
exec ssh -F none -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR "$@"
"""


@pytest.fixture(scope="module")
def far(daemon):
    """the host that runs the daemon, as seen by ssh"""
    if not shutil.which("sshd", path="/usr/sbin"):
        pytest.skip("no sshd")
    prepare_room()
    host = Host("far")
    run("ip", "addr", "add", HERE + "/24", "dev", host.link)
    host.address(THERE + "/24")
    with (ROOM / "sshd.log").open("wb") as log:
        sshd = subprocess.Popen(["ip", "netns", "exec", "far", "/usr/sbin/sshd", "-D", "-e", "-f",
                                 ROOM / "sshd_config"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_until(answers, 30, what=lambda: (ROOM / "sshd.log").read_text())
    yield host
    sshd.terminate()
    sshd.wait(20)
    host.remove()
    run("umount", "/etc/passwd", check=False)


def answers():
    try:
        with socket.create_connection((THERE, 22), 1) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False


def prepare_room():
    (ROOM / "bin").mkdir(parents=True)
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("virtqemud", "virtproxyd"):
        (ROOM / "bin" / name).symlink_to(BUILD / name / name)
    (ROOM / "bin" / "virt-ssh-helper").symlink_to(HELPER)
    for key in ("host", "key"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ROOM / key)
    (ROOM / "sshd_config").write_text(SSHD % {"room": ROOM})
    (ROOM / "ssh").write_text(SSH)
    (ROOM / "ssh").chmod(0o755)
    (ROOM / "home").mkdir()
    (ROOM / "user").mkdir(mode=0o700)
    for folder in ("home", "user"):
        os.chown(ROOM / folder, NUMBER, NUMBER)
    (ROOM / "passwd").write_text(pathlib.Path("/etc/passwd").read_text()
                                 + "%s:x:%d:%d::%s/home:/bin/sh\n" % (USER, NUMBER, NUMBER, ROOM))
    run("mount", "--bind", ROOM / "passwd", "/etc/passwd")


def uri(path="/system", user="root", more=""):
    return "qemu+ssh://%s@%s%s?command=%s/ssh&keyfile=%s/key&no_tty=1%s" % (user, THERE, path, ROOM, ROOM, more)


def virsh(address, *words, check=True):
    return run("virsh", "-q", "-c", address, *words, check=check)


@pytest.mark.parametrize("proxy", ["", "&proxy=native"])
def test_a_guest(far, connection, proxy):
    connection.defineXML(hlt_xml("by-ssh"))
    address = uri(more=proxy)
    assert "by-ssh" in virsh(address, "list", "--all")
    virsh(address, "start", "by-ssh")
    assert "running" in virsh(address, "domstate", "by-ssh")
    virsh(address, "destroy", "by-ssh")


def test_a_console_and_much_data(far, linux):
    with libvirt.open(uri(more="&proxy=native")) as remote:
        console = boot(remote.lookupByName("linux"))
        console.send("seq 20000 | md5sum\n")
        console.wait("  -", 60)
        console.close()
        document = "<a>%s</a>" % ("x" * 1000000)
        element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        domain = remote.lookupByName("linux")
        domain.setMetadata(element, document, "k", "urn:k")
        assert len(domain.metadata(element, "urn:k")) >= 1000000


def test_looking_only(far, connection):
    with libvirt.openReadOnly(uri(more="&proxy=native")) as remote:
        assert remote.listAllDomains() is not None
        with pytest.raises(libvirt.libvirtError) as refused:
            remote.defineXML(hlt_xml("no"))
        assert refused.value.get_error_code() == libvirt.VIR_ERR_OPERATION_DENIED


def test_a_session_is_started(far, daemon):
    """the user's virtqemud, by the helper; it ends by itself when nobody needs it"""
    address = uri("/session", USER, "&proxy=native")
    assert "/session" in virsh(address, "uri")
    virsh(address, "list", "--all")
    pid = int((ROOM / "user/libvirt/virtqemud.pid").read_text())
    assert os.stat("/proc/%d" % pid).st_uid == NUMBER
    assert b"--timeout=120" in pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
    os.kill(pid, 15)
    wait_until(lambda: not (ROOM / "user/libvirt/virtqemud-sock").exists(), 30, what="its end")


def test_the_link_ends_with_its_ends(far, daemon):
    """neither a helper nor a client of the daemon is left"""
    before, others = daemon.descriptors(), helpers()
    with libvirt.open(uri(more="&proxy=native")) as remote:
        remote.getLibVersion()
    wait_until(lambda: daemon.descriptors() <= before and helpers() <= others, 30, what=helpers)


def helpers():
    found = set()
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"virt-ssh-helper" in path.read_bytes():
                found.add(path.parent.name)
        except OSError:
            pass
    return found


# --- where the helper leads to, without ssh -------------------------------------------------

def ask_helper(*words, env=None):
    return subprocess.run([HELPER, *words], stdin=subprocess.DEVNULL, text=True, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **(env or {})))


def test_where_uris_lead_to(daemon):
    assert ask_helper("qemu:///system").returncode == 0
    assert ask_helper("-r", "qemu+ssh://somewhere/system?mode=auto").returncode == 0
    assert ask_helper("").returncode == 0               # the first hypervisor that is there
    assert ask_helper("lxc:///system?socket=/run/libvirt/virtqemud-sock").returncode == 0
    for address, path in (("lxc:///system", "virtlxcd-sock"), ("storage:///system", "virtstoraged-sock"),
                          ("qemu:///system?mode=legacy", "libvirt-sock")):
        done = ask_helper(address)
        assert done.returncode and "/run/libvirt/%s'" % path in done.stderr
    assert "it can be auto" in ask_helper("qemu:///system?mode=nope").stderr
    assert ask_helper().returncode and ask_helper("a b c://").returncode
    proxy = Daemon(name="virtproxyd", path="/run/libvirt/libvirt-sock").start()
    try:
        assert ask_helper("lxc:///system").returncode == 0      # the proxy, which then says what is missing
    finally:
        proxy.stop()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest agent: Debian's qemu-ga in a Linux guest, asked by stock clients, seen at its effect in the
guest; and what a mute one, a restart of it or of the daemon leads to."""
import base64
import json
import shutil
import subprocess
import threading
import time

import libvirt
import libvirt_qemu
import pytest
from conftest import Console, code_of, remove_guests
from daemon import GUEST, IMAGES, URI, linux_xml, virsh, wait_until

NAME = "agent"
DISK = IMAGES / "agent.img"
DEVICES = """<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/>
  <source file='%s'/><target dev='vdb' bus='virtio'/></disk>
<interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>""" % DISK
UNRESPONSIVE = libvirt.VIR_ERR_AGENT_UNRESPONSIVE
COMMAND_TIMEOUT, COMMAND_FAILED = 112, 113     # newer than this libvirt.py


def guest_xml():
    text = linux_xml(NAME, devices=DEVICES).replace("initrd.gz", "agent.gz")
    return text.replace("<vcpu>1", "<vcpu>2").replace(
        "<devices>", "<pm><suspend-to-mem enabled='yes'/></pm><devices>", 1)


class Guest:
    """the running guest; its console is a way in that needs no agent"""

    def __init__(self, daemon):
        self.daemon = daemon
        self.connect()
        self.domain = self.connection.defineXML(guest_xml())
        self.start()

    def connect(self):
        self.connection = libvirt.open(URI)

    def start(self):
        self.domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        self.console = Console(self.domain)
        self.domain.resume()
        self.console.wait("guest: up", 150)
        self.wait_connected()
        virsh("guest-agent-timeout", NAME, "--timeout", "60")   # of a machine that may be busy

    def channel_state(self):
        text = self.domain.XMLDesc()
        return text[text.index("org.qemu.guest_agent.0' state='"):].split("'")[2]

    def wait_connected(self):
        wait_until(lambda: self.channel_state() == "connected", 150, what="the agent")

    def restart_daemon(self):
        self.connection.close()
        self.daemon.restart()
        self.connect()
        self.domain = self.connection.lookupByName(NAME)
        self.console = Console(self.domain)

    def command(self, name, timeout=60, **arguments):
        text = json.dumps({"execute": name, "arguments": arguments})
        return json.loads(libvirt_qemu.qemuAgentCommand(self.domain, text, timeout, 0))["return"]

    def shell(self, text):
        """what a shell in the guest prints, run by the agent"""
        pid = self.command("guest-exec", path="/bin/sh", arg=["-c", text],
                           env=["PATH=/bin:/sbin"], **{"capture-output": True})["pid"]
        def status():
            return self.command("guest-exec-status", pid=pid)
        done = wait_until(lambda: (now := status())["exited"] and now, 30, 0.05)
        return base64.b64decode(done.get("out-data", "")).decode()

    def type(self, text):
        """runs a command by the console, and waits for its end"""
        self.count = getattr(self, "count", 0) + 1
        self.console.send("%s; echo done $((%d + 1000))\n" % (text, self.count))
        self.console.wait("done %d" % (self.count + 1000), 60)

    def stop_agent(self):
        self.type("kill -STOP $(cat /run/qemu-ga.pid)")

    def continue_agent(self):
        self.type("kill -CONT $(cat /run/qemu-ga.pid)")


@pytest.fixture(scope="module")
def guest(daemon):
    if not (GUEST / "agent.gz").exists():
        pytest.skip("no guest with an agent: run tests/lib/guest")
    if not shutil.which("mke2fs"):
        pytest.skip("needs mke2fs (e2fsprogs)")
    shutil.copy(GUEST / "agent.gz", IMAGES / "agent.gz")
    with DISK.open("wb") as image:
        image.truncate(32 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", DISK], check=True)
    DISK.chmod(0o666)
    running = Guest(daemon)
    yield running
    remove_guests(running.connection)
    running.connection.close()


# --- what it tells ----------------------------------------------------------------------------

def test_time(guest):
    guest.domain.setTime({"seconds": 1700000000})
    assert 0 <= guest.domain.getTime()["seconds"] - 1700000000 < 60
    assert 0 <= int(virsh("domtime", NAME).split()[1]) - 1700000000 < 60
    assert virsh("domtime", NAME, "--pretty").startswith("Time: 2023-11-14 22:")
    assert guest.shell("date +%Y").strip() == "2023"
    assert code_of(guest.domain.setTime, {"seconds": 1 << 40}) == libvirt.VIR_ERR_INVALID_ARG


def test_filesystems(guest):
    assert virsh("domfsinfo", NAME).split() == ["/mnt", "vda", "ext4", "vdb"]
    assert guest.domain.fsInfo() == [("/mnt", "vda", "ext4", ["vdb"])]


def test_freeze_and_thaw(guest):
    assert virsh("domfsfreeze", NAME) is not None
    assert guest.command("guest-fsfreeze-status") == "frozen"
    assert code_of(guest.domain.guestInfo, libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME) == COMMAND_FAILED
    assert guest.domain.guestInfo(0) == {}      # what is refused now is left out
    assert code_of(guest.domain.hostname) == libvirt.VIR_ERR_NO_HOSTNAME
    virsh("domfsthaw", NAME)
    assert guest.command("guest-fsfreeze-status") == "thawed"
    virsh("domfsfreeze", NAME, "--mountpoint", "/mnt")
    assert guest.command("guest-fsfreeze-status") == "frozen"
    assert code_of(guest.domain.fsThaw, ["/mnt"]) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    assert guest.domain.fsThaw() == 1


def test_trim(guest):
    def used():
        return DISK.stat().st_blocks
    guest.shell("head -c 8000000 /dev/zero | tr '\\0' x >/mnt/file; sync")
    full = used()
    guest.shell("rm /mnt/file; sync")
    virsh("domfstrim", NAME)
    assert used() < full - 8000
    assert code_of(guest.domain.fSTrim, "/mnt", 0) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED


def test_info(guest):
    lines = [line.split(":", 1) for line in virsh("guestinfo", NAME).splitlines()]
    info = {name.strip(): value.strip() for name, value in lines}
    assert info["os.pretty-name"] == "Small Linux 1" and info["hostname"] == "small"
    assert info["timezone.offset"] == "0" and info["user.count"] == "0"
    assert info["fs.0.mountpoint"] == "/mnt" and info["fs.0.disk.0.alias"] == "vdb"
    assert int(info["fs.0.total-bytes"]) > int(info["fs.0.used-bytes"]) > 0
    assert info["disk.0.name"] == "/dev/vda" and info["disk.0.alias"] == "vdb"
    assert info["if.1.name"] == "eth0" and info["if.1.addr.0.addr"] == "10.9.8.7"
    assert info["if.1.hwaddr"] == "52:54:00:11:22:33" and info["if.1.addr.0.prefix"] == "24"
    one = guest.domain.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME)
    assert one == {"hostname": "small"}
    assert code_of(guest.domain.guestInfo, 1 << 20) == libvirt.VIR_ERR_INVALID_ARG


def test_names_and_addresses(guest):
    assert virsh("domhostname", NAME, "--source", "agent") == "small\n"
    words = virsh("domifaddr", NAME, "--source", "agent", "--full").split()
    assert words[words.index("eth0"):][:4] == ["eth0", "52:54:00:11:22:33", "ipv4", "10.9.8.7/24"]


# --- what it does -----------------------------------------------------------------------------

def test_cpus(guest):
    def online():
        return guest.shell("cat /sys/devices/system/cpu/online").strip()
    assert "online         : 0-1" in virsh("guestvcpus", NAME)
    virsh("guestvcpus", NAME, "--disable", "--cpulist", "1")
    assert online() == "0" and virsh("vcpucount", NAME, "--guest") == "1\n"
    assert guest.domain.guestVcpus() == {"vcpus": "0-1", "online": "0", "offlinable": "1"}
    virsh("guestvcpus", NAME, "--enable", "--cpulist", "1")
    assert online() == "0-1"
    virsh("setvcpus", NAME, "1", "--guest")
    assert online() == "0"
    virsh("setvcpus", NAME, "2", "--guest")
    assert online() == "0-1"
    assert code_of(guest.domain.setVcpusFlags, 3,
                   libvirt.VIR_DOMAIN_VCPU_GUEST) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(guest.domain.setGuestVcpus, "0", 0) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert code_of(guest.domain.setGuestVcpus, "9", 0) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(guest.domain.setGuestVcpus, "x", 0) == libvirt.VIR_ERR_INVALID_ARG


def test_password(guest):
    virsh("set-user-password", NAME, "user", "geheim")
    assert "user:geheim:" in guest.shell("cat /etc/shadow")
    virsh("set-user-password", NAME, "user", "$6$x", "--encrypted")
    assert "user:$6$x-e:" in guest.shell("cat /etc/shadow")
    assert code_of(guest.domain.setUserPassword, "nobody", "x") == COMMAND_FAILED


def test_keys(guest, tmp_path):
    key, other = "ssh-rsa AAAAB3NzaC1 me", "ssh-rsa AAAAB3NzaC2 you"
    path = tmp_path / "key"
    path.write_text(key + "\n")
    virsh("set-user-sshkeys", NAME, "user", "--file", path)
    assert guest.shell("cat /home/user/.ssh/authorized_keys").strip() == key
    guest.domain.authorizedSSHKeysSet("user", [other],
                                      libvirt.VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND)
    assert sorted(guest.domain.authorizedSSHKeysGet("user")) == [key, other]
    both = virsh("get-user-sshkeys", NAME, "user")      # it prints them on one line
    assert key in both and other in both
    virsh("set-user-sshkeys", NAME, "user", "--file", path, "--remove")
    assert guest.domain.authorizedSSHKeysGet("user") == [other]
    assert code_of(guest.domain.authorizedSSHKeysGet, "nobody") == COMMAND_FAILED


def test_commands(guest):
    assert virsh("qemu-agent-command", NAME, '{"execute":"guest-ping"}') == '{"return":{}}\n'
    assert guest.command("guest-sync", -2, id=5) == 5
    bad = [("{", -1), ("{}", -1), ('{"execute":"guest-ping"}', -3), ('{"execute":"none"}', -1)]
    codes = [code_of(libvirt_qemu.qemuAgentCommand, guest.domain, *words, 0) for words in bad]
    assert codes == [libvirt.VIR_ERR_PARSE_FAILED, libvirt.VIR_ERR_INVALID_ARG,
                     libvirt.VIR_ERR_INVALID_ARG, COMMAND_FAILED]


# --- an agent that does not answer ------------------------------------------------------------

def test_mute(guest):
    """the deadline ends the call; meanwhile nothing else of this guest waits"""
    guest.domain.agentSetResponseTimeout(5)
    guest.stop_agent()
    codes = []
    asking = threading.Thread(target=lambda: codes.append(code_of(guest.domain.fsFreeze)))
    asking.start()
    with libvirt.open(URI) as other:
        domain = other.lookupByName(NAME)
        start = time.monotonic()
        assert domain.info()[0] == libvirt.VIR_DOMAIN_RUNNING and other.listAllDomains()
        domain.suspend()
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "x", None, None)
        domain.resume()
        assert asking.is_alive() and time.monotonic() - start < 5
    asking.join(30)
    assert codes == [UNRESPONSIVE]
    guest.domain.agentSetResponseTimeout(1)
    assert code_of(guest.domain.getTime) == UNRESPONSIVE
    guest.continue_agent()      # it now answers what it was asked before, and is not believed
    guest.domain.agentSetResponseTimeout(60)
    assert guest.domain.hostname() == "small"


@pytest.fixture
def other():
    with libvirt.open(URI) as opened:
        yield opened.lookupByName(NAME)


def test_many_calls_to_a_mute_one(guest, other):
    """more than there are workers, and the daemon serves others"""
    guest.stop_agent()
    guest.domain.agentSetResponseTimeout(2)
    errors = []

    def ask():
        with libvirt.open(URI) as own:
            domain = own.lookupByName(NAME)
            try:
                domain.getTime()
            except libvirt.libvirtError as error:
                errors.append((error.get_error_code(), str(error)))

    threads = [threading.Thread(target=ask) for _ in range(30)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    assert other.XMLDesc() and other.blockInfo("vdb")
    assert time.monotonic() - start < 15
    for thread in threads:
        thread.join(60)
    codes, texts = zip(*errors)
    assert set(codes) <= {UNRESPONSIVE, libvirt.VIR_ERR_RESOURCE_BUSY} and len(codes) == 30
    # who waited for the turn got the same answer
    assert any("did not answer the call before this one" in text for text in texts)
    guest.continue_agent()
    guest.domain.agentSetResponseTimeout(60)
    assert guest.domain.hostname() == "small"


# --- restarts -----------------------------------------------------------------------------------

def test_restart_of_the_daemon(guest):
    guest.domain.agentSetResponseTimeout(59)
    guest.restart_daemon()
    wait_until(lambda: code_of(guest.domain.getTime) is None, 30)
    assert guest.channel_state() == "connected"
    assert guest.domain.hostname() == "small"
    guest.domain.agentSetResponseTimeout(2)
    guest.restart_daemon()
    guest.stop_agent()
    wait_until(lambda: code_of(guest.domain.getTime) == UNRESPONSIVE, 30)
    with pytest.raises(libvirt.libvirtError, match="within 2 s"):
        guest.domain.getTime()
    guest.continue_agent()
    guest.domain.agentSetResponseTimeout(60)


def test_restart_of_the_agent(guest, events):
    guest.type("kill $(cat /run/qemu-ga.pid)")
    wait_until(lambda: guest.channel_state() == "disconnected", 30)
    assert code_of(guest.domain.getTime) == UNRESPONSIVE
    guest.type("/start/agent 2>/dev/null")
    guest.wait_connected()
    assert guest.domain.hostname() == "small"
    wait_until(lambda: len(events) >= 2, 30)
    channel = libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL
    assert events[:2] == [
        (libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED, channel),
        (libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED, channel)]


@pytest.fixture
def events(guest):
    """states and reasons of the agent's lifecycle events"""
    seen = []
    number = guest.connection.domainEventRegisterAny(
        None, libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
        lambda c, d, state, reason, _: seen.append((state, reason)), None)
    yield seen
    guest.connection.domainEventDeregisterAny(number)


# --- sleep and end ------------------------------------------------------------------------------

def test_sleep(guest):
    assert code_of(guest.domain.pMSuspendForDuration, 0, 5) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    assert code_of(guest.domain.pMSuspendForDuration, 7, 0) == libvirt.VIR_ERR_INVALID_ARG
    virsh("dompmsuspend", NAME, "mem")
    wait_until(lambda: guest.domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED, 30)
    assert code_of(guest.domain.getTime) == libvirt.VIR_ERR_OPERATION_INVALID
    virsh("dompmwakeup", NAME)
    wait_until(lambda: guest.domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING, 30)
    wait_until(lambda: code_of(guest.domain.getTime) is None, 120)


def test_paused(guest):
    guest.domain.suspend()
    assert code_of(guest.domain.getTime) == libvirt.VIR_ERR_OPERATION_INVALID
    guest.domain.resume()
    assert code_of(guest.domain.getTime) is None


def test_reboot(guest):
    before = guest.shell("cat /proc/sys/kernel/random/boot_id")
    virsh("reboot", NAME, "--mode", "agent")
    wait_until(lambda: code_of(guest.domain.getTime) is None and
               guest.shell("cat /proc/sys/kernel/random/boot_id") != before, 150, 0.2)


def test_shutdown(guest):
    virsh("shutdown", NAME, "--mode", "agent", timeout=90)
    wait_until(lambda: not guest.domain.isActive(), 60)


def test_shutdown_without_a_word(guest):
    """a mute agent is asked first, and the power button pressed then"""
    guest.start()
    guest.domain.agentSetResponseTimeout(1)
    guest.stop_agent()
    assert code_of(guest.domain.shutdownFlags,
                   libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT) == UNRESPONSIVE
    assert guest.domain.isActive()
    virsh("shutdown", NAME)
    guest.console.wait("guest: power button")
    wait_until(lambda: not guest.domain.isActive(), 60)

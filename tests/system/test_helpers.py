# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that work for a guest: swtpm, virtiofsd, passt, the bus of a display, reservations."""
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import stat
import subprocess
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest
from conftest import boot, code_of
from daemon import IMAGES, emulator_pids, hlt_xml, linux_xml, wait_until

STATUS = pathlib.Path("/run/libvirt/qemu")
STATES = pathlib.Path("/var/lib/libvirt/swtpm")
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'%s/></tpm>"


def need(*programs):
    for program in programs:
        if not shutil.which(program) and not os.access(program, os.X_OK):
            pytest.skip(f"no {program}")


def with_memory(xml, words):
    return xml.replace("<vcpu>", words + "<vcpu>")


def helpers(name):
    """the programs of a guest that its status file names: {name: pid}"""
    status = ElementTree.parse(STATUS / f"{name}.xml").getroot()
    return {found.get("name"): int(found.get("pid")) for found in status.findall("helper")}


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def groups(pid):
    return {line.split(":", 2)[2] for line in
            pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()}


def folder_of(domain):
    return STATES / domain.UUIDString()


def test_tpm(daemon, connection):
    need("swtpm", "swtpm_setup")
    domain = connection.defineXML(hlt_xml("tpm", machine="q35", devices=TPM % ""))
    domain.create()
    pid = helpers("tpm")["swtpm"]
    state = folder_of(domain) / "tpm2"
    owner = pwd.getpwuid(pathlib.Path(f"/proc/{pid}").stat().st_uid).pw_name
    assert owner in ("swtpm", "tss")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700 and state.stat().st_uid == pwd.getpwnam(owner).pw_uid
    assert (state / "tpm2-00.permall").exists()
    assert pathlib.Path("/var/log/swtpm/libvirt/qemu/tpm-swtpm.log").exists()
    assert groups(pid) == groups(emulator_pids("tpm")[0])
    (socket,) = (STATUS / "swtpm").glob("*.sock")

    daemon.restart()
    again = libvirt.open("qemu:///system")
    domain = again.lookupByName("tpm")
    assert domain.isActive() and runs(pid)
    domain.destroy()
    wait_until(lambda: not runs(pid), what="the end of swtpm")
    assert not socket.exists() and state.exists()

    made = (state / "tpm2-00.permall").stat().st_ino
    domain.create()                                    # with the state that is there
    assert (state / "tpm2-00.permall").stat().st_ino == made or (state / "tpm2-00.permall").exists()
    domain.destroy()
    domain.undefine()
    assert not folder_of(domain).exists()
    again.close()


def test_tpm_state_stays_when_asked(connection):
    need("swtpm", "swtpm_setup")
    domain = connection.defineXML(hlt_xml("keep", machine="q35", devices=TPM % " persistent_state='yes'"))
    state = folder_of(domain) / "tpm2"
    state.mkdir(parents=True)
    both = libvirt.VIR_DOMAIN_UNDEFINE_TPM | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM
    assert code_of(domain.undefineFlags, both) == libvirt.VIR_ERR_INVALID_ARG
    xml = domain.XMLDesc()
    domain.undefine()
    assert state.exists()
    domain = connection.defineXML(xml)
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_TPM)
    assert not state.exists()


def test_folder(daemon, connection):
    need("/usr/lib/qemu/virtiofsd")
    shared = IMAGES / "shared"
    shared.mkdir(exist_ok=True)
    (shared / "hello").write_text("from the host\n")
    xml = with_memory(linux_xml("folder", machine="q35", devices=f"""<filesystem type='mount'>
        <driver type='virtiofs' queue='1024'/><binary xattr='on'><cache mode='always'/><sandbox mode='chroot'/></binary>
        <source dir='{shared}'/><target dir='tag'/></filesystem>"""), SHARED)
    domain = connection.defineXML(xml)
    console = boot(domain)
    assert "<binary path='/usr/lib/qemu/virtiofsd' xattr='on'>" in domain.XMLDesc()
    assert "virtiofsd" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    pid = helpers("folder")["virtiofsd"]
    console.send("mount -t virtiofs tag /tmp && cat /tmp/hello && echo from the guest > /tmp/answer; sync\n")
    console.wait("from the host")
    wait_until(lambda: (shared / "answer").exists() and (shared / "answer").read_text() == "from the guest\n",
               what="what the guest wrote")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "virtiofsd of its device 'fs0' has ended: killed by signal 9" in daemon.log_tail(),
               what=daemon.log_tail)
    assert domain.isActive() and daemon.alive()
    domain.destroy()


def test_missing_program(connection):
    xml = with_memory(hlt_xml("missing", machine="q35", devices=f"""<filesystem type='mount'>
        <driver type='virtiofs'/><binary path='/nowhere/virtiofsd'/>
        <source dir='{IMAGES}'/><target dir='tag'/></filesystem>"""), SHARED)
    with pytest.raises(libvirt.libvirtError) as error:
        connection.createXML(xml)
    assert error.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert "/nowhere/virtiofsd" in str(error.value) and "install " in str(error.value)
    assert not emulator_pids("missing")


def test_failure_ends_those_begun(connection):
    need("swtpm", "swtpm_setup")
    xml = with_memory(hlt_xml("half", machine="q35", devices=TPM % "" + """<filesystem type='mount'>
        <driver type='virtiofs'/><source dir='/nowhere'/><target dir='tag'/></filesystem>
        <shmem name='none'><model type='ivshmem-doorbell'/><server path='/nowhere'/></shmem>"""), SHARED)
    with pytest.raises(libvirt.libvirtError) as error:
        connection.createXML(xml)
    assert "/nowhere" in str(error.value)
    assert not list((STATUS / "swtpm").glob("*"))
    wait_until(lambda: not programs("swtpm"), what="the end of swtpm")


def programs(name):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name and runs(path.parent.name):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def uplink():
    """the host's way to others, which passt wants"""
    subprocess.run(["ip", "link", "add", "up0", "type", "bridge"], check=True)
    for words in (["addr", "add", "192.0.2.2/24", "dev", "up0"], ["link", "set", "up0", "up"],
                  ["route", "add", "default", "via", "192.0.2.1"]):
        subprocess.run(["ip", *words], check=True)
    yield
    subprocess.run(["ip", "link", "del", "up0"], check=True)


def test_network(connection, uplink):
    need("passt")
    domain = connection.createXML(hlt_xml("passt", machine="q35", devices="""<interface type='user'>
        <backend type='passt' logFile='/run/tmp/passt.log'/><model type='virtio'/>
        <portForward proto='tcp'><range start='20022' to='22'/></portForward></interface>"""))
    pid = helpers("passt")["passt"]
    assert "--tcp-ports\0" + "20022:22" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    assert pathlib.Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("libvirt-qemu").pw_uid
    domain.destroy()
    wait_until(lambda: not runs(pid), what="the end of passt")
    assert not list((STATUS / "passt").glob("*"))


def test_bus_of_a_display(connection):
    need("dbus-daemon")
    domain = connection.createXML(hlt_xml("bus", machine="q35", devices="""<graphics type='dbus'/>
        <video><model type='virtio'/></video>"""))
    pid = helpers("bus")["dbus-daemon"]
    (socket,) = (STATUS / "dbus").glob("*.sock")
    assert "<graphics type='dbus' address='unix:path=%s'/>" % socket in domain.XMLDesc()
    domain.destroy()
    wait_until(lambda: not runs(pid), what="the end of the bus")
    assert not socket.exists() and not list((STATUS / "dbus").glob("*"))


def test_killed_with_its_helper(daemon, connection):
    need("swtpm", "swtpm_setup")
    domain = connection.createXML(hlt_xml("both", machine="q35", devices=TPM % ""))
    uuid_text, pid = domain.UUIDString(), helpers("both")["swtpm"]
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not runs(pid), what="the end of swtpm")
    daemon.start()
    again = libvirt.open("qemu:///system")
    domain = again.lookupByName("both")
    assert domain.isActive()
    assert "swtpm of its device 'tpm0' has ended" in daemon.log_tail()
    domain.destroy()
    wait_until(lambda: not (STATES / uuid_text).exists(), what="the end of a transient guest's TPM")
    again.close()


EVERY_HELPER = TPM % "" + f"""
    <filesystem type='mount'><driver type='virtiofs'/><source dir='{IMAGES}'/><target dir='tag'/></filesystem>
    <interface type='user'><backend type='passt'/><model type='virtio'/></interface>
    <graphics type='dbus'/>
    <controller type='scsi' model='virtio-scsi'/>
    <disk type='block' device='disk'><driver name='qemu' type='raw'/>
      <source dev='/dev/null'><reservations managed='yes'/></source><target dev='sda' bus='scsi'/></disk>"""


def test_every_kind_is_the_guests_own(daemon, connection, uplink):
    """each in its control group, there after a restart of the daemon, and gone with the guest"""
    need("swtpm", "swtpm_setup", "/usr/lib/qemu/virtiofsd", "passt", "dbus-daemon", "qemu-pr-helper")
    connection.createXML(with_memory(hlt_xml("every", machine="q35", devices=EVERY_HELPER), SHARED))
    found = helpers("every")
    assert sorted(found) == ["dbus-daemon", "passt", "qemu-pr-helper", "swtpm", "virtiofsd"]
    (emulator,) = emulator_pids("every")
    for name, pid in found.items():
        assert runs(pid) and groups(pid) == groups(emulator), name
    daemon.restart()
    with contextlib.closing(libvirt.open("qemu:///system")) as again:
        assert helpers("every") == found and all(runs(pid) for pid in found.values())
        again.lookupByName("every").destroy()
    for name, pid in found.items():
        wait_until(lambda: not runs(pid), what="the end of " + name)


def test_reservations(connection):
    need("qemu-pr-helper")
    domain = connection.createXML(hlt_xml("reserved", machine="q35", devices="""
        <controller type='scsi' model='virtio-scsi'/>
        <disk type='block' device='disk'><driver name='qemu' type='raw'/>
          <source dev='/dev/null'><reservations managed='yes'/></source><target dev='sda' bus='scsi'/></disk>"""))
    pid = helpers("reserved")["qemu-pr-helper"]
    said = libvirt_qemu.qemuMonitorCommand(domain, json.dumps({"execute": "query-pr-managers"}), 0)
    assert json.loads(said)["return"] == [{"id": "pr-helper0", "connected": True}]
    assert pathlib.Path(f"/proc/{pid}").stat().st_uid == 0
    domain.destroy()
    wait_until(lambda: not runs(pid), what="the end of qemu-pr-helper")
    assert not list(STATUS.glob("*.pid"))


def test_renderer(connection):
    need("/usr/lib/qemu/vhost-user-gpu")
    if not os.path.exists("/dev/kvm"):
        pytest.skip("vhost-user-gpu needs KVM, and the sandbox has none")
    xml = with_memory(hlt_xml("gpu", machine="q35", devices="""<graphics type='vnc'/>
        <video><driver name='vhostuser'/><model type='virtio' heads='1'/></video>"""), SHARED)
    domain = connection.createXML(xml.replace("type='qemu'", "type='kvm'", 1))
    assert runs(helpers("gpu")["vhost-user-gpu"])
    domain.destroy()


def test_daemon_killed_in_a_start(daemon, connection):
    """a helper that runs before it is on record is known by the guest's control group"""
    need("swtpm", "swtpm_setup")
    mute = IMAGES / "mute"
    mute.write_text("#!/bin/sh\nexec sleep 1000\n")
    mute.chmod(0o755)
    xml = with_memory(hlt_xml("mute", machine="q35", devices=TPM % "" + f"""<filesystem type='mount'>
        <driver type='virtiofs'/><binary path='{mute}'/><source dir='{IMAGES}'/><target dir='tag'/></filesystem>"""),
                      SHARED)
    thread = threading.Thread(target=code_of, args=(connection.createXML, xml))
    thread.start()
    # the shell was started before swtpm_setup, but may become the sleep after
    wait_until(lambda: programs("swtpm_setup") and programs("sleep"), what="both helpers")
    (pid,) = programs("sleep")
    daemon.kill()
    thread.join(30)
    daemon.start()
    wait_until(lambda: not runs(pid) and not programs("swtpm_setup"), what="the end of the start")
    assert not (STATUS / "mute.xml").exists() and not emulator_pids("mute")

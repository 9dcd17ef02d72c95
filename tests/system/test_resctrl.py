# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shares of caches and memory bandwidth, with a stand-in for the kernel's file system: groups are made at
the start, have their vcpus and their numbers, outlive a daemon, and go with the guest."""
import os
import pathlib
import stat
import subprocess
import threading
from xml.etree import ElementTree

import libvirt
import pytest

import daemon as tested
from daemon import emulator_pids, hlt_xml, virsh, wait_until
from resctrl import ROOT, Resctrl

KVM = "/dev/kvm"
CACHE = "<cache id='%d' level='3' type='both' size='%d' unit='%s'/>"
GROUP = "qemu-%d-%s-vcpus_%s"


@pytest.fixture(scope="module", autouse=True)
def kvm():
    """what guests need that have shares"""
    made = not os.path.exists(KVM)
    try:
        if made:
            os.mknod(KVM, 0o666 | stat.S_IFCHR, os.makedev(10, 232))
            os.chmod(KVM, 0o666)
        os.close(os.open(KVM, os.O_RDWR))
        yield
    except OSError:
        pytest.skip("no KVM")
    finally:
        if made and os.path.exists(KVM):
            os.unlink(KVM)


@pytest.fixture(scope="module", autouse=True)
def host(kvm):
    try:
        host = Resctrl()
    except OSError as error:
        pytest.skip("no FUSE: %s" % error)
    yield host
    host.close()


@pytest.fixture(scope="module")
def daemon(host):
    """started once the host is what it is to be"""
    tested.install_guests()
    running = tested.Daemon().start()
    yield running
    running.stop()


def xml(tune, name="guest", vcpus="<vcpu current='2'>4</vcpu>"):
    document = hlt_xml(name).replace("type='qemu'", "type='kvm'")
    return document.replace("<vcpu>1</vcpu>", "%s<cputune>%s</cputune>" % (vcpus, tune))


def shares_of(group):
    """of the two caches the bits, of the memory behind them the percentages"""
    lines = dict(line.strip().split(":") for line in (ROOT / group / "schemata").read_text().splitlines())
    values = {name: [value.split("=")[1].strip() for value in line.split(";")] for name, line in lines.items()}
    return [int(bits, 16) for bits in values["L3"]], [int(percent) for percent in values["MB"]]


def threads_of(group):
    return {int(thread) for thread in (ROOT / group / "tasks").read_text().split()}


def vcpu_threads(name):
    """the thread of each vcpu of a guest"""
    process, = emulator_pids(name)
    threads = {}
    for task in os.listdir("/proc/%d/task" % process):
        with open("/proc/%d/task/%s/comm" % (process, task)) as comm:
            name = comm.read()
        if name.startswith("CPU "):
            threads[int(name.split()[1].split("/")[0])] = int(task)
    return threads


def groups():
    return sorted(path.name for path in ROOT.glob("qemu-*")) + \
        sorted(path.name for path in (ROOT / "mon_groups").glob("qemu-*"))


def test_life(connection, daemon):
    domain = connection.createXML(xml(
        "<cachetune vcpus='0-2'>%s<monitor level='3' vcpus='0-2'/><monitor level='3' vcpus='1'/></cachetune>"
        "<memorytune vcpus='3'><node id='1' bandwidth='40'/></memorytune>" % (CACHE % (0, 2, "MiB"))))
    own, other = GROUP % (domain.ID(), "guest", "0-2"), GROUP % (domain.ID(), "guest", "3")
    below = "%s/mon_groups/%s" % (own, GROUP % (domain.ID(), "guest", "1"))
    assert shares_of(own) == ([0x00c, 0x003], [100, 100])
    assert shares_of(other) == ([0x003, 0x003], [100, 40])
    assert "<cachetune vcpus='0-2' id='vcpus_0-2'>" in domain.XMLDesc()
    assert "<memorytune vcpus='3' id='vcpus_3'>" in domain.XMLDesc()
    assert "id='vcpus_" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    vcpus = vcpu_threads("guest")
    assert threads_of(own) == {vcpus[0], vcpus[1]} and threads_of(below) == {vcpus[1]}

    domain.setVcpus(3)
    vcpus = vcpu_threads("guest")
    assert threads_of(own) == {vcpus[0], vcpus[1], vcpus[2]} and not threads_of(other)

    daemon.kill()
    daemon.start()
    with libvirt.open(tested.URI) as again:
        domain = again.lookupByName("guest")
        assert "<cachetune vcpus='0-2' id='vcpus_0-2'>" in domain.XMLDesc()
        domain.setVcpus(4)
        assert threads_of(other) == {vcpu_threads("guest")[3]}
        domain.destroy()
    assert groups() == []


def test_statistics(connection):
    domain = connection.createXML(xml(
        "<cachetune vcpus='0-1'>%s<monitor level='3' vcpus='0-1'/></cachetune>"
        "<memorytune vcpus='0-1'><monitor vcpus='1'/></memorytune>" % (CACHE % (1, 1024, "KiB"))))
    (_, stats), = connection.domainListGetStats(
        [domain], libvirt.VIR_DOMAIN_STATS_CPU_TOTAL | libvirt.VIR_DOMAIN_STATS_MEMORY)
    assert {name: value for name, value in stats.items() if "monitor" in name} == {
        "cpu.cache.monitor.count": 1,
        "cpu.cache.monitor.0.name": "vcpus_0-1",
        "cpu.cache.monitor.0.vcpus": "0-1",
        "cpu.cache.monitor.0.bank.count": 2,
        "cpu.cache.monitor.0.bank.0.id": 0, "cpu.cache.monitor.0.bank.0.bytes": 1000,
        "cpu.cache.monitor.0.bank.1.id": 1, "cpu.cache.monitor.0.bank.1.bytes": 1001,
        "memory.bandwidth.monitor.count": 1,
        "memory.bandwidth.monitor.0.name": "vcpus_1",
        "memory.bandwidth.monitor.0.vcpus": "1",
        "memory.bandwidth.monitor.0.node.count": 2,
        "memory.bandwidth.monitor.0.node.0.id": 0,
        "memory.bandwidth.monitor.0.node.0.bytes.total": 4000,
        "memory.bandwidth.monitor.0.node.0.bytes.local": 6000,
        "memory.bandwidth.monitor.0.node.1.id": 1,
        "memory.bandwidth.monitor.0.node.1.bytes.total": 4001,       # the kernel does not know of the local ones
    }


def test_measured_alone(connection):
    """a guest without a share stays in the default group"""
    domain = connection.createXML(xml("<cachetune vcpus='0-1'><monitor level='3' vcpus='0-1'/></cachetune>"))
    below = "mon_groups/" + GROUP % (domain.ID(), "guest", "0-1")
    assert threads_of(below) == set(vcpu_threads("guest").values())
    assert virsh("domstats", "--cpu-total", "guest").count("bank.0.bytes=2000") == 1
    domain.destroy()
    assert groups() == []


@pytest.fixture
def one_emulator():
    """of all others nobody wants to know here, and asking them takes long"""
    others = [path for path in pathlib.Path("/usr/bin").glob("qemu-system-*")
              if path.resolve() != pathlib.Path(tested.EMULATOR).resolve() and not path.is_symlink()]
    for path in others:
        subprocess.run(["mount", "--bind", "/dev/null", path], check=True)
    yield
    for path in others:
        subprocess.run(["umount", path], check=True)


def test_capabilities(connection, one_emulator):
    host = ElementTree.fromstring(connection.getCapabilities()).find("host")
    first, second = host.findall("cache/bank")
    assert first.get("size") == second.get("size") == "10" and first.get("unit") == "MiB"
    assert first.find("control").attrib == {"granularity": "1", "unit": "MiB", "type": "both", "maxAllocs": "4"}
    assert host.find("cache/monitor").attrib == {"level": "3", "reuseThreshold": "270336", "maxMonitors": "176"}
    assert host.find("cache/monitor/feature").get("name") == "llc_occupancy"
    node = host.find("memory_bandwidth/node")
    assert node.get("cpus") == first.get("cpus")
    assert node.find("control").attrib == {"granularity": "10", "min": "10", "maxAllocs": "4"}
    assert [feature.get("name") for feature in host.findall("memory_bandwidth/monitor/feature")] == \
        ["mbm_total_bytes", "mbm_local_bytes"]


REFUSED = [
    ("<cachetune vcpus='0'>%s</cachetune>" % CACHE % (0, 10, "MiB"), "for the whole cache is not possible"),
    ("<cachetune vcpus='0'>%s</cachetune>" % CACHE % (0, 100, "KiB"), "102400 is not divisible by granularity 1048576"),
    ("<cachetune vcpus='0'>%s</cachetune>" % CACHE % (7, 1, "MiB"), "Cache with id 7 does not exist"),
    ("<cachetune vcpus='0'>%s</cachetune>" % CACHE % (0, 9, "MiB"), "of the bits 3ff, of 1048576 bytes each, "
     "the default group has 3, qemu-%d-first-vcpus_0 has c"),
    ("<memorytune vcpus='0'><node id='0' bandwidth='55'/></memorytune>", "55 is not divisible by granularity 10"),
    ("<memorytune vcpus='0'><node id='5' bandwidth='50'/></memorytune>", "controller id 5 does not exist"),
    ("<energytune vcpus='0'><monitor vcpus='0'/></energytune>", "does not measure the energy"),
    ("".join("<cachetune vcpus='%d'>%s</cachetune>" % (vcpu, CACHE % (0, 1, "MiB")) for vcpu in range(4)),
     "No space left on device"),
]


def test_refused(connection):
    """nothing is left of such a start, and the other guest keeps what it has"""
    first = connection.createXML(xml("<cachetune vcpus='0'>%s</cachetune>" % CACHE % (0, 2, "MiB"), "first"))
    own = GROUP % (first.ID(), "first", "0")
    for tune, says in REFUSED:
        with pytest.raises(libvirt.libvirtError) as refused:
            connection.createXML(xml(tune))
        assert refused.value.get_error_code() in (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_SYSTEM_ERROR)
        assert (says % first.ID() if "%d" in says else says) in str(refused.value)
        assert groups() == [own] and shares_of(own)[0] == [0x00c, 0x003]


def test_stored(daemon):
    """a file that nobody would have written down here"""
    daemon.stop()
    path = pathlib.Path("/etc/libvirt/qemu/guest.xml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(xml("<cachetune vcpus='0-1'><monitor level='3' vcpus='9'/></cachetune>"))
    daemon.start()
    done = virsh("start", "guest", check=False)
    assert "vcpus is empty" in done.stderr and groups() == []
    virsh("undefine", "guest")


def test_interrupted_start(daemon):
    """what a killed daemon had made goes with the start that nobody waits for any more"""
    client = threading.Thread(target=virsh, args=("create", "/dev/stdin"), kwargs={
        "text": xml("<cachetune vcpus='0'>%s</cachetune>" % CACHE % (0, 2, "MiB")), "check": False})
    client.start()
    wait_until(groups, step=0.001, what="a group")
    daemon.restart()
    client.join()
    wait_until(lambda: not groups() and not emulator_pids("guest"), what="the end of the start")

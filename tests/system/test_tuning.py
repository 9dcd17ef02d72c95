# SPDX-License-Identifier: LGPL-2.1-or-later
"""What clients set of guests beside their devices: each seen where it has its effect, in the stored
document, after a restart of the daemon, and in the next run of the guest."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest
from conftest import boot, code_of
from daemon import IMAGES, URI, emulator_pids, hlt_xml, linux_xml, virsh, wait_until

NAME = "tuned"
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
BOTH = LIVE | CONFIG
MAC = "52:54:00:11:22:33"
DEVICES = """
  <disk type='file' device='disk'><driver name='qemu' type='raw'/>
    <source file='%s/tuned.img'/><target dev='vda' bus='virtio'/></disk>
  <interface type='ethernet'><mac address='%s'/><target dev='tuned0'/><model type='virtio'/></interface>
""" % (IMAGES, MAC)


def document():
    text = hlt_xml(NAME, devices=DEVICES)
    text = text.replace("<memballoon model='none'/>", "<memballoon model='virtio'/>")
    return text.replace("<vcpu>1</vcpu>", "<vcpu current='1'>3</vcpu><iothreads>1</iothreads>")


@pytest.fixture
def tuned(connection):
    """a running guest, also defined"""
    image = IMAGES / "tuned.img"
    with image.open("wb") as file:
        file.truncate(1 << 20)
    image.chmod(0o666)
    domain = connection.defineXML(document())
    domain.create()
    return domain


@contextlib.contextmanager
def tunable_events(domain):
    """the parameters of the events that come meanwhile"""
    seen = []
    with contextlib.closing(libvirt.open(URI)) as watcher:
        number = watcher.domainEventRegisterAny(
            None, libvirt.VIR_DOMAIN_EVENT_ID_TUNABLE, lambda c, d, params, _: seen.append(params), None)
        yield seen
        watcher.domainEventDeregisterAny(number)


def qmp(domain, command, **arguments):
    text = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0))["return"]


def find(domain, path, flags=0):
    return ElementTree.fromstring(domain.XMLDesc(flags)).find(path)


def both(domain, path, attribute=None):
    """what the live and the stored document say"""
    found = [find(domain, path, flags) for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE)]
    return [None if e is None else e.get(attribute) if attribute else e.text for e in found]


def again(daemon):
    """the guest as the next daemon has it"""
    daemon.restart()
    domain = libvirt.open(URI).lookupByName(NAME)
    wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
    return domain


def next_run(domain):
    domain.destroy()
    domain.create()
    return domain


def group_file(name):
    """a file of the running guest's control group"""
    for path in pathlib.Path("/sys/fs/cgroup").glob("**/qemu-*-%s/%s" % (NAME, name)):
        return path
    pytest.skip("this host's control groups have no %s" % name)


def group(name):
    return group_file(name).read_text().split()


def threads():
    """the affinity of QEMU's threads, by name"""
    found = {}
    for task in pathlib.Path("/proc/%d/task" % emulator_pids(NAME)[0]).iterdir():
        status = (task / "status").read_text()
        cpus = re.search(r"Cpus_allowed_list:\s*(\S+)", status).group(1)
        found.setdefault((task / "comm").read_text().strip(), set()).add(cpus)
    return found


def affinity(prefix):
    return set().union(*(cpus for name, cpus in threads().items() if name.startswith(prefix)))


# ---- CPUs ----

def test_pinning(tuned, daemon):
    if os.cpu_count() < 2:
        pytest.skip("pinning needs two CPUs")
    with tunable_events(tuned) as seen:
        virsh("vcpupin", NAME, "0", "1", "--live", "--config")
        virsh("emulatorpin", NAME, "0", "--live", "--config")
        virsh("iothreadpin", NAME, "1", "1", "--live", "--config")
        wait_until(lambda: len(seen) == 3)
    assert [list(p.items())[0] for p in seen] == [
        ("cputune.vcpupin0", "1"), ("cputune.emulatorpin", "0"), ("cputune.iothreadpin1", "1")]
    for _ in ("now", "in the next run"):
        assert affinity("CPU 0") == {"1"} and affinity("IO iothread1") == {"1"}
        assert affinity("qemu-system") == {"0"}
        assert both(tuned, "cputune/vcpupin", "cpuset") == ["1", "1"]
        assert both(tuned, "cputune/emulatorpin", "cpuset") == ["0", "0"]
        next_run(tuned)
    tuned = again(daemon)
    assert affinity("CPU 0") == {"1"}
    assert tuned.vcpuPinInfo()[0][:2] == (False, True)
    assert tuned.emulatorPinInfo()[:2] == (True, False)
    assert code_of(tuned.pinVcpu, 7, (True,)) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(tuned.pinEmulator, (False, False)) == libvirt.VIR_ERR_INVALID_ARG


def test_scheduler(tuned, daemon):
    with tunable_events(tuned) as seen:
        virsh("schedinfo", NAME, "--live", "--set", "cpu_shares=512")
        wait_until(lambda: seen == [{"cputune.cpu_shares": 512}])
    assert group("cpu.shares") == ["512"]
    virsh("schedinfo", NAME, "--config", "--set", "cpu_shares=256", "global_period=50000",
          "global_quota=25000", "vcpu_period=60000", "vcpu_quota=30000", "emulator_quota=40000")
    assert group("cpu.shares") == ["512"] and both(tuned, "cputune/shares") == ["512", "256"]
    next_run(tuned)
    assert group("cpu.shares") == ["256"] and group("cpu.cfs_quota_us") == ["25000"]
    assert group("vcpu0/cpu.cfs_quota_us") == ["30000"] and group("vcpu0/cpu.cfs_period_us") == ["60000"]
    assert group("emulator/cpu.cfs_quota_us") == ["40000"]
    assert len(group("vcpu0/tasks")) == 1
    tuned = again(daemon)
    values = tuned.schedulerParametersFlags(LIVE)
    assert values["cpu_shares"] == 256 and values["vcpu_quota"] == 30000 and values["iothread_quota"] == -1
    tuned.setSchedulerParametersFlags({"vcpu_quota": -1}, LIVE)
    assert group("vcpu0/cpu.cfs_quota_us") == ["-1"]
    assert code_of(tuned.setSchedulerParameters, {"vcpu_period": 10}) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(tuned.setSchedulerParameters, {"cpu_shares": 1}) == libvirt.VIR_ERR_INVALID_ARG
    assert group("cpu.shares") == ["256"] and both(tuned, "cputune/shares") == ["256", "256"]


def test_vcpus(tuned, daemon):
    count = lambda: len(qmp(tuned, "query-cpus-fast"))
    virsh("setvcpus", NAME, "2", "--live")
    assert count() == 2 and both(tuned, "vcpu", "current") == ["2", "1"]
    virsh("setvcpu", NAME, "2", "--enable", "--live")
    assert count() == 3 and [v.get("enabled") for v in find(tuned, "vcpus")] == ["yes"] * 3
    tuned = again(daemon)
    assert tuned.vcpusFlags(LIVE) == 3 and count() == 3
    assert code_of(tuned.setVcpus, 4) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(tuned.setVcpu, "1", 1, LIVE) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(tuned.setVcpu, "1-2", 0, LIVE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    virsh("setvcpus", NAME, "4", "--config", "--maximum")
    virsh("setvcpu", NAME, "3", "--enable", "--config")      # out of order
    next_run(tuned)
    assert sorted(c["cpu-index"] for c in qmp(tuned, "query-cpus-fast")) == [0, 3]
    assert tuned.maxVcpus() == 4 and tuned.vcpusFlags(LIVE) == 2
    assert [v[0] for v in tuned.vcpus()[0]] == [0, 3]
    assert "vcpu.3.time" in virsh("domstats", "--vcpu", NAME)


def test_vcpus_of_a_stored_document(hlt):
    def stored():
        """of each: enabled, hotpluggable; none has an order, which is one of plugging"""
        return ["".join((v.get("enabled") or "-")[0] + (v.get("hotpluggable") or "-")[0] + (v.get("order") or "")
                        for v in find(hlt, "vcpus") or ())]
    steps = [("setvcpus hlt 6 --maximum", ""), ("setvcpus hlt 3", ""),
             ("setvcpus hlt 4 --hotpluggable", "yn yn yn yy ny ny"), ("setvcpus hlt 5", "yn yn yn yy yy ny"),
             ("setvcpus hlt 2", "yn yn ny ny ny ny"), ("setvcpus hlt 3", "yn yn yn ny ny ny"),
             ("setvcpu hlt 5 --enable", "yn yn yn ny ny yy"), ("setvcpu hlt 2 --disable", "yn yn ny ny ny yy"),
             ("setvcpus hlt 7 --maximum", "yn yn ny ny ny yy n-"), ("setvcpus hlt 2 --maximum", "yn yn")]
    for words, expected in steps:
        virsh(*words.split(), "--config")
        assert stored() == [expected.replace(" ", "")], words
    virsh("setvcpus", "hlt", "4", "--maximum", "--config")
    virsh("setvcpus", "hlt", "4", "--config")
    for which in ("0", "1", "1-2"):     # QEMU starts with those that follow
        assert code_of(hlt.setVcpu, which, 0, CONFIG) == libvirt.VIR_ERR_INVALID_ARG
    hlt.create()
    assert len(qmp(hlt, "query-cpus-fast")) == 4


def test_vcpus_of_nodes(connection):
    cells = "<cpu><numa><cell id='0' cpus='0' memory='16' unit='MiB'/>" \
        "<cell id='1' cpus='1' memory='16' unit='MiB'/></numa></cpu>"
    domain = connection.defineXML(hlt_xml("noded").replace("<vcpu>1</vcpu>", "<vcpu>2</vcpu>" + cells))
    virsh("setvcpus", "noded", "4", "--maximum", "--config")
    assert [cell.get("cpus") for cell in find(domain, "cpu/numa")] == ["0,2-3", "1"]
    assert code_of(domain.setVcpusFlags, 3, CONFIG | libvirt.VIR_DOMAIN_VCPU_MAXIMUM) == libvirt.VIR_ERR_INVALID_ARG


def test_vcpu_leaves(connection):
    domain = connection.defineXML(linux_xml(NAME).replace("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu>"))
    console = boot(domain)
    domain.setVcpus(2)
    console.send("until [ -d /sys/devices/system/cpu/cpu1 ]; do :; done; echo has come$((6*7))\n")
    console.wait("has come42")
    seen = []
    number = connection.domainEventRegisterAny(
        domain, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, lambda c, d, alias, _: seen.append(alias), None)
    domain.setVcpusFlags(1, LIVE)
    assert len(qmp(domain, "query-cpus-fast")) == 1 and domain.vcpusFlags(LIVE) == 1
    wait_until(lambda: seen == ["vcpu1"])
    connection.domainEventDeregisterAny(number)
    console.close()


def test_iothreads(tuned, daemon):
    ids = lambda: sorted(t["id"] for t in qmp(tuned, "query-iothreads"))
    virsh("iothreadadd", NAME, "3", "--live", "--config")
    assert ids() == ["iothread1", "iothread3"]
    virsh("iothreadset", NAME, "3", "--live", "--poll-max-ns", "5000", "--thread-pool-max", "7")
    assert qmp(tuned, "qom-get", path="/objects/iothread3", property="poll-max-ns") == 5000
    assert qmp(tuned, "qom-get", path="/objects/iothread3", property="thread-pool-max") == 7
    next_run(tuned)
    assert ids() == ["iothread1", "iothread3"]
    tuned = again(daemon)
    virsh("iothreaddel", NAME, "3", "--live", "--config")
    assert ids() == ["iothread1"] and [t[0] for t in tuned.ioThreadInfo(CONFIG)] == [1]
    assert code_of(tuned.delIOThread, 3, LIVE) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(tuned.addIOThread, 1, LIVE) == libvirt.VIR_ERR_INVALID_ARG


# ---- memory ----

def test_balloon(connection):
    domain = connection.defineXML(linux_xml(NAME))
    boot(domain).close()
    # once, as long as nobody asks for more
    wait_until(lambda: {"available", "unused"} <= domain.memoryStats().keys(), what=domain.memoryStats)
    seen = []
    number = connection.domainEventRegisterAny(
        domain, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, lambda c, d, kib, _: seen.append(kib), None)
    virsh("setmem", NAME, "96M", "--live")
    wait_until(lambda: qmp(domain, "query-balloon")["actual"] == 96 << 20, 30)
    wait_until(lambda: seen and seen[-1] == 96 << 10)
    wait_until(lambda: both(domain, "currentMemory") == [str(96 << 10), str(128 << 10)])
    connection.domainEventDeregisterAny(number)
    virsh("setmem", NAME, "64M", "--config")
    assert both(domain, "currentMemory")[1] == str(64 << 10)
    assert code_of(domain.setMemory, 1 << 20) == libvirt.VIR_ERR_INVALID_ARG
    virsh("dommemstat", NAME, "--period", "2", "--live", "--config")
    alias = find(domain, "devices/memballoon/alias").get("name")
    assert qmp(domain, "qom-get", path="/machine/peripheral/" + alias,
               property="guest-stats-polling-interval") == 2
    assert both(domain, "devices/memballoon/stats", "period") == ["2", "2"]


def ask_monitor(path, *commands):
    """what QEMU answers where no daemon is in between"""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(30)
        monitor.connect(str(path))
        lines = monitor.makefile("rw")
        lines.readline()
        answers = []
        for command in ({"execute": "qmp_capabilities"}, *commands):
            lines.write(json.dumps(command) + "\n")
            lines.flush()
            answers.append(next(reply["return"] for reply in map(json.loads, lines) if "return" in reply))
        return answers[-1]


def test_balloon_that_moved_meanwhile(connection, daemon):
    domain = connection.defineXML(linux_xml(NAME))
    boot(domain).close()
    (path,) = pathlib.Path("/var/lib/libvirt/qemu").glob("domain-*-%s/monitor.sock" % NAME)
    daemon.kill(signal.SIGKILL)
    ask_monitor(path, {"execute": "balloon", "arguments": {"value": 80 << 20}})
    wait_until(lambda: ask_monitor(path, {"execute": "query-balloon"})["actual"] == 80 << 20, 30, 0.1)
    daemon.start()
    with contextlib.closing(libvirt.open(URI)) as fresh:
        domain = fresh.lookupByName(NAME)
        wait_until(lambda: find(domain, "currentMemory").text == str(80 << 10), what=domain.XMLDesc)


def test_maximum_memory(hlt):
    virsh("setmaxmem", "hlt", "48M")
    assert hlt.maxMemory() == 48 << 10
    hlt.create()
    assert code_of(hlt.setMaxMemory, 65536) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(hlt.setMemory, 20480) == libvirt.VIR_ERR_OPERATION_INVALID     # no balloon


def test_memory_limits(tuned, daemon):
    group_file("memory.limit_in_bytes")
    virsh("memtune", NAME, "--live", "--hard-limit", "2G", "--swap-hard-limit", "3G", "--soft-limit", "1G")
    assert group("memory.limit_in_bytes") == [str(2 << 30)]
    assert group("memory.memsw.limit_in_bytes") == [str(3 << 30)]
    virsh("memtune", NAME, "--config", "--hard-limit", "4G")
    assert both(tuned, "memtune/hard_limit") == [str(2 << 20), str(4 << 20)]
    tuned = again(daemon)
    assert tuned.memoryParameters(LIVE)["soft_limit"] == 1 << 20
    virsh("memtune", NAME, "--live", "--hard-limit", "-1", "--swap-hard-limit", "-1")
    assert int(group("memory.limit_in_bytes")[0]) > 1 << 60
    next_run(tuned)
    assert group("memory.limit_in_bytes") == [str(4 << 30)]
    assert code_of(tuned.setMemoryParameters, {"swap_hard_limit": 1 << 20}, LIVE) == libvirt.VIR_ERR_INVALID_ARG


def test_nodes(tuned):
    assert code_of(tuned.setNumaParameters, {"numa_mode": 2}, CONFIG) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    virsh("numatune", NAME, "--config", "--mode", "restrictive", "--nodeset", "0")
    assert code_of(tuned.setNumaParameters, {"numa_mode": 2}, LIVE) == libvirt.VIR_ERR_OPERATION_INVALID
    group_file("cpuset.mems")
    next_run(tuned)
    assert group("cpuset.mems") == ["0"] and find(tuned, "numatune/memory").get("mode") == "restrictive"
    tuned.setNumaParameters({"numa_nodeset": "0"}, LIVE)
    assert code_of(tuned.setNumaParameters, {"numa_nodeset": "99"}, LIVE) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert both(tuned, "numatune/memory", "nodeset") == ["0", "0"]


def test_nodes_of_a_guest_that_had_none(tuned):
    group_file("cpuset.mems")
    tuned.setNumaParameters({"numa_nodeset": "0"}, LIVE)
    assert both(tuned, "numatune/memory", "nodeset") == ["0", None] and group("cpuset.mems") == ["0"]
    assert code_of(tuned.setNumaParameters, {"numa_nodeset": "0"}, LIVE) == libvirt.VIR_ERR_OPERATION_INVALID


# ---- disks and interfaces ----

def limits(domain):
    (drive,) = [d["inserted"] for d in qmp(domain, "query-block") if "inserted" in d]
    return drive


def test_disk_limits(tuned, daemon):
    with tunable_events(tuned) as seen:
        virsh("blkdeviotune", NAME, "vda", "--live", "--total-bytes-sec", "1000000",
              "--total-iops-sec", "100", "--total-iops-sec-max", "200", "--group-name", "slow")
        wait_until(lambda: seen)
    assert seen[0]["blkdeviotune.disk"] == "vda" and seen[0]["blkdeviotune.total_bytes_sec"] == 1000000
    assert (limits(tuned)["bps"], limits(tuned)["iops"], limits(tuned)["iops_max"],
            limits(tuned)["group"]) == (1000000, 100, 200, "slow")
    assert tuned.blockIoTune("vda", LIVE)["total_iops_sec_max_length"] == 1     # nothing is said: a second
    virsh("blkdeviotune", NAME, "vda", "--config", "--read-bytes-sec", "5000")
    assert both(tuned, "devices/disk/iotune/read_bytes_sec") == [None, "5000"]
    tuned = again(daemon)
    assert tuned.blockIoTune("vda", LIVE)["total_bytes_sec"] == 1000000 == limits(tuned)["bps"]
    tuned.setBlockIoTune("vda", {"read_bytes_sec": 7000}, LIVE)        # of the total no more
    assert (limits(tuned)["bps"], limits(tuned)["bps_rd"]) == (0, 7000)
    next_run(tuned)
    assert limits(tuned)["bps_rd"] == 5000
    for values, code in (({"total_iops_sec_max": 5}, libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
                         ({"total_bytes_sec": 1 << 60}, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED)):
        assert code_of(tuned.setBlockIoTune, "vda", values, LIVE) == code
    assert code_of(tuned.setBlockIoTune, "vdz", {"total_bytes_sec": 1}) == libvirt.VIR_ERR_INVALID_ARG


def test_groups_of_limits(connection):
    """disks of a group have one limit between them; who joins takes it, who has none leaves"""
    drive = "<disk type='file'><source file='%s'/><target dev='vd%s' bus='virtio'/></disk>"
    for name in "ab":
        (IMAGES / ("group-%s.img" % name)).write_bytes(bytes(4096))
        (IMAGES / ("group-%s.img" % name)).chmod(0o666)
    domain = connection.defineXML(hlt_xml("groups", devices="".join(
        drive % (IMAGES / ("group-%s.img" % name), name) for name in "ab")))
    domain.create()

    def limit(target, values):
        for flags in (LIVE, CONFIG):
            domain.setBlockIoTune(target, values, flags)

    def seen(flags):
        return [(tune["group_name"], tune["total_bytes_sec"]) for tune in
                (domain.blockIoTune(target, flags) for target in ("vda", "vdb"))]

    def in_qemu():
        return [(d["inserted"].get("group") or "", d["inserted"]["bps"]) for d in qmp(domain, "query-block")]
    for values in ({"group_name": "y"}, {"group_name": "y", "total_bytes_sec": 0}):
        assert code_of(domain.setBlockIoTune, "vda", values, LIVE) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    limit("vdb", {"total_bytes_sec": 500})
    assert seen(CONFIG)[1] == ("", 500)
    assert seen(LIVE)[1] == in_qemu()[1] == ("/machine/peripheral/virtio-disk1/virtio-backend", 500)
    limit("vda", {"group_name": "y", "total_bytes_sec": 1000})
    limit("vdb", {"group_name": "y"})
    assert seen(LIVE) == seen(CONFIG) == in_qemu() == [("y", 1000)] * 2
    limit("vdb", {"total_bytes_sec": 2000})
    assert seen(LIVE) == seen(CONFIG) == in_qemu() == [("y", 2000)] * 2
    limit("vdb", {"total_bytes_sec": 0})
    assert seen(LIVE) == seen(CONFIG) == [("y", 2000), ("", 0)]
    assert in_qemu()[0] == ("y", 2000) and in_qemu()[1][1] == 0
    limit("vda", {"group_name": "y", "total_bytes_sec": 0})
    assert find(domain, "devices/disk/iotune") is None and in_qemu()[0][1] == 0


def test_block_weight(tuned):
    virsh("blkiotune", NAME, "--config", "--weight", "400", "--device-read-iops-sec", "/dev/nowhere,100")
    assert both(tuned, "blkiotune/weight")[1] == "400"
    assert both(tuned, "blkiotune/device/read_iops_sec")[1] == "100"
    virsh("blkiotune", NAME, "--config", "--device-read-iops-sec", "/dev/nowhere,0")
    assert both(tuned, "blkiotune/device/read_iops_sec")[1] is None
    assert code_of(tuned.setBlkioParameters, {"device_read_iops_sec": "/dev/nowhere,9"},
                   LIVE) == libvirt.VIR_ERR_SYSTEM_ERROR
    group_file("blkio.bfq.weight")
    next_run(tuned)
    assert group("blkio.bfq.weight")[-1] == "400"
    virsh("blkiotune", NAME, "--live", "--weight", "300")
    assert group("blkio.bfq.weight")[-1] == "300" and tuned.blkioParameters(LIVE)["weight"] == 300


def classes():
    return subprocess.run(["tc", "class", "show", "dev", "tuned0"], capture_output=True, text=True).stdout


def test_bandwidth_by_address(connection):
    one = "<interface type='%s'><mac address='52:54:00:11:22:%s'/></interface>"
    domain = connection.defineXML(hlt_xml("rates", devices=one % ("ethernet", "44") * 2 + one % ("user", "55")))
    virsh("domiftune", "rates", "52:54:00:11:22:44", "--config", "--inbound", "100")
    first, second = ElementTree.fromstring(domain.XMLDesc()).findall("devices/interface[@type='ethernet']")
    assert first.find("bandwidth/inbound").get("average") == "100" and second.find("bandwidth") is None
    assert code_of(domain.setInterfaceParameters, "52:54:00:11:22:55", {"inbound.average": 1},
                   CONFIG) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_bandwidth(tuned, daemon):
    done = virsh("domiftune", NAME, MAC, "--live", "--config", "--inbound", "1000,2000,50", check=False)
    if done.returncode:
        assert "tc" in done.stderr
        pytest.skip("this host's kernel can't limit traffic: " + done.stderr.strip())
    assert "rate 8192Kbit ceil 16384Kbit burst 50Kb" in classes() or "rate 8Mbit ceil 16Mbit" in classes()
    tuned = again(daemon)
    assert tuned.interfaceParameters("tuned0", LIVE)["inbound.peak"] == 2000
    assert both(tuned, "devices/interface/bandwidth/inbound", "average") == ["1000", "1000"]
    next_run(tuned)
    assert "htb" in classes()
    virsh("domiftune", NAME, "tuned0", "--live", "--inbound", "0")
    assert classes() == "" and both(tuned, "devices/interface/bandwidth/inbound", "average") == [None, "1000"]
    assert code_of(tuned.setInterfaceParameters, MAC, {"inbound.floor": 10},
                   LIVE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED


def test_images(tuned, connection):
    virsh("blockresize", NAME, "vda", "3M")
    assert os.stat(IMAGES / "tuned.img").st_size == 3 << 20 == tuned.blockInfo("vda")[0]
    assert code_of(tuned.blockResize, "vdz", 2048) == libvirt.VIR_ERR_INVALID_ARG
    with (IMAGES / "tuned.img").open("r+b") as file:
        file.write(b"modvirt")
    assert tuned.blockPeek("vda", 0, 7) == b"modvirt"
    assert code_of(tuned.blockPeek, "/etc/passwd", 0, 7) == libvirt.VIR_ERR_INVALID_ARG
    assert len(tuned.memoryPeek(0, 16, libvirt.VIR_MEMORY_PHYSICAL)) == 16
    assert not [p for p in pathlib.Path("/var/lib/libvirt/qemu").glob("domain-*/memory-*")]
    seen = []
    number = connection.domainEventRegisterAny(
        tuned, libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
        lambda c, d, dev, path, threshold, excess, _: seen.append((dev, path, threshold)), None)
    virsh("domblkthreshold", NAME, "vda", "65536")
    alias = find(tuned, "devices/disk/alias").get("name")
    libvirt_qemu.qemuMonitorCommand(
        tuned, "qemu-io -d /machine/peripheral/%s/virtio-backend \"write 128k 64k\"" % alias,
        libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)
    wait_until(lambda: ("vda", str(IMAGES / "tuned.img"), 65536) in seen)
    connection.domainEventDeregisterAny(number)


# ---- what is measured ----

def test_counters(tuned, daemon):
    virsh("perf", NAME, "--enable", "task_clock", "--live", "--config")
    assert tuned.perfEvents(LIVE)["task_clock"] and tuned.perfEvents(CONFIG)["task_clock"]
    counted = lambda: "perf.task_clock=" in virsh("domstats", "--perf", NAME)
    assert counted()
    tuned = again(daemon)
    assert counted()
    virsh("perf", NAME, "--disable", "task_clock", "--live")
    assert not counted() and tuned.perfEvents(CONFIG)["task_clock"]
    assert code_of(tuned.setPerfEvents, {"cmt": True}, LIVE) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    assert not tuned.perfEvents(LIVE)["cmt"]


def test_dirty_rate(tuned):
    virsh("domdirtyrate-calc", NAME, "--seconds", "1")
    wait_until(lambda: "dirtyrate.calc_status=2" in virsh("domstats", "--dirtyrate", NAME), 30, 0.1)
    assert code_of(tuned.startDirtyRateCalc, 0) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


# ---- what becomes of it ----

def test_lifecycle_action(tuned):
    virsh("set-lifecycle-action", NAME, "reboot", "destroy", "--live")
    assert both(tuned, "on_reboot") == ["destroy", "restart"]
    qmp(tuned, "system_reset")
    wait_until(lambda: not tuned.isActive(), 30)
    tuned.setLifecycleAction(libvirt.VIR_DOMAIN_LIFECYCLE_CRASH, libvirt.VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE,
                             CONFIG)
    assert find(tuned, "on_crash").text == "preserve"
    assert code_of(tuned.setLifecycleAction, libvirt.VIR_DOMAIN_LIFECYCLE_POWEROFF,
                   libvirt.VIR_DOMAIN_LIFECYCLE_ACTION_PRESERVE, CONFIG) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_launch_security(tuned):
    assert tuned.launchSecurityInfo() == {}
    assert code_of(tuned.setLaunchSecurityState, {"sev-secret": "x", "sev-secret-header": "y"}) == \
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert code_of(tuned.connect().getSEVInfo) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED


def test_messages(tuned, daemon):
    assert tuned.messages() == []
    qmp(tuned, "query-status")
    words = ["tainted: custom monitor control commands issued"]
    assert tuned.messages() == words
    tuned = again(daemon)
    assert tuned.messages() == words
    assert tuned.messages(libvirt.VIR_DOMAIN_MESSAGE_DEPRECATION) == []
    assert next_run(tuned).messages() == []


def test_open_graphics(connection):
    domain = connection.createXML(hlt_xml(NAME, devices="<graphics type='vnc' port='-1' autoport='yes'/>"))
    descriptor = domain.openGraphicsFD(0)
    try:
        assert os.read(descriptor, 12).startswith(b"RFB")
    finally:
        os.close(descriptor)
    assert code_of(domain.openGraphicsFD, 1) == libvirt.VIR_ERR_INTERNAL_ERROR


# ---- guests that hang, daemons that are killed ----

@contextlib.contextmanager
def stopped(name):
    pid = emulator_pids(name)[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_hung_guest(tuned):
    """what the kernel does is done; what QEMU would have to do ends with an error, and QEMU and the
    document agree once it answers again"""
    with stopped(NAME):
        tuned.pinVcpu(0, (True,))
        assert affinity("CPU 0") == {"0"}
        tuned.setSchedulerParametersFlags({"cpu_shares": 300}, LIVE)
        assert group("cpu.shares") == ["300"]
        assert code_of(tuned.setBlockIoTune, "vda", {"total_bytes_sec": 12345},
                       LIVE) == libvirt.VIR_ERR_OPERATION_TIMEOUT
        assert tuned.blockIoTune("vda", LIVE)["total_bytes_sec"] == 0
    wait_until(lambda: code_of(qmp, tuned, "query-status") is None, 60)
    wait_until(lambda: limits(tuned)["bps"] == 0, 30)
    assert tuned.blockIoTune("vda", LIVE)["total_bytes_sec"] == 0


@pytest.mark.parametrize("delay_ms", [0, 2, 5, 10, 20])
def test_killed_in_the_middle(tuned, daemon, delay_ms):
    """whatever was done of it: what the document says is in effect"""
    def change():
        with contextlib.suppress(libvirt.libvirtError), contextlib.closing(libvirt.open(URI)) as other:
            domain = other.lookupByName(NAME)
            for number in range(1, 100):
                domain.setBlockIoTune("vda", {"total_bytes_sec": number * 1000}, LIVE)
                domain.setMemoryParameters({"hard_limit": (1 << 20) + number * 1024}, LIVE)
                domain.pinEmulator((bool(number % 2), not number % 2), LIVE)

    changer = threading.Thread(target=change)
    changer.start()
    threading.Event().wait(delay_ms / 1000)
    daemon.kill()
    changer.join()
    daemon.start()
    tuned = libvirt.open(URI).lookupByName(NAME)
    wait_until(lambda: code_of(qmp, tuned, "query-status") is None, 30)
    rate = find(tuned, "devices/disk/iotune/total_bytes_sec")
    assert limits(tuned)["bps"] == (int(rate.text) if rate is not None else 0)
    pin = find(tuned, "cputune/emulatorpin")
    if pin is not None:
        assert affinity("qemu-system") == {pin.get("cpuset")}
    limit = find(tuned, "memtune/hard_limit")
    expected = int(limit.text) * 1024 if limit is not None else None
    found = int(group("memory.limit_in_bytes")[0])
    assert found == expected if expected else found > 1 << 60


# ---- latencies of disks ----

def counting_disk(target, histograms):
    path = IMAGES / (target + "-counted.img")
    with path.open("wb") as file:
        file.truncate(1 << 20)
    path.chmod(0o666)
    return """<disk type='file' device='disk'><driver name='qemu' type='raw'><statistics>%s</statistics></driver>
      <source file='%s'/><target dev='%s' bus='%s'/></disk>""" % (
        histograms, path, target, "virtio" if target.startswith("v") else "scsi")


def boundaries(domain):
    """by disk, then by kind of request: where the classes of latencies that QEMU counts begin"""
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, '{"execute": "query-blockstats"}', 0))
    return {disk["qdev"].removesuffix("/virtio-backend").rsplit("/", 1)[-1]: {
        kind: disk["stats"][kind + "_latency_histogram"]["boundaries"] for kind in ("rd", "wr", "flush")
        if kind + "_latency_histogram" in disk["stats"]} for disk in answer["return"]}


def test_latency_histograms(connection):
    """of all requests or of one kind, at the start and when a disk is plugged in"""
    bins = "<bin start='0'/><bin start='1000'/><bin start='50000'/>"
    disks = counting_disk("vda", "<latency-histogram>%s</latency-histogram>" % bins) \
        + counting_disk("sda", "<latency-histogram type='read'>%s</latency-histogram>" % bins)
    domain = connection.defineXML(hlt_xml(NAME, devices=disks))
    domain.create()
    classes = [1000, 50000]
    expected = {"virtio-disk0": {"rd": classes, "wr": classes, "flush": classes},
                "scsi0-0-0": {"rd": classes}}
    assert boundaries(domain) == expected
    domain.attachDevice(counting_disk("sdb", "<latency-histogram type='flush'>%s</latency-histogram>" % bins))
    assert boundaries(domain) == expected | {"scsi0-0-1": {"flush": classes}}
    assert "<latency-histogram type='flush'>" in domain.XMLDesc()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stock clients read about the host and about guests, beyond state and statistics."""
import os
import subprocess
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from conftest import code_of
from daemon import emulator_pids, hlt_xml, virsh, wait_until

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


# --- the host -------------------------------------------------------------------------------

def test_sysinfo_is_a_document_or_refused_in_clear_words(connection):
    try:
        document = ElementTree.fromstring(connection.getSysinfo(0))
    except libvirt.libvirtError as error:
        assert error.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        return
    assert (document.tag, document.get("type")) == ("sysinfo", "smbios")
    assert document.findall("*/entry[@name]")


def test_what_is_not_there(connection):
    cells = connection.getInfo()[4]
    assert code_of(connection.getCellsFreeMemory, cells, 1) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert code_of(connection.getFreePages, [4], cells, 1) == libvirt.VIR_ERR_INTERNAL_ERROR
    assert connection.getMaxVcpus("qemu") > 0
    if not os.path.exists("/dev/kvm"):
        assert code_of(connection.getMaxVcpus, "kvm") == libvirt.VIR_ERR_SYSTEM_ERROR


def test_merging_of_pages(connection):
    values = connection.getMemoryParameters()
    assert all(name.startswith("shm_") for name in values)


# --- the agent ------------------------------------------------------------------------------

NEED_THE_AGENT = [
    lambda d: d.getTime(), lambda d: d.setTime({"seconds": 1}), lambda d: d.fsInfo(),
    lambda d: d.fsFreeze(), lambda d: d.fsThaw(), lambda d: d.fSTrim(None, 0),
    lambda d: d.guestInfo(), lambda d: d.hostname(),
    lambda d: d.authorizedSSHKeysGet("root"), lambda d: d.setUserPassword("root", "x"),
    lambda d: d.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT),
]


def test_the_agent_is_not_configured(hlt):
    for call in NEED_THE_AGENT:
        assert code_of(call, hlt) == libvirt.VIR_ERR_OPERATION_INVALID
    hlt.create()
    for call in NEED_THE_AGENT:
        with pytest.raises(libvirt.libvirtError) as refused:
            call(hlt)
        assert refused.value.get_error_code() == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
        assert str(refused.value) == "argument unsupported: QEMU guest agent is not configured"


def test_nobody_is_at_the_other_end_of_the_agents_channel(connection):
    domain = connection.createXML(hlt_xml("agent", devices=AGENT))
    assert "org.qemu.guest_agent.0' state='disconnected'" in domain.XMLDesc()
    for call in NEED_THE_AGENT:
        assert code_of(call, domain) == libvirt.VIR_ERR_AGENT_UNRESPONSIVE


def test_hostname_of_a_lease(hlt):
    hlt.create()
    assert code_of(hlt.hostname, libvirt.VIR_DOMAIN_GET_HOSTNAME_LEASE) == libvirt.VIR_ERR_NO_HOSTNAME
    both = libvirt.VIR_DOMAIN_GET_HOSTNAME_LEASE | libvirt.VIR_DOMAIN_GET_HOSTNAME_AGENT
    assert code_of(hlt.hostname, both) == libvirt.VIR_ERR_INVALID_ARG


# --- CPUs -----------------------------------------------------------------------------------

PINNED = """<cputune>
    <shares>2048</shares><period>50000</period><quota>25000</quota>
    <vcpupin vcpu='1' cpuset='0'/><emulatorpin cpuset='0'/><iothreadpin iothread='7' cpuset='0'/>
</cputune>"""


@pytest.fixture
def pinned(connection):
    text = hlt_xml("pinned").replace("<vcpu>1</vcpu>", "<vcpu current='1'>2</vcpu>" + PINNED + """
        <iothreads>2</iothreads><iothreadids><iothread id='7'/></iothreadids>""")
    return connection.defineXML(text)


def host_cpus(connection):
    total, online, _ = connection.getCPUMap()
    return total, tuple(online[:total])


def only_first(total):
    return tuple(cpu == 0 for cpu in range(total))


def test_pinning_of_a_definition(connection, pinned):
    total, online = host_cpus(connection)
    first = only_first(total)
    assert pinned.emulatorPinInfo(CONFIG) == first
    assert pinned.ioThreadInfo(CONFIG) == [(7, list(first)), (1, list(online))]
    lines = [line.split() for line in virsh("vcpupin", "pinned").splitlines()]
    assert [words[0] for words in lines] == ["0", "1"] and lines[1][1] == "0"
    assert code_of(pinned.emulatorPinInfo, LIVE) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(pinned.emulatorPinInfo, LIVE | CONFIG) == libvirt.VIR_ERR_INVALID_ARG


def test_cpus_of_a_running_guest(connection, hlt):
    hlt.create()
    total, online = host_cpus(connection)
    assert hlt.vcpuPinInfo() == [online] and hlt.emulatorPinInfo() == online
    states, maps = hlt.vcpus()
    assert maps == [online] and states[0][1] == libvirt.VIR_VCPU_RUNNING and states[0][3] < total
    assert "CPU Affinity:" in virsh("vcpuinfo", "hlt")


def test_scheduler(connection, pinned, hlt):
    assert hlt.schedulerType() == ("posix", 9)
    config = pinned.schedulerParametersFlags(CONFIG)
    assert (config["cpu_shares"], config["vcpu_period"], config["vcpu_quota"]) == (2048, 50000, 25000)
    assert config["global_quota"] == 0
    hlt.create()
    live = hlt.schedulerParameters()
    assert (live["vcpu_period"], live["vcpu_quota"]) == (100000, -1)
    assert "Scheduler      : posix" in virsh("schedinfo", "hlt")


def test_times(hlt):
    assert code_of(hlt.getCPUStats, True) == libvirt.VIR_ERR_OPERATION_INVALID
    hlt.create()
    total, = hlt.getCPUStats(True)
    assert total["cpu_time"] > 0 and {"user_time", "system_time"} < total.keys()
    try:
        each = hlt.getCPUStats(False)
    except libvirt.libvirtError as error:       # of the unified hierarchy, which has no such account
        assert error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
    else:
        wait_until(lambda: sum(cpu["vcpu_time"] for cpu in hlt.getCPUStats(False)) > 0,
                   what="a vcpu's turn")
        each = hlt.getCPUStats(False)
        assert sum(cpu["cpu_time"] for cpu in each) >= sum(cpu["vcpu_time"] for cpu in each)


def test_counts(hlt):
    guest = libvirt.VIR_DOMAIN_VCPU_GUEST
    assert code_of(hlt.vcpusFlags, guest) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(hlt.vcpusFlags, guest | LIVE) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(hlt.jobStats) == libvirt.VIR_ERR_OPERATION_INVALID
    hlt.create()
    assert hlt.vcpusFlags(libvirt.VIR_DOMAIN_VCPU_MAXIMUM | LIVE) == 1
    assert code_of(hlt.vcpusFlags, guest) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    assert hlt.jobStats()["type"] == libvirt.VIR_DOMAIN_JOB_NONE
    assert hlt.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)["type"] == libvirt.VIR_DOMAIN_JOB_NONE


# --- networks -------------------------------------------------------------------------------

LEASE = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE
ARP = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP
BRIDGED = """<interface type='bridge'><mac address='52:54:00:0b:0b:01'/><source bridge='read0'/>
    <target dev='tapread0'/><model type='virtio'/></interface>"""


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def bridged(connection):
    """a running guest on a bridge, at two addresses that the host knows of"""
    ip("link", "add", "read0", "type", "bridge")
    ip("address", "add", "192.0.2.1/24", "dev", "read0")
    ip("link", "set", "read0", "up")
    domain = connection.createXML(hlt_xml("bridged", devices=BRIDGED))
    for address in ("192.0.2.7", "2001:db8::7"):
        ip("neighbour", "replace", address, "lladdr", "52:54:00:0b:0b:01", "dev", "read0")
    ip("neighbour", "replace", "192.0.2.8", "lladdr", "52:54:00:0b:0b:02", "dev", "read0")
    yield domain
    domain.destroy()
    ip("link", "delete", "read0")


def test_addresses_that_the_host_knows_of(bridged):
    found = bridged.interfaceAddresses(ARP)
    assert list(found) == ["tapread0"] and found["tapread0"]["hwaddr"] == "52:54:00:0b:0b:01"
    addresses = sorted((entry["type"], entry["addr"]) for entry in found["tapread0"]["addrs"])
    assert addresses == [(libvirt.VIR_IP_ADDR_TYPE_IPV4, "192.0.2.7"),
                         (libvirt.VIR_IP_ADDR_TYPE_IPV6, "2001:db8::7")]
    assert "192.0.2.7" in virsh("domifaddr", "bridged", "--source", "arp")
    assert bridged.interfaceAddresses(LEASE) == {}
    assert code_of(bridged.interfaceAddresses, 3) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED


def test_counters_by_name_and_by_address(connection, bridged):
    assert bridged.interfaceStats("tapread0")[0] >= 0
    assert bridged.interfaceStats("52:54:00:0B:0B:01")[0] >= 0
    assert code_of(bridged.interfaceStats, "52:54:00:0b:0b:02") == libvirt.VIR_ERR_INVALID_ARG
    user = connection.createXML(hlt_xml("user", devices="""<interface type='user'>
        <mac address='52:54:00:0b:0b:03'/></interface>"""))
    assert code_of(user.interfaceStats, "52:54:00:0b:0b:03") == libvirt.VIR_ERR_INTERNAL_ERROR


# --- security -------------------------------------------------------------------------------

def test_labels(connection, hlt):
    assert connection.getSecurityModel() == ["none", "0"]
    assert hlt.securityLabelList() == []
    hlt.create()
    owner = os.stat("/proc/%d" % emulator_pids("hlt")[0])
    assert hlt.securityLabelList() == [["", False], ["+%d:+%d" % (owner.st_uid, owner.st_gid), False]]
    assert "Security model: none" in virsh("dominfo", "hlt")


# --- disks ----------------------------------------------------------------------------------

def test_disks_without_errors(connection):
    domain = connection.createXML(hlt_xml("cdrom", devices="""<disk type='file' device='cdrom'>
        <target dev='hdc' bus='ide'/></disk>"""))
    assert domain.diskErrors() == {}
    assert virsh("domblkerror", "cdrom").strip() == "No errors found"


# --- what is refused, and by which of several reasons ---------------------------------------

BOTH_AT_ONCE = [
    lambda d: d.numaParameters(LIVE | CONFIG), lambda d: d.perfEvents(LIVE | CONFIG),
    lambda d: d.interfaceParameters("52:54:00:0b:0b:01", LIVE | CONFIG),
]
WRONG_WHATEVER_THE_STATE = [
    (lambda d: d.memoryPeek(0, 8, 0), libvirt.VIR_ERR_INVALID_ARG),
    (lambda d: d.pMSuspendForDuration(0, 5), libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED),
    (lambda d: d.pMSuspendForDuration(9, 0), libvirt.VIR_ERR_INVALID_ARG),
    (lambda d: d.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, 0, [4711], 1), libvirt.VIR_ERR_INTERNAL_ERROR),
]


def test_arguments_are_refused_before_the_state(hlt):
    for call in BOTH_AT_ONCE:
        assert code_of(call, hlt) == libvirt.VIR_ERR_INVALID_ARG
    for call, code in WRONG_WHATEVER_THE_STATE:
        assert code_of(call, hlt) == code
    assert code_of(hlt.memoryPeek, 0, 8, libvirt.VIR_MEMORY_VIRTUAL) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(hlt.sendKey, 0, 0, [30], 1) == libvirt.VIR_ERR_OPERATION_INVALID


def test_what_is_empty_is_not_refused(connection, hlt):
    enforce = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
    hlt.create()
    assert hlt.launchSecurityInfo(libvirt.VIR_DOMAIN_AFFECT_LIVE) == {}
    (_, values), = connection.domainListGetStats([hlt], libvirt.VIR_DOMAIN_STATS_MEMORY, enforce)
    assert values == {}
    (_, values), = connection.domainListGetStats([hlt], libvirt.VIR_DOMAIN_STATS_CPU_TOTAL, enforce)
    assert {"cpu.haltpoll.success.time", "cpu.haltpoll.fail.time"} < values.keys()


def test_kvm_is_refused_where_it_does_not_work(connection):
    if os.path.exists("/dev/kvm"):
        pytest.skip("this host has it")
    xml = hlt_xml("accelerated").replace("type='qemu'", "type='kvm'", 1)
    assert code_of(connection.defineXML, xml) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert connection.listAllDomains() == []


def test_a_uuid_of_zeros_stays(connection):
    zeros = "00000000-0000-0000-0000-000000000000"
    domain = connection.defineXML(hlt_xml("zeros", uuid=zeros))
    assert connection.defineXML(domain.XMLDesc()).UUIDString() == zeros
    assert connection.lookupByUUIDString(zeros).name() == "zeros"

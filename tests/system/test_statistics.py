# SPDX-License-Identifier: LGPL-2.1-or-later
"""Statistics of running guests as stock clients read them."""
import os
import subprocess

import libvirt
import pytest
from conftest import boot
from daemon import IMAGES, hlt_xml, linux_xml, virsh, wait_until

BALLOON = "<memballoon model='virtio'/>"
REPORTING = "<memballoon model='virtio'><stats period='1'/></memballoon>"


def stats_of(domain, groups=0, flags=0):
    """the one domain's statistics"""
    (_, values), = domain.connect().domainListGetStats([domain], groups, flags)
    return values


@pytest.fixture
def chain(connection):
    """a running guest whose disk has an image below it"""
    for words in (["base.qcow2", "64M"], ["-b", "base.qcow2", "-F", "qcow2", "top.qcow2"]):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *words], cwd=IMAGES, check=True)
    domain = connection.defineXML(hlt_xml("chain", devices="""
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
        <source file='%s/top.qcow2'/><target dev='vda' bus='virtio'/></disk>
        <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>""" % IMAGES))
    return domain


def test_what_the_guest_reports_of_its_memory(connection, daemon):
    domain = connection.defineXML(linux_xml("reporting").replace(BALLOON, REPORTING))
    boot(domain)
    wait_until(lambda: domain.memoryStats().get("last_update"))
    stats = domain.memoryStats()
    assert 0 < stats["unused"] < stats["available"] < stats["actual"] == 131072
    assert {"swap_in", "swap_out", "major_fault", "minor_fault", "usable", "disk_caches",
            "hugetlb_pgalloc", "hugetlb_pgfail", "rss"} <= set(stats)
    values = stats_of(domain, libvirt.VIR_DOMAIN_STATS_BALLOON)
    assert values["balloon.available"] == stats["available"]
    assert values["balloon.last-update"] >= stats["last_update"]
    daemon.restart()
    again = libvirt.open("qemu:///system").lookupByName("reporting")
    wait_until(lambda: again.memoryStats().get("last_update", 0) > stats["last_update"])


def test_no_reports_without_a_period(linux):
    linux.create()
    stats = linux.memoryStats()
    assert set(stats) == {"actual", "last_update", "rss"} and stats["last_update"] == 0
    assert stats_of(linux, libvirt.VIR_DOMAIN_STATS_BALLOON)["balloon.last-update"] == 0


def test_filters_also_hold_for_named_domains(connection, hlt):
    other = connection.createXML(hlt_xml("other"))

    def selected(flags):
        return [d.name() for d, _ in connection.domainListGetStats([hlt, other], 0, flags)]

    assert selected(0) == ["hlt", "other"]
    assert selected(libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE) == ["hlt"]
    assert selected(libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT) == ["other"]
    assert selected(libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED) == []
    assert stats_of(hlt)["balloon.current"] == 32768    # also of one that is off


def test_images_below(chain):
    off = stats_of(chain, libvirt.VIR_DOMAIN_STATS_BLOCK)
    assert off["block.0.capacity"] == 64 << 20 and off["block.0.physical"] < 1 << 20
    assert chain.blockInfo("vda")[0] == 64 << 20
    chain.create()
    assert stats_of(chain, libvirt.VIR_DOMAIN_STATS_BLOCK)["block.count"] == 2
    values = stats_of(chain, libvirt.VIR_DOMAIN_STATS_BLOCK,
                      libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING)
    assert values["block.count"] == 3
    assert [values["block.%d.name" % i] for i in range(3)] == ["vda", "vda", "hdc"]
    assert values["block.1.path"] == "%s/base.qcow2" % IMAGES
    assert values["block.1.capacity"] == 64 << 20
    assert values["block.0.backingIndex"] != values["block.1.backingIndex"]
    assert "block.2.capacity" not in values     # no medium


def test_threads_for_disks(connection):
    text = hlt_xml("threads").replace("<vcpu>", "<iothreads>1</iothreads><iothreadids>"
                                                "<iothread id='3'/></iothreadids><vcpu>")
    domain = connection.createXML(text)
    values = stats_of(domain, libvirt.VIR_DOMAIN_STATS_IOTHREAD)
    assert values["iothread.count"] == 1 and values["iothread.3.poll-max-ns"] > 0


def test_groups(hlt):
    hlt.create()
    rate = stats_of(hlt, libvirt.VIR_DOMAIN_STATS_DIRTYRATE)
    assert rate["dirtyrate.calc_status"] == libvirt.VIR_DOMAIN_DIRTYRATE_UNSTARTED
    only = stats_of(hlt, libvirt.VIR_DOMAIN_STATS_STATE)
    assert only and all(name.startswith("state.") for name in only)
    everything = stats_of(hlt)
    assert {name.split(".")[0] for name in everything} >= {"state", "cpu", "balloon", "vcpu", "net", "block"}
    assert "vcpu.current=1" in virsh("domstats", "--nowait", "hlt")


def test_numbers_of_kvm(connection):
    """those of QEMU that has them, by their kinds"""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no KVM: run in sandbox --kvm")
    domain = connection.createXML(hlt_xml("kvm").replace("type='qemu'", "type='kvm'"))
    (_, stats), = connection.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_VM)
    if not stats:
        pytest.skip("the kernel has no numbers of KVM")
    assert all(name.startswith("vm.") and name.endswith((".cur", ".sum", ".max")) for name in stats), stats
    assert "vm.remote_tlb_flush.sum" in stats

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ten thousand clients of virtproxyd that are connected and say nothing: they cost no CPU time, keep
nobody out, and leave nothing behind."""
import os
import resource
import socket
import time

import libvirt
import pytest
from daemon import Daemon, hlt_xml, is_sanitized, wait_until

MANY = 10000
PROXY_SOCKET = "/run/libvirt/libvirt-sock"
LEGACY = "qemu:///system?mode=legacy"


@pytest.fixture
def room_for_descriptors():
    if is_sanitized():
        pytest.skip("time and memory say nothing under a sanitizer")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < MANY + 1000:
        pytest.skip("no more than %d descriptors" % before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def proxy(daemon, room_for_descriptors, tmp_path):
    config = tmp_path / "virtproxyd.conf"
    config.write_text("max_clients = %d\nmax_anonymous_clients = %d\nmax_queued_clients = 1000\n"
                      % (MANY + 100, MANY + 100))
    running = Daemon("-f", str(config), name="virtproxyd", path=PROXY_SOCKET).start()
    yield running
    running.stop()


def cpu_ticks(process):
    words = open("/proc/%d/stat" % process.pid).read().rsplit(")", 1)[1].split()
    return int(words[11]) + int(words[12])


def private_kib(process):
    with open("/proc/%d/smaps_rollup" % process.pid) as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def test_ten_thousand_idle_clients(proxy, connection):
    connection.defineXML(hlt_xml("seen"))
    before, memory = proxy.descriptors(), private_kib(proxy.process)
    clients = []
    for _ in range(MANY):
        client = socket.socket(socket.AF_UNIX)
        client.connect(PROXY_SOCKET)            # waits while the backlog is full
        clients.append(client)
    wait_until(lambda: proxy.descriptors() >= before + MANY, 60)
    grown = private_kib(proxy.process) - memory
    ticks = cpu_ticks(proxy.process)
    with libvirt.open(LEGACY) as one_more:
        began = time.monotonic()
        for _ in range(100):
            assert one_more.lookupByName("seen").name() == "seen"
        assert time.monotonic() - began < 10
    assert (cpu_ticks(proxy.process) - ticks) / os.sysconf("SC_CLK_TCK") < 2
    assert grown / MANY < 4, "%g KiB for each" % (grown / MANY)
    for client in clients:
        client.close()
    wait_until(lambda: proxy.descriptors() <= before, 60, what=proxy.descriptors)
    assert proxy.alive()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The metrics of virtproxyd: OpenMetrics text that a strict parser reads, whoever hangs."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import libvirt
import pytest
from daemon import IMAGES, ROOT, Daemon, emulator_pids, hlt_xml, wait_until

openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser", reason="no python3-prometheus-client")

ADDRESS = ("127.0.0.1", 9177)
UNIX = "/run/libvirt/virtproxyd-metrics"
PROXY_SOCKET = "/run/libvirt/libvirt-sock"
DISK = """<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/metrics.raw'/>
          <target dev='vda' bus='virtio'/></disk>"""


@pytest.fixture(scope="module")
def proxy(daemon, tmp_path_factory):
    config = tmp_path_factory.mktemp("metrics") / "virtproxyd.conf"
    config.write_text('metrics_listen = [ "%s:%d", "%s" ]\nlog_level = 1\n' % (*ADDRESS, UNIX))
    running = Daemon("-f", str(config), name="virtproxyd", path=PROXY_SOCKET).start()
    running.config = config
    yield running
    running.stop()
    assert not os.path.exists(UNIX)


def get(path="/metrics", method="GET", **headers):
    link = http.client.HTTPConnection(*ADDRESS, timeout=30)
    link.request(method, path, headers=headers)
    reply = link.getresponse()
    text = reply.read().decode()
    link.close()
    return reply, text


def families(text):
    return {family.name: family for family in openmetrics.text_string_to_metric_families(text)}


def scrape():
    """as families by name; texts are fresh for one second"""
    time.sleep(1.1)
    return families(get()[1])


def value(found, family, **labels):
    """the one sample with these labels among others"""
    values = [s.value for s in found[family].samples if labels.items() <= s.labels.items()]
    assert len(values) == 1, (family, labels, found[family].samples)
    return values[0]


def test_a_scrape(proxy, connection):
    (IMAGES / "metrics.raw").write_bytes(bytes(1 << 20))
    domain = connection.createXML(hlt_xml('qu"ote\\d', devices=DISK % IMAGES))
    connection.defineXML(hlt_xml("asleep"))
    connection.getLibVersion()
    with pytest.raises(libvirt.libvirtError):
        connection.lookupByName("nobody")
    found = scrape()
    for name in ("virtqemud", "virtproxyd"):
        assert value(found, "modvirt_daemon_up", daemon=name) == 1
    assert value(found, "modvirt_daemon_objects", daemon="virtqemud", kind="domains") == 2
    assert value(found, "modvirt_daemon_objects_active", daemon="virtqemud", kind="domains") == 1
    calls = [s for s in found["modvirt_rpc_duration_seconds"].samples if s.name.endswith("_count")
             and s.labels["daemon"] == "virtqemud" and s.labels["procedure"] == "DOMAIN_LOOKUP_BY_NAME"]
    assert calls[0].value >= 1
    assert value(found, "modvirt_rpc_failures", daemon="virtqemud", procedure="DOMAIN_LOOKUP_BY_NAME") >= 1
    us = {"daemon": "virtqemud", "domain": 'qu"ote\\d', "uuid": domain.UUIDString()}
    assert value(found, "modvirt_domain_state", **us) == libvirt.VIR_DOMAIN_RUNNING
    assert value(found, "modvirt_domain_state", domain="asleep") == libvirt.VIR_DOMAIN_SHUTOFF
    assert 0 < value(found, "modvirt_domain_cpu_seconds", **us) < 3600
    assert value(found, "modvirt_domain_memory_max_bytes", **us) == 32 << 20
    assert value(found, "modvirt_domain_block_capacity_bytes", device="vda", **us) == 1 << 20
    assert value(found, "modvirt_domain_vcpu_seconds", vcpu="0", **us) > 0


def test_what_is_counted_is_what_was_called(proxy, connection):
    def calls():
        counted = [s.value for s in scrape()["modvirt_rpc_duration_seconds"].samples
                   if s.name.endswith("_count") and s.labels["procedure"] == "CONNECT_GET_SYSINFO"]
        return sum(counted)
    before = calls()
    for _ in range(7):
        try:
            connection.getSysinfo()
        except libvirt.libvirtError:
            pass
    assert calls() == before + 7


def test_whoever_hangs_holds_up_nobody(proxy, daemon, connection):
    domain = connection.createXML(hlt_xml("stuck"))
    (pid,) = emulator_pids("stuck")
    os.kill(pid, signal.SIGSTOP)
    try:
        found = scrape()
        assert value(found, "modvirt_scrape_duration_seconds") < 3
        assert value(found, "modvirt_domain_state", domain="stuck") == libvirt.VIR_DOMAIN_RUNNING
    finally:
        os.kill(pid, signal.SIGCONT)
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        found = scrape()
        assert time.monotonic() - began < 15
        assert value(found, "modvirt_daemon_up", daemon="virtqemud") == 0
        assert value(found, "modvirt_daemon_up", daemon="virtproxyd") == 1
        assert "modvirt_domain_state" not in found
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    assert value(scrape(), "modvirt_daemon_up", daemon="virtqemud") == 1
    assert domain.isActive()


def test_who_waits_to_be_started_is_not_started(proxy):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("/run/libvirt/virtlxcd-sock")
        listener.listen()
        listener.setblocking(False)
        try:
            found = scrape()
            assert value(found, "modvirt_daemon_waiting", daemon="virtlxcd") == 1
            assert value(found, "modvirt_daemon_up", daemon="virtlxcd") == 0
            with pytest.raises(BlockingIOError):
                listener.accept()
        finally:
            os.unlink("/run/libvirt/virtlxcd-sock")


def test_by_a_unix_socket(proxy):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(UNIX)
        link.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b""
        while chunk := link.recv(65536):
            text += chunk
    head, body = text.decode().split("\r\n\r\n", 1)
    assert "200 OK" in head and "application/openmetrics-text; version=1.0.0" in head
    assert "modvirt_daemon_up" in families(body)


@pytest.mark.parametrize("status, arguments", [
    (200, {"method": "HEAD"}), (404, {"path": "/"}), (405, {"method": "POST"}), (405, {"method": "DELETE"}),
    (403, {"Host": "rebound.example"}), (200, {"Host": "localhost:9177"}),
    (431, {"X-Long": "x" * 60000}),
])
def test_other_requests(proxy, status, arguments):
    reply, _ = get(**arguments)
    assert reply.status in (status, 413) if status == 431 else reply.status == status


def test_garbage_and_silence(proxy):
    """more links than there may be, none of which says anything that makes sense"""
    links = []
    for i in range(40):
        link = socket.create_connection(ADDRESS)
        try:
            link.sendall(b"\0\xff garbage\n" * 1000 if i % 2 else b"GET /me")
        except OSError:
            pass
        links.append(link)
    for link in links:
        link.close()
    assert wait_until(lambda: get()[0].status == 200, 20)
    assert proxy.alive()


@pytest.mark.parametrize("address", ["0.0.0.0:9178", "192.0.2.1:9178", "[::]:9178", "localhost:9178",
                                     "127.0.0.1", "127.0.0.1:0", "relative/path", ""])
def test_addresses_that_are_refused(daemon, tmp_path, address):
    (tmp_path / "virtproxyd.conf").write_text('metrics_listen = [ "%s" ]\n' % address)
    broken = Daemon("-f", str(tmp_path / "virtproxyd.conf"), "-p", str(tmp_path / "pid"), name="virtproxyd")
    done = subprocess.run([broken.binary, *broken.options], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "metrics_listen: '%s' is neither" % address in done.stderr


def test_changes_that_need_a_restart(proxy):
    before = proxy.config.read_text()
    proxy.config.write_text(before.replace("9177", "9178") + "listen_tls = 1\nmax_clients = 4000\n")
    proxy.process.send_signal(signal.SIGHUP)
    try:
        wait_until(lambda: "configuration read again" in proxy.log_tail())
        for key in ("metrics_listen", "listen_tls"):
            assert key + " has changed: that takes effect when the daemon is restarted" in proxy.log_tail()
        assert "max_clients has changed" not in proxy.log_tail()
        assert get()[0].status == 200
    finally:
        proxy.config.write_text(before)
        proxy.process.send_signal(signal.SIGHUP)


# --- the documents -----------------------------------------------------------------------------

def documented():
    text = (ROOT / "docs" / "metrics.md").read_text()
    return set(re.findall(r"^\| `(modvirt_[a-z_]+)`", text, re.M))


def test_every_metric_is_documented(proxy, connection):
    """the names of the program, those of guests that no guest here has included"""
    sources = "".join(p.read_text() for p in (ROOT / "virtproxyd").glob("*metrics*.c"))
    names = set(re.findall(r'"(modvirt_(?!domain_")[a-z_]+)"', sources))
    kinds = {"SECONDS": "_seconds", "BYTES": "_bytes", "MOVED": "_bytes", "COUNT": "", "GAUGE": ""}
    for kind, name in re.findall(r'\b(SECONDS|BYTES|MOVED|COUNT|GAUGE)\("([a-z_]+)"', sources):
        names.add("modvirt_domain_" + name + kinds[kind])
    assert len(names) > 50 and names == documented()
    assert set(scrape()) <= names


def test_the_dashboard_asks_for_what_is_served():
    board = json.loads((ROOT / "docs" / "metrics-grafana.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked += [item["query"] for item in board["templating"]["list"] if item["type"] == "query"]
    used = {name for words in asked for name in re.findall(r"modvirt_[a-z_]+", words)}
    served = documented()
    ends = ("_total", "_bucket", "_count", "_sum", "_info")
    assert len(used) > 10
    for name in used:
        assert name in served or any(name.endswith(e) and name[:-len(e)] in served for e in ends), name

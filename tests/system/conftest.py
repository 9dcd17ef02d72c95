# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the system tests: real virtqemud, real QEMU, stock clients, inside tests/lib/sandbox."""
import os
import pathlib
import sys
import threading

import libvirt
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import daemon as tested  # noqa: E402
import incumbent as installed  # noqa: E402
from client import code_of, collect_garbage, event_loop, opened, remove_guests  # noqa: E402,F401

def pytest_collection_modifyitems(items):
    if os.environ.get("MODVIRT_SANDBOX"):
        return
    if os.geteuid() == 0:
        pytest.exit("system tests run in tests/lib/sandbox: ./run test system", 2)
    for item in items:
        item.add_marker(pytest.mark.skip(reason="needs root, for namespaces"))


@pytest.fixture(autouse=True, scope="session")
def reports():
    """no daemon's end leaves a sanitizer's report, as of a leak"""
    if not os.environ.get("MODVIRT_SANDBOX"):
        yield
        return
    tested.begin_reports()
    yield
    found = tested.take_reports()
    assert not found, found


@pytest.fixture(autouse=True)
def no_reports(reports):
    """no test leaves one"""
    yield
    found = tested.take_reports()
    assert not found, found


@pytest.fixture(scope="module")
def daemon():
    """a running virtqemud for the tests of a module"""
    tested.install_guests()
    running = tested.Daemon().start()
    yield running
    running.stop()


@pytest.fixture
def connection(daemon):
    """an open connection; afterwards no guest is left, and the daemon lives"""
    with opened(daemon, tested.URI, remove_guests) as connection:
        yield connection


@pytest.fixture
def hlt(connection):
    """a defined guest that can run at no cost"""
    return connection.defineXML(tested.hlt_xml("hlt"))


@pytest.fixture
def linux(connection):
    """a defined guest with a console"""
    return connection.defineXML(tested.linux_xml("linux"))


@pytest.fixture(scope="module")
def incumbent():
    """a connection to libvirtd 9.0, whose answers are on record"""
    if not installed.is_installed():
        pytest.skip("libvirtd is not installed")
    if not installed.version().startswith("9.0."):
        pytest.skip("another libvirtd than 9.0: " + installed.version())
    with installed.running() as path:
        connection = libvirt.open(tested.URI + "?socket=" + path)
        yield connection
        connection.close()


WOULD_BLOCK = -2


class Console:
    """a guest's console through the connection's stream, read by the event loop: two threads must not
    call through one connection. In libvirt's library, 9.0.0 at least, a call is not sent, and hangs,
    when another thread is just about to wait for its own"""

    def __init__(self, domain, flags=0):
        self.stream = domain.connect().newStream(libvirt.VIR_STREAM_NONBLOCK)
        self.text = ""
        self.ended = threading.Event()
        self.changed = threading.Condition()
        domain.openConsole(None, self.stream, flags)
        self.stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, self._read, None)

    def _read(self, stream, events, _):
        try:
            data = stream.recv(4096)
        except libvirt.libvirtError:
            data = b""
        if not data:
            stream.eventRemoveCallback()
            self.ended.set()
        elif data != WOULD_BLOCK:
            with self.changed:
                self.text += data.decode(errors="replace")
                self.changed.notify_all()

    def close(self):
        if not self.ended.is_set():
            self.stream.eventRemoveCallback()
        self.stream.abort()

    def wait(self, words, timeout=60):
        with self.changed:
            assert self.changed.wait_for(lambda: words in self.text, timeout), \
                "no %r on the console: %s" % (words, self.text[-500:])

    def send(self, text):
        left = text.encode()
        while left:
            sent = self.stream.send(left)
            left = left[max(sent, 0):]


def boot(domain):
    """starts a Linux guest and waits for its shell; returns the console"""
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    console = Console(domain)
    domain.resume()
    console.wait("guest: up", 120)
    return console

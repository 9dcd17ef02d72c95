# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests by python3-libvirt have in common: the fixtures are for a conftest.py to import."""
import contextlib
import gc
import threading

import libvirt
import pytest

import daemon as tested
from daemon import wait_until

libvirt.registerErrorHandler(lambda *_: None, None)

# Python's garbage collector may free a virDomain between a failed call and the reading of its error,
# and freeing one forgets the thread's last error: it runs between tests alone.
gc.disable()


@pytest.fixture(autouse=True, scope="session")
def event_loop():
    """of the clients' library, on a thread of its own; for connections opened later"""
    libvirt.virEventRegisterDefaultImpl()
    end = threading.Event()

    def run():
        while not end.is_set():
            libvirt.virEventRunDefaultImpl()

    timer = libvirt.virEventAddTimeout(20, lambda *_: None, None)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    end.set()
    thread.join(5)
    libvirt.virEventRemoveTimeout(timer)


@pytest.fixture(autouse=True)
def collect_garbage():
    yield
    gc.collect()


def code_of(call, *arguments):
    """the error code that the call ends with; None when it succeeds"""
    try:
        call(*arguments)
    except libvirt.libvirtError as error:
        assert error.get_error_code() is not None, "the error was lost"
        return error.get_error_code()
    return None


@contextlib.contextmanager
def opened(daemon, uri, clear):
    """an open connection to that daemon, which lives afterwards; clear(connection) then takes away what
    a test has made"""
    if not daemon.alive():
        daemon.start()
    connection = libvirt.open(uri)
    yield connection
    with contextlib.suppress(libvirt.libvirtError):     # of a daemon that has been killed since
        connection.close()
    survived, said = daemon.alive(), daemon.log_tail()
    if not survived:
        daemon.start()
    with libvirt.open(uri) as fresh:
        clear(fresh)
    assert survived, said


def serving(name):
    """a fixture: a daemon for all tests of a file"""
    @pytest.fixture(scope="module")
    def fixture():
        running = tested.Daemon(name=name).start()
        yield running
        running.stop()
    return fixture


def remove_guests(connection):
    """any of them may end by itself meanwhile, and a transient one is gone then"""
    over = libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN
    for domain in connection.listAllDomains():
        for take_away in domain.destroy, lambda: domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM):
            try:
                take_away()
            except libvirt.libvirtError as error:
                if error.get_error_code() not in over:
                    raise


@pytest.fixture
def guests():
    """an open connection to a virtqemud of its own; afterwards there is no guest"""
    tested.install_guests()
    running = tested.Daemon(name="virtqemud").start()
    with opened(running, tested.URI, remove_guests) as connection:
        yield connection
    running.stop()


def remove_networks(connection):
    for network in connection.listAllNetworks():
        active = network.isActive()
        if network.isPersistent():
            network.undefine()
        if active:
            network.destroy()


def remove_pools(connection):
    for pool in connection.listAllStoragePools():
        persistent = pool.isPersistent()
        if pool.isActive():
            wait_until(lambda: code_of(pool.destroy) is None, 120, what="the end of jobs")
        if persistent:
            pool.undefine()


def remove_secrets(connection):
    for secret in connection.listAllSecrets():
        secret.undefine()

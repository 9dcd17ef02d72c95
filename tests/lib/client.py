# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests by python3-libvirt have in common: the fixtures are for a conftest.py to import."""
import gc
import threading

import libvirt
import pytest

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

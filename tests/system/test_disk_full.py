# SPDX-License-Identifier: LGPL-2.1-or-later
"""No room, or no right, to write the configuration: a clear error, and the old state stays."""
import os
import pathlib
import subprocess

import libvirt
import pytest
from conftest import code_of
from daemon import URI, hlt_xml, virsh

CONFIG = pathlib.Path("/etc/libvirt/qemu")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


@pytest.fixture
def small(daemon):
    """a file system of 64 KiB under the configuration, with one guest in it"""
    daemon.kill()
    mount("-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", "/etc/libvirt")
    daemon.start()
    with libvirt.open(URI) as connection:
        connection.defineXML(hlt_xml("first"))
        yield connection
    daemon.kill()
    subprocess.run(["umount", "-l", "/etc/libvirt"], check=True)
    daemon.start()


def fill():
    """leaves not one block"""
    ballast = os.open("/etc/libvirt/ballast", os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(ballast, bytes(4096))
    except OSError:
        os.close(ballast)


def check_refused(connection, change, words):
    with pytest.raises(libvirt.libvirtError) as failure:
        change()
    assert failure.value.get_error_code() in (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_OPERATION_FAILED)
    assert words in str(failure.value)


def check_all(daemon, connection, words):
    first = connection.lookupByName("first")
    before, file_before = first.XMLDesc(), (CONFIG / "first.xml").read_bytes()
    check_refused(connection, lambda: connection.defineXML(hlt_xml("second")), words)
    assert code_of(connection.lookupByName, "second") == libvirt.VIR_ERR_NO_DOMAIN
    changed = before.replace("</name>", "</name><description>%s</description>" % ("x" * 9000))
    check_refused(connection, lambda: connection.defineXML(changed), words)
    assert first.XMLDesc() == before
    assert (CONFIG / "first.xml").read_bytes() == file_before
    daemon.restart()
    with libvirt.open(URI) as again:
        assert [d.name() for d in again.listAllDomains()] == ["first"]
        assert again.lookupByName("first").XMLDesc() == before


def test_full_disk(daemon, small):
    fill()
    check_all(daemon, small, "No space left on device")
    os.unlink("/etc/libvirt/ballast")
    virsh("desc", "first", "--config", "now there is room")
    assert sorted(p.name for p in CONFIG.iterdir() if p.is_file()) == ["first.xml"]


def test_read_only_configuration(daemon, small):
    mount("-o", "remount,ro", "/etc/libvirt")
    check_all(daemon, small, "Read-only file system")
    mount("-o", "remount,rw", "/etc/libvirt")
    virsh("desc", "first", "--config", "now it can be written")


def test_full_disk_does_not_stop_a_guest(small):
    fill()
    domain = small.lookupByName("first")
    domain.create()
    domain.suspend()
    domain.resume()
    domain.destroy()
    os.unlink("/etc/libvirt/ballast")

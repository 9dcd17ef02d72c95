# SPDX-License-Identifier: LGPL-2.1-or-later
"""No room, or no right, to write the configuration: a clear error, and the old state stays."""
import os
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest
from conftest import code_of
from daemon import URI, emulator_pids, hlt_xml, virsh

CONFIG = pathlib.Path("/etc/libvirt/qemu")
RUN = pathlib.Path("/run/libvirt/qemu")
STATE = pathlib.Path("/var/lib/libvirt/qemu")
LIVE, BOTH = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"


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


def fill(folder="/etc/libvirt"):
    """leaves not one block"""
    ballast = os.open("%s/ballast" % folder, os.O_CREAT | os.O_WRONLY)
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


# ---- where running guests have their files ----

@pytest.fixture
def crowded(daemon, request):
    """a folder on a small file system, full but for what a running and a defined guest have in it"""
    folder = request.param
    daemon.kill()
    folder.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", "size=64k,nr_inodes=40,mode=755", "tmpfs", str(folder))
    daemon.start()
    with libvirt.open(URI) as connection:
        connection.defineXML(hlt_xml("runs")).create()
        connection.defineXML(hlt_xml("defined"))
    fill(folder)
    for number in range(40):                    # nor one file more
        try:
            (folder / ("file%d" % number)).touch()
        except OSError:
            break
    yield folder
    daemon.kill()
    daemon.start()
    with libvirt.open(URI) as connection:
        for domain in connection.listAllDomains():
            if domain.isActive():
                domain.destroy()
            domain.undefine()
    daemon.kill()
    subprocess.run(["umount", "-l", str(folder)], check=True)
    daemon.start()


def make_room(folder):
    for path in [folder / "ballast", *folder.glob("file*")]:
        path.unlink()


def devices_of(domain, flags=0):
    return len(ElementTree.fromstring(domain.XMLDesc(flags)).findall("devices/rng"))


def left_by(name):
    """what is in the folders of a guest that does not run"""
    return [p for p in [*RUN.rglob("*"), *STATE.rglob("*")] if name in p.name]


def check_no_start(connection):
    for start in (connection.lookupByName("defined").create, lambda: connection.createXML(hlt_xml("transient"))):
        check_refused(connection, start, "No space left on device")
    assert emulator_pids("defined") == emulator_pids("transient") == []
    assert left_by("defined") == left_by("transient") == []
    assert {d.name() for d in connection.listAllDomains()} == {"runs", "defined"}


def check_obeys(domain):
    """a running guest can be stopped whatever the disk has"""
    domain.suspend()
    domain.resume()
    assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING


@pytest.mark.parametrize("crowded", [RUN, STATE], indirect=True)
def test_no_room_to_run(daemon, crowded):
    with libvirt.open(URI) as connection:
        check_no_start(connection)
        connection.defineXML(hlt_xml("third"))
        connection.lookupByName("third").undefine()
        check_obeys(connection.lookupByName("runs"))
    daemon.restart()
    with libvirt.open(URI) as connection:
        domain = connection.lookupByName("runs")
        check_obeys(domain)
        check_no_start(connection)
        domain.destroy()
        assert left_by("runs") == []
        make_room(crowded)
        domain.create()
        connection.lookupByName("defined").create()


@pytest.mark.parametrize("crowded", [RUN], indirect=True)
def test_no_room_to_plug(daemon, crowded):
    """what could not be recorded is not done, and is no hindrance to what comes when there is room"""
    with libvirt.open(URI) as connection:
        domain = connection.lookupByName("runs")
        for _ in range(2):
            check_refused(connection, lambda: domain.attachDeviceFlags(RNG, LIVE), "No space left on device")
            check_refused(connection, lambda: domain.setMetadata(
                libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "x" * 5000, None, None, LIVE), "No space left on device")
        assert devices_of(domain) == 0 and "xxx" not in domain.XMLDesc()
        make_room(crowded)
        domain.attachDeviceFlags(RNG, BOTH)
    daemon.restart()
    with libvirt.open(URI) as connection:
        domain = connection.lookupByName("runs")
        assert devices_of(domain) == devices_of(domain, libvirt.VIR_DOMAIN_XML_INACTIVE) == 1

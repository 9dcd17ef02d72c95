# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon is killed, or stopped, and started again while guests run: nothing is lost."""
import os
import signal
import time

import libvirt
import pytest
from conftest import Console, boot, code_of
from daemon import URI, emulator_pids, hlt_xml, linux_xml, wait_until


def facts(domain):
    return {"name": domain.name(), "uuid": domain.UUIDString(), "id": domain.ID(), "state": domain.state(),
            "persistent": domain.isPersistent(), "autostart": domain.autostart(),
            "live": domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE),
            "inactive": domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)}


def all_facts():
    with libvirt.open(URI) as connection:
        return {d.name(): facts(d) for d in connection.listAllDomains()}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_guests_are_the_same_afterwards(daemon, connection, number):
    connection.defineXML(hlt_xml("defined"))
    connection.defineXML(hlt_xml("autostarted")).setAutostart(True)
    connection.defineXML(hlt_xml("running")).create()
    connection.defineXML(hlt_xml("paused")).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    connection.createXML(hlt_xml("fleeting"))
    connection.lookupByName("autostarted").create()
    before, pids = all_facts(), sorted(emulator_pids())
    daemon.restart(number)
    after = all_facts()
    assert sorted(after) == sorted(before)
    for name, known in before.items():
        for fact, value in known.items():
            assert after[name][fact] == value, "%s of %s" % (fact, name)
    assert sorted(emulator_pids()) == pids
    with libvirt.open(URI) as again:
        again.lookupByName("running").suspend()
        again.lookupByName("running").resume()
        again.lookupByName("paused").resume()
        assert again.lookupByName("paused").state()[0] == libvirt.VIR_DOMAIN_RUNNING
        again.lookupByName("fleeting").destroy()
        assert code_of(again.lookupByName, "fleeting") == libvirt.VIR_ERR_NO_DOMAIN


def nested(levels):
    return "<y>" * levels + "</y>" * levels


def largest(connection, name, content, most):
    """a guest whose metadata are content(n), with the largest n up to most that can be defined"""
    least = 1
    while least < most:
        middle = (least + most + 1) // 2
        document = hlt_xml(name).replace(
            "<memory", "<metadata><x xmlns='urn:x'>%s</x></metadata><memory" % content(middle), 1)
        try:
            connection.defineXML(document).undefine()
            least = middle
        except libvirt.libvirtError:
            most = middle - 1
    return connection.defineXML(hlt_xml(name).replace(
        "<memory", "<metadata><x xmlns='urn:x'>%s</x></metadata><memory" % content(least), 1))


@pytest.mark.parametrize("content, most", [(nested, 1000), (lambda n: "<y/>" * n, 1000000)],
                         ids=["deep", "wide"])
def test_documents_at_their_limits(daemon, connection, content, most):
    """what could be stored can be read again, with all that a running guest adds to it"""
    largest(connection, "limit", content, most).create()
    daemon.restart()
    with libvirt.open(URI) as again:
        domain = again.lookupByName("limit")
        assert domain.isActive() and domain.isPersistent()
        domain.destroy()


def test_console_and_shutdown_after_a_kill(daemon, connection):
    boot(connection.defineXML(linux_xml("linux")))
    daemon.restart()
    with libvirt.open(URI) as again:
        linux = again.lookupByName("linux")
        console = Console(linux)
        console.send("echo still $((40 + 2))\n")
        console.wait("still 42")
        linux.shutdown()
        wait_until(lambda: not linux.isActive(), 20)
        assert linux.state()[1] == libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN


def test_guest_that_ended_meanwhile(daemon, connection):
    connection.defineXML(hlt_xml("gone")).create()
    connection.createXML(hlt_xml("fleeting"))
    daemon.kill()
    for pid in emulator_pids():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not emulator_pids())
    daemon.start()
    with libvirt.open(URI) as again:
        wait_until(lambda: not again.lookupByName("gone").isActive())
        wait_until(lambda: code_of(again.lookupByName, "fleeting") == libvirt.VIR_ERR_NO_DOMAIN)
        again.lookupByName("gone").create()


def test_state_that_changed_meanwhile(daemon, connection):
    """a guest paused behind the daemon's back is reported as it is, not as it was"""
    domain = connection.defineXML(hlt_xml("changed"))
    domain.create()
    domain.suspend()
    daemon.restart()
    daemon.restart()
    with libvirt.open(URI) as again:
        assert again.lookupByName("changed").state()[0] == libvirt.VIR_DOMAIN_PAUSED


def test_a_guest_can_be_started_after_many_restarts(daemon, connection):
    connection.defineXML(hlt_xml("often")).create()
    for _ in range(5):
        daemon.restart()
    with libvirt.open(URI) as again:
        often = again.lookupByName("often")
        often.destroy()
        often.create()
        assert len(emulator_pids("often")) == 1


def test_fifty_guests_come_back_quickly(daemon, connection):
    for number in range(50):
        connection.createXML(hlt_xml("g%02d" % number), libvirt.VIR_DOMAIN_START_PAUSED)
    start = time.monotonic()
    daemon.restart()
    with libvirt.open(URI) as again:
        wait_until(lambda: len(again.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)) == 50)
        for domain in again.listAllDomains():
            domain.resume()
        assert time.monotonic() - start < 20

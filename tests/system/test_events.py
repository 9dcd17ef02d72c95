# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lifecycle events: their order, in the modern and the legacy styles, to several clients."""
import time

import libvirt
import pytest
from daemon import SOCKET, URI, hlt_xml, wait_until
from wire import QEMU, Client, Refused

DEFINED, UNDEFINED, STARTED, SUSPENDED, RESUMED, STOPPED, SHUTDOWN = range(7)

# what a life brings, as (event, detail)
LIFE = [
    (DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED),
    (STARTED, libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED),
    (SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED),
    (RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED),
    (STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED),
    (UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED),
]


def live(connection, name):
    """a guest's life, each step a call that has returned before the next"""
    domain = connection.defineXML(hlt_xml(name))
    domain.create()
    domain.suspend()
    domain.resume()
    domain.destroy()
    domain.undefine()


def settle(events):
    """without what QEMU may or may not add: the resumption in a start, the shutdown in its end"""
    out = []
    for index, event in enumerate(events):
        near = events[max(index - 1, 0):index + 2]
        if event[0] == RESUMED and any(e[0] == STARTED for e in near):
            continue
        if event[0] != SHUTDOWN:
            out.append(event)
    return out


@pytest.fixture
def watcher(daemon):
    opened = libvirt.open(URI)
    yield opened
    opened.close()


def collect(watcher, domain=None):
    seen = []
    number = watcher.domainEventRegisterAny(
        domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
        lambda c, d, event, detail, _: seen.append((d.name(), event, detail)), None)
    return number, seen


def of(seen, name):
    return settle([(event, detail) for n, event, detail in list(seen) if n == name])


def test_order_of_a_life(connection, watcher):
    _, seen = collect(watcher)
    live(connection, "ordered")
    wait_until(lambda: len(of(seen, "ordered")) >= len(LIFE))
    assert of(seen, "ordered") == LIFE


def test_several_clients_see_the_same(connection):
    watchers = [libvirt.open(URI) for _ in range(5)]
    logs = [collect(w)[1] for w in watchers]
    live(connection, "shared")
    for seen in logs:
        wait_until(lambda: len(of(seen, "shared")) >= len(LIFE))
        assert of(seen, "shared") == LIFE
    for opened in watchers:
        opened.close()


def test_only_the_domain_asked_for(connection, watcher):
    one = connection.defineXML(hlt_xml("one"))
    two = connection.defineXML(hlt_xml("two"))
    _, seen = collect(watcher, watcher.lookupByName("two"))
    one.create()
    two.create()
    two.destroy()
    wait_until(lambda: len(of(seen, "two")) >= 2)
    assert {name for name, _, _ in seen} == {"two"}


def test_nothing_after_deregistration(connection, watcher):
    number, seen = collect(watcher)
    _, other = collect(connection)
    watcher.domainEventDeregisterAny(number)
    live(connection, "quiet")
    wait_until(lambda: len(of(other, "quiet")) >= len(LIFE))
    assert seen == []


def test_redefinition_is_an_update(connection, watcher):
    _, seen = collect(watcher)
    domain = connection.defineXML(hlt_xml("twice"))
    connection.defineXML(domain.XMLDesc())
    wait_until(lambda: len(of(seen, "twice")) >= 2)
    assert of(seen, "twice") == [(DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED),
                                 (DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_UPDATED)]


def test_metadata_change(connection, watcher, hlt):
    seen = []
    watcher.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                                   lambda c, d, kind, uri, _: seen.append((d.name(), kind)), None)
    hlt.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "New", None, None, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    wait_until(lambda: seen)
    assert seen == [("hlt", libvirt.VIR_DOMAIN_METADATA_TITLE)]


# --- what no new client says, on the wire ---------------------------------------------------

def wire_life(client, event_name, unwrap):
    seen = []
    while len(settle(seen)) < len(LIFE):
        message = unwrap(client.wait_event(event_name))
        if message["dom"]["name"] == "wired":
            seen.append((message["event"], message["detail"]))
    return settle(seen)


def test_legacy_lifecycle_registration(connection):
    with Client(SOCKET).open() as client:
        assert client.call("CONNECT_DOMAIN_EVENT_REGISTER")["cb_registered"] == 0
        live(connection, "wired")
        assert wire_life(client, "DOMAIN_EVENT_LIFECYCLE", lambda m: m) == LIFE


def test_legacy_any_registration(connection):
    with Client(SOCKET).open() as client:
        client.call("CONNECT_DOMAIN_EVENT_REGISTER_ANY", {"eventID": 0})
        live(connection, "wired")
        assert wire_life(client, "DOMAIN_EVENT_LIFECYCLE", lambda m: m) == LIFE
        client.call("CONNECT_DOMAIN_EVENT_DEREGISTER_ANY", {"eventID": 0})
        live(connection, "wired")
        client.call("CONNECT_GET_HOSTNAME")
        assert client.events == []


def test_modern_registration_carries_its_id(connection):
    with Client(SOCKET).open() as client:
        register = "CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY"
        first = client.call(register, {"eventID": 1})["callbackID"]
        second = client.call(register, {"eventID": 0})["callbackID"]
        assert first != second
        client.call("CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY", {"callbackID": first})
        live(connection, "wired")
        ids = set()

        def unwrap(message):
            ids.add(message["callbackID"])
            return message["msg"]

        assert wire_life(client, "DOMAIN_EVENT_CALLBACK_LIFECYCLE", unwrap) == LIFE
        assert ids == {second}


def test_deregistering_the_unknown(connection):
    with Client(SOCKET).open() as client:
        with pytest.raises(Refused) as refused:
            client.call("CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY", {"callbackID": 4711})
        assert refused.value.code == libvirt.VIR_ERR_INTERNAL_ERROR


def test_legacy_styles_do_not_mix(connection):
    with Client(SOCKET).open() as client:
        client.call("CONNECT_DOMAIN_EVENT_REGISTER")
        with pytest.raises(Refused) as refused:
            client.call("CONNECT_DOMAIN_EVENT_REGISTER_ANY", {"eventID": 0})
        assert refused.value.code == libvirt.VIR_ERR_INVALID_ARG


def test_monitor_events(connection, hlt):
    hlt.create()
    with Client(SOCKET).open() as client:
        client.call("CONNECT_DOMAIN_MONITOR_EVENT_REGISTER", {"flags": 0}, program=QEMU)
        hlt.suspend()
        event = client.wait_event("DOMAIN_MONITOR_EVENT", program=QEMU)
        assert (event["dom"]["name"], event["event"]) == ("hlt", "STOP")


def test_a_client_that_does_not_read_delays_nobody(connection, watcher):
    _, seen = collect(watcher)
    with Client(SOCKET).open() as deaf:
        deaf.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", {"eventID": 0})
        start = time.monotonic()
        for number in range(200):
            connection.defineXML(hlt_xml("noise%d" % number))
        wait_until(lambda: sum(name.startswith("noise") for name, _, _ in list(seen)) >= 200)
        assert time.monotonic() - start < 20

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks through virtqemud's own socket, as clients of a hypervisor are used to: they are
virtnetworkd's, and virtqemud passes the calls on."""
import libvirt
import pytest
from conftest import code_of
from daemon import URI, Daemon, virsh, wait_until

NETWORK = "<network><name>%s</name><bridge name='virbr-%s'/></network>"
DEFINED = libvirt.VIR_NETWORK_EVENT_DEFINED


@pytest.fixture
def networks(daemon):
    running = Daemon(name="virtnetworkd").start()
    yield running
    with libvirt.open("network:///system") as connection:
        for network in connection.listAllNetworks():
            if network.isActive():
                network.destroy()
            if network.isPersistent():
                network.undefine()
    running.stop()


def test_networks_of_a_hypervisor(networks, connection):
    network = connection.networkDefineXML(NETWORK % ("near", "near"))
    assert connection.networkLookupByUUIDString(network.UUIDString()).name() == "near"
    network.create()
    assert "near" in virsh("net-list", "--name", uri="network:///system")
    assert code_of(network.create) == libvirt.VIR_ERR_OPERATION_INVALID
    assert code_of(connection.networkLookupByName, "nobody") == libvirt.VIR_ERR_NO_NETWORK


def test_events_of_networks(networks, connection):
    seen = []
    connection.networkEventRegisterAny(
        None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE,
        lambda c, network, event, detail, _: seen.append((network.name(), event)), None)
    connection.networkDefineXML(NETWORK % ("loud", "loud"))
    wait_until(lambda: ("loud", DEFINED) in seen, what=lambda: seen)


def test_readers_stay_readers(networks, connection):
    with libvirt.openReadOnly(URI) as reader:
        assert reader.listAllNetworks() == []
        assert code_of(reader.networkDefineXML, NETWORK % ("no", "no")) == \
            libvirt.VIR_ERR_OPERATION_DENIED


def test_no_virtnetworkd(connection, hlt):
    with pytest.raises(libvirt.libvirtError) as refused:
        connection.listAllNetworks()
    assert refused.value.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT
    assert "virtnetworkd" in str(refused.value)
    assert "systemctl start virtnetworkd.socket" in str(refused.value)
    assert hlt.name() == "hlt"                  # and the connection goes on


def test_virtnetworkd_comes_and_goes(networks, connection):
    connection.networkDefineXML(NETWORK % ("stays", "stays"))
    for _ in range(3):
        networks.kill()
        assert code_of(connection.listAllNetworks) in (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_RPC)
        networks.start()
        assert [n.name() for n in connection.listAllNetworks()] == ["stays"]


def test_no_descriptor_is_left(networks, daemon, connection):
    before = networks.descriptors(), daemon.descriptors()
    for _ in range(20):
        with libvirt.open(URI) as fleeting:
            fleeting.listAllNetworks()
    wait_until(lambda: (networks.descriptors(), daemon.descriptors()) == before,
               what=lambda: (networks.descriptors(), daemon.descriptors(), before))

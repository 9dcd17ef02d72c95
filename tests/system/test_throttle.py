# SPDX-License-Identifier: LGPL-2.1-or-later
"""Throttle groups: limits that filters of several disks share."""
import contextlib
import json
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest
import wire
from conftest import code_of
from daemon import IMAGES, SOCKET, URI, hlt_xml, wait_until

NAME = "throttled"
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
GROUPS = """<throttlegroups>
  <throttlegroup><group_name>each</group_name><total_iops_sec>400</total_iops_sec>
    <total_iops_sec_max>500</total_iops_sec_max></throttlegroup>
  <throttlegroup><group_name>all</group_name><read_bytes_sec>1000000</read_bytes_sec></throttlegroup>
  </throttlegroups><features>"""


def disk(target, *groups):
    path = IMAGES / (target + "-throttled.img")
    with path.open("wb") as file:
        file.truncate(1 << 20)
    path.chmod(0o666)
    filters = "".join("<throttlefilter group='%s'/>" % group for group in groups)
    return """<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/>
      <target dev='%s' bus='virtio'/><throttlefilters>%s</throttlefilters></disk>""" % (path, target, filters)


def document():
    text = hlt_xml(NAME, devices=disk("vda", "each", "all"))
    assert "<features>" in text
    return text.replace("<features>", GROUPS)


def qmp(domain, command, **arguments):
    text = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0)).get("return")


def objects(domain):
    return {found["name"] for found in qmp(domain, "qom-list", path="/objects")}


def limits(domain, group):
    found = qmp(domain, "qom-get", path="/objects/throttle-" + group, property="limits")
    return {name: value for name, value in found.items() if value and not name.endswith("-length")}


def filters(domain):
    """the node of each filter, and what it limits"""
    return {node["node-name"]: node["image"]["filename"] for node in qmp(domain, "query-named-block-nodes")
            if node["drv"] == "throttle"}


def groups(domain, flags=0):
    found = ElementTree.fromstring(domain.XMLDesc(flags)).findall("throttlegroups/throttlegroup")
    return {group.findtext("group_name"): {limit.tag: int(limit.text) for limit in group
                                           if limit.tag != "group_name"} for group in found}


@pytest.fixture
def throttled(connection):
    domain = connection.defineXML(document())
    domain.create()
    return domain


@pytest.fixture
def client(throttled):
    """speaks of procedures that stock clients of this age don't know"""
    handle = {"name": throttled.name(), "uuid": throttled.UUID(), "id": throttled.ID()}

    def call(name, **arguments):
        if "params" in arguments:
            arguments["params"] = [{"field": field, "value": (7 if isinstance(value, str) else 4, value)}
                                   for field, value in arguments["params"].items()]
        return opened.call(name, dict(arguments, dom=handle))

    with wire.Client(str(SOCKET)) as opened:
        opened.open()
        yield call


def refused(function, *words, **arguments):
    with pytest.raises(wire.Refused) as caught:
        function(*words, **arguments)
    return caught.value.code


def test_filters_limit_disks(throttled, connection):
    assert {"throttle-each", "throttle-all"} <= objects(throttled)
    assert limits(throttled, "each") == {"iops-total": 400, "iops-total-max": 500}
    assert limits(throttled, "all") == {"bps-read": 1000000}
    assert set(filters(throttled)) == {"libvirt-1-filter0", "libvirt-1-filter1"}
    (drive,) = [d for d in qmp(throttled, "query-block") if d.get("inserted")]
    assert drive["inserted"]["node-name"] == "libvirt-1-filter1"
    throttled.attachDeviceFlags(disk("vdb", "all"), LIVE)
    assert "libvirt-2-filter0" in filters(throttled)
    assert code_of(throttled.attachDeviceFlags, disk("vdc", "none"), LIVE) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert code_of(throttled.setBlockIoTune, "vda", {"read_iops_sec": 5}, LIVE) \
        == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_media_are_limited(connection):
    drive = disk("hda", "all").replace("device='disk'", "device='cdrom'").replace("'virtio'", "'ide'")
    domain = connection.defineXML(hlt_xml(NAME, devices=drive)
                                  .replace("<features>", GROUPS))
    domain.create()
    assert set(filters(domain)) == {"libvirt-1-filter0"}
    domain.updateDeviceFlags(disk("hdb", "all").replace("device='disk'", "device='cdrom'")
                             .replace("'virtio'", "'ide'").replace("dev='hdb'", "dev='hda'"), LIVE)
    assert set(filters(domain)) == {"libvirt-2-filter0"}


def test_groups_are_set(throttled, client, daemon):
    seen = []
    with contextlib.closing(libvirt.open(URI)) as watcher:
        number = watcher.domainEventRegisterAny(
            None, libvirt.VIR_DOMAIN_EVENT_ID_TUNABLE, lambda c, d, params, _: seen.append(params), None)
        client("DOMAIN_SET_THROTTLE_GROUP", group="each", params={"total_iops_sec": 450}, flags=LIVE)
        wait_until(lambda: seen)
        watcher.domainEventDeregisterAny(number)
    assert seen[0] == {"blkdeviotune.group_name": "each", "blkdeviotune.total_iops_sec": 450}
    assert limits(throttled, "each") == {"iops-total": 450, "iops-total-max": 500}
    assert groups(throttled)["each"]["total_iops_sec"] == 450
    assert groups(throttled, libvirt.VIR_DOMAIN_XML_INACTIVE)["each"]["total_iops_sec"] == 400
    client("DOMAIN_SET_THROTTLE_GROUP", group="all", flags=LIVE,
           params={"write_bytes_sec": 5000, "group_name": "all"})       # of the kind, the one that was given
    assert limits(throttled, "all") == {"bps-write": 5000}

    client("DOMAIN_SET_THROTTLE_GROUP", group="new", params={"read_iops_sec": 7}, flags=LIVE | CONFIG)
    assert limits(throttled, "new") == {"iops-read": 7}
    daemon.restart()
    domain = libvirt.open(URI).lookupByName(NAME)
    for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        assert groups(domain, flags)["new"] == {"read_iops_sec": 7}
    wait_until(lambda: code_of(qmp, domain, "query-status") is None, 30)
    domain.attachDeviceFlags(disk("vdb", "new"), LIVE)
    assert "libvirt-2-filter0" in filters(domain)


def test_groups_are_deleted(throttled, client):
    client("DOMAIN_SET_THROTTLE_GROUP", group="new", params={"read_iops_sec": 7}, flags=LIVE | CONFIG)
    client("DOMAIN_DEL_THROTTLE_GROUP", group="new", flags=LIVE)
    assert "throttle-new" not in objects(throttled) and "new" not in groups(throttled)
    assert "new" in groups(throttled, libvirt.VIR_DOMAIN_XML_INACTIVE)
    client("DOMAIN_DEL_THROTTLE_GROUP", group="new", flags=CONFIG)
    assert set(groups(throttled, libvirt.VIR_DOMAIN_XML_INACTIVE)) == {"each", "all"}
    for flags in (LIVE, CONFIG):                                        # in use, unknown
        assert refused(client, "DOMAIN_DEL_THROTTLE_GROUP", group="each", flags=flags) \
            == libvirt.VIR_ERR_INVALID_ARG
        assert refused(client, "DOMAIN_DEL_THROTTLE_GROUP", group="none", flags=flags) \
            == libvirt.VIR_ERR_INVALID_ARG
    assert {"throttle-each", "throttle-all"} <= objects(throttled)


@pytest.mark.parametrize("group, params, code", [
    ("each", {"total_iops_sec": 1, "read_iops_sec": 1}, libvirt.VIR_ERR_INVALID_ARG),
    ("each", {"total_iops_sec": 1 << 60}, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED),
    ("each", {"total_iops_sec_max": 5}, libvirt.VIR_ERR_CONFIG_UNSUPPORTED),
    ("each", {"group_name": "other"}, libvirt.VIR_ERR_INVALID_ARG),
    ("a,b", {"total_iops_sec": 1}, libvirt.VIR_ERR_INVALID_ARG)])
def test_refused(throttled, client, group, params, code):
    before = groups(throttled)
    assert refused(client, "DOMAIN_SET_THROTTLE_GROUP", group=group, params=params, flags=LIVE) == code
    assert groups(throttled) == before and limits(throttled, "each")["iops-total"] == 400

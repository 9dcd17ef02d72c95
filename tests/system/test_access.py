# SPDX-License-Identifier: LGPL-2.1-or-later
"""access_drivers = ["polkit"]: rules of a real polkitd decide by user, permission and object, in every
daemon and on every way to it."""
import json
import pathlib
import subprocess
from xml.etree import ElementTree

import libvirt
import pytest
import wire
from daemon import BUILD, Daemon, hlt_xml, install_guests
from policy import NOBODY, ROOM, SOMEBODY, policy, run_as, said

LEGACY = "qemu:///system?mode=legacy"
DENIED = libvirt.VIR_ERR_ACCESS_DENIED
# Debian's, before a test covers it.
ACTIONS = pathlib.Path("/usr/share/polkit-1/actions/org.libvirt.api.policy")
THEIRS = ACTIONS.read_bytes() if ACTIONS.exists() else b""
# somebody may do everything but what is about an object called hidden or starts or stops something;
# nobody what the actions' defaults say
RULES = """polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.libvirt.api.") != 0)
        return undefined;
    var details = ["connect_driver", "domain_name", "domain_uuid", "network_name", "network_uuid",
                   "pool_name", "pool_uuid", "vol_name", "vol_key", "secret_uuid", "secret_usage_ceph"];
    polkit.log("ASKED " + JSON.stringify([subject.user, action.id.substr(16)].concat(
        details.map(function(name) { return name + "=" + action.lookup(name); }))));
    if (subject.user != "somebody")
        return undefined;
    for (var i = 0; i < details.length; i++)
        if (action.lookup(details[i]) == "hidden")
            return polkit.Result.NO;
    return /[.](start|stop)$/.test(action.id) ? polkit.Result.NO : polkit.Result.YES;
});
"""
REMOTE = 'listen_tcp = 1\nauth_tcp = "none"\nlisten_addr = "127.0.0.1"\n'
NETWORK = "<network><name>%s</name></network>"
POOL = "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>"
SECRET = "<secret><usage type='ceph'><name>%s</name></usage></secret>"
VOLUME = "<volume><name>%s</name><capacity>4096</capacity></volume>"

# What a user's program sees: one line of JSON, [name, value or code] of each expression.
PROGRAM = """
import json, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
uri, expressions = sys.argv[1], sys.argv[2:]
names = {"libvirt": libvirt}
results = []
for expression in ["libvirt.open(%r)" % uri] + expressions:
    try:
        value = eval(expression, names)
        names.setdefault("c", value)
        results.append(value if isinstance(value, (int, str, list, type(None))) else "object")
    except libvirt.libvirtError as error:
        results.append({"code": error.get_error_code(), "domain": error.get_error_domain(), "text": str(error)})
        if "c" not in names:
            break
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def daemons():
    install_guests()
    with policy(RULES) as polkitd:
        started = []
        for name, path in (("virtqemud", None), ("virtnetworkd", None), ("virtstoraged", None), ("virtsecretd", None),
                           ("virtproxyd", "/run/libvirt/libvirt-sock")):
            config = ROOM / (name + ".conf")
            config.write_text('access_drivers = [ "polkit" ]\nunix_sock_rw_perms = "0777"\n'
                              + (REMOTE if name == "virtproxyd" else ""))
            started.append(Daemon("-f", str(config), name=name, path=path).start())
        make_objects()
        yield polkitd
        remove_objects()
        for running in reversed(started):
            running.stop()


def make_objects():
    folder = ROOM / "pool"
    folder.mkdir(exist_ok=True)
    with libvirt.open("qemu:///system") as root, libvirt.open("storage:///system") as storage:
        for name in ("hidden", "open"):
            root.defineXML(hlt_xml(name))
            root.networkDefineXML(NETWORK % name)
            root.secretDefineXML(SECRET % name)
        pool = storage.storagePoolCreateXML(POOL % ("p", folder))
        for name in ("hidden", "open"):
            pool.createXML(VOLUME % name)


def remove_objects():
    with libvirt.open("qemu:///system") as root, libvirt.open("storage:///system") as storage:
        for thing in root.listAllDomains() + root.listAllNetworks():
            if thing.isActive():
                thing.destroy()
            if thing.isPersistent():
                thing.undefine()
        for pool in storage.listAllStoragePools():
            pool.destroy()
        for secret in root.listAllSecrets():
            secret.undefine()


def as_user(user, uri, *expressions):
    done = run_as(user, "/usr/bin/python3", "-c", PROGRAM, uri, *expressions)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[1:] if "code" not in done.stdout[:9] else json.loads(done.stdout)


def codes(results):
    return [r["code"] if isinstance(r, dict) else r for r in results]


def asked():
    """what the rules were asked so far: (user, action, details)"""
    lines = [line.split("ASKED ", 1)[1] for line in said().splitlines() if "ASKED " in line]
    rows = [json.loads(line) for line in lines]
    return [(user, action, dict(d.split("=", 1) for d in details if not d.endswith("=undefined")))
            for user, action, *details in rows]


@pytest.mark.parametrize("uri", ["qemu:///system", LEGACY])
def test_domains(daemons, uri):
    listed, count, looked, hidden, start, defined, denied = as_user(
        SOMEBODY, uri, "sorted(d.name() for d in c.listAllDomains())", "c.numOfDefinedDomains()",
        "c.lookupByName('open')", "c.lookupByName('hidden')", "c.lookupByName('open').create()",
        "c.defineXML(%r).undefine()" % hlt_xml("mine"), "c.defineXML(%r)" % hlt_xml("hidden"))
    assert (listed, count, looked, defined) == (["open"], 1, "object", 0)
    assert codes([hidden, start, denied]) == [DENIED] * 3
    assert hidden["domain"] == libvirt.VIR_FROM_ACCESS
    assert hidden["text"].startswith("access denied: 'QEMU' denied access to org.libvirt.api.domain.getattr")


def test_what_the_rules_are_told(daemons):
    with libvirt.open("qemu:///system") as root:
        uuid = root.lookupByName("open").UUIDString()
    before = len(asked())
    as_user(SOMEBODY, "qemu:///system", "c.lookupByName('open').create()", "c.getSysinfo()")
    domain = {"connect_driver": "QEMU", "domain_name": "open", "domain_uuid": uuid}
    connect = {"connect_driver": "QEMU"}
    assert asked()[before:] == [
        ("somebody", "connect.getattr", connect), ("somebody", "domain.getattr", domain),
        ("somebody", "domain.start", domain), ("somebody", "connect.read", connect)]


@pytest.mark.parametrize("uri", ["network:///system", "qemu:///system", LEGACY])
def test_networks_by_every_way(daemons, uri):
    """virtnetworkd decides by who the user is, not by who passes the call on"""
    before = len(asked())
    listed, looked, hidden, start, defined = as_user(
        SOMEBODY, uri, "[n.name() for n in c.listAllNetworks()]", "c.networkLookupByName('open')",
        "c.networkLookupByName('hidden')", "c.networkLookupByName('open').create()",
        "c.networkDefineXML(%r).undefine()" % (NETWORK % "mine"))
    assert (listed, looked, defined) == (["open"], "object", 0)
    assert codes([hidden, start]) == [DENIED] * 2 and "'network' denied access" in hidden["text"]
    about = [details for user, action, details in asked()[before:] if action == "network.start"]
    assert about and about[0]["network_name"] == "open" and about[0]["connect_driver"] == "network"


@pytest.mark.parametrize("uri", ["secret:///system", "qemu:///system"])
def test_secrets(daemons, uri):
    """known by what they are for"""
    ceph = "libvirt.VIR_SECRET_USAGE_TYPE_CEPH"
    listed, looked, hidden, made, denied = as_user(
        SOMEBODY, uri, "[s.usageID() for s in c.listAllSecrets()]", "c.secretLookupByUsage(%s, 'open')" % ceph,
        "c.secretLookupByUsage(%s, 'hidden')" % ceph, "c.secretDefineXML(%r).undefine()" % (SECRET % "mine"),
        "c.secretDefineXML(%r)" % (SECRET % "hidden"))
    assert (listed, looked, made) == (["open"], "object", 0)
    assert codes([hidden, denied]) == [DENIED] * 2


def test_volumes(daemons):
    before = len(asked())
    listed, count, path, hidden, forged, made, denied, stopped = as_user(
        SOMEBODY, "storage:///system", "c.storagePoolLookupByName('p').listVolumes()",
        "c.storagePoolLookupByName('p').numOfVolumes()",
        "c.storagePoolLookupByName('p').storageVolLookupByName('open').path()",
        "c.storagePoolLookupByName('p').storageVolLookupByName('hidden')",
        "c.storageVolLookupByPath('%s/pool/hidden')" % ROOM,
        "c.storagePoolLookupByName('p').createXML(%r).delete()" % (VOLUME % "mine"),
        "c.storagePoolLookupByName('p').createXML(%r)" % (VOLUME % "hidden"),
        "c.storagePoolLookupByName('p').destroy()")
    assert (listed, count, path, made) == (["open"], 1, "%s/pool/open" % ROOM, 0)
    assert codes([hidden, forged, denied, stopped]) == [DENIED] * 4
    (deleted,) = [d for _, action, d in asked()[before:] if action == "storage-vol.delete"]
    assert (deleted["pool_name"], deleted["vol_name"], deleted["vol_key"]) == ("p", "mine", "%s/pool/mine" % ROOM)


def test_volumes_of_which_others_are_made(daemons):
    """no copy of what can't be read, be it by a clone, or as the image below one"""
    folder = ROOM / "other"
    folder.mkdir(exist_ok=True)
    with libvirt.open("storage:///system") as storage:
        pool = storage.storagePoolCreateXML(POOL % ("other", folder))
        for name in ("hidden", "seen"):
            pool.createXML(VOLUME % name)
        above = "<volume><name>%s</name><capacity>4096</capacity><target><format type='qcow2'/></target>" \
                "<backingStore><path>%s</path><format type='%s'/></backingStore></volume>"
        pool.createXML(above % ("chain", folder / "hidden", "raw"))
        at = lambda name: "c.storageVolLookupByPath('%s')" % (folder / name)
        mine = "c.storagePoolLookupByName('p')"
        seen, cloned, chained, below, deeper, fine = as_user(
            SOMEBODY, "storage:///system", at("seen") + ".path()",
            "%s.createXMLFrom(%r, %s).delete()" % (mine, VOLUME % "v", at("seen")),
            "%s.createXMLFrom(%r, %s).delete()" % (mine, VOLUME % "v", at("chain")),
            "%s.createXML(%r).delete()" % (mine, above % ("v", folder / "hidden", "raw")),
            "%s.createXML(%r).delete()" % (mine, above % ("v", folder / "chain", "qcow2")),
            "%s.createXML(%r).delete()" % (mine, above % ("v", folder / "seen", "raw")))
        assert (seen, cloned, fine) == (str(folder / "seen"), 0, 0)
        assert codes([chained, below, deeper]) == [DENIED] * 3
        for name in ("chain", "hidden", "seen"):
            pool.storageVolLookupByName(name).delete()
        pool.destroy()


def test_a_user_of_whom_the_rules_say_nothing(daemons):
    """the actions' own defaults: who looks is let"""
    listed, info, start, defined = as_user(
        NOBODY, "qemu:///system", "len(c.listAllDomains())", "c.lookupByName('hidden').info()[0]",
        "c.lookupByName('hidden').create()", "c.defineXML(%r)" % hlt_xml("mine"))
    assert (listed, info) == (2, libvirt.VIR_DOMAIN_SHUTOFF) and codes([start, defined]) == [DENIED] * 2


def test_root_is_not_asked_about(daemons):
    before = len(asked())
    with libvirt.open(LEGACY) as root:
        root.lookupByName("hidden").create()
        root.lookupByName("hidden").destroy()
        assert len(root.listAllDomains()) == 2
    assert len(asked()) == before


EVENTS = """
import sys, libvirt
libvirt.virEventRegisterDefaultImpl()
c = libvirt.open(sys.argv[1])
c.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                         lambda c, d, event, detail, _: print(d.name(), event, flush=True), None)
print("ready", flush=True)
while True:
    libvirt.virEventRunDefaultImpl()
"""


def test_who_is_no_process_of_this_host(daemons):
    """polkit could not be asked about it"""
    with pytest.raises(libvirt.libvirtError, match="processes of this host alone") as refused:
        libvirt.open("qemu+tcp://127.0.0.1/system")
    assert refused.value.get_error_code() == DENIED


@pytest.mark.parametrize("uri", ["qemu:///system", LEGACY])
def test_events_are_filtered(daemons, uri):
    listener = subprocess.Popen(["setpriv", "--reuid=%d" % SOMEBODY, "--regid=%d" % NOBODY, "--clear-groups",
                                 "/usr/bin/python3", "-c", EVENTS, uri], stdout=subprocess.PIPE, text=True)
    try:
        assert listener.stdout.readline() == "ready\n"
        with libvirt.open("qemu:///system") as root:
            for _ in range(3):
                for name in ("hidden", "open"):
                    root.lookupByName(name).create()
                    root.lookupByName(name).destroy()
        heard = [listener.stdout.readline().split() for _ in range(9)]
    finally:
        listener.kill()
        listener.wait(10)
    assert {name for name, _ in heard} == {"open"}
    started, resumed, stopped = (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_RESUMED,
                                 libvirt.VIR_DOMAIN_EVENT_STOPPED)
    assert [int(event) for _, event in heard] == [resumed, started, stopped] * 3 or \
        [int(event) for _, event in heard] == [started, resumed, stopped] * 3


def test_an_identity_counts_instead_of_its_bearer(daemons):
    """root vouches for another; who does not live here is nobody that polkit knows"""
    with wire.Client("/run/libvirt/virtqemud-sock") as client:
        client.open()
        with pytest.raises(wire.Refused) as refused:
            client.call("CONNECT_SET_IDENTITY", {"params": [
                {"field": "x509-distinguished-name", "value": (libvirt.VIR_TYPED_PARAM_STRING, "CN=far")}],
                "flags": 0})
        assert refused.value.code == DENIED and "processes of this host" in refused.value.message


def test_without_policy(daemons):
    """nobody but root gets in, and is told why; at once when it is back"""
    daemons.terminate()
    daemons.wait(20)
    (refused,) = as_user(SOMEBODY, "qemu:///system")
    assert refused["code"] == DENIED and "'QEMU' denied access" in refused["text"]
    with libvirt.open("qemu:///system") as root:
        assert len(root.listAllDomains()) == 2


def test_drivers_that_there_are_not(tmp_path):
    (tmp_path / "virtqemud.conf").write_text('access_drivers = [ "selinux" ]\n')
    broken = Daemon("-f", str(tmp_path / "virtqemud.conf"), "-p", str(tmp_path / "pid"))
    done = subprocess.run([broken.binary, *broken.options], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and 'does not know "selinux"' in done.stderr


@pytest.mark.skipif(not THEIRS, reason="no org.libvirt.api.policy of the distribution's")
def test_actions_are_those_of_the_ecosystem():
    """names, and what holds where no rule says anything"""
    def read(text):
        return {a.get("id"): a.find("defaults/allow_any").text for a in ElementTree.fromstring(text)
                if a.tag == "action"}
    ours = read((BUILD / "common/protocol/org.libvirt.api.policy").read_bytes())
    theirs = read(THEIRS)
    assert theirs.items() <= ours.items()
    assert set(ours) - set(theirs) <= {"org.libvirt.api.node-device.save"}      # newer

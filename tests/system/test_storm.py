# SPDX-License-Identifier: LGPL-2.1-or-later
"""Twenty clients call anything in any order, with values at the edges of their types, while guests come
and go and QEMUs are killed: each call is answered, and afterwards the daemon works as on its first day.
Built for the sanitizers; MODVIRT_STORM_SECONDS and MODVIRT_STORM_SEED make it a long search."""
import contextlib
import inspect
import os
import random
import signal
import threading
import time

import libvirt
from daemon import URI, emulator_pids, hlt_xml, wait_until

SECONDS = float(os.environ.get("MODVIRT_STORM_SECONDS", "2"))
SEED = int(os.environ.get("MODVIRT_STORM_SEED", "1"))
CLIENTS = 20
NAMES = ["storm%d" % n for n in range(6)]
LONGEST_CALL = 120

# what needs a stream, a descriptor or another host, writes a guest's memory to a file, calls back, or
# first asks all emulators of the machine
LEFT_OUT = {"connect", "c_pointer", "openConsole", "openChannel", "screenshot", "openGraphics", "openGraphicsFD",
            "coreDump", "coreDumpWithFormat", "save", "saveFlags", "saveParams", "managedSave", "FDAssociate",
            "getCapabilities"}

NUMBERS = [0, 1, -1, 2, 3, 7, 64, 255, 4096, 32768, 65536, 2 ** 31 - 1, -2 ** 31, 2 ** 32 - 1, 2 ** 53, 2 ** 63 - 1]
FLAGS = [0, 0, 0, 1, 2, 3, 4, 8, 16, 2 ** 31, 2 ** 32 - 1]

DEVICES = [
    "<disk type='file' device='disk'><source file='/run/tmp/nothing'/><target dev='%s' bus='virtio'/></disk>",
    "<disk type='file' device='cdrom'><target dev='%s' bus='scsi'/><readonly/></disk>",
    "<controller type='scsi' index='%s' model='virtio-scsi'/>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-%s'/></rng>",
    "<watchdog model='i6300esb' action='%s'/>",
    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><alias name='ua-%s'/></interface>",
    "<channel type='pty'><target type='virtio' name='storm.%s'/></channel>",
    "<memballoon model='virtio'/><!--%s-->",
    "<serial type='pty'/><!--%s-->",
    "<input type='keyboard' bus='virtio'/><!--%s-->",
]
WORDS = ["", "vda", "vdb", "hda", "0", "1", "reset", "none", "x" * 300, "x" * 70000, "../../etc", "\n", "%s%n",
         "\u00fc\u4e2d", "<domain/>", "<a>" * 300, '{"execute":"query-status"}', '{"execute":"guest-info"}', "{"]
PARAMETERS = ["cpu_shares", "vcpu_quota", "vcpu_period", "weight", "hard_limit", "soft_limit", "total_bytes_sec",
              "read_iops_sec", "inbound.average", "numa_nodeset", "numa_mode", "poll_max_ns", "nonsense"]


class Client(threading.Thread):
    def __init__(self, number, end):
        super().__init__(daemon=True)
        self.numbers = random.Random(SEED * 1000 + number)
        self.end, self.name = end, "client %d" % number
        self.doing, self.since = "nothing", time.monotonic()
        self.calls, self.longest = 0, (0, "nothing")
        self.fault = None

    def run(self):
        try:
            while not self.end.is_set():
                with contextlib.closing(libvirt.open(URI)) as connection:
                    for _ in range(self.numbers.randrange(1, 100)):
                        if self.end.is_set():
                            break
                        self.act(connection)
        except BaseException as fault:
            self.fault = fault

    def act(self, connection):
        step = self.numbers.choice([self.live] * 3 + [self.call] * 6 + [self.ask, self.kill])
        self.doing, self.since = getattr(step, "__name__", "life"), time.monotonic()
        try:
            step(connection)
        except libvirt.libvirtError as error:
            assert error.get_error_code() not in (libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_INTERNAL_ERROR) \
                or "broke" not in str(error), error
            if error.get_error_domain() == libvirt.VIR_FROM_RPC and not connection.isAlive():
                raise
        finally:
            self.calls += 1
            self.longest = max(self.longest, (time.monotonic() - self.since, self.doing))

    def live(self, connection):
        """a step of an ordinary guest's life"""
        name = self.numbers.choice(NAMES)
        if self.numbers.random() < 0.25:
            if self.numbers.random() < 0.3:
                connection.createXML(hlt_xml(name), self.numbers.choice(FLAGS))
            else:
                connection.defineXML(hlt_xml(name))
            return
        domain = connection.lookupByName(name)
        self.numbers.choice([
            domain.create, domain.create, domain.destroy, domain.undefine, domain.suspend, domain.resume, domain.XMLDesc,
            domain.info, lambda: domain.reset(0), lambda: domain.rename(self.numbers.choice(NAMES)),
            lambda: domain.attachDeviceFlags(self.device(), self.numbers.choice((1, 2, 3))),
            lambda: domain.detachDeviceFlags(self.device(), self.numbers.choice((1, 2, 3)))])()

    def device(self):
        return self.numbers.choice(DEVICES) % self.numbers.choice(WORDS[1:8])

    def call(self, connection):
        """any method of a domain with any values"""
        self.any_call(connection.lookupByName(self.numbers.choice(NAMES)), DOMAIN_CALLS)

    def ask(self, connection):
        self.any_call(connection, CONNECTION_CALLS)

    def any_call(self, target, calls):
        name, parameters = self.numbers.choice(calls)
        arguments = [self.value(parameter) for parameter in parameters]
        self.doing = "%s%s" % (name, tuple(str(a)[:60] for a in arguments))
        try:
            getattr(target, name)(*arguments)
        except libvirt.libvirtError:
            raise
        except Exception:                           # the binding has refused them
            pass

    def value(self, parameter):
        draw = self.numbers.choice
        if parameter == "flags":
            return draw(FLAGS)
        if parameter in ("params", "parameters"):
            return {draw(PARAMETERS): draw(NUMBERS + WORDS) for _ in range(self.numbers.randrange(3))}
        if parameter in ("xml", "xmlDesc", "xmldesc"):
            return draw([self.device(), hlt_xml(draw(NAMES)), draw(WORDS)])
        if parameter in ("disk", "path", "name", "dom", "device", "dev"):
            return draw(WORDS)
        if parameter == "size":                     # Python makes room for so much
            return draw(NUMBERS[:11])
        return draw([draw(NUMBERS), draw(NUMBERS), draw(WORDS), None, (True, False), [draw(WORDS)]])

    def kill(self, connection):
        for pid in emulator_pids(self.numbers.choice(NAMES)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Lasting(Client):
    """goes on with the next daemon"""

    def run(self):
        while not self.end.is_set():
            super().run()
            if self.fault and not isinstance(self.fault, libvirt.libvirtError):
                return
            self.end.wait(0.01)
        self.fault = None


def calls_of(kind, left_out):
    """(name, parameters without self) of the methods of a class of the stock binding"""
    found = []
    for name, method in sorted(vars(kind).items()):
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        if name in left_out or "igrate" in name or "vent" in name or "lose" in name:
            continue
        found.append((name, list(inspect.signature(method).parameters)[1:]))
    return found


DOMAIN_CALLS = calls_of(libvirt.virDomain, LEFT_OUT)
CONNECTION_CALLS = [(name, parameters) for name, parameters in calls_of(libvirt.virConnect, LEFT_OUT)
                    if name.startswith(("get", "list", "num", "domain", "lookup", "baseline", "compare", "is", "find"))]


def test_storm(daemon, connection):
    connection.getDomainCapabilities()          # no probe is met by the killing
    descriptors = daemon.descriptors()
    end = threading.Event()
    clients = [Client(number, end) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    end.wait(SECONDS)
    finish(clients, end, daemon)
    assert daemon.alive(), daemon.log_tail()
    print("%d calls, the longest %.1f s: %s" % (sum(c.calls for c in clients), *max(c.longest for c in clients)))
    check_works(connection)
    wait_until(lambda: not emulator_pids(), 30, what="QEMUs of guests that were destroyed")
    wait_until(lambda: daemon.descriptors() <= descriptors + 5, 30,
               what=lambda: "%d descriptors, %d at first" % (daemon.descriptors(), descriptors))


def test_ends_at_work(daemon, connection):
    """a daemon that is told to end in the middle of it ends in order, and the next one has it all"""
    connection.getDomainCapabilities()
    end = threading.Event()
    clients = [Lasting(number, end) for number in range(CLIENTS // 2)]
    for client in clients:
        client.start()
    numbers, until = random.Random(SEED), time.monotonic() + SECONDS
    while time.monotonic() < until:
        end.wait(numbers.uniform(0.1, 0.8))
        daemon.stop()
        daemon.start()
    finish(clients, end, daemon)
    with libvirt.open(URI) as fresh:
        check_works(fresh)


def finish(clients, end, daemon):
    """every call ends, and nothing but an error of libvirt's came of any"""
    end.set()
    deadline = time.monotonic() + LONGEST_CALL
    for client in clients:
        client.join(max(deadline - time.monotonic(), 0.1))
        assert not client.is_alive(), "%s hangs in %s\n%s" % (client.name, client.doing, daemon.log_tail())
        assert not client.fault, "%s, %s: %r\n%s" % (client.name, client.doing, client.fault, daemon.log_tail())


def check_works(connection):
    """whatever there was can be taken away, and each name serves a new guest"""
    for domain in connection.listAllDomains():
        with contextlib.suppress(libvirt.libvirtError):     # gone by itself
            domain.destroy()
        with contextlib.suppress(libvirt.libvirtError):
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    wait_until(lambda: not connection.listAllDomains(), 30, what=lambda: [d.name() for d in connection.listAllDomains()])
    for name in NAMES:
        domain = connection.createXML(hlt_xml(name))
        assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
        domain.destroy()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 of the daemon at random moments under load, each followed by a restart: no guest lost,
none listed twice, none unmanageable, no torn file, no QEMU without a guest."""
import os
import pathlib
import random
import threading
import xml.etree.ElementTree as ElementTree

import libvirt
from daemon import URI, emulator_pids, hlt_xml, wait_until

ROUNDS = int(os.environ.get("MODVIRT_CRASH_ROUNDS", "200"))
SEED = int(os.environ.get("MODVIRT_CRASH_SEED", "1"))
WORKERS = 4
CONFIG = pathlib.Path("/etc/libvirt/qemu")

THERE, GONE, UNKNOWN = "there", "gone", "unknown"


class Worker(threading.Thread):
    """lives one guest's life again and again; knows what the daemon has acknowledged"""

    def __init__(self, name, numbers):
        super().__init__(daemon=True)
        self.guest, self.numbers = name, numbers
        self.known = GONE
        self.xml = hlt_xml(name)

    def run(self):
        try:
            with libvirt.open(URI) as connection:
                while True:
                    self.live(connection)
        except libvirt.libvirtError:
            pass

    def live(self, connection):
        before, self.known = self.known, UNKNOWN if self.known == GONE else self.known
        try:
            domain = connection.lookupByName(self.guest)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                self.known = before
                raise
            domain = connection.defineXML(self.xml)
        self.known = THERE
        steps = [domain.create, domain.suspend, domain.resume, domain.destroy]
        for step in steps[:self.numbers.randrange(len(steps) + 1)]:
            self.attempt(step)
        if domain.isActive():
            self.attempt(domain.destroy)
        if self.numbers.random() < 0.7:
            self.known = UNKNOWN
            domain.undefine()
            self.known = GONE

    @staticmethod
    def attempt(step):
        """a step may not fit the state a crash left; only a lost daemon ends the life"""
        try:
            step()
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                raise


def check_files():
    for path in CONFIG.glob("*.xml"):
        ElementTree.parse(path)
    strays = [p.name for p in CONFIG.iterdir() if p.is_file() and p.suffix != ".xml"]
    assert strays == []


def check_guests(connection, workers):
    domains = connection.listAllDomains()
    names = [d.name() for d in domains]
    assert len(set(names)) == len(names)
    assert len({d.UUIDString() for d in domains}) == len(domains)
    for worker in workers:
        if worker.known == THERE:
            assert worker.guest in names, "%s is lost" % worker.guest
        elif worker.known == GONE:
            assert worker.guest not in names, "%s is back" % worker.guest
    for domain in domains:
        assert domain.name() in domain.XMLDesc()
        wait_until(lambda: len(emulator_pids(domain.name())) == (1 if is_active(domain) else 0), 15,
                   what=lambda: tell(domain))
    wait_until(lambda: len(emulator_pids()) == len([d for d in domains if is_active(d)]), 15,
               what=lambda: "QEMU without a guest, of %s" % emulator_pids())
    for domain in domains:
        wait_until(lambda: try_to_manage(domain), 15, what=lambda: tell(domain))


def is_active(domain):
    """false for one that is gone: a guest without a definition ends with its QEMU"""
    try:
        return domain.isActive()
    except libvirt.libvirtError as error:
        assert error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN, error
        return False


def tell(domain):
    return "%s, active %d, QEMU processes %s" % (
        domain.name(), is_active(domain), emulator_pids(domain.name()))


def try_to_manage(domain):
    """whether the guest does what it is told; a start that the kill interrupted may just be ending"""
    try:
        if not is_active(domain):
            if domain.isPersistent():
                domain.create()
                domain.destroy()
            return True
        if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
            domain.resume()
        else:
            domain.suspend()
        return True
    except libvirt.libvirtError as error:
        assert error.get_error_code() in (
            libvirt.VIR_ERR_OPERATION_FAILED, libvirt.VIR_ERR_OPERATION_INVALID,
            libvirt.VIR_ERR_OPERATION_TIMEOUT, libvirt.VIR_ERR_NO_DOMAIN), error
        return False


def test_kill_at_random_moments(daemon, connection):
    CONFIG.mkdir(parents=True, exist_ok=True)   # the first kill may come before the first definition
    numbers = random.Random(SEED)
    known = {}
    for turn in range(ROUNDS):
        workers = [Worker("crash%d" % n, random.Random(numbers.random())) for n in range(WORKERS)]
        for worker in workers:
            worker.known = known.get(worker.guest, GONE)
            worker.start()
        threading.Event().wait(numbers.uniform(0.0, 0.8))
        daemon.kill()
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive(), "round %d: a client hangs" % turn
        daemon.start()
        try:
            check_files()
            with libvirt.open(URI) as fresh:
                check_guests(fresh, workers)
                there = {d.name() for d in fresh.listAllDomains()}
        except (AssertionError, libvirt.libvirtError) as error:
            raise AssertionError("round %d of seed %d: %s\n%s" % (turn, SEED, error, daemon.log_tail()))
        known = {w.guest: THERE if w.guest in there else GONE for w in workers}

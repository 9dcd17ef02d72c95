# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU that breaks the protocol of its monitor: the command fails with words that say so, the monitor is
connected again, and neither the guest nor any other one suffers."""
import pathlib
import shutil

import libvirt
from client import code_of
from daemon import hlt_xml, wait_until

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "lib" / "lying-qemu"
COPY = pathlib.Path("/var/lib/libvirt/guest/lying-qemu")    # where QEMU's user can run it

# what the command's error says, of each of the program's attacks; None: it succeeds
OUTCOMES = ["has gone", None, "broke the QMP protocol", None, None]


def outcome(domain):
    try:
        domain.injectNMI()
    except libvirt.libvirtError as error:
        return str(error)
    return None


def test_broken_protocol(connection):
    shutil.copy(PROGRAM, COPY)
    liar = connection.createXML(hlt_xml("liar", emulator=COPY))
    honest = connection.createXML(hlt_xml("honest"))
    for number, words in enumerate(OUTCOMES):
        said = outcome(liar)
        assert said is None if words is None else words in said, "attack %d: %s" % (number, said)
        honest.suspend()
        honest.resume()
        wait_until(lambda: code_of(liar.suspend) is None, 30, what="attack %d: a new connection" % number)
        liar.resume()
        assert liar.state()[0] == libvirt.VIR_DOMAIN_RUNNING and liar.XMLDesc()
    liar.destroy()
    assert [d.name() for d in connection.listAllDomains()] == ["honest"]

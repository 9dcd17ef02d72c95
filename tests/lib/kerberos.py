# SPDX-License-Identifier: LGPL-2.1-or-later
"""A realm on the loopback interface: a key distribution centre with a user, and this host's service."""
import contextlib
import glob
import os
import shutil
import socket
import subprocess

import pytest
from daemon import wait_until

REALM = "MODVIRT.TEST"
PORT = 10088
CONFIG = """[libdefaults]
 default_realm = %(realm)s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 %(realm)s = {
  kdc = 127.0.0.1:%(port)d
 }
[domain_realm]
 localhost = %(realm)s
"""
CENTRE = """[kdcdefaults]
 kdc_ports = %(port)d
 kdc_tcp_ports = %(port)d
 kdc_listen = 127.0.0.1:%(port)d
 kdc_tcp_listen = 127.0.0.1:%(port)d
[realms]
 %(realm)s = {
  database_name = %(room)s/principal
  key_stash_file = %(room)s/stash
  acl_file = %(room)s/acl
 }
"""


def missing():
    programs = [p for p in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit") if not shutil.which(p)]
    plugin = glob.glob("/usr/lib/*/sasl2/libgssapiv2.so*")
    return ", ".join(programs + ([] if plugin else ["libsasl2-modules-gssapi-mit"]))


@contextlib.contextmanager
def realm(room):
    """yields the environment of its clients; room/keys has the service's keys"""
    if missing():
        pytest.skip("no " + missing())
    room.mkdir(exist_ok=True)
    values = {"realm": REALM, "port": PORT, "room": room}
    (room / "krb5.conf").write_text(CONFIG % values)
    (room / "kdc.conf").write_text(CENTRE % values)
    environment = dict(os.environ, KRB5_CONFIG=str(room / "krb5.conf"), KRB5_KDC_PROFILE=str(room / "kdc.conf"),
                       KRB5CCNAME="FILE:%s/tickets" % room, LC_ALL="C")

    def run(*words, text=None):
        done = subprocess.run(words, env=environment, input=text, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, "%s: %s" % (words, done.stdout)

    run("kdb5_util", "-r", REALM, "-P", "master", "create", "-s")
    for query in ("addprinc -pw wonderland alice", "addprinc -randkey libvirt/localhost",
                  "ktadd -k %s/keys libvirt/localhost" % room):
        run("kadmin.local", "-r", REALM, "-q", query)
    with (room / "log").open("wb") as log:
        centre = subprocess.Popen(["krb5kdc", "-n", "-r", REALM], env=environment, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log)
    try:
        wait_until(lambda: listens(centre, room), 30, what="the key distribution centre")
        run("kinit", "alice", text="wonderland\n")
        yield environment
    finally:
        centre.terminate()
        centre.wait(20)


def listens(centre, room):
    assert centre.poll() is None, (room / "log").read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0

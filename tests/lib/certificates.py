# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates made by certtool: authorities, and what they sign."""
import pathlib
import subprocess

AUTHORITY = ["ca", "cert_signing_key", "crl_signing_key"]
SERVER = ["signing_key", "encryption_key", "tls_www_server"]
CLIENT = ["signing_key", "encryption_key", "tls_www_client"]
VALID = ["expiration_days = 30"]
EXPIRED = ['activation_date = "2001-01-01 00:00:00 UTC"', 'expiration_date = "2002-01-01 00:00:00 UTC"']
FUTURE = ['activation_date = "2090-01-01 00:00:00 UTC"', 'expiration_date = "2091-01-01 00:00:00 UTC"']


def certtool(*words):
    done = subprocess.run(["certtool", *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def make_key(path, kind=("rsa", 2048)):
    certtool("--generate-privkey", "--key-type=%s" % kind[0], "--bits=%d" % kind[1], "--outfile", path)
    return path


class Certificate:
    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key


class Authority(Certificate):
    """an authority whose files are in a folder of its own"""

    def __init__(self, folder, name="Test Authority", lines=AUTHORITY):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(self.folder / "ca.pem", make_key(self.folder / "ca-key.pem"))
        certtool("--generate-self-signed", "--load-privkey", self.key, "--template",
                 self.template("ca", ["cn = %s" % name, *lines, *VALID]), "--outfile", self.certificate)

    def template(self, name, lines):
        path = self.folder / (name + ".info")
        path.write_text("\n".join(lines) + "\n")
        return path

    def sign(self, name, lines, validity=VALID, own=False, **key):
        """a certificate of that common name, signed by the authority or by its own key"""
        key = make_key(self.folder / (name + "-key.pem"), **key)
        path = self.folder / (name + ".pem")
        template = self.template(name, ["cn = %s" % name, *lines, *validity])
        if own:
            certtool("--generate-self-signed", "--load-privkey", key, "--template", template,
                     "--outfile", path)
        else:
            certtool("--generate-certificate", "--load-privkey", key, "--load-ca-certificate",
                     self.certificate, "--load-ca-privkey", self.key, "--template", template,
                     "--outfile", path)
        return Certificate(path, key)

    def revoke(self, certificate):
        """the list of revoked certificates, with that one in it"""
        path = self.folder / "crl.pem"
        certtool("--generate-crl", "--load-ca-privkey", self.key, "--load-ca-certificate",
                 self.certificate, "--load-certificate", certificate.certificate, "--template",
                 self.template("crl", ["crl_next_update = 30"]), "--outfile", path)
        return path


def pki_folder(folder, authority, own=None):
    """what pkipath= of a client's URI names"""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cacert.pem").write_bytes(authority.certificate.read_bytes())
    if own:
        (folder / "clientcert.pem").write_bytes(own.certificate.read_bytes())
        (folder / "clientkey.pem").write_bytes(own.key.read_bytes())
    return folder

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encrypted images, as QEMU's tool makes them, with few rounds to make a key of the passphrase."""
import subprocess

PREFIX = {"luks": "", "qcow2": "encrypt."}
TRIES = 20


def make_encrypted(verb, layout, passphrase, *words, more=""):
    """`qemu-img VERB ... WORDS`; passphrase: the file of it. The tool measures how fast it is, and may
    find on a busy host that it can't"""
    prefix = PREFIX[layout]
    options = f"{prefix}key-secret=k,{prefix}iter-time=10" + (prefix and f",{prefix}format=luks") + more
    form = "-O" if verb == "convert" else "-f"
    for _ in range(TRIES):
        done = subprocess.run(["qemu-img", verb, "-q", form, layout, "--object", f"secret,id=k,file={passphrase}",
                               "-o", options, *map(str, words)], stderr=subprocess.PIPE, text=True)
        if done.returncode == 0 or "accurate CPU usage" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr

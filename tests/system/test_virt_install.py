# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that virt-install makes run, in each of its forms that need no other daemon: paths alone
(--disk PATH, --cdrom PATH) it looks up in pools of storage."""
import os
import pathlib
import shutil
import subprocess

import libvirt
import pytest
from daemon import IMAGES, URI, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("virt-install"), reason="no virt-install: see virtinst")
SHARED_MEMORY = ["--memorybacking", "source.type=memfd,access.mode=shared"]
KERNEL = ["--boot", f"kernel={IMAGES}/hlt"]


def virt_install(name, *words, disk="none", network="none", graphics="none"):
    done = subprocess.run(
        ["virt-install", "--connect", URI, "--name", name, "--memory", "64", "--virt-type", "qemu",
         "--osinfo", "detect=off,require=off", "--noautoconsole", "--disk", disk, "--network", network,
         "--graphics", graphics, *words],
        capture_output=True, text=True, timeout=120, check=False,
        env=dict(os.environ, HOME="/run", LC_ALL="C"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(*files):
    for file in files:
        if not shutil.which(file) and not os.path.exists(file):
            pytest.skip(f"no {file}")


FORMS = {
    "import": (["--import"], {}),
    "kernel": (["--import", *KERNEL], {"network": "user", "graphics": "vnc"}),
    "cpu": (["--import", "--cpu", "qemu64,+ssse3,topology.sockets=1", *KERNEL], {}),
    "shared-memory": (["--import", *SHARED_MEMORY, *KERNEL], {}),
    "uefi": (["--import", "--boot", "uefi"], {}),
    "tpm": (["--import", "--tpm", "emulator", *KERNEL], {}),
    "virtiofs": (["--import", *SHARED_MEMORY, "--filesystem", "/run/shared,tag,driver.type=virtiofs", *KERNEL], {}),
    "spice": (["--import", *KERNEL], {"graphics": "spice"}),
}
NEEDS = {"uefi": ["/usr/share/OVMF/OVMF_CODE_4M.fd"], "tpm": ["swtpm", "swtpm_setup"],
         "virtiofs": ["/usr/lib/qemu/virtiofsd"]}


@pytest.mark.parametrize("form", FORMS)
def test_forms(connection, form):
    need(*NEEDS.get(form, []))
    pathlib.Path("/run/shared").mkdir(exist_ok=True)
    words, choices = FORMS[form]
    virt_install(form, *words, **choices)
    domain = connection.lookupByName(form)
    assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    assert domain.isPersistent()
    domain.destroy()
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)


def test_disks(connection):
    image, disc = IMAGES / "installed.qcow2", IMAGES / "disc.iso"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "16M"], check=True)
    disc.write_bytes(bytes(2048))
    virt_install("disks", "--import", "--disk", f"type=file,device=cdrom,source.file={disc}",
                 disk=f"type=file,source.file={image},driver.type=qcow2,target.bus=virtio")
    text = connection.lookupByName("disks").XMLDesc()
    assert f"<source file='{image}'" in text and f"<source file='{disc}'" in text


def test_a_kernel_runs(connection):
    log = pathlib.Path("/run/virt-install.log")
    virt_install("linux", "--import", "--serial", f"file,path={log}", "--memory", "128", "--boot",
                 f"kernel={IMAGES}/vmlinuz,initrd={IMAGES}/initrd.gz,kernel_args=console=ttyS0")
    wait_until(lambda: log.exists() and "Linux version" in log.read_text(errors="replace"), 120)


def test_a_transient_guest(connection):
    virt_install("passing", "--import", "--transient", *KERNEL)
    domain = connection.lookupByName("passing")
    assert not domain.isPersistent()
    domain.destroy()
    assert not connection.listAllDomains()


def test_the_document_alone(connection):
    text = virt_install("printed", "--import", "--print-xml", *KERNEL)
    assert "<name>printed</name>" in text
    assert not connection.listAllDomains()
    connection.defineXML(text).create()


def test_another_architecture(connection):
    need("qemu-system-aarch64")
    virt_install("arm", "--import", "--arch", "aarch64")
    domain = connection.lookupByName("arm")
    assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    assert "machine='virt-" in domain.XMLDesc()


# ---- the tools beside it ----

def tool(*words):
    need(words[0])
    done = subprocess.run([words[0], "--connect", URI, *words[1:]], capture_output=True, text=True, timeout=120,
                          check=False, env=dict(os.environ, HOME="/run", LC_ALL="C"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_virt_xml(connection):
    virt_install("edited", "--import", "--machine", "q35", *KERNEL)
    domain = connection.lookupByName("edited")
    tool("virt-xml", "edited", "--edit", "--vcpus", "3")
    assert "<vcpu placement='static'>3</vcpu>" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    tool("virt-xml", "edited", "--add-device", "--rng", "/dev/urandom", "--update")
    assert domain.XMLDesc().count("<rng ") == domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).count("<rng ") >= 1
    tool("virt-xml", "edited", "--remove-device", "--rng", "all")
    assert "<rng " not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    assert tool("virt-xml", "--build-xml", "--rng", "/dev/urandom").startswith("<rng")


def test_virt_clone(connection):
    virt_install("original", "--import", *KERNEL, network="user")
    original = connection.lookupByName("original")
    original.destroy()
    text = tool("virt-clone", "--original", "original", "--name", "copy", "--auto-clone", "--print-xml")
    assert "<name>copy</name>" in text and original.UUIDString() not in text
    tool("virt-clone", "--original", "original", "--name", "copy", "--auto-clone")
    copy = connection.lookupByName("copy")
    assert copy.XMLDesc().count("<mac ") == 1
    copy.create()

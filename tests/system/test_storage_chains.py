# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtstoraged: images above others that are cloned, made and resized: those below are found wherever their header
says, and what leads to no image, or to itself, is refused before a program follows it."""
import json
import os
import pathlib
import shutil
import subprocess

import libvirt
import pytest

from client import opened, remove_pools, serving
from conftest import code_of

FOLDER = pathlib.Path("/run/pool")
MiB = 1 << 20
POOL = f"<pool type='dir'><name>p</name><target><path>{FOLDER}</path></target></pool>"
VOLUME = "<volume><name>%s</name><capacity>0</capacity><target><format type='%s'/></target>%s</volume>"
ABOVE = "<backingStore><path>%s</path><format type='qcow2'/></backingStore>"
DATA = b"what is at the bottom "


def image(name, below=None, form="qcow2", more=()):
    options = [*more, "-u", "-b", below] if below else [*more]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, *(["-F", form] if below else []),
                    FOLDER / name, "1M"], check=True)


def path_json(path, **more):
    return "json:" + json.dumps({"driver": "qcow2", "file": {"driver": "file", "filename": str(path)}, **more})


daemon = serving("virtstoraged")


@pytest.fixture
def pool(daemon):
    FOLDER.mkdir()
    (FOLDER / "raw").write_bytes(DATA + bytes(MiB - len(DATA)))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", FOLDER / "raw", FOLDER / "base"], check=True)
    with opened(daemon, "storage:///system", remove_pools) as connection:
        yield connection.storagePoolCreateXML(POOL)
    shutil.rmtree(FOLDER)


FOUND = ["base", "../pool/base", str(FOLDER / "base"), "file:" + str(FOLDER / "base"), path_json(FOLDER / "base"),
         "json:" + json.dumps({"file.filename": str(FOLDER / "base")})]


@pytest.mark.parametrize("below", FOUND)
def test_found(pool, below):
    image("top", below)
    image("higher", "top")
    pool.refresh()
    for name in ("top", "higher"):
        clone = pool.createXMLFrom(VOLUME % ("clone", "raw", ""), pool.storageVolLookupByName(name))
        assert (FOLDER / "clone").read_bytes().startswith(DATA) and clone.info()[1] == MiB
        clone.delete()
    volume = pool.storageVolLookupByName("top")
    volume.resize(2 * MiB)
    assert volume.info()[1] == 2 * MiB
    above = pool.createXML((VOLUME % ("above", "qcow2", ABOVE % (FOLDER / "higher"))).replace(">0<", ">%d<" % MiB))
    assert above.info()[1] == MiB


def test_made_by_a_relative_path(pool):
    """of the volume's folder, which the header then names so, too"""
    (FOLDER / "sub").mkdir()
    os.symlink("/etc/passwd", FOLDER / "out")
    image("sub/deep", "../base")
    for below, size in ("base", 0), ("sub/deep", 2 * MiB), ("./base", 0):
        size_xml = f"<capacity>{size}</capacity>" if size else ""
        text = (VOLUME % ("top", "qcow2", ABOVE % below)).replace("<capacity>0</capacity>", size_xml)
        top = pool.createXML(text)
        assert top.info()[1] == (size or MiB)
        found = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", FOLDER / "top"]))
        assert (found["backing-filename"], found["backing-filename-format"]) == (below, "qcow2")
        assert str(FOLDER / below.removeprefix("./")) in top.XMLDesc().replace("/./", "/")
        clone = pool.createXMLFrom(VOLUME % ("clone", "raw", ""), top)
        assert (FOLDER / "clone").read_bytes().startswith(DATA)
        clone.delete()
        top.delete()
    for below, code in ("out", libvirt.VIR_ERR_CONFIG_UNSUPPORTED), ("../pool/base", libvirt.VIR_ERR_CONFIG_UNSUPPORTED), \
            ("gone", libvirt.VIR_ERR_SYSTEM_ERROR):
        assert code_of(pool.createXML, VOLUME % ("top", "qcow2", ABOVE % below)) == code
    assert not (FOLDER / "top").exists()


REFUSED = [  # what is below, the error that is to be, and what it says
    ("gone", libvirt.VIR_ERR_SYSTEM_ERROR, "backing file '/run/pool/gone' of storage file '/run/pool/top'"),
    ("loop", libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "it is below itself"),
    (path_json(FOLDER / "loop"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "it is below itself"),
    (path_json(FOLDER / "base", backing={"driver": "raw"}), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "more than its file"),
    ("json:" + json.dumps({"driver": "blkdebug", "image": {"driver": "qcow2"}}), libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
     "no file or server"),
    (path_json("base"), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "is not absolute"),      # QEMU's own folder would count
    ("fat:rw:/etc", libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "no file or server"),
    ("pipe", libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "neither a file nor a block device"),
    ("elsewhere", libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "its data is in another file"),
    ("raw", libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "/run/pool/raw"),           # another format than is said
]


@pytest.mark.parametrize("below, code, words", REFUSED)
def test_refused(pool, below, code, words):
    image("loop", "other")
    image("other", "loop")
    os.mkfifo(FOLDER / "pipe")
    image("elsewhere", more=["-o", f"data_file={FOLDER}/data,data_file_raw=on"])
    image("top", below)
    pool.refresh()
    top = pool.storageVolLookupByName("top")
    for form in ("raw", "qcow2"):
        with pytest.raises(libvirt.libvirtError, match=words) as caught:
            pool.createXMLFrom(VOLUME % ("clone", form, ""), top)
        assert caught.value.get_error_code() == code
    assert code_of(top.resize, 2 * MiB) == code
    assert code_of(pool.createXML, (VOLUME % ("above", "qcow2", ABOVE % (FOLDER / "top"))).replace(">0<", ">%d<" % MiB)) == code
    assert not (FOLDER / "clone").exists() and not (FOLDER / "above").exists()


def test_format_is_not_guessed(pool):
    """a guest may have written the header of what is below"""
    image("top", "base")
    header = (FOLDER / "top").read_bytes()
    (FOLDER / "top").write_bytes(header.replace(b"\xe2\x79\x2a\xca", b"\x12\x34\x56\x78"))       # an unknown part
    pool.refresh()
    with pytest.raises(libvirt.libvirtError, match="was not specified in the image metadata: it looks like qcow2"):
        pool.createXMLFrom(VOLUME % ("clone", "raw", ""), pool.storageVolLookupByName("top"))

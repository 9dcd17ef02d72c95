# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unified hierarchy with real controllers: a daemon alone in a group hands them down."""
import os
import pathlib

from conftest import run

TOP = pathlib.Path("/sys/fs/cgroup")
TEST = pathlib.Path(os.environ.get("MODVIRT_BUILD", "/build"), "tests/unit/test-cgroup")


def test_controllers_are_handed_down():
    for controller in (TOP / "cgroup.controllers").read_text().split():
        (TOP / "cgroup.subtree_control").write_text("+" + controller)
    group = TOP / "alone"
    group.mkdir()
    said = run("sh", "-c", "echo $$ >%s/cgroup.procs && MODVIRT_CGROUP_ALONE=1 exec %s -p /cgroup/hand-down-for-real"
               % (group, TEST))
    assert "ok 1" in said and "SKIP" not in said, said
    assert "memory" in (group / "cgroup.subtree_control").read_text()
    (group / "daemon").rmdir()
    group.rmdir()

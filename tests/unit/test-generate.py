#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generator refuses facts that contradict themselves. Usage: test-generate.py SOURCE-ROOT"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".")
GENERATOR = ROOT / "common/protocol/generate.py"
INT = {"name": "n", "type": "int", "kind": "scalar"}


class Generate(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for path in (ROOT / "common/facts").glob("*.json"):
            shutil.copy(path, self.folder)

    def generate(self, name):
        return subprocess.run([sys.executable, "-B", GENERATOR, self.folder / name, self.folder],
                              stderr=subprocess.PIPE, universal_newlines=True)

    def change(self, program, change):
        path = self.folder / (program + ".json")
        facts = json.loads(path.read_text())
        change(facts)
        path.write_text(json.dumps(facts))

    def assert_refused(self, program, change, part):
        self.change(program, change)
        result = self.generate(program + "-methods.c")
        self.assertEqual(result.returncode, 1)
        self.assertIn(part, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertFalse((self.folder / (program + "-methods.c")).exists())

    def test_unchanged_facts_pass(self):
        self.assertEqual(self.generate("qemu-methods.c").returncode, 0)
        self.assertIn('"DOMAIN_ATTACH"', (self.folder / "qemu-methods.c").read_text())

    def test_struct_that_holds_itself(self):
        def change(facts):
            facts["structs"]["qemu_a"] = [{"name": "b", "type": "qemu_b", "kind": "struct"}]
            facts["structs"]["qemu_b"] = [{"name": "a", "type": "qemu_a", "kind": "array", "max": 2}]
        self.assert_refused("qemu", change, "qemu_a holds itself")

    def test_unknown_type(self):
        def change(facts):
            facts["procedures"][0]["args"] = "qemu_nothing"
        self.assert_refused("qemu", change, "qemu_nothing: no such type")

    def test_unknown_kind(self):
        def change(facts):
            facts["structs"]["qemu_a"] = [dict(INT, kind="map")]
        self.assert_refused("qemu", change, "kind 'map'")

    def test_number_given_twice(self):
        def change(facts):
            facts["procedures"][0]["number"] = 2
        self.assert_refused("qemu", change, "two procedures")

    def test_rule_about_a_missing_argument(self):
        def change(facts):
            facts["procedures"][4]["acl"] = ["domain:write:VIR_DOMAIN_AFFECT_LIVE"]
        self.assert_refused("qemu", change, "no 'flags'")

    def test_rule_that_nobody_understands(self):
        def change(facts):
            facts["procedures"][0]["acl"] = ["domain"]
        self.assert_refused("qemu", change, "access rule 'domain'")

    def test_procedure_without_owner(self):
        def change(facts):
            facts["procedures"].append(dict(facts["procedures"][1], number=457, name="GARDEN_WATER"))
        self.assert_refused("remote", change, "GARDEN_WATER")

    def test_name_given_twice(self):
        def change(facts):
            facts["procedures"].append(dict(facts["procedures"][0], number=457))
        self.assert_refused("remote", change, "handlers of one name")


if __name__ == "__main__":
    unittest.main()

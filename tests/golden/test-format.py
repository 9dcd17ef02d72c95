# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the exported grammar of domains has every element, attribute and word of the format, by TAP.

format.txt has an element of the format of libvirt 12.8 a line, and its attributes, with their words where
they are words. What is below the image of a disk is not said again for other images. What we have not is
in format-absent.txt, with a reason; what is there and is had is a failure.
"""
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).parent
NS = '{http://relaxng.org/ns/structure/1.0}'
ANY = {'text', 'data', 'list'}


class Grammar:
    """paths of elements and attributes: to the words of an attribute, None where it is any text"""

    def __init__(self, text):
        root = ElementTree.fromstring(text)
        self.defines = {define.get('name'): define for define in root.iter(NS + 'define')}
        self.paths = {}
        self.seen = set()
        self.walk(root.find(NS + 'start'), '')

    def walk(self, pattern, path):
        for child in pattern:
            kind = child.tag.removeprefix(NS)
            if kind == 'ref' and (child.get('name'), path) not in self.seen:
                self.seen.add((child.get('name'), path))
                self.walk(self.defines[child.get('name')], path)
            elif kind == 'element' and child.get('name'):
                self.enter(child, path)
            elif kind == 'attribute' and child.get('name'):
                self.add(path + '/@' + child.get('name').split(':')[-1], self.words(child))
            elif kind not in ('ref', 'element', 'attribute'):
                self.walk(child, path)

    def enter(self, element, path):
        """an image below an image is like the one above"""
        name = element.get('name').split(':')[-1]
        if name in ('backingStore', 'dataStore') and '/' + name in path:
            return
        inner = (path + '/' + name).lstrip('/')
        self.paths.setdefault(inner, set())
        self.walk(element, inner)

    def add(self, path, words):
        known = self.paths.setdefault(path, set())
        self.paths[path] = None if known is None or words is None else known | words

    def words(self, pattern):
        found = set()
        for child in pattern:
            kind = child.tag.removeprefix(NS)
            if kind == 'value':
                found.add(child.text or '')
                continue
            inner = None if kind in ANY else self.words(
                self.defines[child.get('name')] if kind == 'ref' else child)
            if inner is None:
                return None
            found |= inner
        return found if len(pattern) else None


def wanted():
    """each path of the format, and the words it must have"""
    for line in (HERE / 'format.txt').read_text().splitlines():
        if not line or line.startswith('#'):
            continue
        element, *attributes = line.split(' ')
        yield element, set()
        for attribute in attributes:
            name, _, words = attribute.partition('=')
            yield element + '/@' + name, set(words.split('|')) - {''}


def lacking(paths, path, words):
    if path not in paths:
        return [path]
    return [] if paths[path] is None else ['%s=%s' % (path, word) for word in sorted(words - paths[path])]


def main():
    grammar = subprocess.run([sys.argv[1], 'domain.rng'], capture_output=True, text=True, check=True).stdout
    paths = Grammar(grammar).paths
    rows = list(wanted())
    absent = {line.split('\t')[0] for line in (HERE / 'format-absent.txt').read_text().splitlines()
              if line and not line.startswith('#')}
    missing = {name for path, words in rows for name in lacking(paths, path, words)}
    print('TAP version 13\n1..3')
    for number, (about, wrong) in enumerate((
            ('all of the format is in the grammar', missing - absent),
            ('what is absent is not there', absent - missing),
            ('the format is read', set() if len(rows) > 2000 else {str(len(rows))})), 1):
        print('%s %d - %s' % ('not ok' if wrong else 'ok', number, about))
        for name in sorted(wrong):
            print('# ' + name)


main()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What documents may hold, from the grammar that is exported from the tables."""
import xml.etree.ElementTree as ElementTree

NS = '{http://relaxng.org/ns/structure/1.0}'
ANY = {'text', 'data', 'list'}


class Grammar:
    """paths of elements and attributes: to the words of an attribute, None where it is any text
    rows: of each attribute, text and empty element the first path of its row, as tables are used in many places"""

    def __init__(self, text):
        root = ElementTree.fromstring(text)
        self.defines = {define.get('name'): define for define in root.iter(NS + 'define')}
        self.paths = {}
        self.rows, self.first = {}, {}
        self.seen = set()
        self.walk(root.find(NS + 'start'), '', ())

    def walk(self, pattern, path, place):
        """place: the table, and the way to here within it"""
        for child in pattern:
            kind = child.tag.removeprefix(NS)
            if kind == 'ref' and (child.get('name'), path) not in self.seen:
                self.seen.add((child.get('name'), path))
                self.walk(self.defines[child.get('name')], path, (child.get('name'),))
            elif kind == 'element' and child.get('name'):
                self.enter(child, path, place)
            elif kind == 'attribute' and child.get('name'):
                name = '@' + child.get('name').split(':')[-1]
                self.add(path + '/' + name, self.words(child), place + (name,))
            elif kind in ANY and path:
                self.note_row(path, place)
            elif kind == 'value':
                self.add(path, {child.text or ''}, place)
            elif kind not in ('ref', 'element', 'attribute'):
                self.walk(child, path, place)

    def enter(self, element, path, place):
        """an image below an image is like the one above"""
        name = element.get('name').split(':')[-1]
        if name in ('backingStore', 'dataStore') and '/' + name in path:
            return
        inner = (path + '/' + name).lstrip('/')
        self.paths.setdefault(inner, set())
        self.walk(element, inner, place + (name,))
        if not any((known + '/').startswith(inner + '/') for known in self.rows):
            self.note_row(inner, place + (name,))

    def add(self, path, words, place):
        known = self.paths.setdefault(path, set())
        self.paths[path] = None if known is None or words is None else known | words
        self.note_row(path, place)

    def note_row(self, path, place):
        self.rows.setdefault(path, self.first.setdefault(place, path))

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

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether each row of the tables of domains means something, by TAP.

Of each attribute, text and empty element of the grammar, our own documents are read with it and without it,
or with it altered: if no command line becomes another, nobody may have read it. Those are listed in rows.txt,
a path (or a pattern of paths), tab, and who reads it: a file below virtqemud and the member of the definition,
which the file must name; or, after a dash, why nobody does. What is not listed there is a failure, and what is
listed but has an effect.
"""
import collections
import fnmatch
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / '../golden'))

from grammar import Grammar  # noqa: E402

SOURCES = HERE / '../../virtqemud'
LISTED = HERE / 'rows.txt'
DOCUMENTS = [*(HERE / 'cases').glob('*.xml'), *(HERE / '../golden/domain').glob('*.xml')]

# Tables that are parts of others, and so are in the grammar once for each.
SHARED = [(re.compile(pattern), new) for pattern, new in (
    (r'(domain/devices)/\w+/((?:boot|alias|rom|acpi|address)(?:/.*)?)$', r'\1/*/\2'),
    (r'(domain/devices)/\w+/(driver/@(?:iommu|ats|packed|page_per_vq))$', r'\1/*/\2'),
    (r'(domain/devices)/(?:smartcard|serial|parallel|console|channel|redirdev|rng/backend)'
     r'/((?:source|protocol|log)(?:/.*)|@tty)$', r'\1/chardev/\2'),
    (r'(.*/source)(?:/dataStore)+(?:/backingStore)?/(?:source|format)/(.*)', r'\1/\2'),
    (r'domain/os/(?:nvram|varstore)/source/(.*)', r'domain/devices/disk/source/\1'),
    (r'domain/devices/disk/(?:mirror|backingStore)/source/(.*)', r'domain/devices/disk/source/\1'),
    (r'(.*)/driver/metadata_cache/(.*)', r'\1/metadata_cache/\2'))]

# of a clock with an offset of its own
TIME = re.compile(r'base=\d{4}-\d\d-\d\dT[\d:]+')

UNITS = ['bytes', 'KiB', 'MiB']
# what an attribute may be that is in no document
GUESSES = ['1', '2', 'yes', 'on', '/x', 'x', '1024', '0x2', 'KiB', '10.0.0.9', '0-1']
MOST_EXTENDED = 4  # documents for a row
BATCH = 100


def row_of(path):
    for pattern, new in SHARED:
        path = pattern.sub(new, path)
    return path


def local(tag):
    return tag.rpartition('}')[2]


def without_repeats(path):
    """an image below an image is like the one above"""
    return re.sub(r'(/(backingStore|dataStore))((?:/source)?/(?:backingStore|dataStore))+', r'\1', path)


def leaves(element, path, parent=None):
    """(path, element, parent, attribute or None) of all that is said"""
    for name in list(element.attrib):
        yield path + '/@' + local(name), element, parent, name
    if not len(element) and ((element.text or '').strip() or not element.attrib):
        yield path, element, parent, None
    for child in element:
        yield from leaves(child, without_repeats(path + '/' + local(child.tag)), element)


def other_values(value, words):
    """values of the same kind, the likely ones first"""
    if words:
        return sorted(words - {value})
    found = []
    if re.fullmatch(r'\d+', value):
        number = int(value)
        found = [str(new) for new in (number + 1, number * 2, max(number - 1, 0), number + 1024)]
    elif re.fullmatch(r'0x[0-9a-fA-F]+', value):
        found = [hex(int(value, 16) + 1), hex(int(value, 16) + 8)]
    elif re.fullmatch(r'[\d,^-]+', value):
        found = ['0', '1', '0-1']
    elif value in UNITS:
        found = UNITS
    found += [value[:-1] + ('1' if value[-1:] != '1' else '2'), value + 'x', '/x']
    return [new for new in dict.fromkeys(found) if new != value]


def print_each(root, change):
    """the document in each state that change leaves it in"""
    for _ in change:
        yield ElementTree.tostring(root, 'unicode')


def altered(root, leaf, words):
    _, element, parent, name = leaf
    if name:
        attributes = dict(element.attrib)
        del element.attrib[name]
        yield
        for value in other_values(attributes[name], words):
            element.attrib.update({**attributes, name: value})
            yield
        element.attrib.clear()
        element.attrib.update(attributes)
        return
    text = element.text
    if text and text.strip():
        for value in other_values(text.strip(), words):
            element.text = value
            yield
        element.text = text
    place = list(parent).index(element)
    parent.remove(element)
    yield
    parent.insert(place, element)


def has(element, name):
    return name[1:] in element.attrib if name.startswith('@') else element.find('{*}' + name) is not None


def extended(element, name, words):
    """with an attribute or a child that it does not have"""
    values = sorted(words) if words else GUESSES
    if name.startswith('@'):
        for value in values:
            element.set(name[1:], value)
            yield
        del element.attrib[name[1:]]
        return
    namespace = element.tag.partition('}')[0] + '}' if '}' in element.tag else ''
    child = ElementTree.SubElement(element, namespace + name)
    for value in ['', *values]:
        child.text = value
        yield
    element.remove(child)


class Planner:
    """what QEMU would be started with: the tool that prints it, which is asked many times"""

    def __init__(self, tool, folder):
        self.folder = folder
        self.process = subprocess.Popen([tool, '--cache', folder], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def plans(self, documents):
        """one for each; None: it is refused"""
        documents = iter(documents)
        while batch := list(itertools.islice(documents, BATCH)):
            paths = [pathlib.Path(self.folder, '%d.xml' % number) for number in range(len(batch))]
            for path, text in zip(paths, batch):
                path.write_text(text)
            self.process.stdin.write(''.join('%s\n' % path for path in paths))
            self.process.stdin.flush()
            for text in batch:
                line = self.process.stdout.readline()
                if not line:
                    raise SystemExit('Bail out! the tool ended at\n' + text)
                answer = json.loads(line)
                yield None if 'error' in answer else TIME.sub('', json.dumps([answer['argv'], answer['environment']]))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def read_documents():
    """nothing in them is chosen anew each time"""
    for path in sorted(DOCUMENTS):
        if path.name.endswith('.out.xml'):
            continue
        root = ElementTree.parse(path).getroot()
        if root.get('type') == 'kvm' and path.parent != HERE / 'cases':
            continue  # what becomes of it is the host's
        if root.find('uuid') is None:
            ElementTree.SubElement(root, 'uuid').text = '00000000-1111-2222-3333-444444444444'
        for number, net in enumerate(root.iterfind('devices/interface')):
            if net.find('mac') is None:
                ElementTree.SubElement(net, 'mac').set('address', '52:54:00:00:01:%02x' % number)
        yield root


class Search:
    """rows that make a difference"""

    def __init__(self, planner, grammar):
        self.planner = planner
        self.words = collections.defaultdict(set)
        for path, row in grammar.rows.items():
            words, row = grammar.paths[path], row_of(row)
            known = self.words[row]
            self.words[row] = None if known is None or words is None else known | words
        self.rows = {path: row_of(row) for path, row in grammar.rows.items()}
        roots = list(read_documents())
        texts = [ElementTree.tostring(root, 'unicode') for root in roots]
        first, second = list(planner.plans(texts)), list(planner.plans(texts))
        self.documents = [(root, plan) for root, plan, again in zip(roots, first, second)
                          if plan and plan == again]

    def makes_difference(self, root, plan, change):
        """asks for all before it looks at one, so that the change is undone at its end"""
        answers = list(self.planner.plans(print_each(root, change)))
        return any(answer and answer != plan for answer in answers)

    def find_by_altering(self):
        found, where = set(), collections.defaultdict(list)
        for root, plan in self.documents:
            for leaf in leaves(root, local(root.tag)):
                where[self.rows.get(leaf[0])].append((root, plan, leaf))
        for row in self.words:
            if any(self.makes_difference(root, plan, altered(root, leaf, self.words[row]))
                   for root, plan, leaf in where[row] if leaf[2] is not None or leaf[3]):
                found.add(row)
        return found

    def find_by_extending(self, rows):
        holders, found = collections.defaultdict(list), set()
        for root, plan in self.documents:
            for element, path in self.elements(root, local(root.tag)):
                holders[path].append((root, plan, element))
        for path, row in self.rows.items():
            holder, _, name = path.rpartition('/')
            if row not in rows or row in found:
                continue
            places = [place for place in holders[holder] if not has(place[2], name)]
            if any(self.makes_difference(root, plan, extended(element, name, self.words[row]))
                   for root, plan, element in places[:MOST_EXTENDED]):
                found.add(row)
        return found

    def elements(self, element, path):
        yield element, path
        for child in element:
            yield from self.elements(child, without_repeats(path + '/' + local(child.tag)))


def read_list():
    """pattern: (file, member) or None"""
    listed = {}
    for line in LISTED.read_text().splitlines():
        if line and not line.startswith('#'):
            pattern, reader = line.split('\t')
            listed[pattern] = None if reader.startswith('- ') else tuple(reader.split())
    return listed


def is_read(name, member):
    if not (SOURCES / name).exists():
        return False
    code = re.sub(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/', '', (SOURCES / name).read_text(), flags=re.S)
    return re.search(r'(->|\.)%s\b' % member, code) is not None


def report(number, about, wrong):
    print('%s %d - %s' % ('not ok' if wrong else 'ok', number, about))
    for name in sorted(wrong):
        print('# ' + name)


def main(tool, print_schema):
    if not pathlib.Path('/usr/bin/qemu-system-x86_64').exists():
        print('1..0 # SKIP no /usr/bin/qemu-system-x86_64')
        return
    grammar = Grammar(subprocess.run([print_schema, 'domain.rng'], capture_output=True, text=True,
                                     check=True).stdout)
    with tempfile.TemporaryDirectory(prefix='rows-') as folder:
        planner = Planner(tool, folder)
        search = Search(planner, grammar)
        spoken = search.find_by_altering()
        silent = set(search.words) - spoken
        silent -= search.find_by_extending(silent)
        planner.end()
    listed = read_list()
    matched = {row: [pattern for pattern in listed if fnmatch.fnmatchcase(row, pattern)] for row in search.words}
    needed = {pattern for row in silent for pattern in matched[row]}
    print('1..4')
    report(1, 'each row means something, or is listed', {row for row in silent if not matched[row]})
    report(2, 'what is listed has no effect on a command line',
           {row for row in set(search.words) - silent if row in listed} | (set(listed) - needed))
    report(3, 'who is said to read a row does',
           {'%s: %s %s' % (pattern, *reader) for pattern, reader in listed.items()
            if reader and not is_read(*reader)})
    report(4, 'documents are started', set() if len(search.documents) > 50 else {str(len(search.documents))})


if __name__ == '__main__':
    main(*sys.argv[1:])

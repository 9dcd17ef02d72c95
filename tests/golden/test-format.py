# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the exported grammar of domains has every element, attribute and word of the format, by TAP.

format.txt has an element of the format of libvirt 12.8 a line, and its attributes, with their words where
they are words. What is below the image of a disk is not said again for other images. What we have not is
in format-absent.txt, with a reason; what is there and is had is a failure.
"""
import pathlib
import subprocess
import sys

from grammar import Grammar

HERE = pathlib.Path(__file__).parent


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

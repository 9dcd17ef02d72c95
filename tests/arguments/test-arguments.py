# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines of guests, by TAP. Of the three, the first needs nothing but the emulator.

golden    our documents, word by word (cases/NAME.args), or refused in these words (cases/NAME.error);
          with UPDATE=1 these files are written instead
shared    documents of others beside what another made of them, by meaning
emulator  whether a real QEMU takes each of these command lines, and has all devices then
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import adapter
import compare

HERE = pathlib.Path(__file__).parent
CASES = HERE / 'cases'
# What we mean to do otherwise, and why; a case that differs no more must leave the list.
DIFFERENT = HERE / 'different.txt'
# What QEMU itself does not take, whoever starts it, and why.
REFUSED = HERE / 'refused-by-emulator.txt'


# Other architectures: documents of the golden tests, here by what they become. Skipped without
# their emulator.
ARCHITECTURES = HERE / '../golden/domain'
ABSENT_EMULATOR = 'no emulator for architecture'


def own_cases():
    others = [path for path in ARCHITECTURES.glob('arch-*.xml') if not path.name.endswith('.out.xml')]
    return sorted(CASES.glob('*.xml')) + sorted(others)


def shared_cases():
    folder = pathlib.Path(os.environ.get('MODVIRT_SHARED', HERE / '../../../shared'), 'cases')
    return sorted(path for path in (folder / 'domain-qemu').glob('*.xml')
                  if not path.name.endswith('.out.xml'))


def ask(tool, paths):
    """The tool's answers, one a path."""
    with tempfile.TemporaryDirectory(prefix='arguments-') as cache:
        done = subprocess.run([tool, '--cache', cache], input=''.join(f'{path}\n' for path in paths),
                              capture_output=True, text=True, check=False, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(paths) or done.returncode:
        raise SystemExit(f'Bail out! {tool} ended with {done.returncode} after {len(answers)} '
                         f'answers:\n{done.stderr}')
    return answers


def lines_of(argv):
    """An option and its value on one line."""
    lines = [argv[0]]
    for word in argv[1:]:
        if word.startswith('-') or not lines[-1].startswith('-') or ' ' in lines[-1]:
            lines.append(word)
        else:
            lines[-1] += ' ' + word
    return lines


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def result(self, ok, name, notes=(), skip=None):
        self.count += 1
        self.failed += not ok
        print(f"{'' if ok else 'not '}ok {self.count} {name}" + (f' # SKIP {skip}' if skip else ''))
        for note in notes:
            print(f'# {note}')

    def end(self):
        print(f'1..{self.count}')
        return 1 if self.failed else 0


def test_golden(tool, tap):
    paths = own_cases()
    for path, answer in zip(paths, ask(tool, paths)):
        refused = 'error' in answer
        if refused and ABSENT_EMULATOR in answer['error']['message']:
            tap.result(True, path.stem, skip=answer['error']['message'])
            continue
        said = [answer['error']['message']] if refused else lines_of(answer['argv'])
        expected = CASES / (path.stem + ('.error' if refused else '.args'))
        if os.environ.get('UPDATE'):
            expected.write_text('\n'.join(said) + '\n')
        wanted = expected.read_text().splitlines() if expected.exists() else [f'no {expected.name}']
        notes = [f'+{line}' for line in said if line not in wanted]
        notes += [f'-{line}' for line in wanted if line not in said]
        tap.result(said == wanted, path.stem, notes)


def read_reasons(path):
    lines = [line.split(None, 1) for line in path.read_text().splitlines()
             if line.strip() and not line.startswith('#')]
    return {name: reason for name, reason in lines}


def test_shared(tool, tap):
    paths = [path for path in shared_cases() if path.with_suffix('.args').exists()]
    known = read_reasons(DIFFERENT)
    if not paths:
        tap.result(True, 'shared', skip='no shared cases')
        return
    for path, answer in zip(paths, ask(tool, paths)):
        name = path.stem
        if 'error' in answer:
            tap.result(True, name, skip=answer['error']['message'].replace('\n', ' '))
            continue
        wanted = compare.words_of_shell(path.with_suffix('.args').read_text())
        notes = compare.differences(answer['argv'], wanted)
        if name in known:
            tap.result(bool(notes), name, [] if notes else ['differs no more'], skip=known[name])
        else:
            tap.result(not notes, name, notes)


def try_one(job):
    name, answer = job
    with tempfile.TemporaryDirectory(prefix='try-') as folder:
        try:
            return name, *adapter.try_arguments(answer['argv'], answer['devices'], folder), None
        except adapter.Unfit as reason:
            return name, None, [], str(reason)


def test_emulator(tool, tap):
    paths = own_cases() + shared_cases()
    jobs = [(path.stem, answer) for path, answer in zip(paths, ask(tool, paths))
            if 'error' not in answer]
    refused = read_reasons(REFUSED)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, said, left_out, unfit in pool.map(try_one, jobs):
            notes = (said or '').splitlines() + [f'without {driver}' for driver in left_out]
            if name in refused:
                tap.result(bool(said), name, notes or ['is not refused any more'])
            else:
                tap.result(said is None, name, notes, skip=unfit)


def main(kind, tool):
    tap = Tap()
    if not os.path.exists('/usr/bin/qemu-system-x86_64'):
        tap.result(True, kind, skip='no /usr/bin/qemu-system-x86_64')
    else:
        {'golden': test_golden, 'shared': test_shared, 'emulator': test_emulator}[kind](tool, tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines by meaning: what of two of them differs when order, spelling and generation don't count."""
import collections
import json
import re
import shlex

# Options that say nothing about the guest's hardware, or that differ from run to run.
IGNORED = {'-name', '-sandbox', '-msg', '-mon', '-S', '-netdev', '-uuid', '-no-user-config', '-nodefaults',
           '-no-shutdown', '-no-reboot', '-add-fd'}


# Sockets of channels are where newer releases have them.
OLD_CHANNELS, CHANNELS = '/var/lib/libvirt/qemu/channel/target/', '/run/libvirt/qemu/channel/'


def words_of_shell(text):
    """argv of a shell command line, without the variables before it."""
    words = shlex.split(text.replace('\\\n', ' ').replace(OLD_CHANNELS, CHANNELS))
    while words and re.match(r'^[A-Z_]+=', words[0]):
        words.pop(0)
    return words


def split_list(value):
    """'a,b=c' -> {'': 'a', 'b': 'c'}; a doubled comma is one of a value."""
    parts = [part.replace('\0', ',') for part in value.replace(',,', '\0').split(',')]
    pairs = {}
    for part in parts:
        key, sep, rest = part.partition('=')
        if sep:
            pairs[key] = rest
        else:
            pairs[''] = part
    return pairs


def number(value):
    return int(value, 0) if isinstance(value, str) and re.match(r'^0x[0-9a-f]+$', value) else value


class Meaning:
    """A command line as a bag of (option, members)."""

    def __init__(self, argv):
        self.items = collections.Counter()
        self.nodes = {}
        self.machine = {}
        at = 1
        while at < len(argv):
            option = argv[at]
            at += 1
            value = ''
            if at < len(argv) and (not argv[at].startswith('-') or argv[at][1:2].isdigit()):
                value = argv[at]
                at += 1
            self.add(option, value)
        self.add_item('-machine', self.machine)

    def add_item(self, option, members):
        self.items[(option, json.dumps(members, sort_keys=True))] += 1

    def add(self, option, value):
        special = getattr(self, 'add_' + option.lstrip('-').replace('-', '_'), None)
        if special:
            special(value)
        elif option not in IGNORED:
            self.add_item(option, self.members(option, value))

    def members(self, option, value):
        if value.startswith('{'):
            return {key: self.node(number(item)) for key, item in json.loads(value).items()}
        if option in ('-append', '-kernel', '-initrd', '-k', '-uuid', '-bios', '-cpu'):
            return value
        return split_list(value)

    def node(self, name):
        """Names of block nodes by the order in which they are met."""
        match = isinstance(name, str) and re.match(r'^libvirt-(\d+|hostdev\d+)-(.*)$', name)
        if not match:
            return name
        index = self.nodes.setdefault(match.group(1), len(self.nodes))
        return f'node{index}-{match.group(2)}'

    # what older emulators have an option for is the machine's

    def add_machine(self, value):
        members = split_list(value)
        if '' in members:
            members['type'] = members.pop('')
        if members.get('acpi') == 'on':
            members.pop('acpi')
        self.machine.update(members)

    def add_no_acpi(self, value):
        self.machine['acpi'] = 'off'

    def add_no_hpet(self, value):
        self.machine['hpet'] = 'off'

    def add_m(self, value):
        members = split_list(value)
        plain = members.pop('', None)
        if plain:
            members['size'] = f'{int(plain) * 1024}k'
        self.add_item('-m', members)

    def add_object(self, value):
        members = self.members('-object', value)
        if members.get('id') != 'masterKey0':
            self.add_item('-object', members)

    def add_chardev(self, value):
        members = split_list(value)
        # what a TPM's emulator listens at is not known to the other
        # the host's end of an interface is ignored, as that of -netdev
        if re.match(r'^charnet\d+$', members.get('id', '')):
            return
        if members.get('id') not in ('charmonitor', 'chrtpm', 'chartpm0'):
            self.add_item('-chardev', members)

    def add_oldarg(self, value):
        """A test of passed-through words."""

    add_newarg = add_oldarg

    def add_tpmdev(self, value):
        members = split_list(value)
        members.pop('chardev', None)
        self.add_item('-tpmdev', members)

    def add_device(self, value):
        members = self.members('-device', value)
        for key in ('mac', 'vhostfd'):
            members.pop(key, None)
        if 'netdev' in members:
            for key in ('bootindex', 'mq', 'vectors', 'host_mtu', 'bus', 'addr'):
                members.pop(key, None)
        self.add_item('-device', members)


def differences(ours, theirs):
    """Lines that only one of two lists of words means."""
    a, b = Meaning(ours), Meaning(theirs)
    if any('@HOST_CPU@' in members for _, members in b.items):
        for items in (a.items, b.items):
            for key in [key for key in items if key[0] == '-cpu']:
                del items[key]
    return [f'+{option} {members}' for option, members in (a.items - b.items)] + \
           [f'-{option} {members}' for option, members in (b.items - a.items)]

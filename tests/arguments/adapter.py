# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a real QEMU takes a command line and has what it asks for: started paused, asked, told to quit.

Files, images and networks of the host give way to temporary ones; what can't be had so is left out.
"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess

FORMATS = {'raw', 'qcow2', 'qed', 'vmdk', 'vdi', 'vpc'}
NETWORK_DRIVERS = {'nbd', 'rbd', 'iscsi', 'http', 'https', 'ftp', 'ftps', 'gluster', 'ssh', 'nfs',
                   'nvme', 'virtio-blk-vhost-vdpa'}
FAR_CHARDEVS = {'socket', 'file', 'udp', 'serial', 'parallel', 'pipe', 'pty', 'spicevmc', 'spiceport', 'dbus'}
FLASH_SIZE, ARM_FLASH_SIZE = 540672, 64 << 20
IMAGE_SIZE = 1 << 20
BUILT_IN = {'ide', 'fdc0', 'nvram', 'pci', 'pci.0', 'pcie.0', 'scsi'}  # of the machine
LISTED = pathlib.Path(__file__).with_name('absent.txt')


class Unfit(Exception):
    """The command line needs something of the host that a test can't have."""


def read_absent():
    lines = [line.split('\t') for line in LISTED.read_text().splitlines()
             if line and not line.startswith('#')]
    return {pattern: reason for pattern, reason in lines}


ABSENT = read_absent()


def make_image(folder, name, image_format, size=IMAGE_SIZE, more=()):
    path = os.path.join(folder, f'{name}.{image_format}')
    if not os.path.exists(path):
        if image_format == 'raw':
            with open(path, 'wb') as image:
                image.truncate(size)
        else:
            subprocess.run(['qemu-img', 'create', '-q', '-f', image_format, *more, path, str(size)],
                           check=True)
    return path


def members_of(value):
    """{'driver': ..., 'id': ...} of both spellings of an option's value."""
    if value.startswith('{'):
        return json.loads(value)
    head, *rest = [part.replace('\0', ',') for part in value.replace(',,', '\0').split(',')]
    return {'driver': head, **{key: text for key, _, text in (part.partition('=') for part in rest)}}


class Adapter:
    """Words that a test can start, and what QEMU is then to have."""

    def __init__(self, argv, folder):
        self.argv, self.folder = argv, folder
        self.external = set()                   # nodes of images that have their data in another file
        self.formats, self.left_out, self.named = {}, [], set()
        self.expected = {'device': set(), 'object': set(), 'block': set(), 'chardev': set(),
                         'netdev': set()}
        for option, value in zip(argv, argv[1:]):
            if option == '-blockdev':
                node = json.loads(value)
                if 'file' in node:
                    self.formats[node['file']] = node['driver'].replace('luks', 'raw')
                if 'data-file' in node:
                    self.external.add(node['file'])

    def words(self):
        out, at = [self.argv[0]], 1
        while at < len(self.argv):
            option, at = self.argv[at], at + 1
            value = None
            if at < len(self.argv) and not self.argv[at].startswith('-'):
                value, at = self.argv[at], at + 1
            change = getattr(self, 'change_' + option.lstrip('-'), None)
            if change:
                value = change(value)
                if value is None:
                    continue
            out += [option] if value is None else [option, value]
        return out + ['-qmp', 'stdio']

    # images

    def change_blockdev(self, value):
        node = json.loads(value)
        self.expected['block'].add(node['node-name'])
        if node['driver'] in NETWORK_DRIVERS:
            node = {'driver': 'null-co', 'node-name': node['node-name'], 'size': IMAGE_SIZE}
            if self.formats.get(node['node-name'], 'raw') != 'raw':
                node = self.file_node(node)
        elif node['driver'] == 'vvfat':
            node['dir'] = self.folder
        elif node['driver'] in ('file', 'host_device', 'host_cdrom') and 'filename' in node:
            # only what packages have brought is there on every machine
            if not node['filename'].startswith('/usr/') or 'pflash' in node['node-name'] or \
                    node['driver'] != 'file' or not os.path.isfile(node['filename']):
                node = self.file_node(node)
        # their secrets are not in a plan
        if node['driver'] == 'luks':
            node['driver'] = 'raw'
        node.pop('key-secret', None)
        node.pop('encrypt', None)
        return json.dumps(node)

    def file_node(self, node):
        image_format = self.formats.get(node['node-name'], 'raw')
        flash = ARM_FLASH_SIZE if 'aarch64' in self.argv[0] else FLASH_SIZE
        size = flash if 'pflash' in node['node-name'] else IMAGE_SIZE
        kept = {key: node[key] for key in ('node-name', 'read-only', 'auto-read-only', 'discard', 'cache')
                if key in node}
        if image_format not in FORMATS:
            raise Unfit(f'an image of format {image_format}')
        more = ['-o', f'data_file={self.folder}/data,data_file_raw=on'] if node['node-name'] in self.external else ()
        return {'driver': 'file', **kept,
                'filename': make_image(self.folder, node['node-name'], image_format, size, more)}

    # the host's ends

    def change_chardev(self, value):
        kind, ident = value.split(',')[:2]
        if ident == 'id=charmonitor':
            return None
        if value.startswith('{'):
            made = json.loads(value)
            kind, ident = made['backend']['type'], 'id=' + made['id']
        self.expected['chardev'].add(ident.partition('=')[2])
        return f'null,{ident}' if kind in FAR_CHARDEVS else value

    def change_serial(self, value):
        self.named.add(value.removeprefix('chardev:char'))
        return value

    def change_mon(self, value):
        return None

    def change_netdev(self, value):
        netdev = members_of(value)
        self.expected['netdev'].add(netdev['id'])
        if netdev.get('type', netdev.get('driver')) != 'user':
            return json.dumps({'type': 'hubport', 'hubid': 0, 'id': netdev['id']})
        return re.sub(r'tcp:[0-9.]+:', 'tcp:10.0.2.100:', value)  # QEMU forwards from its own network only

    def change_net(self, value):
        self.named.add(members_of(value)['id'])  # an adapter of the machine's own
        return value

    def change_vnc(self, value):
        rest = value.replace(',,', '').split(',')[1:]
        rest = [word for word in rest if not word.startswith('websocket')]
        return ','.join([f'unix:{self.folder}/vnc'] + rest)

    def change_spice(self, value):
        words = [word for word in value.replace(',,', '').split(',')
                 if word.split('=')[0] not in ('port', 'tls-port', 'addr', 'unix', 'gl', 'rendernode',
                                               'x509-dir', 'tls-channel', 'plaintext-channel')]
        return ','.join(['unix=on', f'addr={self.folder}/spice'] + words)

    def change_display(self, value):
        return 'none' if value.startswith(('egl-headless', 'dbus', 'sdl')) else value

    def change_fsdev(self, value):
        return re.sub(r'path=[^,]*(,,[^,]*)*', f'path={self.folder}', value) \
            if not value.startswith('{') else json.dumps({**json.loads(value), 'path': self.folder})

    def change_kernel(self, value):
        return None

    change_initrd = change_append = change_dtb = change_bios = change_kernel
    change_tpmdev = change_incoming = change_loadvm = change_kernel
    change_newarg = change_oldarg = change_kernel

    # the host's processor and memory

    def change_accel(self, value):
        return 'tcg'

    def change_machine(self, value):
        return ','.join(word for word in value.split(',') if not word.startswith(
            ('kernel_irqchip', 'confidential-guest', 'sgx-epc')))

    def change_cpu(self, value):
        words = value.split(',')
        if words[0] == 'host':
            words = ['max']
        return ','.join(word for word in words
                        if not word.startswith(('hv-', 'migratable', 'host-', 'kvm', 'enforce',
                                                'pmu', 'tsc-freq')))

    def change_global(self, value):
        return None if value.startswith('kvm-pit') else value

    def change_object(self, value):
        made = members_of(value)
        kind = made.get('qom-type', made.get('driver'))
        if kind in ('pr-manager-helper', 'sev-guest', 'sev-snp-guest', 'tdx-guest', 'memory-backend-epc',
                    'tls-creds-x509', 'input-linux'):
            self.left_out.append(kind)
            return None
        if made['id'] == 'masterKey0':
            return None
        self.expected['object'].add(made['id'])
        if kind == 'secret':
            return json.dumps({'qom-type': kind, 'id': made['id'], 'data': 'x'})
        if not value.startswith('{'):
            return value
        if 'filename' in made and not os.path.exists(made['filename']):
            made['filename'] = '/dev/urandom'
        if kind.startswith('memory-backend'):
            self.change_memory(made)
        return json.dumps(made)

    def change_memory(self, made):
        """Nothing is locked, touched or bound, so that any size is to be had."""
        for key in ('host-nodes', 'policy', 'prealloc', 'prealloc-threads', 'pmem', 'align', 'hugetlb',
                    'hugetlbsize', 'readonly'):
            made.pop(key, None)
        if made['qom-type'] == 'memory-backend-file':
            path = os.path.join(self.folder, made['id'])
            with open(path, 'wb') as backing:
                backing.truncate(made['size'])
            made['mem-path'] = path
        made['reserve'] = False

    # devices

    def change_device(self, value):
        made = members_of(value)
        self.named.add(made.get('id'))
        for pattern in ABSENT:
            if fnmatch.fnmatch(made['driver'], pattern):
                self.left_out.append(made['driver'])
                return None
        if 'id' in made:
            self.expected['device'].add(made['id'])
        for key in ('vhostfd', 'vhostfds', 'blob', 'iommufd', 'eim'):
            made.pop(key, None)
        return json.dumps(made) if value.startswith('{') else value

    def missing(self, devices):
        """Devices of the document that the command line is silent about."""
        named = self.named | self.expected['chardev'] | self.expected['netdev'] | self.expected['object']
        return [f'{kind} {alias} is not on the command line' for kind, alias in devices
                if alias not in named and alias not in BUILT_IN]

    def problems(self, answers):
        """What was asked for and is not there."""
        have = {'device': {entry['name'] for entry in answers['peripheral']},
                'object': {entry['name'] for entry in answers['objects']},
                'block': {entry['node-name'] for entry in answers['blocks']},
                'chardev': {entry['label'] for entry in answers['chardevs']},
                'netdev': {name for name in self.expected['netdev'] if f'{name}: ' in answers['network']}}
        return [f'no {kind} {name}' for kind in have for name in sorted(self.expected[kind] - have[kind])]


QUESTIONS = {'capabilities': ('qmp_capabilities', {}),
             'status': ('query-status', {}),
             'peripheral': ('qom-list', {'path': '/machine/peripheral'}),
             'objects': ('qom-list', {'path': '/objects'}),
             'blocks': ('query-named-block-nodes', {'flat': True}),
             'chardevs': ('query-chardev', {}),
             'network': ('human-monitor-command', {'command-line': 'info network'}),
             'quit': ('quit', {})}


def read_answers(text):
    answers = {}
    for line in text.splitlines():
        reply = json.loads(line) if line.startswith('{') else {}
        if 'id' in reply:
            answers[reply['id']] = reply.get('return')
    return answers


def try_arguments(argv, devices, folder, timeout=120):
    """(what is wrong or None, drivers that were left out). devices: of the document, as pairs of
    kind and alias. Raises Unfit."""
    adapter = Adapter(argv, folder)
    words = adapter.words()
    asked = ''.join(json.dumps({'execute': name, 'arguments': arguments, 'id': key}) + '\n'
                    for key, (name, arguments) in QUESTIONS.items())
    done = subprocess.run(words, input=asked, capture_output=True, text=True, timeout=timeout,
                          check=False)
    answers = read_answers(done.stdout)
    if (answers.get('status') or {}).get('status') != 'prelaunch':
        return done.stderr.strip() or done.stdout.strip() or f'ended with {done.returncode}', []
    problems = adapter.missing(devices) + adapter.problems(answers)
    return '\n'.join(problems) or None, adapter.left_out

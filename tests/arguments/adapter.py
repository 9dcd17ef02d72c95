# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a real QEMU takes a command line: started paused, asked for its state, told to quit."""
import json
import os
import re
import subprocess

FORMATS = {'raw', 'qcow2', 'qed', 'vmdk', 'vdi', 'vpc'}
# What a test must not open, or can't have.
# Devices of the host, or of programs beside QEMU: left out, and the rest of the guest is tried.
HARDWARE = ('vfio-', 'usb-host', 'vhost-', 'tpm-', 'ivshmem-doorbell', 'scsi-generic', 'ccid-card-emulated')
NETWORK_DRIVERS = {'nbd', 'rbd', 'iscsi', 'http', 'https', 'ftp', 'ftps', 'gluster', 'ssh', 'nfs'}
MISSING = ("Unable to open", "Could not open", "No such file or directory", "Permission denied",
           "Cannot assign requested address", "Failed to find an available port",
           "Could not access KVM kernel module", "failed to initialize kvm",
           "failed to resolve address", "address resolution failed", "Failed to connect",
           "egl: ", "eglInit", "could not connect", "failed to bind", "is not available",
           "missing object type", "Cannot allocate memory", "cannot get SG_IO",
           "Conflicting/invalid host:port", "invalid option", "missing acpi device")


class Unfit(Exception):
    """The command line needs something of the host that a test can't have."""


def make_image(folder, name, image_format, size=1 << 20):
    path = os.path.join(folder, f'{name}.{image_format}')
    if not os.path.exists(path):
        if image_format == 'raw':
            with open(path, 'wb') as image:
                image.truncate(size)
        else:
            subprocess.run(['qemu-img', 'create', '-q', '-f', image_format, path, str(size)],
                           check=True)
    return path


class Adapter:
    """Puts temporary files, and nothing of the host's networks, where a document names the host's."""

    def __init__(self, argv, folder):
        self.argv, self.folder = argv, folder
        self.formats = {}
        for option, value in zip(argv, argv[1:]):
            if option == '-blockdev':
                node = json.loads(value)
                if 'file' in node:
                    self.formats[node['file']] = node['driver']

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

    def change_blockdev(self, value):
        node = json.loads(value)
        if node['node-name'].endswith('-backend'):
            return None
        if node['driver'] == 'nvme':
            node = {'driver': 'null-co', 'node-name': node['node-name'], 'size': 1 << 20}
        if node['driver'] in NETWORK_DRIVERS:
            raise Unfit(f"image by {node['driver']}")
        if node['driver'] == 'vvfat':
            node['dir'] = self.folder
        if node['driver'] in ('file', 'host_device', 'host_cdrom') and 'filename' in node:
            if not node['filename'].startswith('/usr/share'):
                node['driver'] = 'file'
                image_format = self.formats.get(node['node-name'], 'raw')
                if image_format not in FORMATS:
                    raise Unfit(f'image of format {image_format}')
                size = 540672 if 'pflash' in node['node-name'] else 1 << 20
                node['filename'] = make_image(self.folder, node['node-name'], image_format, size)
            node.pop('pr-manager', None)
        return json.dumps(node)

    def change_chardev(self, value):
        kind, ident = value.split(',')[:2]
        if ident == 'id=charmonitor':
            return None
        if kind in ('socket', 'file', 'udp', 'serial', 'parallel', 'pipe', 'pty'):
            return f'null,{ident}'
        return value

    def change_mon(self, value):
        return None

    def change_netdev(self, value):
        netdev = json.loads(value)
        if netdev['type'] in ('tap', 'socket', 'stream', 'vhost-user', 'vhost-vdpa'):
            netdev = {'type': 'hubport', 'hubid': 0, 'id': netdev['id']}
        return json.dumps(netdev)

    def change_device(self, value):
        device = json.loads(value) if value.startswith('{') else {'driver': value}
        return None if device['driver'].startswith(HARDWARE) else value

    def change_tpmdev(self, value):
        return None

    def change_display(self, value):
        return 'none' if value.startswith('dbus') else value

    def change_fsdev(self, value):
        words = re.split('(?<!,),(?!,)', value)
        return ','.join(f'path={self.folder}' if word.startswith('path=') else word for word in words)

    def change_vnc(self, value):
        rest = value.replace(',,', '').split(',')[1:]
        rest = [word for word in rest if not word.startswith('websocket')]
        return ','.join([f'unix:{self.folder}/vnc'] + rest)

    def change_spice(self, value):
        words = [word for word in value.replace(',,', '').split(',')
                 if word.split('=')[0] not in ('port', 'addr', 'unix', 'gl', 'rendernode')]
        return ','.join(['unix=on', f'addr={self.folder}/spice'] + words)

    def change_machine(self, value):
        return value.replace(',confidential-guest-support=lsec0', '')

    def change_accel(self, value):
        return 'tcg'

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
        made = json.loads(value)
        if 'filename' in made and not os.path.exists(made['filename']):
            made['filename'] = '/dev/urandom'
        if made['qom-type'] in ('pr-manager-helper', 'sev-guest'):
            return None
        if made['qom-type'] == 'memory-backend-file':
            made['mem-path'] = self.folder
            made.pop('pmem', None)
        for key in ('host-nodes', 'policy'):
            made.pop(key, None)
        return json.dumps(made)

    def change_kernel(self, value):
        raise Unfit('kernel')

    def change_bios(self, value):
        raise Unfit('bios')


def try_arguments(argv, folder, timeout=30):
    """None when QEMU took them, else what it said. Raises Unfit."""
    words = Adapter(argv, folder).words()
    asked = ''.join(json.dumps({'execute': name}) + '\n'
                    for name in ('qmp_capabilities', 'query-status', 'quit'))
    done = subprocess.run(words, input=asked, capture_output=True, text=True, timeout=timeout,
                          check=False)
    if '"prelaunch"' in done.stdout:
        return None
    said = done.stderr.strip() or done.stdout.strip()
    if any(word in said for word in MISSING):
        raise Unfit(said.splitlines()[-1])
    return said

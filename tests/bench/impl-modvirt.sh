# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# virtqemud for a benchmark that compares several implementations, sourced by bash inside its
# namespaces. MODVIRT_BUILD names the build folder. Each function is one question: start what is
# not running, lines "NAME PID" of what runs, the daemons a restart ends, a driver's URI.

MODVIRT_BUILD=${MODVIRT_BUILD:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build}
MODVIRT_PID=/run/virtqemud-bench.pid

impl_version() { "$MODVIRT_BUILD/virtqemud/virtqemud" --version; }

impl_pids() { [ ! -s $MODVIRT_PID ] || echo "virtqemud $(cat $MODVIRT_PID)"; }

_runs() { # kill -0 would also find a zombie that nobody has reaped yet
    [ -s $MODVIRT_PID ] &&
        grep -q '^State:[[:space:]]*[^ZX]' "/proc/$(cat $MODVIRT_PID)/status" 2>/dev/null
}

impl_start() {
    _runs && return
    ulimit -n 8192
    setsid "$MODVIRT_BUILD/virtqemud/virtqemud" </dev/null >>/var/log/libvirt/virtqemud.out 2>&1 &
    echo $! >$MODVIRT_PID
}

impl_main() { echo virtqemud; }

impl_uri() {
    case $1 in
    qemu) echo "qemu+unix:///system?socket=/run/libvirt/virtqemud-sock" ;;
    socket) echo /run/libvirt/virtqemud-sock ;;
    esac
}

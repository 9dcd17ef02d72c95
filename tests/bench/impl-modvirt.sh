# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# virtqemud and virtnetworkd for a benchmark that compares several implementations, sourced by bash
# inside its namespaces. MODVIRT_BUILD names the build folder. Each function is one question: start
# what is not running, lines "NAME PID" of what runs, the daemons a restart ends, a driver's URI.

MODVIRT_BUILD=${MODVIRT_BUILD:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build}
MODVIRT_DAEMONS="virtqemud virtnetworkd"

impl_version() { "$MODVIRT_BUILD/virtqemud/virtqemud" --version; }

_pid() { cat "/run/$1-bench.pid" 2>/dev/null; }

impl_pids() {
    local name
    for name in $MODVIRT_DAEMONS; do
        [ -z "$(_pid "$name")" ] || echo "$name $(_pid "$name")"
    done
}

_runs() { # kill -0 would also find a zombie that nobody has reaped yet
    [ -n "$(_pid "$1")" ] &&
        grep -q '^State:[[:space:]]*[^ZX]' "/proc/$(_pid "$1")/status" 2>/dev/null
}

impl_start() {
    local name
    ulimit -n 8192
    for name in $MODVIRT_DAEMONS; do
        _runs "$name" && continue
        setsid "$MODVIRT_BUILD/$name/$name" </dev/null >>"/var/log/libvirt/$name.out" 2>&1 &
        echo $! >"/run/$name-bench.pid"
    done
}

impl_main() { echo "$MODVIRT_DAEMONS"; }

impl_uri() {
    case $1 in
    qemu) echo "qemu+unix:///system?socket=/run/libvirt/virtqemud-sock" ;;
    network) echo "network+unix:///system?socket=/run/libvirt/virtnetworkd-sock" ;;
    socket) echo /run/libvirt/virtqemud-sock ;;
    esac
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "emulator.h"

/*
 * What a QEMU binary can do, asked of itself by QMP: once per binary, when first needed, then kept
 * in memory and in a file of ours, both valid until the binary (path, time, size), this format, or
 * the host's KVM changes. Concurrent requests for one binary share one probe; two binaries are
 * probed side by side.
 */
struct loop;
struct probes;

/* Where probes run and are kept. Strings are copied; folder NULL: memory only. */
struct probes_settings {
    const char *folder; /* /var/cache/libvirt/qemu/modvirt; made when needed */
    bool set_user;      /* run emulators as uid and gid */
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* that may open /dev/kvm, for instance; copied */
    size_t group_count;
    unsigned deadline_ms; /* of one probe; 0: 20 s */
    const char *search;   /* folders with emulators, like PATH; NULL: PATH, then the usual ones */
};

/* loop is the monitors' loop, running. */
struct probes *probes_new(struct loop *loop, const struct probes_settings *settings);
/* When no probe_get() is running. */
void probes_free(struct probes *probes);

/*
 * What the binary at path can do; *ret_emulator is a reference of the caller's. Blocks for a first
 * probe (about a fifth of a second); not on the loop thread. VIR_ERR_INTERNAL_ERROR names the
 * binary and quotes the end of its stderr when it crashes, hangs or is no QEMU; failures are
 * remembered until the file changes or ten seconds have passed.
 */
int probe_get(struct probes *probes, const char *path, struct emulator **ret_emulator,
              GError **error);

/* The binary that serves a guest architecture, by looking for files only: qemu-system-ARCH, for the
 * host's own also qemu-kvm. NULL: none. The caller frees. */
char *probe_find(struct probes *probes, const char *arch);

/* Architectures with an emulator on this host, sorted; free with g_strfreev. Looks for files only.
 */
char **probe_list(struct probes *probes);

/* True for an architecture that some QEMU could emulate. Pure. */
bool probe_knows_arch(const char *arch);

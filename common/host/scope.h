/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Scopes of systemd: control groups that it knows, of processes that it has not started. What is in
 * one is no part of the service that asked for it, and lives on when that is killed. systemd, and
 * machined, are asked over the system's D-Bus.
 */

/* True if systemd is the host's service manager. Any thread; never blocks. */
bool scope_is_possible(void);

/* What machined takes for a name, of any text; the caller frees. Pure. */
char *scope_machine_name(const char *text);

/* "machine-qemu\x2d1\x2done.scope", as that machine's is called; the caller frees. Pure. */
char *scope_name(const char *machine);

/* "/machine/a-b" -> "machine-a\x2db.slice"; the caller frees. Pure. VIR_ERR_CONFIG_UNSUPPORTED: it
 * does not begin with '/'. */
int scope_slice(const char *partition, char **ret_slice, GError **error);

struct scope_spec {
    const char *name;
    const char *slice;
    const char *description;
    const char *service; /* stopped after the scope, when the host goes down */
    pid_t pid;           /* that keeps it: a scope without processes ends */
};

/* Makes a scope with one process, which may hand controllers down in it. Blocks at most
 * milliseconds: VIR_ERR_OPERATION_TIMEOUT, and whoever ends the process ends the scope that may
 * come yet. VIR_ERR_OPERATION_FAILED says what systemd says. Any thread. */
int scope_start(const struct scope_spec *spec, int milliseconds, GError **error);

struct scope_machine {
    const char *name;
    const uint8_t *uuid;
    pid_t leader; /* in the scope */
    const int *links;
    size_t link_count; /* indexes of network devices on the host */
};

/* Tells machined of a virtual machine. Blocks at most milliseconds; errors as above. Any thread. */
int scope_register_machine(const struct scope_machine *machine, int milliseconds, GError **error);

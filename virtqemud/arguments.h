/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/process.h"
#include "model/domain.h"

#include "config.h"
#include "emulator.h"

/*
 * The command line of a guest, from its live definition: complete with aliases, addresses, ports,
 * socket paths, images below disks (backing-chain.h), firmware (firmware.h) and names of host
 * devices (net_choose_names()), so that this is a pure function but for the descriptors it opens.
 * Devices are property objects (device-*.h), printed here as JSON and sent as device_add elsewhere.
 */
struct guest;

struct arguments_context {
    const struct qemu_config *config;
    const struct emulator *emulator;
    const char *status_folder; /* sockets of helpers that have a place of their own; NULL: folder */
    const char *folder;        /* of this run: keys, pid file; the emulator's home */
    struct guest *guest;       /* whose helpers' and clients' descriptors go along; NULL: plan */
    GHashTable *fd_sets;       /* fd-group.h: of the disk that is being built; NULL: none */
    int monitor_fd;            /* the monitor's listening socket */
    bool session;
    bool plan; /* open nothing: words name paths and "@FD@" where descriptors would be; for checks,
                * conversions and tests */
};

struct arguments {
    GPtrArray *words;       /* argv, NULL at the end; owned */
    GPtrArray *environment; /* "NAME=value", NULL at the end; owned */
    bool has_key;           /* of secrets: its object is among the words */
    GArray *fds;            /* struct process_fd: to is the number that words name; from is owned */
};

/* Builds *ret_arguments, the caller's to arguments_clear(). Blocks on opening what is named.
 * Errors: VIR_ERR_CONFIG_UNSUPPORTED names the element that this emulator can't do;
 * VIR_ERR_SYSTEM_ERROR for what can't be opened. */
int arguments_build(const struct domain *live, const struct arguments_context *context,
                    struct arguments *ret_arguments, GError **error);
void arguments_clear(struct arguments *arguments);

/* Nothing yet: for parts of a command line (arguments-parts.h) that are built alone. */
void arguments_init(struct arguments *arguments);

/* Closes the descriptors once the process has its own: as long as we have the monitor's listening
 * socket too, nobody is told that QEMU has ended before it took our connection. */
void arguments_close(struct arguments *arguments);

/* The command line as a shell would take it: one string, the caller frees. line_end stands between
 * options: " \\\n", or a space for one line. */
char *arguments_print(const struct arguments *arguments, const char *line_end);

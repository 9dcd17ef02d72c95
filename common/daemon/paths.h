/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Where the ecosystem keeps things. System mode (uid 0): /etc/libvirt, /run/libvirt,
 * /var/lib/libvirt, /var/cache/libvirt, /var/log/libvirt. Session mode: the XDG folders, each with
 * "libvirt" below.
 */
struct paths {
    char *config;  /* definitions and .conf files */
    char *runtime; /* sockets, pid file, state until reboot */
    char *state;   /* state that outlives a reboot */
    char *cache;
    char *log;
    char *config_file; /* config/NAME.conf */
    char *pid_file;    /* /run/NAME.pid, or runtime/NAME.pid */
};

/* Fills *paths for the daemon called name; nothing is created. VIR_ERR_INTERNAL_ERROR in session
 * mode without a home folder. */
int paths_find(const char *name, bool session, struct paths *ret_paths, GError **error);

/* Creates the runtime, state, cache and log folders: 0755 in system mode, 0700 in session mode. */
int paths_make(const struct paths *paths, bool session, GError **error);

void paths_clear(struct paths *paths);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/config.h"

/* What every daemon's NAME.conf says: keys and defaults are rows in settings.c. */
struct settings {
    char *unix_sock_group; /* NULL: root */
    mode_t unix_sock_ro_perms, unix_sock_rw_perms, unix_sock_admin_perms;
    char *unix_sock_dir; /* NULL: the runtime folder */
    char *auth_unix_ro, *auth_unix_rw;
    char **sasl_allowed_username_list; /* NULL: whoever has a password */
    char **access_drivers;             /* may be NULL */

    unsigned max_clients, max_queued_clients, max_anonymous_clients;
    unsigned min_workers, max_workers, prio_workers;
    unsigned max_client_requests;
    unsigned admin_min_workers, admin_max_workers;
    unsigned admin_max_clients, admin_max_queued_clients, admin_max_client_requests;

    unsigned log_level;
    char *log_filters, *log_outputs; /* NULL: not given */

    char *host_uuid; /* NULL: by host_uuid_source */
    char *host_uuid_source;

    long long keepalive_interval; /* seconds; -1: off */
    unsigned keepalive_count;

    char **oddities; /* what was warned of when the file was read, NULL at the end */
};

/* Rows whose offsets are members of struct settings. */
extern const struct config_table settings_table;

/*
 * Reads the daemon's file into fresh settings, and into extra (zeroed; NULL: none) what extra_table
 * says; then checks what no row can: ways of authentication that this build lacks, limits that
 * contradict each other, a uuid that is none. Warnings go to the log. Errors as config_load().
 */
int settings_load(const char *path, bool required, const struct config_table *extra_table,
                  void *extra, struct settings *ret_settings, GError **error);

/* Accepts zeroed settings. */
void settings_clear(struct settings *settings);

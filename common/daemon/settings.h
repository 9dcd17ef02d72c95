/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/config.h"

/* What every daemon's NAME.conf says: keys and defaults are rows in settings.c. */
struct settings {
    char *unix_sock_group;
    mode_t unix_sock_ro_perms, unix_sock_rw_perms, unix_sock_admin_perms;
    char *unix_sock_dir;
    char *auth_unix_ro, *auth_unix_rw;
    char **access_drivers;
    char **sasl_allowed_username_list;

    unsigned max_clients, max_queued_clients, max_anonymous_clients;
    unsigned min_workers, max_workers, prio_workers;
    unsigned max_client_requests;
    unsigned admin_min_workers, admin_max_workers;
    unsigned admin_max_clients, admin_max_queued_clients, admin_max_client_requests;

    unsigned log_level;
    char *log_filters, *log_outputs;
    unsigned audit_level;
    bool audit_logging;

    char *host_uuid, *host_uuid_source;

    long long keepalive_interval, admin_keepalive_interval; /* seconds; -1: off */
    unsigned keepalive_count, admin_keepalive_count;
    bool keepalive_required, admin_keepalive_required;
    unsigned ovs_timeout; /* seconds */
};

/* Rows whose offsets are members of struct settings. */
extern const struct config_table settings_table;

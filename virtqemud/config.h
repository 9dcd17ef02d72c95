/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/config.h"

/* Whose connections QEMU encrypts. */
enum qemu_tls_use {
    QEMU_TLS_DEFAULT,
    QEMU_TLS_VNC,
    QEMU_TLS_SPICE,
    QEMU_TLS_CHARDEV,
    QEMU_TLS_NBD,
    QEMU_TLS_USES
};

/* How: certificates and keys by the names that QEMU has for them, ca-cert.pem, server-cert.pem,
 * server-key.pem, client-cert.pem, client-key.pem. All but enabled is settled by the default_tls_*
 * keys where it is not said. */
struct qemu_tls {
    bool enabled;     /* for whatever does not say itself */
    char *folder;     /* of certificates */
    long long verify; /* servers ask for the clients' certificates */
    char *secret;     /* UUID of what decrypts the key, as written */
    bool has_secret;  /* its own or that of the default */
    uint8_t secret_uuid[16];
};

/* What qemu.conf says: keys, defaults and their words are rows of config.c. */
struct qemu_config {
    char *user, *group; /* of QEMU processes, as written; NULL: not in the file */
    bool dynamic_ownership;
    bool remember_owner;

    char *vnc_listen, *vnc_password;
    char *spice_listen, *spice_password;
    bool vnc_auto_unix_socket, spice_auto_unix_socket;
    bool vnc_sasl, spice_sasl;
    char *vnc_sasl_folder, *spice_sasl_folder; /* NULL: that of the SASL library */
    struct qemu_tls tls[QEMU_TLS_USES];
    unsigned remote_display_port_min, remote_display_port_max;
    unsigned remote_websocket_port_min, remote_websocket_port_max;

    char **cgroup_controllers;         /* NULL: those that there are */
    unsigned max_processes, max_files; /* 0: ours */
    char *max_core;                    /* as written: "unlimited" or bytes; NULL: not in the file */
    unsigned long long core_limit;     /* of max_core; RLIM_INFINITY; 0 when not in the file */
    bool dump_guest_core;
    long long seccomp_sandbox; /* -1: if QEMU can, 0: off, 1: required */
    bool set_process_name;
    bool log_timestamp;
    unsigned gluster_debug_level;
    char *memory_backing_folder;
    char *bridge_helper, *pr_helper, *dbus_daemon;
    char *swtpm_user, *swtpm_group; /* NULL: whichever of the usual ones there is */
    bool virtiofsd_debug;
    char *deprecation_behavior;
    char **nvram; /* "CODE:VARS" pairs: templates of the firmware variables */

    /* resolved from user and group; in session mode our own */
    bool set_user;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* all that the user is in: /dev/kvm is open to one of them */
    size_t group_count;
    uid_t swtpm_uid; /* same, of swtpm */
    gid_t swtpm_gid;
};

/*
 * Reads path (absent: defaults) into *ret_config, a zeroed struct that the caller gives to
 * qemu_config_clear(). What is odd and does not stop a start goes to warn (NULL: nowhere). Errors:
 * VIR_ERR_CONF_SYNTAX and VIR_ERR_CONFIG_UNSUPPORTED name file and line; a user or group of the
 * file that does not exist is VIR_ERR_CONFIG_UNSUPPORTED. Blocks on the disk.
 */
int qemu_config_load(const char *path, bool session, struct qemu_config *ret_config,
                     config_warning_function warn, void *data, GError **error);
void qemu_config_clear(struct qemu_config *config);

/* A user, and its own group, or a group by name; "+107" is a number. False: there is none. Reads
 * the system's databases, and may block. */
bool qemu_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);
bool qemu_find_group(const char *name, gid_t *ret_gid);

/* Sets groups, the caller's, to all that uid is in, gid among them. Blocks the same way. */
void qemu_config_find_groups(struct qemu_config *config);

/* The rows, for the shipped file. */
extern const struct config_table qemu_config_table;

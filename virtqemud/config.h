/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/config.h"

/* What qemu.conf says: keys and defaults are rows in config.c. */
struct qemu_config {
    char *user, *group; /* of QEMU processes, as written */
    bool dynamic_ownership;
    bool remember_owner;

    char *vnc_listen, *vnc_password;
    bool vnc_auto_unix_socket;
    char *spice_listen, *spice_password;
    unsigned remote_display_port_min, remote_display_port_max;

    char **cgroup_controllers;
    unsigned max_processes, max_files, max_threads_per_process;
    char *max_core;
    bool dump_guest_core;
    unsigned seccomp_sandbox_unset; /* reserved for the tristate below */
    int seccomp_sandbox;            /* -1: if QEMU can, 0: off, 1: required */
    bool set_process_name;
    char *memory_backing_folder;
    unsigned max_queued;
    char *auto_dump_folder;

    /* resolved from user and group; in session mode our own */
    bool set_user;
    uid_t uid;
    gid_t gid;
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/store.h"

#include "guest.h"

/* A program that works for the guest. */
struct status_helper {
    uint8_t kind; /* enum helper_kind */
    int pid;
    uint64_t process_time;
    const char *device;
};

/*
 * The status file of a running guest, /run/libvirt/qemu/NAME.xml: what a restarted daemon needs to
 * take it up again. Its form is our own.
 */
struct guest_status {
    struct definition definition;
    uint8_t state;   /* virDomainState */
    unsigned reason; /* of the state's own enum */
    int pid;         /* 0: QEMU was about to be started */
    uint64_t process_time;
    const char *folder;
    LIST_OF(const char) cgroup;
    LIST_OF(struct status_helper) helpers;
    struct domain *domain;
    struct domain_devices *plugging; /* guest->plugging */
    struct opt_int agent_timeout;
    unsigned last_node;
    unsigned taints; /* guest->taints */
    LIST_OF(const char) io_errors;
};

/* For store_spec; restore is reconnect.h's. */
extern const struct store_status status_file;

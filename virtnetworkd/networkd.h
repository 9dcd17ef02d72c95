/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "driver/driver.h"

#include "config.h"

/*
 * The daemon's own: its networks, and where their files are. Made at the start, and immutable after
 * it but for what the lock guards.
 */
struct networkd {
    struct driver *driver;
    struct object_kind kind;
    struct registry *networks;
    struct store *store;
    struct network_config config;
    const char *status_folder; /* /run/libvirt/network: status and pid files */
    char *dnsmasq_folder;      /* /var/lib/libvirt/dnsmasq: configurations, leases */
    char *hook;                /* /etc/libvirt/hooks/network */
    char *lease_helper;        /* the program that dnsmasq tells of leases */

    GMutex lock; /* held while a network looks whether it collides with those that run */
};

/* The instance, for code that has an object or a call alone. */
extern struct networkd *networkd;

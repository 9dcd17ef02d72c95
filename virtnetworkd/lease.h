/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * The leases of a network, in a file of its own: an array of JSON objects, as the ecosystem's name
 * lookups read it. One program writes it, told by dnsmasq, under a lock; anybody reads it, and sees
 * it whole, since it is replaced as one.
 */
struct lease {
    char *address;
    char *mac; /* NULL: unknown */
    char *hostname;
    char *client_id; /* of IPv6: the DUID */
    char *iaid;      /* IPv6 alone */
    char *server_duid;
    uint64_t expiry; /* seconds since 1970; 0: never */
};

void lease_free(struct lease *lease);

/* Leases of the file at path, struct lease *; an absent or broken file has none. Blocks on
 * the disk. */
int lease_load(const char *path, GPtrArray **ret_leases, GError **error);

/* Held while the file is changed: its folder, so that no lock file is left behind. The caller
 * closes it; -1: there is no folder. Blocks for others. */
int lease_lock(const char *path);

/* There is a file as long as there is a network: what dnsmasq tells after that comes too late.
 * Makes an empty one where none is; VIR_ERR_SYSTEM_ERROR. Removes it. Both lock. */
int lease_begin(const char *path, GError **error);
void lease_end(const char *path);

/* Replaces the file. */
int lease_save(const char *path, const GPtrArray *leases, GError **error);

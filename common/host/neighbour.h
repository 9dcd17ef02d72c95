/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <stdint.h>

/* The kernel's table of neighbours: which address of a network was last seen at which MAC address
 * (ARP, and its like for IPv6). */
struct neighbour {
    int family; /* AF_INET, AF_INET6 */
    uint8_t mac[6];
    char address[INET6_ADDRSTRLEN];
};

/* Those that are, or lately were, reachable: an array of struct neighbour, the caller's.
 * VIR_ERR_SYSTEM_ERROR. Blocks on the kernel alone; any thread. */
int neighbours_read(GArray **ret_neighbours, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Limits of an interface of the host, by the kernel's traffic control: the program tc sets them.
 */

/* KiB a second; burst in KiB; 0: not given. No average: no limit. */
struct traffic_rate {
    uint64_t average, peak, burst;
};

/* What leaves the host through the interface, and what comes in; replaces what there was. Blocks
 * for the program. VIR_ERR_OPERATION_FAILED quotes it; VIR_ERR_SYSTEM_ERROR: it is not there. */
int traffic_limit(const char *name, const struct traffic_rate *out, const struct traffic_rate *in,
                  GError **error);

/* The same for a bridge, some of whose guests are guaranteed a part of what leaves by it. */
int traffic_limit_shared(const char *name, const struct traffic_rate *out,
                         const struct traffic_rate *in, GError **error);

/* What one guest has at least, of what a bridge with traffic_limit_shared() lets through. */
struct traffic_part {
    unsigned id;    /* of its class: TRAFFIC_FIRST_PART ... */
    uint8_t mac[6]; /* what goes to this address */
    uint64_t floor; /* KiB a second */
};

#define TRAFFIC_FIRST_PART 3
#define TRAFFIC_LAST_PART 0xfffe

/* Guarantees it, or more or less of it; takes it back. Rates are those of the bridge. Nothing that
 * waits in a queue is lost. */
int traffic_guarantee(const char *name, const struct traffic_part *part,
                      const struct traffic_rate *out, GError **error);
int traffic_release(const char *name, unsigned id, GError **error);

/* What is left for all that is guaranteed nothing. */
int traffic_set_rest(const char *name, uint64_t rest, const struct traffic_rate *out,
                     GError **error);

/* Packets of UDP that this host sends by the interface from a port to a port get their checksum,
 * which is left to network cards otherwise, though none is on the way to a guest. Once for an
 * interface, after its limits. Without the program. VIR_ERR_OPERATION_FAILED. */
int traffic_fill_checksums(const char *name, unsigned from, unsigned to, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What an interface of the host takes in besides broadcast: frames to its own address and to those
 * of the groups that it has joined. */
struct reception {
    const uint8_t *mac; /* NULL: it stays */
    const uint8_t (*groups)[6];
    unsigned group_count;
    bool all_groups;
    bool everything;
};

/* Makes the interface take in exactly this; groups that the kernel has joined by itself stay.
 * Blocks on the kernel alone; any thread. VIR_ERR_SYSTEM_ERROR names the interface, and may leave
 * a part of it done. */
int reception_apply(const char *name, const struct reception *reception, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

struct network_defaults {
    uint8_t mac_prefix[3];
    /* Is a bridge with this name another network's, or on the host? May block. */
    bool (*bridge_is_taken)(const char *name, const struct network *network, void *data);
    void *data;
};

/* Fills in what a definition just read does not say: uuid, and for networks with a bridge of ours
 * its name (the first free one, also for a pattern like virbr%d), MAC address, spanning tree and
 * delay. VIR_ERR_INTERNAL_ERROR when no name is free, or random bytes don't come. */
int network_apply_defaults(struct network *network, const struct network_defaults *defaults,
                           GError **error);

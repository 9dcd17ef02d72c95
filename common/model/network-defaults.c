/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/network-defaults.h"

#include <string.h>

#include "base/error.h"
#include "base/mac.h"
#include "base/uuid.h"

#define BRIDGES_MOST 10000

static int choose_bridge(struct network *network, const struct network_defaults *defaults,
                         GError **error)
{
    const char *pattern = network->bridge ? network->bridge : "virbr%d";
    size_t stem = strlen(pattern);

    if (!g_str_has_suffix(pattern, "%d"))
        return 0;
    for (unsigned i = 0; i < BRIDGES_MOST; i++) {
        g_autofree char *name = g_strdup_printf("%.*s%u", (int)(stem - 2), pattern, i);

        if (strlen(name) > 15 || defaults->bridge_is_taken(name, network, defaults->data))
            continue;
        network->bridge = arena_strdup(&network->definition.arena, name);
        return 0;
    }
    error_set(error, VIR_ERR_INTERNAL_ERROR, "no name like '%s' is free for a bridge", pattern);
    return -1;
}

static int complete_bridge(struct network *network, const struct network_defaults *defaults,
                           GError **error)
{
    static const uint8_t none[MAC_BYTES];

    if (choose_bridge(network, defaults, error) < 0)
        return -1;
    if (memcmp(network->mac, none, MAC_BYTES) == 0 &&
        mac_generate(defaults->mac_prefix, network->mac) < 0) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "no random MAC address");
        return -1;
    }
    if (!network->bridge_stp)
        network->bridge_stp = TRISTATE_ON;
    if (!network->bridge_delay.set)
        network->bridge_delay = OPT_UINT(0);
    return 0;
}

int network_apply_defaults(struct network *network, const struct network_defaults *defaults,
                           GError **error)
{
    static const uint8_t none[UUID_BYTES];

    if (memcmp(network->uuid, none, UUID_BYTES) == 0 && uuid_generate(network->uuid) < 0) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "no random UUID");
        return -1;
    }
    return network_is_managed(network) ? complete_bridge(network, defaults, error) : 0;
}

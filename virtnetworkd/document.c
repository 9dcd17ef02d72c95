/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "document.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "host/netlink.h"
#include "model/network-defaults.h"
#include "xml/xml.h"

#include "vnet.h"

struct bridge_search {
    const char *bridge;
    const struct network *network; /* not this one */
};

static bool has_bridge(const struct network *network, const struct bridge_search *search)
{
    return network && network_is_managed(network) && network->bridge &&
           strcmp(network->bridge, search->bridge) == 0 &&
           memcmp(network->uuid, search->network->uuid, sizeof(network->uuid)) != 0;
}

static bool uses_bridge(struct object *object, const struct object_view *view, void *data)
{
    return has_bridge(view_live(view), data) || has_bridge(view_config(view), data);
}

/* References to the networks with that bridge. */
static GPtrArray *find_bridge(const char *bridge, const struct network *network)
{
    struct bridge_search search = {bridge, network};

    return registry_list(networkd->networks, uses_bridge, &search);
}

static bool bridge_is_taken(const char *name, const struct network *network, void *data)
{
    g_autoptr(GPtrArray) others = find_bridge(name, network);

    return others->len > 0 || netlink_find(name) > 0;
}

int document_check_bridge(const struct network *network, GError **error)
{
    if (!network_is_managed(network))
        return 0;
    g_autoptr(GPtrArray) others = find_bridge(network->bridge, network);
    if (!others->len)
        return 0;
    g_autofree char *other = object_get_name(others->pdata[0]);
    error_set(error, VIR_ERR_INTERNAL_ERROR,
              "bridge name '%s' already in use: networks '%s' and '%s' can't both have it",
              network->bridge, other, network->name);
    return -1;
}

static int apply_defaults(struct definition *definition, GError **error)
{
    static const struct network_defaults defaults = {
        .mac_prefix = {0x52, 0x54, 0x00},
        .bridge_is_taken = bridge_is_taken,
    };

    return network_apply_defaults((struct network *)definition, &defaults, error);
}

/* A file that a hand has put there may lack them. They must be the same at each start, and those of
 * no other host. */
static void derive_identity(struct network *network)
{
    g_autofree char *machine = NULL;
    uint8_t digest[32];
    size_t size = sizeof(digest);

    if (file_read_all("/etc/machine-id", 256, &machine, NULL, NULL) < 0)
        machine = g_strdup("");
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)machine, -1);
    g_checksum_update(checksum, (const guchar *)network->name, -1);
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    if (bytes_are_zero(network->uuid, sizeof(network->uuid))) {
        memcpy(network->uuid, digest, sizeof(network->uuid));
        network->uuid[6] = (uint8_t)((network->uuid[6] & 0x0f) | 0x80);
        network->uuid[8] = (uint8_t)((network->uuid[8] & 0x3f) | 0x80);
    }
    if (network_is_managed(network) && bytes_are_zero(network->mac, sizeof(network->mac))) {
        memcpy(network->mac, (const uint8_t[]){0x52, 0x54, 0x00}, 3);
        memcpy(network->mac + 3, digest + 16, 3);
    }
}

int document_complete(struct definition *definition, GError **error)
{
    derive_identity((struct network *)definition);
    return apply_defaults(definition, error);
}

int document_read(const char *text, bool validate, struct definition **ret_definition,
                  GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    unsigned flags = XML_READ_INACTIVE | (validate ? XML_READ_VALIDATE : 0);
    DEFINITION_AUTO struct definition *definition =
        xml_read(&network_schema, text, -1, flags, warnings, error);

    if (!definition || apply_defaults(definition, error) < 0)
        return -1;
    for (guint i = 0; i < warnings->len; i++)
        log_warn("network '%s': %s", ((struct network *)definition)->name,
                 (const char *)warnings->pdata[i]);
    *ret_definition = g_steal_pointer(&definition);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "device-parts.h"

static char *backend_type(const struct domain_crypto *crypto)
{
    return g_strdup_printf("cryptodev-backend-%s", crypto->backend ? crypto->backend : "builtin");
}

struct json_object *crypto_object(const struct domain_crypto *crypto)
{
    g_autofree char *id = g_strdup_printf("obj%s", crypto->info.alias);
    g_autofree char *type = backend_type(crypto);
    struct json_object *json = json_build("s:qom-type", type, "s:id", id, NULL);

    if (crypto->queues)
        json_add(json, "u:queues", crypto->queues, NULL);
    return json;
}

int device_crypto_properties(const struct domain *domain, const struct domain_crypto *crypto,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error)
{
    g_autofree char *driver = device_virtio_name("virtio-crypto", VIRTIO_MODEL_NONE, &crypto->info);
    g_autofree char *backend = g_strdup_printf("obj%s", crypto->info.alias);
    g_autofree char *type = backend_type(crypto);

    if (!emulator_has_type(context->emulator, type))
        return device_refuse(error, "crypto", crypto->info.alias, "the emulator has no '%s'", type);
    struct json_object *json =
        json_build("s:driver", driver, "s:cryptodev", backend, "S:id", crypto->info.alias, NULL);

    device_add_virtio(json, &crypto->virtio);
    device_add_place(json, domain, &crypto->info);
    *ret_properties = json;
    return 0;
}

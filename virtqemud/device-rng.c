/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "rng.h"

/* A second, the period of a rate that names none */
#define PERIOD_MS 1000

struct json_object *rng_backend_properties(const struct domain_rng *rng)
{
    g_autofree char *id = g_strdup_printf("obj%s", rng->info.alias);
    g_autofree char *stream = g_strdup_printf("char%s", rng->info.alias);

    switch (rng->backend) {
    case RNG_BACKEND_BUILTIN:
        return json_build("s:qom-type", "rng-builtin", "s:id", id, NULL);
    case RNG_BACKEND_EGD:
        return json_build("s:qom-type", "rng-egd", "s:id", id, "s:chardev", stream, NULL);
    default:
        return json_build("s:qom-type", "rng-random", "s:id", id, "s:filename",
                          rng->path ? rng->path : "/dev/random", NULL);
    }
}

int device_rng_properties(const struct domain *domain, const struct domain_rng *rng,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error)
{
    g_autofree char *driver = device_virtio_name("virtio-rng", rng->model, &rng->info);
    g_autofree char *object = g_strdup_printf("obj%s", rng->info.alias);
    struct json_object *json =
        json_build("s:driver", driver, "s:rng", object, "S:id", rng->info.alias, NULL);

    if (rng->rate_bytes)
        json_add(json, "u:max-bytes", rng->rate_bytes, "u:period",
                 rng->rate_period ? rng->rate_period : PERIOD_MS, NULL);
    device_add_virtio(json, &rng->virtio);
    device_add_place(json, domain, &rng->info);
    *ret_properties = json;
    return 0;
}

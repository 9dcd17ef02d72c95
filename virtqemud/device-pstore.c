/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "device-parts.h"

/* What a guest that crashes leaves behind: pstore on x86, the variables of the firmware on POWER.
 */

struct json_object *pstore_object(const struct domain_pstore *pstore)
{
    g_autofree char *id = g_strdup_printf("mem%s", pstore->info.alias);

    return json_build("s:qom-type", "memory-backend-file", "s:id", id, "S:mem-path", pstore->path,
                      "b:share", true, "U:size", pstore->size * 1024, NULL);
}

int device_pstore_properties(const struct domain *domain, const struct domain_pstore *pstore,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error)
{
    g_autofree char *memory = g_strdup_printf("mem%s", pstore->info.alias);

    if (!pstore->path || !pstore->size)
        return device_refuse(error, "pstore", pstore->info.alias,
                             "its <path> or <size> is missing");
    struct json_object *json =
        json_build("s:driver", "acpi-erst", "S:id", pstore->info.alias, "s:memdev", memory, NULL);

    device_add_place(json, domain, &pstore->info);
    *ret_properties = json;
    return 0;
}

/* Part of the machine: only its place can be told, by a global property. */
int device_nvram_properties(const struct domain *domain, const struct domain_nvram *nvram,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    if (emulator_has_type(context->emulator, "spapr-nvram"))
        return 0;
    return device_refuse(error, "nvram", "nvram", "the emulator has no device 'spapr-nvram'");
}

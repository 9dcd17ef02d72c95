/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#include "device-common.h"

/* ---- one row a kind ---- */

typedef int (*properties_function)(const struct domain *domain, const void *device,
                                   const struct arguments_context *context,
                                   struct json_object **ret_properties, GError **error);

/* The function of a family as one that takes any device. */
#define BUILD(KIND, kind)                                                                          \
    static int build_##kind(const struct domain *domain, const void *device,                       \
                            const struct arguments_context *context,                               \
                            struct json_object **ret_properties, GError **error)                   \
    {                                                                                              \
        return device_##kind##_properties(domain, device, context, ret_properties, error);         \
    }
DEVICE_FAMILIES(BUILD)

#define ROW(KIND, kind) [DEVICE_##KIND] = build_##kind,
static const properties_function families[DEVICE_KINDS] = {DEVICE_FAMILIES(ROW)};

/* ---- what users change behind our back ---- */

static struct json_object *override_value(const struct override_property *property)
{
    const char *value = property->value ? property->value : "";

    if (g_strcmp0(property->type, "signed") == 0)
        return json_object_new_int64(g_ascii_strtoll(value, NULL, 0));
    if (g_strcmp0(property->type, "unsigned") == 0)
        return json_object_new_uint64(g_ascii_strtoull(value, NULL, 0));
    if (g_strcmp0(property->type, "bool") == 0)
        return json_object_new_boolean(strcmp(value, "true") == 0);
    return json_object_new_string(value);
}

static void apply_overrides(const struct domain *domain, const char *alias,
                            struct json_object *json)
{
    LIST_EACH (override, &domain->qemu_overrides) {
        if (g_strcmp0(override->alias, alias) != 0)
            continue;
        LIST_EACH (property, &override->frontend) {
            if (g_strcmp0(property->type, "remove") == 0)
                json_object_object_del(json, property->name);
            else
                json_object_object_add(json, property->name, override_value(property));
        }
    }
}

/* Names that -device takes for a type called otherwise. */
static const struct {
    const char *name, *type;
} nicknames[] = {
    {"lsi", "lsi53c895a"},
    {"ahci", "ich9-ahci"},
    {"virtio-iommu", "virtio-iommu-pci"},
};

static bool has_driver(const struct emulator *emulator, const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(nicknames); i++)
        if (strcmp(nicknames[i].name, driver) == 0)
            driver = nicknames[i].type;
    return emulator_has_type(emulator, driver);
}

char *device_find_missing(const struct domain *domain, const struct device *device,
                          const struct arguments_context *context)
{
    struct json_object *json JSON_AUTO = NULL;

    if (!families[device->kind] ||
        families[device->kind](domain, device->object, context, &json, NULL) < 0 || !json)
        return NULL;
    apply_overrides(domain, device->info ? device->info->alias : NULL, json);
    const char *driver = json_string_member(json, "driver");
    return driver && !has_driver(context->emulator, driver) ? g_strdup(driver) : NULL;
}

static int check_driver(const struct device *device, const struct emulator *emulator,
                        struct json_object *json, GError **error)
{
    const char *driver = json_string_member(json, "driver");

    if (driver && has_driver(emulator, driver))
        return 0;
    return device_refuse(error, names_word(&device_kind_names, device->kind),
                         device->info ? device->info->alias : NULL,
                         "the emulator %s has no device '%s'", emulator->path, driver);
}

/* Buses that PCs have not. */
static int check_place(const struct domain *domain, const struct device *device, GError **error)
{
    unsigned type = device->info ? device->info->address.type : ADDRESS_NONE;

    if (!domain_is_x86(domain) || (type != ADDRESS_SPAPR_VIO && type != ADDRESS_VIRTIO_S390 &&
                                   type != ADDRESS_CCW && type != ADDRESS_VIRTIO_MMIO))
        return 0;
    return device_refuse(error, names_word(&device_kind_names, device->kind), device->info->alias,
                         "this machine has no place of type='%s'",
                         names_word(&address_type_names, type));
}

static int check_initiator(const struct device *device, const struct emulator *emulator,
                           GError **error)
{
    if (!device->info || !device->info->acpi_nodes ||
        emulator_has_type(emulator, "acpi-generic-initiator"))
        return 0;
    return device_refuse(error, names_word(&device_kind_names, device->kind), device->info->alias,
                         "the emulator has no <acpi nodeset=>");
}

int device_properties(const struct domain *domain, const struct device *device,
                      const struct arguments_context *context, struct json_object **ret_properties,
                      GError **error)
{
    struct json_object *json JSON_AUTO = NULL;
    const char *alias = device->info ? device->info->alias : NULL;

    if (!families[device->kind])
        return device_refuse(error, names_word(&device_kind_names, device->kind),
                             alias ? alias : "", "such devices are not in this version");
    if (check_place(domain, device, error) < 0 ||
        check_initiator(device, context->emulator, error) < 0)
        return -1;
    if (families[device->kind](domain, device->object, context, &json, error) < 0)
        return -1;
    if (json)
        apply_overrides(domain, alias, json);
    if (json && check_driver(device, context->emulator, json, error) < 0)
        return -1;
    *ret_properties = g_steal_pointer(&json);
    return 0;
}

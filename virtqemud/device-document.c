/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-document.h"

#include "model/domain-check.h"
#include "model/domain-defaults.h"
#include "xml/xml.h"

#include "address.h"
#include "aliases.h"
#include "check-limits.h"
#include "defaults.h"
#include "document.h"
#include "memory-size.h"
#include "rules.h"

/* What a document tells of a running guest means nothing to a stored one. */
static int forget_run(struct domain *domain, const struct device *device, GError **error)
{
    static const struct domain_defaults stored = {.mac_prefix = DOCUMENT_MAC_PREFIX};

    if (device->info && !domain_alias_is_user(device->info->alias))
        device->info->alias = NULL;
    if (!device_chardev_source(device))
        return 0;
    return domain_device_defaults(domain, device->kind, device->object, &stored, error);
}

int device_document_read(struct domain *domain, const char *text, bool live,
                         struct device *ret_device, GError **error)
{
    const struct xml_schema *schema;
    void *object;

    if (xml_read_part(domain_device_schemas, domain_device_schema_count, text, -1,
                      live ? 0 : XML_READ_INACTIVE, &domain->definition.arena, NULL, &schema,
                      &object, error) < 0)
        return -1;
    enum device_kind kind = device_kind_of_schema(schema);
    struct device device = {
        .kind = kind,
        .object = object,
        .info = device_kind_has_info(kind) ? object : NULL,
    };
    if (!live && forget_run(domain, &device, error) < 0)
        return -1;
    if (live && kind == DEVICE_MEMORY)
        memory_size_round_module(domain, object);
    *ret_device = device;
    return 0;
}

/* ---- adding ---- */

static void find_index(const struct domain *domain, struct device *device)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++)
        if (devices[i].object == device->object)
            device->index = devices[i].index;
}

#define NEXT_PORT(list, of)                                                                        \
    do {                                                                                           \
        unsigned next = 0;                                                                         \
        LIST_EACH (other, list)                                                                    \
            if (other != (of) && other->port.set)                                                  \
                next = MAX(next, other->port.value + 1);                                           \
        if (!(of)->port.set)                                                                       \
            (of)->port = OPT_UINT(next);                                                           \
    } while (0)

/* Ports are numbered; those that name none go behind all others. */
static void number_port(struct domain *domain, const struct device *device)
{
    struct domain_devices *devices = &domain->devices;

    if (device->kind == DEVICE_SERIAL)
        NEXT_PORT(&devices->serials, (struct domain_serial *)device->object);
    else if (device->kind == DEVICE_PARALLEL)
        NEXT_PORT(&devices->parallels, (struct domain_parallel *)device->object);
    else if (device->kind == DEVICE_CONSOLE)
        NEXT_PORT(&devices->consoles, (struct domain_console *)device->object);
}

int device_document_add(struct domain *domain, struct device *device, GError **error)
{
    if (domain_add_device(domain, device->kind, device->object, error) < 0)
        return -1;
    if (device->kind == DEVICE_MEMORY) {
        domain->memory += ((const struct domain_memory *)device->object)->size;
        domain->current_memory += ((const struct domain_memory *)device->object)->size;
    }
    number_port(domain, device);
    find_index(domain, device);
    return 0;
}

void device_document_remove(struct domain *domain, const struct device *device)
{
    if (device->kind == DEVICE_MEMORY) {
        uint64_t size = ((const struct domain_memory *)device->object)->size;

        domain->memory -= size;
        domain->current_memory = MIN(domain->current_memory, domain->memory);
    }
    domain_remove_device(domain, device);
}

/* ---- the running guest ---- */

static const struct domain_defaults live_defaults = {.mac_prefix = DOCUMENT_MAC_PREFIX,
                                                     .live = true};

/* New SCSI controllers are like those that the guest has. */
static uint8_t usual_scsi_model(const struct domain *live)
{
    LIST_EACH (controller, &live->devices.controllers)
        if (controller->type == CONTROLLER_SCSI && controller->model)
            return controller->model;
    return CONTROLLER_SCSI_NONE;
}

static int check_can_come(const struct domain_controller *controller, GError **error)
{
    if (controller->type == CONTROLLER_SCSI || controller->type == CONTROLLER_VIRTIO_SERIAL)
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR,
              "Could not find %s controller with index %u required for device",
              names_word(&controller_type_names, controller->type), controller->index.value);
    return -1;
}

static int complete_controller(struct domain *live, const struct machine_traits *machine,
                               struct domain_controller *controller, GError **error)
{
    if (check_can_come(controller, error) < 0)
        return -1;
    if (controller->type == CONTROLLER_SCSI && !controller->model)
        controller->model = usual_scsi_model(live);
    return defaults_apply_device(live, machine, DEVICE_CONTROLLER, controller, error);
}

/* What has appeared in the list since it had count, but for the device itself. */
static int complete_controllers(struct domain *live, const struct machine_traits *machine,
                                unsigned count, GArray *added, GError **error)
{
    LIST_EACH (controller, &live->devices.controllers) {
        struct device device = {.kind = DEVICE_CONTROLLER,
                                .index = controller_i,
                                .object = controller,
                                .info = &controller->info};

        if (controller_i < count)
            continue;
        if (complete_controller(live, machine, controller, error) < 0)
            return -1;
        g_array_append_val(added, device);
    }
    return 0;
}

static int complete_device(struct domain *live, const struct machine_traits *machine,
                           const struct device *device, GError **error)
{
    if (device->info && !domain_alias_is_user(device->info->alias))
        device->info->alias = NULL;
    if (domain_device_defaults(live, device->kind, device->object, &live_defaults, error) < 0 ||
        domain_place_scsi_hostdevs(live, error) < 0)
        return -1;
    return defaults_apply_device(live, machine, device->kind, device->object, error);
}

int device_document_complete_live(struct domain *live, const struct device *device,
                                  const struct emulator *emulator, GArray **ret_added,
                                  GError **error)
{
    g_autoptr(GArray) added = g_array_new(FALSE, FALSE, sizeof(struct device));
    unsigned count = live->devices.controllers.count;
    struct machine_traits machine;

    if (defaults_find_machine(live, emulator, &machine, error) < 0 ||
        complete_device(live, &machine, device, error) < 0 ||
        domain_add_controllers(live, error) < 0 ||
        complete_controllers(live, &machine, count, added, error) < 0)
        return -1;
    g_array_append_val(added, *device);
    if (address_assign_plugged(live, &machine, error) < 0)
        return -1;
    for (guint i = 0; i < added->len; i++)
        aliases_assign_device(live, &g_array_index(added, struct device, i));
    if (domain_check(live, error) < 0 || rules_check(live, error) < 0 ||
        check_limits(live, error) < 0)
        return -1;
    *ret_added = g_steal_pointer(&added);
    return 0;
}

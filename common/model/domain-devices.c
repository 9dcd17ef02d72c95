/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model/domain.h"
#include "xml/xml.h"

/*
 * All kinds of devices seen alike: a row has the constant, the struct with its table, and where it
 * is in struct domain_devices. MANY: a list; ONE: a pointer; BARE: a list of structs without info.
 * Where a struct has a struct domain_device_info, it is the first member.
 */
#define KINDS(MANY, ONE, BARE)                                                                     \
    MANY(DISK, disk, disks)                                                                        \
    MANY(CONTROLLER, controller, controllers)                                                      \
    BARE(LEASE, lease, leases)                                                                     \
    MANY(FILESYSTEM, filesystem, filesystems)                                                      \
    MANY(NET, net, nets)                                                                           \
    MANY(SMARTCARD, smartcard, smartcards)                                                         \
    MANY(SERIAL, serial, serials)                                                                  \
    MANY(PARALLEL, parallel, parallels)                                                            \
    MANY(CONSOLE, console, consoles)                                                               \
    MANY(CHANNEL, channel, channels)                                                               \
    MANY(INPUT, input, inputs)                                                                     \
    MANY(TPM, tpm, tpms)                                                                           \
    MANY(GRAPHICS, graphics, graphics)                                                             \
    MANY(SOUND, sound, sounds)                                                                     \
    BARE(AUDIO, audio, audios)                                                                     \
    MANY(VIDEO, video, videos)                                                                     \
    MANY(HOSTDEV, hostdev, hostdevs)                                                               \
    MANY(REDIRDEV, redirdev, redirdevs)                                                            \
    MANY(HUB, hub, hubs)                                                                           \
    MANY(WATCHDOG, watchdog, watchdogs)                                                            \
    ONE(MEMBALLOON, memballoon, memballoon)                                                        \
    MANY(RNG, rng, rngs)                                                                           \
    ONE(NVRAM, nvram, nvram)                                                                       \
    MANY(PANIC, panic, panics)                                                                     \
    MANY(SHMEM, shmem, shmems)                                                                     \
    MANY(MEMORY, memory, memories)                                                                 \
    MANY(IOMMU, iommu, iommus)                                                                     \
    ONE(VSOCK, vsock, vsock)                                                                       \
    MANY(CRYPTO, crypto, cryptos)                                                                  \
    ONE(PSTORE, pstore, pstore)

NAMES(device_kind_names, NULL, "disk", "controller", "lease", "filesystem", "interface",
      "smartcard", "serial", "parallel", "console", "channel", "input", "tpm", "graphics", "sound",
      "audio", "video", "hostdev", "redirdev", "hub", "watchdog", "memballoon", "rng", "nvram",
      "panic", "shmem", "memory", "iommu", "vsock", "crypto", "pstore");

#define CHECK_INFO(KIND, type, member)                                                             \
    _Static_assert(offsetof(struct domain_##type, info) == 0, "info is first");
#define CHECK_NOTHING(KIND, type, member)
KINDS(CHECK_INFO, CHECK_INFO, CHECK_NOTHING)

struct any_list {
    void **items;
    unsigned count;
};

static const struct kind {
    const struct xml_schema *schema;
    size_t offset; /* in struct domain_devices: of a list, or of a pointer */
    bool single;
    bool no_info;
} kinds[DEVICE_KINDS] = {
#define MANY_KIND(KIND, type, member)                                                              \
    [DEVICE_##KIND] = {&domain_##type##_schema, offsetof(struct domain_devices, member)},
#define ONE_KIND(KIND, type, member)                                                               \
    [DEVICE_##KIND] = {&domain_##type##_schema, offsetof(struct domain_devices, member),           \
                       .single = true},
#define BARE_KIND(KIND, type, member)                                                              \
    [DEVICE_##KIND] = {&domain_##type##_schema, offsetof(struct domain_devices, member),           \
                       .no_info = true},
    KINDS(MANY_KIND, ONE_KIND, BARE_KIND)};

#define SCHEMA(KIND, type, member) &domain_##type##_schema,
const struct xml_schema *const domain_device_schemas[] = {KINDS(SCHEMA, SCHEMA, SCHEMA)};
const unsigned domain_device_schema_count = G_N_ELEMENTS(domain_device_schemas);

enum device_kind device_kind_of_schema(const struct xml_schema *schema)
{
    for (unsigned kind = 1; kind < DEVICE_KINDS; kind++)
        if (kinds[kind].schema == schema)
            return kind;
    return DEVICE_NONE;
}

const struct xml_schema *device_kind_schema(enum device_kind kind)
{
    return kinds[kind].schema;
}

bool device_kind_has_info(enum device_kind kind)
{
    return !kinds[kind].no_info;
}

static const size_t chardev_offsets[DEVICE_KINDS] = {
    [DEVICE_SMARTCARD] = offsetof(struct domain_smartcard, source),
    [DEVICE_SERIAL] = offsetof(struct domain_serial, source),
    [DEVICE_PARALLEL] = offsetof(struct domain_parallel, source),
    [DEVICE_CONSOLE] = offsetof(struct domain_console, source),
    [DEVICE_CHANNEL] = offsetof(struct domain_channel, source),
    [DEVICE_REDIRDEV] = offsetof(struct domain_redirdev, source),
    [DEVICE_RNG] = offsetof(struct domain_rng, source),
};

struct chardev_source *device_chardev_source(const struct device *device)
{
    size_t offset = chardev_offsets[device->kind];
    struct chardev_source *source = (void *)((char *)device->object + offset);

    return offset && source->type ? source : NULL;
}

/* ---- lists ---- */

static void **single_of(const struct domain *domain, enum device_kind kind)
{
    return (void **)((char *)&domain->devices + kinds[kind].offset);
}

static struct any_list *list_of(const struct domain *domain, enum device_kind kind)
{
    return (struct any_list *)((char *)&domain->devices + kinds[kind].offset);
}

static unsigned count_of(const struct domain *domain, enum device_kind kind)
{
    return kinds[kind].single ? *single_of(domain, kind) != NULL : list_of(domain, kind)->count;
}

static struct device device_at(const struct domain *domain, enum device_kind kind, unsigned index)
{
    void *object =
        kinds[kind].single ? *single_of(domain, kind) : list_of(domain, kind)->items[index];

    return (struct device){
        .kind = kind,
        .index = index,
        .object = object,
        .info = kinds[kind].no_info ? NULL : object,
    };
}

struct device *domain_list_devices(const struct domain *domain, unsigned *ret_count)
{
    unsigned count = 0, filled = 0;

    for (unsigned kind = 1; kind < DEVICE_KINDS; kind++)
        count += count_of(domain, kind);
    struct device *devices = g_new(struct device, count + 1);
    for (unsigned kind = 1; kind < DEVICE_KINDS; kind++)
        for (unsigned i = 0; i < count_of(domain, kind); i++)
            devices[filled++] = device_at(domain, kind, i);
    *ret_count = count;
    return devices;
}

int domain_add_device(struct domain *domain, enum device_kind kind, void *object, GError **error)
{
    if (!kinds[kind].single) {
        struct any_list *list = list_of(domain, kind);

        list_insert(&domain->definition.arena, &list->items, &list->count, list->count, object);
        return 0;
    }
    if (*single_of(domain, kind)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "the guest already has a %s device",
                  names_word(&device_kind_names, kind));
        return -1;
    }
    *single_of(domain, kind) = object;
    return 0;
}

void domain_remove_device(struct domain *domain, const struct device *device)
{
    if (kinds[device->kind].single)
        *single_of(domain, device->kind) = NULL;
    else
        list_remove(list_of(domain, device->kind)->items, &list_of(domain, device->kind)->count,
                    device->index);
}

/* ---- finding ---- */

struct disk_iotune *domain_find_throttle_group(const struct domain *domain, const char *name)
{
    LIST_EACH (group, &domain->throttle_groups)
        if (strcmp(group->group_name, name) == 0)
            return group;
    return NULL;
}

struct domain_disk *domain_find_disk(const struct domain *domain, const char *target)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (g_strcmp0(disk->target, target) == 0)
            return disk;
    return NULL;
}

struct domain_disk *domain_find_disk_or_path(const struct domain *domain, const char *name)
{
    struct domain_disk *found = domain_find_disk(domain, name);

    if (found)
        return found;
    LIST_EACH (disk, &domain->devices.disks)
        if (disk->source.path && domain_source_is_local(&disk->source) &&
            g_str_equal(disk->source.path, name))
            return disk;
    return NULL;
}

struct domain_controller *domain_find_controller(const struct domain *domain,
                                                 enum controller_type type, unsigned index)
{
    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == type && controller->index.set && controller->index.value == index)
            return controller;
    return NULL;
}

struct domain_graphics *domain_find_graphics(const struct domain *domain, enum graphics_type type)
{
    LIST_EACH (graphics, &domain->devices.graphics)
        if (graphics->type == type)
            return graphics;
    return NULL;
}

struct domain_audio *domain_find_audio(const struct domain *domain, unsigned id)
{
    LIST_EACH (audio, &domain->devices.audios)
        if (audio->id == id)
            return audio;
    return NULL;
}

struct domain_iothread *domain_find_iothread(const struct domain *domain, unsigned id)
{
    LIST_EACH (iothread, &domain->iothreads)
        if (iothread->id == id)
            return iothread;
    return NULL;
}

bool domain_find_alias(const struct domain *domain, const char *alias, struct device *ret_device)
{
    for (unsigned kind = 1; kind < DEVICE_KINDS; kind++)
        for (unsigned i = 0; !kinds[kind].no_info && i < count_of(domain, kind); i++) {
            struct device device = device_at(domain, kind, i);

            if (g_strcmp0(device.info->alias, alias) == 0) {
                *ret_device = device;
                return true;
            }
        }
    return false;
}

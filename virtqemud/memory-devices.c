/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory-devices.h"

#include <json-c/json.h>

#include "driver/events.h"
#include "protocol/remote.h"

#include "guest.h"
#include "json.h"
#include "monitor.h"
#include "qmp-commands.h"

static struct domain_memory *find_memory(const struct domain *live, const char *alias)
{
    LIST_EACH (memory, &live->devices.memories)
        if (alias && g_strcmp0(memory->info.alias, alias) == 0)
            return memory;
    return NULL;
}

/* What a module that grows has not yet is none of the guest's. */
static void set_current(struct domain *live, struct domain_memory *memory, uint64_t kib)
{
    uint64_t before = memory->current.set ? memory->current.value : memory->size;

    live->current_memory += kib;
    live->current_memory -= MIN(before, live->current_memory);
    memory->current = OPT_ULONG(kib);
}

uint64_t memory_devices_current(const struct domain *live)
{
    uint64_t sum = 0;

    LIST_EACH (memory, &live->devices.memories)
        if (memory->model == MEMORY_MODEL_VIRTIO_MEM)
            sum += memory->current.value;
    return sum;
}

static void learn(struct domain *live, struct json_object *device)
{
    struct json_object *data = json_object_member(device, "data");
    struct domain_memory *memory = find_memory(live, json_string_member(data, "id"));
    int64_t base = json_int_member(data, "addr", -1);

    if (!memory)
        return;
    if (memory->info.address.type == ADDRESS_DIMM && base >= 0)
        memory->info.address.dimm.base = OPT_ULONG((uint64_t)base);
    if (memory->model == MEMORY_MODEL_VIRTIO_MEM)
        set_current(live, memory, (uint64_t)json_int_member(data, "size", 0) / 1024);
}

int memory_devices_learn(struct domain *live, struct qmp *qmp, GError **error)
{
    struct json_object *list JSON_AUTO = NULL;

    if (!live->devices.memories.count)
        return 0;
    if (qmp_execute(qmp, "query-memory-devices", NULL, 0, &list, error) < 0)
        return -1;
    for (size_t i = 0;
         json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
        learn(live, json_object_array_get_idx(list, i));
    return 0;
}

int memory_devices_begin(struct domain *live, struct qmp *qmp, GError **error)
{
    uint64_t growing = 0;

    LIST_EACH (memory, &live->devices.memories)
        if (memory->model == MEMORY_MODEL_VIRTIO_MEM)
            growing += memory->size;
    live->current_memory = MIN(live->current_memory, live->memory - growing) + growing;
    return memory_devices_learn(live, qmp, error);
}

int memory_devices_refresh(struct domain *live, struct qmp *qmp, GError **error)
{
    uint64_t bytes;

    if (memory_devices_learn(live, qmp, error) < 0)
        return -1;
    if (!live->devices.memballoon || live->devices.memballoon->model == MEMBALLOON_NONE)
        return 0;
    if (qmp_get_balloon(qmp, 0, &bytes, error) < 0)
        return -1;
    live->current_memory = bytes / 1024 + memory_devices_current(live);
    return 0;
}

static void follow(struct guest *guest, struct job *job, uint64_t kib, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_copy(view.live);
    struct domain_memory *memory = find_memory(live, alias);
    if (!memory)
        return;
    set_current(live, memory, kib);
    object_publish_live(job, definition_copy(&live->definition));
    guest_save_status(guest, job);
}

void memory_devices_event(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_memory_device_size_change_msg message = {
        .alias = (char *)event->memory_device.id, .size = event->memory_device.size / 1024};

    if (!message.alias)
        return;
    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.dom);
    events_raise(qemu_of(&guest->object)->driver, NULL, EVENT_DOMAIN,
                 VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, &guest->object, &message);
    monitor_push(guest, follow, message.size, message.alias);
}

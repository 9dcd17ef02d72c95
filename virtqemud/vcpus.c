/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vcpus.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "driver/events.h"
#include "protocol/remote.h"

#include "hotplug.h"
#include "json.h"
#include "qmp-commands.h"

/* ---- the document ---- */

void vcpus_name(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;
    unsigned enabled = domain_vcpus(domain);

    if (domain->vcpus.count)
        return;
    for (unsigned id = 0; id < domain->max_vcpus; id++) {
        struct domain_vcpu *vcpu = arena_new(arena, struct domain_vcpu);

        *vcpu = (struct domain_vcpu){
            .id = OPT_UINT(id),
            .enabled = tristate_of(id < enabled),
            .hotpluggable = tristate_of(id >= enabled),
            .order = domain->id.set && id < enabled ? id + 1 : 0,
        };
        LIST_APPEND(arena, &domain->vcpus, vcpu);
    }
}

static struct domain_vcpu *find(const struct domain *domain, unsigned id)
{
    LIST_EACH (vcpu, &domain->vcpus)
        if (vcpu->id.value == id)
            return vcpu;
    return NULL;
}

bool vcpus_has(const struct domain *domain, unsigned id)
{
    const struct domain_vcpu *vcpu = find(domain, id);

    return vcpu ? vcpu->enabled != TRISTATE_NO : id < domain_vcpus(domain);
}

static void count_enabled(struct domain *domain)
{
    unsigned enabled = 0;

    LIST_EACH (vcpu, &domain->vcpus)
        enabled += vcpu->enabled != TRISTATE_NO;
    domain->current_vcpus = enabled == domain->max_vcpus ? 0 : enabled;
}

static unsigned last_order(const struct domain *domain)
{
    unsigned last = 0;

    LIST_EACH (vcpu, &domain->vcpus)
        last = MAX(last, vcpu->order);
    return last;
}

void vcpus_set(struct domain *domain, unsigned id, bool enabled)
{
    vcpus_name(domain);
    struct domain_vcpu *vcpu = find(domain, id);
    if (!vcpu || enabled == (vcpu->enabled != TRISTATE_NO))
        return;
    vcpu->enabled = tristate_of(enabled);
    vcpu->order = domain->id.set && enabled ? last_order(domain) + 1 : 0;
    if (enabled)
        vcpu->hotpluggable = TRISTATE_YES;
    count_enabled(domain);
}

void vcpus_store(struct domain *domain, unsigned id, bool enabled, bool hotpluggable)
{
    vcpus_name(domain);
    LIST_EACH (vcpu, &domain->vcpus) {
        vcpu->order = 0;
        if (vcpu->id.value == id) {
            vcpu->enabled = tristate_of(enabled);
            vcpu->hotpluggable = tristate_of(hotpluggable);
        }
    }
    count_enabled(domain);
}

void vcpus_store_count(struct domain *domain, unsigned count, bool hotpluggable)
{
    if (!domain->vcpus.count && !hotpluggable) {
        domain->current_vcpus = count == domain->max_vcpus ? 0 : count;
        return;
    }
    for (unsigned id = 0; id < domain->max_vcpus && domain_vcpus(domain) < count; id++) {
        const struct domain_vcpu *vcpu = find(domain, id);

        if (!vcpus_has(domain, id))
            vcpus_store(domain, id, true, hotpluggable);
        else if (vcpu && vcpu->hotpluggable == TRISTATE_YES)
            hotpluggable = true;
    }
    for (unsigned id = domain->max_vcpus; id-- > 1 && domain_vcpus(domain) > count;)
        if (vcpus_has(domain, id))
            vcpus_store(domain, id, false, true);
}

void vcpus_store_maximum(struct domain *domain, unsigned maximum)
{
    unsigned now = MIN(domain_vcpus(domain), maximum);
    bool named = domain->vcpus.count > 0;

    for (unsigned i = domain->vcpus.count; i-- > 0;)
        if (domain->vcpus.items[i]->id.value >= maximum)
            LIST_REMOVE(&domain->vcpus, i);
    for (unsigned id = domain->max_vcpus; named && id < maximum; id++) {
        struct arena *arena = &domain->definition.arena;
        struct domain_vcpu *vcpu = arena_new(arena, struct domain_vcpu);

        *vcpu = (struct domain_vcpu){.id = OPT_UINT(id), .enabled = TRISTATE_NO};
        LIST_APPEND(arena, &domain->vcpus, vcpu);
    }
    domain->max_vcpus = maximum;
    domain->current_vcpus = now == maximum ? 0 : now;
    if (named)
        count_enabled(domain);
}

static bool is_at_boot(const struct domain_vcpu *vcpu)
{
    return vcpu->enabled != TRISTATE_NO && vcpu->hotpluggable != TRISTATE_YES;
}

bool vcpus_is_at_boot(const struct domain *domain, unsigned id)
{
    const struct domain_vcpu *vcpu = find(domain, id);

    return vcpu ? is_at_boot(vcpu) : id < domain_vcpus(domain);
}

int vcpus_at_boot(const struct domain *domain, unsigned *ret_count, GError **error)
{
    unsigned count = 0;

    if (!domain->vcpus.count) {
        *ret_count = domain_vcpus(domain);
        return 0;
    }
    LIST_EACH (vcpu, &domain->vcpus)
        count += is_at_boot(vcpu);
    LIST_EACH (vcpu, &domain->vcpus)
        if (is_at_boot(vcpu) && vcpu->id.value >= count) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "vcpus/vcpu[%u]: vcpus that are not hotpluggable must be the first ones",
                      vcpu_i + 1);
            return -1;
        }
    if (count) {
        *ret_count = count;
        return 0;
    }
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "vcpus: the first one can't be hotpluggable");
    return -1;
}

char *vcpus_alias(unsigned id)
{
    return g_strdup_printf("vcpu%u", id);
}

char *vcpus_alias_of_part(const char *path)
{
    static const char stem[] = "/machine/peripheral/";
    unsigned id;
    int end = 0;

    if (!path || !g_str_has_prefix(path, stem) ||
        sscanf(path + strlen(stem), "vcpu%u/lapic%n", &id, &end) != 1 || end == 0)
        return NULL;
    return vcpus_alias(id);
}

bool vcpus_forget(struct guest *guest, struct job *job, struct domain *live, const char *alias)
{
    struct remote_domain_event_vcpu_removed_msg message = {0};
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (sscanf(alias, "vcpu%u", &message.vcpuid) != 1 || message.vcpuid >= live->max_vcpus ||
        !vcpus_has(live, message.vcpuid))
        return false;
    vcpus_set(live, message.vcpuid, false);
    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.dom);
    events_raise(qemu_of(&guest->object)->driver, job, EVENT_DOMAIN,
                 VIR_DOMAIN_EVENT_ID_VCPU_REMOVED, &guest->object, &message);
    hotplug_raise(guest, job, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, alias);
    return true;
}

/* ---- QEMU ---- */

/* QEMU lists the places of vcpus backwards. *ret_places is the caller's. */
static int list_places(struct qmp *qmp, struct json_object **ret_places, GError **error)
{
    struct json_object *places;

    if (qmp_execute(qmp, "query-hotpluggable-cpus", NULL, 0, &places, error) < 0)
        return -1;
    if (json_object_is_type(places, json_type_array)) {
        *ret_places = places;
        return 0;
    }
    json_object_put(places);
    error_set(error, VIR_ERR_INTERNAL_ERROR, "reply to 'query-hotpluggable-cpus': not a list");
    return -1;
}

/* Borrowed; NULL: there is none. */
static struct json_object *find_place(struct json_object *places, unsigned id)
{
    size_t count = json_object_array_length(places);

    return id < count ? json_object_array_get_idx(places, count - 1 - id) : NULL;
}

int vcpus_learn(struct qmp *qmp, struct domain *live, GError **error)
{
    struct json_object *places JSON_AUTO = NULL;

    if (list_places(qmp, &places, error) < 0)
        return -1;
    if (json_object_array_length(places) != live->max_vcpus)
        return 0; /* a place for several at once */
    for (unsigned id = 0; id < live->max_vcpus; id++) {
        bool there = json_string_member(find_place(places, id), "qom-path");

        if (there != vcpus_has(live, id))
            vcpus_set(live, id, there);
    }
    return 0;
}

/* What device_add takes for a place: its properties, and what the machine's vcpus are. */
static struct json_object *device_for(struct json_object *place, const char *alias)
{
    struct json_object *properties = json_object_member(place, "props");
    const char *driver = json_string_member(place, "type");

    if (!driver || !properties)
        return NULL;
    struct json_object *device = json_build("s:driver", driver, "s:id", alias, NULL);
    json_object_object_foreach(properties, name, value)
        json_object_object_add(device, name, json_object_get(value));
    return device;
}

static int plug_at(struct qmp *qmp, struct json_object *places, unsigned id, GError **error)
{
    g_autofree char *alias = vcpus_alias(id);
    struct json_object *place = find_place(places, id);
    struct json_object *device = place ? device_for(place, alias) : NULL;

    if (!device) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "the machine has no place for vcpu %u to be plugged in", id);
        return -1;
    }
    return qmp_device_add(qmp, device, 0, error);
}

int vcpus_plug(struct qmp *qmp, struct domain *live, unsigned id, GError **error)
{
    struct json_object *places JSON_AUTO = NULL;

    if (list_places(qmp, &places, error) < 0 || plug_at(qmp, places, id, error) < 0)
        return -1;
    vcpus_set(live, id, true);
    return 0;
}

static int compare_orders(const void *a, const void *b)
{
    const struct domain_vcpu *const *one = a, *const *other = b;

    return (int)(*one)->order - (int)(*other)->order;
}

int vcpus_plug_later(struct qmp *qmp, const struct domain *live, GError **error)
{
    g_autoptr(GPtrArray) later = g_ptr_array_new();
    struct json_object *places JSON_AUTO = NULL;

    LIST_EACH (vcpu, &live->vcpus)
        if (vcpu->enabled != TRISTATE_NO && !is_at_boot(vcpu))
            g_ptr_array_add(later, vcpu);
    if (later->len == 0)
        return 0;
    g_ptr_array_sort(later, compare_orders);
    if (list_places(qmp, &places, error) < 0)
        return -1;
    for (guint i = 0; i < later->len; i++) {
        const struct domain_vcpu *vcpu = g_ptr_array_index(later, i);

        if (plug_at(qmp, places, vcpu->id.value, error) < 0)
            return -1;
    }
    return 0;
}

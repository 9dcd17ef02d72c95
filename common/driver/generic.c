/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"

#include <string.h>

#include "driver/client.h"
#include "object/access.h"

/* ---- questions ---- */

bool view_is_active(const struct object_view *view)
{
    return view->live != NULL;
}

bool view_is_inactive(const struct object_view *view)
{
    return view->live == NULL;
}

bool view_is_persistent(const struct object_view *view)
{
    return view->config != NULL;
}

bool view_is_transient(const struct object_view *view)
{
    return view->config == NULL;
}

bool view_has_autostart(const struct object_view *view)
{
    return view->autostart;
}

bool view_has_no_autostart(const struct object_view *view)
{
    return !view->autostart;
}

/* ---- lists ---- */

static bool group_passes(const struct list_filter *group, unsigned flags,
                         const struct object_view *view)
{
    bool asked = false;

    for (size_t i = 0; i < LIST_GROUP_ROWS && group[i].matches; i++) {
        if (!(flags & group[i].flag))
            continue;
        if (group[i].matches(view))
            return true;
        asked = true;
    }
    return !asked;
}

static bool wanted(struct object *object, const struct object_view *view, void *data)
{
    const struct list_request *request = data;

    for (size_t i = 0; i < request->filters->count; i++)
        if (!group_passes(request->filters->groups[i], request->flags, view))
            return false;
    return call_may_list(request->call, object);
}

bool list_has(const struct list_request *request, struct object *object)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    return wanted(object, &view, (void *)request);
}

GPtrArray *list_objects(const struct list_request *request)
{
    return registry_list(call_registry(request->call, request->kind), wanted, (void *)request);
}

unsigned list_count(const struct list_request *request)
{
    return registry_count(call_registry(request->call, request->kind), wanted, (void *)request);
}

void list_names(const struct list_request *request, int most, char ***ret_names,
                uint32_t *ret_count)
{
    g_autoptr(GPtrArray) objects = list_objects(request);
    struct arena *arena = &request->call->arena;
    uint32_t count = MIN(objects->len, (uint32_t)MAX(most, 0));
    char **names = arena_array(arena, count, sizeof(char *));

    for (uint32_t i = 0; i < count; i++) {
        g_autofree char *name = object_get_name(objects->pdata[i]);
        names[i] = arena_strdup(arena, name);
    }
    *ret_names = names;
    *ret_count = count;
}

/* ---- objects of a call ---- */

struct registry *call_registry(const struct call *call, enum protocol_object kind)
{
    return call->client->driver->registries[kind];
}

struct store *call_store(const struct call *call, enum protocol_object kind)
{
    return call->client->driver->stores[kind];
}

int call_found(struct call *call, struct object *object, GError **error)
{
    if (!object)
        return -1;
    call->object = object;
    return call_check_subject(call, &(struct access_subject){.object = object}, error);
}

int call_begin(struct call *call, enum protocol_object kind, const struct definition *definition,
               unsigned flags, struct job **ret_job, GError **error)
{
    struct registry *registry = call_registry(call, kind);
    const struct access_subject subject = {.kind = registry_kind(registry),
                                           .definition = definition};
    const char *name = object_kind_name(subject.kind, definition);

    if (store_check_name(subject.kind, name, error) < 0 ||
        call_check_subject(call, &subject, error) < 0)
        return -1;
    return registry_begin(registry, definition, flags, protocol_method_word(call->request->method),
                          JOB_DEADLINE_MS, ret_job, error);
}

int call_get_affected(struct call *call, unsigned flags, struct object_view *ret_view,
                      const struct definition **ret_definition, GError **error)
{
    unsigned affected;

    if ((flags & VIR_DOMAIN_AFFECT_LIVE) && (flags & VIR_DOMAIN_AFFECT_CONFIG)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "flags AFFECT_LIVE and AFFECT_CONFIG exclude each other");
        return -1;
    }
    if (call_get_view(call, ret_view, error) < 0 ||
        object_check_affect(call->object->kind, ret_view, flags, &affected, error) < 0)
        return -1;
    *ret_definition = affected & VIR_DOMAIN_AFFECT_LIVE ? ret_view->live : ret_view->config;
    return 0;
}

void call_fill_handle(struct call *call, struct object *object, char **ret_name,
                      uint8_t ret_uuid[16])
{
    g_autofree char *name = object_get_name(object);

    *ret_name = arena_strdup(&call->arena, name);
    memcpy(ret_uuid, object_uuid(object), 16);
}

int call_set_autostart(struct call *call, enum protocol_object kind, bool autostart, GError **error)
{
    if (!object_is_persistent(call->object)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "cannot set autostart for transient %s",
                  call->object->kind->name);
        return -1;
    }
    if (store_set_autostart(call_store(call, kind), call->job, autostart, error) < 0)
        return -1;
    object_publish_autostart(call->job, autostart);
    return 0;
}

int call_get_autostart(struct call *call, int *ret_autostart, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    *ret_autostart = view.autostart;
    return 0;
}

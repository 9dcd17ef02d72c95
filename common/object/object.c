/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/object.h"

#include <string.h>

#include "base/uuid.h"
#include "xml/xml.h"

static const uint8_t no_uuid[16];

const char *object_kind_name(const struct object_kind *kind, const struct definition *definition)
{
    return G_STRUCT_MEMBER(const char *, definition, kind->name_offset);
}

const uint8_t *object_kind_uuid(const struct object_kind *kind, const struct definition *definition)
{
    if (!kind->uuid_offset)
        return NULL;
    return (const uint8_t *)definition + kind->uuid_offset;
}

int object_kind_read(const struct object_kind *kind, const char *text, gssize length,
                     unsigned flags, GPtrArray *warnings, struct definition **ret_definition,
                     GError **error)
{
    DEFINITION_AUTO struct definition *definition =
        xml_read(kind->schema, text, length, flags, warnings, error);

    if (!definition)
        return -1;
    if (kind->complete && kind->complete(definition, error) < 0)
        return -1;
    *ret_definition = definition_pack(definition);
    return 0;
}

struct object *object_new(const struct object_kind *kind, const struct definition *definition)
{
    const uint8_t *uuid = object_kind_uuid(kind, definition);
    struct object *object = g_malloc0(kind->size);

    object->kind = kind;
    object->references = 1;
    object->registered_id = -1;
    g_mutex_init(&object->lock);
    job_queue_init(&object->jobs);
    object->current = (struct object_view){
        .name = g_ref_string_new(object_kind_name(kind, definition)),
        .id = -1,
        .state = kind->inactive_state,
    };
    memcpy(object->current.uuid, uuid ? uuid : no_uuid, sizeof(no_uuid));
    return object;
}

struct object *object_ref(struct object *object)
{
    g_atomic_int_inc(&object->references);
    return object;
}

void object_unref(struct object *object)
{
    if (!object || !g_atomic_int_dec_and_test(&object->references))
        return;
    if (object->kind->clear)
        object->kind->clear(object);
    object_view_clear(&object->current);
    job_queue_clear(&object->jobs);
    g_mutex_clear(&object->lock);
    g_free(object);
}

void object_get_view(struct object *object, struct object_view *ret_view)
{
    g_mutex_lock(&object->lock);
    *ret_view = object->current;
    g_ref_string_acquire(ret_view->name);
    if (ret_view->live)
        definition_ref(ret_view->live);
    if (ret_view->config)
        definition_ref(ret_view->config);
    if (ret_view->facts)
        g_atomic_rc_box_acquire(ret_view->facts);
    g_mutex_unlock(&object->lock);
}

static void release_facts(void *facts)
{
    if (facts)
        g_atomic_rc_box_release(facts);
}

void object_view_clear(struct object_view *view)
{
    if (view->name)
        g_ref_string_release(view->name);
    definition_unref(view->live);
    definition_unref(view->config);
    release_facts(view->facts);
    memset(view, 0, sizeof(*view));
}

void object_set_missing(struct object *object, GError **error)
{
    g_autofree char *name = object_get_name(object);
    char uuid[UUID_TEXT];

    if (!object->kind->uuid_offset) {
        error_set(error, object->kind->missing, "no %s with matching name '%s'", object->kind->name,
                  name);
        return;
    }
    uuid_format(object->current.uuid, uuid);
    error_set(error, object->kind->missing, "no %s with matching uuid '%s' (%s)",
              object->kind->name, uuid, name);
}

char *object_get_name(struct object *object)
{
    char *name;

    g_mutex_lock(&object->lock);
    name = g_strdup(object->current.name);
    g_mutex_unlock(&object->lock);
    return name;
}

const uint8_t *object_uuid(const struct object *object)
{
    return object->current.uuid;
}

bool object_is_active(struct object *object)
{
    bool active;

    g_mutex_lock(&object->lock);
    active = object->current.live != NULL;
    g_mutex_unlock(&object->lock);
    return active;
}

bool object_is_persistent(struct object *object)
{
    bool persistent;

    g_mutex_lock(&object->lock);
    persistent = object->current.config != NULL;
    g_mutex_unlock(&object->lock);
    return persistent;
}

struct definition *object_view_definition(const struct object_view *view, bool inactive)
{
    struct definition *first = inactive ? view->config : view->live;

    if (first)
        return first;
    return inactive ? view->live : view->config;
}

int object_check_affect(const struct object_kind *kind, const struct object_view *view,
                        unsigned flags, unsigned *ret_affected, GError **error)
{
    unsigned affected = flags & (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG);

    if (!affected)
        affected = view->live ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
    if ((affected & VIR_DOMAIN_AFFECT_LIVE) && !view->live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s is not running", kind->name);
        return -1;
    }
    if ((affected & VIR_DOMAIN_AFFECT_CONFIG) && !view->config) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "transient %ss do not have any persistent config", kind->name);
        return -1;
    }
    *ret_affected = affected;
    return 0;
}

/* Puts a definition into its place and returns what was there. With the lock held. */
static struct definition *swap(struct definition **place, struct definition *definition)
{
    struct definition *old = *place;

    *place = definition;
    return old;
}

void object_publish_config(struct job *job, struct definition *config)
{
    struct object *object = job_object(job);
    struct definition *old;

    g_mutex_lock(&object->lock);
    object->current.updated = object->current.live && object->current.config && config;
    old = swap(&object->current.config, config);
    if (!config)
        object->current.autostart = object->current.autostart_once = false;
    g_mutex_unlock(&object->lock);
    definition_unref(old);
}

void object_publish_active(struct job *job, struct definition *live, int id, int state, int reason)
{
    struct object *object = job_object(job);
    struct definition *old;

    g_mutex_lock(&object->lock);
    old = swap(&object->current.live, live);
    object->current.id = id;
    object->current.state = state;
    object->current.reason = reason;
    g_mutex_unlock(&object->lock);
    definition_unref(old);
}

void object_publish_inactive(struct job *job, int state, int reason)
{
    struct object *object = job_object(job);
    struct definition *old;
    void *facts;

    g_mutex_lock(&object->lock);
    old = swap(&object->current.live, NULL);
    facts = g_steal_pointer(&object->current.facts);
    object->current.id = -1;
    object->current.state = state;
    object->current.reason = reason;
    object->current.updated = false;
    g_mutex_unlock(&object->lock);
    definition_unref(old);
    release_facts(facts);
}

void object_publish_live(struct job *job, struct definition *live)
{
    struct object *object = job_object(job);
    struct definition *old;

    g_mutex_lock(&object->lock);
    old = swap(&object->current.live, live);
    g_mutex_unlock(&object->lock);
    definition_unref(old);
}

void object_publish_state(struct job *job, int state, int reason)
{
    struct object *object = job_object(job);

    g_mutex_lock(&object->lock);
    object->current.state = state;
    object->current.reason = reason;
    g_mutex_unlock(&object->lock);
}

void object_publish_autostart(struct job *job, bool autostart)
{
    struct object *object = job_object(job);

    g_mutex_lock(&object->lock);
    object->current.autostart = autostart;
    g_mutex_unlock(&object->lock);
}

void object_publish_autostart_once(struct job *job, bool autostart)
{
    struct object *object = job_object(job);

    g_mutex_lock(&object->lock);
    object->current.autostart_once = autostart;
    g_mutex_unlock(&object->lock);
}

bool object_notice_state(struct object *object, int state, int reason)
{
    bool changed;

    g_mutex_lock(&object->lock);
    changed = object->current.live &&
              (object->current.state != state || object->current.reason != reason);
    if (changed) {
        object->current.state = state;
        object->current.reason = reason;
    }
    g_mutex_unlock(&object->lock);
    return changed;
}

void object_publish_facts(struct object *object, void *facts)
{
    void *old;

    g_mutex_lock(&object->lock);
    old = facts;
    if (object->current.live || !facts) {
        old = object->current.facts;
        object->current.facts = facts;
    }
    g_mutex_unlock(&object->lock);
    release_facts(old);
}

void object_publish_rename(struct job *job, const char *name, struct definition *config)
{
    struct object *object = job_object(job);
    char *old_name;
    struct definition *old;

    g_mutex_lock(&object->lock);
    old_name = object->current.name;
    object->current.name = g_ref_string_new(name);
    old = swap(&object->current.config, config);
    g_mutex_unlock(&object->lock);
    g_ref_string_release(old_name);
    definition_unref(old);
}

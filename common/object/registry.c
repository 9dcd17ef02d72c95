/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/registry.h"

#include <string.h>

#include "base/uuid.h"

/* All objects at one moment, shared by the lists that are being made of it. */
struct snapshot {
    gint references;
    unsigned count;
    struct object *objects[];
};

struct registry {
    const struct object_kind *kind;
    GMutex lock;               /* taken before an object's, never while waiting */
    GPtrArray *objects;        /* owns a reference each; by sequence */
    GHashTable *by_name;       /* GRefString -> object */
    GHashTable *by_uuid;       /* the object's bytes -> object */
    GHashTable *by_id;         /* int -> object */
    GHashTable *reserved;      /* names that objects are being renamed to */
    struct snapshot *snapshot; /* NULL: something changed since */
    uint64_t sequence;
    int last_id;
};

static guint hash_uuid(gconstpointer key)
{
    guint words[UUID_BYTES / sizeof(guint)];

    memcpy(words, key, sizeof(words));
    return words[0] * 31 + words[1] * 37 + words[2] * 41 + words[3];
}

static gboolean equal_uuid(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, UUID_BYTES) == 0;
}

struct registry *registry_new(const struct object_kind *kind)
{
    struct registry *registry = g_new0(struct registry, 1);

    registry->kind = kind;
    g_mutex_init(&registry->lock);
    registry->objects = g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
    registry->by_name =
        g_hash_table_new_full(g_str_hash, g_str_equal, (GDestroyNotify)g_ref_string_release, NULL);
    registry->by_uuid = g_hash_table_new(hash_uuid, equal_uuid);
    registry->by_id = g_hash_table_new(NULL, NULL);
    registry->reserved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return registry;
}

static void snapshot_unref(struct snapshot *snapshot)
{
    if (!snapshot || !g_atomic_int_dec_and_test(&snapshot->references))
        return;
    for (unsigned i = 0; i < snapshot->count; i++)
        object_unref(snapshot->objects[i]);
    g_free(snapshot);
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    snapshot_unref(registry->snapshot);
    g_hash_table_unref(registry->reserved);
    g_hash_table_unref(registry->by_id);
    g_hash_table_unref(registry->by_uuid);
    g_hash_table_unref(registry->by_name);
    g_ptr_array_unref(registry->objects);
    g_mutex_clear(&registry->lock);
    g_free(registry);
}

const struct object_kind *registry_kind(const struct registry *registry)
{
    return registry->kind;
}

/* With the lock held. Returns what has to be released without it. */
static struct snapshot *forget_snapshot(struct registry *registry)
{
    return g_steal_pointer(&registry->snapshot);
}

static struct snapshot *get_snapshot(struct registry *registry)
{
    struct snapshot *snapshot;

    g_mutex_lock(&registry->lock);
    snapshot = registry->snapshot;
    if (!snapshot) {
        unsigned count = registry->objects->len;

        snapshot = g_malloc(sizeof(*snapshot) + count * sizeof(struct object *));
        snapshot->references = 1;
        snapshot->count = count;
        for (unsigned i = 0; i < count; i++)
            snapshot->objects[i] = object_ref(g_ptr_array_index(registry->objects, i));
        registry->snapshot = snapshot;
    }
    g_atomic_int_inc(&snapshot->references);
    g_mutex_unlock(&registry->lock);
    return snapshot;
}

/* ---- finding ---- */

/* Objects that published nothing yet are for those who make them only. */
static bool is_shown(struct object *object)
{
    bool shown;

    g_mutex_lock(&object->lock);
    shown = object->current.live || object->current.config;
    g_mutex_unlock(&object->lock);
    return shown;
}

static struct object *get(struct registry *registry, GHashTable *table, gconstpointer key)
{
    struct object *object;

    g_mutex_lock(&registry->lock);
    object = g_hash_table_lookup(table, key);
    if (object)
        object = is_shown(object) ? object_ref(object) : NULL;
    g_mutex_unlock(&registry->lock);
    return object;
}

struct object *registry_get_by_name(struct registry *registry, const char *name, GError **error)
{
    struct object *object = get(registry, registry->by_name, name);

    if (!object)
        error_set(error, registry->kind->missing, "no %s with matching name '%s'",
                  registry->kind->name, name);
    return object;
}

static void set_uuid_missing(const struct registry *registry, const char *name, const uint8_t *uuid,
                             GError **error)
{
    char text[UUID_TEXT];

    uuid_format(uuid, text);
    if (name)
        error_set(error, registry->kind->missing, "no %s with matching uuid '%s' (%s)",
                  registry->kind->name, text, name);
    else
        error_set(error, registry->kind->missing, "no %s with matching uuid '%s'",
                  registry->kind->name, text);
}

struct object *registry_get(struct registry *registry, const char *name, const uint8_t *uuid,
                            GError **error)
{
    struct object *object;

    if (!registry->kind->uuid_offset)
        return registry_get_by_name(registry, name, error);
    object = get(registry, registry->by_uuid, uuid);
    if (!object)
        set_uuid_missing(registry, name, uuid, error);
    return object;
}

struct object *registry_get_by_uuid(struct registry *registry, const uint8_t uuid[16],
                                    GError **error)
{
    struct object *object = get(registry, registry->by_uuid, uuid);

    if (!object)
        set_uuid_missing(registry, NULL, uuid, error);
    return object;
}

struct object *registry_get_by_id(struct registry *registry, int id, GError **error)
{
    struct object *object = get(registry, registry->by_id, GINT_TO_POINTER(id));

    if (!object)
        error_set(error, registry->kind->missing, "no %s with matching id %d", registry->kind->name,
                  id);
    return object;
}

/* ---- adding ---- */

static void set_clash(const struct object *object, const char *name, const char *how,
                      GError **error)
{
    char uuid[UUID_TEXT];

    if (!object->kind->uuid_offset) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "%s '%s' already exists", object->kind->name,
                  name);
        return;
    }
    uuid_format(object_uuid(object), uuid);
    error_set(error, VIR_ERR_OPERATION_FAILED, "%s '%s' %s with uuid %s", object->kind->name, name,
              how, uuid);
}

static int check_flags(struct object *object, unsigned flags, GError **error)
{
    g_autofree char *name = object_get_name(object);

    if ((flags & REGISTRY_NEW) && is_shown(object)) {
        set_clash(object, name, "already exists", error);
        return -1;
    }
    if ((flags & REGISTRY_INACTIVE) && object_is_active(object)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s is already active as '%s'",
                  object->kind->name, name);
        return -1;
    }
    return 0;
}

/* What is there for a definition's name and uuid; *ret_object NULL when both are free. */
static int find_twin(struct registry *registry, const char *name, const uint8_t *uuid,
                     struct object **ret_object, GError **error)
{
    struct object *named = g_hash_table_lookup(registry->by_name, name);
    struct object *same = uuid ? g_hash_table_lookup(registry->by_uuid, uuid) : named;

    if (same && same != named) {
        g_autofree char *other = object_get_name(same);

        set_clash(same, other, "is already defined", error);
        return -1;
    }
    if (named && named != same) {
        set_clash(named, name, "already exists", error);
        return -1;
    }
    if (!same && g_hash_table_contains(registry->reserved, name)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "another %s is being renamed to '%s'",
                  registry->kind->name, name);
        return -1;
    }
    *ret_object = same;
    return 0;
}

static void insert(struct registry *registry, struct object *object)
{
    object->sequence = ++registry->sequence;
    g_ptr_array_add(registry->objects, object_ref(object));
    g_hash_table_insert(registry->by_name, g_ref_string_acquire(object->current.name), object);
    if (registry->kind->uuid_offset)
        g_hash_table_insert(registry->by_uuid, object->current.uuid, object);
}

/* With the lock held; *ret_old is to be released without it. */
static int add(struct registry *registry, const struct definition *definition, unsigned flags,
               struct object **ret_object, struct snapshot **ret_old, GError **error)
{
    const char *name = object_kind_name(registry->kind, definition);
    const uint8_t *uuid = object_kind_uuid(registry->kind, definition);
    struct object *object;

    if (find_twin(registry, name, uuid, &object, error) < 0)
        return -1;
    if (object) {
        if (check_flags(object, flags, error) < 0)
            return -1;
        *ret_object = object_ref(object);
        return 0;
    }
    *ret_object = object_new(registry->kind, definition);
    insert(registry, *ret_object);
    *ret_old = forget_snapshot(registry);
    return 0;
}

int registry_add(struct registry *registry, const struct definition *definition, unsigned flags,
                 struct object **ret_object, GError **error)
{
    struct snapshot *old = NULL;
    int result;

    g_mutex_lock(&registry->lock);
    result = add(registry, definition, flags, ret_object, &old, error);
    g_mutex_unlock(&registry->lock);
    snapshot_unref(old);
    return result;
}

static bool is_registered(struct registry *registry, const struct object *object)
{
    bool registered;

    g_mutex_lock(&registry->lock);
    registered = object->sequence != 0;
    g_mutex_unlock(&registry->lock);
    return registered;
}

/* *ret_job is NULL when the object was removed before its turn came. */
static int begin_on(struct registry *registry, struct object *object, unsigned flags,
                    const char *job_name, unsigned deadline_ms, struct job **ret_job,
                    GError **error)
{
    g_autoptr(GError) failure = NULL;
    JOB_AUTO struct job *job = NULL;

    if (job_begin(object, JOB_MODIFY, job_name, deadline_ms, &job, &failure) < 0) {
        *ret_job = NULL;
        if (!is_registered(registry, object))
            return 0;
        g_propagate_error(error, g_steal_pointer(&failure));
        return -1;
    }
    if (check_flags(object, flags, error) < 0)
        return -1;
    *ret_job = g_steal_pointer(&job);
    return 0;
}

int registry_begin(struct registry *registry, const struct definition *definition, unsigned flags,
                   const char *job_name, unsigned deadline_ms, struct job **ret_job, GError **error)
{
    int64_t end = g_get_monotonic_time() + deadline_ms * G_TIME_SPAN_MILLISECOND;
    struct job *job = NULL;

    while (!job) {
        OBJECT_AUTO struct object *object = NULL;
        int64_t left = (end - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;

        if (registry_add(registry, definition, flags, &object, error) < 0)
            return -1;
        if (begin_on(registry, object, flags, job_name, (unsigned)MAX(left, 0), &job, error) < 0)
            return -1;
    }
    *ret_job = job;
    return 0;
}

/* ---- removing ---- */

/* Objects are sorted by sequence. With the lock held. */
static unsigned position_of(const struct registry *registry, const struct object *object)
{
    unsigned low = 0, high = registry->objects->len;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const struct object *other = g_ptr_array_index(registry->objects, middle);

        if (other->sequence < object->sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void forget_id(struct registry *registry, struct object *object)
{
    if (object->registered_id != -1)
        g_hash_table_remove(registry->by_id, GINT_TO_POINTER(object->registered_id));
    object->registered_id = -1;
}

void registry_remove(struct registry *registry, struct job *job)
{
    struct object *object = job_object(job);
    struct snapshot *old = NULL;

    g_mutex_lock(&registry->lock);
    if (object->sequence) {
        old = forget_snapshot(registry);
        forget_id(registry, object);
        g_hash_table_remove(registry->by_name, object->current.name);
        g_hash_table_remove(registry->by_uuid, object->current.uuid);
        g_ptr_array_remove_index(registry->objects, position_of(registry, object));
        object->sequence = 0;
    }
    g_mutex_unlock(&registry->lock);
    job_queue_close(&object->jobs);
    snapshot_unref(old);
}

bool registry_remove_unused(struct registry *registry, struct job *job)
{
    if (is_shown(job_object(job)))
        return false;
    registry_remove(registry, job);
    return true;
}

/* ---- id and name ---- */

int registry_next_id(struct registry *registry)
{
    int id;

    g_mutex_lock(&registry->lock);
    do {
        registry->last_id = registry->last_id == G_MAXINT ? 1 : registry->last_id + 1;
        id = registry->last_id;
    } while (g_hash_table_contains(registry->by_id, GINT_TO_POINTER(id)));
    g_mutex_unlock(&registry->lock);
    return id;
}

/* With the lock held. */
static int set_id(struct registry *registry, struct object *object, int id, GError **error)
{
    struct object *other = g_hash_table_lookup(registry->by_id, GINT_TO_POINTER(id));

    if (id != -1 && other && other != object) {
        g_autofree char *name = object_get_name(other);

        error_set(error, VIR_ERR_INTERNAL_ERROR, "id %d belongs to %s '%s'", id,
                  registry->kind->name, name);
        return -1;
    }
    forget_id(registry, object);
    if (id == -1 || !object->sequence)
        return 0;
    g_hash_table_insert(registry->by_id, GINT_TO_POINTER(id), object);
    object->registered_id = id;
    registry->last_id = MAX(registry->last_id, id);
    return 0;
}

int registry_set_id(struct registry *registry, struct job *job, int id, GError **error)
{
    int result;

    g_mutex_lock(&registry->lock);
    result = set_id(registry, job_object(job), id, error);
    g_mutex_unlock(&registry->lock);
    return result;
}

int registry_rename_begin(struct registry *registry, struct job *job, const char *new_name,
                          GError **error)
{
    const struct object *other;
    int result = -1;

    g_mutex_lock(&registry->lock);
    other = g_hash_table_lookup(registry->by_name, new_name);
    if (other)
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s with name '%s' already exists",
                  other->kind->name, new_name);
    else if (!g_hash_table_add(registry->reserved, g_strdup(new_name)))
        error_set(error, VIR_ERR_OPERATION_FAILED, "another %s is being renamed to '%s'",
                  registry->kind->name, new_name);
    else
        result = 0;
    g_mutex_unlock(&registry->lock);
    return result;
}

void registry_rename_end(struct registry *registry, struct job *job, const char *new_name,
                         struct definition *config)
{
    struct object *object = job_object(job);

    g_mutex_lock(&registry->lock);
    g_hash_table_remove(registry->reserved, new_name);
    if (config) {
        g_hash_table_remove(registry->by_name, object->current.name);
        object_publish_rename(job, new_name, config);
        g_hash_table_insert(registry->by_name, g_ref_string_acquire(object->current.name), object);
    }
    g_mutex_unlock(&registry->lock);
}

/* ---- listing ---- */

static bool is_wanted(struct object *object, registry_filter filter, void *data)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (!filter)
        return is_shown(object);
    object_get_view(object, &view);
    return (view.live || view.config) && filter(object, &view, data);
}

GPtrArray *registry_list(struct registry *registry, registry_filter filter, void *data)
{
    struct snapshot *snapshot = get_snapshot(registry);
    GPtrArray *list =
        g_ptr_array_new_full(filter ? 0 : snapshot->count, (GDestroyNotify)object_unref);

    for (unsigned i = 0; i < snapshot->count; i++)
        if (is_wanted(snapshot->objects[i], filter, data))
            g_ptr_array_add(list, object_ref(snapshot->objects[i]));
    snapshot_unref(snapshot);
    return list;
}

unsigned registry_count(struct registry *registry, registry_filter filter, void *data)
{
    struct snapshot *snapshot = get_snapshot(registry);
    unsigned count = 0;

    for (unsigned i = 0; i < snapshot->count; i++)
        count += is_wanted(snapshot->objects[i], filter, data);
    snapshot_unref(snapshot);
    return count;
}

bool registry_filter_active(struct object *object, const struct object_view *view, void *data)
{
    return view->live != NULL;
}

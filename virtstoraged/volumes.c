/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volumes.h"

#include <string.h>

#include "base/error.h"
#include "base/fd.h"

#include "guard.h"

#define TURN_MS 120000

struct volumes *volumes_new(const struct storage_pool *pool, const char *path, int folder)
{
    struct volumes *volumes = g_new0(struct volumes, 1);

    volumes->references = 1;
    volumes->on = (struct storage_pool *)definition_ref((struct definition *)pool);
    volumes->pool = volumes->on->name;
    volumes->path = g_strdup(path);
    volumes->folder = folder;
    g_mutex_init(&volumes->lock);
    g_cond_init(&volumes->turn_ended);
    volumes->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    volumes->by_key = g_hash_table_new(g_str_hash, g_str_equal);
    volumes->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    return volumes;
}

struct volumes *volumes_ref(struct volumes *volumes)
{
    g_atomic_int_inc(&volumes->references);
    return volumes;
}

void volumes_unref(struct volumes *volumes)
{
    if (!volumes || !g_atomic_int_dec_and_test(&volumes->references))
        return;
    g_hash_table_unref(volumes->by_name);
    g_hash_table_unref(volumes->by_key);
    g_hash_table_unref(volumes->by_path);
    guard_free(volumes->guard);
    if (volumes->link)
        volumes->link_free(volumes->link);
    fd_clear(&volumes->folder);
    g_mutex_clear(&volumes->lock);
    g_cond_clear(&volumes->turn_ended);
    g_free(volumes->path);
    definition_unref(&volumes->on->definition);
    g_free(volumes);
}

int volume_refuse(enum error_code code, const char *name, const char *what, GError **error)
{
    error_set(error, code, "volume '%s': %s", name, what);
    return -1;
}

struct volume *volume_ref(struct volume *volume)
{
    g_atomic_int_inc(&volume->references);
    return volume;
}

void volume_unref(struct volume *volume)
{
    if (!volume || !g_atomic_int_dec_and_test(&volume->references))
        return;
    definition_unref((struct definition *)volume->definition);
    if (volume->path != volume->key)
        g_free(volume->path);
    g_free(volume->key);
    g_free(volume->name);
    volumes_unref(volume->volumes);
    g_free(volume);
}

/* ---- the tables; the lock is held ---- */

static struct volume *add(struct volumes *volumes, const struct storage_volume *definition)
{
    struct volume *volume = g_new0(struct volume, 1);
    const char *path = definition->target.path;

    volume->references = 1;
    volume->volumes = volumes_ref(volumes);
    volume->name = g_strdup(definition->name);
    volume->key = g_strdup(definition->key);
    volume->path = g_strcmp0(path, volume->key) == 0 ? volume->key : g_strdup(path);
    g_hash_table_insert(volumes->by_name, volume->name, volume);
    g_hash_table_insert(volumes->by_key, volume->key, volume);
    if (volume->path && volume->path != volume->key)
        g_hash_table_insert(volumes->by_path, volume->path, volume);
    return volume;
}

/* A key may have gone over to another volume meanwhile. */
static void remove_from(GHashTable *table, const char *key, const struct volume *volume)
{
    if (key && g_hash_table_lookup(table, key) == volume)
        g_hash_table_remove(table, key);
}

static void drop(struct volume *volume)
{
    struct volumes *volumes = volume->volumes;

    if (g_hash_table_lookup(volumes->by_name, volume->name) != volume)
        return;
    remove_from(volumes->by_name, volume->name, volume);
    remove_from(volumes->by_key, volume->key, volume);
    remove_from(volumes->by_path, volume->path, volume);
    volume_unref(volume);
}

/* Its bytes are what a guest writes, or will. */
static bool is_raw(const struct storage_volume *definition)
{
    bool is_image =
        definition->type == STORAGE_VOLUME_FILE || definition->type == STORAGE_VOLUME_NETWORK;

    return is_image && definition->target.format == IMAGE_FORMAT_RAW &&
           !definition->target.encryption;
}

/* In exactly the memory that it needs: there are thousands. Takes definition. */
static struct storage_volume *compact(struct storage_volume *definition)
{
    struct definition *copy = definition_copy(&definition->definition);

    definition_unref(&definition->definition);
    return (struct storage_volume *)copy;
}

/* definition: a compact one. */
static void set(struct volume *volume, struct storage_volume *definition,
                const struct volume_signature *signature)
{
    volume->raw = is_raw(definition);
    definition_unref((struct definition *)volume->definition);
    volume->definition = definition;
    if (signature)
        volume->signature = *signature;
    volume->generation = volume->volumes->generation;
}

static bool has_names(const struct volume *volume, const struct storage_volume *definition)
{
    return strcmp(volume->key, definition->key) == 0 &&
           g_strcmp0(volume->path, definition->target.path) == 0;
}

static bool at_work(const struct volume *volume)
{
    return volume->users || volume->exclusive;
}

/* ---- finding ---- */

static struct volume *get(struct volumes *volumes, GHashTable *table, const char *key)
{
    g_mutex_lock(&volumes->lock);
    struct volume *volume = g_hash_table_lookup(table, key);
    if (volume)
        volume_ref(volume);
    g_mutex_unlock(&volumes->lock);
    return volume;
}

struct volume *volumes_get_by_name(struct volumes *volumes, const char *name)
{
    return get(volumes, volumes->by_name, name);
}

struct volume *volumes_get_by_key(struct volumes *volumes, const char *key)
{
    return get(volumes, volumes->by_key, key);
}

struct volume *volumes_get_by_path(struct volumes *volumes, const char *path)
{
    struct volume *volume = get(volumes, volumes->by_path, path);

    if (volume)
        return volume;
    volume = volumes_get_by_key(volumes, path);
    if (volume && volume->path == volume->key)
        return volume;
    volume_unref(volume);
    return NULL;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    const struct volume *first = *(struct volume *const *)a, *second = *(struct volume *const *)b;

    return strcmp(first->name, second->name);
}

static void unref_volume(gpointer volume)
{
    volume_unref(volume);
}

GPtrArray *volumes_list(struct volumes *volumes)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(unref_volume);
    GHashTableIter iter;
    gpointer volume;

    g_mutex_lock(&volumes->lock);
    g_hash_table_iter_init(&iter, volumes->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &volume))
        g_ptr_array_add(list, volume_ref(volume));
    g_mutex_unlock(&volumes->lock);
    g_ptr_array_sort(list, compare_names);
    return list;
}

unsigned volumes_count(struct volumes *volumes)
{
    g_mutex_lock(&volumes->lock);
    unsigned count = g_hash_table_size(volumes->by_name);
    g_mutex_unlock(&volumes->lock);
    return count;
}

struct storage_volume *volume_get_definition(struct volume *volume)
{
    g_mutex_lock(&volume->volumes->lock);
    struct definition *definition = definition_ref(&volume->definition->definition);
    g_mutex_unlock(&volume->volumes->lock);
    return (struct storage_volume *)definition;
}

bool volume_is_raw(struct volume *volume)
{
    g_mutex_lock(&volume->volumes->lock);
    bool raw = volume->raw;
    g_mutex_unlock(&volume->volumes->lock);
    return raw;
}

bool volume_is_building(struct volume *volume)
{
    g_mutex_lock(&volume->volumes->lock);
    bool building = volume->building;
    g_mutex_unlock(&volume->volumes->lock);
    return building;
}

/* ---- refreshing ---- */

void volumes_begin_refresh(struct volumes *volumes)
{
    g_mutex_lock(&volumes->lock);
    volumes->generation++;
    g_mutex_unlock(&volumes->lock);
}

static bool same(const struct volume_signature *a, const struct volume_signature *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->blocks == b->blocks && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

bool volumes_see(struct volumes *volumes, const char *name,
                 const struct volume_signature *signature, bool *ret_raw)
{
    bool result = false;

    *ret_raw = false;
    g_mutex_lock(&volumes->lock);
    struct volume *volume = g_hash_table_lookup(volumes->by_name, name);
    if (volume) {
        volume->generation = volumes->generation;
        result = same(&volume->signature, signature);
        /* another file of the same name is another matter */
        *ret_raw = volume->raw && volume->signature.device == signature->device &&
                   volume->signature.inode == signature->inode;
    }
    g_mutex_unlock(&volumes->lock);
    return result;
}

void volumes_found(struct volumes *volumes, struct storage_volume *definition,
                   const struct volume_signature *signature)
{
    definition = compact(definition);
    g_mutex_lock(&volumes->lock);
    struct volume *volume = g_hash_table_lookup(volumes->by_name, definition->name);
    /* another one of that name */
    if (volume && !at_work(volume) && !has_names(volume, definition)) {
        drop(volume);
        volume = NULL;
    }
    if (!volume)
        volume = add(volumes, definition);
    if (volume->building)
        definition_unref(&definition->definition);
    else
        set(volume, definition, signature);
    g_mutex_unlock(&volumes->lock);
}

void volumes_end_refresh(struct volumes *volumes)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_mutex_lock(&volumes->lock);
    g_hash_table_iter_init(&iter, volumes->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct volume *volume = value;

        if (volume->generation != volumes->generation && !at_work(volume))
            g_ptr_array_add(gone, value);
    }
    for (guint i = 0; i < gone->len; i++)
        drop(gone->pdata[i]);
    g_mutex_unlock(&volumes->lock);
}

/* ---- work ---- */

static int check_open(const struct volumes *volumes, GError **error)
{
    if (!volumes->closed)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", volumes->pool);
    return -1;
}

static int begin_building(struct volumes *volumes, const struct storage_volume *definition,
                          struct volume **ret_volume, GError **error)
{
    if (check_open(volumes, error) < 0)
        return -1;
    if (g_hash_table_contains(volumes->by_name, definition->name)) {
        error_set(error, VIR_ERR_STORAGE_VOL_EXIST, "storage volume '%s' exists already",
                  definition->name);
        return -1;
    }
    struct volume *volume = add(volumes, definition);
    set(volume, (struct storage_volume *)definition_copy(&definition->definition), NULL);
    volume->building = volume->exclusive = true;
    volumes->busy++;
    *ret_volume = volume_ref(volume);
    return 0;
}

int volumes_begin_building(struct volumes *volumes, const struct storage_volume *definition,
                           struct volume **ret_volume, GError **error)
{
    g_mutex_lock(&volumes->lock);
    int result = begin_building(volumes, definition, ret_volume, error);
    g_mutex_unlock(&volumes->lock);
    return result;
}

void volume_end_building(struct volume *volume, struct storage_volume *definition,
                         const struct volume_signature *signature)
{
    struct volumes *volumes = volume->volumes;

    if (definition)
        definition = compact(definition);
    g_mutex_lock(&volumes->lock);
    volume->building = volume->exclusive = false;
    volumes->busy--;
    if (!definition || !has_names(volume, definition))
        drop(volume);
    if (definition && !has_names(volume, definition))
        volume = add(volumes, definition);
    if (definition)
        set(volume, definition, signature);
    g_mutex_unlock(&volumes->lock);
}

static int begin_use(struct volume *volume, bool exclusive, GError **error)
{
    struct volumes *volumes = volume->volumes;

    if (check_open(volumes, error) < 0)
        return -1;
    if (volume->building) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "volume '%s' is still being allocated.",
                  volume->name);
        return -1;
    }
    if (volume->exclusive || (exclusive && volume->users)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "volume '%s' is still in use.", volume->name);
        return -1;
    }
    if (g_hash_table_lookup(volumes->by_name, volume->name) != volume) {
        error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'",
                  volume->name);
        return -1;
    }
    volumes->busy += !volume->users;
    volume->exclusive = exclusive;
    volume->users++;
    return 0;
}

int volume_begin_use(struct volume *volume, bool exclusive, GError **error)
{
    g_mutex_lock(&volume->volumes->lock);
    int result = begin_use(volume, exclusive, error);
    g_mutex_unlock(&volume->volumes->lock);
    return result;
}

void volume_end_use(struct volume *volume)
{
    g_mutex_lock(&volume->volumes->lock);
    volume->exclusive = false;
    volume->users--;
    volume->volumes->busy -= !volume->users;
    g_mutex_unlock(&volume->volumes->lock);
}

void volume_forget(struct volume *volume)
{
    g_mutex_lock(&volume->volumes->lock);
    drop(volume);
    g_mutex_unlock(&volume->volumes->lock);
}

void volume_forget_raw(struct volume *volume)
{
    g_mutex_lock(&volume->volumes->lock);
    volume->raw = false;
    volume->signature = (struct volume_signature){0};
    g_mutex_unlock(&volume->volumes->lock);
}

int volumes_close(struct volumes *volumes, GError **error)
{
    int result = 0;

    g_mutex_lock(&volumes->lock);
    if (volumes->busy) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "pool '%s' has asynchronous jobs running.",
                  volumes->pool);
        result = -1;
    } else {
        volumes->closed = true;
    }
    g_mutex_unlock(&volumes->lock);
    return result;
}

int volumes_begin_turn(struct volumes *volumes, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + TURN_MS * G_TIME_SPAN_MILLISECOND;
    bool waits = true;

    g_mutex_lock(&volumes->lock);
    while (volumes->in_turn && waits)
        waits = g_cond_wait_until(&volumes->turn_ended, &volumes->lock, deadline);
    bool mine = !volumes->in_turn;
    volumes->in_turn = true;
    g_mutex_unlock(&volumes->lock);
    if (mine)
        return 0;
    error_set(error, VIR_ERR_OPERATION_TIMEOUT,
              "storage pool '%s' is being changed by another call for long", volumes->pool);
    return -1;
}

void volumes_end_turn(struct volumes *volumes)
{
    g_mutex_lock(&volumes->lock);
    volumes->in_turn = false;
    g_cond_signal(&volumes->turn_ended);
    g_mutex_unlock(&volumes->lock);
}

void volumes_clear(struct volumes *volumes)
{
    g_autoptr(GPtrArray) all = volumes_list(volumes);

    for (guint i = 0; i < all->len; i++)
        volume_forget(all->pdata[i]);
}

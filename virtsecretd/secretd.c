/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "secretd.h"

#include <string.h>

#include "base/error.h"

struct secretd *secretd;

static struct secret_object *secret_object_of(struct object *object)
{
    return (struct secret_object *)object;
}

void secret_object_clear(struct object *object)
{
    secret_object_set_value(object, NULL);
}

struct value *secret_object_get_value(struct object *object)
{
    struct secret_object *secret = secret_object_of(object);

    g_mutex_lock(&secret->lock);
    struct value *value = secret->value ? value_ref(secret->value) : NULL;
    g_mutex_unlock(&secret->lock);
    return value;
}

void secret_object_set_value(struct object *object, struct value *value)
{
    struct secret_object *secret = secret_object_of(object);

    g_mutex_lock(&secret->lock);
    struct value *old = g_steal_pointer(&secret->value);
    secret->value = value;
    g_mutex_unlock(&secret->lock);
    value_unref(old);
}

char *secret_value_path(struct object *object)
{
    g_autofree char *name = object_get_name(object);

    return g_strdup_printf("%s/%s.base64", secretd->folder, name);
}

struct usage {
    int type;
    const char *id;
};

static bool has_usage(struct object *object, const struct object_view *view, void *data)
{
    const struct secret *secret = secret_of_view(view);
    const struct usage *usage = data;

    return secret->usage && secret->usage->type == usage->type &&
           strcmp(secret->usage->id, usage->id) == 0;
}

struct object *secret_get_by_usage(int type, const char *id, GError **error)
{
    struct usage usage = {type, id};
    g_autoptr(GPtrArray) found = registry_list(secretd->secrets, has_usage, &usage);

    if (found->len)
        return object_ref(found->pdata[0]);
    error_set(error, VIR_ERR_NO_SECRET, "no secret with matching usage '%s'", id);
    return NULL;
}

int secret_fill_handle(struct object *object, struct arena *arena,
                       struct remote_nonnull_secret *ret_handle, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    const struct secret *secret = secret_of_view(&view);
    if (!secret) {
        object_set_missing(object, error);
        return -1;
    }
    memcpy(ret_handle->uuid, secret->uuid, sizeof(ret_handle->uuid));
    ret_handle->usageType = (int)secret_usage_type(secret);
    ret_handle->usageID = arena_strdup(arena, secret_usage_id(secret));
    return 0;
}

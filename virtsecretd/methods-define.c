/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "methods.h"
#include "secretd.h"

static const uint8_t no_uuid[UUID_BYTES];

static int read_document(const char *text, bool validate, struct secret **ret_secret,
                         GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    unsigned flags = XML_READ_INACTIVE | (validate ? XML_READ_VALIDATE : 0);
    DEFINITION_AUTO struct secret *secret =
        (struct secret *)xml_read(&secret_schema, text, -1, flags, warnings, error);

    if (!secret)
        return -1;
    if (memcmp(secret->uuid, no_uuid, sizeof(no_uuid)) == 0 && uuid_generate(secret->uuid) < 0) {
        error_set_errno(error, errno, "cannot make up a uuid");
        return -1;
    }
    secret_set_uuid(secret, secret->uuid);
    for (guint i = 0; i < warnings->len; i++)
        log_warn("secret '%s': %s", secret->name, (const char *)warnings->pdata[i]);
    *ret_secret = g_steal_pointer(&secret);
    return 0;
}

/* ---- what can't be ---- */

static int check_change(const struct secret *old, const struct secret *secret, GError **error)
{
    if (strcmp(secret_usage_id(old), secret_usage_id(secret)) != 0) {
        error_set(error, VIR_ERR_INTERNAL_ERROR,
                  "a secret with UUID %s is already defined for use with %s", old->name,
                  secret_usage_id(old));
        return -1;
    }
    /* who can't read it could make it readable */
    if (old->private && !secret->private) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot change private flag on existing secret");
        return -1;
    }
    return 0;
}

static int check_usage(struct object *self, const struct secret *secret, GError **error)
{
    OBJECT_AUTO struct object *other = NULL;

    if (secret->usage)
        other = secret_get_by_usage(secret->usage->type, secret->usage->id, NULL);
    if (!other || other == self)
        return 0;
    g_autofree char *name = object_get_name(other);
    error_set(error, VIR_ERR_INTERNAL_ERROR,
              "a secret with UUID %s already defined for use with %s", name, secret->usage->id);
    return -1;
}

static int check(struct object *object, const struct secret *old, const struct secret *secret,
                 GError **error)
{
    if (old && check_change(old, secret, error) < 0)
        return -1;
    return check_usage(object, secret, error);
}

/* ---- files ---- */

/* A value without a document belongs to nobody, and must not become the next one's: it goes first.
 */
static int remove_files(struct job *job, GError **error)
{
    g_autofree char *path = secret_value_path(job_object(job));

    if (file_remove(path, error) < 0)
        return -1;
    return store_remove(secretd->store, job, error);
}

/* What was in memory alone comes to the disk with its document, or not at all. */
static int save_files(struct job *job, const struct secret *old, const struct secret *secret,
                      GError **error)
{
    g_autofree char *path = secret_value_path(job_object(job));
    VALUE_AUTO struct value *value = secret_object_get_value(job_object(job));
    bool fresh = !old || old->ephemeral;

    if (fresh && file_remove(path, error) < 0)
        return -1;
    if (store_save(secretd->store, job, &secret->definition, error) < 0)
        return -1;
    if (!fresh || !value || value_save(value, path, error) == 0)
        return 0;
    store_remove(secretd->store, job, NULL);
    return -1;
}

static int apply(struct job *job, const struct secret *old, const struct secret *secret,
                 GError **error)
{
    if (!secret->ephemeral)
        return save_files(job, old, secret, error);
    return old && !old->ephemeral ? remove_files(job, error) : 0;
}

/* ---- methods ---- */

static int define(struct job *job, const struct secret *secret, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&secretd->definition);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(job_object(job), &view);
    const struct secret *old = secret_of_view(&view);
    if (check(job_object(job), old, secret, error) < 0 || apply(job, old, secret, error) < 0) {
        registry_remove_unused(secretd->secrets, job);
        return -1;
    }
    object_publish_config(job, definition_pack(&secret->definition));
    return 0;
}

int secret_define_xml(struct call *call, const struct remote_secret_define_xml_args *args,
                      struct remote_secret_define_xml_ret *ret, GError **error)
{
    DEFINITION_AUTO struct secret *secret = NULL;
    JOB_AUTO struct job *job = NULL;

    if (read_document(args->xml, args->flags & VIR_SECRET_DEFINE_VALIDATE, &secret, error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_SECRET, &secret->definition, 0, &job, error) < 0 ||
        define(job, secret, error) < 0)
        return -1;
    event_raise_lifecycle(job, VIR_SECRET_EVENT_DEFINED);
    return secret_fill_handle(job_object(job), &call->arena, &ret->secret, error);
}

int secret_undefine(struct call *call, const struct remote_secret_undefine_args *args, void *ret,
                    GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0 ||
        (!secret_of_view(&view)->ephemeral && remove_files(call->job, error) < 0))
        return -1;
    event_raise_lifecycle(call->job, VIR_SECRET_EVENT_UNDEFINED);
    object_publish_config(call->job, NULL);
    registry_remove_unused(secretd->secrets, call->job);
    secret_object_set_value(call->object, NULL);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, secret_define_xml),
     .finds = true,
     .flags = VIR_SECRET_DEFINE_VALIDATE},
    {.binding = HANDLER(remote, secret_undefine), .job = true},
};

const struct driver_methods define_methods = DRIVER_METHODS(rows);

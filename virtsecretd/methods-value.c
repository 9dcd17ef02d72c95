/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "base/uuid.h"
#include "driver/client.h"
#include "driver/generic.h"
#include "protocol/modvirt-handlers.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "secretd.h"

static int check_value(struct call *call, const void *data, GError **error)
{
    const struct remote_secret_set_value_args *args = data;

    if (args->value_len)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "value in virSecretSetValue must not be NULL");
    return -1;
}

int secret_set_value(struct call *call, const struct remote_secret_set_value_args *args, void *ret,
                     GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    VALUE_AUTO struct value *value = value_new(args->value_val, args->value_len);
    g_autofree char *path = secret_value_path(call->object);

    if (call_get_view(call, &view, error) < 0 ||
        (!secret_of_view(&view)->ephemeral && value_save(value, path, error) < 0))
        return -1;
    secret_object_set_value(call->object, g_steal_pointer(&value));
    event_raise_value_changed(call->job);
    return 0;
}

static int copy_value(struct call *call, char **ret_bytes, uint32_t *ret_length, GError **error)
{
    VALUE_AUTO struct value *value = secret_object_get_value(call->object);
    size_t length;

    if (!value) {
        g_autofree char *name = object_get_name(call->object);
        error_set(error, VIR_ERR_NO_SECRET, "secret '%s' does not have a value", name);
        return -1;
    }
    const uint8_t *bytes = value_bytes(value, &length);
    *ret_bytes = arena_memdup(&call->arena, bytes, length);
    *ret_length = (uint32_t)length;
    return 0;
}

int secret_get_value(struct call *call, const struct remote_secret_get_value_args *args,
                     struct remote_secret_get_value_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    if (secret_of_view(&view)->private) {
        error_set(error, VIR_ERR_INVALID_SECRET, "secret is private");
        return -1;
    }
    return copy_value(call, &ret->value_val, &ret->value_len, error);
}

/* ---- for this host's daemons ---- */

/* Our own user's, by a link of their own: forwarders do not know the program. */
static int check_caller(struct call *call, GError **error)
{
    const struct transport_peer *peer = connection_peer(call->client->connection);

    if (peer->local && peer->uid == geteuid() && !call->client->readonly_socket)
        return 0;
    error_set(error, VIR_ERR_ACCESS_DENIED, "values for use are for daemons of this host alone");
    return -1;
}

/* A secret may be for anything; and NONE is for callers that do not mind. */
static int check_type(const struct secret *secret, int type, GError **error)
{
    if (type == SECRET_USAGE_NONE || !secret->usage || secret->usage->type == type)
        return 0;
    const char *want = names_word(&secret_usage_names, (unsigned)type);
    error_set(error, VIR_ERR_INVALID_ARG,
              "secret with uuid %s is of type '%s' not expected '%s' type", secret->name,
              names_word(&secret_usage_names, secret->usage->type), want ? want : "?");
    return -1;
}

int modvirt_secret_use_value(struct call *call, const struct modvirt_secret_use_value_args *args,
                             struct modvirt_secret_use_value_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (check_caller(call, error) < 0)
        return -1;
    struct object *object = args->usageID
                                ? secret_get_by_usage(args->usageType, args->usageID, error)
                                : registry_get_by_uuid(secretd->secrets, args->uuid, error);
    if (call_found(call, object, error) < 0 || call_get_view(call, &view, error) < 0 ||
        check_type(secret_of_view(&view), args->usageType, error) < 0)
        return -1;
    return copy_value(call, &ret->value_val, &ret->value_len, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, secret_set_value), .check = check_value, .job = true, .wipe = true},
    {.binding = HANDLER(remote, secret_get_value), .thread = METHOD_INLINE, .wipe = true},
    {.binding = HANDLER(modvirt, modvirt_secret_use_value), .thread = METHOD_INLINE, .wipe = true},
};

const struct driver_methods value_methods = DRIVER_METHODS(rows);

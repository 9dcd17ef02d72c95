/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <string.h>

#include "driver/client.h"
#include "driver/events.h"
#include "protocol/qemu-handlers.h"

#include "guest.h"
#include "json.h"
#include "methods.h"
#include "qmp-commands.h"
#include "taint.h"

/*
 * The monitor itself, for those who know what they do.
 */
#define COMMAND_DEPTH 64
#define COMMAND_MEMORY (64 * 1024 * 1024)

/* {"return": ...}, as QEMU would have answered. */
static char *reply_text(struct call *call, struct json_object *result)
{
    struct json_object *reply JSON_AUTO = json_build("j:return", result, NULL);

    return arena_strdup(&call->arena,
                        json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
}

/* {"error": {"class": ..., "desc": ...}}: what QEMU refuses is an answer here, not a failure. */
static char *error_text(struct call *call, const char *class, const char *message)
{
    const char *detail = strstr(message, "': ");
    struct json_object *reply JSON_AUTO = json_build(
        "j:error",
        json_build("s:class", class, "s:desc", detail ? detail + strlen("': ") : message, NULL),
        NULL);

    return arena_strdup(&call->arena,
                        json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
}

/* QEMU's class of an error that it answered with; NULL: it did not answer. See qmp.h. */
static const char *class_of(const GError *error)
{
    static const struct {
        enum error_code code;
        const char *class;
    } classes[] = {
        {VIR_ERR_INTERNAL_ERROR, "GenericError"},
        {VIR_ERR_OPERATION_UNSUPPORTED, "CommandNotFound"},
        {VIR_ERR_DEVICE_MISSING, "DeviceNotFound"},
        {VIR_ERR_OPERATION_INVALID, "DeviceNotActive"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        if (error_is(error, classes[i].code))
            return classes[i].class;
    return NULL;
}

static int run_json(struct call *call, struct qmp *qmp, const char *text, char **ret_result,
                    GError **error)
{
    struct json_object *command JSON_AUTO = NULL;
    struct json_object *result = NULL;
    g_autoptr(GError) failure = NULL;

    if (json_read(text, strlen(text), COMMAND_DEPTH, COMMAND_MEMORY, &command, error) < 0)
        return -1;
    const char *name = json_string_member(command, "execute");
    if (!name) {
        error_set(error, VIR_ERR_INVALID_ARG, "the command has no \"execute\"");
        return -1;
    }
    struct json_object *arguments = json_object_member(command, "arguments");
    if (qmp_execute(qmp, name, json_object_get(arguments), 0, &result, &failure) == 0) {
        *ret_result = reply_text(call, result);
        return 0;
    }
    const char *class = class_of(failure);
    if (!class) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return -1;
    }
    *ret_result = error_text(call, class, failure->message);
    return 0;
}

static int run_human(struct call *call, struct qmp *qmp, const char *line, char **ret_result,
                     GError **error)
{
    g_autofree char *text = NULL;

    if (qmp_human(qmp, line, 0, &text, error) < 0)
        return -1;
    *ret_result = arena_strdup(&call->arena, text);
    return 0;
}

int qemu_domain_monitor_command(struct call *call,
                                const struct qemu_domain_monitor_command_args *args,
                                struct qemu_domain_monitor_command_ret *ret, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest_of(call->object), error);

    if (!qmp)
        return -1;
    taint_note(guest_of(call->object), TAINT_MONITOR);
    int result = args->flags & VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
                     ? run_human(call, qmp, args->cmd, &ret->result, error)
                     : run_json(call, qmp, args->cmd, &ret->result, error);
    qmp_unref(qmp);
    return result;
}

int qemu_connect_domain_monitor_event_register(
    struct call *call, const struct qemu_connect_domain_monitor_event_register_args *args,
    struct qemu_connect_domain_monitor_event_register_ret *ret, GError **error)
{
    OBJECT_AUTO struct object *object = NULL;

    if (args->dom) {
        object = registry_get(qemu_of_call(call)->domains, args->dom->name, args->dom->uuid, error);
        if (!object)
            return -1;
    }
    return events_register(call, EVENT_QEMU_MONITOR, 0, false, object, args->event, args->flags,
                           &ret->callbackID, error);
}

int qemu_connect_domain_monitor_event_deregister(
    struct call *call, const struct qemu_connect_domain_monitor_event_deregister_args *args,
    void *ret, GError **error)
{
    return event_deregister(call->client->driver->bus, call->client, EVENT_QEMU_MONITOR,
                            args->callbackID, error);
}

#define REGISTER_FLAGS                                                                             \
    (VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX |                                        \
     VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE)

static const struct method rows[] = {
    {.binding = HANDLER(qemu, qemu_domain_monitor_command),
     .flags = VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP,
     .job = true,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(qemu, qemu_connect_domain_monitor_event_register),
     .flags = REGISTER_FLAGS,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(qemu, qemu_connect_domain_monitor_event_deregister),
     .thread = METHOD_INLINE},
};

const struct driver_methods monitor_methods = DRIVER_METHODS(rows);

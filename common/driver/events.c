/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/events.h"

#include "base/log.h"
#include "driver/client.h"
#include "driver/hearing.h"
#include "object/access.h"
#include "protocol/remote-handlers.h"
#include "wire/codec.h"

/* Where the messages of a family are: the program, and its table of ids. */
static const struct {
    const struct protocol_program *program;
    const struct protocol_events *events;
} families[EVENT_FAMILIES] = {
    [EVENT_DOMAIN] = {&remote_program, &protocol_domain_events},
    [EVENT_NETWORK] = {&remote_program, &protocol_network_events},
    [EVENT_STORAGE_POOL] = {&remote_program, &protocol_storage_pool_events},
    [EVENT_NODE_DEVICE] = {&remote_program, &protocol_node_device_events},
    [EVENT_SECRET] = {&remote_program, &protocol_secret_events},
    [EVENT_QEMU_MONITOR] = {&qemu_program, &protocol_monitor_events},
};

struct event *events_new(struct driver *driver, enum event_family family, int id,
                         struct object *object, const char *monitor_event, const void *message)
{
    const struct protocol_event *row = protocol_event_find(families[family].events, id);
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    if (!row || !event_is_wanted(driver->bus, family, id))
        return NULL;
    const struct protocol_method *method =
        protocol_method_find(families[family].program, row->modern);
    bytes = g_byte_array_new();
    if (codec_encode(method->msg, message, bytes, &error) < 0) {
        log_error("%s can't be sent: %s", method->name, error->message);
        return NULL;
    }
    uint8_t *body = g_byte_array_steal(bytes, &length);
    return event_new(driver->bus, family, id, object, monitor_event, body, length);
}

void events_raise(struct driver *driver, struct job *job, enum event_family family, int id,
                  struct object *object, const void *message)
{
    struct event *event = events_new(driver, family, id, object, NULL, message);

    if (!event)
        return;
    if (job)
        event_queue(job, event);
    else
        event_post(event);
}

/* An old message is the last member of the new one. Its begin in what follows the callbackID: some
 * have numbers in between. */
static size_t legacy_begin(const struct protocol_program *program, const struct protocol_event *row)
{
    const struct codec_type *message = protocol_method_find(program, row->modern)->msg;
    size_t begin = 0;

    for (unsigned i = 1; i + 1 < message->n_members; i++)
        begin += message->members[i].type->wire_min;
    return begin;
}

static void send_event(const struct event_registration *registration, const struct event *event)
{
    struct client *client = registration->data;
    const struct protocol_event *row =
        protocol_event_find(families[event->family].events, event->id);
    const struct protocol_program *program = families[event->family].program;
    /* serial 1 is what the incumbent sends; clients ignore it */
    struct frame_header header = {
        .program = program->number,
        .version = program->version,
        .procedure = (int32_t)(registration->legacy ? row->legacy : row->modern),
        .type = FRAME_MESSAGE,
        .serial = 1,
        .status = FRAME_OK,
    };
    size_t length;
    g_autofree uint8_t *body = event_get_body(event, registration, &length);
    size_t begin = registration->legacy ? legacy_begin(program, row) : 0;

    connection_send(client->connection, message_new_with(&header, body + begin, length - begin));
}

/* The facts list no filter of their own for events: whoever may see the object may hear of it. */
static bool may_hear(struct identity *identity, const struct event *event)
{
    const struct access_subject subject = {.object = event->object};

    return access_allows(identity, event->object->kind->access, ACCESS_PERM_GETATTR, &subject);
}

static void send_if_allowed(const struct event_registration *registration,
                            const struct event *event)
{
    struct client *client = registration->data;
    struct identity *identity = client_get_identity(client);

    if (may_hear(identity, event))
        send_event(registration, event);
    identity_unref(identity);
}

/* What has to be asked, which may block, is asked when the client's turn comes on a worker. */
static bool may_hear_now(const struct event_registration *registration, const struct event *event)
{
    struct client *client = registration->data;
    struct identity *identity = client_get_identity(client);
    bool allowed = access_asks(identity) || may_hear(identity, event);

    identity_unref(identity);
    return allowed;
}

static void tell_event(const struct event_registration *registration, const struct event *event)
{
    struct client *client = registration->data;
    struct identity *identity = client_get_identity(client);

    if (access_asks(identity))
        hearing_add(client, registration, event, send_if_allowed);
    else
        send_event(registration, event);
    identity_unref(identity);
}

/* The number that travels to after the reply: a family and a callback id. */
#define ACTIVATION(family, callback_id) ((int64_t)(family) << 32 | (uint32_t)(callback_id))

static void activate(struct client *client, int64_t activation)
{
    event_activate(client->driver->bus, client, (enum event_family)(activation >> 32),
                   (int)(uint32_t)activation);
}

static void activate_legacy_domain(struct client *client, int64_t id)
{
    event_activate_legacy(client->driver->bus, client, EVENT_DOMAIN, (int)id);
}

int events_register(struct call *call, enum event_family family, int id, bool legacy,
                    struct object *object, const char *monitor_event, unsigned monitor_flags,
                    int *ret_callback_id, GError **error)
{
    const struct protocol_event *row = protocol_event_find(families[family].events, id);
    struct event_request request = {
        .owner = call->client,
        .family = family,
        .id = id,
        .legacy = legacy,
        .object = object,
        .monitor_event = monitor_event,
        .monitor_flags = monitor_flags,
        .sink = tell_event,
        .allowed = may_hear_now,
        .data = client_ref(call->client),
        .release = (GDestroyNotify)client_unref,
    };
    int callback_id;

    if (!row || (legacy && !row->legacy)) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported event ID %d", id);
        client_unref(request.data);
        return -1;
    }
    if (event_register(call->client->driver->bus, &request, &callback_id, error) < 0) {
        client_unref(request.data);
        return -1;
    }
    if (legacy)
        call_after_reply(call, activate_legacy_domain, id);
    else
        call_after_reply(call, activate, ACTIVATION(family, callback_id));
    if (ret_callback_id)
        *ret_callback_id = callback_id;
    return 0;
}

/* ---- the legacy style: lifecycle alone, without and with an id ---- */

int connect_domain_event_register(struct call *call, const void *args,
                                  struct remote_connect_domain_event_register_ret *ret,
                                  GError **error)
{
    ret->cb_registered = 0;
    return events_register(call, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_LIFECYCLE, true, NULL, NULL, 0,
                           NULL, error);
}

int connect_domain_event_deregister(struct call *call, const void *args,
                                    struct remote_connect_domain_event_deregister_ret *ret,
                                    GError **error)
{
    return event_deregister_legacy(call->client->driver->bus, call->client, EVENT_DOMAIN,
                                   VIR_DOMAIN_EVENT_ID_LIFECYCLE, error);
}

int connect_domain_event_register_any(
    struct call *call, const struct remote_connect_domain_event_register_any_args *args, void *ret,
    GError **error)
{
    return events_register(call, EVENT_DOMAIN, args->eventID, true, NULL, NULL, 0, NULL, error);
}

int connect_domain_event_deregister_any(
    struct call *call, const struct remote_connect_domain_event_deregister_any_args *args,
    void *ret, GError **error)
{
    return event_deregister_legacy(call->client->driver->bus, call->client, EVENT_DOMAIN,
                                   args->eventID, error);
}

/* ---- the modern style ---- */

int connect_domain_event_callback_register_any(
    struct call *call, const struct remote_connect_domain_event_callback_register_any_args *args,
    struct remote_connect_domain_event_callback_register_any_ret *ret, GError **error)
{
    OBJECT_AUTO struct object *object = NULL;

    if (args->dom) {
        object = registry_get(call->client->driver->registries[PROTOCOL_OBJECT_DOMAIN],
                              args->dom->name, args->dom->uuid, error);
        if (!object)
            return -1;
    }
    return events_register(call, EVENT_DOMAIN, args->eventID, false, object, NULL, 0,
                           &ret->callbackID, error);
}

int connect_domain_event_callback_deregister_any(
    struct call *call, const struct remote_connect_domain_event_callback_deregister_any_args *args,
    void *ret, GError **error)
{
    return event_deregister(call->client->driver->bus, call->client, EVENT_DOMAIN, args->callbackID,
                            error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_domain_event_register), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_domain_event_deregister), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_domain_event_register_any), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_domain_event_deregister_any), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_domain_event_callback_register_any),
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_domain_event_callback_deregister_any),
     .thread = METHOD_INLINE},
};

const struct driver_methods events_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/call.h"

#include <unistd.h>

#include "base/gate.h"
#include "base/log.h"
#include "base/uuid.h"
#include "driver/client.h"
#include "driver/secondary.h"
#include "object/access.h"
#include "protocol/remote.h"
#include "wire/codec.h"

/* The handles of domains, networks, pools and filters all begin like this on the wire's structs;
 * those of secrets begin with the uuid. */
struct named_handle {
    char *name;
    uint8_t uuid[16];
};

/* Whether a rule is about what everybody who has opened the connection may know of it. */
static bool is_of_opening(const struct access_rule *rule)
{
    return rule->object == ACCESS_OBJECT_CONNECT && rule->permission == ACCESS_PERM_GETATTR;
}

static bool opens(const struct protocol_method *facts)
{
    return facts == protocol_method_find(&remote_program, REMOTE_PROC_CONNECT_OPEN);
}

/* Questions may block, and are none for the loop. */
static bool must_ask(struct client *client, const struct method *method,
                     const struct protocol_method *facts)
{
    struct identity *identity;
    bool asks;

    if (!access_asks(NULL))
        return false;
    if (method->checks_access)
        return true;
    identity = client_get_identity(client);
    asks = access_asks(identity);
    identity_unref(identity);
    if (!asks || facts->n_filter || opens(facts))
        return asks;
    for (unsigned i = 0; i < facts->n_access; i++)
        if (!is_of_opening(&facts->access[i]))
            return true;
    return false;
}

static struct client *client_of(struct request *request)
{
    return request->client;
}

enum dispatch_lane call_lane(struct request *request)
{
    struct client *client = client_ref(client_of(request)); /* until call_serve() has ended */
    const struct method *method = driver_find_method(client->driver, request->method);

    /* what is not bound is refused without a worker */
    if (!method)
        return DISPATCH_INLINE;
    if (method->thread == METHOD_INLINE)
        return must_ask(client, method, request->method) ? DISPATCH_WORKER : DISPATCH_INLINE;
    return method->thread == METHOD_PATIENT ? DISPATCH_PATIENT : DISPATCH_WORKER;
}

int call_take_fd(struct call *call, unsigned index)
{
    return frame_take_fd(call->request->frame, index);
}

void call_reply_fd(struct call *call, int fd)
{
    g_assert(call->reply_fd_count < FRAME_FDS_MAX);
    call->reply_fds[call->reply_fd_count++] = fd;
}

struct stream *call_stream(struct call *call)
{
    return call->request->stream;
}

void call_after_reply(struct call *call, void (*function)(struct client *client, int64_t number),
                      int64_t number)
{
    call->after_reply = function;
    call->after_reply_number = number;
}

int call_get_view(struct call *call, struct object_view *ret_view, GError **error)
{
    object_get_view(call->object, ret_view);
    if (ret_view->live || ret_view->config)
        return 0;
    object_view_clear(ret_view);
    object_set_missing(call->object, error);
    return -1;
}

bool call_may_list_subject(struct call *call, const struct access_subject *subject)
{
    const struct protocol_method *facts = call->request->method;
    struct identity *identity = client_get_identity(call->client);
    bool allowed = true;

    for (unsigned i = 0; i < facts->n_filter && allowed; i++)
        allowed =
            access_allows(identity, facts->filter[i].object, facts->filter[i].permission, subject);
    identity_unref(identity);
    return allowed;
}

bool call_may_list(struct call *call, struct object *object)
{
    return call_may_list_subject(call, &(struct access_subject){.object = object});
}

static int check_open(struct call *call, GError **error)
{
    if ((call->method && call->method->unopened) || client_is_open(call->client))
        return 0;
    error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR, "hypervisor connection not open");
    return -1;
}

/* Before anything is looked up, so that a weak identity learns nothing and changes nothing. */
static int check_readonly(struct call *call, const void *args, GError **error)
{
    const struct protocol_method *facts = call->request->method;
    struct identity *identity = client_get_identity(call->client);
    bool exempt = call->method && call->method->checks_access;
    bool refused =
        identity_values(identity)->readonly && !exempt && !protocol_method_is_read(facts, args);

    identity_unref(identity);
    if (refused)
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_OPERATION_DENIED,
                       "read only access prevents %s", protocol_method_word(facts));
    return refused ? -1 : 0;
}

static int check_bound(struct call *call, GError **error)
{
    if (call->method)
        return 0;
    error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_NO_SUPPORT, "%s",
                   protocol_method_word(call->request->method));
    return -1;
}

static int check_flags(struct call *call, const void *args, GError **error)
{
    const struct protocol_method *facts = call->request->method;

    call->flags = protocol_method_flags(facts, args);
    return protocol_method_check_flags(facts, args, call->method->flags, error);
}

static int resolve(struct call *call, const void *args, GError **error)
{
    const struct protocol_method *facts = call->request->method;
    struct registry *registry = call->client->driver->registries[facts->object];
    const void *handle = protocol_method_object(facts, args);
    const struct named_handle *named = handle;
    const struct remote_nonnull_secret *secret = handle;

    if (!registry || !handle)
        return 0;
    call->object = facts->object == PROTOCOL_OBJECT_SECRET
                       ? registry_get_by_uuid(registry, secret->uuid, error)
                       : registry_get(registry, named->name, named->uuid, error);
    return call->object ? 0 : -1;
}

/* The rules about the connection, or all others. */
static int ask(struct call *call, bool connection, const struct access_subject *subject,
               GError **error)
{
    const struct protocol_method *facts = call->request->method;
    struct identity *identity = client_get_identity(call->client);
    int result = 0;

    for (unsigned i = 0; i < facts->n_access && result == 0; i++) {
        const struct access_rule *rule = &facts->access[i];

        if ((rule->object == ACCESS_OBJECT_CONNECT) != connection ||
            (is_of_opening(rule) && !opens(facts)) || !access_rule_applies(rule, call->args))
            continue;
        result = access_check(identity, rule->object, rule->permission, subject,
                              protocol_method_word(facts), error);
    }
    identity_unref(identity);
    return result;
}

int call_check_subject(struct call *call, const struct access_subject *subject, GError **error)
{
    if (ask(call, false, subject, error) < 0)
        return -1;
    call->asked = true;
    return 0;
}

/* Snapshots, checkpoints and ports are no objects of their own: their handles name whose they are.
 */
static int check_part(struct call *call, enum protocol_object kind,
                      const struct named_handle *whole, const uint8_t *uuid, GError **error)
{
    struct registry *registry = call->client->driver->registries[kind];
    char text[UUID_TEXT];
    OBJECT_AUTO struct object *object =
        registry ? registry_get(registry, whole->name, whole->uuid, error) : NULL;

    if (registry && !object)
        return -1;
    struct access_subject subject = {.object = object,
                                     .part = uuid ? uuid_format(uuid, text) : NULL};
    return call_check_subject(call, &subject, error);
}

static int check_handle(struct call *call, GError **error)
{
    const struct protocol_method *facts = call->request->method;
    const void *handle = protocol_method_object(facts, call->args);
    const struct remote_nonnull_network_port *port = handle;
    const struct remote_nonnull_domain_snapshot *snapshot = handle; /* so are checkpoints */

    if (facts->object == PROTOCOL_OBJECT_NETWORK_PORT)
        return check_part(call, PROTOCOL_OBJECT_NETWORK, (const struct named_handle *)&port->net,
                          (const uint8_t *)port->uuid, error);
    if (facts->object == PROTOCOL_OBJECT_DOMAIN_SNAPSHOT ||
        facts->object == PROTOCOL_OBJECT_DOMAIN_CHECKPOINT)
        return check_part(call, PROTOCOL_OBJECT_DOMAIN, (const struct named_handle *)&snapshot->dom,
                          NULL, error);
    return call_check_subject(call, &(struct access_subject){.object = call->object}, error);
}

static int check_access(struct call *call, GError **error)
{
    if (call->method->checks_access)
        return 0;
    if (ask(call, true, NULL, error) < 0)
        return -1;
    return call->method->finds ? 0 : check_handle(call, error);
}

/* A row that says that its handler asks, and a handler that does not: no reply tells anything. */
static int check_asked(struct call *call, GError **error)
{
    if (!call->method->finds || call->asked)
        return 0;
    error_set_from(error, VIR_FROM_ACCESS, VIR_ERR_INTERNAL_ERROR, "%s did not ask for access",
                   protocol_method_word(call->request->method));
    return -1;
}

static int check_state(struct call *call, GError **error)
{
    const char *kind = call->object ? call->object->kind->name : NULL;

    switch (call->method->state) {
    case METHOD_ANY_STATE:
        return 0;
    case METHOD_ACTIVE:
        if (object_is_active(call->object))
            return 0;
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s is not running", kind);
        return -1;
    case METHOD_INACTIVE:
        if (!object_is_active(call->object))
            return 0;
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s is already running", kind);
        return -1;
    case METHOD_PERSISTENT:
        if (object_is_persistent(call->object))
            return 0;
        error_set(error, VIR_ERR_OPERATION_INVALID, "%s is transient: it has no definition on disk",
                  kind);
        return -1;
    }
    return 0;
}

static int enter_gate(struct call *call, GError **error)
{
    const struct driver_spec *spec = call->client->driver->spec;
    struct gate *gate =
        spec->gate && call->method->thread == METHOD_WORKER ? spec->gate(call) : NULL;

    if (!gate || gate_enter(gate, call->request->workers, error) == 0) {
        call->gate = gate;
        return 0;
    }
    gate_unref(gate);
    return -1;
}

static void leave_gate(struct call *call)
{
    if (call->gate)
        gate_leave(call->gate);
    gate_unref(call->gate);
}

static int check_args(struct call *call, const void *args, GError **error)
{
    return call->method->check ? call->method->check(call, args, error) : 0;
}

static int begin_job(struct call *call, GError **error)
{
    if (!call->method->job)
        return 0;
    return job_begin(call->object, call->method->lane, protocol_method_word(call->request->method),
                     JOB_DEADLINE_MS, &call->job, error);
}

/* Everything between the decoded arguments and the reply. */
static int run(struct call *call, const void *args, void *ret, GError **error)
{
    if (check_open(call, error) < 0 || check_readonly(call, args, error) < 0 ||
        check_bound(call, error) < 0 || check_flags(call, args, error) < 0 ||
        resolve(call, args, error) < 0 || check_access(call, error) < 0 ||
        check_args(call, args, error) < 0 || enter_gate(call, error) < 0 ||
        begin_job(call, error) < 0 || check_state(call, error) < 0)
        return -1;
    if (call->method->binding.handler(call, args, ret, error) < 0)
        return -1;
    return check_asked(call, error);
}

static void *call_alloc(struct call *call, const struct codec_type *type)
{
    return type ? arena_alloc(&call->arena, type->size) : NULL;
}

static int decode(struct call *call, GError **error)
{
    const struct codec_type *type = call->request->method->args;
    const struct frame *frame = call->request->frame;
    void *args = call_alloc(call, type);

    call->args = args;
    return codec_decode(type, frame->payload, frame->payload_size, &call->arena, args, error);
}

static int execute(struct call *call, void **ret_reply, GError **error)
{
    *ret_reply = call_alloc(call, call->request->method->ret);
    if (decode(call, error) < 0)
        return -1;
    int result = run(call, call->args, *ret_reply, error);
    /* events leave here, before the reply: both orders are allowed, and this one needs no queue */
    job_end(call->job);
    return result;
}

static void close_reply_fds(struct call *call)
{
    for (unsigned i = 0; i < call->reply_fd_count; i++)
        close(call->reply_fds[i]);
}

/* Ends the request; the call's memory is in use until then. */
static void answer(struct call *call, int result, const void *reply, const GError *error)
{
    if (result < 0) {
        log_debug("%s: %s", protocol_method_word(call->request->method), error->message);
        close_reply_fds(call);
        request_fail(call->request, error);
        return;
    }
    request_reply(call->request, reply, call->reply_fds, call->reply_fd_count);
    if (call->after_reply)
        call->after_reply(call->client, call->after_reply_number);
}

static void serve_here(struct client *client, struct request *request)
{
    struct call call = {
        .client = client,
        .request = request,
        .method = driver_find_method(client->driver, request->method),
    };
    g_autoptr(GError) error = NULL;
    void *reply;

    int result = execute(&call, &reply, &error);
    answer(&call, result, reply, error);
    leave_gate(&call);
    object_unref(call.object);
    if (call.method && call.method->wipe)
        arena_wipe(&call.arena);
    else
        arena_clear(&call.arena);
}

/* What a read-only client may not do is refused here, whether the other daemon is there or not; its
 * other rules are the other daemon's to ask. */
static void pass_on(struct client *client, struct request *request)
{
    struct call call = {.client = client, .request = request};
    g_autoptr(GError) error = NULL;

    if (decode(&call, &error) < 0 || check_open(&call, &error) < 0 ||
        check_readonly(&call, call.args, &error) < 0)
        request_fail(request, error);
    else
        secondary_serve(client, request);
    arena_clear(&call.arena);
}

void call_serve(struct request *request)
{
    struct client *client = client_of(request);

    if (secondary_owns(client, request))
        pass_on(client, request);
    else
        serve_here(client, request);
    client_unref(client);
}

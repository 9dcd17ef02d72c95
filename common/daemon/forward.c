/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/forward.h"

#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/autostart.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/reach.h"
#include "protocol/protocol.h"
#include "wire/codec.h"
#include "wire/connection.h"
#include "wire/error-message.h"
#include "wire/message.h"
#include "wire/stream.h"
#include "wire/upstream.h"

/* How long a full backlog may hold up the loop: a daemon that accepts takes microseconds. */
#define CONNECT_MILLISECONDS 1
/* Opening a driver reads memory alone: one that is not there by then hangs. */
#define OPEN_MILLISECONDS 10000
/* Sent and not yet taken by the other daemon, above which a stream's client is held back. */
#define STREAM_QUEUE_BYTES (1024 * 1024)
#define HOLE_SIZE 12 /* hyper length, u32 flags */

struct forward {
    unsigned references; /* the owner's, the link's or the start's, and one for each stream */
    struct daemon *daemon;
    struct connection *client;
    char *name, *path; /* of the other daemon, its socket */
    const struct forward_handlers *handlers;
    void *data;

    struct upstream *upstream; /* NULL: gone, or not there yet */
    bool starting;             /* ... because the other daemon is being started */
    struct loop_timer *timer;  /* while it is being opened */
    struct message *open;      /* what is to be sent once we are authenticated */
    struct message *identity;  /* ... and once it is open; NULL: nothing */
    struct request *opener;    /* who waits for that; NULL: nobody */
    struct frame *opened;      /* the reply to it */
    bool ready;
    bool freed;     /* no more handlers */
    GQueue waiting; /* requests that came before */

    GHashTable *bridges; /* by serial: struct bridge, each alive until its stream is released */
    unsigned holders;    /* bridges whose client takes no more: we read nothing */
};

/* A stream: the client's end of it, and the call that opened it at the other daemon. */
struct bridge {
    struct forward *forward;
    struct stream *stream; /* borrowed: it lives until release */
    struct frame_header call;
    bool holding; /* the client takes no more */
    bool stalled; /* the other daemon takes no more */
};

static void forward_unref(struct forward *forward)
{
    if (--forward->references)
        return;
    connection_unref(forward->client);
    message_free(forward->open);
    message_free(forward->identity);
    frame_free(forward->opened);
    g_hash_table_unref(forward->bridges);
    g_free(forward->name);
    g_free(forward->path);
    g_free(forward);
}

/* ---- errors ---- */

static GError *error_lost(const struct forward *forward)
{
    GError *error = NULL;

    error_set_from(&error, VIR_FROM_RPC, VIR_ERR_RPC, REACH_LOST, forward->name, forward->path);
    return error;
}

static GError *error_silent(const struct forward *forward)
{
    GError *error = NULL;

    error_set_from(&error, VIR_FROM_RPC, VIR_ERR_OPERATION_TIMEOUT, REACH_SILENT, forward->name,
                   forward->path, OPEN_MILLISECONDS / 1000, forward->name);
    return error;
}

/* ---- streams ---- */

/* True when the other daemon takes more; else the bridge is told when it does. */
static bool may_send_up(struct bridge *bridge)
{
    struct upstream *upstream = bridge->forward->upstream;

    if (!upstream)
        return true; /* it goes nowhere */
    if (upstream_queued_bytes(upstream) < STREAM_QUEUE_BYTES)
        return true;
    bridge->stalled = true;
    upstream_notify_drained(upstream);
    return false;
}

static size_t bridge_receive(struct stream *stream, const uint8_t *bytes, size_t size, void *data)
{
    struct bridge *bridge = data;

    if (!may_send_up(bridge))
        return 0;
    if (bridge->forward->upstream)
        upstream_stream_send(bridge->forward->upstream, &bridge->call, bytes, size);
    return size;
}

static bool bridge_hole(struct stream *stream, uint64_t length, void *data)
{
    struct bridge *bridge = data;

    if (!may_send_up(bridge))
        return false;
    if (bridge->forward->upstream)
        upstream_stream_send_hole(bridge->forward->upstream, &bridge->call, length);
    return true;
}

/* Answered when the other daemon has answered. */
static void bridge_finish(struct stream *stream, void *data)
{
    struct bridge *bridge = data;

    if (bridge->forward->upstream)
        upstream_stream_send(bridge->forward->upstream, &bridge->call, NULL, 0);
}

static void bridge_abort(struct stream *stream, void *data)
{
    struct bridge *bridge = data;

    if (bridge->forward->upstream)
        upstream_stream_abort(bridge->forward->upstream, &bridge->call);
}

/* Whatever is to be read from the other daemon waits while a client of a stream takes no more. */
static void set_holding(struct bridge *bridge, bool holding)
{
    struct forward *forward = bridge->forward;
    bool was_held = forward->holders > 0;

    if (bridge->holding == holding)
        return;
    bridge->holding = holding;
    forward->holders += holding ? 1 : -1;
    if (forward->upstream && was_held != (forward->holders > 0))
        connection_hold(upstream_connection(forward->upstream), forward->holders > 0);
}

static void bridge_writable(struct stream *stream, void *data)
{
    set_holding(data, false);
}

static void bridge_release(void *data)
{
    struct bridge *bridge = data;

    set_holding(bridge, false);
    g_hash_table_remove(bridge->forward->bridges, &bridge->call.serial);
    forward_unref(bridge->forward);
    g_free(bridge);
}

static const struct stream_ops bridge_ops = {
    .receive = bridge_receive,
    .hole = bridge_hole,
    .finish = bridge_finish,
    .abort = bridge_abort,
    .writable = bridge_writable,
    .release = bridge_release,
};

static struct bridge *bridge_new(struct forward *forward, struct stream *stream)
{
    struct bridge *bridge = g_new0(struct bridge, 1);

    bridge->forward = forward;
    bridge->stream = stream;
    forward->references++;
    stream_open(stream, &bridge_ops, bridge);
    return bridge;
}

/* The other daemon knows the stream by this call. */
static void bridge_begin(struct bridge *bridge, const struct frame_header *call)
{
    bridge->call = *call;
    g_hash_table_insert(bridge->forward->bridges, &bridge->call.serial, bridge);
}

static void end_by_error(struct stream *stream, const struct frame *frame)
{
    g_autoptr(GError) error = error_message_decode(frame->payload, frame->payload_size);

    stream_fail(stream, error, VIR_FROM_STREAMS);
}

static void pass_down(struct bridge *bridge, const struct frame *frame)
{
    struct stream *stream = bridge->stream;

    if (frame->header.type == FRAME_STREAM_HOLE) {
        if (frame->payload_size == HOLE_SIZE &&
            !stream_send_hole(stream, (uint64_t)frame_read_u32(frame->payload) << 32 |
                                          frame_read_u32(frame->payload + 4)))
            set_holding(bridge, true);
    } else if (frame->header.status == FRAME_OK) {
        stream_reply_finish(stream);
    } else if (frame->header.status == FRAME_ERROR) {
        end_by_error(stream, frame);
    } else if (frame->payload_size == 0) {
        stream_send_eof(stream);
    } else if (!stream_send(stream, frame->payload, frame->payload_size)) {
        set_holding(bridge, true);
    }
}

/* ---- what comes from the other daemon ---- */

static void handle_event(struct upstream *upstream, struct frame *frame, void *data)
{
    struct forward *forward = data;

    connection_send(forward->client, message_from_frame(frame));
    frame_free(frame);
}

static void handle_stream(struct upstream *upstream, struct frame *frame, void *data)
{
    struct forward *forward = data;
    struct bridge *bridge = g_hash_table_lookup(forward->bridges, &frame->header.serial);

    if (bridge && frame_same_call(&bridge->call, &frame->header) && !stream_is_gone(bridge->stream))
        pass_down(bridge, frame);
    frame_free(frame);
}

static void handle_drained(struct upstream *upstream, void *data)
{
    struct forward *forward = data;
    GHashTableIter each;
    void *value;

    g_hash_table_iter_init(&each, forward->bridges);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        struct bridge *bridge = value;

        if (bridge->stalled)
            stream_resume(bridge->stream);
        bridge->stalled = false;
    }
}

static void fail_waiting(struct forward *forward, const GError *error)
{
    struct request *request;

    while ((request = g_queue_pop_head(&forward->waiting)))
        request_fail(request, error);
}

static void fail_streams(struct forward *forward, const GError *error)
{
    g_autoptr(GList) bridges = g_hash_table_get_values(forward->bridges);

    for (GList *each = bridges; each; each = each->next) {
        struct bridge *bridge = each->data;

        stream_fail(bridge->stream, error, VIR_FROM_RPC);
    }
}

static void stop_timer(struct forward *forward)
{
    loop_timer_remove(g_steal_pointer(&forward->timer));
}

static void handle_closed(struct upstream *upstream, const GError *reason, void *data)
{
    struct forward *forward = data;
    g_autoptr(GError) error = error_lost(forward);

    stop_timer(forward);
    fail_waiting(forward, error);
    fail_streams(forward, error);
    if (!forward->freed) {
        upstream_free(g_steal_pointer(&forward->upstream));
        forward->handlers->closed(forward, forward->data);
    }
    forward_unref(forward);
}

static const struct upstream_handlers upstream_handlers = {
    .event = handle_event,
    .stream = handle_stream,
    .drained = handle_drained,
    .closed = handle_closed,
};

/* ---- calls ---- */

struct forwarded {
    struct forward *forward;
    struct request *request;
};

static void pass_reply(struct upstream *upstream, struct frame *frame, void *data)
{
    g_autofree struct forwarded *call = data;

    if (frame) {
        request_relay(call->request, frame);
        frame_free(frame);
        return;
    }
    g_autoptr(GError) error = error_lost(call->forward);
    request_fail(call->request, error);
}

static void pass_on(struct forward *forward, struct request *request)
{
    struct frame_header header = request->frame->header;
    struct bridge *bridge = request->stream ? bridge_new(forward, request->stream) : NULL;
    struct forwarded *call = g_new(struct forwarded, 1);

    *call = (struct forwarded){forward, request};
    header.serial = upstream_call_async(forward->upstream, message_from_frame(request->frame),
                                        pass_reply, call);
    if (bridge)
        bridge_begin(bridge, &header);
}

void forward_request(struct forward *forward, struct request *request)
{
    request_hold(request);
    if (!forward->upstream && !forward->starting) {
        g_autoptr(GError) error = error_lost(forward);
        request_fail(request, error);
    } else if (forward->ready) {
        pass_on(forward, request);
    } else {
        g_queue_push_tail(&forward->waiting, request);
    }
}

/* ---- opening: authentication, CONNECT_OPEN, the identity; each when the last has succeeded ----
 */

static void opened(struct forward *forward, const GError *error)
{
    struct request *request;

    stop_timer(forward);
    if (error)
        fail_waiting(forward, error);
    forward->ready = !error;
    while (!error && (request = g_queue_pop_head(&forward->waiting)))
        pass_on(forward, request);
    if (!forward->freed)
        forward->handlers->opened(forward, error, forward->data);
}

static void open_failed(struct forward *forward, const GError *error)
{
    if (forward->opener)
        request_fail(g_steal_pointer(&forward->opener), error);
    opened(forward, error);
}

static void open_succeeded(struct forward *forward)
{
    if (forward->opener)
        request_relay(g_steal_pointer(&forward->opener), forward->opened);
    opened(forward, NULL);
}

/* True if the reply is one of success; else the opening has ended. */
static bool check_step(struct forward *forward, const struct frame *frame)
{
    if (frame && frame->header.status == FRAME_OK)
        return true;
    g_autoptr(GError) error =
        frame ? error_message_decode(frame->payload, frame->payload_size) : error_lost(forward);
    open_failed(forward, error);
    return false;
}

static void identity_told(struct upstream *upstream, struct frame *reply, void *data)
{
    FRAME_AUTO struct frame *frame = reply;

    if (check_step(data, frame))
        open_succeeded(data);
}

static void driver_opened(struct upstream *upstream, struct frame *reply, void *data)
{
    FRAME_AUTO struct frame *frame = reply;
    struct forward *forward = data;

    if (!check_step(forward, frame))
        return;
    forward->opened = g_steal_pointer(&frame);
    if (forward->identity)
        upstream_call_async(upstream, g_steal_pointer(&forward->identity), identity_told, forward);
    else
        open_succeeded(forward);
}

static void authenticated(struct upstream *upstream, struct frame *reply, void *data)
{
    FRAME_AUTO struct frame *frame = reply;
    struct arena arena ARENA_AUTO = {0};
    struct remote_auth_list_ret types = {0};
    struct forward *forward = data;
    g_autoptr(GError) error = NULL;

    if (!check_step(forward, frame))
        return;
    if (codec_decode(&remote_auth_list_ret_type, frame->payload, frame->payload_size, &arena,
                     &types, &error) == 0 &&
        types.types_len && types.types_val[0] != REMOTE_AUTH_NONE)
        error_set_from(&error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED,
                       "%s asks a daemon of this host to authenticate at '%s'", forward->name,
                       forward->path);
    if (error)
        open_failed(forward, error);
    else
        upstream_call_async(upstream, g_steal_pointer(&forward->open), driver_opened, forward);
}

static void open_timeout(struct loop_timer *timer, void *data)
{
    struct forward *forward = data;
    g_autoptr(GError) error = error_silent(forward);

    open_failed(forward, error);
}

static struct message *call_message(int procedure, const struct codec_type *type, const void *args)
{
    struct frame_header header = {
        .program = REMOTE_PROGRAM,
        .version = REMOTE_PROGRAM_VERSION,
        .procedure = procedure,
        .type = FRAME_CALL,
    };
    struct message *message = message_new(&header);

    /* what we say ourselves is within the limits */
    if (type)
        codec_encode(type, args, message->bytes, NULL);
    message_finish(message, NULL);
    return message;
}

static void ask_for_authentication(struct forward *forward)
{
    forward->timer =
        loop_add_timer(forward->daemon->loop, OPEN_MILLISECONDS, open_timeout, forward);
    upstream_call_async(forward->upstream, call_message(REMOTE_PROC_AUTH_LIST, NULL, NULL),
                        authenticated, forward);
}

static void begin_open(struct forward *forward, struct message *open)
{
    forward->open = open;
    if (!forward->starting)
        ask_for_authentication(forward);
}

void forward_open(struct forward *forward, struct request *request)
{
    request_hold(request);
    forward->opener = request;
    begin_open(forward, message_from_frame(request->frame));
}

void forward_open_uri(struct forward *forward, const char *uri, bool readonly)
{
    const struct remote_connect_open_args args = {
        .name = (char *)uri,
        .flags = readonly ? VIR_CONNECT_RO : 0,
    };

    begin_open(forward,
               call_message(REMOTE_PROC_CONNECT_OPEN, &remote_connect_open_args_type, &args));
}

/* ---- a session's daemon that does not run: a worker starts it ---- */

struct start {
    struct forward *forward; /* its name and path alone are the worker's to read */
    struct loop *loop;
    int fd; /* -1: it could not be started */
    GError *error;
};

static void take_started(struct start *start)
{
    struct forward *forward = start->forward;

    if (forward->freed) {
        if (start->fd >= 0)
            close(start->fd);
        start->error = start->error ? start->error : error_lost(forward);
    } else if (start->fd >= 0) {
        forward->upstream =
            upstream_new(start->loop, start->fd, &upstream_handlers, forward, &start->error);
    }
}

static void started(void *data)
{
    g_autofree struct start *start = data;
    struct forward *forward = start->forward;
    g_autoptr(GError) error = NULL;

    forward->starting = false;
    take_started(start);
    if (forward->upstream) {
        ask_for_authentication(forward);
        return;
    }
    error = g_steal_pointer(&start->error);
    g_prefix_error(&error, REACH_UNSTARTED ": ", forward->name);
    open_failed(forward, error);
    forward_unref(forward);
}

static void run_start(void *data)
{
    struct start *start = data;

    workers_begin_wait();
    start->fd = autostart_connect(start->forward->name, start->forward->path, &start->error);
    workers_end_wait();
    loop_post(start->loop, started, start);
}

static void begin_start(struct forward *forward)
{
    struct start *start = g_new0(struct start, 1);

    *start = (struct start){.forward = forward, .loop = forward->daemon->loop};
    forward->starting = true;
    workers_push(forward->daemon->patient, run_start, start, false);
}

/* ---- the whole ---- */

/* Whoever asks for a daemon that is not there gets to know what to do about it. */
static struct upstream *connect_to(struct forward *forward, GError **error)
{
    struct upstream *upstream =
        upstream_connect(forward->daemon->loop, forward->path, CONNECT_MILLISECONDS,
                         &upstream_handlers, forward, error);

    if (!upstream)
        g_prefix_error(error, REACH_ABSENT ": ", forward->name, forward->name);
    return upstream;
}

struct forward *forward_new(struct daemon *daemon, struct connection *client,
                            const struct forward_target *target,
                            const struct forward_handlers *handlers, void *data, GError **error)
{
    struct forward *forward = g_new0(struct forward, 1);

    forward->references = 2;
    forward->daemon = daemon;
    forward->client = connection_ref(client);
    forward->name = g_strdup(target->daemon);
    forward->path = g_strdup(target->path);
    forward->handlers = handlers;
    forward->data = data;
    forward->bridges = g_hash_table_new(g_int_hash, g_int_equal);
    if (target->identity)
        forward->identity = call_message(REMOTE_PROC_CONNECT_SET_IDENTITY,
                                         &remote_connect_set_identity_args_type, target->identity);
    if (daemon->session)
        begin_start(forward);
    else
        forward->upstream = connect_to(forward, error);
    if (forward->upstream || forward->starting)
        return forward;
    forward->references = 1;
    forward_unref(forward);
    return NULL;
}

void forward_free(struct forward *forward)
{
    if (!forward)
        return;
    forward->freed = true;
    upstream_free(g_steal_pointer(&forward->upstream));
    forward_unref(forward);
}

/* ---- identity ---- */

/* type is LLONG or ULLONG: both are the same eight bytes. */
static void add_number(struct remote_connect_set_identity_args *args, const char *field, int type,
                       uint64_t value)
{
    args->params_val[args->params_len++] = (struct remote_typed_param){
        .field = (char *)field,
        .value = {.type = type, .ul = value},
    };
}

static void add_text(struct remote_connect_set_identity_args *args, const char *field,
                     const char *value)
{
    if (value)
        args->params_val[args->params_len++] = (struct remote_typed_param){
            .field = (char *)field,
            .value = {.type = VIR_TYPED_PARAM_STRING, .s = (char *)value},
        };
}

void forward_identity_of(const struct transport_peer *peer, struct arena *arena,
                         struct remote_connect_set_identity_args *ret_args)
{
    enum { MOST = 7 };
    struct remote_connect_set_identity_args args = {
        .params_val = arena_array(arena, MOST, sizeof(struct remote_typed_param)),
    };

    if (peer->local) {
        add_number(&args, VIR_CONNECT_IDENTITY_UNIX_USER_ID, VIR_TYPED_PARAM_ULLONG, peer->uid);
        add_number(&args, VIR_CONNECT_IDENTITY_UNIX_GROUP_ID, VIR_TYPED_PARAM_ULLONG, peer->gid);
        add_number(&args, VIR_CONNECT_IDENTITY_PROCESS_ID, VIR_TYPED_PARAM_LLONG,
                   (uint64_t)peer->pid);
        if (peer->start_time)
            add_number(&args, VIR_CONNECT_IDENTITY_PROCESS_TIME, VIR_TYPED_PARAM_ULLONG,
                       peer->start_time);
    }
    add_text(&args, VIR_CONNECT_IDENTITY_SASL_USER_NAME, peer->sasl_user);
    add_text(&args, VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME, peer->x509_name);
    add_text(&args, VIR_CONNECT_IDENTITY_SELINUX_CONTEXT, peer->selinux);
    *ret_args = args;
}

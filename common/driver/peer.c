/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/peer.h"

#include <stdatomic.h>

#include "base/error.h"
#include "base/loop.h"
#include "daemon/autostart.h"
#include "daemon/daemon.h"
#include "daemon/reach.h"
#include "driver/owner.h"
#include "wire/error-message.h"
#include "wire/upstream.h"

/* Opening a driver reads memory alone: who needs ten seconds hangs. A call may start programs and
 * wait for them. */
static const struct peer_times usual_times = {.open = 10000, .call = 30000, .idle = 60000};

/* One connection: in the peer from the end of its opening until it has closed. */
struct peer_link {
    atomic_uint references; /* the peer's or opener's, each call's, and the loop's until closed */
    struct upstream *upstream;

    /* by the peer's lock */
    unsigned calls; /* in flight */
    int64_t used;   /* by g_get_monotonic_time(): the end of the last */
    int64_t heard;  /* same: the last reply */

    /* loop thread */
    struct peer *peer; /* NULL: freed */
    struct loop_timer *timer;
    bool closed;
};

struct peer {
    struct daemon *daemon;
    const struct owner *owner;
    const struct peer_handlers *handlers;
    void *data;
    char *uri, *path;
    struct peer_times times;

    GMutex lock; /* of all below */
    GCond changed;
    struct peer_link *link;
    struct peer_link *opening; /* the opener's own calls go by it */
    GThread *opener;           /* NULL: nobody opens one */
    bool ended;
    GError *failure; /* of the last who tried */
    unsigned failures;
};

static const struct peer_handlers no_handlers = {0};

/* Whoever has the last reference: the loop's goes when it has closed, so no callback is to come. */
static void link_unref(struct peer_link *link)
{
    if (atomic_fetch_sub(&link->references, 1) != 1)
        return;
    upstream_free(link->upstream);
    g_free(link);
}

/* ---- the loop's side ---- */

static void handle_event(struct upstream *upstream, struct frame *frame, void *data)
{
    struct peer_link *link = data;
    struct peer *peer = link->peer;

    if (peer && peer->handlers->event)
        peer->handlers->event(peer, frame, peer->data);
    frame_free(frame);
}

/* True if it was the one in use. */
static bool take_out(struct peer *peer, struct peer_link *link)
{
    bool found;

    g_mutex_lock(&peer->lock);
    found = peer->link == link;
    if (found)
        peer->link = NULL;
    g_cond_broadcast(&peer->changed);
    g_mutex_unlock(&peer->lock);
    return found;
}

static void handle_closed(struct upstream *upstream, const GError *reason, void *data)
{
    struct peer_link *link = data;
    struct peer *peer = link->peer;

    link->closed = true;
    loop_timer_remove(g_steal_pointer(&link->timer));
    if (peer && take_out(peer, link)) {
        link_unref(link);
        if (peer->handlers->lost)
            peer->handlers->lost(peer, peer->data);
    }
    link_unref(link);
}

static const struct upstream_handlers upstream_handlers = {
    .event = handle_event,
    .closed = handle_closed,
};

/* No call gets it between the look and the end. */
static void end_if_idle(struct loop_timer *timer, void *data)
{
    struct peer_link *link = data;
    struct peer *peer = link->peer;

    if (!peer || (peer->handlers->needed && peer->handlers->needed(peer, peer->data)))
        return;
    g_mutex_lock(&peer->lock);
    if (!link->calls && g_get_monotonic_time() - link->used >= peer->times.idle * INT64_C(1000))
        connection_close(upstream_connection(link->upstream), NULL);
    g_mutex_unlock(&peer->lock);
}

static void watch_idle(void *data)
{
    struct peer_link *link = data;
    struct peer *peer = link->peer;

    if (peer && !link->closed)
        link->timer =
            loop_add_periodic(peer->daemon->loop, MAX(peer->times.idle / 2, 1), end_if_idle, link);
    link_unref(link);
}

/* ---- calls ---- */

/* What the calling side found becomes what is said of a daemon that does not answer. */
static void explain(const struct peer *peer, const GError *reason, int milliseconds, GError **error)
{
    const char *daemon = peer->owner->daemon;

    if (error_is(reason, VIR_ERR_OPERATION_TIMEOUT))
        error_set(error, VIR_ERR_NO_CONNECT, REACH_SILENT, daemon, peer->path,
                  MAX(milliseconds / 1000, 1), daemon);
    else if (error_is(reason, VIR_ERR_RPC))
        error_set(error, VIR_ERR_NO_CONNECT, REACH_LOST, daemon, peer->path);
    else
        g_propagate_error(error, g_error_copy(reason));
}

/* What is called, and how long its reply may take. */
struct question {
    const struct protocol_program *program;
    uint32_t procedure;
    int milliseconds;
};

static int call_by(struct peer *peer, struct peer_link *link, const struct question *question,
                   const void *args, struct arena *arena, void *ret, GError **error)
{
    const struct protocol_method *method =
        protocol_method_find(question->program, question->procedure);
    struct frame_header header = {.program = question->program->number,
                                  .version = question->program->version,
                                  .procedure = (int32_t)question->procedure,
                                  .type = FRAME_CALL};
    MESSAGE_AUTO struct message *message = message_new(&header);
    FRAME_AUTO struct frame *frame = NULL;
    g_autoptr(GError) reason = NULL;

    if (codec_encode(method->args, args, message->bytes, error) < 0 ||
        message_finish(message, error) < 0)
        return -1;
    if (upstream_exchange(link->upstream, g_steal_pointer(&message), question->milliseconds, &frame,
                          NULL, &reason) < 0) {
        explain(peer, reason, question->milliseconds, error);
        return -1;
    }
    if (frame->header.status != FRAME_OK) {
        g_propagate_error(error, error_message_decode(frame->payload, frame->payload_size));
        return -1;
    }
    return ret ? codec_decode(method->ret, frame->payload, frame->payload_size, arena, ret, error)
               : 0;
}

/* ---- opening ---- */

static struct upstream *reach(struct peer *peer, struct peer_link *link, GError **error)
{
    struct loop *loop = peer->daemon->loop;
    int fd;

    if (!peer->daemon->session)
        return upstream_connect(loop, peer->path, peer->times.open, &upstream_handlers, link,
                                error);
    fd = autostart_connect(peer->owner->daemon, peer->path, error);
    return fd < 0 ? NULL : upstream_new(loop, fd, &upstream_handlers, link, error);
}

static struct peer_link *connect_to(struct peer *peer, GError **error)
{
    struct peer_link *link = g_new0(struct peer_link, 1);
    g_autoptr(GError) reason = NULL;

    atomic_init(&link->references, 2);
    link->peer = peer;
    link->used = g_get_monotonic_time();
    link->upstream = reach(peer, link, &reason);
    if (link->upstream)
        return link;
    g_free(link);
    if (error_is(reason, VIR_ERR_OPERATION_TIMEOUT))
        explain(peer, reason, peer->times.open, error);
    else if (peer->daemon->session)
        error_set(error, VIR_ERR_NO_CONNECT, REACH_UNSTARTED ": %s", peer->owner->daemon,
                  reason->message);
    else
        error_set(error, VIR_ERR_NO_CONNECT, REACH_ABSENT ": %s", peer->owner->daemon,
                  peer->owner->daemon, reason->message);
    return NULL;
}

static int open_driver(struct peer *peer, struct peer_link *link, GError **error)
{
    const struct remote_connect_open_args open = {.name = peer->uri};
    struct question question = {&remote_program, REMOTE_PROC_AUTH_LIST, peer->times.open};
    struct remote_auth_list_ret types = {0};
    struct arena arena ARENA_AUTO = {0};

    if (call_by(peer, link, &question, NULL, &arena, &types, error) < 0)
        return -1;
    if (types.types_len && types.types_val[0] != REMOTE_AUTH_NONE) {
        error_set(error, VIR_ERR_AUTH_FAILED,
                  "%s asks a daemon of this host to authenticate at '%s'", peer->owner->daemon,
                  peer->path);
        return -1;
    }
    question.procedure = REMOTE_PROC_CONNECT_OPEN;
    return call_by(peer, link, &question, &open, &arena, NULL, error);
}

/* Open, and with what its events need: *ret_link is the peer's reference. */
static int open_link(struct peer *peer, struct peer_link **ret_link, GError **error)
{
    struct peer_link *link = connect_to(peer, error);

    if (!link)
        return -1;
    g_mutex_lock(&peer->lock);
    peer->opening = link;
    if (peer->ended)
        upstream_cancel(link->upstream);
    g_mutex_unlock(&peer->lock);
    if (open_driver(peer, link, error) < 0 ||
        (peer->handlers->linked && peer->handlers->linked(peer, peer->data, error) < 0)) {
        connection_close(upstream_connection(link->upstream), NULL);
        link_unref(link);
        return -1;
    }
    *ret_link = link;
    return 0;
}

/* The lock is held. One that closed meanwhile is not put in: nobody would take it out. */
static void end_opening(struct peer *peer, struct peer_link *link, GError *failure)
{
    if (link && !upstream_is_connected(link->upstream)) {
        link_unref(g_steal_pointer(&link));
        error_set(&failure, VIR_ERR_NO_CONNECT, REACH_LOST, peer->owner->daemon, peer->path);
    }
    if (link) {
        atomic_fetch_add(&link->references, 1);
        loop_post(peer->daemon->loop, watch_idle, link);
    } else {
        g_clear_error(&peer->failure);
        peer->failure = failure;
        peer->failures++;
    }
    peer->link = link;
    peer->opening = NULL;
    peer->opener = NULL;
    g_cond_broadcast(&peer->changed);
}

/* The lock is held, but for the time it takes. */
static void begin_opening(struct peer *peer)
{
    struct peer_link *link = NULL;
    GError *failure = NULL;

    peer->opener = g_thread_self();
    g_mutex_unlock(&peer->lock);
    open_link(peer, &link, &failure);
    g_mutex_lock(&peer->lock);
    end_opening(peer, link, failure);
}

static bool is_usable(const struct peer_link *link)
{
    return link && upstream_is_connected(link->upstream);
}

/* The lock is held. Those who wait for an opener have its failure: to try one after the other at a
 * daemon that hangs would take each longer than the one before. */
static struct peer_link *find_link(struct peer *peer, GError **error)
{
    unsigned failures = peer->failures;

    if (peer->opener == g_thread_self())
        return peer->opening;
    while (peer->failures == failures && (peer->opener || (peer->link && !is_usable(peer->link))))
        g_cond_wait(&peer->changed, &peer->lock);
    if (!peer->link && peer->failures == failures)
        begin_opening(peer);
    if (!peer->link)
        g_propagate_error(error, g_error_copy(peer->failure));
    return peer->link;
}

static struct peer_link *begin_call(struct peer *peer, GError **error)
{
    struct peer_link *link = NULL;

    g_mutex_lock(&peer->lock);
    if (peer->ended)
        error_set(error, VIR_ERR_OPERATION_ABORTED, "this daemon ends");
    else
        link = find_link(peer, error);
    if (link) {
        atomic_fetch_add(&link->references, 1);
        link->calls++;
    }
    g_mutex_unlock(&peer->lock);
    return link;
}

/* A daemon that hangs is known by the next caller before it waits as long. */
static void end_call(struct peer *peer, struct peer_link *link, int64_t begun, bool answered)
{
    g_mutex_lock(&peer->lock);
    link->calls--;
    link->used = g_get_monotonic_time();
    if (answered)
        link->heard = link->used;
    else if (link->heard <= begun)
        connection_close(upstream_connection(link->upstream), NULL);
    g_mutex_unlock(&peer->lock);
    link_unref(link);
}

int peer_call_program(struct peer *peer, const struct protocol_program *program, uint32_t procedure,
                      const void *args, struct arena *arena, void *ret, GError **error)
{
    const struct question question = {program, procedure, peer->times.call};
    int64_t begun = g_get_monotonic_time();
    g_autoptr(GError) problem = NULL;
    struct peer_link *link;
    int status;

    if (loop_is_current(peer->daemon->loop)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "a call may not wait on the loop's own thread");
        return -1;
    }
    link = begin_call(peer, error);
    if (!link)
        return -1;
    status = call_by(peer, link, &question, args, arena, ret, &problem);
    end_call(peer, link, begun, status == 0 || !error_is(problem, VIR_ERR_NO_CONNECT));
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return status;
}

int peer_call(struct peer *peer, enum remote_procedure procedure, const void *args,
              struct arena *arena, void *ret, GError **error)
{
    return peer_call_program(peer, &remote_program, procedure, args, arena, ret, error);
}

bool peer_is_linked(struct peer *peer)
{
    bool linked;

    g_mutex_lock(&peer->lock);
    linked = is_usable(peer->link);
    g_mutex_unlock(&peer->lock);
    return linked;
}

/* ---- the whole ---- */

struct peer *peer_new(struct daemon *daemon, enum protocol_owner owner,
                      const struct peer_handlers *handlers, void *data)
{
    struct peer *peer = g_new0(struct peer, 1);

    peer->daemon = daemon;
    peer->owner = owner_find(owner);
    peer->handlers = handlers ? handlers : &no_handlers;
    peer->data = data;
    peer->uri = owner_uri(peer->owner, daemon);
    peer->path = owner_socket(peer->owner, daemon, false);
    peer->times = usual_times;
    g_mutex_init(&peer->lock);
    g_cond_init(&peer->changed);
    return peer;
}

void peer_set_times(struct peer *peer, const struct peer_times *times)
{
    peer->times = *times;
}

void peer_end(struct peer *peer)
{
    g_mutex_lock(&peer->lock);
    peer->ended = true;
    if (peer->link)
        upstream_cancel(peer->link->upstream);
    if (peer->opening)
        upstream_cancel(peer->opening->upstream);
    g_mutex_unlock(&peer->lock);
}

void peer_free(struct peer *peer)
{
    if (!peer)
        return;
    if (peer->link) {
        peer->link->peer = NULL;
        connection_close(upstream_connection(peer->link->upstream), NULL);
        link_unref(peer->link);
    }
    g_clear_error(&peer->failure);
    g_cond_clear(&peer->changed);
    g_mutex_clear(&peer->lock);
    g_free(peer->uri);
    g_free(peer->path);
    g_free(peer);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/gate.h"

#include "base/loop.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "driver/call.h"
#include "driver/client.h"

#define WAIT_MS 30000
#define LOOK_MS 1000
#define PART 4 /* of the workers: three more things may hang */

struct gate {
    gint references;
    char *name;
    struct loop_timer *timer; /* loop thread alone; NULL: nobody has waited for long */

    GMutex lock; /* guards what follows */
    unsigned inside;
    GQueue waiting; /* struct waiting */
    bool watched;   /* there is a timer, or will be */
};

struct waiting {
    struct request *request;
    gint64 since;
};

struct gate *gate_new(const char *name)
{
    struct gate *gate = g_new0(struct gate, 1);

    gate->references = 1;
    gate->name = g_strdup(name);
    g_mutex_init(&gate->lock);
    g_queue_init(&gate->waiting);
    return gate;
}

struct gate *gate_ref(struct gate *gate)
{
    g_atomic_int_inc(&gate->references);
    return gate;
}

void gate_unref(struct gate *gate)
{
    if (!gate || !g_atomic_int_dec_and_test(&gate->references))
        return;
    g_mutex_clear(&gate->lock);
    g_free(gate->name);
    g_free(gate);
}

/* ---- who waits too long ---- */

static void fail(struct waiting *waiting, const struct gate *gate)
{
    struct client *client = waiting->request->client;
    g_autoptr(GError) error = NULL;

    error_set(&error, VIR_ERR_OPERATION_TIMEOUT,
              "%s does not answer: calls that came before have been at work for more than %d s",
              gate->name, WAIT_MS / 1000);
    request_fail(waiting->request, error);
    client_unref(client);
    g_free(waiting);
}

static struct waiting *take_overdue(struct gate *gate)
{
    struct waiting *first = g_queue_peek_head(&gate->waiting);
    bool overdue =
        first && g_get_monotonic_time() - first->since > WAIT_MS * G_TIME_SPAN_MILLISECOND;

    return overdue ? g_queue_pop_head(&gate->waiting) : NULL;
}

static void look(struct loop_timer *timer, void *data)
{
    struct gate *gate = data;
    struct waiting *waiting;
    bool more;

    do {
        g_mutex_lock(&gate->lock);
        waiting = take_overdue(gate);
        more = gate->watched = gate->waiting.length > 0;
        g_mutex_unlock(&gate->lock);
        if (waiting)
            fail(waiting, gate);
    } while (waiting);
    if (more)
        return;
    g_clear_pointer(&gate->timer, loop_timer_remove);
    gate_unref(gate);
}

struct watch {
    struct gate *gate;
    struct loop *loop;
};

/* A look that has found nobody may be followed by this before it has removed its timer. */
static void watch(void *data)
{
    struct watch *watch = data;

    watch->gate->timer = loop_add_periodic(watch->loop, LOOK_MS, look, watch->gate);
    g_free(watch);
}

/* ---- in and out ---- */

static unsigned room_of(const struct request *request)
{
    struct workers_limits limits;

    workers_get_limits(request->workers, &limits);
    return MAX(limits.maximum / PART, 1);
}

static void wait_outside(struct gate *gate, struct request *request)
{
    struct waiting *waiting = g_new(struct waiting, 1);
    struct loop *loop = request->daemon->loop;

    *waiting = (struct waiting){request, g_get_monotonic_time()};
    g_queue_push_tail(&gate->waiting, waiting);
    if (gate->watched)
        return;
    gate->watched = true;
    struct watch *order = g_new(struct watch, 1);
    *order = (struct watch){gate_ref(gate), loop};
    loop_post(loop, watch, order);
}

bool gate_enter(struct gate *gate, struct request *request)
{
    g_mutex_lock(&gate->lock);
    bool free = gate->inside < room_of(request);
    if (free)
        gate->inside++;
    else
        wait_outside(gate, request);
    g_mutex_unlock(&gate->lock);
    return free;
}

struct turn {
    struct request *request;
    struct gate *gate; /* a reference */
};

static void serve(void *data)
{
    g_autofree struct turn *turn = data;

    call_serve_inside(turn->request, turn->gate);
}

void gate_leave(struct gate *gate)
{
    g_mutex_lock(&gate->lock);
    struct waiting *next = g_queue_pop_head(&gate->waiting);
    gate->inside -= !next;
    g_mutex_unlock(&gate->lock);
    if (!next)
        return;
    struct turn *turn = g_new(struct turn, 1);
    *turn = (struct turn){next->request, gate_ref(gate)};
    g_free(next);
    workers_push(turn->request->workers, serve, turn, turn->request->method->high_priority);
}

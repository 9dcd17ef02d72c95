/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/gate.h"

#include "base/error.h"

#define WAIT_SECONDS 30
#define PART 4 /* of the workers */

struct gate {
    gint references;
    char *name;

    GMutex lock; /* guards what follows */
    unsigned inside;
    GQueue waiting; /* struct turn */
};

struct turn {
    GCond wake; /* with the gate's lock */
    bool given;
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

static unsigned room_among(struct workers *workers)
{
    struct workers_limits limits;

    workers_get_limits(workers, &limits);
    return MAX(limits.maximum / PART, 1);
}

/* With the lock held. False: it has not come in time. */
static bool wait_turn(struct gate *gate)
{
    gint64 deadline = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;
    struct turn turn = {.given = false};
    bool in_time = true;

    g_cond_init(&turn.wake);
    g_queue_push_tail(&gate->waiting, &turn);
    workers_begin_wait();
    while (!turn.given && in_time)
        in_time = g_cond_wait_until(&turn.wake, &gate->lock, deadline);
    workers_end_wait();
    if (!turn.given)
        g_queue_remove(&gate->waiting, &turn);
    g_cond_clear(&turn.wake);
    return turn.given;
}

int gate_enter(struct gate *gate, struct workers *workers, GError **error)
{
    g_mutex_lock(&gate->lock);
    bool inside = gate->inside < room_among(workers);
    if (inside)
        gate->inside++;
    else
        inside = wait_turn(gate);
    g_mutex_unlock(&gate->lock);
    if (inside)
        return 0;
    error_set(error, VIR_ERR_OPERATION_TIMEOUT,
              "%s does not answer: calls that came before have been at work for more than %d s",
              gate->name, WAIT_SECONDS);
    return -1;
}

void gate_leave(struct gate *gate)
{
    g_mutex_lock(&gate->lock);
    struct turn *next = g_queue_pop_head(&gate->waiting);
    gate->inside -= !next;
    if (next) {
        next->given = true;
        g_cond_signal(&next->wake);
    }
    g_mutex_unlock(&gate->lock);
}

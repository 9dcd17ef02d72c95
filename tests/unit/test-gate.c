/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/gate.h"

#include <stdbool.h>

#define PATIENCE 10000
#define VISITS 40

/* A thing that hangs until it is told not to. */
struct thing {
    struct gate *gate;
    struct workers *workers;
    GMutex lock;
    GCond changed;
    unsigned inside, most, passed;
    bool answers, others_served;
};

static void visit(void *data)
{
    struct thing *thing = data;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(gate_enter(thing->gate, thing->workers, &error), ==, 0);
    g_mutex_lock(&thing->lock);
    thing->inside++;
    thing->most = MAX(thing->most, thing->inside);
    g_cond_broadcast(&thing->changed);
    while (!thing->answers)
        g_cond_wait(&thing->changed, &thing->lock);
    thing->inside--;
    thing->passed++;
    g_mutex_unlock(&thing->lock);
    gate_leave(thing->gate);
}

static void serve_others(void *data)
{
    struct thing *thing = data;

    g_mutex_lock(&thing->lock);
    thing->others_served = true;
    g_cond_broadcast(&thing->changed);
    g_mutex_unlock(&thing->lock);
}

/* More visits than workers, of either kind: the others are served as ever. */
static void test_part(gconstpointer priority)
{
    struct workers_limits limits = {.maximum = 8, .priority = 3};
    struct thing thing = {.gate = gate_new("x"), .workers = workers_new("test", &limits)};
    gint64 deadline = g_get_monotonic_time() + PATIENCE * G_TIME_SPAN_MILLISECOND;
    bool in_time = true;

    for (int i = 0; i < VISITS; i++)
        workers_push(thing.workers, visit, &thing, priority != NULL);
    workers_push(thing.workers, serve_others, &thing, priority != NULL);
    g_mutex_lock(&thing.lock);
    while (in_time && (!thing.others_served || thing.inside < 2))
        in_time = g_cond_wait_until(&thing.changed, &thing.lock, deadline);
    g_assert_true(in_time);
    thing.answers = true;
    g_cond_broadcast(&thing.changed);
    g_mutex_unlock(&thing.lock);
    g_assert_true(workers_drain(thing.workers, PATIENCE));
    g_assert_cmpuint(thing.passed, ==, VISITS);
    g_assert_cmpuint(thing.most, ==, 2);
    workers_free(thing.workers);
    gate_unref(thing.gate);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/gate/part", NULL, test_part);
    g_test_add_data_func("/gate/part-urgent", "urgent", test_part);
    return g_test_run();
}

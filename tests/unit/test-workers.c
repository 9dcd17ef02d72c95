/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/error.h"

#define PATIENCE 10000

/* Work that stays until it is let go. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned inside, passed;
    bool open;
};

static void gate_init(struct gate *gate)
{
    *gate = (struct gate){.open = false};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void pass_gate(void *data)
{
    struct gate *gate = data;

    pthread_mutex_lock(&gate->lock);
    gate->inside++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->inside--;
    gate->passed++;
    pthread_mutex_unlock(&gate->lock);
}

static void gate_wait_inside(struct gate *gate, unsigned count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->inside < count)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void count_up(void *data)
{
    atomic_fetch_add((atomic_uint *)data, 1);
}

static struct workers *make(unsigned minimum, unsigned maximum, unsigned priority)
{
    return workers_new("test", &(struct workers_limits){minimum, maximum, priority});
}

static void test_all_run(void)
{
    struct workers *workers = make(1, 4, 1);
    atomic_uint count = 0;

    for (int i = 0; i < 1000; i++)
        workers_push(workers, count_up, &count, i % 3 == 0);
    workers_free(workers);
    g_assert_cmpuint(count, ==, 1000);
}

static void test_no_threads_without_work(void)
{
    struct workers *workers = make(5, 20, 5);
    struct workers_stats stats;

    workers_get_stats(workers, &stats);
    g_assert_cmpuint(stats.threads + stats.priority_threads, ==, 0);
    workers_free(workers);
    workers_free(NULL);
}

static void test_maximum(void)
{
    struct workers *workers = make(0, 3, 0);
    struct workers_stats stats;
    struct gate gate;

    gate_init(&gate);
    for (int i = 0; i < 10; i++)
        workers_push(workers, pass_gate, &gate, false);
    gate_wait_inside(&gate, 3);
    workers_get_stats(workers, &stats);
    g_assert_cmpuint(stats.threads, ==, 3);
    g_assert_cmpuint(stats.idle, ==, 0);
    g_assert_cmpuint(stats.queued, ==, 7);
    g_assert_false(workers_drain(workers, 10));
    gate_open(&gate);
    g_assert_true(workers_drain(workers, PATIENCE));
    g_assert_cmpuint(gate.passed, ==, 10);
    workers_free(workers);
}

/* Urgent work moves while every ordinary thread is stuck. */
static void test_priority(void)
{
    struct workers *workers = make(0, 2, 1);
    atomic_uint count = 0;
    struct gate gate, urgent;

    gate_init(&gate);
    gate_init(&urgent);
    for (int i = 0; i < 4; i++)
        workers_push(workers, pass_gate, &gate, false);
    gate_wait_inside(&gate, 2);
    workers_push(workers, count_up, &count, false);
    workers_push(workers, pass_gate, &urgent, true);
    gate_wait_inside(&urgent, 1);
    g_assert_cmpuint(atomic_load(&count), ==, 0);
    gate_open(&urgent);
    gate_open(&gate);
    workers_free(workers);
    g_assert_cmpuint(count, ==, 1);
    g_assert_cmpuint(urgent.passed, ==, 1);
}

static void test_raise_limit(void)
{
    struct workers *workers = make(0, 1, 0);
    g_autoptr(GError) error = NULL;
    struct workers_limits limits;
    struct gate gate;

    gate_init(&gate);
    for (int i = 0; i < 3; i++)
        workers_push(workers, pass_gate, &gate, false);
    gate_wait_inside(&gate, 1);
    workers_set_limits(workers, &(struct workers_limits){0, 3, 0}, &error);
    g_assert_no_error(error);
    gate_wait_inside(&gate, 3);
    workers_get_limits(workers, &limits);
    g_assert_cmpuint(limits.maximum, ==, 3);
    gate_open(&gate);
    workers_free(workers);
}

static void test_lower_limit(void)
{
    struct workers *workers = make(4, 4, 0);
    struct workers_stats stats;
    g_autoptr(GError) error = NULL;
    struct gate gate;

    gate_init(&gate);
    for (int i = 0; i < 4; i++)
        workers_push(workers, pass_gate, &gate, false);
    gate_wait_inside(&gate, 4);
    g_assert_cmpint(workers_set_limits(workers, &(struct workers_limits){1, 1, 0}, &error), ==, 0);
    gate_open(&gate);
    g_assert_true(workers_drain(workers, PATIENCE));
    gint64 deadline = g_get_monotonic_time() + PATIENCE * G_TIME_SPAN_MILLISECOND;
    do {
        workers_get_stats(workers, &stats);
        sched_yield();
    } while (stats.threads > 1 && g_get_monotonic_time() < deadline);
    g_assert_cmpuint(stats.threads, ==, 1);
    workers_free(workers);
}

static void wait_at_gate(void *data)
{
    workers_begin_wait();
    pass_gate(data);
    workers_end_wait();
}

/* Who waits does not count, as long as it does. */
static void test_waiting(void)
{
    struct workers_limits limits = {.maximum = 2};
    struct workers *workers = workers_new("test", &limits);
    struct gate waiting, working;

    gate_init(&waiting);
    gate_init(&working);
    for (int i = 0; i < 6; i++)
        workers_push(workers, wait_at_gate, &waiting, false);
    gate_wait_inside(&waiting, 6);
    for (int i = 0; i < 3; i++)
        workers_push(workers, pass_gate, &working, false);
    gate_wait_inside(&working, 2);
    g_assert_cmpuint(working.inside, ==, 2);
    gate_open(&waiting);
    gate_open(&working);
    g_assert_true(workers_drain(workers, PATIENCE));
    g_assert_cmpuint(working.passed, ==, 3);
    workers_begin_wait(); /* nobody's worker */
    workers_end_wait();
    workers_free(workers);
}

static void test_bad_limits(void)
{
    struct workers *workers = make(1, 2, 0);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(workers_set_limits(workers, &(struct workers_limits){0, 0, 0}, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
    g_clear_error(&error);
    g_assert_cmpint(workers_set_limits(workers, &(struct workers_limits){3, 2, 0}, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
    workers_free(workers);
}

struct chain {
    struct workers *workers;
    unsigned left;
};

static void push_next(void *data)
{
    struct chain *chain = data;

    if (chain->left-- > 0)
        workers_push(chain->workers, push_next, chain, false);
}

static void test_push_from_work(void)
{
    struct chain chain = {make(0, 2, 0), 50};

    workers_push(chain.workers, push_next, &chain, false);
    workers_free(chain.workers);
    g_assert_cmpuint(chain.left, ==, UINT_MAX);
}

static void *push_many(void *data)
{
    static atomic_uint unused;

    for (int i = 0; i < 500; i++)
        workers_push(data, count_up, &unused, i % 2);
    return NULL;
}

static void test_many_pushers(void)
{
    struct workers *workers = make(1, 3, 1);
    GThread *threads[4];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("pusher", push_many, workers);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_true(workers_drain(workers, PATIENCE));
    workers_free(workers);
}

/* As libraries do it: what a thread had is let go of when it is on its way out, slowly here. */
static atomic_int kept, let_go;

static void let_go_slowly(void *data)
{
    usleep(20000);
    atomic_fetch_add(&let_go, 1);
}

static GPrivate what_is_kept = G_PRIVATE_INIT(let_go_slowly);

static void keep(void *data)
{
    if (!g_private_get(&what_is_kept))
        atomic_fetch_add(&kept, 1);
    g_private_set(&what_is_kept, data);
}

static void test_threads_are_gone(void)
{
    struct workers *workers = make(0, 4, 0);

    for (int i = 0; i < 4; i++)
        workers_push(workers, keep, workers, false);
    workers_free(workers);
    g_assert_cmpint(atomic_load(&kept), >=, 1);
    g_assert_cmpint(atomic_load(&let_go), ==, atomic_load(&kept));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/workers/all-run", test_all_run);
    g_test_add_func("/workers/no-threads-without-work", test_no_threads_without_work);
    g_test_add_func("/workers/maximum", test_maximum);
    g_test_add_func("/workers/priority", test_priority);
    g_test_add_func("/workers/raise-limit", test_raise_limit);
    g_test_add_func("/workers/lower-limit", test_lower_limit);
    g_test_add_func("/workers/waiting", test_waiting);
    g_test_add_func("/workers/bad-limits", test_bad_limits);
    g_test_add_func("/workers/push-from-work", test_push_from_work);
    g_test_add_func("/workers/many-pushers", test_many_pushers);
    g_test_add_func("/workers/threads-are-gone", test_threads_are_gone);
    return g_test_run();
}

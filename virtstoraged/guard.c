/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guard.h"

#include <stdbool.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/workers.h"

#define SILENT_MS 10000
#define FRESH_MS 1000

struct guard {
    gint references;
    int folder; /* our own, so that it lasts as long as a thread that asks; -1: ask() instead */
    void (*ask)(void *box);
    void (*clear)(void *box);
    void *box;
    GMutex lock;
    GCond answer;
    bool asking;
    gint64 asked, answered; /* monotonic */
};

static int complain(const char *what, GError **error)
{
    error_set(error, VIR_ERR_OPERATION_TIMEOUT,
              "%s has not answered for %d seconds: is its server up, and reached?", what,
              SILENT_MS / 1000);
    return -1;
}

/* ---- does it answer? ---- */

static void guard_unref(struct guard *guard)
{
    if (!g_atomic_int_dec_and_test(&guard->references))
        return;
    fd_clear(&guard->folder);
    if (guard->box)
        g_atomic_rc_box_release_full(guard->box, guard->clear);
    g_cond_clear(&guard->answer);
    g_mutex_clear(&guard->lock);
    g_free(guard);
}

static struct guard *new_guard(int folder)
{
    struct guard *guard = g_new0(struct guard, 1);

    guard->references = 1;
    guard->folder = folder;
    guard->answered = g_get_monotonic_time();
    g_mutex_init(&guard->lock);
    g_cond_init(&guard->answer);
    return guard;
}

struct guard *guard_new(int folder)
{
    return new_guard(fd_duplicate(folder, NULL));
}

struct guard *guard_new_asking(void (*ask)(void *box), void (*clear)(void *box), void *box)
{
    struct guard *guard = new_guard(-1);

    guard->ask = ask;
    guard->clear = clear;
    guard->box = g_atomic_rc_box_acquire(box);
    return guard;
}

void guard_free(struct guard *guard)
{
    if (guard)
        guard_unref(guard);
}

/* Whatever the server says, it has answered. */
static void *ask(void *data)
{
    struct guard *guard = data;
    struct statvfs space;

    if (guard->ask)
        guard->ask(guard->box);
    else
        fstatvfs(guard->folder, &space);
    g_mutex_lock(&guard->lock);
    guard->asking = false;
    guard->answered = g_get_monotonic_time();
    g_cond_broadcast(&guard->answer);
    g_mutex_unlock(&guard->lock);
    guard_unref(guard);
    return NULL;
}

/* The lock is held. */
static void begin_asking(struct guard *guard)
{
    guard->asking = true;
    guard->asked = g_get_monotonic_time();
    g_atomic_int_inc(&guard->references);
    g_thread_unref(g_thread_new("guard", ask, guard));
}

int guard_check(struct guard *guard, const char *what, GError **error)
{
    if (!guard)
        return 0;
    g_mutex_lock(&guard->lock);
    bool fresh = g_get_monotonic_time() - guard->answered < FRESH_MS * G_TIME_SPAN_MILLISECOND;
    if (!guard->asking && !fresh)
        begin_asking(guard);
    gint64 deadline = guard->asked + SILENT_MS * G_TIME_SPAN_MILLISECOND;
    workers_begin_wait();
    while (guard->asking && g_cond_wait_until(&guard->answer, &guard->lock, deadline))
        ;
    workers_end_wait();
    bool answers = !guard->asking;
    g_mutex_unlock(&guard->lock);
    return answers ? 0 : complain(what, error);
}

/* ---- work ---- */

struct run {
    gint references;
    GMutex lock;
    GCond end;
    int (*work)(void *box, GError **error);
    void (*clear)(void *box);
    void *box;
    bool done;
    int result;
    GError *error;
};

static void run_unref(struct run *run)
{
    if (!g_atomic_int_dec_and_test(&run->references))
        return;
    g_atomic_rc_box_release_full(run->box, run->clear);
    g_clear_error(&run->error);
    g_cond_clear(&run->end);
    g_mutex_clear(&run->lock);
    g_free(run);
}

static void *run_thread(void *data)
{
    struct run *run = data;
    GError *error = NULL;
    int result = run->work(run->box, &error);

    g_mutex_lock(&run->lock);
    run->done = true;
    run->result = result;
    run->error = error;
    g_cond_signal(&run->end);
    g_mutex_unlock(&run->lock);
    run_unref(run);
    return NULL;
}

static bool run_wait(struct run *run, int milliseconds)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;

    workers_begin_wait();
    g_mutex_lock(&run->lock);
    while (!run->done && g_cond_wait_until(&run->end, &run->lock, deadline))
        ;
    workers_end_wait();
    bool done = run->done;
    g_mutex_unlock(&run->lock);
    return done;
}

static struct run *run_begin(int (*work)(void *box, GError **error), void (*clear)(void *box),
                             void *box)
{
    struct run *run = g_new0(struct run, 1);

    run->references = 2;
    run->work = work;
    run->clear = clear;
    run->box = g_atomic_rc_box_acquire(box);
    g_mutex_init(&run->lock);
    g_cond_init(&run->end);
    g_thread_unref(g_thread_new("guarded", run_thread, run));
    return run;
}

int guard_run(struct guard *guard, const char *what, int (*work)(void *box, GError **error),
              void (*clear)(void *box), void *box, GError **error)
{
    struct run *run = run_begin(work, clear, box);
    bool done = run_wait(run, guard ? FRESH_MS : SILENT_MS);

    /* long work is fine as long as the storage answers */
    while (!done && guard && guard_check(guard, what, NULL) == 0)
        done = run_wait(run, SILENT_MS);
    int result = done ? run->result : complain(what, error);
    if (done && run->error)
        g_propagate_error(error, g_steal_pointer(&run->error));
    run_unref(run);
    return result;
}

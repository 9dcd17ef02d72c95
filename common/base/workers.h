/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * A pool of threads for calls that may block. Ordinary threads run everything, priority work first;
 * priority threads run priority work alone, so that it moves while all ordinary ones are stuck.
 * Threads are made when work waits and none is idle, and end when idle above the minimum.
 */
struct workers;

struct workers_limits {
    unsigned minimum;  /* ordinary threads kept while idle */
    unsigned maximum;  /* ordinary threads at most; at least 1 */
    unsigned priority; /* priority threads, made on first need */
};

struct workers_stats {
    unsigned threads;          /* ordinary, alive */
    unsigned idle;             /* of these, waiting */
    unsigned priority_threads; /* alive */
    unsigned priority_idle;
    unsigned queued; /* work not yet taken */
};

/* An empty pool; threads are named after it (at most 15 bytes). */
struct workers *workers_new(const char *name, const struct workers_limits *limits);

/* Hands over run(data); never blocks. Any thread, also a worker. Work of one class starts in order.
 */
void workers_push(struct workers *workers, void (*run)(void *data), void *data, bool priority);

/* The calling worker waits for what may not come soon: another may run instead, beyond the maximum,
 * until workers_end_wait(). On threads that are no workers they do nothing. */
void workers_begin_wait(void);
void workers_end_wait(void);

/* Any thread; a smaller maximum takes effect as threads finish. VIR_ERR_INVALID_ARG: maximum 0 or
 * below minimum. */
int workers_set_limits(struct workers *workers, const struct workers_limits *limits,
                       GError **error);
void workers_get_limits(struct workers *workers, struct workers_limits *ret_limits);
void workers_get_stats(struct workers *workers, struct workers_stats *ret_stats);

/* Runs what is queued, waits until every thread has gone, and frees; not from a worker. Pushing
 * from running work is allowed until the last has returned. workers may be NULL. */
void workers_free(struct workers *workers);

/* Waits until nothing is queued or running, at most milliseconds (-1: forever): true if so. */
bool workers_drain(struct workers *workers, int milliseconds);

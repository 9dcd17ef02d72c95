/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A job is the permission to change one object. Functions that change an object take the job as
 * an argument; there is no other lock for a driver to know. Readers never need one.
 *
 * At most one job per object has the turn. Jobs wait for it in the order they came, each at most
 * its own deadline. Two lanes are special:
 *
 *  - JOB_DESTROY cancels whoever has the turn, wakes it, and gets the next turn ahead of all
 * others.
 *  - JOB_ASYNC is for work that takes minutes (migration, save, backup). It has the turn like any
 *    other, but gives it away while it is in job_yield(): jobs of the lanes that it allows with
 *    job_allow() then come in between. A second async job waits until the first has ended.
 *
 * A job belongs to no thread: any one thread at a time may use it.
 */

struct object;
struct job;

enum job_lane {
    JOB_MODIFY,  /* changes definition, devices, state */
    JOB_SUSPEND, /* pauses or resumes: what most async jobs allow beside them */
    JOB_CONTROL, /* steers a running async job: abort it, set its bandwidth; always allowed */
    JOB_DESTROY,
    JOB_ASYNC,
};

#define JOB_LANE(lane) (1u << (lane))

/* How long a job waits for its turn, and a step for its guest, where nothing else is configured. */
#define JOB_DEADLINE_MS 30000

/* Waits for the turn, at most deadline_ms (0: not at all); ends with job_end(). name is what the
 * user knows ("virDomainSetMemory", "migration"); borrowed, must outlive the job: a constant.
 * Keeps a reference to the object. Blocks. Errors: VIR_ERR_OPERATION_TIMEOUT names the holder;
 * VIR_ERR_OPERATION_FAILED when too many wait already; the kind's not-found code when the object
 * was removed from its registry, also while waiting. */
int job_begin(struct object *object, enum job_lane lane, const char *name, unsigned deadline_ms,
              struct job **ret_job, GError **error);

/* Queues the job's events for delivery, hands the turn on, frees the job, delivers. NULL is ok. */
void job_end(struct job *job);

/* The object; borrowed, valid until job_end(). */
struct object *job_object(const struct job *job);
enum job_lane job_lane(const struct job *job);

/* True once a destroy job wants the turn, or job_cancel_async() was called: end soon. Any thread.
 */
bool job_is_cancelled(const struct job *job);

/* True if the job was cancelled by job_cancel_async() alone: forgets it, so that the clean-up that
 * follows can wait again. False, and still cancelled, when a destroy job wants the turn. */
bool job_accept_cancel(struct job *job);

/* The predicate of a wait. Called with an internal lock held: must not block nor call any job_
 * function; what it reads must be atomic or written before job_signal(). */
typedef bool (*job_condition)(void *data);

/* Waits, keeping the turn, until condition is true, at most deadline_ms. Blocks. Returns 0 when
 * the condition holds, even if cancelled as well. Errors: VIR_ERR_OPERATION_ABORTED when
 * cancelled, VIR_ERR_OPERATION_TIMEOUT ("domain 'x': timed out waiting for WHAT"). */
int job_wait(struct job *job, job_condition condition, void *data, const char *what,
             unsigned deadline_ms, GError **error);

/* Same for an async job, which queues its events, gives its turn away until then and has it back on
 * return. May
 * return later than the deadline, when another job has the turn then. */
int job_yield(struct job *job, job_condition condition, void *data, const char *what,
              unsigned deadline_ms, GError **error);

/* Makes the waits of the object's jobs look at their conditions again. Never blocks; any thread. */
void job_signal(struct object *object);

/* An async job names the lanes it bears beside it: a mask of JOB_LANE(). JOB_CONTROL and
 * JOB_DESTROY are always in it. */
void job_allow(struct job *job, unsigned lanes);

/* Cancels the object's async job, as "abort the migration" does. False when there is none. */
bool job_cancel_async(struct object *object);

/* Who is at work on an object: for messages and job info. */
struct job_info {
    const char *name;       /* of the job that has the turn; NULL: nobody. A constant */
    const char *async_name; /* of the async job; NULL: none. A constant */
    int64_t held_ms;        /* how long they have lasted */
    int64_t async_ms;
    unsigned waiting; /* jobs that wait for their turn */
};

/* Never blocks; any thread. */
void job_get_info(struct object *object, struct job_info *ret_info);

/* At most this many jobs may wait for one object; 0, as at the start: no limit. For all objects. */
void job_set_max_queued(unsigned max_queued);

/*
 * What an object carries for its jobs. Only for this folder.
 */
struct job_queue {
    GMutex lock;        /* held for a few instructions; guards all below */
    struct job *holder; /* has the turn */
    struct job *async;  /* begun and not ended, with or without the turn */
    GQueue waiting;     /* of struct job, in the order of their turns */
    bool closed;        /* removed from its registry: nobody may begin */
};

void job_queue_init(struct job_queue *queue);
void job_queue_clear(struct job_queue *queue);

/* From now on job_begin() fails, for those who wait as well. */
void job_queue_close(struct job_queue *queue);

/* The events that the job collects until it ends, a queue of struct event. */
GQueue *job_events(struct job *job);

static inline void job_end_at(struct job **job)
{
    job_end(*job);
}

/* JOB_AUTO struct job *job = NULL; */
#define JOB_AUTO __attribute__((cleanup(job_end_at)))

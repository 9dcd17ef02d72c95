/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/job.h"

#include "base/workers.h"
#include "object/event.h"
#include "object/object.h"

/* Why a job is to end; a destroy job's wish can't be turned down. */
enum cancel { CANCEL_NONE, CANCEL_ASKED, CANCEL_DESTROY };

struct job {
    struct object *object;
    enum job_lane lane;
    const char *name;
    GCond wake;       /* with the queue's lock */
    gint cancelled;   /* enum cancel; written with the lock, read without */
    bool returning;   /* an async job that wants its turn back */
    bool gone;        /* the object was removed while it waited */
    unsigned allowed; /* lanes beside an async job */
    int64_t since;    /* when it first had the turn */
    GQueue events;
};

static gint max_queued;

void job_set_max_queued(unsigned limit)
{
    g_atomic_int_set(&max_queued, (gint)MIN(limit, (unsigned)G_MAXINT));
}

void job_queue_init(struct job_queue *queue)
{
    g_mutex_init(&queue->lock);
    g_queue_init(&queue->waiting);
}

void job_queue_clear(struct job_queue *queue)
{
    g_assert(!queue->holder && !queue->async && queue->waiting.length == 0);
    g_mutex_clear(&queue->lock);
}

/* The functions below until job_begin() are called with the queue's lock held. */

static bool may_take(const struct job_queue *queue, const struct job *job)
{
    if (queue->holder)
        return false;
    if (!queue->async || queue->async == job)
        return true;
    return job->lane != JOB_ASYNC && (queue->async->allowed & JOB_LANE(job->lane));
}

static void take_turn(struct job_queue *queue, struct job *job)
{
    queue->holder = job;
    if (job->lane == JOB_ASYNC)
        queue->async = job;
    if (!job->since)
        job->since = g_get_monotonic_time();
}

/* Gives a free turn to the first that may have it, so that those who wait never may. */
static void pass_turn(struct job_queue *queue)
{
    for (GList *link = queue->waiting.head; link && !queue->holder; link = link->next) {
        struct job *job = link->data;

        if (!may_take(queue, job))
            continue;
        take_turn(queue, job);
        g_queue_delete_link(&queue->waiting, link);
        g_cond_signal(&job->wake);
        return;
    }
}

static int rank_of(const struct job *job)
{
    if (job->lane == JOB_DESTROY)
        return 0;
    return job->returning ? 1 : 2;
}

static void enqueue(struct job_queue *queue, struct job *job)
{
    GList *link = queue->waiting.head;

    while (link && rank_of(link->data) <= rank_of(job))
        link = link->next;
    g_queue_insert_before(&queue->waiting, link, job);
}

static void cancel(struct job *job, enum cancel how)
{
    if (!job || job->lane == JOB_DESTROY)
        return;
    if (g_atomic_int_get(&job->cancelled) < (gint)how)
        g_atomic_int_set(&job->cancelled, how);
    g_cond_signal(&job->wake);
}

static bool is_full(const struct job_queue *queue, const struct job *job)
{
    unsigned limit = (unsigned)g_atomic_int_get(&max_queued);

    return job->lane != JOB_DESTROY && limit && queue->waiting.length >= limit;
}

/* Who is in the way, for the message. */
static struct job_info info_of(const struct job_queue *queue)
{
    int64_t now = g_get_monotonic_time();
    struct job_info info = {.waiting = queue->waiting.length};

    if (queue->holder) {
        info.name = queue->holder->name;
        info.held_ms = (now - queue->holder->since) / 1000;
    }
    if (queue->async) {
        info.async_name = queue->async->name;
        info.async_ms = (now - queue->async->since) / 1000;
    }
    return info;
}

enum outcome { GOT_TURN, TIMED_OUT, QUEUE_FULL, OBJECT_GONE };

static enum outcome wait_turn(struct job_queue *queue, struct job *job, int64_t deadline)
{
    bool in_time = true;

    enqueue(queue, job);
    workers_begin_wait(); /* those who wait for one object must not keep others from theirs */
    while (queue->holder != job && !job->gone && in_time)
        in_time = g_cond_wait_until(&job->wake, &queue->lock, deadline);
    workers_end_wait();
    if (job->gone)
        return OBJECT_GONE;
    if (queue->holder == job)
        return GOT_TURN;
    g_queue_remove(&queue->waiting, job);
    return TIMED_OUT;
}

static enum outcome get_turn(struct job_queue *queue, struct job *job, unsigned deadline_ms)
{
    if (queue->closed)
        return OBJECT_GONE;
    if (job->lane == JOB_DESTROY) {
        cancel(queue->holder, CANCEL_DESTROY);
        cancel(queue->async, CANCEL_DESTROY);
    }
    if (may_take(queue, job)) {
        take_turn(queue, job);
        return GOT_TURN;
    }
    if (deadline_ms == 0)
        return TIMED_OUT;
    if (is_full(queue, job))
        return QUEUE_FULL;
    return wait_turn(queue, job, g_get_monotonic_time() + deadline_ms * G_TIME_SPAN_MILLISECOND);
}

/* Without the lock again. */
static void set_begin_error(struct object *object, enum outcome outcome,
                            const struct job_info *holder, GError **error)
{
    g_autofree char *name = object_get_name(object);
    bool async = !holder->name;

    if (outcome == OBJECT_GONE)
        object_set_missing(object, error);
    else if (outcome == QUEUE_FULL)
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "cannot acquire state change lock of %s '%s': %u jobs wait for it already "
                  "(max_queued)",
                  object->kind->name, name, holder->waiting);
    else
        error_set(error, VIR_ERR_OPERATION_TIMEOUT,
                  "cannot acquire state change lock of %s '%s' (held by %s for %" G_GINT64_FORMAT
                  " s)",
                  object->kind->name, name, async ? holder->async_name : holder->name,
                  (async ? holder->async_ms : holder->held_ms) / 1000);
}

static struct job *job_new(struct object *object, enum job_lane lane, const char *name)
{
    struct job *job = g_new0(struct job, 1);

    job->object = object_ref(object);
    job->lane = lane;
    job->name = name;
    job->allowed = JOB_LANE(JOB_CONTROL) | JOB_LANE(JOB_DESTROY);
    g_cond_init(&job->wake);
    g_queue_init(&job->events);
    return job;
}

static void job_free(struct job *job)
{
    object_unref(job->object);
    g_cond_clear(&job->wake);
    g_free(job);
}

int job_begin(struct object *object, enum job_lane lane, const char *name, unsigned deadline_ms,
              struct job **ret_job, GError **error)
{
    struct job_queue *queue = &object->jobs;
    struct job *job = job_new(object, lane, name);
    struct job_info holder;
    enum outcome outcome;

    g_mutex_lock(&queue->lock);
    outcome = get_turn(queue, job, deadline_ms);
    holder = info_of(queue);
    g_mutex_unlock(&queue->lock);
    if (outcome != GOT_TURN) {
        set_begin_error(object, outcome, &holder, error);
        job_free(job);
        return -1;
    }
    *ret_job = job;
    return 0;
}

void job_end(struct job *job)
{
    struct event_bus *bus;
    struct job_queue *queue;

    if (!job)
        return;
    queue = &job->object->jobs;
    /* queued before the turn is passed on, so that the next job's events come after */
    bus = event_enqueue_all(&job->events);
    g_mutex_lock(&queue->lock);
    g_assert(queue->holder == job);
    queue->holder = NULL;
    if (queue->async == job)
        queue->async = NULL;
    pass_turn(queue);
    g_mutex_unlock(&queue->lock);
    job_free(job);
    if (bus)
        event_deliver(bus);
}

struct object *job_object(const struct job *job)
{
    return job->object;
}

enum job_lane job_lane(const struct job *job)
{
    return job->lane;
}

GQueue *job_events(struct job *job)
{
    return &job->events;
}

bool job_is_cancelled(const struct job *job)
{
    return g_atomic_int_get(&job->cancelled) != CANCEL_NONE;
}

bool job_accept_cancel(struct job *job)
{
    struct job_queue *queue = &job->object->jobs;
    bool accepted;

    g_mutex_lock(&queue->lock);
    accepted = g_atomic_int_get(&job->cancelled) == CANCEL_ASKED;
    if (accepted)
        g_atomic_int_set(&job->cancelled, CANCEL_NONE);
    g_mutex_unlock(&queue->lock);
    return accepted;
}

/* 0, or the code of the error; with the lock held. */
static int wait_condition(struct job *job, job_condition condition, void *data, int64_t deadline)
{
    struct job_queue *queue = &job->object->jobs;
    bool in_time = true;

    while (!condition(data)) {
        if (job_is_cancelled(job))
            return VIR_ERR_OPERATION_ABORTED;
        if (!in_time)
            return VIR_ERR_OPERATION_TIMEOUT;
        in_time = g_cond_wait_until(&job->wake, &queue->lock, deadline);
    }
    return 0;
}

static int set_wait_error(const struct job *job, int code, const char *what, GError **error)
{
    g_autofree char *name = NULL;

    if (!code)
        return 0;
    name = object_get_name(job->object);
    if (code == VIR_ERR_OPERATION_TIMEOUT)
        error_set(error, code, "%s '%s': timed out waiting for %s", job->object->kind->name, name,
                  what);
    else
        error_set(error, code, "%s '%s': %s was cancelled while waiting for %s",
                  job->object->kind->name, name, job->name, what);
    return -1;
}

int job_wait(struct job *job, job_condition condition, void *data, const char *what,
             unsigned deadline_ms, GError **error)
{
    struct job_queue *queue = &job->object->jobs;
    int64_t deadline = g_get_monotonic_time() + deadline_ms * G_TIME_SPAN_MILLISECOND;
    int code;

    g_mutex_lock(&queue->lock);
    g_assert(queue->holder == job);
    code = wait_condition(job, condition, data, deadline);
    g_mutex_unlock(&queue->lock);
    return set_wait_error(job, code, what, error);
}

/* Waits without a deadline: whoever has the turn has one. With the lock held. */
static void retake_turn(struct job_queue *queue, struct job *job)
{
    if (may_take(queue, job)) {
        take_turn(queue, job);
        return;
    }
    job->returning = true;
    enqueue(queue, job);
    while (queue->holder != job)
        g_cond_wait(&job->wake, &queue->lock);
    job->returning = false;
}

int job_yield(struct job *job, job_condition condition, void *data, const char *what,
              unsigned deadline_ms, GError **error)
{
    struct job_queue *queue = &job->object->jobs;
    int64_t deadline = g_get_monotonic_time() + deadline_ms * G_TIME_SPAN_MILLISECOND;
    struct event_bus *bus = event_enqueue_all(&job->events);
    int code;

    if (bus)
        event_deliver(bus);
    g_mutex_lock(&queue->lock);
    g_assert(queue->holder == job && queue->async == job);
    queue->holder = NULL;
    pass_turn(queue);
    code = wait_condition(job, condition, data, deadline);
    retake_turn(queue, job);
    g_mutex_unlock(&queue->lock);
    return set_wait_error(job, code, what, error);
}

void job_signal(struct object *object)
{
    struct job_queue *queue = &object->jobs;

    g_mutex_lock(&queue->lock);
    if (queue->holder)
        g_cond_signal(&queue->holder->wake);
    if (queue->async)
        g_cond_signal(&queue->async->wake);
    g_mutex_unlock(&queue->lock);
}

void job_allow(struct job *job, unsigned lanes)
{
    struct job_queue *queue = &job->object->jobs;

    g_mutex_lock(&queue->lock);
    job->allowed = lanes | JOB_LANE(JOB_CONTROL) | JOB_LANE(JOB_DESTROY);
    g_mutex_unlock(&queue->lock);
}

bool job_cancel_async(struct object *object)
{
    struct job_queue *queue = &object->jobs;
    bool found;

    g_mutex_lock(&queue->lock);
    found = queue->async != NULL;
    cancel(queue->async, CANCEL_ASKED);
    g_mutex_unlock(&queue->lock);
    return found;
}

void job_get_info(struct object *object, struct job_info *ret_info)
{
    struct job_queue *queue = &object->jobs;

    g_mutex_lock(&queue->lock);
    *ret_info = info_of(queue);
    g_mutex_unlock(&queue->lock);
}

/* Those who wait fail; an async job on its way back still gets its turn. */
void job_queue_close(struct job_queue *queue)
{
    GList *next;

    g_mutex_lock(&queue->lock);
    queue->closed = true;
    for (GList *link = queue->waiting.head; link; link = next) {
        struct job *job = link->data;

        next = link->next;
        if (job->returning)
            continue;
        job->gone = true;
        g_queue_delete_link(&queue->waiting, link);
        g_cond_signal(&job->wake);
    }
    g_mutex_unlock(&queue->lock);
}

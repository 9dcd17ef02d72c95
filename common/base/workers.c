/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"

/* Handlers keep documents in arenas, so threads need little; sanitizers fatten frames. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (2048 * 1024)
#else
#define STACK_SIZE (256 * 1024)
#endif

/* How long a thread above the minimum waits for work before it ends. */
#define IDLE_MILLISECONDS 10000
#define LONGEST_NAME 15
/* Threads that wait are made up for by as many at most. */
#define WAITING_MOST 1024

struct work {
    struct work *next;
    void (*run)(void *data);
    void *data;
};

struct queue {
    struct work *first, *last;
    unsigned length;
};

/* One class of threads. */
struct crew {
    unsigned threads, idle, waiting;
    pthread_cond_t wake;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a thread ended, or finished its work */
    struct workers_limits limits;
    struct queue ordinary, priority;
    struct crew crew, priority_crew;
    unsigned running;
    bool stopping;
    bool has_ended;  /* a thread, which nobody has joined yet */
    pthread_t ended; /* it; it has joined the one before it */
    char name[LONGEST_NAME + 1];
};

static __thread struct thread { /* of ours; else NULL */
    struct workers *workers;
    struct crew *crew;
} me;

static struct timespec after(long milliseconds)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += milliseconds / 1000;
    time.tv_nsec += milliseconds % 1000 * 1000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void queue_add(struct queue *queue, struct work *work)
{
    if (queue->last)
        queue->last->next = work;
    else
        queue->first = work;
    queue->last = work;
    queue->length++;
}

static struct work *queue_take(struct queue *queue)
{
    struct work *work = queue->first;

    if (!work)
        return NULL;
    queue->first = work->next;
    if (!queue->first)
        queue->last = NULL;
    queue->length--;
    return work;
}

static struct work *next_work(struct workers *workers, const struct crew *crew)
{
    struct work *work = queue_take(&workers->priority);

    return work || crew == &workers->priority_crew ? work : queue_take(&workers->ordinary);
}

static unsigned most_threads(const struct workers *workers, const struct crew *crew)
{
    unsigned most = crew == &workers->crew ? workers->limits.maximum : workers->limits.priority;

    return most + MIN(crew->waiting, WAITING_MOST);
}

/* Priority threads cost little while they sleep and must be there at once when all is stuck. */
static unsigned kept_threads(const struct workers *workers, const struct crew *crew)
{
    return crew == &workers->crew ? workers->limits.minimum : workers->limits.priority;
}

/* With the lock held. True when the thread should end instead of waiting (longer). */
static bool is_surplus(const struct workers *workers, const struct crew *crew, bool waited)
{
    if (workers->stopping || crew->threads > most_threads(workers, crew))
        return true;
    return waited && crew->threads > kept_threads(workers, crew);
}

/* With the lock held, which is released while waiting. False when the thread should end. */
static bool wait_for_work(struct workers *workers, struct crew *crew, struct work **ret_work)
{
    bool waited = false;

    while (crew->threads <= most_threads(workers, crew)) {
        *ret_work = next_work(workers, crew);
        if (*ret_work)
            return true;
        if (is_surplus(workers, crew, waited))
            return false;
        struct timespec deadline = after(IDLE_MILLISECONDS);
        crew->idle++;
        waited = pthread_cond_timedwait(&crew->wake, &workers->lock, &deadline) == ETIMEDOUT;
        crew->idle--;
    }
    return false;
}

/* With the lock held, which is released: a thread's last act. What libraries keep for a thread is
 * freed after that, so that all must be joined before the process ends and the libraries with it.
 */
static void end_thread(struct workers *workers, struct crew *crew)
{
    bool has_ended = workers->has_ended;
    pthread_t ended = workers->ended;

    workers->has_ended = true;
    workers->ended = pthread_self();
    crew->threads--;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    if (has_ended)
        pthread_join(ended, NULL);
}

static void *thread_main(void *data)
{
    struct work *work;

    me = *(struct thread *)data;
    g_free(data);
    struct workers *workers = me.workers;
    struct crew *crew = me.crew;
    pthread_setname_np(pthread_self(), workers->name);
    pthread_mutex_lock(&workers->lock);
    while (wait_for_work(workers, crew, &work)) {
        workers->running++;
        pthread_mutex_unlock(&workers->lock);
        work->run(work->data);
        g_free(work);
        pthread_mutex_lock(&workers->lock);
        workers->running--;
        pthread_cond_broadcast(&workers->changed);
    }
    end_thread(workers, crew);
    return NULL;
}

static bool create_thread(struct thread *thread)
{
    pthread_attr_t attributes;
    pthread_t id;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    bool created = pthread_create(&id, &attributes, thread_main, thread) == 0;
    pthread_attr_destroy(&attributes);
    return created;
}

/* With the lock held: has one more thread look at the queue. False when the crew is at work whole.
 */
static bool summon(struct workers *workers, struct crew *crew, unsigned waiting)
{
    if (crew->idle >= waiting) {
        pthread_cond_signal(&crew->wake);
        return true;
    }
    if (crew->threads >= most_threads(workers, crew))
        return false;
    struct thread *thread = g_new(struct thread, 1);
    *thread = (struct thread){workers, crew};
    crew->threads++;
    if (create_thread(thread))
        return true;
    /* Short of threads: those that run take the work later. With none at all nothing ever would. */
    crew->threads--;
    g_free(thread);
    if (workers->crew.threads + workers->priority_crew.threads == 0)
        g_error("cannot create a worker thread");
    return false;
}

/* For the crew to take. */
static unsigned queued_work(const struct workers *workers, const struct crew *crew)
{
    return workers->priority.length + (crew == &workers->crew ? workers->ordinary.length : 0);
}

struct workers *workers_new(const char *name, const struct workers_limits *limits)
{
    struct workers *workers = g_new0(struct workers, 1);

    pthread_mutex_init(&workers->lock, NULL);
    init_condition(&workers->changed);
    init_condition(&workers->crew.wake);
    init_condition(&workers->priority_crew.wake);
    workers->limits = *limits;
    workers->limits.maximum = MAX(limits->maximum, 1);
    snprintf(workers->name, sizeof(workers->name), "%s", name);
    return workers;
}

void workers_push(struct workers *workers, void (*run)(void *data), void *data, bool priority)
{
    struct work *work = g_new(struct work, 1);

    *work = (struct work){NULL, run, data};
    pthread_mutex_lock(&workers->lock);
    queue_add(priority ? &workers->priority : &workers->ordinary, work);
    if (!summon(workers, &workers->crew, queued_work(workers, &workers->crew)) && priority)
        summon(workers, &workers->priority_crew, workers->priority.length);
    pthread_mutex_unlock(&workers->lock);
}

int workers_set_limits(struct workers *workers, const struct workers_limits *limits, GError **error)
{
    if (!limits->maximum || limits->minimum > limits->maximum) {
        error_set(error, VIR_ERR_INVALID_ARG, "%u workers at least and %u at most", limits->minimum,
                  limits->maximum);
        return -1;
    }
    pthread_mutex_lock(&workers->lock);
    workers->limits = *limits;
    for (unsigned i = queued_work(workers, &workers->crew); i > 0; i--)
        summon(workers, &workers->crew, i);
    pthread_cond_broadcast(&workers->crew.wake);
    pthread_cond_broadcast(&workers->priority_crew.wake);
    pthread_mutex_unlock(&workers->lock);
    return 0;
}

void workers_begin_wait(void)
{
    if (!me.workers)
        return;
    pthread_mutex_lock(&me.workers->lock);
    me.crew->waiting++;
    unsigned queued = queued_work(me.workers, me.crew);
    if (queued)
        summon(me.workers, me.crew, queued);
    pthread_mutex_unlock(&me.workers->lock);
}

void workers_end_wait(void)
{
    if (!me.workers)
        return;
    pthread_mutex_lock(&me.workers->lock);
    me.crew->waiting--;
    pthread_mutex_unlock(&me.workers->lock);
}

void workers_get_limits(struct workers *workers, struct workers_limits *ret_limits)
{
    pthread_mutex_lock(&workers->lock);
    *ret_limits = workers->limits;
    pthread_mutex_unlock(&workers->lock);
}

void workers_get_stats(struct workers *workers, struct workers_stats *ret_stats)
{
    pthread_mutex_lock(&workers->lock);
    *ret_stats = (struct workers_stats){
        .threads = workers->crew.threads,
        .idle = workers->crew.idle,
        .priority_threads = workers->priority_crew.threads,
        .priority_idle = workers->priority_crew.idle,
        .queued = queued_work(workers, &workers->crew),
    };
    pthread_mutex_unlock(&workers->lock);
}

static bool is_quiet(const struct workers *workers)
{
    return !workers->running && !queued_work(workers, &workers->crew);
}

bool workers_drain(struct workers *workers, int milliseconds)
{
    struct timespec deadline = after(MAX(milliseconds, 0));
    bool in_time = true;

    pthread_mutex_lock(&workers->lock);
    while (in_time && !is_quiet(workers)) {
        if (milliseconds < 0)
            pthread_cond_wait(&workers->changed, &workers->lock);
        else
            in_time = pthread_cond_timedwait(&workers->changed, &workers->lock, &deadline) == 0;
    }
    bool quiet = is_quiet(workers);
    pthread_mutex_unlock(&workers->lock);
    return quiet;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    workers_drain(workers, -1);
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->crew.wake);
    pthread_cond_broadcast(&workers->priority_crew.wake);
    while (workers->crew.threads || workers->priority_crew.threads)
        pthread_cond_wait(&workers->changed, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
    if (workers->has_ended)
        pthread_join(workers->ended, NULL);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->changed);
    pthread_cond_destroy(&workers->crew.wake);
    pthread_cond_destroy(&workers->priority_crew.wake);
    g_free(workers);
}

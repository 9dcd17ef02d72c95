/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only in builds with -Dsanitize=thread. The system's GLib is built without instrumentation and has
 * locks of its own making, so that ThreadSanitizer sees none of the order they bring about and
 * reports every access under them. Here are the same functions over pthread's locks and the
 * compiler's atomics, which it knows; the linker prefers them to the library's. GLib's allocator
 * needs G_SLICE=always-malloc in the environment for the same reason.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* GLib makes a lock of its own at the first error, which has to be known to all threads. */
__attribute__((constructor)) static void make_lock_of_errors(void)
{
    g_error_free(g_error_new_literal(G_CONVERT_ERROR, 0, ""));
}

/* What a GMutex or GCond points to is made at its first use, as a zeroed one is valid. */
static void *get_or_make(gpointer *place, void *(*make)(void), void (*unmake)(void *))
{
    void *current = g_atomic_pointer_get(place);
    void *made;

    if (current)
        return current;
    made = make();
    if (g_atomic_pointer_compare_and_exchange(place, NULL, made))
        return made;
    unmake(made);
    return g_atomic_pointer_get(place);
}

static void *make_mutex(void)
{
    pthread_mutex_t *mutex = malloc(sizeof(*mutex));

    pthread_mutex_init(mutex, NULL);
    return mutex;
}

static void unmake_mutex(void *mutex)
{
    pthread_mutex_destroy(mutex);
    free(mutex);
}

static pthread_mutex_t *mutex_of(GMutex *mutex)
{
    return get_or_make(&mutex->p, make_mutex, unmake_mutex);
}

void(g_mutex_init)(GMutex *mutex)
{
    mutex->p = make_mutex();
}

void(g_mutex_clear)(GMutex *mutex)
{
    if (mutex->p)
        unmake_mutex(mutex->p);
    mutex->p = NULL;
}

void(g_mutex_lock)(GMutex *mutex)
{
    pthread_mutex_lock(mutex_of(mutex));
}

gboolean(g_mutex_trylock)(GMutex *mutex)
{
    return pthread_mutex_trylock(mutex_of(mutex)) == 0;
}

void(g_mutex_unlock)(GMutex *mutex)
{
    pthread_mutex_unlock(mutex_of(mutex));
}

static void *make_cond(void)
{
    pthread_cond_t *cond = malloc(sizeof(*cond));
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return cond;
}

static void unmake_cond(void *cond)
{
    pthread_cond_destroy(cond);
    free(cond);
}

static pthread_cond_t *cond_of(GCond *cond)
{
    return get_or_make(&cond->p, make_cond, unmake_cond);
}

void g_cond_init(GCond *cond)
{
    cond->p = make_cond();
}

void g_cond_clear(GCond *cond)
{
    if (cond->p)
        unmake_cond(cond->p);
    cond->p = NULL;
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    pthread_cond_wait(cond_of(cond), mutex_of(mutex));
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    struct timespec end = {
        .tv_sec = end_time / G_TIME_SPAN_SECOND,
        .tv_nsec = end_time % G_TIME_SPAN_SECOND * 1000,
    };

    return pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), &end) != ETIMEDOUT;
}

void g_cond_signal(GCond *cond)
{
    pthread_cond_signal(cond_of(cond));
}

void g_cond_broadcast(GCond *cond)
{
    pthread_cond_broadcast(cond_of(cond));
}

/* ---- counted memory ---- */

struct counted {
    gint references;
    gsize padding; /* keeps the block aligned for any type */
    char block[];
};

static struct counted *counted_of(gpointer block)
{
    return (struct counted *)((char *)block - offsetof(struct counted, block));
}

gpointer g_atomic_rc_box_alloc0(gsize size)
{
    struct counted *counted = g_malloc0(sizeof(*counted) + size);

    counted->references = 1;
    return counted->block;
}

gpointer g_atomic_rc_box_alloc(gsize size)
{
    return g_atomic_rc_box_alloc0(size);
}

gpointer(g_atomic_rc_box_acquire)(gpointer block)
{
    g_atomic_int_inc(&counted_of(block)->references);
    return block;
}

void g_atomic_rc_box_release_full(gpointer block, GDestroyNotify clear)
{
    if (!g_atomic_int_dec_and_test(&counted_of(block)->references))
        return;
    if (clear)
        clear(block);
    g_free(counted_of(block));
}

void g_atomic_rc_box_release(gpointer block)
{
    g_atomic_rc_box_release_full(block, NULL);
}

char *g_ref_string_new(const char *text)
{
    gsize size = strlen(text) + 1;

    return memcpy(g_atomic_rc_box_alloc0(size), text, size);
}

char *g_ref_string_acquire(char *string)
{
    return (g_atomic_rc_box_acquire)(string);
}

void g_ref_string_release(char *string)
{
    g_atomic_rc_box_release(string);
}

void(g_atomic_ref_count_init)(gatomicrefcount *count)
{
    *count = 1;
}

void(g_atomic_ref_count_inc)(gatomicrefcount *count)
{
    g_atomic_int_inc(count);
}

gboolean(g_atomic_ref_count_dec)(gatomicrefcount *count)
{
    return g_atomic_int_dec_and_test(count);
}

/* ---- words that GLib keeps, under a lock that nobody sees ---- */

static pthread_mutex_t words = PTHREAD_MUTEX_INITIALIZER;

GQuark g_quark_from_string(const char *text)
{
    GQuark (*theirs)(const char *) = dlsym(RTLD_NEXT, "g_quark_from_string");

    pthread_mutex_lock(&words);
    GQuark quark = theirs(text);
    pthread_mutex_unlock(&words);
    return quark;
}

const char *g_quark_to_string(GQuark quark)
{
    const char *(*theirs)(GQuark) = dlsym(RTLD_NEXT, "g_quark_to_string");

    pthread_mutex_lock(&words);
    const char *text = theirs(quark);
    pthread_mutex_unlock(&words);
    return text;
}

const char *g_intern_string(const char *text)
{
    const char *(*theirs)(const char *) = dlsym(RTLD_NEXT, "g_intern_string");

    pthread_mutex_lock(&words);
    const char *kept = theirs(text);
    pthread_mutex_unlock(&words);
    return kept;
}

/* ---- pools of threads ---- */

/* Of one thread that pushes; each piece of work has a thread of its own, max of them at once. */
struct pool {
    GThreadPool shown;
    guint most;
    GQueue threads;
};

struct pool_work {
    const GThreadPool *pool;
    gpointer data;
};

static gpointer run_pool_work(gpointer data)
{
    g_autofree struct pool_work *work = data;

    work->pool->func(work->data, work->pool->user_data);
    return NULL;
}

GThreadPool *g_thread_pool_new(GFunc function, gpointer user, gint most, gboolean exclusive,
                               GError **error)
{
    struct pool *pool = g_new0(struct pool, 1);

    pool->shown = (GThreadPool){.func = function, .user_data = user, .exclusive = exclusive};
    pool->most = (guint)most;
    return &pool->shown;
}

gboolean g_thread_pool_push(GThreadPool *shown, gpointer data, GError **error)
{
    struct pool *pool = (struct pool *)shown;
    struct pool_work *work = g_new(struct pool_work, 1);

    *work = (struct pool_work){shown, data};
    if (pool->threads.length >= pool->most)
        g_thread_join(g_queue_pop_head(&pool->threads));
    g_queue_push_tail(&pool->threads, g_thread_new("pool", run_pool_work, work));
    return TRUE;
}

void g_thread_pool_free(GThreadPool *shown, gboolean immediate, gboolean wait)
{
    struct pool *pool = (struct pool *)shown;
    GThread *thread;

    while ((thread = g_queue_pop_head(&pool->threads)))
        g_thread_join(thread);
    g_free(pool);
}

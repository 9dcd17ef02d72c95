/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

enum {
    LOOP_EVENTS = 64, /* taken from epoll at a time */
};

struct loop_source {
    struct loop *loop;
    int fd;
    uint32_t events;
    bool removed;
    bool always_ready; /* a regular file: not in the epoll set */
    loop_fd_function function;
    void *data;
    struct loop_source *next; /* among the removed */
};

struct loop_timer {
    struct loop *loop;
    int64_t due;
    int64_t period; /* 0: fires once */
    size_t index;   /* in the heap + 1; 0: stopped */
    loop_timer_function function;
    void *data;
};

struct loop_signal {
    struct loop *loop;
    int number;
    loop_signal_function function;
    void *data;
};

struct post {
    loop_function function;
    void *data;
    struct post *next;
};

struct loop {
    int epoll;
    int64_t now;
    _Atomic(const void *) thread;
    atomic_bool quit;

    struct loop_source *removed; /* freed at the end of the round: epoll may have named them */
    GPtrArray *always_ready;
    GPtrArray *timers; /* a heap by due */

    int wake; /* eventfd */
    struct loop_source *wake_source;
    pthread_mutex_t lock; /* of the next three */
    struct post *posts, **last_post;
    bool sleeping;

    int signal_fd;
    struct loop_source *signal_source;
    sigset_t signal_set;
    struct loop_signal *signals[_NSIG];

    void *scratch;
    size_t scratch_size;
};

/* Its address is different in each thread, and cheaper to get than a thread id. */
static __thread char thread_mark;

static int64_t monotonic_milliseconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* sources */

static bool source_needs_calling(const struct loop_source *source)
{
    return source->always_ready && source->events && !source->removed;
}

static int source_register(struct loop_source *source)
{
    struct epoll_event event = {.events = source->events, .data.ptr = source};

    if (epoll_ctl(source->loop->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0)
        return 0;
    if (errno != EPERM)
        return -1;
    source->always_ready = true;
    g_ptr_array_add(source->loop->always_ready, source);
    return 0;
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
                                loop_fd_function function, void *data, GError **error)
{
    struct loop_source *source = g_new(struct loop_source, 1);

    *source = (struct loop_source){
        .loop = loop, .fd = fd, .events = events, .function = function, .data = data};
    if (source_register(source) < 0) {
        error_set_errno(error, errno, "cannot watch descriptor %d", fd);
        g_free(source);
        return NULL;
    }
    return source;
}

void loop_source_set_events(struct loop_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    if (source->events == events || source->removed)
        return;
    source->events = events;
    if (!source->always_ready)
        epoll_ctl(source->loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_source_remove(struct loop_source *source)
{
    if (!source || source->removed)
        return;
    source->removed = true;
    if (source->always_ready)
        g_ptr_array_remove(source->loop->always_ready, source);
    else
        epoll_ctl(source->loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    source->next = source->loop->removed;
    source->loop->removed = source;
}

static void loop_free_removed(struct loop *loop)
{
    while (loop->removed) {
        struct loop_source *source = loop->removed;

        loop->removed = source->next;
        g_free(source);
    }
}

/* timers: a binary heap; every timer knows its place, so that restart and remove are O(log n) */

static struct loop_timer *heap_at(struct loop *loop, size_t index)
{
    return g_ptr_array_index(loop->timers, index - 1);
}

static void heap_put(struct loop *loop, size_t index, struct loop_timer *timer)
{
    g_ptr_array_index(loop->timers, index - 1) = timer;
    timer->index = index;
}

static void heap_rise(struct loop *loop, struct loop_timer *timer)
{
    size_t index = timer->index;

    for (; index > 1 && heap_at(loop, index / 2)->due > timer->due; index /= 2)
        heap_put(loop, index, heap_at(loop, index / 2));
    heap_put(loop, index, timer);
}

static void heap_sink(struct loop *loop, struct loop_timer *timer)
{
    size_t index = timer->index, count = loop->timers->len;

    for (size_t child = index * 2; child <= count; child = index * 2) {
        if (child < count && heap_at(loop, child + 1)->due < heap_at(loop, child)->due)
            child++;
        if (heap_at(loop, child)->due >= timer->due)
            break;
        heap_put(loop, index, heap_at(loop, child));
        index = child;
    }
    heap_put(loop, index, timer);
}

static void heap_insert(struct loop *loop, struct loop_timer *timer)
{
    g_ptr_array_add(loop->timers, timer);
    timer->index = loop->timers->len;
    heap_rise(loop, timer);
}

void loop_timer_stop(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    size_t index = timer->index;
    struct loop_timer *last;

    if (!index)
        return;
    last = heap_at(loop, loop->timers->len);
    g_ptr_array_set_size(loop->timers, loop->timers->len - 1);
    timer->index = 0;
    if (last == timer)
        return;
    heap_put(loop, index, last);
    heap_rise(loop, last);
    heap_sink(loop, last);
}

void loop_timer_restart(struct loop_timer *timer, int64_t milliseconds)
{
    loop_timer_stop(timer);
    if (timer->period)
        timer->period = MAX(milliseconds, 1);
    timer->due = monotonic_milliseconds() + MAX(milliseconds, 0);
    heap_insert(timer->loop, timer);
}

static struct loop_timer *timer_new(struct loop *loop, int64_t milliseconds, int64_t period,
                                    loop_timer_function function, void *data)
{
    struct loop_timer *timer = g_new0(struct loop_timer, 1);

    *timer =
        (struct loop_timer){.loop = loop, .period = period, .function = function, .data = data};
    loop_timer_restart(timer, milliseconds);
    return timer;
}

struct loop_timer *loop_add_timer(struct loop *loop, int64_t milliseconds,
                                  loop_timer_function function, void *data)
{
    return timer_new(loop, milliseconds, 0, function, data);
}

struct loop_timer *loop_add_periodic(struct loop *loop, int64_t milliseconds,
                                     loop_timer_function function, void *data)
{
    return timer_new(loop, milliseconds, MAX(milliseconds, 1), function, data);
}

void loop_timer_remove(struct loop_timer *timer)
{
    if (!timer)
        return;
    loop_timer_stop(timer);
    g_free(timer);
}

/* Before its callback a timer is already stopped or set anew: the callback may do with it what it
 * likes. Those that a callback sets to "now" wait for the next round. */
static void loop_run_timers(struct loop *loop)
{
    for (size_t n = loop->timers->len; n && loop->timers->len; n--) {
        struct loop_timer *timer = heap_at(loop, 1);

        if (timer->due > loop->now)
            return;
        loop_timer_stop(timer);
        if (timer->period) {
            timer->due = loop->now + timer->period;
            heap_insert(loop, timer);
        }
        timer->function(timer, timer->data);
    }
}

/* posts */

static void loop_wake(struct loop *loop)
{
    uint64_t one = 1;

    while (write(loop->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void loop_post(struct loop *loop, loop_function function, void *data)
{
    struct post *post = g_new(struct post, 1);
    bool asleep;

    *post = (struct post){.function = function, .data = data};
    pthread_mutex_lock(&loop->lock);
    *loop->last_post = post;
    loop->last_post = &post->next;
    asleep = loop->sleeping;
    loop->sleeping = false;
    pthread_mutex_unlock(&loop->lock);
    if (asleep)
        loop_wake(loop);
}

static struct post *loop_take_posts(struct loop *loop)
{
    struct post *posts;

    pthread_mutex_lock(&loop->lock);
    loop->sleeping = false;
    posts = loop->posts;
    loop->posts = NULL;
    loop->last_post = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    return posts;
}

static void loop_run_posts(struct loop *loop)
{
    struct post *next;

    for (struct post *post = loop_take_posts(loop); post; post = next) {
        next = post->next;
        post->function(post->data);
        g_free(post);
    }
}

/* True if the loop may sleep: from now on a post wakes it. */
static bool loop_try_sleep(struct loop *loop)
{
    bool may_sleep;

    pthread_mutex_lock(&loop->lock);
    may_sleep = !loop->posts && !atomic_load(&loop->quit);
    loop->sleeping = may_sleep;
    pthread_mutex_unlock(&loop->lock);
    return may_sleep;
}

/* Waking was all. The eventfd is never read: it is watched for its changes, not for its value. */
static void wake_ready(struct loop_source *source, uint32_t events, void *data)
{
}

/* signals */

static void signal_ready(struct loop_source *source, uint32_t events, void *data)
{
    struct loop *loop = data;
    struct signalfd_siginfo info;
    struct loop_signal *signal;

    if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    signal = info.ssi_signo < _NSIG ? loop->signals[info.ssi_signo] : NULL;
    if (signal)
        signal->function(signal->number, signal->data);
}

static int loop_open_signals(struct loop *loop, GError **error)
{
    if (loop->signal_source)
        return 0;
    sigemptyset(&loop->signal_set);
    loop->signal_fd = signalfd(-1, &loop->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0) {
        error_set_errno(error, errno, "cannot make a signalfd");
        return -1;
    }
    loop->signal_source = loop_add_fd(loop, loop->signal_fd, EPOLLIN, signal_ready, loop, error);
    return loop->signal_source ? 0 : -1;
}

struct loop_signal *loop_add_signal(struct loop *loop, int number, loop_signal_function function,
                                    void *data, GError **error)
{
    struct loop_signal *signal;
    sigset_t set;

    if (number < 1 || number >= _NSIG || loop->signals[number]) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "signal %d is taken or does not exist", number);
        return NULL;
    }
    if (loop_open_signals(loop, error) < 0)
        return NULL;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaddset(&loop->signal_set, number);
    signalfd(loop->signal_fd, &loop->signal_set, 0);
    signal = g_new(struct loop_signal, 1);
    *signal =
        (struct loop_signal){.loop = loop, .number = number, .function = function, .data = data};
    loop->signals[number] = signal;
    return signal;
}

void loop_signal_remove(struct loop_signal *signal)
{
    struct loop *loop;

    if (!signal)
        return;
    loop = signal->loop;
    sigdelset(&loop->signal_set, signal->number);
    signalfd(loop->signal_fd, &loop->signal_set, 0);
    loop->signals[signal->number] = NULL;
    g_free(signal);
}

/* the loop */

static int loop_open(struct loop *loop, GError **error)
{
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll < 0 || loop->wake < 0) {
        error_set_errno(error, errno, "cannot make an event loop");
        return -1;
    }
    loop->wake_source = loop_add_fd(loop, loop->wake, EPOLLIN | EPOLLET, wake_ready, loop, error);
    return loop->wake_source ? 0 : -1;
}

struct loop *loop_new(GError **error)
{
    struct loop *loop = g_new0(struct loop, 1);

    loop->signal_fd = loop->epoll = loop->wake = -1;
    loop->now = monotonic_milliseconds();
    atomic_init(&loop->thread, &thread_mark);
    loop->last_post = &loop->posts;
    pthread_mutex_init(&loop->lock, NULL);
    loop->always_ready = g_ptr_array_new();
    loop->timers = g_ptr_array_new();
    if (loop_open(loop, error) < 0) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->posts)
        loop_run_posts(loop);
    for (int i = 0; i < _NSIG; i++)
        loop_signal_remove(loop->signals[i]);
    while (loop->timers->len)
        loop_timer_remove(heap_at(loop, loop->timers->len));
    loop_source_remove(loop->wake_source);
    loop_source_remove(loop->signal_source);
    loop_free_removed(loop);
    fd_clear(&loop->wake);
    fd_clear(&loop->signal_fd);
    fd_clear(&loop->epoll);
    g_ptr_array_free(loop->always_ready, TRUE);
    g_ptr_array_free(loop->timers, TRUE);
    pthread_mutex_destroy(&loop->lock);
    g_free(loop->scratch);
    g_free(loop);
}

static bool loop_has_always_ready(struct loop *loop)
{
    for (unsigned i = 0; i < loop->always_ready->len; i++)
        if (source_needs_calling(g_ptr_array_index(loop->always_ready, i)))
            return true;
    return false;
}

/* Milliseconds until the first timer, at most limit (-1: for ever). */
static int loop_wait_time(struct loop *loop, int limit)
{
    int64_t wait;

    if (limit == 0 || loop_has_always_ready(loop))
        return 0;
    if (!loop->timers->len)
        return limit;
    wait = CLAMP(heap_at(loop, 1)->due - monotonic_milliseconds(), 0, G_MAXINT);
    return limit < 0 ? (int)wait : MIN(limit, (int)wait);
}

/* Backwards, so that a callback may remove its own or a later source; a source that a callback
 * moved is met in the next round. */
static void loop_run_always_ready(struct loop *loop)
{
    for (unsigned i = loop->always_ready->len; i-- > 0;) {
        struct loop_source *source;

        if (i >= loop->always_ready->len)
            continue;
        source = g_ptr_array_index(loop->always_ready, i);
        if (source_needs_calling(source))
            source->function(source, source->events, source->data);
    }
}

void loop_step(struct loop *loop, int milliseconds)
{
    struct epoll_event events[LOOP_EVENTS];
    int wait = loop_wait_time(loop, milliseconds);
    int count;

    if (wait != 0 && !loop_try_sleep(loop))
        wait = 0;
    count = epoll_wait(loop->epoll, events, LOOP_EVENTS, wait);
    loop->now = monotonic_milliseconds();
    loop_run_posts(loop);
    for (int i = 0; i < count; i++) {
        struct loop_source *source = events[i].data.ptr;

        if (!source->removed)
            source->function(source, events[i].events, source->data);
    }
    if (loop->always_ready->len)
        loop_run_always_ready(loop);
    loop_run_timers(loop);
    loop_free_removed(loop);
}

void loop_run(struct loop *loop)
{
    atomic_store(&loop->thread, &thread_mark);
    while (!atomic_load(&loop->quit))
        loop_step(loop, -1);
    atomic_store(&loop->quit, false);
}

void loop_quit(struct loop *loop)
{
    atomic_store(&loop->quit, true);
    loop_wake(loop);
}

bool loop_is_current(const struct loop *loop)
{
    return atomic_load_explicit(&loop->thread, memory_order_relaxed) == &thread_mark;
}

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

void *loop_scratch(struct loop *loop, size_t size)
{
    if (size > loop->scratch_size) {
        g_free(loop->scratch);
        loop->scratch = g_malloc(size);
        loop->scratch_size = size;
    }
    return loop->scratch;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

static struct loop *new_loop(void)
{
    g_autoptr(GError) error = NULL;
    struct loop *loop = loop_new(&error);

    g_assert_no_error(error);
    return loop;
}

static struct loop_source *watch(struct loop *loop, int fd, uint32_t events,
                                 loop_fd_function function, void *data)
{
    g_autoptr(GError) error = NULL;
    struct loop_source *source = loop_add_fd(loop, fd, events, function, data, &error);

    g_assert_no_error(error);
    return source;
}

static void count_call(void *data)
{
    ++*(int *)data;
}

static void count_ready(struct loop_source *source, uint32_t events, void *data)
{
    ++*(int *)data;
}

static void count_timer(struct loop_timer *timer, void *data)
{
    ++*(int *)data;
}

static void quit_timer(struct loop_timer *timer, void *data)
{
    loop_quit(data);
}

/* descriptors */

static void test_ready(void)
{
    struct loop *loop = new_loop();
    int pair[2], calls = 0;
    struct loop_source *source;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    source = watch(loop, pair[0], EPOLLIN, count_ready, &calls);
    loop_step(loop, 0);
    g_assert_cmpint(calls, ==, 0);
    g_assert_cmpint(write(pair[1], "x", 1), ==, 1);
    loop_step(loop, -1);
    loop_step(loop, -1);
    g_assert_cmpint(calls, ==, 2); /* level-triggered: it is still readable */
    loop_source_set_events(source, 0);
    loop_step(loop, 0);
    g_assert_cmpint(calls, ==, 2);
    loop_source_set_events(source, EPOLLIN | EPOLLOUT);
    loop_step(loop, -1);
    g_assert_cmpint(calls, ==, 3);
    loop_source_remove(source);
    loop_step(loop, 0);
    g_assert_cmpint(calls, ==, 3);
    close(pair[0]);
    close(pair[1]);
    loop_free(loop);
}

struct couple {
    struct loop_source *sources[2];
    int calls;
};

static void remove_both(struct loop_source *source, uint32_t events, void *data)
{
    struct couple *couple = data;

    couple->calls++;
    loop_source_remove(g_steal_pointer(&couple->sources[0]));
    loop_source_remove(g_steal_pointer(&couple->sources[1]));
}

/* Both are ready in one round; whichever comes first removes itself and the other. */
static void test_remove_inside(void)
{
    struct loop *loop = new_loop();
    struct couple couple = {0};
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    for (int i = 0; i < 2; i++)
        couple.sources[i] = watch(loop, pair[i], EPOLLOUT, remove_both, &couple);
    loop_step(loop, -1);
    loop_step(loop, 0);
    g_assert_cmpint(couple.calls, ==, 1);
    close(pair[0]);
    close(pair[1]);
    loop_free(loop);
}

static void test_regular_file(void)
{
    struct loop *loop = new_loop();
    g_autofree char *path = NULL;
    autofd int fd = g_file_open_tmp("modvirt-loop-XXXXXX", &path, NULL);
    struct loop_source *source;
    int calls = 0;

    unlink(path);
    source = watch(loop, fd, EPOLLIN, count_ready, &calls);
    loop_step(loop, -1);
    loop_step(loop, -1);
    g_assert_cmpint(calls, ==, 2);
    loop_source_set_events(source, 0);
    loop_step(loop, 0);
    g_assert_cmpint(calls, ==, 2);
    loop_source_remove(source);
    loop_free(loop);
}

static void test_bad_fd(void)
{
    struct loop *loop = new_loop();
    g_autoptr(GError) error = NULL;

    g_assert_null(loop_add_fd(loop, 1023, EPOLLIN, count_ready, NULL, &error));
    g_assert_nonnull(error);
    loop_free(loop);
}

/* A thousand idle descriptors are not looked at when another one is busy. */
static void test_idle_costs_nothing(void)
{
    enum { IDLE = 400, ROUNDS = 20000 };
    struct loop *loop = new_loop();
    struct loop_source *sources[IDLE + 1];
    int fds[IDLE + 1][2], calls = 0;
    double with_idle, alone;

    for (int i = 0; i <= IDLE; i++) {
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), ==, 0);
        sources[i] = watch(loop, fds[i][0], i ? EPOLLIN : EPOLLOUT, count_ready, &calls);
    }
    g_test_timer_start();
    for (int i = 0; i < ROUNDS; i++)
        loop_step(loop, -1);
    with_idle = g_test_timer_elapsed();
    for (int i = 1; i <= IDLE; i++)
        loop_source_remove(sources[i]);
    g_test_timer_start();
    for (int i = 0; i < ROUNDS; i++)
        loop_step(loop, -1);
    alone = g_test_timer_elapsed();
    g_assert_cmpint(calls, ==, 2 * ROUNDS);
    g_assert_cmpfloat(with_idle, <, 4 * alone + 0.2);
    loop_source_remove(sources[0]);
    for (int i = 0; i <= IDLE; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
    loop_free(loop);
}

/* timers */

struct order {
    int count;
    int seen[4];
};

struct mark {
    struct order *order;
    int value;
};

static void note_timer(struct loop_timer *timer, void *data)
{
    struct mark *mark = data;

    mark->order->seen[mark->order->count++] = mark->value;
}

static void test_timer_order(void)
{
    struct loop *loop = new_loop();
    struct order order = {0};
    struct mark marks[4] = {{&order, 30}, {&order, 10}, {&order, 20}, {&order, 15}};
    struct loop_timer *timers[4];

    for (int i = 0; i < 4; i++)
        timers[i] = loop_add_timer(loop, marks[i].value, note_timer, &marks[i]);
    loop_timer_stop(timers[3]);
    while (order.count < 3)
        loop_step(loop, -1);
    g_assert_cmpint(order.seen[0], ==, 10);
    g_assert_cmpint(order.seen[1], ==, 20);
    g_assert_cmpint(order.seen[2], ==, 30);
    for (int i = 0; i < 4; i++)
        loop_timer_remove(timers[i]);
    loop_free(loop);
}

static void remove_self(struct loop_timer *timer, void *data)
{
    ++*(int *)data;
    loop_timer_remove(timer);
}

static void test_timer_inside(void)
{
    struct loop *loop = new_loop();
    int removed = 0, periodic = 0, once = 0;
    struct loop_timer *timer, *single;

    loop_add_periodic(loop, 1, remove_self, &removed);
    timer = loop_add_periodic(loop, 2, count_timer, &periodic);
    single = loop_add_timer(loop, 1, count_timer, &once);
    while (periodic < 5)
        loop_step(loop, -1);
    g_assert_cmpint(removed, ==, 1);
    g_assert_cmpint(once, ==, 1);
    loop_timer_restart(single, 1);
    while (once < 2)
        loop_step(loop, -1);
    loop_timer_remove(timer);
    loop_timer_remove(single);
    loop_free(loop);
}

static void test_many_timers(void)
{
    enum { TIMERS = 20000 };
    struct loop *loop = new_loop();
    g_autofree struct loop_timer **timers = g_new(struct loop_timer *, TIMERS);
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    int calls = 0;

    g_test_timer_start();
    for (int i = 0; i < TIMERS; i++)
        timers[i] =
            loop_add_timer(loop, 60000 + g_rand_int_range(random, 0, 60000), count_timer, &calls);
    for (int i = 0; i < 5 * TIMERS; i++)
        loop_timer_restart(timers[g_rand_int_range(random, 0, TIMERS)],
                           60000 + g_rand_int_range(random, 0, 60000));
    for (int i = 0; i < TIMERS; i += 2)
        loop_timer_restart(timers[i], 0);
    while (calls < TIMERS / 2)
        loop_step(loop, -1);
    g_assert_cmpfloat(g_test_timer_elapsed(), <, 5);
    g_assert_cmpint(calls, ==, TIMERS / 2);
    for (int i = 0; i < TIMERS; i++)
        loop_timer_remove(timers[i]);
    loop_free(loop);
}

/* posts */

struct poster {
    struct loop *loop;
    int *calls;
};

static void post_again(void *data)
{
    struct poster *poster = data;

    if (++*poster->calls < 3)
        loop_post(poster->loop, post_again, poster);
}

static void test_post_same_thread(void)
{
    struct loop *loop = new_loop();
    int calls = 0;
    struct poster poster = {loop, &calls};

    loop_post(loop, post_again, &poster);
    g_assert_cmpint(calls, ==, 0);
    loop_step(loop, -1);
    g_assert_cmpint(calls, ==, 1);
    loop_step(loop, -1);
    loop_step(loop, -1);
    g_assert_cmpint(calls, ==, 3);
    loop_free(loop);
}

enum {
    POSTS = 5000,
    THREADS = 4,
};

static void *post_many(void *data)
{
    struct poster *poster = data;

    for (int i = 0; i < POSTS; i++)
        loop_post(poster->loop, count_call, poster->calls);
    return NULL;
}

static void *run_loop(void *data)
{
    loop_run(data);
    return NULL;
}

static void quit_posted(void *data)
{
    g_assert_true(loop_is_current(data));
    loop_quit(data);
}

static void test_post_threads(void)
{
    struct loop *loop = new_loop();
    int calls = 0;
    struct poster poster = {loop, &calls};
    GThread *runner = g_thread_new("loop", run_loop, loop);
    GThread *threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("poster", post_many, &poster);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    loop_post(loop, quit_posted, loop);
    g_thread_join(runner);
    g_assert_false(loop_is_current(loop)); /* it was the runner's to the end */
    g_assert_cmpint(calls, ==, POSTS * THREADS);
    loop_free(loop);
}

static void test_quit(void)
{
    struct loop *loop = new_loop();
    struct loop_timer *timer = loop_add_timer(loop, 10, quit_timer, loop);
    int calls = 0;

    loop_quit(loop);
    loop_run(loop); /* returns at once */
    loop_run(loop); /* until the timer */
    loop_post(loop, count_call, &calls);
    loop_timer_remove(timer);
    loop_free(loop);
    g_assert_cmpint(calls, ==, 1); /* nothing posted is lost */
}

/* signals */

static void count_signal(int number, void *data)
{
    g_assert_cmpint(number, ==, SIGUSR1);
    ++*(int *)data;
}

static void test_signal(void)
{
    struct loop *loop = new_loop();
    int calls = 0;
    struct loop_signal *signal = loop_add_signal(loop, SIGUSR1, count_signal, &calls, NULL);

    g_assert_nonnull(signal);
    g_assert_null(loop_add_signal(loop, SIGUSR1, count_signal, &calls, NULL));
    kill(getpid(), SIGUSR1);
    loop_step(loop, 1000);
    g_assert_cmpint(calls, ==, 1);
    loop_signal_remove(signal);
    loop_free(loop);
}

/* fd.h */

static void test_fd_helpers(void)
{
    g_autoptr(GError) error = NULL;
    int pair[2], copy;

    g_assert_cmpint(pipe(pair), ==, 0);
    g_assert_cmpint(fd_set_nonblock(pair[0], true, &error), ==, 0);
    g_assert_true(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
    g_assert_cmpint(fd_set_cloexec(pair[0], true, &error), ==, 0);
    g_assert_true(fcntl(pair[0], F_GETFD) & FD_CLOEXEC);
    g_assert_cmpint(fd_set_cloexec(pair[0], false, &error), ==, 0);
    g_assert_false(fcntl(pair[0], F_GETFD) & FD_CLOEXEC);
    copy = fd_duplicate(pair[0], &error);
    g_assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
    g_assert_no_error(error);
    close(copy);
    close(pair[1]);
    copy = fd_take(&pair[0]);
    g_assert_cmpint(pair[0], ==, -1);
    fd_clear(&pair[0]);
    fd_clear(&copy);
    g_assert_cmpint(fd_duplicate(1023, &error), ==, -1);
    g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/loop/ready", test_ready);
    g_test_add_func("/loop/remove-inside", test_remove_inside);
    g_test_add_func("/loop/regular-file", test_regular_file);
    g_test_add_func("/loop/bad-fd", test_bad_fd);
    g_test_add_func("/loop/idle-costs-nothing", test_idle_costs_nothing);
    g_test_add_func("/loop/timer-order", test_timer_order);
    g_test_add_func("/loop/timer-inside", test_timer_inside);
    g_test_add_func("/loop/many-timers", test_many_timers);
    g_test_add_func("/loop/post-same-thread", test_post_same_thread);
    g_test_add_func("/loop/post-threads", test_post_threads);
    g_test_add_func("/loop/quit", test_quit);
    g_test_add_func("/loop/signal", test_signal);
    g_test_add_func("/fd/helpers", test_fd_helpers);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/tally.h"

#include <string.h>

#include "base/arena.h"
#include "protocol/modvirt.h"
#include "protocol/remote.h"

#define THREADS 4
#define CALLS 10000

static struct tally_row *find(struct tally *tally, uint32_t number)
{
    return tally_find(tally, &remote_program, protocol_method_find(&remote_program, number));
}

static uint64_t sum_of(const struct modvirt_call_count *call)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < call->buckets_len; i++)
        sum += call->buckets_val[i];
    return sum;
}

static void test_buckets(void)
{
    struct modvirt_daemon_get_calls_ret ret;
    struct arena arena ARENA_AUTO = {0};
    struct tally *tally = tally_new();
    struct tally_row *row = find(tally, REMOTE_PROC_DOMAIN_CREATE);

    g_assert_true(row == find(tally, REMOTE_PROC_DOMAIN_CREATE));
    tally_count(row, -1, false); /* a clock that was set back */
    tally_count(row, 50, true);
    tally_count(row, 51, false);
    tally_count(row, G_MAXINT32, true);
    tally_tell(tally, &arena, &ret);
    g_assert_cmpuint(ret.calls_len, ==, 1);
    g_assert_cmpstr(ret.calls_val[0].program, ==, "remote");
    g_assert_cmpstr(ret.calls_val[0].procedure, ==, "DOMAIN_CREATE");
    g_assert_cmpuint(ret.calls_val[0].failures, ==, 2);
    g_assert_cmpuint(ret.calls_val[0].microseconds, ==, 101 + (uint64_t)G_MAXINT32);
    g_assert_cmpuint(ret.calls_val[0].buckets_len, ==, ret.bounds_len + 1);
    g_assert_cmpuint(ret.calls_val[0].buckets_val[0], ==, 2);
    g_assert_cmpuint(ret.calls_val[0].buckets_val[1], ==, 1);
    g_assert_cmpuint(ret.calls_val[0].buckets_val[ret.bounds_len], ==, 1);
    g_assert_cmpuint(ret.bounds_len, <, MODVIRT_BOUNDS_MAX);
    tally_free(tally);
}

static void *count_calls(void *row)
{
    for (unsigned i = 0; i < CALLS; i++)
        tally_count(row, i, i % 2);
    return NULL;
}

static void test_threads(void)
{
    struct modvirt_daemon_get_calls_ret ret;
    struct arena arena ARENA_AUTO = {0};
    struct tally *tally = tally_new();
    struct tally_row *row = find(tally, REMOTE_PROC_DOMAIN_CREATE);
    GThread *threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("count", count_calls, row);
    for (unsigned i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    tally_tell(tally, &arena, &ret);
    g_assert_cmpuint(sum_of(&ret.calls_val[0]), ==, THREADS * CALLS);
    g_assert_cmpuint(ret.calls_val[0].failures, ==, THREADS * CALLS / 2);
    tally_free(tally);
}

static void test_none(void)
{
    g_assert_null(find(NULL, REMOTE_PROC_DOMAIN_CREATE));
    tally_count(NULL, 1, true);
    tally_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tally/buckets", test_buckets);
    g_test_add_func("/tally/threads", test_threads);
    g_test_add_func("/tally/none", test_none);
    return g_test_run();
}

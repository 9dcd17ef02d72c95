/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/tally.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "protocol/modvirt.h"

/* Upper ends of the buckets; what takes longer than all of them has one more. */
static const uint64_t bounds[] = {50,    100,    250,    1000,    2500,    10000,
                                  25000, 100000, 250000, 1000000, 5000000, 30000000};

#define BUCKETS (G_N_ELEMENTS(bounds) + 1)

struct tally_row {
    const struct protocol_program *program;
    const struct protocol_method *method;
    /* sums of their own: nobody needs them to fit each other to the last call */
    atomic_uint_fast64_t failures, microseconds, buckets[BUCKETS];
};

struct tally {
    GHashTable *rows; /* struct protocol_method -> struct tally_row, owned */
};

struct tally *tally_new(void)
{
    struct tally *tally = g_new(struct tally, 1);

    tally->rows = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return tally;
}

void tally_free(struct tally *tally)
{
    if (!tally)
        return;
    g_hash_table_unref(tally->rows);
    g_free(tally);
}

struct tally_row *tally_find(struct tally *tally, const struct protocol_program *program,
                             const struct protocol_method *method)
{
    struct tally_row *row = tally ? g_hash_table_lookup(tally->rows, method) : NULL;

    if (row || !tally)
        return row;
    row = g_new0(struct tally_row, 1);
    row->program = program;
    row->method = method;
    g_hash_table_insert(tally->rows, (void *)method, row);
    return row;
}

static void add(atomic_uint_fast64_t *sum, uint64_t value)
{
    atomic_fetch_add_explicit(sum, value, memory_order_relaxed);
}

void tally_count(struct tally_row *row, int64_t microseconds, bool failed)
{
    uint64_t took = (uint64_t)MAX(microseconds, 0);
    size_t bucket = 0;

    if (!row)
        return;
    while (bucket < G_N_ELEMENTS(bounds) && took > bounds[bucket])
        bucket++;
    add(&row->buckets[bucket], 1);
    add(&row->microseconds, took);
    if (failed)
        add(&row->failures, 1);
}

static uint64_t read_sum(atomic_uint_fast64_t *sum)
{
    return atomic_load_explicit(sum, memory_order_relaxed);
}

static void tell_row(struct tally_row *row, struct arena *arena, struct modvirt_call_count *ret)
{
    ret->program = (char *)row->program->name;
    ret->procedure = (char *)row->method->name;
    ret->failures = read_sum(&row->failures);
    ret->microseconds = read_sum(&row->microseconds);
    ret->buckets_len = BUCKETS;
    ret->buckets_val = arena_array(arena, BUCKETS, sizeof(uint64_t));
    for (size_t i = 0; i < BUCKETS; i++)
        ret->buckets_val[i] = read_sum(&row->buckets[i]);
}

void tally_tell(struct tally *tally, struct arena *arena, struct modvirt_daemon_get_calls_ret *ret)
{
    unsigned count = MIN(g_hash_table_size(tally->rows), MODVIRT_CALLS_MAX);
    GHashTableIter each;
    void *row;

    ret->bounds_val = (uint64_t *)bounds;
    ret->bounds_len = G_N_ELEMENTS(bounds);
    ret->calls_val = arena_array(arena, count, sizeof(struct modvirt_call_count));
    ret->calls_len = 0;
    g_hash_table_iter_init(&each, tally->rows);
    while (ret->calls_len < count && g_hash_table_iter_next(&each, NULL, &row))
        tell_row(row, arena, &ret->calls_val[ret->calls_len++]);
}

void tally_serve(struct request *request)
{
    struct modvirt_daemon_get_calls_ret ret;
    struct arena arena ARENA_AUTO = {0};

    tally_tell(request->daemon->tally, &arena, &ret);
    request_reply(request, &ret, NULL, 0);
}

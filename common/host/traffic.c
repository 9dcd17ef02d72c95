/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/traffic.h"

#include <stdbool.h>

#include "base/error.h"
#include "base/process.h"

#define OUTPUT_LIMIT 65536
#define DEADLINE_MS 10000

/* Words are taken with the array; words that are not constant belong to it. */
static void add_words(GPtrArray *words, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", 0);

    for (char **part = parts; *part; part++)
        g_ptr_array_add(words, g_strdup(*part));
}

static void add_amount(GPtrArray *words, const char *name, uint64_t amount, const char *unit)
{
    g_ptr_array_add(words, g_strdup(name));
    g_ptr_array_add(words, g_strdup_printf("%" G_GUINT64_FORMAT "%s", amount, unit));
}

/* "qdisc add dev NAME" and what follows, still without its end. */
static GPtrArray *begin(const char *object_and_verb, const char *name, const char *rest)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    add_words(words, "tc");
    add_words(words, object_and_verb);
    add_words(words, "dev");
    g_ptr_array_add(words, g_strdup(name));
    add_words(words, rest);
    return words;
}

/* Runs it and frees the words. */
static int run(GPtrArray *words, GError **error)
{
    g_ptr_array_add(words, NULL);
    struct process_spec spec = {.argv = (const char *const *)words->pdata};
    int result = process_run(&spec, OUTPUT_LIMIT, DEADLINE_MS, NULL, error);

    g_ptr_array_unref(words);
    return result;
}

static void clear(const char *name)
{
    /* fails where there is nothing */
    run(begin("qdisc del", name, "root"), NULL);
    run(begin("qdisc del", name, "ingress"), NULL);
}

/* What leaves waits for its turn. */
static int shape(const char *name, const struct traffic_rate *rate, GError **error)
{
    if (run(begin("qdisc add", name, "root handle 1: htb default 1"), error) < 0)
        return -1;
    GPtrArray *words = begin("class add", name, "parent 1: classid 1:1 htb");
    add_amount(words, "rate", rate->average, "kbps");
    if (rate->peak)
        add_amount(words, "ceil", rate->peak, "kbps");
    if (rate->burst)
        add_amount(words, "burst", rate->burst, "kb");
    return run(words, error);
}

/* What comes in can only be dropped. */
static int police(const char *name, const struct traffic_rate *rate, GError **error)
{
    if (run(begin("qdisc add", name, "ingress"), error) < 0)
        return -1;
    GPtrArray *words =
        begin("filter add", name, "parent ffff: protocol all u32 match u32 0 0 police");
    add_amount(words, "rate", rate->average, "kbps");
    add_amount(words, "burst", rate->burst ? rate->burst : MAX(rate->average, 1), "kb");
    add_words(words, "mtu 64kb drop flowid :1");
    return run(words, error);
}

int traffic_limit(const char *name, const struct traffic_rate *out, const struct traffic_rate *in,
                  GError **error)
{
    clear(name);
    if ((out->average && shape(name, out, error) < 0) ||
        (in->average && police(name, in, error) < 0)) {
        clear(name);
        return -1;
    }
    return 0;
}

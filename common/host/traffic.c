/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/traffic.h"

#include <stdbool.h>

#include "base/error.h"
#include "base/mac.h"
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
    run(begin("qdisc del", name, "clsact"), NULL);
}

/* Classes: all, below it what is guaranteed nothing, and beside that a part for each guarantee. */
#define ALL 1
#define REST 2

static uint64_t most(const struct traffic_rate *rate)
{
    return rate->peak ? rate->peak : rate->average;
}

/* Made or changed. */
static int set_class(const char *name, unsigned id, uint64_t rate, uint64_t ceil, uint64_t burst,
                     GError **error)
{
    GPtrArray *words =
        begin("class replace", name, id == ALL ? "parent 1: classid" : "parent 1:1 classid");

    g_ptr_array_add(words, g_strdup_printf("1:%x", id));
    add_words(words, "htb");
    add_amount(words, "rate", MAX(rate, 1), "kbps");
    if (ceil)
        add_amount(words, "ceil", ceil, "kbps");
    if (burst)
        add_amount(words, "burst", burst, "kb");
    return run(words, error);
}

/* What leaves waits for its turn. */
static int shape(const char *name, const struct traffic_rate *rate, bool shared, GError **error)
{
    GPtrArray *words = begin("qdisc add", name, "root handle 1: htb default");

    g_ptr_array_add(words, g_strdup_printf("%d", shared ? REST : ALL));
    if (run(words, error) < 0 ||
        set_class(name, ALL, rate->average, rate->peak, rate->burst, error) < 0)
        return -1;
    return shared ? traffic_set_rest(name, rate->average, rate, error) : 0;
}

/* What comes in can only be dropped. */
static int police(const char *name, const struct traffic_rate *rate, GError **error)
{
    if (run(begin("qdisc add", name, "clsact"), error) < 0)
        return -1;
    GPtrArray *words = begin("filter add", name, "ingress protocol all u32 match u32 0 0 police");
    add_amount(words, "rate", rate->average, "kbps");
    add_amount(words, "burst", rate->burst ? rate->burst : MAX(rate->average, 1), "kb");
    add_words(words, "mtu 64kb drop flowid :1");
    return run(words, error);
}

static int limit(const char *name, const struct traffic_rate *out, const struct traffic_rate *in,
                 bool shared, GError **error)
{
    clear(name);
    if ((out->average && shape(name, out, shared, error) < 0) ||
        (in->average && police(name, in, error) < 0)) {
        clear(name);
        return -1;
    }
    return 0;
}

int traffic_limit(const char *name, const struct traffic_rate *out, const struct traffic_rate *in,
                  GError **error)
{
    return limit(name, out, in, false, error);
}

/* ---- parts ---- */

int traffic_limit_shared(const char *name, const struct traffic_rate *out,
                         const struct traffic_rate *in, GError **error)
{
    return limit(name, out, in, true, error);
}

int traffic_set_rest(const char *name, uint64_t rest, const struct traffic_rate *out,
                     GError **error)
{
    return set_class(name, REST, rest, most(out), out->burst, error);
}

/* The filter of a class has its number as its priority, by which it is found. */
static GPtrArray *begin_filter(const char *verb, const char *name, unsigned id)
{
    GPtrArray *words = begin(verb, name, "parent 1: protocol all pref");

    g_ptr_array_add(words, g_strdup_printf("%u", id));
    return words;
}

int traffic_guarantee(const char *name, const struct traffic_part *part,
                      const struct traffic_rate *out, GError **error)
{
    char mac[MAC_TEXT];

    if (set_class(name, part->id, part->floor, most(out), out->burst, error) < 0)
        return -1;
    run(begin_filter("filter del", name, part->id), NULL);
    GPtrArray *words = begin_filter("filter add", name, part->id);
    add_words(words, "u32 match ether dst");
    g_ptr_array_add(words, g_strdup(mac_format(part->mac, mac)));
    add_words(words, "flowid");
    g_ptr_array_add(words, g_strdup_printf("1:%x", part->id));
    return run(words, error);
}

int traffic_release(const char *name, unsigned id, GError **error)
{
    GPtrArray *words;

    run(begin_filter("filter del", name, id), NULL);
    words = begin("class del", name, "classid");
    g_ptr_array_add(words, g_strdup_printf("1:%x", id));
    return run(words, error);
}

/* ---- checksums ---- */

int traffic_fill_checksums(const char *name, unsigned from, unsigned to, GError **error)
{
    GPtrArray *words;

    /* it is there already where something is limited */
    run(begin("qdisc add", name, "clsact"), NULL);
    words = begin("filter add", name,
                  "egress protocol ip u32 match ip protocol 17 0xff match ip sport");
    g_ptr_array_add(words, g_strdup_printf("%u", from));
    add_words(words, "0xffff match ip dport");
    g_ptr_array_add(words, g_strdup_printf("%u", to));
    add_words(words, "0xffff action csum udp");
    return run(words, error);
}

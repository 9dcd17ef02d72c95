/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/traffic.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_csum.h>
#include <net/if.h>
#include <string.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
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

/* Every network that starts has one: two programs would cost more time than all else. */
static struct nl_msg *new_message(int type, const char *kind, const struct tcmsg *header)
{
    struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_CREATE | NLM_F_EXCL);

    nlmsg_append(message, (void *)header, sizeof(*header), NLMSG_ALIGNTO);
    nla_put_string(message, TCA_KIND, kind);
    return message;
}

static struct nl_msg *new_hook(unsigned index)
{
    return new_message(RTM_NEWQDISC, "clsact",
                       &(struct tcmsg){.tcm_ifindex = (int)index,
                                       .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                                       .tcm_parent = TC_H_CLSACT});
}

static void put_match(struct nl_msg *message, unsigned from, unsigned to)
{
    const struct tc_u32_key keys[] = {
        {.off = 8, .mask = htonl(0xff0000), .val = htonl(IPPROTO_UDP << 16)},
        {.off = 20, .mask = htonl(UINT32_MAX), .val = htonl(from << 16 | to)}};
    struct nlattr *place =
        nla_reserve(message, TCA_U32_SEL, (int)(sizeof(struct tc_u32_sel) + sizeof(keys)));
    struct tc_u32_sel *selector = nla_data(place);

    *selector = (struct tc_u32_sel){.flags = TC_U32_TERMINAL, .nkeys = G_N_ELEMENTS(keys)};
    memcpy(selector->keys, keys, sizeof(keys));
}

static void put_action(struct nl_msg *message)
{
    const struct tc_csum sum = {.action = TC_ACT_OK, .update_flags = TCA_CSUM_UPDATE_FLAG_UDP};
    struct nlattr *actions = nla_nest_start(message, TCA_U32_ACT);
    struct nlattr *first = nla_nest_start(message, 1);

    nla_put_string(message, TCA_ACT_KIND, "csum");
    struct nlattr *options = nla_nest_start(message, TCA_ACT_OPTIONS);
    nla_put(message, TCA_CSUM_PARMS, sizeof(sum), &sum);
    nla_nest_end(message, options);
    nla_nest_end(message, first);
    nla_nest_end(message, actions);
}

static struct nl_msg *new_filter(unsigned index, unsigned from, unsigned to)
{
    struct nl_msg *message =
        new_message(RTM_NEWTFILTER, "u32",
                    &(struct tcmsg){.tcm_ifindex = (int)index,
                                    .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
                                    .tcm_info = TC_H_MAKE(0, htons(ETH_P_IP))});
    struct nlattr *options = nla_nest_start(message, TCA_OPTIONS);

    put_match(message, from, to);
    put_action(message);
    nla_nest_end(message, options);
    return message;
}

int traffic_fill_checksums(const char *name, unsigned from, unsigned to, GError **error)
{
    struct nl_sock *socket = nl_socket_alloc();
    unsigned index = if_nametoindex(name);
    int result = nl_connect(socket, NETLINK_ROUTE);

    if (result == 0) {
        /* it is there already where something is limited */
        nl_send_sync(socket, new_hook(index));
        result = nl_send_sync(socket, new_filter(index, from, to));
    }
    nl_socket_free(socket);
    if (result < 0)
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "can't have '%s' fill in checksums (act_csum): %s", name, nl_geterror(result));
    return result < 0 ? -1 : 0;
}

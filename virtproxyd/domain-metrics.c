/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/uuid.h"
#include "exposition.h"
#include "facts/constants.h"
#include "protocol/remote.h"

/* How a statistic becomes a figure: in the base unit that the format wants. */
enum scale {
    SCALE_NONE,
    SCALE_KIB,  /* to bytes */
    SCALE_NANO, /* to seconds */
};

/* Which of a domain's parts a statistic is of: it is called LIST.NUMBER.FIELD then. */
enum part { PART_DOMAIN, PART_VCPU, PART_NET, PART_BLOCK, PARTS };

static const struct {
    const char *prefix, *label;
} parts[PARTS] = {
    [PART_VCPU] = {VIR_DOMAIN_STATS_VCPU_PREFIX, "vcpu"},
    [PART_NET] = {VIR_DOMAIN_STATS_NET_PREFIX, "interface"},
    [PART_BLOCK] = {VIR_DOMAIN_STATS_BLOCK_PREFIX, "device"},
};

#define SECONDS(name, help)                                                                        \
    {                                                                                              \
        "modvirt_domain_" name "_seconds", FAMILY_COUNTER, "seconds", help                         \
    }
#define BYTES(name, help)                                                                          \
    {                                                                                              \
        "modvirt_domain_" name "_bytes", FAMILY_GAUGE, "bytes", help                               \
    }
#define MOVED(name, help)                                                                          \
    {                                                                                              \
        "modvirt_domain_" name "_bytes", FAMILY_COUNTER, "bytes", help                             \
    }
#define COUNT(name, help)                                                                          \
    {                                                                                              \
        "modvirt_domain_" name, FAMILY_COUNTER, NULL, help                                         \
    }
#define GAUGE(name, help)                                                                          \
    {                                                                                              \
        "modvirt_domain_" name, FAMILY_GAUGE, NULL, help                                           \
    }

static const struct row {
    enum part part;
    const char *field;
    enum scale scale;
    struct family family;
} rows[] = {
    {PART_DOMAIN, VIR_DOMAIN_STATS_STATE_STATE, SCALE_NONE,
     GAUGE("state", "State: 1 running, 2 blocked, 3 paused, 4 shutting down, 5 off, 6 crashed, 7 "
                    "suspended.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_CPU_TIME, SCALE_NANO,
     SECONDS("cpu", "Time of the host's CPUs, in all.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_CPU_USER, SCALE_NANO,
     SECONDS("cpu_user", "Time of the host's CPUs in user mode.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_CPU_SYSTEM, SCALE_NANO,
     SECONDS("cpu_system", "Time of the host's CPUs in the kernel.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_CURRENT, SCALE_KIB,
     BYTES("memory", "Memory that the guest has at present.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_MAXIMUM, SCALE_KIB,
     BYTES("memory_max", "Memory that the guest may have.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_RSS, SCALE_KIB,
     BYTES("memory_resident", "Memory of the host in use for it.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_UNUSED, SCALE_KIB,
     BYTES("memory_unused", "Memory that the guest does not use, as it says.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_AVAILABLE, SCALE_KIB,
     BYTES("memory_available", "Memory that the guest sees, as it says.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_USABLE, SCALE_KIB,
     BYTES("memory_usable", "Memory that the guest could use without swapping, as it says.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_SWAP_IN, SCALE_KIB,
     MOVED("swap_in", "What the guest read from its swap, as it says.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_BALLOON_SWAP_OUT, SCALE_KIB,
     MOVED("swap_out", "What the guest wrote to its swap, as it says.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_VCPU_CURRENT, SCALE_NONE,
     GAUGE("vcpus", "Virtual CPUs that are online.")},
    {PART_DOMAIN, VIR_DOMAIN_STATS_VCPU_MAXIMUM, SCALE_NONE,
     GAUGE("vcpus_max", "Virtual CPUs that may be online.")},
    {PART_VCPU, VIR_DOMAIN_STATS_VCPU_SUFFIX_TIME, SCALE_NANO,
     SECONDS("vcpu", "Time that a virtual CPU ran.")},
    {PART_VCPU, VIR_DOMAIN_STATS_VCPU_SUFFIX_WAIT, SCALE_NANO,
     SECONDS("vcpu_wait", "Time that a virtual CPU waited for input or output.")},
    {PART_VCPU, VIR_DOMAIN_STATS_VCPU_SUFFIX_DELAY, SCALE_NANO,
     SECONDS("vcpu_delay", "Time that a virtual CPU wanted to run, and had no CPU.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_RX_BYTES, SCALE_NONE,
     MOVED("interface_receive", "What the guest received.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_RX_PKTS, SCALE_NONE,
     COUNT("interface_receive_packets", "Packets that the guest received.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_RX_ERRS, SCALE_NONE,
     COUNT("interface_receive_errors", "Errors in receiving.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_RX_DROP, SCALE_NONE,
     COUNT("interface_receive_drops", "Packets to the guest that were dropped.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_TX_BYTES, SCALE_NONE,
     MOVED("interface_transmit", "What the guest sent.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_TX_PKTS, SCALE_NONE,
     COUNT("interface_transmit_packets", "Packets that the guest sent.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_TX_ERRS, SCALE_NONE,
     COUNT("interface_transmit_errors", "Errors in sending.")},
    {PART_NET, VIR_DOMAIN_STATS_NET_SUFFIX_TX_DROP, SCALE_NONE,
     COUNT("interface_transmit_drops", "Packets of the guest that were dropped.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_RD_REQS, SCALE_NONE,
     COUNT("block_read_requests", "Read requests of the guest.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_RD_BYTES, SCALE_NONE,
     MOVED("block_read", "What the guest read.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_RD_TIMES, SCALE_NANO,
     SECONDS("block_read_time", "Time that its reads took.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_WR_REQS, SCALE_NONE,
     COUNT("block_write_requests", "Write requests of the guest.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_WR_BYTES, SCALE_NONE,
     MOVED("block_written", "What the guest wrote.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_WR_TIMES, SCALE_NANO,
     SECONDS("block_write_time", "Time that its writes took.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_FL_REQS, SCALE_NONE,
     COUNT("block_flush_requests", "Flush requests of the guest.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_FL_TIMES, SCALE_NANO,
     SECONDS("block_flush_time", "Time that its flushes took.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_ERRORS, SCALE_NONE,
     COUNT("block_errors", "Requests of the guest that failed.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_CAPACITY, SCALE_NONE,
     BYTES("block_capacity", "Size of the disk, as the guest sees it.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_ALLOCATION, SCALE_NONE,
     BYTES("block_allocation", "Highest place of the image that is written.")},
    {PART_BLOCK, VIR_DOMAIN_STATS_BLOCK_SUFFIX_PHYSICAL, SCALE_NONE,
     BYTES("block_physical", "Size of the image on the host.")},
};

/* "block.3.rd.reqs": the part, its number, and ".rd.reqs"; what is of no part is all field. */
struct place {
    enum part part;
    uint64_t number;
    const char *field;
};

static struct place read_place(const char *name)
{
    for (enum part part = PART_DOMAIN + 1; part < PARTS; part++) {
        size_t length = strlen(parts[part].prefix);
        char *end;

        if (strncmp(name, parts[part].prefix, length) != 0 || !g_ascii_isdigit(name[length]))
            continue;
        uint64_t number = g_ascii_strtoull(name + length, &end, 10);
        return (struct place){part, number, end};
    }
    return (struct place){PART_DOMAIN, 0, name};
}

static const struct row *find_row(const struct place *place)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].part == place->part && strcmp(rows[i].field, place->field) == 0)
            return &rows[i];
    return NULL;
}

/* The labels of a part. Its name, if it has one, comes before all other statistics of it. */
struct labels {
    const char *domain; /* those of the domain itself */
    struct place last;
    GString *text;
};

static const char *labels_of(struct labels *labels, const struct place *place, const char *name)
{
    g_autofree char *number = g_strdup_printf("%" PRIu64, place->number);

    if (place->part == PART_DOMAIN)
        return labels->domain;
    if (!name && labels->last.part == place->part && labels->last.number == place->number)
        return labels->text->str;
    labels->last = *place;
    g_string_assign(labels->text, labels->domain);
    exposition_label(labels->text, parts[place->part].label, name ? name : number);
    return labels->text->str;
}

static uint64_t read_value(const struct remote_typed_param_value *value)
{
    switch (value->type) {
    case VIR_TYPED_PARAM_INT:
        return (uint64_t)MAX(value->i, 0);
    case VIR_TYPED_PARAM_UINT:
        return value->ui;
    case VIR_TYPED_PARAM_LLONG:
        return (uint64_t)MAX(value->l, 0);
    case VIR_TYPED_PARAM_ULLONG:
        return value->ul;
    default:
        return 0;
    }
}

static void add_value(struct exposition *exposition, const struct row *row, const char *labels,
                      uint64_t value)
{
    const uint64_t second = 1000000000;

    if (row->scale == SCALE_NANO)
        exposition_add(exposition, &row->family, labels, "%" PRIu64 ".%09" PRIu64, value / second,
                       value % second);
    else
        exposition_add(exposition, &row->family, labels, "%" PRIu64,
                       row->scale == SCALE_KIB ? value * 1024 : value);
}

static void add_param(struct exposition *exposition, struct labels *labels,
                      const struct remote_typed_param *param)
{
    struct place place = read_place(param->field);
    bool named = place.part != PART_DOMAIN && param->value.type == VIR_TYPED_PARAM_STRING;
    const struct row *row = find_row(&place);

    if (named && strcmp(place.field, VIR_DOMAIN_STATS_NET_SUFFIX_NAME) == 0)
        labels_of(labels, &place, param->value.s);
    else if (row)
        add_value(exposition, row, labels_of(labels, &place, NULL), read_value(&param->value));
}

void domain_metrics_add(struct exposition *exposition, const char *daemon,
                        const struct remote_domain_stats_record *record)
{
    g_autoptr(GString) domain = g_string_new(NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    char uuid[UUID_TEXT];
    struct labels labels = {.text = text};

    uuid_format((const uint8_t *)record->dom.uuid, uuid);
    exposition_label(domain, "daemon", daemon);
    exposition_label(domain, "domain", record->dom.name);
    exposition_label(domain, "uuid", uuid);
    labels.domain = domain->str;
    for (uint32_t i = 0; i < record->params_len; i++)
        add_param(exposition, &labels, &record->params_val[i]);
}

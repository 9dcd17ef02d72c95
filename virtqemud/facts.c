/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"

#include <string.h>

/* ---- one of each kind ---- */

static void fill_vcpu(void *facts, const void *reply, const struct answers *answers)
{
    const struct qmp_cpu *cpu = reply;

    *(struct vcpu_facts *)facts = (struct vcpu_facts){(unsigned)cpu->index, cpu->thread_id};
}

/* "virtio-disk0" of "/machine/peripheral/virtio-disk0/virtio-backend" or of itself. */
static void copy_alias(char *alias, size_t size, const char *qdev)
{
    static const char stem[] = "/machine/peripheral/";
    const char *start = g_str_has_prefix(qdev, stem) ? qdev + strlen(stem) : qdev;

    g_snprintf(alias, (gulong)size, "%.*s", (int)strcspn(start, "/"), start);
}

static const struct qmp_block_node *find_reply(const struct qmp_list *nodes, const char *name)
{
    const struct qmp_block_node *items = nodes->items;

    for (unsigned i = 0; i < nodes->count; i++)
        if (name && g_strcmp0(items[i].node, name) == 0)
            return &items[i];
    return NULL;
}

static void fill_disk(void *facts, const void *reply, const struct answers *answers)
{
    const struct qmp_block_stats *stats = reply;
    const struct qmp_block_node *node = find_reply(&answers->replies[QUESTION_NODES], stats->node);
    struct disk_facts *disk = facts;

    if (stats->qdev)
        copy_alias(disk->alias, sizeof(disk->alias), stats->qdev);
    disk->stats = *stats;
    disk->stats.device = disk->stats.qdev = disk->stats.node = NULL;
    disk->capacity = node ? node->capacity : 0;
    disk->allocation = node ? node->allocation : 0;
}

static void fill_node(void *facts, const void *reply, const struct answers *answers)
{
    const struct qmp_block_node *from = reply;
    struct node_facts *node = facts;

    g_strlcpy(node->name, from->node ? from->node : "", sizeof(node->name));
    node->capacity = from->capacity;
    node->allocation = from->allocation;
    node->threshold = from->write_threshold;
}

static void fill_iothread(void *facts, const void *reply, const struct answers *answers)
{
    static const char stem[] = "iothread";
    const struct qmp_iothread *from = reply;
    const char *number = g_str_has_prefix(from->id, stem) ? from->id + strlen(stem) : "";

    *(struct iothread_facts *)facts = (struct iothread_facts){
        .id = (unsigned)g_ascii_strtoull(number, NULL, 10),
        .poll_max_ns = from->poll_max_ns,
        .poll_grow = from->poll_grow,
        .poll_shrink = from->poll_shrink,
    };
}

static const char *kind_of_counter(const char *word)
{
    static const struct {
        const char *word, *kind;
    } kinds[] = {
        {"instant", VIR_DOMAIN_STATS_CUSTOM_SUFFIX_TYPE_CUR},
        {"cumulative", VIR_DOMAIN_STATS_CUSTOM_SUFFIX_TYPE_SUM},
        {"peak", VIR_DOMAIN_STATS_CUSTOM_SUFFIX_TYPE_MAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(kinds[i].word, word) == 0)
            return kinds[i].kind;
    return NULL;
}

static void fill_counter(void *facts, const void *reply, const struct answers *answers)
{
    const struct qmp_list *kinds = &answers->replies[QUESTION_COUNTER_KINDS];
    const struct qmp_counter *from = reply, *known = kinds->items;
    struct counter_facts *counter = facts;

    g_strlcpy(counter->name, from->name, sizeof(counter->name));
    counter->value = from->value;
    for (unsigned i = 0; answers->got[QUESTION_COUNTER_KINDS] && i < kinds->count; i++)
        if (strcmp(known[i].name, from->name) == 0)
            counter->kind = kind_of_counter(known[i].kind);
}

static int dirty_rate_status(const char *word)
{
    if (g_strcmp0(word, "measured") == 0)
        return VIR_DOMAIN_DIRTYRATE_MEASURED;
    return g_strcmp0(word, "measuring") == 0 ? VIR_DOMAIN_DIRTYRATE_MEASURING
                                             : VIR_DOMAIN_DIRTYRATE_UNSTARTED;
}

static const char *dirty_rate_mode(const char *word)
{
    static const char *const modes[] = {"page-sampling", "dirty-bitmap", "dirty-ring"};

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
        if (g_strcmp0(word, modes[i]) == 0)
            return modes[i];
    return modes[0];
}

static struct dirty_rate_facts dirty_rate_of(const struct qmp_dirty_rate *from)
{
    return (struct dirty_rate_facts){
        .status = dirty_rate_status(from->status),
        .mode = dirty_rate_mode(from->mode),
        .start_time = from->start_time,
        .period = from->period,
        .megabytes = from->megabytes,
    };
}

/* ---- the block ---- */

/* A list in the block, and what it is made from. Aligned alike: all elements hold 64-bit numbers.
 */
static const struct {
    enum question question;
    size_t list, count; /* in struct guest_facts */
    size_t size;        /* of an element */
    size_t reply_size;
    void (*fill)(void *facts, const void *reply, const struct answers *answers);
} lists[] = {
#define LIST_OF_FACTS(question, list, count, element, reply, fill)                                 \
    {                                                                                              \
        question, offsetof(struct guest_facts, list), offsetof(struct guest_facts, count),         \
            sizeof(struct element), sizeof(struct reply), fill                                     \
    }
    LIST_OF_FACTS(QUESTION_CPUS, vcpus, vcpu_count, vcpu_facts, qmp_cpu, fill_vcpu),
    LIST_OF_FACTS(QUESTION_BLOCKSTATS, disks, disk_count, disk_facts, qmp_block_stats, fill_disk),
    LIST_OF_FACTS(QUESTION_NODES, nodes, node_count, node_facts, qmp_block_node, fill_node),
    LIST_OF_FACTS(QUESTION_IOTHREADS, iothreads, iothread_count, iothread_facts, qmp_iothread,
                  fill_iothread),
    LIST_OF_FACTS(QUESTION_COUNTERS, counters, counter_count, counter_facts, qmp_counter,
                  fill_counter),
};

static unsigned *count_of(const struct guest_facts *facts, size_t row)
{
    return (unsigned *)((char *)facts + lists[row].count);
}

static char **list_of(const struct guest_facts *facts, size_t row)
{
    return (char **)((char *)facts + lists[row].list);
}

static unsigned new_count(size_t row, const struct answers *answers, const struct guest_facts *old)
{
    enum question question = lists[row].question;

    return answers->got[question] ? answers->replies[question].count : *count_of(old, row);
}

static struct guest_facts *make_block(const struct answers *answers, const struct guest_facts *old)
{
    size_t size = sizeof(struct guest_facts);

    for (size_t row = 0; row < G_N_ELEMENTS(lists); row++)
        size += new_count(row, answers, old) * lists[row].size;
    struct guest_facts *facts = g_atomic_rc_box_alloc0(size);
    char *at = (char *)(facts + 1);
    for (size_t row = 0; row < G_N_ELEMENTS(lists); row++) {
        *count_of(facts, row) = new_count(row, answers, old);
        *list_of(facts, row) = at;
        at += *count_of(facts, row) * lists[row].size;
    }
    return facts;
}

static void fill_list(struct guest_facts *facts, size_t row, const struct answers *answers,
                      const struct guest_facts *old)
{
    const char *reply = answers->replies[lists[row].question].items;
    char *to = *list_of(facts, row);

    if (!answers->got[lists[row].question]) {
        if (*count_of(facts, row))
            memcpy(to, *list_of(old, row), *count_of(facts, row) * lists[row].size);
        return;
    }
    for (unsigned i = 0; i < *count_of(facts, row); i++)
        lists[row].fill(to + i * lists[row].size, reply + i * lists[row].reply_size, answers);
}

/* Kinds are asked for once. */
static void keep_kinds(struct guest_facts *facts, const struct guest_facts *old)
{
    for (unsigned i = 0; i < facts->counter_count && i < old->counter_count; i++)
        if (!facts->counters[i].kind && strcmp(facts->counters[i].name, old->counters[i].name) == 0)
            facts->counters[i].kind = old->counters[i].kind;
}

struct guest_facts *facts_new(const struct answers *answers, const struct guest_facts *old)
{
    static const struct guest_facts nothing;
    const struct guest_facts *before = old ? old : &nothing;
    const bool *got = answers->got;
    const struct qmp_list *replies = answers->replies;
    struct guest_facts *facts = make_block(answers, before);

    for (size_t row = 0; row < G_N_ELEMENTS(lists); row++)
        fill_list(facts, row, answers, before);
    keep_kinds(facts, before);
    facts->has_balloon = got[QUESTION_BALLOON] || before->has_balloon;
    facts->balloon = got[QUESTION_BALLOON]
                         ? ((struct qmp_balloon *)replies[QUESTION_BALLOON].items)->actual
                         : before->balloon;
    facts->has_memory = got[QUESTION_MEMORY] || before->has_memory;
    facts->memory = got[QUESTION_MEMORY]
                        ? *(struct qmp_balloon_stats *)replies[QUESTION_MEMORY].items
                        : before->memory;
    facts->has_dirty_rate = got[QUESTION_DIRTY_RATE] || before->has_dirty_rate;
    facts->dirty_rate = got[QUESTION_DIRTY_RATE] ? dirty_rate_of(replies[QUESTION_DIRTY_RATE].items)
                                                 : before->dirty_rate;
    return facts;
}

/* ---- finding ---- */

const struct vcpu_facts *facts_find_vcpu(const struct guest_facts *facts, unsigned id)
{
    for (unsigned i = 0; facts && i < facts->vcpu_count; i++)
        if (facts->vcpus[i].id == id)
            return &facts->vcpus[i];
    return NULL;
}

const struct disk_facts *facts_find_disk(const struct guest_facts *facts, const char *alias)
{
    for (unsigned i = 0; facts && alias && i < facts->disk_count; i++)
        if (strcmp(facts->disks[i].alias, alias) == 0)
            return &facts->disks[i];
    return NULL;
}

const struct node_facts *facts_find_node(const struct guest_facts *facts, const char *name)
{
    for (unsigned i = 0; facts && name && i < facts->node_count; i++)
        if (strcmp(facts->nodes[i].name, name) == 0)
            return &facts->nodes[i];
    return NULL;
}

/* ---- memory ---- */

#define MEMORY(name, member, unit)                                                                 \
    {                                                                                              \
        VIR_DOMAIN_STATS_BALLOON_##name, VIR_DOMAIN_MEMORY_STAT_##name,                            \
            offsetof(struct qmp_balloon_stats, member), unit                                       \
    }

static const struct {
    const char *field;
    int tag;
    size_t offset;
    unsigned unit; /* bytes, or 1 */
} memory_rows[MEMORY_NUMBERS] = {
    MEMORY(SWAP_IN, swap_in, 1024),
    MEMORY(SWAP_OUT, swap_out, 1024),
    MEMORY(MAJOR_FAULT, major_faults, 1),
    MEMORY(MINOR_FAULT, minor_faults, 1),
    MEMORY(UNUSED, free_memory, 1024),
    MEMORY(AVAILABLE, total_memory, 1024),
    MEMORY(USABLE, available_memory, 1024),
    MEMORY(LAST_UPDATE, last_update, 1),
    MEMORY(DISK_CACHES, disk_caches, 1024),
    MEMORY(HUGETLB_PGALLOC, hugetlb_allocations, 1),
    MEMORY(HUGETLB_PGFAIL, hugetlb_failures, 1),
};

unsigned facts_list_memory(const struct guest_facts *facts,
                           struct memory_number ret_numbers[MEMORY_NUMBERS])
{
    unsigned count = 0;

    /* a guest without a driver has never told; others do once, unless they are asked for more */
    if (facts && facts->has_balloon && !facts->has_memory)
        ret_numbers[count++] = (struct memory_number){VIR_DOMAIN_STATS_BALLOON_LAST_UPDATE,
                                                      VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, 0};
    for (size_t i = 0; facts && facts->has_memory && i < G_N_ELEMENTS(memory_rows); i++) {
        uint64_t value = *(const uint64_t *)((const char *)&facts->memory + memory_rows[i].offset);

        if (value != UINT64_MAX)
            ret_numbers[count++] = (struct memory_number){memory_rows[i].field, memory_rows[i].tag,
                                                          value / memory_rows[i].unit};
    }
    return count;
}

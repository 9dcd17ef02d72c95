/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "statistics.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#include "json.h"
#include "qmp-decode.h"

/* One condition for all guests: answers are rare, and so are those who wait for them. */
static GMutex answered_lock;
static GCond answered;

enum question {
    QUESTION_BALLOON,
    QUESTION_CPUS,
    QUESTION_BLOCKSTATS,
    QUESTION_NODES,
    QUESTIONS,
};

/* The questions under way to one guest; its answers come on the monitors' loop. */
struct collection {
    struct guest *guest;
    struct arena arena;
    atomic_uint pending;
    bool got[QUESTIONS];
    struct qmp_balloon balloon;
    struct qmp_list lists[QUESTIONS];
};

static const struct qmp_query *const queries[QUESTIONS] = {
    [QUESTION_BALLOON] = &qmp_query_balloon,
    [QUESTION_CPUS] = &qmp_query_cpus_fast,
    [QUESTION_BLOCKSTATS] = &qmp_query_blockstats,
    [QUESTION_NODES] = &qmp_query_named_block_nodes,
};

struct answer {
    struct collection *collection;
    enum question question;
};

/* ---- from answers to facts ---- */

static struct guest_facts *facts_new(unsigned vcpus, unsigned disks)
{
    size_t size = sizeof(struct guest_facts) + vcpus * sizeof(struct vcpu_facts) +
                  disks * sizeof(struct disk_facts);
    struct guest_facts *facts = g_atomic_rc_box_alloc0(size);

    facts->vcpu_count = vcpus;
    facts->disk_count = disks;
    facts->disks = (struct disk_facts *)(facts + 1);
    facts->vcpus = (struct vcpu_facts *)(facts->disks + disks);
    return facts;
}

/* "virtio-disk0" of "/machine/peripheral/virtio-disk0/virtio-backend" or of itself. */
static void copy_alias(char *alias, size_t size, const char *qdev)
{
    static const char stem[] = "/machine/peripheral/";
    const char *start = g_str_has_prefix(qdev, stem) ? qdev + strlen(stem) : qdev;

    g_snprintf(alias, (gulong)size, "%.*s", (int)strcspn(start, "/"), start);
}

static const struct qmp_block_node *find_node(const struct qmp_list *nodes, const char *name)
{
    const struct qmp_block_node *items = nodes->items;

    for (unsigned i = 0; i < nodes->count; i++)
        if (name && g_strcmp0(items[i].node, name) == 0)
            return &items[i];
    return NULL;
}

static void fill_disk(struct disk_facts *facts, const struct qmp_block_stats *stats,
                      const struct qmp_list *nodes)
{
    const struct qmp_block_node *node = find_node(nodes, stats->node);

    if (stats->qdev)
        copy_alias(facts->alias, sizeof(facts->alias), stats->qdev);
    facts->stats = *stats;
    facts->stats.device = facts->stats.qdev = facts->stats.node = NULL;
    facts->capacity = node ? node->capacity : 0;
    facts->allocation = node ? node->allocation : 0;
}

static struct guest_facts *facts_of(const struct collection *collection,
                                    const struct guest_facts *old)
{
    static const struct guest_facts nothing;
    const struct qmp_list *stats = &collection->lists[QUESTION_BLOCKSTATS];
    const struct qmp_list *cpus = &collection->lists[QUESTION_CPUS];
    bool has_cpus = collection->got[QUESTION_CPUS],
         has_disks = collection->got[QUESTION_BLOCKSTATS];

    /* what was not answered is as it was */
    old = old ? old : &nothing;
    struct guest_facts *facts = facts_new(has_cpus ? cpus->count : old->vcpu_count,
                                          has_disks ? stats->count : old->disk_count);
    bool has_balloon = collection->got[QUESTION_BALLOON];
    facts->at_ms = g_get_monotonic_time() / 1000;
    facts->has_balloon = has_balloon || old->has_balloon;
    facts->balloon = has_balloon ? collection->balloon.actual : old->balloon;
    for (unsigned i = 0; i < facts->vcpu_count; i++)
        facts->vcpus[i].thread_id =
            has_cpus ? ((struct qmp_cpu *)cpus->items)[i].thread_id : old->vcpus[i].thread_id;
    for (unsigned i = 0; i < facts->disk_count; i++)
        if (has_disks)
            fill_disk(&facts->disks[i], &((struct qmp_block_stats *)stats->items)[i],
                      &collection->lists[QUESTION_NODES]);
        else
            facts->disks[i] = old->disks[i];
    return facts;
}

static bool anything(const struct collection *collection)
{
    for (unsigned i = 0; i < QUESTIONS; i++)
        if (collection->got[i])
            return true;
    return false;
}

static void finish(struct collection *collection)
{
    struct guest *guest = collection->guest;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    bool got = anything(collection);

    object_get_view(&guest->object, &view);
    if (got && view.live)
        object_publish_facts(&guest->object, facts_of(collection, view_facts(&view)));
    g_mutex_lock(&answered_lock);
    atomic_store(&guest->collecting, false);
    if (got)
        atomic_store(&guest->late, false);
    g_cond_broadcast(&answered);
    g_mutex_unlock(&answered_lock);
    arena_clear(&collection->arena);
    object_unref(&guest->object);
    g_free(collection);
}

/* ---- asking ---- */

static void on_reply(struct qmp *qmp, struct json_object *result, const GError *error, void *user)
{
    g_autofree struct answer *answer = user;
    struct collection *collection = answer->collection;
    enum question question = answer->question;
    const struct qmp_query *query = queries[question];
    struct qmp_list *list = &collection->lists[question];
    g_autoptr(GError) wrong = NULL;

    if (result && query->list)
        collection->got[question] =
            qmp_decode_list(query->shape, result, query->command, &collection->arena, &list->items,
                            &list->count, &wrong) == 0;
    else if (result)
        collection->got[question] =
            qmp_decode_struct(query->shape, result, query->command, &collection->arena,
                              &collection->balloon, &wrong) == 0;
    if (wrong)
        log_warn("%s: %s", qmp_who(qmp), wrong->message);
    if (atomic_fetch_sub(&collection->pending, 1) == 1)
        finish(collection);
}

static void ask(struct collection *collection, struct qmp *qmp, enum question question)
{
    struct answer *answer = g_new(struct answer, 1);

    *answer = (struct answer){collection, question};
    atomic_fetch_add(&collection->pending, 1);
    /* without flat every node repeats the whole chain below it */
    qmp_send(qmp, queries[question]->command,
             question == QUESTION_NODES ? json_build("b:flat", true, NULL) : NULL, 0, on_reply,
             answer);
}

static bool has_balloon(const struct domain *live)
{
    return live->devices.memballoon && live->devices.memballoon->model != MEMBALLOON_NONE;
}

static void ask_all(struct guest *guest, struct qmp *qmp, const struct object_view *view)
{
    const struct domain *live = view_live(view);
    struct collection *collection = g_new0(struct collection, 1);

    collection->guest = guest;
    object_ref(&guest->object);
    /* held by this function too, lest the first answer finishes before the last question */
    atomic_store(&collection->pending, 1);
    if (has_balloon(live))
        ask(collection, qmp, QUESTION_BALLOON);
    if (!view->facts || view_facts(view)->vcpu_count == 0)
        ask(collection, qmp, QUESTION_CPUS);
    if (live->devices.disks.count) {
        ask(collection, qmp, QUESTION_BLOCKSTATS);
        ask(collection, qmp, QUESTION_NODES);
    }
    if (atomic_fetch_sub(&collection->pending, 1) == 1)
        finish(collection);
}

static void begin(struct guest *guest)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct qmp *qmp;

    object_get_view(&guest->object, &view);
    if (!view.live || atomic_load(&guest->collecting) || !(qmp = guest_get_qmp(guest, NULL)))
        return;
    if (!atomic_exchange(&guest->collecting, true))
        ask_all(guest, qmp, &view);
    qmp_unref(qmp);
}

static bool all_answered(struct object *const *objects, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct guest *guest = guest_of(objects[i]);
        if (atomic_load(&guest->collecting) && !atomic_load(&guest->late))
            return false;
    }
    return true;
}

void statistics_refresh(struct object *const *objects, unsigned count, unsigned wait_ms)
{
    gint64 deadline = g_get_monotonic_time() + wait_ms * G_TIME_SPAN_MILLISECOND;

    for (unsigned i = 0; i < count; i++)
        begin(guest_of(objects[i]));
    g_mutex_lock(&answered_lock);
    while (!all_answered(objects, count))
        if (!g_cond_wait_until(&answered, &answered_lock, deadline))
            break;
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&guest_of(objects[i])->collecting))
            atomic_store(&guest_of(objects[i])->late, true);
    g_mutex_unlock(&answered_lock);
}

const struct disk_facts *statistics_find_disk(const struct guest_facts *facts, const char *alias)
{
    for (unsigned i = 0; facts && alias && i < facts->disk_count; i++)
        if (strcmp(facts->disks[i].alias, alias) == 0)
            return &facts->disks[i];
    return NULL;
}

/* ---- the kernel ---- */

/* Fields of /proc/PID/stat, counted from 1 as in proc(5). */
enum stat_field { STAT_UTIME = 14, STAT_STIME = 15, STAT_PROCESSOR = 39, STAT_FIELDS = 40 };

static bool read_stat(const char *path, struct process_times *ret_times)
{
    g_autofree char *text = NULL;
    uint64_t fields[STAT_FIELDS] = {0};
    uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);

    if (file_read_all(path, 4096, &text, NULL, NULL) < 0)
        return false;
    /* the name, field 2, may hold spaces and brackets of its own */
    const char *at = strrchr(text, ')');
    for (unsigned field = 3; at && field < STAT_FIELDS; field++) {
        at = strchr(at, ' ');
        if (at)
            fields[field] = g_ascii_strtoull(++at, NULL, 10);
    }
    ret_times->user_ns = fields[STAT_UTIME] * tick_ns;
    ret_times->system_ns = fields[STAT_STIME] * tick_ns;
    ret_times->processor = (int)fields[STAT_PROCESSOR];
    return true;
}

bool statistics_read_process(struct guest *guest, struct process_times *ret_times)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", guest_pid(guest));

    return read_stat(path, ret_times);
}

bool statistics_read_vcpu(struct guest *guest, int64_t thread_id, struct process_times *ret_times,
                          uint64_t *ret_wait_ns)
{
    g_autofree char *task =
        g_strdup_printf("/proc/%d/task/%" G_GINT64_FORMAT, guest_pid(guest), thread_id);
    g_autofree char *stat = g_strdup_printf("%s/stat", task);
    g_autofree char *schedstat = g_strdup_printf("%s/schedstat", task);
    g_autofree char *text = NULL;

    *ret_wait_ns = 0;
    if (!read_stat(stat, ret_times))
        return false;
    if (file_read_all(schedstat, 256, &text, NULL, NULL) == 0 && strchr(text, ' '))
        *ret_wait_ns = g_ascii_strtoull(strchr(text, ' '), NULL, 10);
    return true;
}

uint64_t statistics_read_rss(struct guest *guest)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", guest_pid(guest));
    g_autofree char *text = NULL;

    if (file_read_all(path, 256, &text, NULL, NULL) < 0 || !strchr(text, ' '))
        return 0;
    return g_ascii_strtoull(strchr(text, ' '), NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

int statistics_read_interface(const char *name, struct interface_counters *ret_counters,
                              GError **error)
{
    static const struct {
        const char *file;
        size_t offset;
    } counters[] = {
        {"rx_bytes", offsetof(struct interface_counters, rx_bytes)},
        {"rx_packets", offsetof(struct interface_counters, rx_packets)},
        {"rx_errors", offsetof(struct interface_counters, rx_errors)},
        {"rx_dropped", offsetof(struct interface_counters, rx_dropped)},
        {"tx_bytes", offsetof(struct interface_counters, tx_bytes)},
        {"tx_packets", offsetof(struct interface_counters, tx_packets)},
        {"tx_errors", offsetof(struct interface_counters, tx_errors)},
        {"tx_dropped", offsetof(struct interface_counters, tx_dropped)},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(counters); i++) {
        g_autofree char *path =
            g_strdup_printf("/sys/class/net/%s/statistics/%s", name, counters[i].file);
        g_autofree char *text = NULL;

        if (file_read_all(path, 64, &text, NULL, error) < 0)
            return -1;
        *(uint64_t *)((char *)ret_counters + counters[i].offset) = g_ascii_strtoull(text, NULL, 10);
    }
    return 0;
}

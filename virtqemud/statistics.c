/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "statistics.h"

#include <string.h>

#include "base/log.h"

#include "json.h"
#include "qmp-decode.h"

/* One condition for all guests: answers are rare, and so are those who wait for them. */
static GMutex answered_lock;
static GCond answered;

/* The questions under way to one guest; its answers come on the monitors' loop. */
struct collection {
    struct guest *guest;
    struct arena arena;
    atomic_uint pending;
    struct answers answers;
};

struct answer {
    struct collection *collection;
    enum question question;
};

/* ---- what is asked, and of whom ---- */

static bool has_balloon(const struct domain *live, const struct guest_facts *facts)
{
    return live->devices.memballoon && live->devices.memballoon->model != MEMBALLOON_NONE;
}

/* Threads stay the same as long as CPUs do. */
static bool lacks_cpus(const struct domain *live, const struct guest_facts *facts)
{
    return !facts || facts->vcpu_count == 0;
}

static bool has_disks(const struct domain *live, const struct guest_facts *facts)
{
    return live->devices.disks.count > 0;
}

static bool has_iothreads(const struct domain *live, const struct guest_facts *facts)
{
    return live->iothread_count || live->iothreads.count;
}

static bool is_of_kvm(const struct domain *live, const struct guest_facts *facts)
{
    return live->type == DOMAIN_TYPE_KVM;
}

static bool lacks_kinds(const struct domain *live, const struct guest_facts *facts)
{
    return is_of_kvm(live, facts) && (!facts || !facts->counter_count);
}

static struct json_object *counter_arguments(const struct domain *live)
{
    return json_build("s:target", "vm", NULL);
}

static struct json_object *memory_arguments(const struct domain *live)
{
    g_autofree char *path =
        g_strdup_printf("/machine/peripheral/%s", live->devices.memballoon->info.alias);

    return qmp_balloon_stats_arguments(path);
}

/* Without flat every node repeats the whole chain below it. */
static struct json_object *node_arguments(const struct domain *live)
{
    return json_build("b:flat", true, NULL);
}

static const struct {
    const struct qmp_query *query;
    unsigned groups; /* of statistics that need it */
    bool (*wanted)(const struct domain *live, const struct guest_facts *facts); /* NULL: always */
    struct json_object *(*arguments)(const struct domain *live);                /* NULL: none */
} questions[QUESTIONS] = {
    [QUESTION_BALLOON] = {&qmp_query_balloon, VIR_DOMAIN_STATS_BALLOON, has_balloon, NULL},
    [QUESTION_MEMORY] = {&qmp_query_balloon_stats, VIR_DOMAIN_STATS_BALLOON, has_balloon,
                         memory_arguments},
    [QUESTION_CPUS] = {&qmp_query_cpus_fast, VIR_DOMAIN_STATS_VCPU, lacks_cpus, NULL},
    [QUESTION_BLOCKSTATS] = {&qmp_query_blockstats, VIR_DOMAIN_STATS_BLOCK, has_disks, NULL},
    [QUESTION_NODES] = {&qmp_query_named_block_nodes, VIR_DOMAIN_STATS_BLOCK, has_disks,
                        node_arguments},
    [QUESTION_IOTHREADS] = {&qmp_query_iothreads, VIR_DOMAIN_STATS_IOTHREAD, has_iothreads, NULL},
    [QUESTION_DIRTY_RATE] = {&qmp_query_dirty_rate, VIR_DOMAIN_STATS_DIRTYRATE, NULL, NULL},
    [QUESTION_COUNTERS] = {&qmp_query_stats, VIR_DOMAIN_STATS_VM, is_of_kvm, counter_arguments},
    [QUESTION_COUNTER_KINDS] = {&qmp_query_stats_schemas, VIR_DOMAIN_STATS_VM, lacks_kinds, NULL},
};

static bool is_wanted(enum question question, unsigned groups, const struct object_view *view)
{
    return (questions[question].groups & groups) &&
           (!questions[question].wanted ||
            questions[question].wanted(view_live(view), view_facts(view)));
}

/* ---- the answers ---- */

static bool anything(const struct collection *collection)
{
    for (unsigned i = 0; i < QUESTIONS; i++)
        if (collection->answers.got[i])
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
        object_publish_facts(&guest->object, facts_new(&collection->answers, view_facts(&view)));
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

/* Of all providers and what they tell of, KVM's numbers of the guest as a whole. */
static void choose_counters(struct qmp_list *reply)
{
    const struct qmp_counters *all = reply->items;
    struct qmp_list chosen = {0};

    for (unsigned i = 0; i < reply->count; i++)
        if (g_strcmp0(all[i].provider, "kvm") == 0 &&
            (!all[i].target || g_str_equal(all[i].target, "vm")))
            chosen = (struct qmp_list){.items = all[i].items, .count = all[i].count};
    *reply = chosen;
}

static int decode(enum question question, struct json_object *result, struct arena *arena,
                  struct qmp_list *ret_reply, GError **error)
{
    const struct qmp_query *query = questions[question].query;

    if (query->list)
        return qmp_decode_list(query->shape, result, query->command, arena, &ret_reply->items,
                               &ret_reply->count, error);
    ret_reply->count = 1;
    ret_reply->items = arena_alloc(arena, query->shape->size);
    return qmp_decode_struct(query->shape, result, query->command, arena, ret_reply->items, error);
}

static void on_reply(struct qmp *qmp, struct json_object *result, const GError *error, void *user)
{
    g_autofree struct answer *answer = user;
    struct collection *collection = answer->collection;
    struct answers *answers = &collection->answers;
    g_autoptr(GError) wrong = NULL;

    if (result)
        answers->got[answer->question] = decode(answer->question, result, &collection->arena,
                                                &answers->replies[answer->question], &wrong) == 0;
    if (wrong)
        log_warn("%s: %s", qmp_who(qmp), wrong->message);
    else if (answer->question == QUESTION_COUNTERS || answer->question == QUESTION_COUNTER_KINDS)
        choose_counters(&answers->replies[answer->question]);
    if (atomic_fetch_sub(&collection->pending, 1) == 1)
        finish(collection);
}

/* ---- asking ---- */

static void ask(struct collection *collection, struct qmp *qmp, enum question question,
                const struct domain *live)
{
    struct answer *answer = g_new(struct answer, 1);
    struct json_object *arguments =
        questions[question].arguments ? questions[question].arguments(live) : NULL;

    *answer = (struct answer){collection, question};
    atomic_fetch_add(&collection->pending, 1);
    qmp_send(qmp, questions[question].query->command, arguments, 0, on_reply, answer);
}

static void ask_all(struct guest *guest, struct qmp *qmp, const struct object_view *view,
                    unsigned groups)
{
    struct collection *collection = g_new0(struct collection, 1);

    collection->guest = guest;
    object_ref(&guest->object);
    /* held by this function too, lest the first answer finishes before the last question */
    atomic_store(&collection->pending, 1);
    for (unsigned question = 0; question < QUESTIONS; question++)
        if (is_wanted(question, groups, view))
            ask(collection, qmp, question, view_live(view));
    if (atomic_fetch_sub(&collection->pending, 1) == 1)
        finish(collection);
}

/* False when somebody else is asking just now, maybe for other groups. */
static bool begin(struct guest *guest, unsigned groups)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct qmp *qmp;

    object_get_view(&guest->object, &view);
    if (!view.live || !(qmp = guest_get_qmp(guest, NULL)))
        return true;
    bool ours = !atomic_exchange(&guest->collecting, true);
    if (ours)
        ask_all(guest, qmp, &view, groups);
    qmp_unref(qmp);
    return ours;
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

static void wait_for_answers(struct object *const *objects, unsigned count, gint64 deadline)
{
    g_mutex_lock(&answered_lock);
    while (!all_answered(objects, count))
        if (!g_cond_wait_until(&answered, &answered_lock, deadline))
            break;
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&guest_of(objects[i])->collecting))
            atomic_store(&guest_of(objects[i])->late, true);
    g_mutex_unlock(&answered_lock);
}

void statistics_refresh(struct object *const *objects, unsigned count, unsigned groups,
                        unsigned wait_ms)
{
    gint64 deadline = g_get_monotonic_time() + wait_ms * G_TIME_SPAN_MILLISECOND;
    g_autoptr(GPtrArray) busy = g_ptr_array_new();

    for (unsigned i = 0; i < count; i++)
        if (!begin(guest_of(objects[i]), groups))
            g_ptr_array_add(busy, objects[i]);
    wait_for_answers(objects, count, deadline);
    /* what another call was told may not be what this one needs; once is enough */
    bool again = false;
    for (guint i = 0; i < busy->len; i++)
        again |= !atomic_load(&guest_of(busy->pdata[i])->late) &&
                 begin(guest_of(busy->pdata[i]), groups);
    if (again)
        wait_for_answers((struct object *const *)busy->pdata, busy->len, deadline);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-cpus.h"

#include <json-c/json.h>

#include "base/cpuset.h"
#include "base/error.h"
#include "json.h"

#define ROUNDS_MAX 16

static int compare_ids(const void *a, const void *b)
{
    const struct agent_cpu *first = a, *second = b;

    return first->id < second->id ? -1 : first->id > second->id;
}

static int check(const struct agent_cpu *cpus, unsigned count, GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if (cpus[i].id < 0 || cpus[i].id >= CPUSET_MAX || (i > 0 && cpus[i].id == cpus[i - 1].id)) {
            error_set(error, VIR_ERR_INTERNAL_ERROR,
                      "the guest's agent tells of a CPU that can't be: %" G_GINT64_FORMAT,
                      cpus[i].id);
            return -1;
        }
    return 0;
}

int agent_cpus_get(struct agent_turn *turn, struct arena *arena, struct agent_cpu **ret_cpus,
                   unsigned *ret_count, GError **error)
{
    struct qmp_list list = {0};

    if (agent_ask(turn, &agent_query_cpus, NULL, arena, &list, error) < 0)
        return -1;
    if (list.count > 1)
        qsort(list.items, list.count, sizeof(struct agent_cpu), compare_ids);
    if (check(list.items, list.count, error) < 0)
        return -1;
    *ret_cpus = list.items;
    *ret_count = list.count;
    return 0;
}

static unsigned count_online(const struct agent_cpu *cpus, unsigned count)
{
    unsigned online = 0;

    for (unsigned i = 0; i < count; i++)
        online += cpus[i].online;
    return online;
}

int agent_cpus_count(struct guest *guest, unsigned *ret_count, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    AGENT_AUTO struct agent_turn turn = {0};
    struct agent_cpu *cpus;
    unsigned count;

    if (agent_begin(guest, &turn, error) < 0 ||
        agent_cpus_get(&turn, &arena, &cpus, &count, error) < 0)
        return -1;
    *ret_count = count_online(cpus, count);
    return 0;
}

/* ---- changing them ---- */

static struct json_object *describe(const struct agent_cpu *cpus, unsigned count)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < count; i++)
        json_object_array_add(
            list, json_build("I:logical-id", cpus[i].id, "b:online", cpus[i].online, NULL));
    return json_build("j:vcpus", list, NULL);
}

/* The agent may stop before the end, telling how far it came: what is wrong with the next shows
 * when it is asked again. It does not get to keep us by small steps. */
static int apply(struct agent_turn *turn, const struct agent_cpu *cpus, unsigned count,
                 GError **error)
{
    unsigned round = 0;
    int64_t done;

    for (unsigned i = 0; i < count; i += (unsigned)done) {
        if (agent_ask_number(turn, "guest-set-vcpus", describe(cpus + i, count - i), &done, error) <
            0)
            return -1;
        if (done <= 0 || done > count - i || ++round > ROUNDS_MAX) {
            error_set(error, VIR_ERR_INTERNAL_ERROR,
                      "the guest's agent says that it has set %" G_GINT64_FORMAT " of %u CPUs",
                      done, count - i);
            return -1;
        }
    }
    return 0;
}

/* The CPUs whose state is to become another, at the beginning of ret_changed. */
static unsigned choose(const struct agent_cpu *cpus, unsigned count, unsigned wanted,
                       struct agent_cpu *ret_changed)
{
    unsigned online = count_online(cpus, count);
    unsigned changed = 0;

    for (unsigned i = 0; i < count && online < wanted; i++)
        if (!cpus[i].online) {
            ret_changed[changed++] = (struct agent_cpu){.id = cpus[i].id, .online = true};
            online++;
        }
    for (unsigned i = count; i > 0 && online > wanted; i--)
        if (cpus[i - 1].online && cpus[i - 1].can_offline) {
            ret_changed[changed++] = (struct agent_cpu){.id = cpus[i - 1].id};
            online--;
        }
    return online == wanted ? changed : UINT_MAX;
}

int agent_cpus_set_count(struct guest *guest, unsigned count, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    AGENT_AUTO struct agent_turn turn = {0};
    struct agent_cpu *cpus;
    unsigned all;

    if (agent_begin(guest, &turn, error) < 0 ||
        agent_cpus_get(&turn, &arena, &cpus, &all, error) < 0)
        return -1;
    struct agent_cpu *changed = arena_array(&arena, all, sizeof(*changed));
    unsigned change_count = choose(cpus, all, count, changed);
    if (change_count == UINT_MAX) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "the guest has %u CPUs, of which %u are online: its agent can't make that %u",
                  all, count_online(cpus, all), count);
        return -1;
    }
    return apply(&turn, changed, change_count, error);
}

static const struct agent_cpu *find(const struct agent_cpu *cpus, unsigned count, int id)
{
    for (unsigned i = 0; i < count; i++)
        if (cpus[i].id == id)
            return &cpus[i];
    return NULL;
}

/* Those of the set that the guest has not, as users see them. */
static int check_missing(const struct cpuset *set, const struct agent_cpu *cpus, unsigned count,
                         struct arena *arena, GError **error)
{
    struct cpuset *missing = cpuset_new(arena, CPUSET_MAX);
    g_autoptr(GString) text = g_string_new(NULL);

    for (int id = cpuset_next(set, 0); id >= 0; id = cpuset_next(set, (unsigned)id + 1))
        if (!find(cpus, count, id))
            cpuset_add(missing, (unsigned)id);
    if (cpuset_count(missing) == 0)
        return 0;
    cpuset_format(missing, text);
    error_set(error, VIR_ERR_INVALID_ARG, "guest is missing vCPUs '%s'", text->str);
    return -1;
}

static int check_offline(const struct cpuset *set, const struct agent_cpu *cpus, unsigned count,
                         GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if (cpuset_has(set, (unsigned)cpus[i].id) && cpus[i].online && !cpus[i].can_offline) {
            error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                      "vCPU '%" G_GINT64_FORMAT "' is not offlinable", cpus[i].id);
            return -1;
        }
    return 0;
}

int agent_cpus_set(struct guest *guest, const char *cpus, bool online, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    AGENT_AUTO struct agent_turn turn = {0};
    struct cpuset *set = cpuset_parse(&arena, cpus);
    struct agent_cpu *all;
    unsigned count, changed = 0;

    if (!set || cpuset_count(set) == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' is no list of CPUs", cpus);
        return -1;
    }
    if (agent_begin(guest, &turn, error) < 0 ||
        agent_cpus_get(&turn, &arena, &all, &count, error) < 0 ||
        check_missing(set, all, count, &arena, error) < 0 ||
        (!online && check_offline(set, all, count, error) < 0))
        return -1;
    struct agent_cpu *list = arena_array(&arena, count, sizeof(*list));
    for (unsigned i = 0; i < count; i++)
        if (cpuset_has(set, (unsigned)all[i].id) && all[i].online != online)
            list[changed++] = (struct agent_cpu){.id = all[i].id, .online = online};
    return apply(&turn, list, changed, error);
}

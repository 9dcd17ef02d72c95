/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "driver/domains.h"
#include "host/node.h"
#include "protocol/remote-handlers.h"

#include "cpu-maps.h"
#include "json.h"
#include "methods.h"
#include "qmp-commands.h"
#include "setting.h"
#include "tune-parts.h"

/* Threads of QEMU that do nothing but the I/O of disks. */

/* ---- reading ---- */

int domain_get_iothread_info(struct call *call,
                             const struct remote_domain_get_iothread_info_args *args,
                             struct remote_domain_get_iothread_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;
    struct node_cpus cpus;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0 ||
        node_read_cpus(&cpus, error) < 0)
        return -1;
    uint32_t maplen = cpus.map->len;
    g_byte_array_unref(cpus.map);
    ret->ret = ret->info_len =
        MIN(MAX(domain->iothread_count, domain->iothreads.count), REMOTE_IOTHREAD_INFO_MAX);
    ret->info_val =
        arena_array(&call->arena, ret->info_len, sizeof(struct remote_domain_iothread_info));
    for (uint32_t i = 0; i < ret->info_len; i++) {
        unsigned id = domain->iothreads.count ? domain->iothreads.items[i]->id : i + 1;
        char *map = arena_alloc(&call->arena, maplen);

        ret->info_val[i] = (struct remote_domain_iothread_info){
            .iothread_id = id, .cpumap_len = maplen, .cpumap_val = map};
        if (cpu_maps_fill(placement_cpus(domain, ROLE_IOTHREAD, id), map, maplen, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- adding and taking away ---- */

static int add(struct domain *domain, bool live, const void *values, GError **error)
{
    unsigned id = *(const unsigned *)values;
    struct arena *arena = &domain->definition.arena;
    struct domain_iothread *thread = arena_new(arena, struct domain_iothread);

    tune_name_iothreads(domain);
    if (domain_find_iothread(domain, id)) {
        error_set(error, VIR_ERR_INVALID_ARG, "an IOThread is already using iothread_id '%u'", id);
        return -1;
    }
    thread->id = id;
    LIST_APPEND(arena, &domain->iothreads, thread);
    domain->iothread_count = domain->iothreads.count;
    return 0;
}

/* The disk or controller that needs the thread; NULL: none does. */
static const char *find_user(const struct domain *domain, unsigned id)
{
    LIST_EACH (disk, &domain->devices.disks) {
        if (disk->iothread == id)
            return disk->target;
        LIST_EACH (thread, &disk->iothreads)
            if (thread->id == id)
                return disk->target;
    }
    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->driver && controller->driver->iothread == id)
            return controller->info.alias ? controller->info.alias : "controller";
    return NULL;
}

static void remove_pin(struct cpu_tune *tune, unsigned id)
{
    for (unsigned i = 0; tune && i < tune->iothread_pins.count; i++)
        if (tune->iothread_pins.items[i]->iothread == id) {
            LIST_REMOVE(&tune->iothread_pins, i);
            return;
        }
}

static int remove_thread(struct domain *domain, bool live, const void *values, GError **error)
{
    unsigned id = *(const unsigned *)values;
    const char *user = find_user(domain, id);

    tune_name_iothreads(domain);
    if (!domain_find_iothread(domain, id)) {
        error_set(error, VIR_ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids list", id);
        return -1;
    }
    if (user) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "cannot remove IOThread '%u' since it is being used by '%s'", id, user);
        return -1;
    }
    for (unsigned i = 0; i < domain->iothreads.count; i++)
        if (domain->iothreads.items[i]->id == id)
            LIST_REMOVE(&domain->iothreads, i);
    domain->iothread_count = domain->iothreads.count;
    remove_pin(domain->cpu_tune, id);
    return 0;
}

/* Added or taken away: as live has it. */
static int apply_presence(struct guest *guest, const struct domain *live, const void *values,
                          unsigned deadline_ms, GError **error)
{
    unsigned id = *(const unsigned *)values;
    g_autofree char *name = g_strdup_printf("iothread%u", id);
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    bool wanted = domain_has_iothread(live, id);
    int result = wanted
                     ? qmp_object_add(qmp, json_build("s:qom-type", "iothread", "s:id", name, NULL),
                                      deadline_ms, error)
                     : qmp_object_del(qmp, name, deadline_ms, error);
    qmp_unref(qmp);
    return result < 0 || !wanted ? result : placement_apply_all(guest, live, error);
}

static const struct setting add_setting = {add, apply_presence};
static const struct setting remove_setting = {remove_thread, apply_presence};

int domain_add_iothread(struct call *call, const struct remote_domain_add_iothread_args *args,
                        void *ret, GError **error)
{
    if (args->iothread_id == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
        return -1;
    }
    return setting_change(call, args->flags, &add_setting, &args->iothread_id, NULL, error);
}

int domain_del_iothread(struct call *call, const struct remote_domain_del_iothread_args *args,
                        void *ret, GError **error)
{
    if (args->iothread_id == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
        return -1;
    }
    return setting_change(call, args->flags, &remove_setting, &args->iothread_id, NULL, error);
}

/* ---- parameters ---- */

struct iothread_values {
    unsigned id;
    uint64_t poll_max;
    unsigned poll_grow, poll_shrink, poll_weight;
    int pool_min, pool_max;
    bool has_max, has_grow, has_shrink, has_weight, has_pool_min, has_pool_max;
};

#define ROW(field, kind, member, present)                                                          \
    {                                                                                              \
        VIR_DOMAIN_IOTHREAD_##field, VIR_TYPED_PARAM_##kind,                                       \
            offsetof(struct iothread_values, member), offsetof(struct iothread_values, present)    \
    }

static const struct param_row iothread_rows[] = {
    ROW(POLL_MAX_NS, ULLONG, poll_max, has_max),
    ROW(POLL_GROW, UINT, poll_grow, has_grow),
    ROW(POLL_SHRINK, UINT, poll_shrink, has_shrink),
    ROW(POLL_WEIGHT, UINT, poll_weight, has_weight),
    ROW(THREAD_POOL_MIN, INT, pool_min, has_pool_min),
    ROW(THREAD_POOL_MAX, INT, pool_max, has_pool_max),
};

static int check_most(const char *name, uint64_t value, GError **error)
{
    if (value <= INT_MAX)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "%s (%" G_GUINT64_FORMAT ") must be less than or equal to %d", name, value, INT_MAX);
    return -1;
}

static int check_values(const struct iothread_values *values, GError **error)
{
    if (check_most("poll-max-ns", values->poll_max, error) < 0 ||
        check_most("poll-grow", values->poll_grow, error) < 0 ||
        check_most("poll-shrink", values->poll_shrink, error) < 0 ||
        check_most("poll-weight", values->poll_weight, error) < 0)
        return -1;
    if (values->pool_min < 0 || values->pool_max < 0) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "a thread pool can't be smaller than 0");
        return -1;
    }
    return 0;
}

static void set_poll(struct domain *domain, struct domain_iothread *thread,
                     const struct iothread_values *values)
{
    if (!values->has_max && !values->has_grow && !values->has_shrink && !values->has_weight)
        return;
    if (!thread->poll)
        thread->poll = arena_new(&domain->definition.arena, struct iothread_poll);
    if (values->has_max)
        thread->poll->max = OPT_ULONG(values->poll_max);
    if (values->has_grow)
        thread->poll->grow = OPT_ULONG(values->poll_grow);
    if (values->has_shrink)
        thread->poll->shrink = OPT_ULONG(values->poll_shrink);
    if (values->has_weight)
        thread->poll->weight = OPT_ULONG(values->poll_weight);
}

static int set_pool(struct domain_iothread *thread, const struct iothread_values *values,
                    GError **error)
{
    if (values->has_pool_min)
        thread->thread_pool_min = OPT_INT(values->pool_min);
    if (values->has_pool_max)
        thread->thread_pool_max = OPT_INT(values->pool_max);
    if (!thread->thread_pool_min.set || !thread->thread_pool_max.set ||
        thread->thread_pool_min.value <= thread->thread_pool_max.value)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "thread_pool_min (%d) can't be greater than thread_pool_max (%d)",
              thread->thread_pool_min.value, thread->thread_pool_max.value);
    return -1;
}

static int modify_params(struct domain *domain, bool live, const void *data, GError **error)
{
    const struct iothread_values *values = data;

    tune_name_iothreads(domain);
    struct domain_iothread *thread = domain_find_iothread(domain, values->id);
    if (!thread) {
        error_set(error, VIR_ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids",
                  values->id);
        return -1;
    }
    set_poll(domain, thread, values);
    return set_pool(thread, values, error);
}

struct property {
    const char *name;
    bool given;
    bool set;
    uint64_t value;
};

static int set_properties(struct qmp *qmp, unsigned id, const struct property *properties,
                          size_t count, unsigned deadline_ms, GError **error)
{
    g_autofree char *path = g_strdup_printf("/objects/iothread%u", id);

    for (size_t i = 0; i < count; i++)
        if (properties[i].given && properties[i].set &&
            qmp_qom_set(qmp, path, properties[i].name,
                        json_object_new_int64((int64_t)properties[i].value), deadline_ms,
                        error) < 0)
            return -1;
    return 0;
}

/* The smallest size of the pool can't be above the largest at any moment: which goes first depends
 * on what they were. */
static int set_pool_sizes(struct qmp *qmp, const struct iothread_values *values,
                          const struct domain_iothread *thread, unsigned deadline_ms,
                          GError **error)
{
    struct property least = {"thread-pool-min", values->has_pool_min, thread->thread_pool_min.set,
                             (uint64_t)thread->thread_pool_min.value};
    struct property most = {"thread-pool-max", values->has_pool_max, thread->thread_pool_max.set,
                            (uint64_t)thread->thread_pool_max.value};
    struct property growing[] = {most, least}, shrinking[] = {least, most};
    g_autofree char *path = g_strdup_printf("/objects/iothread%u", values->id);
    struct json_object *now JSON_AUTO = NULL;

    if (qmp_qom_get(qmp, path, least.name, deadline_ms, &now, error) < 0)
        return -1;
    bool grows = most.value >= (uint64_t)json_object_get_int64(now);
    return set_properties(qmp, values->id, grows ? growing : shrinking, 2, deadline_ms, error);
}

static int apply_params(struct guest *guest, const struct domain *live, const void *data,
                        unsigned deadline_ms, GError **error)
{
    static const struct iothread_poll none;
    const struct iothread_values *values = data;
    const struct domain_iothread *thread = domain_find_iothread(live, values->id);
    const struct iothread_poll *poll = thread && thread->poll ? thread->poll : &none;
    struct qmp *qmp = thread ? guest_get_qmp(guest, error) : NULL;
    const struct property properties[] = {
        {"poll-max-ns", values->has_max, poll->max.set, poll->max.value},
        {"poll-grow", values->has_grow, poll->grow.set, poll->grow.value},
        {"poll-shrink", values->has_shrink, poll->shrink.set, poll->shrink.value},
        {"poll-weight", values->has_weight, poll->weight.set, poll->weight.value},
    };

    if (!qmp)
        return -1;
    int result =
        set_properties(qmp, values->id, properties, G_N_ELEMENTS(properties), deadline_ms, error);
    if (result == 0 && (values->has_pool_min || values->has_pool_max))
        result = set_pool_sizes(qmp, values, thread, deadline_ms, error);
    qmp_unref(qmp);
    return result;
}

static const struct setting params_setting = {modify_params, apply_params};

int domain_set_iothread_params(struct call *call,
                               const struct remote_domain_set_iothread_params_args *args, void *ret,
                               GError **error)
{
    struct iothread_values values = {.id = args->iothread_id};

    if (values.id == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
        return -1;
    }
    if (params_read(args->params_val, args->params_len, iothread_rows, G_N_ELEMENTS(iothread_rows),
                    &values, error) < 0 ||
        check_values(&values, error) < 0)
        return -1;
    return setting_change(call, args->flags, &params_setting, &values, NULL, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_iothread_info), .flags = AFFECT},
    {.binding = HANDLER(remote, domain_add_iothread), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_del_iothread), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_set_iothread_params), .flags = AFFECT, .job = true},
};

const struct driver_methods iothread_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "disk-limits.h"
#include "methods.h"
#include "qmp-commands.h"
#include "setting.h"
#include "throttle.h"

/* Throttle groups: limits of the guest that filters of its disks share. */

struct throttle_request {
    const char *group;
    const struct remote_typed_param *params;
    uint32_t count;
};

/* ---- what it is in QEMU ---- */

static int put_object(struct qmp *qmp, const struct disk_iotune *group, unsigned deadline_ms,
                      GError **error)
{
    g_autofree char *name = throttle_object_name(group->group_name);
    g_autofree char *path = g_strconcat("/objects/", name, NULL);
    struct json_object *old JSON_AUTO = NULL;

    if (qmp_qom_get(qmp, path, "limits", deadline_ms, &old, NULL) == 0)
        return qmp_qom_set(qmp, path, "limits", throttle_limits(group), deadline_ms, error);
    return qmp_object_add(qmp, throttle_object(group), deadline_ms, error);
}

/* Made, changed or taken away: as live has it. */
static int apply(struct guest *guest, const struct domain *live, const void *values,
                 unsigned deadline_ms, GError **error)
{
    const struct throttle_request *request = values;
    const struct disk_iotune *group = domain_find_throttle_group(live, request->group);
    g_autofree char *name = throttle_object_name(request->group);
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result = group ? put_object(qmp, group, deadline_ms, error)
                       : qmp_object_del(qmp, name, deadline_ms, error);
    qmp_unref(qmp);
    return result;
}

/* ---- setting ---- */

static int set_group(struct domain *domain, bool live, const void *values, GError **error)
{
    const struct throttle_request *request = values;
    struct arena *arena = &domain->definition.arena;
    struct disk_iotune *group = domain_find_throttle_group(domain, request->group);

    if (!group) {
        group = arena_new(arena, struct disk_iotune);
        LIST_APPEND(arena, &domain->throttle_groups, group);
    }
    if (disk_limits_merge(request->params, request->count, live, group, error) < 0)
        return -1;
    group->group_name = request->group;
    return 0;
}

static const struct setting set_setting = {set_group, apply};

/* It is part of the name of an object of QEMU's. */
static int check_name(const char *name, GError **error)
{
    if (*name && !name[strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-._")])
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG,
              "throttle group name '%s' may have letters, digits, '-', '.' and '_'", name);
    return -1;
}

static bool is_name(const struct remote_typed_param *param)
{
    return strcmp(param->field, VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME) == 0;
}

static int check_params(const struct throttle_request *request, GError **error)
{
    for (uint32_t i = 0; i < request->count; i++) {
        const struct remote_typed_param *param = &request->params[i];

        if (is_name(param) && param->value.type == VIR_TYPED_PARAM_STRING &&
            strcmp(param->value.s, request->group) != 0) {
            error_set(error, VIR_ERR_INVALID_ARG, "a throttle group can't be given another name");
            return -1;
        }
    }
    return disk_limits_check(request->params, request->count, error);
}

static void raise_event(struct call *call, const struct throttle_request *request)
{
    struct params params = {.arena = &call->arena};

    params_add_string(&params, request->group, "%s", VIR_DOMAIN_TUNABLE_BLKDEV_GROUP_NAME);
    for (uint32_t i = 0; i < request->count; i++)
        if (!is_name(&request->params[i]))
            setting_add_given(&params, "blkdeviotune.", &request->params[i], 1);
    setting_raise(call, &params);
}

int domain_set_throttle_group(struct call *call,
                              const struct remote_domain_set_throttle_group_args *args, void *ret,
                              GError **error)
{
    const struct throttle_request request = {args->group, args->params_val, args->params_len};
    bool live;

    if (check_name(args->group, error) < 0 || check_params(&request, error) < 0 ||
        setting_change(call, args->flags, &set_setting, &request, &live, error) < 0)
        return -1;
    if (live)
        raise_event(call, &request);
    return 0;
}

/* ---- taking away ---- */

/* The disk that a group limits; NULL: none. */
static const struct domain_disk *find_user(const struct domain *domain, const char *name)
{
    LIST_EACH (disk, &domain->devices.disks)
        LIST_EACH (group, &disk->throttle_groups)
            if (strcmp(group, name) == 0)
                return disk;
    return NULL;
}

static int remove_group(struct domain *domain, bool live, const void *values, GError **error)
{
    const struct throttle_request *request = values;
    const struct domain_disk *user = find_user(domain, request->group);

    if (!domain_find_throttle_group(domain, request->group)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "throttlegroup '%s' was not found in the domain config", request->group);
        return -1;
    }
    if (user) {
        error_set(error, VIR_ERR_INVALID_ARG, "throttlegroup '%s' is still being used by disk '%s'",
                  request->group, user->target);
        return -1;
    }
    for (unsigned i = 0; i < domain->throttle_groups.count; i++)
        if (strcmp(domain->throttle_groups.items[i]->group_name, request->group) == 0)
            LIST_REMOVE(&domain->throttle_groups, i);
    return 0;
}

static const struct setting remove_setting = {remove_group, apply};

int domain_del_throttle_group(struct call *call,
                              const struct remote_domain_del_throttle_group_args *args, void *ret,
                              GError **error)
{
    const struct throttle_request request = {.group = args->group};

    if (!args->group) {
        error_set(error, VIR_ERR_INVALID_ARG, "a throttle group must be named");
        return -1;
    }
    return setting_change(call, args->flags, &remove_setting, &request, NULL, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_set_throttle_group),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY,
     .job = true},
    {.binding = HANDLER(remote, domain_del_throttle_group), .flags = AFFECT, .job = true},
};

const struct driver_methods throttle_methods = DRIVER_METHODS(rows);

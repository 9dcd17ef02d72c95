/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "disk-limits.h"
#include "methods.h"
#include "setting.h"
#include "tuning.h"

/* Limits of guests' disks, that QEMU itself keeps. */

/* ---- reading ---- */

/* Limits of a disk alone are those of a group as well for QEMU, which calls it like the device. */
static struct disk_iotune read_limits(struct arena *arena, const struct domain_disk *disk,
                                      bool live)
{
    struct disk_iotune tune = *disk->iotune;

    if (live && !tune.group_name && !domain_source_is_empty(&disk->source)) {
        g_autofree char *device = tuning_device_of(disk);
        tune.group_name = arena_strdup(arena, device);
    }
    return tune;
}

int domain_get_block_io_tune(struct call *call,
                             const struct remote_domain_get_block_io_tune_args *args,
                             struct remote_domain_get_block_io_tune_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    struct disk_iotune tune = {0};
    const struct domain *domain;
    const struct domain_disk *disk = NULL;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    if (args->disk && !(disk = domain_find_disk_or_path(domain, args->disk))) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' was not found in the domain config",
                  args->disk);
        return -1;
    }
    bool live = domain == view_live(&view);
    if (disk && disk->iotune)
        tune = read_limits(&call->arena, disk, live);
    disk_limits_add(&params, &tune, live);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- changing ---- */

struct iotune_request {
    const struct remote_domain_set_block_io_tune_args *args;
    const char *target; /* of the disk, as the live document has it */
};

static bool is_unlimited(const struct disk_iotune *tune)
{
    static const struct disk_iotune none;
    struct disk_iotune limits = *tune;

    limits.group_name = NULL;
    return memcmp(&limits, &none, sizeof(none)) == 0;
}

static bool is_in_group(const struct domain_disk *disk, const char *group)
{
    return disk->iotune && g_strcmp0(disk->iotune->group_name, group) == 0;
}

/* Disks of one group have one limit between them. */
static void share_with_group(struct domain *domain, const struct domain_disk *changed)
{
    const struct disk_iotune *tune = changed->iotune;

    if (!tune || !tune->group_name)
        return;
    LIST_EACH (disk, &domain->devices.disks)
        if (disk != changed && is_in_group(disk, tune->group_name))
            *disk->iotune = *tune;
}

/* Who joins a group without a word of limits has those of the group, not the other way round. */
static void join_group(const struct domain *domain, const struct domain_disk *joining,
                       const struct remote_domain_set_block_io_tune_args *args,
                       struct disk_iotune *tune)
{
    bool brings_limits =
        disk_limits_are_given(args->params_val, args->params_len) && !is_unlimited(tune);

    if (!tune->group_name || brings_limits || is_in_group(joining, tune->group_name))
        return;
    LIST_EACH (disk, &domain->devices.disks)
        if (is_in_group(disk, tune->group_name))
            *tune = *disk->iotune;
}

/* A disk without limits is in no group. */
static int set_limits(struct domain_disk *disk, struct disk_iotune *tune, GError **error)
{
    if (!is_unlimited(tune)) {
        disk->iotune = tune;
        return 0;
    }
    if (tune->group_name && !is_in_group(disk, tune->group_name)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "creating a new group/updating existing with all tune parameters zero is not "
                  "supported");
        return -1;
    }
    disk->iotune = NULL;
    return 0;
}

static int modify(struct domain *domain, bool live, const void *values, GError **error)
{
    const struct iotune_request *request = values;
    struct domain_disk *disk = domain_find_disk_or_path(domain, request->args->disk);
    struct disk_iotune *tune = arena_new(&domain->definition.arena, struct disk_iotune);

    if (!disk) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' not found in domain", request->args->disk);
        return -1;
    }
    if (disk->throttle_groups.count) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "block 'iotune' can't be used together with 'throttlefilters' for disk '%s'",
                  disk->target);
        return -1;
    }
    if (disk->iotune)
        *tune = *disk->iotune;
    if (disk_limits_merge(request->args->params_val, request->args->params_len, live, tune, error) <
        0)
        return -1;
    if (tune->group_name && !*tune->group_name)
        tune->group_name = NULL;
    join_group(domain, disk, request->args, tune);
    if (set_limits(disk, tune, error) < 0)
        return -1;
    share_with_group(domain, disk);
    return 0;
}

static int apply(struct guest *guest, const struct domain *live, const void *values,
                 unsigned deadline_ms, GError **error)
{
    const struct iotune_request *request = values;
    const struct domain_disk *disk = domain_find_disk_or_path(live, request->args->disk);
    struct qmp *qmp;

    if (domain_source_is_empty(&disk->source)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "disk '%s' has no medium that could be limited",
                  disk->target);
        return -1;
    }
    if (!(qmp = guest_get_qmp(guest, error)))
        return -1;
    int result = tuning_limit_disk(qmp, disk, deadline_ms, error);
    qmp_unref(qmp);
    return result;
}

static const struct setting iotune_setting = {modify, apply};

static void raise_event(struct call *call, const struct iotune_request *request)
{
    struct params params = {.arena = &call->arena};

    params_add_string(&params, request->target, "%s", VIR_DOMAIN_TUNABLE_BLKDEV_DISK);
    setting_add_given(&params, "blkdeviotune.", request->args->params_val,
                      request->args->params_len);
    setting_raise(call, &params);
}

int domain_set_block_io_tune(struct call *call,
                             const struct remote_domain_set_block_io_tune_args *args, void *ret,
                             GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct iotune_request request = {.args = args};
    bool live;

    if (disk_limits_check(args->params_val, args->params_len, error) < 0 ||
        setting_change(call, args->flags, &iotune_setting, &request, &live, error) < 0)
        return -1;
    if (!live)
        return 0;
    object_get_view(call->object, &view);
    request.target = domain_find_disk_or_path(view_live(&view), args->disk)->target;
    raise_event(call, &request);
    return 0;
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_block_io_tune),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_block_io_tune), .flags = AFFECT, .job = true},
};

const struct driver_methods iotune_methods = DRIVER_METHODS(rows);

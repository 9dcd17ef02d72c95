/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "setting.h"
#include "tuning.h"

/* Limits of guests' disks, that QEMU itself keeps. */

#define ROW(field, member)                                                                         \
    {                                                                                              \
        VIR_DOMAIN_BLOCK_IOTUNE_##field, VIR_TYPED_PARAM_ULLONG,                                   \
            offsetof(struct disk_iotune, member), 0                                                \
    }

static const struct param_row iotune_rows[] = {
    ROW(TOTAL_BYTES_SEC, total_bytes_sec),
    ROW(READ_BYTES_SEC, read_bytes_sec),
    ROW(WRITE_BYTES_SEC, write_bytes_sec),
    ROW(TOTAL_IOPS_SEC, total_iops_sec),
    ROW(READ_IOPS_SEC, read_iops_sec),
    ROW(WRITE_IOPS_SEC, write_iops_sec),
    ROW(TOTAL_BYTES_SEC_MAX, total_bytes_sec_max),
    ROW(READ_BYTES_SEC_MAX, read_bytes_sec_max),
    ROW(WRITE_BYTES_SEC_MAX, write_bytes_sec_max),
    ROW(TOTAL_IOPS_SEC_MAX, total_iops_sec_max),
    ROW(READ_IOPS_SEC_MAX, read_iops_sec_max),
    ROW(WRITE_IOPS_SEC_MAX, write_iops_sec_max),
    ROW(SIZE_IOPS_SEC, size_iops_sec),
    {VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME, VIR_TYPED_PARAM_STRING,
     offsetof(struct disk_iotune, group_name), 0},
    ROW(TOTAL_BYTES_SEC_MAX_LENGTH, total_bytes_sec_max_length),
    ROW(READ_BYTES_SEC_MAX_LENGTH, read_bytes_sec_max_length),
    ROW(WRITE_BYTES_SEC_MAX_LENGTH, write_bytes_sec_max_length),
    ROW(TOTAL_IOPS_SEC_MAX_LENGTH, total_iops_sec_max_length),
    ROW(READ_IOPS_SEC_MAX_LENGTH, read_iops_sec_max_length),
    ROW(WRITE_IOPS_SEC_MAX_LENGTH, write_iops_sec_max_length),
};
#define ROWS G_N_ELEMENTS(iotune_rows)

/* Total, read and write of one kind are set together. */
static const struct kind {
    size_t total; /* offset of the three in a row */
    size_t most;  /* the same of the bursts; 0: this is one */
    size_t length;
} kinds[] = {
    {offsetof(struct disk_iotune, total_bytes_sec),
     offsetof(struct disk_iotune, total_bytes_sec_max),
     offsetof(struct disk_iotune, total_bytes_sec_max_length)},
    {offsetof(struct disk_iotune, total_iops_sec), offsetof(struct disk_iotune, total_iops_sec_max),
     offsetof(struct disk_iotune, total_iops_sec_max_length)},
    {offsetof(struct disk_iotune, total_bytes_sec_max), 0, 0},
    {offsetof(struct disk_iotune, total_iops_sec_max), 0, 0},
    {offsetof(struct disk_iotune, total_bytes_sec_max_length), 0, 0},
    {offsetof(struct disk_iotune, total_iops_sec_max_length), 0, 0},
};
#define MOST_LIMIT G_GUINT64_CONSTANT(1000000000000000)

static uint64_t *three_of(struct disk_iotune *tune, size_t offset)
{
    return (uint64_t *)((char *)tune + offset);
}

static const char *field_at(size_t offset)
{
    for (size_t i = 0; i < ROWS; i++)
        if (iotune_rows[i].offset == offset)
            return iotune_rows[i].field;
    return NULL;
}

/* ---- reading ---- */

int domain_get_block_io_tune(struct call *call,
                             const struct remote_domain_get_block_io_tune_args *args,
                             struct remote_domain_get_block_io_tune_ret *ret, GError **error)
{
    static const struct disk_iotune none;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    const struct domain *domain;
    const struct domain_disk *disk = NULL;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    if (args->disk && !(disk = domain_find_disk_or_path(domain, args->disk))) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' was not found in the domain config",
                  args->disk);
        return -1;
    }
    params_add_rows(&params, iotune_rows, ROWS, disk && disk->iotune ? disk->iotune : &none);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- checking ---- */

static int check_limits(struct disk_iotune *given, GError **error)
{
    for (size_t i = 0; i < ROWS; i++)
        if (iotune_rows[i].type == VIR_TYPED_PARAM_ULLONG &&
            *three_of(given, iotune_rows[i].offset) > MOST_LIMIT) {
            error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                      "block I/O throttle limit value must be no more than %" G_GUINT64_FORMAT,
                      MOST_LIMIT);
            return -1;
        }
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const uint64_t *three = three_of(given, kinds[i].total);

        if (three[0] && (three[1] || three[2])) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "%s, the total, and what is for reading or writing alone cannot be set at "
                      "the same time",
                      field_at(kinds[i].total));
            return -1;
        }
    }
    return 0;
}

/* What QEMU asks of bursts. */
static int check_bursts(struct disk_iotune *tune, const struct kind *kind, GError **error)
{
    for (size_t i = 0; kind->most && i < 3; i++) {
        uint64_t value = three_of(tune, kind->total)[i], most = three_of(tune, kind->most)[i];
        const char *field = field_at(kind->total + i * sizeof(uint64_t));
        const char *field_of_most = field_at(kind->most + i * sizeof(uint64_t));

        if (most && !value) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "cannot reset '%s' when '%s' is set",
                      field, field_of_most);
            return -1;
        }
        if (most && most < value) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "value '%s' cannot be smaller than '%s'",
                      field_of_most, field);
            return -1;
        }
        if (three_of(tune, kind->length)[i] && !most) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "value '%s' cannot be set if '%s' is not",
                      field_at(kind->length + i * sizeof(uint64_t)), field_of_most);
            return -1;
        }
    }
    return 0;
}

/* ---- changing ---- */

struct iotune_request {
    const struct remote_domain_set_block_io_tune_args *args;
    const char *target; /* of the disk, as the live document has it */
};

static bool is_given(const struct iotune_request *request, size_t offset)
{
    for (uint32_t i = 0; i < request->args->params_len; i++)
        for (size_t row = 0; row < ROWS; row++)
            if (iotune_rows[row].offset == offset &&
                strcmp(iotune_rows[row].field, request->args->params_val[i].field) == 0)
                return true;
    return false;
}

/* One of three makes those that are not given 0. */
static void clear_given_kinds(const struct iotune_request *request, struct disk_iotune *tune)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (size_t j = 0; j < 3; j++)
            if (is_given(request, kinds[i].total + j * sizeof(uint64_t))) {
                memset(three_of(tune, kinds[i].total), 0, 3 * sizeof(uint64_t));
                break;
            }
}

static bool is_unlimited(const struct disk_iotune *tune)
{
    static const struct disk_iotune none;

    return memcmp(tune, &none, sizeof(none)) == 0;
}

/* Disks of one group have one limit between them. */
static void share_with_group(struct domain *domain, const struct domain_disk *changed)
{
    const struct disk_iotune *tune = changed->iotune;

    if (!tune || !tune->group_name)
        return;
    LIST_EACH (disk, &domain->devices.disks)
        if (disk != changed && disk->iotune && disk->iotune->group_name &&
            strcmp(disk->iotune->group_name, tune->group_name) == 0)
            *disk->iotune = *tune;
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
    if (disk->iotune)
        *tune = *disk->iotune;
    clear_given_kinds(request, tune);
    if (params_read(request->args->params_val, request->args->params_len, iotune_rows, ROWS, tune,
                    error) < 0)
        return -1;
    if (tune->group_name && !*tune->group_name)
        tune->group_name = NULL;
    for (size_t i = 0; live && i < G_N_ELEMENTS(kinds); i++)
        if (check_bursts(tune, &kinds[i], error) < 0)
            return -1;
    disk->iotune = is_unlimited(tune) ? NULL : tune;
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
    struct disk_iotune given = {0};
    bool live;

    if (params_read(args->params_val, args->params_len, iotune_rows, ROWS, &given, error) < 0 ||
        check_limits(&given, error) < 0 ||
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "image-size.h"
#include "methods.h"
#include "statistics.h"
#include "volume-source.h"

/* What is known of disks, one by one. */

static int get_fresh_view(struct call *call, struct object_view *ret_view, GError **error)
{
    statistics_refresh(&call->object, 1, VIR_DOMAIN_STATS_BLOCK, STATISTICS_WAIT_MS);
    return call_get_view(call, ret_view, error);
}

static const struct domain_disk *find_disk(const struct object_view *view, const char *name,
                                           GError **error)
{
    const struct domain_disk *disk = domain_find_disk_or_path(view_current(view), name);

    if (!disk)
        error_set(error, VIR_ERR_INVALID_ARG, "invalid path: %s", name);
    return disk;
}

/* ---- counters ---- */

/* The counters of one disk, or of all together when name is empty. */
static int sum_disks(const struct object_view *view, const char *name,
                     struct qmp_block_stats *ret_sum, GError **error)
{
    const struct guest_facts *facts = view_facts(view);
    const struct domain_disk *only = *name ? find_disk(view, name, error) : NULL;

    if (*name && !only)
        return -1;
    for (unsigned i = 0; facts && i < facts->disk_count; i++) {
        const struct qmp_block_stats *stats = &facts->disks[i].stats;

        if (only && g_strcmp0(facts->disks[i].alias, only->info.alias) != 0)
            continue;
        ret_sum->read_operations += stats->read_operations;
        ret_sum->read_bytes += stats->read_bytes;
        ret_sum->read_ns += stats->read_ns;
        ret_sum->write_operations += stats->write_operations;
        ret_sum->write_bytes += stats->write_bytes;
        ret_sum->write_ns += stats->write_ns;
        ret_sum->flush_operations += stats->flush_operations;
        ret_sum->flush_ns += stats->flush_ns;
    }
    return 0;
}

static int refresh_and_sum(struct call *call, const char *name, struct qmp_block_stats *ret_sum,
                           GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (get_fresh_view(call, &view, error) < 0)
        return -1;
    return sum_disks(&view, name, ret_sum, error);
}

int domain_block_stats(struct call *call, const struct remote_domain_block_stats_args *args,
                       struct remote_domain_block_stats_ret *ret, GError **error)
{
    struct qmp_block_stats sum = {0};

    if (refresh_and_sum(call, args->path, &sum, error) < 0)
        return -1;
    ret->rd_req = (int64_t)sum.read_operations;
    ret->rd_bytes = (int64_t)sum.read_bytes;
    ret->wr_req = (int64_t)sum.write_operations;
    ret->wr_bytes = (int64_t)sum.write_bytes;
    ret->errs = -1; /* not counted */
    return 0;
}

int domain_block_stats_flags(struct call *call,
                             const struct remote_domain_block_stats_flags_args *args,
                             struct remote_domain_block_stats_flags_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};
    struct qmp_block_stats sum = {0};
    const struct {
        const char *field;
        const uint64_t *value;
    } rows[] = {
        {VIR_DOMAIN_BLOCK_STATS_READ_REQ, &sum.read_operations},
        {VIR_DOMAIN_BLOCK_STATS_READ_BYTES, &sum.read_bytes},
        {VIR_DOMAIN_BLOCK_STATS_READ_TOTAL_TIMES, &sum.read_ns},
        {VIR_DOMAIN_BLOCK_STATS_WRITE_REQ, &sum.write_operations},
        {VIR_DOMAIN_BLOCK_STATS_WRITE_BYTES, &sum.write_bytes},
        {VIR_DOMAIN_BLOCK_STATS_WRITE_TOTAL_TIMES, &sum.write_ns},
        {VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ, &sum.flush_operations},
        {VIR_DOMAIN_BLOCK_STATS_FLUSH_TOTAL_TIMES, &sum.flush_ns},
    };

    if (refresh_and_sum(call, args->path, &sum, error) < 0)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        params_add_long(&params, (int64_t)*rows[i].value, "%s", rows[i].field);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- sizes ---- */

static bool is_device(const struct domain_source *source)
{
    return domain_source_type(source) == SOURCE_BLOCK;
}

/* What QEMU knows is right where the file's own size is not, and where there is no file. */
static int get_size(const struct object_view *view, const struct domain_disk *disk,
                    struct image_size *ret_size, GError **error)
{
    const struct disk_facts *facts = facts_find_disk(view_facts(view), disk->info.alias);
    bool local = disk->source.path && domain_source_is_local(&disk->source);

    if (local && image_size_read(&disk->source, ret_size, error) < 0)
        return -1;
    if (!local && (!facts || !facts->capacity)) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "how large '%s' is can be told only while the domain runs", disk->target);
        return -1;
    }
    if (!local)
        *ret_size =
            (struct image_size){.allocation = facts->allocation, .physical = facts->allocation};
    if (facts && facts->capacity)
        ret_size->capacity = facts->capacity;
    if (facts && is_device(&disk->source) && disk->source.format != IMAGE_FORMAT_RAW)
        ret_size->allocation = facts->stats.file_highest_offset;
    return 0;
}

/* A guest that is off does not know what its volumes are. */
static int find_volume(struct call *call, struct domain_source *source, GError **error)
{
    if (domain_source_type(source) != SOURCE_VOLUME)
        return 0;
    source->backing = NULL;
    return volume_source_find(qemu_of_call(call), source, &call->arena, error);
}

int domain_get_block_info(struct call *call, const struct remote_domain_get_block_info_args *args,
                          struct remote_domain_get_block_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct image_size size = {0};

    if (get_fresh_view(call, &view, error) < 0)
        return -1;
    const struct domain_disk *disk = find_disk(&view, args->path, error);
    if (!disk)
        return -1;
    if (domain_source_is_empty(&disk->source)) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' does not currently have a source assigned",
                  args->path);
        return -1;
    }
    struct domain_disk asked = *disk;
    if (find_volume(call, &asked.source, error) < 0 || get_size(&view, &asked, &size, error) < 0)
        return -1;
    ret->physical = size.physical;
    ret->allocation = size.allocation;
    ret->capacity = size.capacity;
    return 0;
}

/* ---- errors ---- */

static int disk_error(const char *io_status)
{
    if (g_strcmp0(io_status, "nospace") == 0)
        return VIR_DOMAIN_DISK_ERROR_NO_SPACE;
    return g_strcmp0(io_status, "failed") == 0 ? VIR_DOMAIN_DISK_ERROR_UNSPEC
                                               : VIR_DOMAIN_DISK_ERROR_NONE;
}

/* "virtio-disk0" is part of "/machine/peripheral/virtio-disk0/virtio-backend". */
static const struct qmp_block_device *
find_device(const struct domain_disk *disk, const struct qmp_block_device *devices, unsigned count)
{
    for (unsigned i = 0; disk->info.alias && i < count; i++) {
        g_auto(GStrv) parts = g_strsplit(devices[i].qdev ? devices[i].qdev : "", "/", 0);

        if (g_strv_contains((const char *const *)parts, disk->info.alias))
            return &devices[i];
    }
    return NULL;
}

static void fill_errors(struct arena *arena, const struct domain *live,
                        const struct qmp_block_device *devices, unsigned count, unsigned room,
                        struct remote_domain_get_disk_errors_ret *ret)
{
    LIST_EACH (disk, &live->devices.disks) {
        const struct qmp_block_device *device = find_device(disk, devices, count);
        int code = device ? disk_error(device->io_status) : VIR_DOMAIN_DISK_ERROR_NONE;

        if (code != VIR_DOMAIN_DISK_ERROR_NONE && ret->errors_len < room)
            ret->errors_val[ret->errors_len++] = (struct remote_domain_disk_error){
                .disk = arena_strdup(arena, disk->target), .error = code};
    }
    ret->nerrors = (int)ret->errors_len;
}

/* Without room for errors, the call asks how many there may be. */
int domain_get_disk_errors(struct call *call, const struct remote_domain_get_disk_errors_args *args,
                           struct remote_domain_get_disk_errors_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct qmp *qmp = guest_get_qmp(guest_of(call->object), error);
    struct qmp_block_device *devices;
    unsigned count;

    if (!qmp)
        return -1;
    int result = qmp_get_block(qmp, 0, &call->arena, &devices, &count, error);
    qmp_unref(qmp);
    if (result < 0 || call_get_view(call, &view, error) < 0)
        return -1;
    unsigned most = view_current(&view)->devices.disks.count;
    ret->nerrors = (int)most;
    if (args->maxerrors == 0)
        return 0;
    ret->errors_val = arena_array(&call->arena, most, sizeof(struct remote_domain_disk_error));
    fill_errors(&call->arena, view_current(&view), devices, count,
                MIN(MIN(args->maxerrors, most), REMOTE_DOMAIN_DISK_ERRORS_MAX), ret);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_block_stats), .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_block_stats_flags),
     .flags = VIR_TYPED_PARAM_STRING_OKAY,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_get_block_info)},
    {.binding = HANDLER(remote, domain_get_disk_errors), .state = METHOD_ACTIVE},
};

const struct driver_methods block_methods = DRIVER_METHODS(rows);

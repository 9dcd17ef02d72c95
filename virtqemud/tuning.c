/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuning.h"

#include <json-c/json.h>

#include "qmp-commands.h"

static void add_number(struct json_object *json, const char *pair, uint64_t seconds)
{
    if (seconds)
        json_add(json, pair, seconds, NULL);
}

/* Bursts, and for how long; QEMU refuses a length without a burst. */
static void add_bursts(struct json_object *json, const struct disk_iotune *tune)
{
    add_number(json, "U:bps_max", tune->total_bytes_sec_max);
    add_number(json, "U:bps_rd_max", tune->read_bytes_sec_max);
    add_number(json, "U:bps_wr_max", tune->write_bytes_sec_max);
    add_number(json, "U:iops_max", tune->total_iops_sec_max);
    add_number(json, "U:iops_rd_max", tune->read_iops_sec_max);
    add_number(json, "U:iops_wr_max", tune->write_iops_sec_max);
    add_number(json, "U:iops_size", tune->size_iops_sec);
    add_number(json, "U:bps_max_length", tune->total_bytes_sec_max_length);
    add_number(json, "U:bps_rd_max_length", tune->read_bytes_sec_max_length);
    add_number(json, "U:bps_wr_max_length", tune->write_bytes_sec_max_length);
    add_number(json, "U:iops_max_length", tune->total_iops_sec_max_length);
    add_number(json, "U:iops_rd_max_length", tune->read_iops_sec_max_length);
    add_number(json, "U:iops_wr_max_length", tune->write_iops_sec_max_length);
}

/* For some a part of the one that the alias names. */
char *tuning_device_of(const struct domain_disk *disk)
{
    const char *alias = disk->info.alias;

    if (disk->bus == DISK_BUS_VIRTIO)
        return g_strdup_printf("/machine/peripheral/%s/virtio-backend", alias);
    if (disk->bus == DISK_BUS_USB)
        return g_strdup_printf("/machine/peripheral/%s/%s.0/legacy[0]", alias, alias);
    return g_strdup(alias);
}

static struct json_object *limits_of(const struct domain_disk *disk, const struct disk_iotune *tune)
{
    g_autofree char *device = tuning_device_of(disk);
    struct json_object *json = json_build(
        "s:id", device, "U:bps", tune->total_bytes_sec, "U:bps_rd", tune->read_bytes_sec,
        "U:bps_wr", tune->write_bytes_sec, "U:iops", tune->total_iops_sec, "U:iops_rd",
        tune->read_iops_sec, "U:iops_wr", tune->write_iops_sec, "S:group", tune->group_name, NULL);

    add_bursts(json, tune);
    return json;
}

struct json_object *tuning_of_disk(const struct domain_disk *disk)
{
    if (!disk->iotune || domain_source_is_empty(&disk->source))
        return NULL;
    return limits_of(disk, disk->iotune);
}

int tuning_limit_disk(struct qmp *qmp, const struct domain_disk *disk, unsigned deadline_ms,
                      GError **error)
{
    static const struct disk_iotune none;

    return qmp_execute(qmp, "block_set_io_throttle",
                       limits_of(disk, disk->iotune ? disk->iotune : &none), deadline_ms, NULL,
                       error);
}

int tuning_restore(struct qmp *qmp, const struct domain *live, GError **error)
{
    LIST_EACH (disk, &live->devices.disks)
        if (disk->info.alias && !domain_source_is_empty(&disk->source) &&
            tuning_limit_disk(qmp, disk, 0, error) < 0)
            return -1;
    return 0;
}

/* The first class begins at 0, which QEMU knows itself. */
static struct json_object *boundaries_of(const struct disk_histogram *histogram)
{
    struct json_object *json = json_object_new_array();

    LIST_EACH (bin, &histogram->bins)
        if (bin->start)
            json_object_array_add(json, json_object_new_uint64(bin->start));
    return json;
}

int tuning_count_latencies(struct qmp *qmp, const struct domain_disk *disk, GError **error)
{
    static const char *const pairs[] = {
        [DISK_HISTOGRAM_ALL] = "j:boundaries",         [DISK_HISTOGRAM_READ] = "j:boundaries-read",
        [DISK_HISTOGRAM_WRITE] = "j:boundaries-write", [DISK_HISTOGRAM_ZONE] = "j:boundaries-zap",
        [DISK_HISTOGRAM_FLUSH] = "j:boundaries-flush",
    };
    g_autofree char *device = tuning_device_of(disk);

    LIST_EACH (histogram, &disk->histograms)
        if (qmp_execute(
                qmp, "block-latency-histogram-set",
                json_build("s:id", device, pairs[histogram->type], boundaries_of(histogram), NULL),
                0, NULL, error) < 0)
            return -1;
    return 0;
}

static int limit_disks(struct qmp *qmp, const struct domain *live, GError **error)
{
    LIST_EACH (disk, &live->devices.disks) {
        struct json_object *json = tuning_of_disk(disk);

        if (json && qmp_execute(qmp, "block_set_io_throttle", json, 0, NULL, error) < 0)
            return -1;
        if (tuning_count_latencies(qmp, disk, error) < 0)
            return -1;
    }
    return 0;
}

static int set_links(struct qmp *qmp, const struct domain *live, GError **error)
{
    LIST_EACH (net, &live->devices.nets)
        if (net->link == NET_LINK_DOWN &&
            qmp_execute(qmp, "set_link", json_build("s:name", net->info.alias, "b:up", false, NULL),
                        0, NULL, error) < 0)
            return -1;
    return 0;
}

static int set_balloon(struct qmp *qmp, const struct domain *live, GError **error)
{
    const struct domain_memballoon *balloon = live->devices.memballoon;

    if (!balloon || balloon->model == MEMBALLOON_NONE)
        return 0;
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", balloon->info.alias);
    if (balloon->period && qmp_set_balloon_period(qmp, path, balloon->period, 0, error) < 0)
        return -1;
    if (!live->current_memory || live->current_memory >= live->memory)
        return 0;
    return qmp_set_balloon(qmp, live->current_memory * 1024, 0, error);
}

int tuning_apply(struct qmp *qmp, const struct domain *live, GError **error)
{
    if (limit_disks(qmp, live, error) < 0 || set_links(qmp, live, error) < 0)
        return -1;
    return set_balloon(qmp, live, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "throttle.h"

#include <json-c/json.h>

#define LIMIT(name, member)                                                                        \
    {                                                                                              \
        name, offsetof(struct disk_iotune, member), 0                                              \
    }
/* a burst of no length is none for QEMU: a second is what it takes where nothing is said */
#define LENGTH(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct disk_iotune, member), 1                                              \
    }

static const struct {
    const char *name;
    size_t offset;
    uint64_t unset; /* what 0 is for QEMU */
} limits[] = {
    LIMIT("bps-total", total_bytes_sec),
    LIMIT("bps-read", read_bytes_sec),
    LIMIT("bps-write", write_bytes_sec),
    LIMIT("iops-total", total_iops_sec),
    LIMIT("iops-read", read_iops_sec),
    LIMIT("iops-write", write_iops_sec),
    LIMIT("bps-total-max", total_bytes_sec_max),
    LIMIT("bps-read-max", read_bytes_sec_max),
    LIMIT("bps-write-max", write_bytes_sec_max),
    LIMIT("iops-total-max", total_iops_sec_max),
    LIMIT("iops-read-max", read_iops_sec_max),
    LIMIT("iops-write-max", write_iops_sec_max),
    LENGTH("bps-total-max-length", total_bytes_sec_max_length),
    LENGTH("bps-read-max-length", read_bytes_sec_max_length),
    LENGTH("bps-write-max-length", write_bytes_sec_max_length),
    LENGTH("iops-total-max-length", total_iops_sec_max_length),
    LENGTH("iops-read-max-length", read_iops_sec_max_length),
    LENGTH("iops-write-max-length", write_iops_sec_max_length),
    LIMIT("iops-size", size_iops_sec),
};

static struct json_object *build_limits(const struct disk_iotune *group, bool all)
{
    struct json_object *json = json_object_new_object();

    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        uint64_t value = *(const uint64_t *)((const char *)group + limits[i].offset);

        if (value || all)
            json_object_object_add(json, limits[i].name,
                                   json_object_new_uint64(value ? value : limits[i].unset));
    }
    return json;
}

char *throttle_object_name(const char *group)
{
    return g_strconcat("throttle-", group, NULL);
}

struct json_object *throttle_object(const struct disk_iotune *group)
{
    g_autofree char *name = throttle_object_name(group->group_name);

    return json_build("s:qom-type", "throttle-group", "s:id", name, "j:limits",
                      build_limits(group, false), NULL);
}

struct json_object *throttle_limits(const struct disk_iotune *group)
{
    return build_limits(group, true);
}

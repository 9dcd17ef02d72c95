/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "host/cgroup-value.h"

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

bool usage_read_process(struct guest *guest, struct process_times *ret_times)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", guest_pid(guest));

    return read_stat(path, ret_times);
}

uint64_t usage_read_cpu_time(struct guest *guest, const struct process_times *times)
{
    g_auto(GStrv) group = guest_get_cgroup(guest);
    uint64_t ns;

    if (cgroup_read_cpu_time((const char *const *)group, &ns))
        return ns;
    return times->user_ns + times->system_ns;
}

bool usage_read_vcpu(struct guest *guest, int64_t thread_id, struct process_times *ret_times,
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

static uint64_t read_number(const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = NULL;

    return file_read_all(path, 64, &text, NULL, NULL) == 0 ? g_ascii_strtoull(text, NULL, 10) : 0;
}

/* The kernel's folder of a guest is called after its process and a descriptor of that. */
void usage_read_halt_poll(struct guest *guest, struct halt_poll *ret_halt_poll)
{
    static const char top[] = "/sys/kernel/debug/kvm";
    g_autofree char *prefix = g_strdup_printf("%d-", guest_pid(guest));
    g_autoptr(GDir) dir = g_dir_open(top, 0, NULL);
    const char *name;

    *ret_halt_poll = (struct halt_poll){0};
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *folder = g_build_filename(top, name, NULL);

        if (!g_str_has_prefix(name, prefix))
            continue;
        ret_halt_poll->success_ns += read_number(folder, "halt_poll_success_ns");
        ret_halt_poll->fail_ns += read_number(folder, "halt_poll_fail_ns");
    }
}

uint64_t usage_read_rss(struct guest *guest)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", guest_pid(guest));
    g_autofree char *text = NULL;

    if (file_read_all(path, 256, &text, NULL, NULL) < 0 || !strchr(text, ' '))
        return 0;
    return g_ascii_strtoull(strchr(text, ' '), NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

int usage_read_interface(const char *name, struct interface_counters *ret_counters, GError **error)
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

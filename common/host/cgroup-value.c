/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cgroup-value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define TEXT_LIMIT 65536

/* One way to spell a value. A file of two numbers ("QUOTA PERIOD") has them in this order, and
 * takes the first alone. */
struct spelling {
    const char *file;
    const char *before;    /* the number: "default " */
    const char *unlimited; /* the word for that */
    unsigned unit;         /* of the number, in the file's */
    bool second;           /* number of two */
    uint64_t least, most;  /* 0: the kernel knows */
};

#define SPELLINGS_MAX 4

static const struct {
    const char *controller;
    struct spelling spellings[SPELLINGS_MAX]; /* the first that is there counts */
} values[CGROUP_VALUES] = {
    [CGROUP_CPU_SHARES] = {"CPU",
                           {{"cpu.shares", .least = 2, .most = 262144},
                            {"cpu.weight", .least = 1, .most = 10000}}},
    [CGROUP_CPU_PERIOD] = {"CPU", {{"cpu.cfs_period_us"}, {"cpu.max", .second = true}}},
    [CGROUP_CPU_QUOTA] = {"CPU",
                          {{"cpu.cfs_quota_us", .unlimited = "-1"},
                           {"cpu.max", .unlimited = "max"}}},
    [CGROUP_MEMORY_HARD] = {"memory",
                            {{"memory.limit_in_bytes", .unlimited = "-1", .unit = 1024},
                             {"memory.max", .unlimited = "max", .unit = 1024}}},
    [CGROUP_MEMORY_SOFT] = {"memory",
                            {{"memory.soft_limit_in_bytes", .unlimited = "-1", .unit = 1024},
                             {"memory.high", .unlimited = "max", .unit = 1024}}},
    [CGROUP_MEMORY_SWAP] = {"memory",
                            {{"memory.memsw.limit_in_bytes", .unlimited = "-1", .unit = 1024},
                             {"memory.swap.max", .unlimited = "max", .unit = 1024}}},
    [CGROUP_BLKIO_WEIGHT] = {"blkio",
                             {{"blkio.weight"},
                              {"blkio.bfq.weight"},
                              {"io.bfq.weight", .before = "default "},
                              {"io.weight", .before = "default "}}},
};

static const struct {
    struct spelling spellings[SPELLINGS_MAX]; /* before: what stands before the number there */
} device_values[] = {
    [CGROUP_DEVICE_WEIGHT] =
        {{{"blkio.weight_device"}, {"blkio.bfq.weight_device"}, {"io.bfq.weight"}, {"io.weight"}}},
    [CGROUP_DEVICE_READ_BYTES] = {{{"blkio.throttle.read_bps_device"},
                                   {"io.max", .before = "rbps=", .unlimited = "max"}}},
    [CGROUP_DEVICE_WRITE_BYTES] = {{{"blkio.throttle.write_bps_device"},
                                    {"io.max", .before = "wbps=", .unlimited = "max"}}},
    [CGROUP_DEVICE_READ_IOPS] = {{{"blkio.throttle.read_iops_device"},
                                  {"io.max", .before = "riops=", .unlimited = "max"}}},
    [CGROUP_DEVICE_WRITE_IOPS] = {{{"blkio.throttle.write_iops_device"},
                                   {"io.max", .before = "wiops=", .unlimited = "max"}}},
};

/* ---- files ---- */

static char *find_file(const char *const *folders, const char *file)
{
    for (size_t i = 0; folders && folders[i]; i++) {
        g_autofree char *path = g_build_filename(folders[i], file, NULL);

        if (access(path, F_OK) == 0)
            return g_steal_pointer(&path);
    }
    return NULL;
}

static const struct spelling *find_spelling(const char *const *folders,
                                            const struct spelling spellings[SPELLINGS_MAX],
                                            const char *controller, char **ret_path, GError **error)
{
    for (unsigned i = 0; i < SPELLINGS_MAX && spellings[i].file; i++)
        if ((*ret_path = find_file(folders, spellings[i].file)))
            return &spellings[i];
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "cgroup %s controller is not mounted, or has no %s: the domain's control group can't "
              "be given this",
              controller, spellings[0].file);
    return NULL;
}

/* 0, or an errno. */
static int try_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    int errnum = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return errnum;
}

static int write_text(const char *path, const char *text, GError **error)
{
    int errnum = try_write(path, text);

    if (errnum == 0)
        return 0;
    error_set_errno(error, errnum, "Unable to write to '%s'", path);
    return -1;
}

char *cgroup_read_text(const char *const *folders, const char *file)
{
    g_autofree char *path = find_file(folders, file);
    char *text = NULL;

    return path && file_read_all(path, TEXT_LIMIT, &text, NULL, NULL) == 0 ? text : NULL;
}

/* ---- values of the group ---- */

static char *number_text(const struct spelling *spelling, uint64_t number)
{
    if (number == CGROUP_UNLIMITED && spelling->unlimited)
        return g_strdup(spelling->unlimited);
    return g_strdup_printf("%" G_GUINT64_FORMAT, number * MAX(spelling->unit, 1));
}

/* The other number of a file with two stays as it is. */
static char *whole_text(const struct spelling *spelling, const char *path, uint64_t number)
{
    g_autofree char *old = NULL;
    g_autofree char *text = number_text(spelling, number);

    if (!spelling->second)
        return g_strconcat(spelling->before ? spelling->before : "", text, NULL);
    if (file_read_all(path, TEXT_LIMIT, &old, NULL, NULL) == 0)
        old[strcspn(old, " \n")] = '\0';
    return g_strdup_printf("%s %s", old && *old ? old : "max", text);
}

static int check_range(const struct spelling *spelling, uint64_t number, GError **error)
{
    if (!spelling->most || (number >= spelling->least && number <= spelling->most))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG,
              "%s '%" G_GUINT64_FORMAT "' must be in range [%" G_GUINT64_FORMAT
              ", %" G_GUINT64_FORMAT "]",
              strchr(spelling->file, '.') + 1, number, spelling->least, spelling->most);
    return -1;
}

int cgroup_set(const char *const *folders, enum cgroup_value value, uint64_t number, GError **error)
{
    g_autofree char *path = NULL;
    const struct spelling *spelling =
        find_spelling(folders, values[value].spellings, values[value].controller, &path, error);

    if (!spelling || check_range(spelling, number, error) < 0)
        return -1;
    g_autofree char *text = whole_text(spelling, path, number);
    return write_text(path, text, error);
}

/* The old hierarchy writes the largest number of pages for no limit. */
#define NO_LIMIT_FROM (INT64_MAX / 2)

static uint64_t parse(const struct spelling *spelling, const char *text)
{
    const char *second = spelling->second ? strchr(text, ' ') : NULL;

    text = second ? second + 1 : text;
    if (spelling->before && g_str_has_prefix(text, spelling->before))
        text += strlen(spelling->before);
    if (spelling->unlimited && g_str_has_prefix(text, spelling->unlimited))
        return CGROUP_UNLIMITED;
    uint64_t number = g_ascii_strtoull(text, NULL, 10);
    return number >= NO_LIMIT_FROM ? CGROUP_UNLIMITED : number / MAX(spelling->unit, 1);
}

int cgroup_get(const char *const *folders, enum cgroup_value value, uint64_t *ret_number,
               GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    const struct spelling *spelling =
        find_spelling(folders, values[value].spellings, values[value].controller, &path, error);

    if (!spelling || file_read_all(path, TEXT_LIMIT, &text, NULL, error) < 0)
        return -1;
    *ret_number = parse(spelling, text);
    return 0;
}

int cgroup_set_nodes(const char *const *folders, const char *nodes, GError **error)
{
    static const struct spelling spellings[SPELLINGS_MAX] = {{"cpuset.mems"}};
    g_autofree char *path = NULL;

    if (!find_spelling(folders, spellings, "cpuset", &path, error))
        return -1;
    return write_text(path, nodes, error);
}

/* ---- values of a device ---- */

static int get_device(const char *path, dev_t *ret_device, GError **error)
{
    struct stat status;

    if (stat(path, &status) < 0) {
        error_set_errno(error, errno, "Path '%s' is not accessible", path);
        return -1;
    }
    if (!S_ISBLK(status.st_mode)) {
        error_set_errno(error, EINVAL, "Path '%s' must be a block device", path);
        return -1;
    }
    *ret_device = status.st_rdev;
    return 0;
}

int cgroup_set_device(const char *const *folders, enum cgroup_device_value value, const char *path,
                      uint64_t number, GError **error)
{
    g_autofree char *file = NULL;
    dev_t device;

    const struct spelling *spelling =
        find_spelling(folders, device_values[value].spellings, "blkio", &file, error);
    if (!spelling || get_device(path, &device, error) < 0)
        return -1;
    g_autofree char *text =
        number_text(spelling, number || !spelling->unlimited ? number : CGROUP_UNLIMITED);
    g_autofree char *line = g_strdup_printf("%u:%u %s%s", major(device), minor(device),
                                            spelling->before ? spelling->before : "", text);
    return write_text(file, line, error);
}

/* ---- parts ---- */

/* In the unified hierarchy only threads of one process can be spread, and only over groups that say
 * so; the old ones know nothing of that. */
static int make_threaded(const char *folder, const char *part, GError **error)
{
    g_autofree char *type = g_build_filename(part, "cgroup.type", NULL);
    g_autofree char *hand_down = g_build_filename(folder, "cgroup.subtree_control", NULL);

    if (access(type, F_OK) < 0)
        return 0;
    return write_text(type, "threaded", error) < 0 || write_text(hand_down, "+cpu", error) < 0 ? -1
                                                                                               : 0;
}

/* In the folder that has this file. */
static int make_part_beside(const char *file, const char *name, char **ret_part, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(file);
    g_autofree char *part = g_build_filename(folder, name, NULL);

    if (mkdir(part, 0755) < 0 && errno != EEXIST) {
        error_set_errno(error, errno, "cannot make the control group %s", part);
        return -1;
    }
    if (make_threaded(folder, part, error) < 0)
        return -1;
    *ret_part = g_steal_pointer(&part);
    return 0;
}

int cgroup_make_part(const char *const *folders, const char *name, char ***ret_folders,
                     GError **error)
{
    g_autofree char *file = NULL;
    g_autofree char *part = NULL;

    if (!find_spelling(folders, values[CGROUP_CPU_QUOTA].spellings, "CPU", &file, error) ||
        make_part_beside(file, name, &part, error) < 0)
        return -1;
    char **folders_of_part = g_new0(char *, 2);
    folders_of_part[0] = g_steal_pointer(&part);
    *ret_folders = folders_of_part;
    return 0;
}

int cgroup_enter_thread(const char *const *folders, pid_t thread, GError **error)
{
    static const struct spelling spellings[SPELLINGS_MAX] = {{"tasks"}, {"cgroup.threads"}};
    g_autofree char *text = g_strdup_printf("%d", thread);
    g_autofree char *path = NULL;

    if (!find_spelling(folders, spellings, "CPU", &path, error))
        return -1;
    int errnum = try_write(path, text);
    if (errnum == 0 || errnum == ESRCH)
        return 0;
    error_set_errno(error, errnum, "cannot move thread %d into the control group %s", thread,
                    folders[0]);
    return -1;
}

/* ---- what was used ---- */

/* Nanoseconds on each CPU there could be; the old hierarchy's alone. */
#define PERCPU "cpuacct.usage_percpu"

int cgroup_account_thread(const char *const *folders, const char *name, pid_t thread,
                          GError **error)
{
    g_autofree char *file = find_file(folders, PERCPU);
    g_autofree char *part = NULL;

    if (!file)
        return 0;
    if (make_part_beside(file, name, &part, error) < 0)
        return -1;
    return cgroup_enter_thread((const char *[]){part, NULL}, thread, error);
}

uint64_t *cgroup_read_percpu(const char *const *folders, const char *name, unsigned *ret_count)
{
    g_autofree char *file = name ? g_build_filename(name, PERCPU, NULL) : g_strdup(PERCPU);
    g_autofree char *text = cgroup_read_text(folders, file);

    if (!text)
        return NULL;
    g_auto(GStrv) numbers = g_strsplit(g_strstrip(text), " ", 0);
    unsigned count = g_strv_length(numbers);
    uint64_t *times = g_new0(uint64_t, count);
    for (unsigned i = 0; i < count; i++)
        times[i] = g_ascii_strtoull(numbers[i], NULL, 10);
    *ret_count = count;
    return times;
}

/* The old hierarchy has a file of this one number, the unified one a line among others. */
bool cgroup_read_cpu_time(const char *const *folders, uint64_t *ret_ns)
{
    static const char line[] = "usage_usec ";
    g_autofree char *usage = cgroup_read_text(folders, "cpuacct.usage");
    g_autofree char *stat = usage ? NULL : cgroup_read_text(folders, "cpu.stat");
    const char *at = stat ? strstr(stat, line) : NULL;

    if (!usage && !at)
        return false;
    *ret_ns = usage ? g_ascii_strtoull(usage, NULL, 10)
                    : g_ascii_strtoull(at + strlen(line), NULL, 10) * 1000;
    return true;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "host/cgroup-value.h"
#include "host/cgroup.h"

/*
 * Folders that look like control groups of a hierarchy: ordinary files take what a kernel would.
 */
struct group {
    char *root;
    char *folders[8];
    unsigned count;
};

static const char *const old_cpu[] = {"cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us", NULL};
static const char *const old_memory[] = {"memory.limit_in_bytes", "memory.soft_limit_in_bytes",
                                         "memory.memsw.limit_in_bytes", NULL};
static const char *const old_blkio[] = {"blkio.bfq.weight", "blkio.throttle.read_bps_device", NULL};
static const char *const old_cpuset[] = {"cpuset.mems", NULL};
static const char *const unified[] = {
    "cpu.weight",      "cpu.max",      "memory.max", "memory.high",
    "memory.swap.max", "io.weight",    "io.max",     "cpuset.mems",
    "cgroup.type",     "cgroup.procs", NULL};

static void add_folder(struct group *group, const char *name, const char *const *files)
{
    char *folder = g_build_filename(group->root, name, NULL);

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    for (; *files; files++) {
        g_autofree char *path = g_build_filename(folder, *files, NULL);
        g_assert_true(g_file_set_contents(path, "", 0, NULL));
    }
    group->folders[group->count++] = folder;
}

static void make(struct group *group, const char *version)
{
    *group = (struct group){.root = g_dir_make_tmp("cgroup-XXXXXX", NULL)};
    if (strcmp(version, "v2") == 0) {
        add_folder(group, "unified", unified);
        return;
    }
    if (strcmp(version, "hybrid") == 0) { /* the unified one is there, and has nothing */
        static const char *const nothing[] = {"cgroup.procs", NULL};
        add_folder(group, "unified", nothing);
    }
    add_folder(group, "cpu", old_cpu);
    add_folder(group, "memory", old_memory);
    add_folder(group, "blkio", old_blkio);
    add_folder(group, "cpuset", old_cpuset);
}

static void remove_all(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_all(inner);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_remove(path);
}

static void clear(struct group *group)
{
    remove_all(group->root);
    for (unsigned i = 0; i < group->count; i++)
        g_free(group->folders[i]);
    g_free(group->root);
}

static const char *const *folders_of(const struct group *group)
{
    return (const char *const *)group->folders;
}

static void expect(const struct group *group, const char *file, const char *text)
{
    g_autofree char *found = cgroup_read_text(folders_of(group), file);

    g_assert_cmpstr(found, ==, text);
}

/* Files are overwritten from their start, as kernels' are not: begin with empty ones. */
static void empty(const struct group *group, const char *file)
{
    for (unsigned i = 0; i < group->count; i++) {
        g_autofree char *path = g_build_filename(group->folders[i], file, NULL);
        if (access(path, F_OK) == 0)
            g_assert_true(g_file_set_contents(path, "", 0, NULL));
    }
}

struct value_case {
    const char *version;
    enum cgroup_value value;
    uint64_t number;
    const char *file, *text;
};

static const struct value_case value_cases[] = {
    {"v1", CGROUP_CPU_SHARES, 512, "cpu.shares", "512"},
    {"v1", CGROUP_CPU_PERIOD, 50000, "cpu.cfs_period_us", "50000"},
    {"v1", CGROUP_CPU_QUOTA, 25000, "cpu.cfs_quota_us", "25000"},
    {"v1", CGROUP_CPU_QUOTA, CGROUP_UNLIMITED, "cpu.cfs_quota_us", "-1"},
    {"v1", CGROUP_MEMORY_HARD, 1024, "memory.limit_in_bytes", "1048576"},
    {"v1", CGROUP_MEMORY_HARD, CGROUP_UNLIMITED, "memory.limit_in_bytes", "-1"},
    {"v1", CGROUP_MEMORY_SOFT, 1, "memory.soft_limit_in_bytes", "1024"},
    {"v1", CGROUP_MEMORY_SWAP, 2048, "memory.memsw.limit_in_bytes", "2097152"},
    {"v1", CGROUP_BLKIO_WEIGHT, 500, "blkio.bfq.weight", "500"},
    {"hybrid", CGROUP_CPU_SHARES, 512, "cpu.shares", "512"},
    {"hybrid", CGROUP_MEMORY_SOFT, 3, "memory.soft_limit_in_bytes", "3072"},
    {"v2", CGROUP_CPU_SHARES, 100, "cpu.weight", "100"},
    {"v2", CGROUP_CPU_QUOTA, 25000, "cpu.max", "25000"},
    {"v2", CGROUP_CPU_QUOTA, CGROUP_UNLIMITED, "cpu.max", "max"},
    {"v2", CGROUP_CPU_PERIOD, 50000, "cpu.max", "max 50000"},
    {"v2", CGROUP_MEMORY_HARD, 1024, "memory.max", "1048576"},
    {"v2", CGROUP_MEMORY_HARD, CGROUP_UNLIMITED, "memory.max", "max"},
    {"v2", CGROUP_MEMORY_SOFT, 4, "memory.high", "4096"},
    {"v2", CGROUP_MEMORY_SWAP, 4, "memory.swap.max", "4096"},
    {"v2", CGROUP_BLKIO_WEIGHT, 500, "io.weight", "default 500"},
};

static void test_values(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(value_cases); i++) {
        const struct value_case *one = &value_cases[i];
        g_autoptr(GError) error = NULL;
        struct group group;

        make(&group, one->version);
        cgroup_set(folders_of(&group), one->value, one->number, &error);
        g_assert_no_error(error);
        expect(&group, one->file, one->text);
        clear(&group);
    }
}

static void test_reading(void)
{
    static const struct {
        const char *version, *file, *text;
        enum cgroup_value value;
        uint64_t number;
    } cases[] = {
        {"v1", "cpu.shares", "512\n", CGROUP_CPU_SHARES, 512},
        {"v1", "memory.limit_in_bytes", "9223372036854771712\n", CGROUP_MEMORY_HARD,
         CGROUP_UNLIMITED},
        {"v1", "memory.limit_in_bytes", "2097152\n", CGROUP_MEMORY_HARD, 2048},
        {"v1", "cpu.cfs_quota_us", "-1\n", CGROUP_CPU_QUOTA, CGROUP_UNLIMITED},
        {"v2", "cpu.max", "max 100000\n", CGROUP_CPU_QUOTA, CGROUP_UNLIMITED},
        {"v2", "cpu.max", "20000 50000\n", CGROUP_CPU_QUOTA, 20000},
        {"v2", "cpu.max", "20000 50000\n", CGROUP_CPU_PERIOD, 50000},
        {"v2", "memory.max", "max\n", CGROUP_MEMORY_HARD, CGROUP_UNLIMITED},
        {"v2", "io.weight", "default 300\n", CGROUP_BLKIO_WEIGHT, 300},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct group group;
        uint64_t number;

        make(&group, cases[i].version);
        g_autofree char *path = NULL;
        for (unsigned j = 0; j < group.count && !path; j++) {
            path = g_build_filename(group.folders[j], cases[i].file, NULL);
            if (access(path, F_OK) < 0)
                g_clear_pointer(&path, g_free);
        }
        g_assert_true(g_file_set_contents(path, cases[i].text, -1, NULL));
        cgroup_get(folders_of(&group), cases[i].value, &number, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(number, ==, cases[i].number);
        clear(&group);
    }
}

/* One of two numbers in a file leaves the other as it is. */
static void test_quota_keeps_period(void)
{
    g_autoptr(GError) error = NULL;
    struct group group;

    make(&group, "v2");
    g_autofree char *path = g_build_filename(group.folders[0], "cpu.max", NULL);
    g_assert_true(g_file_set_contents(path, "30000 100000\n", -1, NULL));
    cgroup_set(folders_of(&group), CGROUP_CPU_PERIOD, 50000, &error);
    g_assert_no_error(error);
    g_autofree char *text = cgroup_read_text(folders_of(&group), "cpu.max");
    g_assert_true(g_str_has_prefix(text, "30000 50000"));
    clear(&group);
}

static void test_missing_controller(void)
{
    char *none[] = {NULL};
    struct group group = {.root = g_dir_make_tmp("cgroup-XXXXXX", NULL)};
    g_autoptr(GError) error = NULL;

    add_folder(&group, "memory", old_memory);
    g_assert_cmpint(cgroup_set(folders_of(&group), CGROUP_CPU_SHARES, 512, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_INVALID));
    g_assert_nonnull(strstr(error->message, "CPU controller"));
    g_clear_error(&error);
    g_assert_cmpint(cgroup_set((const char *const *)none, CGROUP_MEMORY_HARD, 1, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "memory controller"));
    g_clear_error(&error);
    g_assert_cmpint(cgroup_set(NULL, CGROUP_BLKIO_WEIGHT, 1, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "blkio controller"));
    clear(&group);
}

static void test_range(void)
{
    g_autoptr(GError) error = NULL;
    struct group group;

    make(&group, "v1");
    g_assert_cmpint(cgroup_set(folders_of(&group), CGROUP_CPU_SHARES, 1, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
    g_assert_nonnull(strstr(error->message, "[2, 262144]"));
    expect(&group, "cpu.shares", "");
    clear(&group);
}

/* A block device of this machine, or NULL. */
static char *find_block_device(dev_t *ret_device)
{
    GDir *dir = g_dir_open("/dev", 0, NULL);
    const char *name;
    char *found = NULL;

    while (dir && !found && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename("/dev", name, NULL);
        GStatBuf status;

        if (g_stat(path, &status) == 0 && S_ISBLK(status.st_mode)) {
            *ret_device = status.st_rdev;
            found = g_steal_pointer(&path);
        }
    }
    g_clear_pointer(&dir, g_dir_close);
    return found;
}

static void expect_device(const char *version, const char *file, const char *format, dev_t device,
                          const char *path, uint64_t number)
{
    g_autoptr(GError) error = NULL;
    struct group group;

    make(&group, version);
    empty(&group, file);
    cgroup_set_device(folders_of(&group), CGROUP_DEVICE_READ_BYTES, path, number, &error);
    g_assert_no_error(error);
    g_autofree char *text = g_strdup_printf("%u:%u %s", major(device), minor(device), format);
    expect(&group, file, text);
    clear(&group);
}

static void test_devices(void)
{
    dev_t device = 0;
    g_autofree char *path = find_block_device(&device);

    if (!path) {
        g_test_skip("this machine shows no block device");
        return;
    }
    expect_device("v1", "blkio.throttle.read_bps_device", "4096", device, path, 4096);
    expect_device("v1", "blkio.throttle.read_bps_device", "0", device, path, 0);
    expect_device("v2", "io.max", "rbps=4096", device, path, 4096);
    expect_device("v2", "io.max", "rbps=max", device, path, 0);
}

static void test_no_device(void)
{
    g_autoptr(GError) error = NULL;
    struct group group;

    make(&group, "v1");
    g_assert_cmpint(
        cgroup_set_device(folders_of(&group), CGROUP_DEVICE_READ_BYTES, "/dev/null", 1, &error), ==,
        -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_nonnull(strstr(error->message, "must be a block device"));
    clear(&group);
}

static void test_part(void)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) part = NULL;
    struct group group;

    make(&group, "hybrid");
    cgroup_make_part(folders_of(&group), "vcpu0", &part, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_strv_length(part), ==, 1);
    g_assert_true(g_str_has_suffix(part[0], "/cpu/vcpu0"));
    g_assert_true(g_file_test(part[0], G_FILE_TEST_IS_DIR));
    cgroup_remove((const char *const *)group.folders + 1); /* the files keep the folder itself */
    g_assert_false(g_file_test(part[0], G_FILE_TEST_EXISTS));
    clear(&group);
}

static void put(const struct group *group, unsigned folder, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(group->folders[folder], file, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_total_account(void)
{
    static const struct {
        const char *version, *file, *text;
        uint64_t ns;
    } accounts[] = {
        {"v1", "cpuacct.usage", "1567712886\n", 1567712886},
        {"v2", "cpu.stat", "usage_usec 120\nuser_usec 100\n", 120000},
        {"hybrid", "cpu.stat", "nr_periods 0\nnr_throttled 0\n", 7},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(accounts); i++) {
        uint64_t ns = 7;
        struct group group;

        make(&group, accounts[i].version);
        put(&group, 0, accounts[i].file, accounts[i].text);
        g_assert_true(cgroup_read_cpu_time(folders_of(&group), &ns) == (ns != 7));
        g_assert_cmpuint(ns, ==, accounts[i].ns);
        clear(&group);
    }
}

static void test_account_of_parts(void)
{
    g_autoptr(GError) error = NULL;
    struct group group;
    unsigned count;

    make(&group, "v1");
    g_assert_cmpint(cgroup_account_thread(folders_of(&group), "vcpu0", getpid(), &error), ==, 0);
    g_assert_null(cgroup_read_percpu(folders_of(&group), NULL, &count));
    put(&group, 0, "cpuacct.usage_percpu", "10 0 30 \n");
    g_assert_null(cgroup_read_percpu(folders_of(&group), "vcpu0", &count));
    /* what the kernel would fill the new folder with */
    g_autofree char *part = g_build_filename(group.folders[0], "vcpu0", NULL);
    g_assert_cmpint(g_mkdir(part, 0700), ==, 0);
    put(&group, 0, "vcpu0/tasks", "");
    put(&group, 0, "vcpu0/cpuacct.usage_percpu", "5 0 20\n");
    g_assert_cmpint(cgroup_account_thread(folders_of(&group), "vcpu0", getpid(), &error), ==, 0);
    g_assert_no_error(error);
    g_autofree uint64_t *all = cgroup_read_percpu(folders_of(&group), NULL, &count);
    g_assert_cmpuint(count, ==, 3);
    g_assert_cmpuint(all[2], ==, 30);
    g_autofree uint64_t *vcpu = cgroup_read_percpu(folders_of(&group), "vcpu0", &count);
    g_assert_cmpuint(vcpu[0] + vcpu[2], ==, 25);
    g_autofree char *own = g_strdup_printf("%d", getpid());
    expect(&group, "vcpu0/tasks", own);
    clear(&group);
}

static void test_nodes(void)
{
    static const char *const versions[] = {"v1", "v2", "hybrid"};

    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        g_autoptr(GError) error = NULL;
        struct group group;

        make(&group, versions[i]);
        cgroup_set_nodes(folders_of(&group), "0-1", &error);
        g_assert_no_error(error);
        expect(&group, "cpuset.mems", "0-1");
        clear(&group);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cgroup-value/values", test_values);
    g_test_add_func("/cgroup-value/reading", test_reading);
    g_test_add_func("/cgroup-value/total-account", test_total_account);
    g_test_add_func("/cgroup-value/account-of-parts", test_account_of_parts);
    g_test_add_func("/cgroup-value/quota-keeps-period", test_quota_keeps_period);
    g_test_add_func("/cgroup-value/missing-controller", test_missing_controller);
    g_test_add_func("/cgroup-value/range", test_range);
    g_test_add_func("/cgroup-value/devices", test_devices);
    g_test_add_func("/cgroup-value/no-device", test_no_device);
    g_test_add_func("/cgroup-value/part", test_part);
    g_test_add_func("/cgroup-value/nodes", test_nodes);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "host/resctrl.h"

/* ---- a folder that stands in for the kernel's ---- */

#define FULL "    MB:0=100;1=100\n    L3:0=fff;1=fff\n"
#define DIVIDED "    MB:0=100;1=100\n    L3:0=00f;1=fff\n"

static void write_text(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Calls of the library are linked to this one. As with the kernel, a new folder has its files. */
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    g_autofree char *name = g_path_get_basename(path);

    if (__real_mkdir(path, mode) < 0)
        return -1;
    if (g_str_has_prefix(name, "qemu-")) {
        write_text(path, "schemata", FULL);
        write_text(path, "tasks", "");
    }
    return 0;
}

static char *make_root(const char *schemata)
{
    g_autofree char *pattern = g_build_filename(g_get_tmp_dir(), "test-resctrl-XXXXXX", NULL);
    char *root = g_mkdtemp(g_steal_pointer(&pattern));

    g_assert_nonnull(root);
    write_text(root, "schemata", schemata);
    write_text(root, "tasks", "");
    write_text(root, "info/L3/cbm_mask", "fff\n");
    write_text(root, "info/L3/min_cbm_bits", "2\n");
    write_text(root, "info/L3/num_closids", "16\n");
    write_text(root, "info/L2CODE/cbm_mask", "ff\n");
    write_text(root, "info/L2CODE/min_cbm_bits", "1\n");
    write_text(root, "info/L2CODE/num_closids", "8\n");
    write_text(root, "info/MB/bandwidth_gran", "10\n");
    write_text(root, "info/MB/min_bandwidth", "20\n");
    write_text(root, "info/MB/num_closids", "8\n");
    write_text(root, "info/L3_MON/num_rmids", "176\n");
    write_text(root, "info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\n");
    write_text(root, "info/L3_MON/max_threshold_occupancy", "65536\n");
    return root;
}

static void remove_tree(const char *path)
{
    g_auto(GStrv) names = NULL;

    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_assert_cmpint(unlink(path), ==, 0);
        return;
    }
    g_assert_cmpint(file_list(path, NULL, &names, NULL), ==, 0);
    for (char **name = names; *name; name++) {
        g_autofree char *below = g_build_filename(path, *name, NULL);
        remove_tree(below);
    }
    g_assert_cmpint(rmdir(path), ==, 0);
}

static void end(char *root, struct resctrl *host)
{
    remove_tree(root);
    g_free(root);
    resctrl_free(host);
}

static struct resctrl *read_host(const char *root)
{
    g_autoptr(GError) error = NULL;
    struct resctrl *host = NULL;

    resctrl_read(root, &host, &error);
    g_assert_no_error(error);
    return host;
}

static char *read_text(const char *root, const char *name)
{
    g_autofree char *path = g_build_filename(root, name, NULL);
    char *text = NULL;

    g_assert_cmpint(file_read_all(path, 4096, &text, NULL, NULL), ==, 0);
    return text;
}

/* ---- tests ---- */

static void test_info(void)
{
    char *root = make_root(FULL);
    struct resctrl *host = read_host(root);
    const struct resctrl_cache *caches = (const struct resctrl_cache *)(void *)host->caches->data;

    g_assert_cmpuint(host->caches->len, ==, 2);
    g_assert_cmpuint(caches[0].level, ==, 2);
    g_assert_cmpint(caches[0].scope, ==, CACHE_CODE);
    g_assert_cmpuint(caches[1].mask, ==, 0xfff);
    g_assert_cmpuint(caches[1].least_bits, ==, 2);
    g_assert_cmpuint(caches[1].groups, ==, 16);
    g_assert_cmpuint(resctrl_granularity(&caches[1], 24 << 20), ==, 2 << 20);
    g_assert_cmpuint(host->bandwidth.step, ==, 10);
    g_assert_cmpuint(host->bandwidth.least, ==, 20);
    g_assert_cmpuint(host->uses.groups, ==, 176);
    g_assert_cmpuint(host->reuse_threshold, ==, 65536);
    g_assert_true(resctrl_can_measure(&host->uses, "mbm_total_bytes"));
    g_assert_false(resctrl_can_measure(&host->uses, "mbm_local_bytes"));
    g_assert_false(resctrl_can_measure(&host->energy, "core_energy"));
    end(root, host);
}

static void test_absent(void)
{
    g_autoptr(GError) error = NULL;
    struct resctrl *host;

    g_assert_cmpint(resctrl_read("/nowhere", &host, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "not mounted at /nowhere"));
}

static void test_bandwidth(void)
{
    static const struct resctrl_share shares[] = {{.id = 1, .amount = 40}};
    char *root = make_root(DIVIDED);
    struct resctrl *host = read_host(root);
    g_autoptr(GError) error = NULL;

    resctrl_make_group(host, "qemu-1-a-vcpus_0", shares, 1, &error);
    g_assert_no_error(error);
    g_autofree char *text = read_text(root, "qemu-1-a-vcpus_0/schemata");
    g_assert_cmpstr(text, ==, "MB:0=100;1=40\nL3:0=f;1=fff\n"); /* else as the default group */
    end(root, host);
}

static const struct {
    const char *name;
    struct resctrl_share share;
    const char *says;
} refusals[] = {
    {"step", {.amount = 25}, "not divisible by granularity 10"},
    {"least", {.amount = 10}, "smaller than the minimum allowed allocation 20"},
    {"controller", {.id = 7, .amount = 50}, "bandwidth controller id 7 does not exist"},
    {"level", {.level = 4, .amount = 1}, "Cache level 4 does not support tuning"},
    {"scope",
     {.level = 3, .scope = CACHE_DATA, .amount = 1},
     "Cache level 3 does not support tuning for scope type 'data'"},
    {"cache", {.level = 3, .id = 777, .amount = 1}, "Cache with id 777 does not exist"},
};

static void test_refusal(gconstpointer data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    char *root = make_root(DIVIDED);
    struct resctrl *host = read_host(root);
    g_autofree char *group = g_build_filename(root, "qemu-1-a-vcpus_0", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(resctrl_make_group(host, "qemu-1-a-vcpus_0", &refusals[i].share, 1, &error), ==,
                    -1);
    g_assert_nonnull(strstr(error->message, refusals[i].says));
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpint(access(group, F_OK), ==, -1);
    end(root, host);
}

/* Parts of a cache that this host has, whatever its size. */
static void test_cache(void)
{
    char *root = make_root(DIVIDED);
    struct resctrl *host = read_host(root);
    g_autoptr(GArray) banks = cache_list();
    g_autoptr(GError) error = NULL;
    struct resctrl_share share = {.level = 3};

    for (unsigned i = 0; i < banks->len; i++) {
        const struct cache_bank *bank = &g_array_index(banks, struct cache_bank, i);
        if (bank->level == 3 && bank->id == 0)
            share.amount = bank->size / 12 * 5;
    }
    if (!share.amount) {
        g_test_skip("this host tells of no L3 cache");
        end(root, host);
        return;
    }
    resctrl_make_group(host, "qemu-1-a-vcpus_0", &share, 1, &error);
    g_assert_no_error(error);
    g_autofree char *text = read_text(root, "qemu-1-a-vcpus_0/schemata");
    g_assert_cmpstr(text, ==, "MB:0=100;1=100\nL3:0=1f0;1=fff\n");
    g_assert_cmpint(resctrl_make_group(host, "qemu-1-b-vcpus_0", &share, 1, &error), ==, -1);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, "the default group has f, qemu-1-a-vcpus_0 has 1f0"));
    end(root, host);
}

static void test_enter(void)
{
    static const struct resctrl_share shares[] = {{.amount = 40}};
    char *root = make_root(DIVIDED);
    struct resctrl *host = read_host(root);
    g_autoptr(GError) error = NULL;

    resctrl_make_group(host, "qemu-1-a-vcpus_0", shares, 1, NULL);
    resctrl_enter(root, "qemu-1-a-vcpus_0", 123, &error);
    g_assert_no_error(error);
    g_autofree char *text = read_text(root, "qemu-1-a-vcpus_0/tasks");
    g_assert_cmpstr(text, ==, "123\n");
    g_assert_cmpint(resctrl_enter(root, "qemu-2-b-vcpus_0", 123, &error), ==, -1);
    g_clear_error(&error);
    resctrl_remove(root, "qemu-2-b-vcpus_0", &error); /* which is not there */
    g_assert_no_error(error);
    end(root, host);
}

static void test_use(void)
{
    char *root = make_root(FULL);
    struct resctrl_use use;

    write_text(root, "mon_data/mon_L3_00/llc_occupancy", "4096\n");
    write_text(root, "mon_data/mon_L3_01/llc_occupancy", "Unavailable\n");
    write_text(root, "mon_data/mon_PERF_PKG_00/core_energy", "1.25\n");
    g_autoptr(GArray) places = resctrl_list_places(root, "", "L3");
    g_assert_cmpuint(places->len, ==, 2);
    g_assert_cmpuint(g_array_index(places, unsigned, 1), ==, 1);
    g_assert_true(resctrl_read_use(root, "", "L3", 0, "llc_occupancy", &use));
    g_assert_true(use.known);
    g_assert_cmpuint(use.count, ==, 4096);
    g_assert_true(resctrl_read_use(root, "", "L3", 1, "llc_occupancy", &use));
    g_assert_false(use.known);
    g_assert_true(resctrl_read_use(root, "", "PERF_PKG", 0, "core_energy", &use));
    g_assert_cmpfloat(use.number, ==, 1.25);
    g_assert_false(resctrl_read_use(root, "", "L3", 0, "mbm_total_bytes", &use));
    end(root, NULL);
}

static void test_choice(void)
{
    uint64_t mask;

    g_assert_true(schemata_choose_bits(0xf0ff, 3, &mask)); /* the smaller hole */
    g_assert_cmpuint(mask, ==, 0x7000);
    g_assert_true(schemata_choose_bits(0xf0ff, 5, &mask));
    g_assert_cmpuint(mask, ==, 0x1f);
    g_assert_false(schemata_choose_bits(0xf0ff, 9, &mask));
    g_assert_true(schemata_choose_bits(~UINT64_C(0), 64, &mask));
    g_assert_cmpuint(mask, ==, ~UINT64_C(0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resctrl/info", test_info);
    g_test_add_func("/resctrl/absent", test_absent);
    g_test_add_func("/resctrl/bandwidth", test_bandwidth);
    g_test_add_func("/resctrl/cache", test_cache);
    g_test_add_func("/resctrl/enter", test_enter);
    g_test_add_func("/resctrl/use", test_use);
    g_test_add_func("/resctrl/choice", test_choice);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/resctrl/refusal/%s", refusals[i].name);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_refusal);
    }
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "qmp-peer.h"
#include "virtqemud/cpu-names.h"
#include "virtqemud/probe.h"

#define QEMU "/usr/bin/qemu-system-x86_64"

struct setup {
    struct qmp_bench bench;
    char *folder; /* holds binaries and cache */
    struct probes *probes;
};

static void begin(struct setup *setup, unsigned deadline_ms)
{
    setup->folder = g_dir_make_tmp("probe-XXXXXX", NULL);
    g_autofree char *cache = g_build_filename(setup->folder, "cache", NULL);
    const struct probes_settings settings = {
        .folder = cache, .deadline_ms = deadline_ms, .search = setup->folder};

    qmp_bench_begin(&setup->bench);
    setup->probes = probes_new(setup->bench.loop, &settings);
}

static void remove_all(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            remove_all(path);
        else
            g_unlink(path);
    }
    g_rmdir(folder);
}

static void end(struct setup *setup)
{
    probes_free(setup->probes);
    qmp_bench_end(&setup->bench);
    remove_all(setup->folder);
    g_free(setup->folder);
}

static char *write_binary(struct setup *setup, const char *name, const char *script)
{
    char *path = g_build_filename(setup->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, script, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    return path;
}

/* ---- binaries that are no use ---- */

static void check_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        g_error("'%s' lacks '%s'", text, part);
}

static void check_bad(const char *script, unsigned deadline_ms, const char *first,
                      const char *second)
{
    struct setup setup;
    struct emulator *emulator EMULATOR_AUTO = NULL;
    g_autoptr(GError) error = NULL;

    begin(&setup, deadline_ms);
    g_autofree char *path = write_binary(&setup, "qemu-system-x86_64", script);
    int64_t begun = g_get_monotonic_time();
    g_assert_cmpint(probe_get(setup.probes, path, &emulator, &error), ==, -1);
    g_assert_cmpint(g_get_monotonic_time() - begun, <, 8 * G_USEC_PER_SEC);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    check_part(error->message, path);
    check_part(error->message, first);
    check_part(error->message, second);
    g_assert_null(emulator);
    end(&setup);
}

static void test_bad(void)
{
    check_bad("#!/bin/sh\necho 'lib.so: cannot open' >&2\nexit 127\n", 0,
              "Failed to start QEMU binary", "for probing: lib.so: cannot open");
    check_bad("#!/bin/sh\nexit 0\n", 0, "Failed to probe QEMU binary", "has gone");
    check_bad("#!/bin/sh\necho 'hm' >&2\nexec sleep 60\n", 300, "Failed to probe QEMU binary",
              "no answer within 0.3 s: hm");
    check_bad("#!/bin/sh\necho 'Usage: nothing' >&3\nexec sleep 60\n", 0,
              "Failed to probe QEMU binary", "broke the QMP protocol");
    check_bad("#!/nowhere/interpreter\n", 0, "Failed to probe QEMU binary", "No such file");
}

static void test_absent(void)
{
    struct setup setup;
    struct emulator *emulator = NULL;
    g_autoptr(GError) error = NULL;

    begin(&setup, 0);
    g_assert_cmpint(probe_get(setup.probes, "/nowhere/qemu", &emulator, &error), ==, -1);
    g_assert_cmpstr(error->message, ==,
                    "Cannot check QEMU binary /nowhere/qemu: No such file or directory");
    end(&setup);
}

/* ---- one probe for many ---- */

struct asker {
    struct probes *probes;
    const char *path;
};

static gpointer ask(gpointer data)
{
    const struct asker *asker = data;
    struct emulator *emulator EMULATOR_AUTO = NULL;

    probe_get(asker->probes, asker->path, &emulator, NULL);
    return NULL;
}

static void ask_many(struct setup *setup, const char *path)
{
    struct asker asker = {setup->probes, path};
    GThread *threads[8];

    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("asker", ask, &asker);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

static size_t count_runs(struct setup *setup)
{
    g_autofree char *log = g_build_filename(setup->folder, "log", NULL);
    g_autofree char *text = NULL;
    size_t length = 0, runs = 0;

    g_file_get_contents(log, &text, &length, NULL);
    for (size_t i = 0; i < length; i++)
        runs += text[i] == '\n';
    return runs;
}

static void test_shared(void)
{
    struct setup setup;

    begin(&setup, 0);
    g_autofree char *script =
        g_strdup_printf("#!/bin/sh\n[ $6 = none,accel=tcg ] && [ -c /dev/kvm ] && exit 1\n"
                        "echo x >> %s/log\nsleep 0.2\nexit 1\n",
                        setup.folder);
    g_autofree char *path = write_binary(&setup, "qemu", script);
    ask_many(&setup, path);
    g_assert_cmpuint(count_runs(&setup), ==, 1);
    ask_many(&setup, path); /* a failure is not tried again at once */
    g_assert_cmpuint(count_runs(&setup), ==, 1);

    g_autofree char *changed = g_strconcat(script, "# a new version\n", NULL);
    g_free(write_binary(&setup, "qemu", changed));
    ask_many(&setup, path);
    g_assert_cmpuint(count_runs(&setup), ==, 2);
    end(&setup);
}

/* ---- finding ---- */

static void test_find(void)
{
    struct setup setup;

    begin(&setup, 0);
    g_autofree char *native = write_binary(&setup, "qemu-system-x86_64", "");
    g_autofree char *arm = write_binary(&setup, "qemu-system-arm", "");
    g_autofree char *found = probe_find(setup.probes, "x86_64");
    g_autofree char *second = probe_find(setup.probes, "i686");
    g_autofree char *none = probe_find(setup.probes, "s390x");
    g_assert_cmpstr(found, ==, native);
    g_assert_cmpstr(second, ==, native);
    g_assert_null(none);
    g_assert_null(probe_find(setup.probes, "nonsense"));
    g_auto(GStrv) archs = probe_list(setup.probes);
    g_autofree char *joined = g_strjoinv(" ", archs);
    g_assert_cmpstr(joined, ==, "armv6l armv7l i686 x86_64");
    g_assert_true(probe_knows_arch("s390x"));
    g_assert_false(probe_knows_arch("pdp11"));
    end(&setup);
}

static void test_cpu_names(void)
{
    g_assert_cmpstr(cpu_feature_from_qemu("pclmulqdq"), ==, "pclmuldq");
    g_assert_cmpstr(cpu_feature_to_qemu("pclmuldq"), ==, "pclmulqdq");
    g_assert_cmpstr(cpu_feature_to_qemu("avx2"), ==, "avx2");
    g_assert_cmpstr(cpu_model_vendor("EPYC-Milan"), ==, "AMD");
    g_assert_cmpstr(cpu_model_vendor("qemu64"), ==, "unknown");
    g_assert_cmpstr(cpu_vendor_name("GenuineIntel"), ==, "Intel");
    g_assert_true(cpu_model_is_listed("EPYC-Milan"));
    g_assert_true(cpu_model_is_listed("Haswell-noTSX-IBRS"));
    g_assert_false(cpu_model_is_listed("EPYC-v2"));
    g_assert_false(cpu_model_is_listed("host"));
    g_assert_false(cpu_property_is_feature("kvm-asyncpf"));
    g_assert_true(cpu_property_is_feature("avx512f"));
    g_assert_true(cpu_feature_is_the_hosts("osxsave"));
    g_assert_false(cpu_feature_is_the_hosts("xsave"));
}

/* ---- the real one ---- */

static void check_models(const struct emulator *emulator)
{
    const struct emulator_cpus *cpus = &emulator->cpus[ACCELERATOR_TCG];
    const struct emulator_cpu_model *model = emulator_find_cpu(emulator, ACCELERATOR_TCG, "qemu64");

    g_assert_true(cpus->usable);
    g_assert_nonnull(model);
    g_assert_true(model->usable);
    g_assert_null(emulator_find_cpu(emulator, ACCELERATOR_TCG, "no-such-model"));
    g_assert_nonnull(cpus->host.model);
    g_assert_cmpstr(cpu_model_vendor(cpus->host.model), ==, cpus->host.vendor);
    g_assert_cmpuint(g_strv_length(cpus->maximum), >, 20);
    g_assert_true(g_strv_contains((const char *const *)cpus->maximum, "sse2"));
    g_assert_true(g_strv_contains((const char *const *)cpus->known, "avx512f"));

    /* TCG can do no AVX-512. */
    const struct emulator_cpu_model *large =
        emulator_find_cpu(emulator, ACCELERATOR_TCG, "Icelake-Server");
    g_assert_false(large->usable);
    g_assert_true(g_strv_contains((const char *const *)large->blockers, "avx512f"));
}

static void check_emulator(const struct emulator *emulator)
{
    const struct emulator_machine *q35 = emulator_find_machine(emulator, "q35");
    const struct emulator_machine *standard = emulator_find_machine(emulator, NULL);

    g_assert_cmpstr(emulator->path, ==, QEMU);
    g_assert_cmpstr(emulator->arch, ==, "x86_64");
    g_assert_cmpuint(emulator->version, >=, 7002000);
    g_assert_true(g_str_has_prefix(q35->name, "pc-q35-"));
    g_assert_cmpuint(q35->max_cpus, >=, 255);
    g_assert_cmpstr(q35->default_ram_id, ==, "pc.ram");
    g_assert_cmpstr(q35->default_cpu, ==, "qemu64");
    g_assert_true(q35->hotpluggable_cpus);
    g_assert_cmpstr(standard->alias, ==, "pc");
    g_assert_true(emulator_find_machine(emulator, q35->name) == q35);
    g_assert_null(emulator_find_machine(emulator, "no-such-machine"));

    g_assert_true(emulator_has_type(emulator, "virtio-blk-pci"));
    g_assert_false(emulator_has_type(emulator, "no-such-type"));
    g_assert_true(emulator_has_command(emulator, "query-status"));
    g_assert_false(emulator_has_command(emulator, "no-such-command"));
    g_assert_true(emulator_has(emulator, EMULATOR_DEVICE_JSON));
    g_assert_true(emulator_has(emulator, EMULATOR_NETDEV_JSON));
    g_assert_true(emulator_has(emulator, EMULATOR_SANDBOX));
    g_assert_true(emulator_has(emulator, EMULATOR_VNC));
    g_assert_true(emulator_has(emulator, EMULATOR_SCREENDUMP_PNG));
    g_assert_true(emulator_has(emulator, EMULATOR_BLOCK_IO_URING));
    g_assert_true(emulator_has(emulator, EMULATOR_VIRTIO_PACKED));
    g_assert_true(emulator_has(emulator, EMULATOR_TPM_EMULATOR));
    check_models(emulator);
}

static int64_t timed_get(struct probes *probes, struct emulator **ret_emulator)
{
    g_autoptr(GError) error = NULL;
    int64_t begun = g_get_monotonic_time();

    probe_get(probes, QEMU, ret_emulator, &error);
    g_assert_no_error(error);
    return g_get_monotonic_time() - begun;
}

static void restart(struct setup *setup)
{
    g_autofree char *cache = g_build_filename(setup->folder, "cache", NULL);
    const struct probes_settings settings = {.folder = cache};

    probes_free(setup->probes);
    setup->probes = probes_new(setup->bench.loop, &settings);
}

static void test_real(void)
{
    struct setup setup;
    struct emulator *probed EMULATOR_AUTO = NULL;
    struct emulator *again EMULATOR_AUTO = NULL;
    struct emulator *loaded EMULATOR_AUTO = NULL;

    if (access(QEMU, X_OK) < 0) {
        g_test_skip("no " QEMU);
        return;
    }
    begin(&setup, 0);
    g_test_message("first: %" G_GINT64_FORMAT " us", timed_get(setup.probes, &probed));
    check_emulator(probed);
    g_test_message("from memory: %" G_GINT64_FORMAT " us", timed_get(setup.probes, &again));
    g_assert_true(again == probed);

    restart(&setup);
    g_test_message("from disk: %" G_GINT64_FORMAT " us", timed_get(setup.probes, &loaded));
    check_emulator(loaded);
    for (unsigned i = 0; i < EMULATOR_FLAG_LAST; i++)
        g_assert_cmpint(loaded->flags[i], ==, probed->flags[i]);
    g_assert_cmpuint(g_hash_table_size(loaded->types), ==, g_hash_table_size(probed->types));
    end(&setup);
}

/* A cache file that is cut or foreign is not believed. */
static void test_bad_cache(void)
{
    struct setup setup;
    struct emulator *first EMULATOR_AUTO = NULL;
    struct emulator *second EMULATOR_AUTO = NULL;

    if (access(QEMU, X_OK) < 0) {
        g_test_skip("no " QEMU);
        return;
    }
    begin(&setup, 0);
    timed_get(setup.probes, &first);
    g_autofree char *cache = g_build_filename(setup.folder, "cache", NULL);
    g_autoptr(GDir) dir = g_dir_open(cache, 0, NULL);
    g_autofree char *file = g_build_filename(cache, g_dir_read_name(dir), NULL);
    g_assert_cmpint(truncate(file, 1000), ==, 0);
    restart(&setup);
    timed_get(setup.probes, &second);
    check_emulator(second);
    end(&setup);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/probe/bad", test_bad);
    g_test_add_func("/probe/absent", test_absent);
    g_test_add_func("/probe/shared", test_shared);
    g_test_add_func("/probe/find", test_find);
    g_test_add_func("/probe/cpu-names", test_cpu_names);
    g_test_add_func("/probe/real", test_real);
    g_test_add_func("/probe/bad-cache", test_bad_cache);
    return g_test_run();
}

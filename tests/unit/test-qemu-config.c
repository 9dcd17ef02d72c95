/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

#include "virtqemud/config.h"

static void collect(const char *text, void *data)
{
    g_string_append_printf(data, "%s\n", text);
}

static int load(const char *text, bool session, struct qemu_config *config, GString *warnings,
                GError **error)
{
    g_autofree char *folder = g_dir_make_tmp("qemu-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "qemu.conf", NULL);
    int result;

    memset(config, 0, sizeof(*config));
    if (text)
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
    result = qemu_config_load(path, session, config, collect, warnings, error);
    unlink(path);
    rmdir(folder);
    return result;
}

static void test_defaults(void)
{
    g_autoptr(GString) warnings = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct qemu_config config;

    load(NULL, true, &config, warnings, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(warnings->str, ==, "");
    g_assert_cmpstr(config.vnc_listen, ==, "127.0.0.1");
    g_assert_cmpuint(config.remote_display_port_min, ==, 5900);
    g_assert_cmpuint(config.remote_display_port_max, ==, 65535);
    g_assert_cmpint(config.seccomp_sandbox, ==, -1);
    g_assert_null(config.max_core);
    g_assert_nonnull(config.memory_backing_folder);
    g_assert_false(config.set_user);
    g_assert_cmpuint(config.uid, ==, getuid());
    g_assert_cmpuint(config.gid, ==, getgid());
    qemu_config_clear(&config);
}

static void test_values(void)
{
    g_autoptr(GString) warnings = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct qemu_config config;

    load("user = \"+12345\"\ngroup = \"root\"\nmax_core = \"unlimited\"\nseccomp_sandbox = 0\n"
         "cgroup_controllers = [ \"cpu\", \"memory\" ]\nset_process_name = 1\n",
         false, &config, warnings, &error);
    g_assert_no_error(error);
    g_assert_true(config.set_user);
    g_assert_cmpuint(config.uid, ==, 12345);
    g_assert_cmpuint(config.gid, ==, 0);
    g_assert_true(config.core_limit == RLIM_INFINITY);
    g_assert_cmpint(config.seccomp_sandbox, ==, 0);
    g_assert_cmpstr(config.cgroup_controllers[1], ==, "memory");
    g_assert_true(config.set_process_name);
    qemu_config_clear(&config);

    load("max_core = 1048576\n", true, &config, warnings, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(config.core_limit, ==, 1048576);
    qemu_config_clear(&config);
}

static bool has_group(const struct qemu_config *config, gid_t gid)
{
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i] == gid)
            return true;
    return false;
}

/* A user whose own group is not the one that was chosen is in both. */
static void test_groups(void)
{
    g_autoptr(GError) error = NULL;
    struct qemu_config config;

    load("user = \"root\"\ngroup = \"+12345\"\n", false, &config, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(has_group(&config, 12345) && has_group(&config, 0));
    qemu_config_clear(&config);
}

/* Keys of the incumbent that do nothing here are told, and no mistake. */
static void test_warnings(void)
{
    g_autoptr(GString) warnings = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct qemu_config config;

    load("\nlock_manager = \"lockd\"\nspice_listn = \"::1\"\n", true, &config, warnings, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(warnings->str, "qemu.conf:2: 'lock_manager' has no effect here"));
    g_assert_nonnull(strstr(warnings->str, "qemu.conf:3: unknown key 'spice_listn' (did you mean "
                                           "'spice_listen'?)"));
    qemu_config_clear(&config);
}

static void test_mistakes(void)
{
    static const struct {
        const char *text, *words;
    } mistakes[] = {
        {"user = \"nobody-of-this-name\"\n", "there is no user 'nobody-of-this-name'"},
        {"user = \"root\"\ngroup = \"no-group-of-this-name\"\n", "there is no group"},
        {"max_core = \"much\"\n", "'max_core' takes a number of bytes"},
        {"remote_display_port_min = 6000\nremote_display_port_max = 5999\n", "is above"},
        {"remote_display_port_min = 80\n", "a number from 5900 to 65535"},
        {"vnc_tls_x509_cert_dir = \"/nonexistent\"\n", "there is no folder '/nonexistent'"},
        {"chardev_tls_x509_secret_uuid = \"secret\"\n", "is not the UUID of a secret"},
        {"seccomp_sandbox = 2\n", "a number from -1 to 1"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autoptr(GString) warnings = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        struct qemu_config config;

        g_assert_cmpint(load(mistakes[i].text, false, &config, warnings, &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_CONFIG_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, mistakes[i].words));
        g_assert_null(config.vnc_listen);
    }
}

/* Every key once, each with words for the shipped file or a reason why it does nothing. */
static void test_rows(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < qemu_config_table.count; i++) {
        const struct config_row *row = &qemu_config_table.rows[i];

        g_assert_true(g_hash_table_add(seen, (void *)row->key));
        g_assert_true(row->doc || row->no_effect);
    }
    g_assert_cmpuint(qemu_config_table.count, >=, 91);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu-config/defaults", test_defaults);
    g_test_add_func("/qemu-config/values", test_values);
    g_test_add_func("/qemu-config/groups", test_groups);
    g_test_add_func("/qemu-config/warnings", test_warnings);
    g_test_add_func("/qemu-config/mistakes", test_mistakes);
    g_test_add_func("/qemu-config/rows", test_rows);
    return g_test_run();
}

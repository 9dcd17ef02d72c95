/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/auth.h"
#include "daemon/settings.h"

struct values {
    long long number;
    unsigned count;
    bool flag;
    mode_t mode;
    char *text;
    char *word;
    char **list;
    unsigned bounded;
};

static const char *const colours[] = {"red", "green", NULL};

#define AT(member) offsetof(struct values, member)

static const struct config_row rows[] = {
    {"number", CONFIG_INT, AT(number), "-7", .doc = "A number."},
    {"count", CONFIG_UINT, AT(count), .doc = "A count.", .example = "12"},
    {"flag", CONFIG_BOOL, AT(flag), "1", .doc = "On or off."},
    {"mode", CONFIG_MODE, AT(mode), "\"0750\"", .doc = ""},
    {"text", CONFIG_STRING, AT(text), .doc = "Any text.\n\nOr none.", .example = "\"x\""},
    {"colour", CONFIG_STRING, AT(word), "\"red\"", .words = colours},
    {"list", CONFIG_LIST, AT(list), .doc = "Texts.", .example = "[ \"a\" ]"},
    {"bounded", CONFIG_UINT, AT(bounded), "5", 2, 9, .doc = "2 to 9."},
    {"listen_tcp", .no_effect = "TCP is elsewhere"},
};

static const struct config_table table = {rows, G_N_ELEMENTS(rows)};

static void collect(const char *text, void *data)
{
    g_string_append_printf(data, "%s\n", text);
}

static int read_text(const char *text, struct values *values, GString *warnings, GError **error)
{
    const struct config_part part = {&table, values};

    return config_read("x.conf", text, strlen(text), &part, 1, warnings ? collect : NULL, warnings,
                       error);
}

static void clear(struct values *values)
{
    const struct config_part part = {&table, values};

    config_clear(&part, 1);
}

#define VALUES_AUTO __attribute__((cleanup(clear)))

static void read_well(const char *text, struct values *values)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) warnings = g_string_new(NULL);

    clear(values);
    *values = (struct values){0};
    read_text(text, values, warnings, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(warnings->str, ==, "");
}

static void test_defaults(void)
{
    VALUES_AUTO struct values values = {0};

    read_well("", &values);
    g_assert_cmpint(values.number, ==, -7);
    g_assert_cmpuint(values.count, ==, 0);
    g_assert_true(values.flag);
    g_assert_cmpuint(values.mode, ==, 0750);
    g_assert_null(values.text);
    g_assert_cmpstr(values.word, ==, "red");
    g_assert_null(values.list);
    g_assert_cmpuint(values.bounded, ==, 5);
}

static void test_values(void)
{
    VALUES_AUTO struct values values = {0};

    read_well("# comment\n"
              "number = -9223372036854775808 # the least\n"
              "count=4294967295\r\n"
              "\tflag\t=\t0\n"
              "mode = \"700\"\n"
              "text = \"with # and ' in it\"\n"
              "colour = 'green'\n"
              "list = [ \"a\", # first\n  'b', 3,\n]\n"
              "bounded = 9",
              &values);
    g_assert_cmpint(values.number, ==, G_MININT64);
    g_assert_cmpuint(values.count, ==, G_MAXUINT);
    g_assert_false(values.flag);
    g_assert_cmpuint(values.mode, ==, 0700);
    g_assert_cmpstr(values.text, ==, "with # and ' in it");
    g_assert_cmpstr(values.word, ==, "green");
    g_autofree char *joined = g_strjoinv("|", values.list);
    g_assert_cmpstr(joined, ==, "a|b|3");
    g_assert_cmpuint(values.bounded, ==, 9);
}

static void test_lists(void)
{
    VALUES_AUTO struct values values = {0};

    read_well("list = []\n", &values);
    g_assert_nonnull(values.list);
    g_assert_null(values.list[0]);
    read_well("list = \"one\"\n", &values);
    g_assert_cmpstr(values.list[0], ==, "one");
    g_assert_null(values.list[1]);
}

static void test_long_text(void)
{
    VALUES_AUTO struct values values = {0};
    g_autoptr(GError) error = NULL;

    read_well("text = \"\"\"one\n\"two\"\n\"\"\"\ncount = 1\n", &values);
    g_assert_cmpstr(values.text, ==, "one\n\"two\"\n");
    clear(&values);
    g_assert_cmpint(read_text("text = \"\"\"a\nb\n\"\"\"\ncount 1\n", &values, NULL, &error), ==,
                    -1);
    g_assert_nonnull(strstr(error->message, "x.conf:4:"));
}

static void test_errors(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"count 1", "x.conf:1: expected '=' after the key"},
        {"\n\ncount = \n", "x.conf:3: expected a value"},
        {"count = yes", "x.conf:1: expected a value"},
        {"= 1", "x.conf:1: expected a key"},
        {"count = 1 2", "x.conf:1: unexpected text after the value"},
        {"1count = 1", "x.conf:1: expected a key"},
        {"text = \"open\nmore\"", "x.conf:1: the text in quotes has no closing quote"},
        {"\ntext = 'open", "x.conf:2: the text in quotes has no closing quote"},
        {"text = \"\"\"open", "x.conf:1: the text that begins here has no closing"},
        {"list = [ \"a\"", "x.conf:1: expected ',' or ']'"},
        {"list = [ \"a\",\n", "x.conf:2: the list has no closing ']'"},
        {"list = [ \"a\" \"b\" ]", "x.conf:1: expected ',' or ']'"},
        {"list = [\n\n a ]", "x.conf:3: a list holds texts"},
        {"number = -", "x.conf:1: a '-' stands for no number"},
        {"number = 1-2", "x.conf:1: a '-' stands for no number"},
        {"number = 9223372036854775808", "x.conf:1: the number is too large"},
        {"number = 111111111111111111111111111111", "x.conf:1: the number is too large"},
        {"number = \"1\"", "x.conf:1: 'number' takes a number"},
        {"\ncount = -1", "x.conf:2: 'count' takes a number from 0 up"},
        {"count = 4294967296", "x.conf:1: 'count' takes a number from 0 up"},
        {"flag = 2", "x.conf:1: 'flag' takes 0 or 1"},
        {"mode = 700", "x.conf:1: 'mode' takes an octal mode in quotes"},
        {"mode = \"888\"", "x.conf:1: 'mode' takes an octal mode"},
        {"mode = \"77777\"", "x.conf:1: 'mode' takes an octal mode"},
        {"mode = \"-1\"", "x.conf:1: 'mode' takes an octal mode"},
        {"mode = \"\"", "x.conf:1: 'mode' takes an octal mode"},
        {"text = 1", "x.conf:1: 'text' takes a text in quotes"},
        {"text = [ \"a\" ]", "x.conf:1: 'text' takes a text in quotes"},
        {"colour = \"blue\"", "x.conf:1: 'colour' takes one of \"red\", \"green\""},
        {"list = 1", "x.conf:1: 'list' takes a list of texts"},
        {"bounded = 1", "x.conf:1: 'bounded' takes a number from 2 to 9"},
        {"bounded = 10", "x.conf:1: 'bounded' takes a number from 2 to 9"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct values values = {.count = 77};
        g_autoptr(GError) error = NULL;
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(read_text(cases[i].text, &values, NULL, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_CONF_SYNTAX) ||
                      error_is(error, VIR_ERR_CONFIG_UNSUPPORTED));
        if (!strstr(error->message, cases[i].message))
            g_error("'%s' instead of '%s'", error->message, cases[i].message);
        g_assert_cmpuint(values.count, ==, 77);
        g_assert_null(values.word);
    }
}

static void test_binary(void)
{
    static const char text[] = "count = 1\0\n";
    struct values values = {0};
    const struct config_part part = {&table, &values};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(config_read("x.conf", text, sizeof(text) - 1, &part, 1, NULL, NULL, &error), ==,
                    -1);
    g_assert_true(error_is(error, VIR_ERR_CONF_SYNTAX));
}

static void test_warnings(void)
{
    VALUES_AUTO struct values values = {0};
    g_autoptr(GString) warnings = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    read_text("cuont = 1\nlisten_tcp = \"anything\"\nfar_away = [ 1 ]\ncount = 2\ncount = 3\n",
              &values, warnings, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(warnings->str, ==,
                    "x.conf:1: unknown key 'cuont' (did you mean 'count'?)\n"
                    "x.conf:2: 'listen_tcp' has no effect here: TCP is elsewhere\n"
                    "x.conf:3: unknown key 'far_away'\n"
                    "x.conf:5: 'count' replaces the value of line 4\n");
    g_assert_cmpuint(values.count, ==, 3);
}

/* A key of two tables is the first's: a daemon may take what others ignore. */
static void test_two_tables(void)
{
    static const struct config_row own_rows[] = {{"listen_tcp", CONFIG_BOOL, 0}};
    static const struct config_table own = {own_rows, 1};
    VALUES_AUTO struct values values = {0};
    bool listen = false;
    const struct config_part parts[] = {{&own, &listen}, {&table, &values}};
    g_autoptr(GString) warnings = g_string_new(NULL);
    static const char text[] = "listen_tcp = 1\ncount = 4\n";

    g_assert_cmpint(config_read("x.conf", text, strlen(text), parts, 2, collect, warnings, NULL),
                    ==, 0);
    g_assert_cmpstr(warnings->str, ==, "");
    g_assert_true(listen);
    g_assert_cmpuint(values.count, ==, 4);
}

static void test_files(void)
{
    VALUES_AUTO struct values values = {0};
    const struct config_part part = {&table, &values};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(config_load("/nonexistent.conf", false, &part, 1, NULL, NULL, &error), ==, 0);
    g_assert_cmpint(values.number, ==, -7);
    g_assert_cmpint(config_load("/nonexistent.conf", true, &part, 1, NULL, NULL, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "/nonexistent.conf"));
}

static void test_sample(void)
{
    const struct config_table *tables[] = {&table};
    g_autofree char *text = config_sample("Heading.", tables, 1);

    g_assert_cmpstr(text, ==,
                    "# Heading.\n\n# A number.\n#number = -7\n\n# A count.\n#count = 12\n"
                    "\n# On or off.\n#flag = 1\n#mode = \"0750\"\n"
                    "\n# Any text.\n#\n# Or none.\n#text = \"x\"\n"
                    "\n# Texts.\n#list = [ \"a\" ]\n\n# 2 to 9.\n#bounded = 5\n");
}

/* Every key of the shipped file, when its '#' is taken away, is taken and says what the daemon
 * does. */
static void test_settings_sample(void)
{
    const struct config_table *tables[] = {&settings_table};
    g_autofree char *text = config_sample("x", tables, 1);
    g_autoptr(GRegex) commented = g_regex_new("^#(?=[a-z_]+ = )", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *active = g_regex_replace(commented, text, -1, 0, "", 0, NULL);
    g_autoptr(GString) warnings = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct settings settings = {0}, defaults = {0};
    const struct config_part part = {&settings_table, &settings};
    const struct config_part plain = {&settings_table, &defaults};

    config_read("sample", active, strlen(active), &part, 1, collect, warnings, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(warnings->str, ==, "");
    g_assert_cmpstr(settings.unix_sock_group, ==, "libvirt");
    config_read("none", "", 0, &plain, 1, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(settings.max_clients, ==, defaults.max_clients);
    g_assert_cmpuint(settings.unix_sock_rw_perms, ==, 0700);
    g_assert_cmpint(settings.keepalive_interval, ==, 5);
    settings_clear(&settings);
    settings_clear(&defaults);
}

/* The keys that the incumbent's file has: all are known, used or not. */
static void test_settings_keys(void)
{
    static const char keys[] =
        "listen_tls listen_tcp tls_port tcp_port listen_addr unix_sock_group unix_sock_ro_perms "
        "unix_sock_rw_perms unix_sock_admin_perms unix_sock_dir auth_unix_ro auth_unix_rw auth_tcp "
        "auth_tls tcp_min_ssf access_drivers key_file cert_file ca_file crl_file "
        "tls_no_sanity_certificate tls_no_verify_certificate tls_allowed_dn_list tls_priority "
        "sasl_allowed_username_list max_clients max_queued_clients max_anonymous_clients "
        "min_workers max_workers prio_workers max_client_requests admin_min_workers "
        "admin_max_workers admin_max_clients admin_max_queued_clients admin_max_client_requests "
        "log_level log_filters log_outputs audit_level audit_logging host_uuid host_uuid_source "
        "keepalive_interval keepalive_count keepalive_required admin_keepalive_required "
        "admin_keepalive_interval admin_keepalive_count ovs_timeout";
    g_auto(GStrv) list = g_strsplit(keys, " ", -1);

    for (char **key = list; *key; key++) {
        size_t i = 0;
        while (i < settings_table.count && strcmp(settings_table.rows[i].key, *key) != 0)
            i++;
        if (i == settings_table.count)
            g_error("'%s' is missing", *key);
    }
}

static int load_settings(const char *text, GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("modvirt-config-XXXXXX", &path, NULL);
    struct settings settings = {0};

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    int result = settings_load(path, true, NULL, NULL, &settings, error);
    unlink(path);
    settings_clear(&settings);
    return result;
}

static void test_settings_checks(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"auth_unix_rw = \"kerberos\"",
         "auth_unix_rw = \"kerberos\": it can be \"none\", \"polkit\""},
        {"auth_unix_ro = \"\"", "auth_unix_ro = \"\""},
        {"access_drivers = [ \"selinux\" ]", "access_drivers"},
        {"min_workers = 30", "min_workers (30) is above max_workers (20)"},
        {"admin_min_workers = 6", "admin_min_workers (6) is above admin_max_workers (5)"},
        {"log_filters = \"9:x\"", "9:x"},
        {"log_outputs = \"1:paper\"", "1:paper"},
        {"log_level = 5", "'log_level' takes a number from 1 to 4"},
        {"host_uuid = \"00000000-0000-0000-0000-000000000000\"", "host_uuid"},
        {"host_uuid = \"x\"", "host_uuid"},
        {"host_uuid_source = \"dice\"", "one of \"smbios\", \"machine-id\""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(load_settings(cases[i].text, &error), ==, -1);
        if (!strstr(error->message, cases[i].message))
            g_error("'%s' instead of '%s'", error->message, cases[i].message);
    }
    g_assert_cmpint(load_settings("access_drivers = [ \"none\" ]\nauth_unix_rw = \"none\"\n", NULL),
                    ==, 0);
}

static void test_restart(void)
{
    static const struct config_row marked[] = {
        {"flag", CONFIG_BOOL, AT(flag), .restart = true},
        {"mode", CONFIG_MODE, AT(mode), .restart = true},
        {"text", CONFIG_STRING, AT(text), .restart = true},
        {"list", CONFIG_LIST, AT(list), .restart = true},
        {"count", CONFIG_UINT, AT(count)},
    };
    static const struct config_table marked_table = {marked, G_N_ELEMENTS(marked)};
    char *one[] = {"a", "b", NULL}, *same[] = {"a", "b", NULL}, *other[] = {"a", NULL};
    struct values old = {.flag = true, .mode = 0700, .text = "x", .list = one, .count = 1};
    struct values new = {.flag = true, .mode = 0700, .text = "x", .list = same, .count = 2};
    g_autoptr(GString) said = g_string_new(NULL);

    config_warn_of_restart(&marked_table, &old, &new, collect, said);
    g_assert_cmpstr(said->str, ==, "");
    new = (struct values){.list = other};
    config_warn_of_restart(&marked_table, &old, &new, collect, said);
    for (size_t i = 0; i < 4; i++)
        g_assert_nonnull(strstr(said->str, marked[i].key));
    g_assert_null(strstr(said->str, "count"));
    g_string_truncate(said, 0);
    new = old;
    new.list = NULL;
    config_warn_of_restart(&marked_table, &new, &old, collect, said);
    g_assert_true(g_str_has_prefix(said->str, "list has changed: "));
}

static void test_peers(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(auth_check_peer(false, 0, 1000, &error), ==, 0);
    g_assert_cmpint(auth_check_peer(true, 1000, 1000, &error), ==, 0);
    g_assert_cmpint(auth_check_peer(true, 1000, 0, &error), ==, 0);
    g_assert_cmpint(auth_check_peer(true, 1000, 1001, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_AUTH_FAILED));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/values", test_values);
    g_test_add_func("/config/lists", test_lists);
    g_test_add_func("/config/long-text", test_long_text);
    g_test_add_func("/config/errors", test_errors);
    g_test_add_func("/config/binary", test_binary);
    g_test_add_func("/config/warnings", test_warnings);
    g_test_add_func("/config/two-tables", test_two_tables);
    g_test_add_func("/config/files", test_files);
    g_test_add_func("/config/sample", test_sample);
    g_test_add_func("/config/settings-sample", test_settings_sample);
    g_test_add_func("/config/settings-keys", test_settings_keys);
    g_test_add_func("/config/settings-checks", test_settings_checks);
    g_test_add_func("/config/restart", test_restart);
    g_test_add_func("/config/peers", test_peers);
    return g_test_run();
}

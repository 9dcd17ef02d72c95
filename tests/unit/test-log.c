/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

struct fixture {
    char *folder, *path, *outputs;
};

static void set_up(struct fixture *fixture, const void *unused)
{
    fixture->folder = g_dir_make_tmp("modvirt-log-XXXXXX", NULL);
    g_assert_nonnull(fixture->folder);
    fixture->path = g_build_filename(fixture->folder, "log", NULL);
    fixture->outputs = g_strdup_printf("1:file:%s", fixture->path);
}

static void tear_down(struct fixture *fixture, const void *unused)
{
    log_reset();
    g_unlink(fixture->path);
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->outputs);
}

static void configure(int level, const char *filters, const char *outputs)
{
    g_autoptr(GError) error = NULL;

    log_configure(level, filters, outputs, &error);
    g_assert_no_error(error);
}

static char *read_log(const struct fixture *fixture)
{
    char *text;

    g_assert_true(g_file_get_contents(fixture->path, &text, NULL, NULL));
    return text;
}

static unsigned count_lines(const struct fixture *fixture)
{
    g_autofree char *text = read_log(fixture);
    unsigned count = 0;

    for (const char *c = text; *c; c++)
        count += *c == '\n';
    return count;
}

static void log_all_levels(void)
{
    log_debug("one");
    log_info("two");
    log_warn("three");
    log_error("four");
}

static void test_format(struct fixture *fixture, const void *unused)
{
    configure(LOG_LEVEL_DEBUG, "", fixture->outputs);
    errno = EIO;
    log_error("disk %s is %d%% full", "vda", 93);
    g_assert_cmpint(errno, ==, EIO);
    g_autofree char *text = read_log(fixture);
    g_assert_true(g_regex_match_simple(
        "^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\+0000: \\d+: error : "
        "test_format:\\d+ : disk vda is 93% full\n$",
        text, 0, 0));
    g_assert_cmpuint((guint64)g_ascii_strtoull(text + 30, NULL, 10), ==, (guint64)gettid());
}

static void test_levels(struct fixture *fixture, const void *unused)
{
    static const char *const words[] = {": debug :", ": info :", ": warning :", ": error :"};

    for (int level = LOG_LEVEL_DEBUG; level <= LOG_LEVEL_ERROR; level++) {
        g_unlink(fixture->path);
        configure(level, "", fixture->outputs);
        log_all_levels();
        g_autofree char *text = read_log(fixture);
        for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++)
            g_assert_true(!!strstr(text, words[i - 1]) == (i >= level));
    }
}

static void test_output_level(struct fixture *fixture, const void *unused)
{
    g_autofree char *outputs = g_strdup_printf("3:file:%s", fixture->path);

    configure(LOG_LEVEL_DEBUG, "", outputs);
    log_all_levels();
    g_assert_cmpuint(count_lines(fixture), ==, 2);
}

static void test_filters(struct fixture *fixture, const void *unused)
{
    static const struct {
        const char *filters;
        unsigned lines;
    } rows[] = {
        {"", 1},
        {"1:unit", 4},
        {"1:test-log", 4},
        {"2:unit.test", 3},
        {"1:other", 1},
        {"4:unit 1:test", 1},
        {"1:test 4:unit", 4},
        {"1:u*g", 4},
        {"1:unit.t?st", 4},
        {"1:other 3:unit", 2},
        {"  1:unit\t4:a  ", 4},
        {"1:+unit", 4},
        {"1:*", 4},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_unlink(fixture->path);
        configure(LOG_LEVEL_ERROR, rows[i].filters, fixture->outputs);
        log_all_levels();
        g_test_message("filters '%s'", rows[i].filters);
        g_assert_cmpuint(count_lines(fixture), ==, rows[i].lines);
    }
}

static void test_settings_stay(struct fixture *fixture, const void *unused)
{
    configure(LOG_LEVEL_INFO, "1:unit 4:object", fixture->outputs);
    configure(0, NULL, NULL);
    g_autofree char *filters = log_filters();
    g_autofree char *outputs = log_outputs();
    g_assert_cmpint(log_level(), ==, LOG_LEVEL_INFO);
    g_assert_cmpstr(filters, ==, "1:unit 4:object");
    g_assert_cmpstr(outputs, ==, fixture->outputs);
    configure(0, "", NULL);
    g_autofree char *cleared = log_filters();
    g_assert_cmpstr(cleared, ==, "");
}

static void test_refusals(struct fixture *fixture, const void *unused)
{
    static const struct {
        const char *filters, *outputs, *quoted;
    } rows[] = {
        {"5:qemu", NULL, "5:qemu"},
        {"qemu", NULL, "qemu"},
        {"1:", NULL, "1:"},
        {"1:a 2", NULL, "'2'"},
        {NULL, "stderr", "stderr"},
        {NULL, "1:paper", "paper"},
        {NULL, "1:file", "file"},
        {NULL, "1:file:relative", "relative"},
        {NULL, "1:syslog:", "syslog"},
        {NULL, "1:stderr:x", "stderr:x"},
        {NULL, "0:stderr", "0:stderr"},
        {NULL, "1:stderr 1:journal", "journal"},
    };

    configure(LOG_LEVEL_WARN, "1:kept", fixture->outputs);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int result = log_configure(LOG_LEVEL_DEBUG, rows[i].filters, rows[i].outputs, &error);
        g_assert_cmpint(result, ==, -1);
        g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
        g_assert_nonnull(strstr(error->message, rows[i].quoted));
        g_assert_cmpint(log_level(), ==, LOG_LEVEL_WARN);
    }
    g_autofree char *filters = log_filters();
    g_assert_cmpstr(filters, ==, "1:kept");
}

static void test_file_missing_folder(struct fixture *fixture, const void *unused)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(log_configure(1, "", "1:file:/nonexistent/folder/x", &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_nonnull(strstr(error->message, "/nonexistent/folder/x"));
}

static void test_reopen(struct fixture *fixture, const void *unused)
{
    g_autofree char *rotated = g_strconcat(fixture->path, ".1", NULL);
    g_autoptr(GError) error = NULL;

    configure(LOG_LEVEL_WARN, "", fixture->outputs);
    log_error("before");
    g_assert_cmpint(g_rename(fixture->path, rotated), ==, 0);
    log_error("still the old file");
    log_reopen(&error);
    g_assert_no_error(error);
    log_error("after");
    g_autofree char *text = read_log(fixture);
    g_assert_nonnull(strstr(text, "after"));
    g_assert_null(strstr(text, "before"));
    g_unlink(rotated);
}

/* Nothing of a message may look like a line of its own. */
static void test_control_characters(struct fixture *fixture, const void *unused)
{
    configure(LOG_LEVEL_WARN, "", fixture->outputs);
    log_error("a\n2026-01-01 forged\x1b[2J\tb\n");
    g_autofree char *text = read_log(fixture);
    g_assert_nonnull(strstr(text, "a\\n2026-01-01 forged\\x1b[2J\tb\n"));
    g_assert_cmpuint(count_lines(fixture), ==, 1);
}

static void test_stderr(struct fixture *fixture, const void *unused)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(fixture->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    configure(LOG_LEVEL_WARN, "", "");
    dup2(fd, STDERR_FILENO);
    log_error("seen");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    g_assert_cmpuint(count_lines(fixture), ==, 1);
}

static void test_level_words(void)
{
    g_assert_cmpint(log_level_from_text("1"), ==, LOG_LEVEL_DEBUG);
    g_assert_cmpint(log_level_from_text("debug"), ==, LOG_LEVEL_DEBUG);
    g_assert_cmpint(log_level_from_text("warning"), ==, LOG_LEVEL_WARN);
    g_assert_cmpint(log_level_from_text("error"), ==, LOG_LEVEL_ERROR);
    g_assert_cmpint(log_level_from_text("5"), ==, 0);
    g_assert_cmpint(log_level_from_text(NULL), ==, 0);
}

#define THREADS 4
#define LINES 200

static void *write_lines(void *unused)
{
    for (int i = 0; i < LINES; i++)
        log_warn("line %d of one of several threads", i);
    return NULL;
}

static void test_threads(struct fixture *fixture, const void *unused)
{
    GThread *threads[THREADS];
    g_autoptr(GError) error = NULL;

    configure(LOG_LEVEL_WARN, "", fixture->outputs);
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("writer", write_lines, NULL);
    for (int i = 0; i < 50; i++) {
        configure(LOG_LEVEL_WARN, i % 2 ? "1:unit" : "3:unit", fixture->outputs);
        g_assert_cmpint(log_reopen(&error), ==, 0);
    }
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(count_lines(fixture), ==, THREADS * LINES);
}

#define ADD(name, function)                                                                        \
    g_test_add("/log/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("format", test_format);
    ADD("levels", test_levels);
    ADD("output-level", test_output_level);
    ADD("filters", test_filters);
    ADD("settings-stay", test_settings_stay);
    ADD("refusals", test_refusals);
    ADD("file-missing-folder", test_file_missing_folder);
    ADD("reopen", test_reopen);
    ADD("control-characters", test_control_characters);
    ADD("stderr", test_stderr);
    ADD("threads", test_threads);
    g_test_add_func("/log/level-words", test_level_words);
    return g_test_run();
}

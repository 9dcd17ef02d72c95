/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "facts/constants.h"
#include "protocol/remote.h"
#include "virtsecretd/value.h"

/* The files that hold the values of secrets. */

struct folder {
    char *path, *file;
};

static void set_up(struct folder *folder, gconstpointer data)
{
    folder->path = g_dir_make_tmp("secret-XXXXXX", NULL);
    folder->file = g_strdup_printf("%s/x.base64", folder->path);
}

static void tear_down(struct folder *folder, gconstpointer data)
{
    unlink(folder->file);
    g_assert_cmpint(rmdir(folder->path), ==, 0); /* and nothing else is in it */
    g_free(folder->path);
    g_free(folder->file);
}

static void check_round(const char *path, const void *bytes, size_t length)
{
    g_autoptr(GError) error = NULL;
    VALUE_AUTO struct value *value = value_new(bytes, length);
    VALUE_AUTO struct value *loaded = NULL;
    struct stat about;
    size_t size;

    g_assert_cmpint(value_save(value, path, &error), ==, 0);
    g_assert_cmpint(stat(path, &about), ==, 0);
    g_assert_cmpint(about.st_mode & 07777, ==, 0600);
    g_assert_cmpint(value_load(path, &loaded, &error), ==, 0);
    const uint8_t *found = value_bytes(loaded, &size);
    g_assert_cmpmem(found, size, bytes, length);
}

static void test_rounds(struct folder *folder, gconstpointer data)
{
    static char largest[REMOTE_SECRET_VALUE_MAX];

    memset(largest, 0xfb, sizeof(largest));
    check_round(folder->file, "a\0b\xff", 4);
    check_round(folder->file, largest, sizeof(largest));
    check_round(folder->file, "x", 1);
}

/* As the incumbent writes them, with or without a line's end. */
static void test_theirs(struct folder *folder, gconstpointer data)
{
    static const char *const texts[] = {"c2VjcmV0dmFsdWX/", "c2VjcmV0dmFsdWX/\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        VALUE_AUTO struct value *value = NULL;
        size_t length;

        g_assert_true(g_file_set_contents(folder->file, texts[i], -1, NULL));
        g_assert_cmpint(value_load(folder->file, &value, NULL), ==, 0);
        const uint8_t *bytes = value_bytes(value, &length);
        g_assert_cmpmem(bytes, length, "secretvalue\xff", 12);
    }
}

static void test_absent(struct folder *folder, gconstpointer data)
{
    struct value *value = (struct value *)folder;

    g_assert_cmpint(value_load(folder->file, &value, NULL), ==, 0);
    g_assert_null(value);
}

static void test_broken(struct folder *folder, gconstpointer data)
{
    g_autofree char *long_text = g_strnfill(REMOTE_SECRET_VALUE_MAX / 3 * 4 + 40, 'A');
    g_autofree char *longer = g_strnfill(1024 * 1024, 'A');
    const char *texts[] = {"c2Vj!", "<secret/>", long_text, longer};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        struct value *value = NULL;

        g_assert_true(g_file_set_contents(folder->file, texts[i], -1, NULL));
        g_assert_cmpint(value_load(folder->file, &value, &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_INTERNAL_ERROR);
        g_assert_nonnull(strstr(error->message, folder->file));
        g_assert_null(strstr(error->message, "c2Vj"));
    }
}

static void test_unreadable(struct folder *folder, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct value *value = NULL;

    g_assert_cmpint(value_load(folder->path, &value, &error), ==, -1); /* a folder */
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_SYSTEM_ERROR);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct folder *folder, gconstpointer data);
    } tests[] = {
        {"/secret-value/rounds", test_rounds},         {"/secret-value/theirs", test_theirs},
        {"/secret-value/absent", test_absent},         {"/secret-value/broken", test_broken},
        {"/secret-value/unreadable", test_unreadable},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, struct folder, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}

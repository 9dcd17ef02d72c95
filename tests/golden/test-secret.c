/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cases.h"
#include "model/secret.h"
#include "xml/xml.h"

/*
 * Documents of secrets: the project's own (secret/NAME.xml with NAME.out.xml, and refused.txt), and
 * the incumbent's view of those of others.
 */
struct golden {
    const char *folder;
    const char *name;
};

static struct definition *define(const char *text, bool validate, GError **error)
{
    unsigned flags = XML_READ_INACTIVE | (validate ? XML_READ_VALIDATE : 0);

    return xml_read(&secret_schema, text, -1, flags, NULL, error);
}

/* What it is written as; NULL: it is refused. */
static char *play(const char *input, bool validate, GError **error)
{
    DEFINITION_AUTO struct definition *definition = define(input, validate, error);
    DEFINITION_AUTO struct definition *copy = definition ? definition_copy(definition) : NULL;

    return copy ? xml_write(copy, XML_WRITE_INACTIVE) : NULL;
}

static void test_output(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".out.xml");
    g_autoptr(GError) error = NULL;
    g_autofree char *text = play(input, true, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, expected);
    g_autofree char *again = play(text, true, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again, ==, expected);
}

static void test_refused(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "secret", "refused.txt", NULL);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "|", 3);
        g_autoptr(GError) error = NULL;

        if (g_strv_length(fields) < 3 || **line == '#')
            continue;
        int code = atoi(fields[0]);
        g_autofree char *shown = play(fields[2], code == VIR_ERR_XML_INVALID_SCHEMA, &error);
        g_test_message("%s: %s", fields[2], error ? error->message : shown);
        g_assert_cmpint(error_code_of(error), ==, code);
        g_assert_nonnull(strstr(error->message, fields[1]));
    }
}

static void test_table(void)
{
    g_autoptr(GPtrArray) mistakes = xml_schema_lint(&secret_schema);

    for (unsigned i = 0; i < mistakes->len; i++)
        g_test_message("%s", (char *)mistakes->pdata[i]);
    g_assert_cmpuint(mistakes->len, ==, 0);
}

static void add_cases(const char *title, const char *folder)
{
    g_autoptr(GPtrArray) names = cases_list(folder, ".out.xml");

    for (unsigned i = 0; i < names->len; i++) {
        struct golden *golden = g_new(struct golden, 1);
        g_autofree char *path = g_strdup_printf("/%s/%s", title, (char *)names->pdata[i]);

        *golden = (struct golden){folder, names->pdata[i]};
        g_test_add_data_func_full(path, golden, test_output, g_free);
    }
}

static void test_absent(void)
{
    g_test_skip("no shared cases: set MODVIRT_SHARED");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    const char *others = cases_folder("secret");

    g_test_add_func("/table", test_table);
    g_test_add_func("/refused", test_refused);
    add_cases("own", cases_own_folder("secret"));
    if (others)
        add_cases("secret", others);
    else
        g_test_add_func("/shared", test_absent);
    return g_test_run();
}

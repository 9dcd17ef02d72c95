/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/relaxng.h>
#include <string.h>

#include "cases.h"
#include "model/storage-volume.h"
#include "xml/export.h"
#include "xml/xml.h"

/*
 * Documents of storage pools and volumes: the project's own (storage/NAME.xml with NAME.out.xml,
 * and refused.txt), and the incumbent's view of those of others.
 */
struct golden {
    const struct xml_schema *schema;
    const char *folder;
    const char *name;
    const char *kind; /* of a case of others; NULL: ours */
};

/* What the storage has, and no document knows. */
static const char *const unknown_paths[] = {
    "/pool/capacity",        "/pool/allocation",          "/pool/available",
    "/volume/physical",      "/volume/target/timestamps", "/volume/allocation",
    "/volume/key",           "/volume/target/path",       "/volume/target/permissions",
    "/volume/target/compat",
};

static struct definition *define(const struct xml_schema *schema, const char *text, unsigned flags,
                                 GError **error)
{
    struct definition *definition =
        xml_read(schema, text, -1, XML_READ_INACTIVE | flags, NULL, error);

    if (definition && schema == &storage_volume_schema)
        storage_volume_place((struct storage_volume *)definition, "/default-pool");
    return definition;
}

static char *print(const struct definition *definition)
{
    return xml_write(definition, XML_WRITE_INACTIVE);
}

static GHashTable *not_valid; /* names in not-valid.txt */

static char *check_again(const char *name, const struct definition *definition, const char *text)
{
    unsigned flags = g_hash_table_contains(not_valid, name) ? 0 : XML_READ_VALIDATE;
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *again = define(definition->schema, text, flags, &error);
    DEFINITION_AUTO struct definition *copy = definition_copy(definition);

    if (!again)
        return g_strdup_printf("own text is refused: %s", error->message);
    g_autofree char *text_again = print(again);
    char *difference = cases_compare(text, text_again);
    if (!difference && !xml_equal(definition->schema, definition, again))
        difference = g_strdup("read again, it is not equal");
    if (!difference && !xml_equal(definition->schema, definition, copy))
        difference = g_strdup("a copy is not equal");
    return difference;
}

static char *compare(const struct golden *golden, const char *expected, const char *actual)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    if (!golden->kind)
        return cases_compare(expected, actual);
    for (size_t i = 0; i < G_N_ELEMENTS(unknown_paths); i++)
        g_ptr_array_add(paths, g_strdup(unknown_paths[i]));
    g_autoptr(GPtrArray) unechoed = cases_unechoed(golden->kind, golden->name);
    for (unsigned i = 0; i < unechoed->len; i++)
        g_ptr_array_add(paths, g_strdup(unechoed->pdata[i]));
    return cases_compare_without(expected, actual, paths);
}

static char *play(const struct golden *golden, const char *input, const char *expected)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *definition =
        define(golden->schema, input, golden->kind ? 0 : XML_READ_VALIDATE, &error);

    if (!definition)
        return g_strdup_printf("refused: %s", error->message);
    g_autofree char *text = print(definition);
    char *difference = compare(golden, expected, text);
    return difference ?: check_again(golden->name, definition, text);
}

static void judge(const char *name, const char *difference)
{
    if (!difference)
        return;
    g_test_message("%s: %s", name, difference);
    g_test_fail();
}

static void test_output(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".out.xml");
    g_autofree char *difference = play(golden, input, expected);

    judge(golden->name, difference);
}

/* The code, and in our own also a part of the message. */
static char *play_refusal(const struct xml_schema *schema, const char *input, const char *expected,
                          bool own)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *definition = define(schema, input, 0, &error);
    char *message;
    int code = (int)g_ascii_strtoll(expected, &message, 10);

    if (definition)
        return g_strdup_printf("accepted, though expected is: %s", expected);
    if ((int)error_code_of(error) != code)
        return g_strdup_printf("code %d instead of %d: %s", error_code_of(error), code,
                               error->message);
    if (own && !strstr(error->message, g_strstrip(message)))
        return g_strdup_printf("'%s' is not in: %s", message, error->message);
    return NULL;
}

static void test_refusal(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".err");
    g_autofree char *difference = play_refusal(golden->schema, input, expected, false);

    judge(golden->name, difference);
}

/* storage/refused.txt: lines of code, a part of the message and the document, between bars. */
static void test_refused_lines(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "storage", "refused.txt", NULL);
    g_autofree char *text = NULL;
    unsigned count = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "|", 3);

        if (g_strv_length(fields) < 3 || **line == '#')
            continue;
        g_autofree char *expected = g_strdup_printf("%s %s", fields[0], fields[1]);
        const struct xml_schema *schema =
            g_str_has_prefix(fields[2], "<volume") ? &storage_volume_schema : &storage_pool_schema;
        g_autofree char *difference = play_refusal(schema, fields[2], expected, true);
        count++;
        judge(fields[2], difference);
    }
    g_assert_cmpuint(count, >, 25);
}

static void test_names(void)
{
    static const char *const good[] = {"a", ".hidden", "a b", "..a", "\303\244.qcow2", "a:b,c=d"};
    static const char *const bad[] = {"",  ".",    "..",   "a/b",
                                      "/", "a\nb", "\x7f", STORAGE_VOLUME_PART "1"};
    g_autofree char *longest = g_strnfill(255, 'x'), *longer = g_strnfill(256, 'x');

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_cmpint(storage_volume_check_name(good[i], NULL), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(storage_volume_check_name(bad[i], &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_OPERATION_INVALID));
    }
    g_assert_cmpint(storage_volume_check_name(longest, NULL), ==, 0);
    g_assert_cmpint(storage_volume_check_name(longer, NULL), ==, -1);
}

/* The words of a volume's format begin with those of an image's, number by number. */
static void test_formats(void)
{
    for (unsigned i = 1; i <= IMAGE_FORMAT_VHDX; i++)
        if (i != IMAGE_FORMAT_AIO)
            g_assert_cmpstr(names_word(&storage_format_names, i), ==,
                            names_word(&image_format_names, i));
    g_assert_cmpstr(names_word(&storage_format_names, STORAGE_FORMAT_LVM2), ==, "lvm2");
    g_assert_cmpuint(storage_format_names.count, ==, STORAGE_FORMAT_LVM2 + 1);
}

static void test_tables(void)
{
    static const struct xml_schema *const schemas[] = {&storage_pool_schema, &storage_volume_schema,
                                                       &storage_sources_schema};

    for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++) {
        g_autoptr(GPtrArray) mistakes = xml_schema_lint(schemas[i]);

        for (unsigned j = 0; j < mistakes->len; j++)
            g_test_message("%s", (char *)mistakes->pdata[j]);
        g_assert_cmpuint(mistakes->len, ==, 0);
    }
}

static void add_cases(const struct xml_schema *schema, const char *kind, const char *folder,
                      const char *suffix, void (*test)(gconstpointer data))
{
    g_autoptr(GPtrArray) names = folder ? cases_list(folder, suffix) : NULL;

    for (unsigned i = 0; names && i < names->len; i++) {
        struct golden *golden = g_new(struct golden, 1);
        g_autofree char *path =
            g_strdup_printf("/%s/%s", kind ?: schema->name, (char *)names->pdata[i]);

        *golden = (struct golden){schema, folder, names->pdata[i], kind};
        g_test_add_data_func_full(path, golden, test, g_free);
    }
}

static void test_absent(void)
{
    g_test_skip("no shared cases: set MODVIRT_SHARED");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *list = g_test_build_filename(G_TEST_DIST, "not-valid.txt", NULL);
    not_valid = cases_read_reasons(list);
    const char *pools = cases_own_folder("storage/pool");
    const char *volumes = cases_own_folder("storage/volume");
    const char *shared = cases_folder("storagepool");

    g_test_add_func("/tables", test_tables);
    g_test_add_func("/names", test_names);
    g_test_add_func("/formats", test_formats);
    g_test_add_func("/refused", test_refused_lines);
    add_cases(&storage_pool_schema, NULL, pools, ".out.xml", test_output);
    add_cases(&storage_volume_schema, NULL, volumes, ".out.xml", test_output);
    add_cases(&storage_pool_schema, "storagepool", shared, ".out.xml", test_output);
    add_cases(&storage_volume_schema, "storagevol", cases_folder("storagevol"), ".out.xml",
              test_output);
    add_cases(&storage_pool_schema, "storagepool-reject", cases_folder("storagepool-reject"),
              ".err", test_refusal);
    if (!shared)
        g_test_add_func("/shared", test_absent);
    return g_test_run();
}

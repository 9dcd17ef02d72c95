/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/relaxng.h>
#include <string.h>

#include "cases.h"
#include "pipeline.h"
#include "xml/export.h"
#include "xml/xml.h"

/*
 * Domain documents: the project's own (domain/NAME.xml, NAME.out.xml beside this file), and the
 * incumbent's view of those of others. A case that is listed in not-yet.txt must fail. What is
 * printed validates, but for the cases in not-valid.txt.
 */
static GHashTable *not_yet, *not_valid;
static xmlRelaxNG *grammar;

struct golden {
    const char *kind; /* of shared cases; NULL: the project's own */
    const char *folder;
    const char *suffix;
    const char *name;
};

/* ---- what holds for every document ---- */

static char *check_text_is_stable(const struct domain *domain, const char *text)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *again =
        xml_read(&domain_schema, text, -1, XML_READ_INACTIVE, NULL, &error);

    if (!again)
        return g_strdup_printf("own text is not read: %s", error->message);
    g_autofree char *text_again = pipeline_print((const struct domain *)again);
    char *difference = cases_compare(text, text_again);
    if (!difference && !xml_equal(&domain_schema, domain, again))
        difference = g_strdup("read again, it is not equal");
    return difference;
}

static char *check_copy(const struct domain *domain)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *copy = definition_copy(&domain->definition);

    if (!xml_equal(&domain_schema, domain, copy))
        return g_strdup("a copy is not equal");
    if (xml_compare_abi(&domain_schema, domain, copy, &error) < 0)
        return g_strdup_printf("a copy has another ABI: %s", error->message);
    return NULL;
}

/* Packed twice: the second one has parts that are shared. */
static char *check_packed(const struct domain *domain, const char *text)
{
    DEFINITION_AUTO struct definition *first = definition_pack(&domain->definition);
    DEFINITION_AUTO struct definition *second = definition_pack(&domain->definition);
    g_autofree char *one = pipeline_print((const struct domain *)first);
    g_autofree char *two = pipeline_print((const struct domain *)second);
    char *difference = cases_compare(text, one);

    return difference ?: cases_compare(text, two);
}

static char *check_loaded(const char *text)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *again = pipeline_load(text, &error);

    if (!again)
        return g_strdup_printf("loaded, it is refused: %s", error->message);
    g_autofree char *text_again = pipeline_print(again);
    g_autofree char *difference = cases_compare(text, text_again);
    return difference ? g_strconcat("loaded: ", difference, NULL) : NULL;
}

static bool grammar_takes(const char *text)
{
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    xmlRelaxNGValidCtxt *context = xmlRelaxNGNewValidCtxt(grammar);
    int result = xmlRelaxNGValidateDoc(context, document);

    xmlRelaxNGFreeValidCtxt(context);
    xmlFreeDoc(document);
    return result == 0;
}

/* Both who read to validate and who have the grammar judge alike. */
static char *check_validation(const char *name, const char *text)
{
    bool valid = !g_hash_table_contains(not_valid, name);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *read =
        xml_read(&domain_schema, text, -1, XML_READ_INACTIVE | XML_READ_VALIDATE, NULL, &error);

    if (valid && !read)
        return g_strdup_printf("does not validate: %s", error->message);
    if (valid && !grammar_takes(text))
        return g_strdup("not valid by the exported grammar");
    if (!valid && (read || grammar_takes(text)))
        return g_strdup("validates: remove it from not-valid.txt");
    return NULL;
}

static char *check_domain(const struct domain *domain, const char *text)
{
    char *difference = check_text_is_stable(domain, text);

    if (!difference)
        difference = check_copy(domain);
    if (!difference)
        difference = check_packed(domain, text);
    if (!difference)
        difference = check_loaded(text);
    return difference;
}

/* ---- one case ---- */

static char *compare_output(const struct golden *golden, const char *expected, const char *text)
{
    char *difference = cases_compare(expected, text);

    if (!difference || !golden->kind)
        return difference;
    g_autofree char *kept = g_test_build_filename(G_TEST_DIST, "kept-different.txt", NULL);
    g_autoptr(GPtrArray) unechoed = cases_unechoed(golden->kind, golden->name);
    cases_add_kept(kept, golden->kind, golden->name, unechoed);
    if (!unechoed->len)
        return difference;
    g_free(difference);
    return cases_compare_without(expected, text, unechoed);
}

/* expected: NULL accepts any output. */
static char *play(const struct golden *golden, const char *input, const char *expected)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain = pipeline_define(input, &error);

    if (!domain)
        return g_strdup_printf("refused: %s", error->message);
    g_autofree char *text = pipeline_print(domain);
    char *difference = expected ? compare_output(golden, expected, text) : NULL;
    if (!difference)
        difference = check_domain(domain, text);
    return difference ?: check_validation(golden->name, text);
}

static void judge(const struct golden *golden, const char *difference)
{
    const char *reason = g_hash_table_lookup(not_yet, golden->name);

    if (reason && !difference)
        g_test_message("%s passes: remove it from not-yet.txt", golden->name), g_test_fail();
    else if (reason)
        g_test_incomplete(reason);
    else if (difference)
        g_test_message("%s: %s", golden->name, difference), g_test_fail();
}

static void test_output(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".out.xml");
    g_autofree char *difference = play(golden, input, expected);

    judge(golden, difference);
}

/* What another made of something that is no document: it comes out as it went in. */
static void test_same(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *text = cases_read(golden->folder, golden->name, golden->suffix);
    g_autofree char *difference = play(golden, text, text);

    judge(golden, difference);
}

static void test_accepted(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *text = cases_read(golden->folder, golden->name, golden->suffix);
    g_autofree char *difference = play(golden, text, NULL);

    judge(golden, difference);
}

/* ---- refusals: "code domain text" on three lines, or in one ---- */

/* What the incumbent names in its words - a disk, a value, an attribute - is named in ours too. */
static char *find_unnamed(const char *expected, const char *message)
{
    g_autoptr(GRegex) quoted = g_regex_new("'([^']+)'", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    for (g_regex_match(quoted, expected, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *name = g_match_info_fetch(match, 1);

        if (!strstr(message, name))
            return g_steal_pointer(&name);
    }
    return NULL;
}

static char *play_refusal(const struct golden *golden)
{
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".err");
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain = pipeline_define(input, &error);
    char *words;
    int code = (int)g_ascii_strtoll(expected, &words, 10);
    int from = (int)g_ascii_strtoll(words, &words, 10);

    if (domain)
        return g_strdup_printf("accepted, though the incumbent says: %s", expected);
    if ((int)error_code_of(error) != code)
        return g_strdup_printf("code %d instead of %d: %s", error_code_of(error), code,
                               error->message);
    /* tables speak for what is code elsewhere */
    int speaker = (int)error_from_of(error, VIR_FROM_QEMU);
    if (speaker != from && speaker != VIR_FROM_XML)
        return g_strdup_printf("from %d instead of %d: %s", speaker, from, error->message);
    g_autofree char *unnamed = find_unnamed(words, error->message);
    return unnamed ? g_strdup_printf("'%s' is not named: %s", unnamed, error->message) : NULL;
}

static void test_refusal(gconstpointer data)
{
    g_autofree char *difference = play_refusal(data);

    judge(data, difference);
}

/* ---- all of them ---- */

static void add_cases(const char *kind, const char *folder, const char *suffix,
                      void (*test)(gconstpointer data))
{
    g_autoptr(GPtrArray) names = folder ? cases_list(folder, suffix) : NULL;

    for (unsigned i = 0; names && i < names->len; i++) {
        struct golden *golden = g_new(struct golden, 1);
        g_autofree char *path =
            g_strdup_printf("/%s/%s", kind ?: "own", (const char *)names->pdata[i]);

        *golden = (struct golden){kind, folder, suffix, names->pdata[i]};
        g_test_add_data_func_full(path, golden, test, g_free);
    }
}

static void test_absent(void)
{
    g_test_skip("no shared cases: set MODVIRT_SHARED");
}

/* A name that is no case any more hides a mistake. */
static void test_not_yet_names(void)
{
    const char *output = cases_folder("domain-qemu");
    const char *refusals = cases_folder("domain-reject");
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, not_yet);
    while (output && g_hash_table_iter_next(&iter, &name, NULL)) {
        g_autofree char *one = g_strdup_printf("%s/%s.xml", output, (char *)name);
        g_autofree char *two = g_strdup_printf("%s/%s.xml", refusals, (char *)name);

        g_assert_true(g_file_test(one, G_FILE_TEST_EXISTS) || g_file_test(two, G_FILE_TEST_EXISTS));
    }
}

static void test_tables(void)
{
    g_autoptr(GPtrArray) mistakes = xml_schema_lint(&domain_schema);
    unsigned rows, hooks;

    for (unsigned i = 0; i < mistakes->len; i++)
        g_test_message("%s", (char *)mistakes->pdata[i]);
    g_assert_cmpuint(mistakes->len, ==, 0);
    xml_schema_count(&domain_schema, &rows, &hooks);
    g_test_message("%u rows, %u hooks", rows, hooks);
    g_assert_cmpuint(hooks * 10, <=, rows);
}

static xmlRelaxNG *make_grammar(void)
{
    g_autofree char *text = xml_export_rng(&domain_schema);
    xmlRelaxNGParserCtxt *context = xmlRelaxNGNewMemParserCtxt(text, (int)strlen(text));
    xmlRelaxNG *parsed = xmlRelaxNGParse(context);

    xmlRelaxNGFreeParserCtxt(context);
    if (!parsed)
        g_error("the exported grammar is wrong");
    return parsed;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *reasons = g_test_build_filename(G_TEST_DIST, "not-yet.txt", NULL);
    const char *own = cases_own_folder("domain");
    const char *output = cases_folder("domain-qemu"), *refusals = cases_folder("domain-reject");

    not_yet = cases_read_reasons(reasons);
    g_autofree char *invalid = g_test_build_filename(G_TEST_DIST, "not-valid.txt", NULL);
    not_valid = cases_read_reasons(invalid);
    grammar = make_grammar();
    g_test_add_func("/tables", test_tables);
    g_test_add_func("/not-yet", test_not_yet_names);
    add_cases(NULL, own, ".out.xml", test_output);
    add_cases("domain-qemu", output, ".out.xml", test_output);
    add_cases("domain-lxc", cases_folder("domain-lxc"), ".out.xml", test_output);
    add_cases("domain-testdrv", cases_folder("domain-testdrv"), ".out.xml", test_output);
    add_cases("lxc-native", cases_folder("lxc-native"), ".out.xml", test_same);
    add_cases("xlconfig", cases_folder("xlconfig"), ".xml", test_same);
    add_cases("qemu-latest", cases_folder("qemu-latest"), ".xml", test_accepted);
    add_cases("domain-reject", refusals, ".err", test_refusal);
    if (!output)
        g_test_add_func("/shared", test_absent);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/relaxng.h>
#include <string.h>

#include "cases.h"
#include "pipeline.h"

/*
 * What we print beside the schemas of Debian's packages, which other programs check documents by. A
 * document with something that they are too old for is listed, with what it is, in
 * newer-than-distribution.txt, and must fail; so must what no schema takes, in not-valid.txt.
 */
#define SCHEMA "/usr/share/libvirt/schemas/domain.rng"

static xmlRelaxNG *grammar;
static GHashTable *newer, *not_valid;

struct document {
    const char *folder;
    const char *suffix;
    const char *name;
};

static void add_problem(void *text, const xmlError *problem)
{
    g_autofree char *line = g_strdup_printf("line %d: %s", problem->line, problem->message);

    g_string_append(text, line);
}

/* NULL: valid; the caller frees. */
static char *find_problems(const char *text)
{
    g_autoptr(GString) problems = g_string_new(NULL);
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    xmlRelaxNGValidCtxt *context = xmlRelaxNGNewValidCtxt(grammar);

    xmlRelaxNGSetValidStructuredErrors(context, (xmlStructuredErrorFunc)(void *)add_problem,
                                       problems);
    int result = xmlRelaxNGValidateDoc(context, document);
    xmlRelaxNGFreeValidCtxt(context);
    xmlFreeDoc(document);
    return result == 0 ? NULL : g_strdup(problems->str);
}

static void test_document(gconstpointer data)
{
    const struct document *document = data;
    bool listed = g_hash_table_contains(newer, document->name) ||
                  g_hash_table_contains(not_valid, document->name);
    g_autofree char *input = cases_read(document->folder, document->name, document->suffix);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain = pipeline_define(input, &error);

    if (!domain) {
        g_test_skip(error->message);
        return;
    }
    g_autofree char *text = pipeline_print(domain);
    g_autofree char *problems = find_problems(text);
    if (listed && !problems)
        g_test_message("is valid: remove it from its list"), g_test_fail();
    else if (!listed && problems)
        g_test_message("%s", problems), g_test_fail();
}

static void add_documents(const char *kind, const char *folder, const char *suffix)
{
    g_autoptr(GPtrArray) names = folder ? cases_list(folder, suffix) : NULL;

    for (unsigned i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *path = g_strdup_printf("/%s/%s", kind, name);

        if (g_str_has_suffix(name, ".out"))
            continue;
        struct document *document = g_new(struct document, 1);
        *document = (struct document){folder, suffix, name};
        g_test_add_data_func_full(path, document, test_document, g_free);
    }
}

static void test_absent(void)
{
    g_test_skip("no " SCHEMA ": it comes with the package libvirt0");
}

static xmlRelaxNG *load_grammar(void)
{
    xmlRelaxNGParserCtxt *context = xmlRelaxNGNewParserCtxt(SCHEMA);
    xmlRelaxNG *parsed = context ? xmlRelaxNGParse(context) : NULL;

    xmlRelaxNGFreeParserCtxt(context);
    return parsed;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"domain-qemu", "domain-testdrv", "domain-lxc", "xlconfig",
                                        "qemu-latest"};

    g_test_init(&argc, &argv, NULL);
    g_autofree char *list = g_test_build_filename(G_TEST_DIST, "newer-than-distribution.txt", NULL);
    if (!g_file_test(SCHEMA, G_FILE_TEST_EXISTS)) {
        g_test_add_func("/distribution", test_absent);
        return g_test_run();
    }
    newer = cases_read_reasons(list);
    g_autofree char *second = g_test_build_filename(G_TEST_DIST, "not-valid.txt", NULL);
    not_valid = cases_read_reasons(second);
    grammar = load_grammar();
    add_documents("own", cases_own_folder("domain"), ".xml");
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        add_documents(kinds[i], cases_folder(kinds[i]), ".xml");
    return g_test_run();
}

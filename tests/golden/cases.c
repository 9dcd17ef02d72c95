/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cases.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <string.h>

static char *shared_path(const char *first, const char *second)
{
    const char *shared = g_getenv("MODVIRT_SHARED");

    return shared ? g_build_filename(shared, "cases", first, second, NULL) : NULL;
}

const char *cases_folder(const char *kind)
{
    g_autofree char *folder = shared_path(kind, NULL);

    return folder && g_file_test(folder, G_FILE_TEST_IS_DIR) ? g_intern_string(folder) : NULL;
}

const char *cases_own_folder(const char *name)
{
    g_autofree char *folder = g_test_build_filename(G_TEST_DIST, name, NULL);

    return g_intern_string(folder);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *cases_list(const char *folder, const char *suffix)
{
    GPtrArray *names = g_ptr_array_new();
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;

    while (dir && (file = g_dir_read_name(dir))) {
        if (!g_str_has_suffix(file, suffix))
            continue;
        g_autofree char *name = g_strndup(file, strlen(file) - strlen(suffix));
        g_ptr_array_add(names, (void *)g_intern_string(name));
    }
    g_ptr_array_sort(names, compare_names);
    return names;
}

char *cases_read(const char *folder, const char *name, const char *suffix)
{
    g_autofree char *file = g_strconcat(name, suffix, NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autoptr(GError) error = NULL;
    char *text;

    if (!g_file_get_contents(path, &text, NULL, &error))
        g_error("%s", error->message);
    return text;
}

/* Calls use(line's fields, data) for every line of a file of fields between tabs. */
static void each_line(const char *path, void (*use)(char **fields, void *data), void *data)
{
    g_autofree char *text = NULL;

    if (!path || !g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "\t", -1);

        if (**line && **line != '#')
            use(fields, data);
    }
}

static void add_reason(char **fields, void *data)
{
    g_hash_table_insert(data, g_strdup(fields[0]), g_strdup(fields[1] ?: ""));
}

GHashTable *cases_read_reasons(const char *path)
{
    GHashTable *reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    each_line(path, add_reason, reasons);
    return reasons;
}

struct unechoed {
    const char *kind, *name;
    GPtrArray *paths;
};

static void add_unechoed(char **fields, void *data)
{
    static const char mark[] = "does not echo: ";
    const struct unechoed *unechoed = data;
    const char *note;

    if (g_strv_length(fields) < 7 || strcmp(fields[0], unechoed->kind) != 0 ||
        strcmp(fields[1], unechoed->name) != 0)
        return;
    note = strstr(fields[6], mark);
    if (!note)
        return;
    g_autofree char *list = g_strdup(note + strlen(mark));
    list[strcspn(list, ";")] = 0;
    g_auto(GStrv) words = g_strsplit(list, " ", -1);
    for (char **word = words; *word; word++)
        if (**word)
            g_ptr_array_add(unechoed->paths, g_strdup(*word));
}

GPtrArray *cases_unechoed(const char *kind, const char *name)
{
    struct unechoed unechoed = {
        .kind = kind, .name = name, .paths = g_ptr_array_new_with_free_func(g_free)};
    g_autofree char *index = shared_path("INDEX.tsv", NULL);

    each_line(index, add_unechoed, &unechoed);
    return unechoed.paths;
}

static void add_kept(char **fields, void *data)
{
    const struct unechoed *unechoed = data;
    g_autofree char *one = g_strdup_printf("%s/%s", unechoed->kind, unechoed->name);

    if (g_strv_length(fields) >= 2 &&
        (strcmp(fields[0], unechoed->kind) == 0 || strcmp(fields[0], one) == 0))
        g_ptr_array_add(unechoed->paths, g_strdup(fields[1]));
}

void cases_add_kept(const char *path, const char *kind, const char *name, GPtrArray *paths)
{
    struct unechoed unechoed = {.kind = kind, .name = name, .paths = paths};

    each_line(path, add_kept, &unechoed);
}

/* ---- texts ---- */

static bool line_matches(const char *expected, const char *actual)
{
    static GRegex *words;

    if (strcmp(expected, actual) == 0)
        return true;
    if (!strchr(expected, '@'))
        return false;
    if (!words)
        words = g_regex_new("@[A-Z_]+@", 0, 0, NULL);
    g_auto(GStrv) parts = g_regex_split(words, expected, 0);
    for (char **part = parts; *part; part++) {
        if (strncmp(actual, *part, strlen(*part)) != 0)
            return false;
        actual += strlen(*part);
        if (part[1])
            actual += strcspn(actual, "<'\"");
    }
    return !*actual;
}

char *cases_compare(const char *expected, const char *actual)
{
    g_auto(GStrv) wanted = g_strsplit(expected, "\n", -1);
    g_auto(GStrv) got = g_strsplit(actual, "\n", -1);
    unsigned i = 0;

    while (wanted[i] && got[i] && line_matches(wanted[i], got[i]))
        i++;
    if (!wanted[i] && !got[i])
        return NULL;
    return g_strdup_printf("line %u: expected '%s', got '%s'", i + 1, wanted[i] ?: "(end)",
                           got[i] ?: "(end)");
}

/* ---- documents ---- */

static xmlDoc *parse(const char *text)
{
    xmlDoc *document =
        xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOBLANKS);

    if (!document)
        g_error("not XML: %s", text);
    return document;
}

/* "{uri}name" is no XPath: elements of any namespace with that name are meant. */
static char *any_namespace(const char *path)
{
    g_autoptr(GRegex) names = g_regex_new("\\{[^}]*\\}([^/]+)", 0, 0, NULL);

    return g_regex_replace(names, path, -1, 0, "*[local-name()='\\1']", 0, NULL);
}

static void drop_path(xmlDoc *document, const char *path)
{
    g_autofree char *plain = any_namespace(path);
    xmlXPathContext *context = xmlXPathNewContext(document);
    xmlXPathObject *found = xmlXPathEval((const xmlChar *)plain, context);

    for (int i = found && found->nodesetval ? found->nodesetval->nodeNr : 0; i; i--) {
        xmlNode *node = found->nodesetval->nodeTab[i - 1];

        xmlUnlinkNode(node);
        if (node->type == XML_ATTRIBUTE_NODE)
            xmlFreeProp((xmlAttr *)node);
        else
            xmlFreeNode(node);
        found->nodesetval->nodeTab[i - 1] = NULL;
    }
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(context);
}

/* Longer paths first: what is inside goes before what it is in. */
static gint compare_lengths(gconstpointer a, gconstpointer b)
{
    return (gint)strlen(*(const char *const *)b) - (gint)strlen(*(const char *const *)a);
}

static char *print_without(const char *text, const GPtrArray *paths)
{
    xmlDoc *document = parse(text);
    xmlChar *buffer;
    int length;

    for (unsigned i = 0; i < paths->len; i++)
        drop_path(document, paths->pdata[i]);
    xmlDocDumpFormatMemory(document, &buffer, &length, 1);
    char *printed = g_strndup((const char *)buffer, (gsize)length);
    xmlFree(buffer);
    xmlFreeDoc(document);
    return printed;
}

char *cases_compare_without(const char *expected, const char *actual, const GPtrArray *paths)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();

    for (unsigned i = 0; i < paths->len; i++)
        g_ptr_array_add(sorted, paths->pdata[i]);
    g_ptr_array_sort(sorted, compare_lengths);
    g_autofree char *one = print_without(expected, sorted);
    g_autofree char *two = print_without(actual, sorted);
    return cases_compare(one, two);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "model/domain.h"
#include "model/metadata.h"
#include "xml/xml.h"

#define URI "urn:one"

static struct domain *new_domain(void)
{
    g_autoptr(GError) error = NULL;
    struct definition *domain = xml_read(&domain_schema,
                                         "<domain type='qemu'><name>m</name><memory>1</memory>"
                                         "<os><type>hvm</type></os></domain>",
                                         -1, 0, NULL, &error);

    g_assert_no_error(error);
    return (struct domain *)domain;
}

static char *get(struct domain *domain, const char *uri)
{
    return metadata_get(METADATA_OF(domain), VIR_DOMAIN_METADATA_ELEMENT, uri);
}

static int try_set(struct domain *domain, const char *uri, const char *key, const char *text,
                   GError **error)
{
    return metadata_set(METADATA_OF(domain), VIR_DOMAIN_METADATA_ELEMENT, uri, key, text, error);
}

static void set(struct domain *domain, const char *uri, const char *key, const char *text)
{
    g_autoptr(GError) error = NULL;

    try_set(domain, uri, key, text, &error);
    g_assert_no_error(error);
}

/* What is written can be read, and says the same. */
static struct domain *reread(struct domain *domain)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = xml_write(&domain->definition, XML_WRITE_SECURE);
    struct definition *again = xml_read(&domain_schema, text, -1, 0, NULL, &error);

    g_assert_no_error(error);
    g_assert_true(xml_equal(&domain_schema, domain, again));
    return (struct domain *)again;
}

static void test_set_and_get(void)
{
    DEFINITION_AUTO struct domain *domain = new_domain();

    g_assert_null(get(domain, URI));
    set(domain, URI, "one", "<app a='1'><part>x &lt; y</part></app>");
    set(domain, "urn:two", "two", "<other/>");
    DEFINITION_AUTO struct domain *again = reread(domain);
    g_autofree char *text = get(again, URI);
    g_assert_cmpstr(text, ==, "<app a=\"1\">\n  <part>x &lt; y</part>\n</app>");
    g_autofree char *document = xml_write(&again->definition, 0);
    g_assert_nonnull(strstr(document, "<one:app xmlns:one=\"urn:one\" a=\"1\">"));
    g_assert_nonnull(strstr(document, "<one:part>"));
}

static void test_replace_and_remove(void)
{
    DEFINITION_AUTO struct domain *domain = new_domain();

    set(domain, URI, "one", "<first/>");
    set(domain, URI, "uno", "<second/>");
    g_autofree char *text = get(domain, URI);
    g_assert_cmpstr(text, ==, "<second/>");
    set(domain, "urn:two", "two", "<other/>");
    set(domain, URI, NULL, NULL);
    g_assert_null(get(domain, URI));
    set(domain, "urn:two", NULL, NULL);
    g_assert_null(domain->metadata);
    set(domain, "urn:two", NULL, NULL); /* what is not there is gone already */
}

/* An element may bring its namespaces along: its own, and others that its children use. */
static void test_namespaces(void)
{
    DEFINITION_AUTO struct domain *domain = new_domain();

    set(domain, URI, "one",
        "<one:app xmlns:one='urn:one' xmlns:b='urn:b' one:k='1' b:k='2'><b:part/></one:app>");
    DEFINITION_AUTO struct domain *again = reread(domain);
    g_autofree char *text = get(again, URI);
    g_assert_cmpstr(text, ==, "<app xmlns:b=\"urn:b\" k=\"1\" b:k=\"2\">\n  <b:part/>\n</app>");
}

static void test_line_ends(void)
{
    DEFINITION_AUTO struct domain *domain = new_domain();

    set(domain, URI, "one", "<note>line 1\nline 2</note>");
    DEFINITION_AUTO struct domain *again = reread(domain);
    g_autofree char *text = get(again, URI);
    g_assert_cmpstr(text, ==, "<note>line 1\nline 2</note>");
}

static void refuse(const char *uri, const char *key, const char *text)
{
    DEFINITION_AUTO struct domain *domain = new_domain();
    g_autoptr(GError) error = NULL;

    set(domain, "urn:two", "two", "<other/>");
    g_assert_cmpint(try_set(domain, uri, key, text, &error), ==, -1);
    g_assert_nonnull(error);
    g_autofree char *kept = get(domain, "urn:two");
    g_assert_cmpstr(kept, ==, "<other/>");
    g_assert_null(get(domain, uri));
}

static void test_refused(void)
{
    refuse(URI, "one", "text");
    refuse(URI, "one", "<a>");
    refuse(URI, "one", "<a/><b/>");
    refuse(URI, "one", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>");
    refuse(URI, "", "<a/>");
    refuse(URI, "1one", "<a/>");
    refuse(URI, "a b", "<a/>");
    refuse(URI, "a='1'><evil/", "<a/>");
    refuse(URI, "a:b", "<a/>");
    refuse(URI, "one", "<a xmlns:one='urn:other'/>");
}

static void test_texts(void)
{
    DEFINITION_AUTO struct domain *domain = new_domain();
    const struct metadata *metadata = METADATA_OF(domain);

    for (int type = 0; type < VIR_DOMAIN_METADATA_ELEMENT; type++) {
        g_assert_null(metadata_get(metadata, type, NULL));
        g_assert_cmpint(metadata_set(metadata, type, NULL, NULL, "a", NULL), ==, 0);
        g_autofree char *text = metadata_get(metadata, type, NULL);
        g_assert_cmpstr(text, ==, "a");
    }
    g_assert_cmpint(metadata_set(metadata, VIR_DOMAIN_METADATA_TITLE, NULL, NULL, "", NULL), ==, 0);
    g_assert_null(domain->title);
    g_assert_cmpstr(domain->description, ==, "a");
}

static void test_check(void)
{
    static const struct {
        int type;
        const char *uri, *key, *text;
        int result;
    } cases[] = {
        {VIR_DOMAIN_METADATA_TITLE, NULL, NULL, "a", 0},
        {VIR_DOMAIN_METADATA_TITLE, NULL, NULL, "a\nb", -1},
        {VIR_DOMAIN_METADATA_DESCRIPTION, NULL, NULL, "a\nb", 0},
        {VIR_DOMAIN_METADATA_ELEMENT, URI, NULL, NULL, 0},
        {VIR_DOMAIN_METADATA_ELEMENT, URI, "k", "<a/>", 0},
        {VIR_DOMAIN_METADATA_ELEMENT, URI, NULL, "<a/>", -1},
        {VIR_DOMAIN_METADATA_ELEMENT, NULL, "k", "<a/>", -1},
        {-1, NULL, NULL, NULL, -1},
        {VIR_DOMAIN_METADATA_LAST, NULL, NULL, NULL, -1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(
            metadata_check(cases[i].type, cases[i].uri, cases[i].key, cases[i].text, NULL), ==,
            cases[i].result);
}

/* Whatever a client sends as URI or text, the document stays one that can be read. */
static void test_hostile(void)
{
    static const char *const uris[] = {
        "", "\001", "\xff\xfe", "a'b\"c<d>&e", "\n", " ", "http://www.w3.org/XML/1998/namespace"};

    for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
        DEFINITION_AUTO struct domain *domain = new_domain();
        g_autoptr(GError) error = NULL;

        if (try_set(domain, uris[i], "k", "<a>\xc3\xa9</a>", &error) < 0)
            g_assert_nonnull(error);
        g_autofree char *text = xml_write(&domain->definition, 0);
        DEFINITION_AUTO struct definition *again =
            xml_read(&domain_schema, text, -1, 0, NULL, NULL);
        g_assert_nonnull(again);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metadata/set-and-get", test_set_and_get);
    g_test_add_func("/metadata/replace-and-remove", test_replace_and_remove);
    g_test_add_func("/metadata/namespaces", test_namespaces);
    g_test_add_func("/metadata/texts", test_texts);
    g_test_add_func("/metadata/check", test_check);
    g_test_add_func("/metadata/line-ends", test_line_ends);
    g_test_add_func("/metadata/refused", test_refused);
    g_test_add_func("/metadata/hostile", test_hostile);
    return g_test_run();
}

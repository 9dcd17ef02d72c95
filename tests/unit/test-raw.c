/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/raw.h"

#include <string.h>

#include "base/error.h"

static char *written(const char *raw, unsigned indent)
{
    GString *out = g_string_new(NULL);

    raw_write(raw, indent, out);
    return g_string_free(out, FALSE);
}

static void assert_canonical(const char *text, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *raw = raw_parse(text, &error);

    g_assert_no_error(error);
    g_autofree char *out = written(raw, 0);
    g_assert_cmpstr(out, ==, expected);
}

static void test_format(void)
{
    assert_canonical("<a><b/><c><d/></c></a>", "<a>\n  <b/>\n  <c>\n    <d/>\n  </c>\n</a>\n");
    assert_canonical("<a>text<b><c/></b></a>", "<a>text<b><c/></b></a>\n");
    assert_canonical("<a x='&quot;&apos;&lt;'>&quot;&gt;</a>", "<a x=\"&quot;'&lt;\">\"&gt;</a>\n");
    assert_canonical("<a><!--c--><?p i?><b><![CDATA[<x>]]></b></a>",
                     "<a>\n  <!--c-->\n  <?p i?>\n  <b><![CDATA[<x>]]></b>\n</a>\n");
    assert_canonical("<a>&#10;<b/> <c> </c></a>", "<a>&#10;<b/> <c> </c></a>\n");
    assert_canonical("<a>x<b/> <c/></a>", "<a>x<b/> <c/></a>\n");
    assert_canonical("<p:a xmlns:p='urn:&amp;&lt;'/>", "<p:a xmlns:p=\"urn:&amp;&lt;\"/>\n");
    assert_canonical("<p:a xmlns:p='urn:p' p:x='1'/>", "<p:a xmlns:p=\"urn:p\" p:x=\"1\"/>\n");
}

/* Indenting adds nothing to text. */
static void test_indent(void)
{
    g_autofree char *raw = raw_parse("<a><b>1\n2</b></a>", NULL);
    g_autofree char *out = written(raw, 4);

    g_assert_cmpstr(out, ==, "    <a>\n      <b>1\n2</b>\n    </a>\n");
    g_autofree char *again = raw_parse(out, NULL);
    g_assert_cmpstr(again, ==, raw);
}

static void test_find(void)
{
    g_autofree char *raw = raw_parse("<m xmlns:p='urn:p'><q/><p:a p:k='1'><b xmlns='urn:b'/>"
                                     "<p:c>x</p:c></p:a></m>",
                                     NULL);
    g_autofree char *part = raw_find_child(raw, "urn:p");

    g_assert_cmpstr(part, ==, "<a k=\"1\">\n  <b xmlns=\"urn:b\"/>\n  <c>x</c>\n</a>");
    g_assert_null(raw_find_child(raw, "urn:q"));
    g_assert_null(raw_find_child(NULL, "urn:p"));
}

static void test_replace(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *one = NULL, *two = NULL, *three = NULL, *none = NULL;

    g_assert_cmpint(raw_with_child(NULL, "metadata", "p", "urn:p", "<a><b/></a>", &one, &error), ==,
                    0);
    g_assert_cmpstr(one, ==,
                    "<metadata>\n  <p:a xmlns:p=\"urn:p\">\n    <p:b/>\n  </p:a>\n</metadata>");
    g_assert_cmpint(raw_with_child(one, "metadata", "q", "urn:q", "<c/>", &two, &error), ==, 0);
    g_autofree char *found = raw_find_child(two, "urn:p");
    g_assert_cmpstr(found, ==, "<a>\n  <b/>\n</a>");
    g_assert_cmpint(raw_with_child(two, "metadata", "p", "urn:p", NULL, &three, &error), ==, 0);
    g_assert_cmpstr(three, ==, "<metadata>\n  <q:c xmlns:q=\"urn:q\"/>\n</metadata>");
    g_assert_cmpint(raw_with_child(three, "metadata", "q", "urn:q", NULL, &none, &error), ==, 0);
    g_assert_null(none);
}

static void test_refused(void)
{
    g_autoptr(GError) error = NULL;
    char *result = NULL;

    g_assert_cmpint(raw_with_child(NULL, "metadata", "p", "urn:p", "<a>", &result, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_XML_DETAIL));
    g_assert_null(result);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/raw/format", test_format);
    g_test_add_func("/raw/indent", test_indent);
    g_test_add_func("/raw/find", test_find);
    g_test_add_func("/raw/replace", test_replace);
    g_test_add_func("/raw/refused", test_refused);
    return g_test_run();
}

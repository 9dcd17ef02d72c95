/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

/* An error with XML_READ_VALIDATE alone. */
static const struct {
    const char *from, *to, *message;
} forms[] = {
    {"name='qemu'", "name='kemu'",
     "line 37: devices/disk[1]/driver/@name: 'kemu' is not one of qemu, tap (did you mean "
     "'qemu'?)"},
    {"queues='0'", "queues='9'",
     "line 37: devices/disk[1]/driver/@queues: 9 is not between 0 and 8"},
    {"discard='on'", "discard=''",
     "line 37: devices/disk[1]/driver/@discard: '' is neither on nor off"},
    {" arch='x86_64'", "", "line 24: os/type/@arch: is missing"},
    {"<type arch='x86_64'/>", "", "line 23: os/type: is missing"},
    {"unit='KiB'", "unit=''", "line 20: memory/@unit: '' is not a unit of size like KiB, MiB, GiB"},
};

static void test_forms(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GError) error = NULL, none = NULL;
        g_autoptr(GString) text = g_string_new(machine_whole);

        g_assert_cmpuint(g_string_replace(text, forms[i].from, forms[i].to, 1), ==, 1);
        g_assert_null(xml_read(&machine_schema, text->str, -1, XML_READ_VALIDATE, NULL, &error));
        g_assert_true(error_is(error, VIR_ERR_XML_INVALID_SCHEMA));
        g_assert_true(g_str_has_suffix(error->message, forms[i].message));
        DEFINITION_AUTO struct definition *read =
            xml_read(&machine_schema, text->str, -1, 0, NULL, &none);
        g_assert_no_error(none);
        g_assert_nonnull(read);
    }
}

/* What an element around would have is asked for where that is there alone. */
static void test_absent_parents(void)
{
    static const char least[] = "<machine type='xen'><name>n</name><memory>1</memory></machine>";
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *read =
        xml_read(&machine_schema, least, -1, XML_READ_VALIDATE, NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(read);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xml-validate/forms", test_forms);
    g_test_add_func("/xml-validate/absent-parents", test_absent_parents);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/export.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>

#include "machine.h"

static void ignore_error(void *data, const char *format, ...)
{
}

static xmlRelaxNG *load_grammar(void)
{
    g_autofree char *text = xml_export_rng(&machine_schema);
    xmlRelaxNGParserCtxt *parser = xmlRelaxNGNewMemParserCtxt(text, (int)strlen(text));
    xmlRelaxNG *grammar = xmlRelaxNGParse(parser);

    xmlRelaxNGFreeParserCtxt(parser);
    g_assert_nonnull(grammar);
    return grammar;
}

static bool is_valid(xmlRelaxNG *grammar, const char *text)
{
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    xmlRelaxNGValidCtxt *validator = xmlRelaxNGNewValidCtxt(grammar);

    g_assert_nonnull(document);
    xmlRelaxNGSetValidErrors(validator, ignore_error, ignore_error, NULL);
    int result = xmlRelaxNGValidateDoc(validator, document);
    xmlRelaxNGFreeValidCtxt(validator);
    xmlFreeDoc(document);
    return result == 0;
}

static void test_accepts(void)
{
    static const char *const good[] = {
        "<machine type='xen'><memory>1</memory><name>n</name></machine>",
        "<machine type='xen' xmlns:f='urn:f' f:x='1'><f:any><b c='d'/></f:any><name>n</name>"
        "<memory>1</memory><metadata a='b'><c/>text</metadata><vcpu/></machine>",
    };
    xmlRelaxNG *grammar = load_grammar();

    g_assert_true(is_valid(grammar, machine_whole));
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(is_valid(grammar, good[i]));
    xmlRelaxNGFree(grammar);
}

static void test_refuses(void)
{
    static const char *const edits[][2] = {
        {"bus='virtio'", "bus='virtoi'"},
        {"queues='0'", "qeues='0'"},
        {"<acpi/>", "<acpy/>"},
        {"<acpi/>", "<acpi>on</acpi>"},
        {"order='1'", "order='100'"},
        {" order='1'", ""},
        {">4</vcpu>", ">four</vcpu>"},
        {"c7a5fdbd-", "c7a5fdb-"},
        {"dev='vda' ", ""},
        {"640x480", "640"},
        {"slot='0x1b'", "slot='0xx'"},
        {"<ext:arg value=''/>", "<ext:arg/>"},
        {"<ext:arg value=''/>", "<ext:arc value=''/>"},
        {"<features>", "<socket>s</socket><features>"},
        {"name='qemu'", "name='kemu'"},
        {"queues='0'", "queues='9'"},
        {"discard='on'", "discard=''"},
        {" arch='x86_64'", ""},
        {"<type arch='x86_64'/>", ""},
        {"unit='KiB'", "unit=''"},
        {"unit='KiB'", "unit='K i B'"},
    };
    xmlRelaxNG *grammar = load_grammar();

    for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
        g_autoptr(GString) text = g_string_new(machine_whole);

        g_assert_cmpuint(g_string_replace(text, edits[i][0], edits[i][1], 1), ==, 1);
        if (is_valid(grammar, text->str))
            g_error("valid with %s", edits[i][1]);
    }
    xmlRelaxNGFree(grammar);
}

static void test_reference(void)
{
    static const char *const lines[] = {
        "# The machine document\n\n## machine\n\nA machine.\n",
        "| `@type` | `kvm`, `xen` | Accelerator; required; fixed for a running guest |\n",
        "| `memory` | whole number of KiB, or with a `unit` | Memory; required; fixed for a "
        "running "
        "guest |\n",
        "| `vcpu` | whole number; default 1 | Processors; fixed for a running guest |\n",
        "| `devices/disk` | [disk](#disk), any number of times | Disks; fixed for a running guest "
        "|\n",
        "| `@name` | text; validated: `qemu`, `tap` | Name |\n",
        "| `@queues` | whole number; validated: 0 to 8 | Queues |\n",
        "| `source/@file` | text | File; when `@type` is `file` |\n",
        "| `.` | [address 2](#address-2) | An address on a PCI bus; when `@type` is `pci` |\n",
        "| `@slot` | whole number, 0 to 31 | Slot; fixed for a running guest |\n",
        "| `@discard` | on or off; default off | Discard; absent when empty |\n",
    };
    g_autofree char *text = xml_export_markdown(&machine_schema);
    g_autofree char *again = xml_export_markdown(&machine_schema);

    g_assert_cmpstr(text, ==, again);
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!strstr(text, lines[i]))
            g_error("not in the reference: %s", lines[i]);
    g_assert_null(strstr(text, "`red`"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/xml-export/accepts", test_accepts);
    g_test_add_func("/xml-export/refuses", test_refuses);
    g_test_add_func("/xml-export/reference", test_reference);
    return g_test_run();
}

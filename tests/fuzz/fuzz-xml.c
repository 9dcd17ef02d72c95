/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz.h"
#include "machine.h"

/*
 * The first byte chooses a table and flags, the rest is a document. Whatever is read must survive
 * writing, reading again, copying and comparison. To fuzz another document, add its table.
 */
XML_SCHEMA_DECLARE(domain); /* its header has other structs of the machine's names */
static const struct xml_schema *const schemas[] = {&machine_schema, &machine_status_schema,
                                                   &domain_schema};

#define ALL_WRITE_FLAGS (XML_WRITE_SECURE | XML_WRITE_STATUS)

static struct definition *read_again(const struct definition *definition)
{
    g_autofree char *text = xml_write(definition, ALL_WRITE_FLAGS);
    g_autoptr(GError) error = NULL;
    struct definition *again =
        xml_read(definition->schema, text, -1, XML_READ_STATUS, NULL, &error);

    if (!again)
        FAIL("written but not read: %s\n%s", error->message, text);
    return again;
}

static void check_definition(const struct definition *definition)
{
    DEFINITION_AUTO struct definition *again = read_again(definition);
    DEFINITION_AUTO struct definition *copy = definition_copy(definition);
    DEFINITION_AUTO struct definition *packed = definition_pack(definition);
    g_autofree char *one = xml_write(definition, ALL_WRITE_FLAGS);
    g_autofree char *two = xml_write(again, ALL_WRITE_FLAGS);
    g_autofree char *three = xml_write(copy, ALL_WRITE_FLAGS);
    g_autofree char *four = xml_write(packed, ALL_WRITE_FLAGS);

    if (strcmp(one, two) != 0 || strcmp(one, three) != 0 || strcmp(one, four) != 0)
        FAIL("the text changes:\n%s\n%s\n%s\n%s", one, two, three, four);
    if (!xml_equal(definition->schema, definition, again) ||
        !xml_equal(definition->schema, definition, copy) ||
        xml_compare_abi(definition->schema, definition, copy, NULL) < 0)
        FAIL("not equal to itself:\n%s", one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct xml_schema *schema = schemas[data[0] % G_N_ELEMENTS(schemas)];
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *definition = xml_read(
        schema, (const char *)data + 1, (gssize)(size - 1), data[0] >> 4, warnings, &error);

    if (!definition == !error)
        FAIL("%s", error ? "an error and a definition" : "neither error nor definition");
    if (definition)
        check_definition(definition);
    return 0;
}

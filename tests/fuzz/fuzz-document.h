/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "fuzz.h"
#include "xml/xml.h"

/* What is accepted is accepted again as it is written, and is the same then. */
static inline void fuzz_check_again(const struct definition *definition)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = xml_write(definition, XML_WRITE_INACTIVE);
    DEFINITION_AUTO struct definition *again =
        xml_read(definition->schema, text, -1, XML_READ_INACTIVE, NULL, &error);

    if (!again)
        FAIL("accepted, then refused: %s\n%s", error->message, text);
    g_autofree char *text_again = xml_write(again, XML_WRITE_INACTIVE);
    if (strcmp(text, text_again) != 0)
        FAIL("the document changes:\n%s\n%s", text, text_again);
}

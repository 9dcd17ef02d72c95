/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/secret.h"
#include "xml/xml.h"

/* A secret's document: what is accepted has a use that can be looked up, and is the same when it is
 * read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, __VA_ARGS__);                                                              \
        abort();                                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *definition =
        xml_read(&secret_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);

    if (!definition)
        return 0;
    const struct secret *secret = (const struct secret *)definition;
    if (secret_usage_type(secret) > SECRET_USAGE_VTPM || !secret_usage_id(secret))
        FAIL("a use that nobody knows: %s\n", text);
    g_autofree char *written = xml_write(definition, XML_WRITE_INACTIVE);
    DEFINITION_AUTO struct definition *again =
        xml_read(&secret_schema, written, -1, XML_READ_INACTIVE, NULL, &error);
    if (!again)
        FAIL("accepted, then refused: %s\n%s", error->message, written);
    g_autofree char *written_again = xml_write(again, XML_WRITE_INACTIVE);
    if (strcmp(written, written_again) != 0)
        FAIL("the secret changes:\n%s\n%s", written, written_again);
    return 0;
}

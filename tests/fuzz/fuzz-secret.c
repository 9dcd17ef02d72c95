/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz-document.h"
#include "model/secret.h"

/* A secret's document: what is accepted has a use that can be looked up, and is the same when it is
 * read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    DEFINITION_AUTO struct definition *definition =
        xml_read(&secret_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);

    if (!definition)
        return 0;
    const struct secret *secret = (const struct secret *)definition;
    if (secret_usage_type(secret) > SECRET_USAGE_VTPM || !secret_usage_id(secret))
        FAIL("a use that nobody knows: %s", text);
    fuzz_check_again(definition);
    return 0;
}

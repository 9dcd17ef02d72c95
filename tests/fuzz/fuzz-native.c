/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz.h"
#include "virtqemud/native.h"
#include "xml/xml.h"

/* Any bytes are a command line that becomes a document, or are refused with a message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    DEFINITION_AUTO struct domain *domain = NULL;
    g_autoptr(GError) error = NULL;
    int result = native_read(text, &domain, &error);

    if ((result < 0) != !!error || (result < 0) != !domain)
        FAIL("result, domain and error disagree");
    if (result < 0)
        return 0;
    g_autofree char *document = xml_write(&domain->definition, XML_WRITE_INACTIVE);
    DEFINITION_AUTO struct definition *again =
        xml_read(&domain_schema, document, -1, XML_READ_INACTIVE, NULL, &error);
    if (!again)
        FAIL("the document can't be read: %s\n%s", error->message, document);
    return 0;
}

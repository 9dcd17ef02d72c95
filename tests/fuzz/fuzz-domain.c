/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz.h"
#include "golden/pipeline.h"

/*
 * A document all the way of define: defaults, controllers, checks, addresses. What is accepted must
 * be accepted again as it is printed, and be the same when a daemon loads it: a guest keeps its
 * hardware.
 */
static void check_again(const struct domain *domain)
{
    g_autofree char *text = pipeline_print(domain);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *defined = pipeline_define(text, &error);
    DEFINITION_AUTO struct domain *again = defined ? pipeline_load(text, &error) : NULL;

    if (!again)
        FAIL("accepted, then refused: %s\n%s", error->message, text);
    g_autofree char *text_again = pipeline_print(again);
    if (strcmp(text, text_again) != 0)
        FAIL("the guest changes:\n%s\n%s", text, text_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct domain *domain = pipeline_define(text, &error);

    if (!domain == !error)
        FAIL("%s", error ? "an error and a domain" : "neither error nor domain");
    if (domain)
        check_again(domain);
    return 0;
}

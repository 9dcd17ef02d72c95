/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "model/domain-check.h"
#include "pipeline.h"

/*
 * Documents come in pairs, each ended by a NUL: of a guest (empty: that of the pair before), and of
 * what it is to go on as. For each pair a line says "same", "differs", or that one of them is
 * "refused", and why.
 */
static const char *read_text(void)
{
    static char *text;
    static size_t room;

    if (getdelim(&text, &room, 0, stdin) <= 0)
        exit(ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS);
    return text;
}

static void answer(const struct domain *source, const char *text, GError **error)
{
    DEFINITION_AUTO struct domain *target = source ? pipeline_define(text, error) : NULL;

    if (!target)
        printf("refused %s\n", *error ? (*error)->message : "");
    else if (domain_check_abi(source, target, error) < 0)
        printf("differs %s\n", (*error)->message);
    else
        printf("same\n");
    fflush(stdout);
}

int main(void)
{
    struct domain *source = NULL;

    for (;;) {
        g_autoptr(GError) error = NULL;
        const char *text = read_text();

        if (*text) {
            if (source)
                definition_unref(&source->definition);
            source = pipeline_define(text, &error);
        }
        text = read_text();
        answer(source, text, &error);
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "golden/pipeline.h"

/* How long a document takes from text to text: read, completed, checked, given addresses, written.
 * The file is the argument; prints microseconds, the best of some rounds. */
enum { ROUNDS = 10, TIMES = 50 };

static gint64 one_round(const char *text)
{
    gint64 start = g_get_monotonic_time();

    for (unsigned i = 0; i < TIMES; i++) {
        g_autoptr(GError) error = NULL;
        DEFINITION_AUTO struct domain *domain = pipeline_define(text, &error);

        if (!domain)
            g_error("%s", error->message);
        g_free(pipeline_print(domain));
    }
    return g_get_monotonic_time() - start;
}

int main(int argc, char **argv)
{
    g_autofree char *text = NULL;
    gint64 best = G_MAXINT64;

    if (argc != 2 || !g_file_get_contents(argv[1], &text, NULL, NULL)) {
        fprintf(stderr, "usage: bench-document FILE\n");
        return 2;
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        best = MIN(best, one_round(text));
    printf("%.1f\n", (double)best / TIMES);
    return 0;
}

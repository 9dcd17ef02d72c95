/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usage: print-config FILE - prints the file as shipped, from its table. */
#include "daemon/print-config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    for (const struct config_file *file = config_files; argc == 2 && file->name; file++) {
        if (strcmp(argv[1], file->name) != 0)
            continue;
        const struct config_table *const tables[] = {file->table, file->more};
        g_autofree char *text = config_sample(file->heading, tables, file->more ? 2 : 1);
        fputs(text, stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "usage: print-config FILE\n");
    return EXIT_FAILURE;
}

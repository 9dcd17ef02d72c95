/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usage: print-config virtqemud.conf|qemu.conf - prints the file as shipped, from its table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/settings.h"

#include "config.h"

static const struct {
    const char *name, *heading;
    const struct config_table *table;
} files[] = {
    {"virtqemud.conf",
     "Settings of virtqemud, the daemon for QEMU guests. Those of the guests themselves are in\n"
     "qemu.conf. Values shown are the defaults, or examples where the text says what the default\n"
     "is. After a change: systemctl reload virtqemud. What concerns sockets changes with a "
     "restart,\n"
     "which no guest notices.",
     &settings_table},
    {"qemu.conf",
     "Settings of the QEMU processes that virtqemud starts. Values shown are the defaults, or\n"
     "examples where the text says what the default is. Guests that run keep what they have.",
     &qemu_config_table},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < G_N_ELEMENTS(files); i++) {
        if (strcmp(argv[1], files[i].name) != 0)
            continue;
        g_autofree char *text = config_sample(files[i].heading, &files[i].table, 1);
        fputs(text, stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "usage: print-config virtqemud.conf|qemu.conf\n");
    return EXIT_FAILURE;
}

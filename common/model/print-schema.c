/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usage: print-schema NAME.rng|NAME.md, NAME a kind of document - prints what the tables say of it:
 * its RELAX NG grammar, or its reference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/domain.h"
#include "model/network.h"
#include "model/secret.h"
#include "model/storage-volume.h"
#include "xml/export.h"

static const struct {
    const char *name;
    const struct xml_schema *schema;
    char *(*print)(const struct xml_schema *schema);
} files[] = {
    {"domain.rng", &domain_schema, xml_export_rng},
    {"domain.md", &domain_schema, xml_export_markdown},
    {"network.rng", &network_schema, xml_export_rng},
    {"network.md", &network_schema, xml_export_markdown},
    {"secret.rng", &secret_schema, xml_export_rng},
    {"secret.md", &secret_schema, xml_export_markdown},
    {"storagepool.rng", &storage_pool_schema, xml_export_rng},
    {"storagepool.md", &storage_pool_schema, xml_export_markdown},
    {"storagevol.rng", &storage_volume_schema, xml_export_rng},
    {"storagevol.md", &storage_volume_schema, xml_export_markdown},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < G_N_ELEMENTS(files); i++) {
        if (strcmp(argv[1], files[i].name) != 0)
            continue;
        g_autofree char *text = files[i].print(files[i].schema);
        fputs(text, stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "usage: print-schema NAME.rng|NAME.md\n");
    return EXIT_FAILURE;
}

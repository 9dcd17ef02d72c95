/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/storage-pool.h"
#include "model/storage-volume.h"
#include "xml/xml.h"

/* Documents of pools and volumes: what is accepted is the same when it is read again, and the name
 * of a volume leads to nothing but a file of its folder. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, __VA_ARGS__);                                                              \
        abort();                                                                                   \
    } while (0)

static void check_again(const struct xml_schema *schema, const struct definition *definition)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *written = xml_write(definition, XML_WRITE_INACTIVE);
    DEFINITION_AUTO struct definition *again =
        xml_read(schema, written, -1, XML_READ_INACTIVE, NULL, &error);

    if (!again)
        FAIL("accepted, then refused: %s\n%s", error->message, written);
    g_autofree char *written_again = xml_write(again, XML_WRITE_INACTIVE);
    if (strcmp(written, written_again) != 0)
        FAIL("the document changes:\n%s\n%s", written, written_again);
}

static void check_name(const struct storage_volume *volume)
{
    if (storage_volume_check_name(volume->name, NULL) == 0 &&
        (!*volume->name || strchr(volume->name, '/') || strcmp(volume->name, "..") == 0))
        FAIL("not the name of a file: '%s'\n", volume->name);
    if (volume->capacity.value > INT64_MAX || volume->allocation.value > INT64_MAX)
        FAIL("no file is so large\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    DEFINITION_AUTO struct definition *pool =
        xml_read(&storage_pool_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);
    DEFINITION_AUTO struct definition *volume =
        xml_read(&storage_volume_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);

    if (pool)
        check_again(&storage_pool_schema, pool);
    if (volume) {
        check_name((const struct storage_volume *)volume);
        check_again(&storage_volume_schema, volume);
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz-document.h"
#include "model/storage-pool.h"
#include "model/storage-volume.h"

/* Documents of pools and volumes: what is accepted is the same when it is read again, and the name
 * of a volume leads to nothing but a file of its folder. */
static void check_name(const struct storage_volume *volume)
{
    if (storage_volume_check_name(volume->name, NULL) == 0 &&
        (!*volume->name || strchr(volume->name, '/') || strcmp(volume->name, "..") == 0))
        FAIL("not the name of a file: '%s'", volume->name);
    if (volume->capacity.value > INT64_MAX || volume->allocation.value > INT64_MAX)
        FAIL("no file is so large");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    DEFINITION_AUTO struct definition *pool =
        xml_read(&storage_pool_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);
    DEFINITION_AUTO struct definition *volume =
        xml_read(&storage_volume_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);

    if (pool)
        fuzz_check_again(pool);
    if (volume) {
        check_name((const struct storage_volume *)volume);
        fuzz_check_again(volume);
    }
    return 0;
}

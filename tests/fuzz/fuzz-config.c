/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config.h"
#include "daemon/settings.h"
#include "fuzz.h"

static void ignore(const char *text, void *data)
{
}

/* Any bytes are a file that is read, or refused with a message, and leaves nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    const struct config_part part = {&settings_table, &settings};
    g_autoptr(GError) error = NULL;
    int result = config_read("fuzz", (const char *)data, size, &part, 1, ignore, NULL, &error);

    if ((result < 0) != !!error)
        FAIL("result and error disagree");
    if (result < 0 && settings.auth_unix_rw)
        FAIL("a refused file has left values");
    config_clear(&part, 1);
    return 0;
}

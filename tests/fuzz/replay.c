/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "fuzz.h"

/* Stands in for the fuzzer in ordinary builds: runs one target over its corpus. Prints TAP. */
static void replay(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *bytes = NULL;
    gsize size;

    if (!g_file_get_contents(path, &bytes, &size, NULL))
        g_error("%s can't be read", path);
    /* exactly as long as its content, so that a read beyond the end is seen */
    g_autofree uint8_t *exact = g_memdup2(bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
}

int main(int argc, char **argv)
{
    g_autoptr(GDir) folder = g_dir_open(argc > 1 ? argv[1] : ".", 0, NULL);
    unsigned count = 0;

    if (!folder)
        g_error("no folder to replay");
    for (const char *name; (name = g_dir_read_name(folder)); count++) {
        replay(argv[1], name);
        printf("ok %u - %s\n", count + 1, name);
    }
    printf("1..%u\n", count);
    return count ? 0 : 1;
}

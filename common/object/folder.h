/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

/*
 * The documents of one folder, read and parsed on several threads.
 */
struct definition;

/* One file: a definition, or the error why not. */
struct folder_file {
    char *path;
    char *name; /* without ".xml" */
    struct definition *definition;
    void *rest;          /* what else the parser made of it; the caller frees it first */
    GPtrArray *warnings; /* of char *: what was ignored in it */
    GError *error;
};

/* Text to definition; what else is in it to *ret_rest. Several threads at once. */
typedef int (*folder_parse)(const void *data, const char *text, size_t length, GPtrArray *warnings,
                            struct definition **ret_definition, void **ret_rest, GError **error);

/* Every NAME.xml, sorted by name, as struct folder_file; free with g_ptr_array_unref(). An absent
 * folder is an empty one. threads 0: one for each processor. Blocks. Errors: VIR_ERR_SYSTEM_ERROR
 * when the folder can't be listed. */
int folder_read(const char *path, unsigned threads, folder_parse parse, const void *data,
                GPtrArray **ret_files, GError **error);

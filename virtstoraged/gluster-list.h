/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The volumes that `gluster volume list` names, one a line: an array of strings, which the caller
 * frees with g_ptr_array_unref(). Pure. */
GPtrArray *gluster_list_read(const char *text);

/* Asks a server for its volumes; see above. Blocks, some seconds at most. Errors: program.h. */
int gluster_list_find(const char *host, GPtrArray **ret_names, GError **error);

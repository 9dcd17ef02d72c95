/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The folders that a server exports, as showmount tells of them: a folder a line, and its clients.
 * An array of strings, which the caller frees with g_ptr_array_unref(). Pure. */
GPtrArray *exports_read(const char *text);

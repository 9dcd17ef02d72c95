/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "object/registry.h"

/*
 * What every driver does once its objects are loaded.
 */

/* Starts one object, which is inactive and marked for autostart. Blocks. */
typedef int (*startup_start)(struct object *object, void *data, GError **error);

/* Starts the objects marked for autostart, in order, once per boot: marker is a file under /run
 * that is made first, and whose presence means that it was done already (NULL: always do it).
 * Failures do not stop the pass: *ret_notes has a char * line for each, the caller's; free with
 * g_ptr_array_unref(). VIR_ERR_SYSTEM_ERROR when the marker can't be made: nothing was started. */
int startup_autostart(struct registry *registry, const char *marker, startup_start start,
                      void *data, GPtrArray **ret_notes, GError **error);

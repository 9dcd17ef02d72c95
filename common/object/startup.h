/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "object/store.h"

/*
 * What every driver does once its objects are loaded.
 */

/* Starts one object, which is inactive and persistent. Blocks. */
typedef int (*startup_start)(struct job *job, const struct object_view *view, GError **error);

/* Starts the objects marked for autostart, in order, once per boot: the file "autostarted" in the
 * folder of status files is made first, and its presence means that it was done already. Failures
 * do not stop the pass: *ret_notes has a char * line for each, the caller's; free with
 * g_ptr_array_unref(). VIR_ERR_SYSTEM_ERROR when the file can't be made: nothing was started. */
int startup_autostart(struct store *store, struct registry *registry, startup_start start,
                      GPtrArray **ret_notes, GError **error);

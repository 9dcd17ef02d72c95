/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

struct json_object;

/*
 * The value of a -chardev option, "socket,id=charchannel0,path=/run/a,server=on", as the arguments
 * of chardev-add: {"id": ..., "backend": {"type": ..., "data": {...}}}. The command line has no
 * JSON for it. Commas in values are doubled, as option.h writes them. *ret_json is the caller's.
 * Pure. VIR_ERR_INTERNAL_ERROR: a word or a key that no row here knows.
 */
int chardev_json(const char *option, struct json_object **ret_json, GError **error);

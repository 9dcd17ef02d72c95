/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A key of one of the API's code sets (VIR_KEYCODE_SET_) as QEMU's number: the XT scan code, with
 * 0x80 for the extended set. VIR_ERR_INTERNAL_ERROR: no such key; VIR_ERR_INVALID_ARG: no such
 * set. */
int key_translate(unsigned codeset, unsigned code, unsigned *ret_number, GError **error);

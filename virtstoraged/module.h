/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* A kind of pool that needs a library which not every host has: a shared object of its own, named
 * after its type, loaded when first asked for. This is what it exports. */
extern const struct backend storage_module;

/* Loads the module of a type once, and for good. VIR_ERR_INTERNAL_ERROR says what is missing. Any
 * thread. */
const struct backend *module_find(unsigned type, GError **error);

/* Is there one, as a file? */
bool module_is_present(unsigned type);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "json.h"

/* Where the random numbers of a device come from: the object that it takes them from, for -object
 * or object-add. The caller's. */
struct json_object *rng_backend_properties(const struct domain_rng *rng);

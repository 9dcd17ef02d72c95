/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "driver/driver.h"

/*
 * The daemon's own: its pools, and where their files are. Made at the start, and immutable after
 * it.
 */
struct storaged {
    struct driver *driver;
    struct object_kind kind;
    struct registry *pools;
    struct store *store;
    struct peer *secrets; /* virtsecretd */
};

/* The instance, for code that has an object or a call alone. */
extern struct storaged *storaged;

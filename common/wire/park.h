/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "wire/frame.h"

/*
 * Calls that were read while too many were in flight, and stream packets that follow one of them.
 * Order is kept among calls, and among the packets of one stream.
 */
struct park {
    struct frame *first, **last;
    unsigned count;
    size_t bytes;
};

void park_init(struct park *park);

/* Takes the frame. */
void park_add(struct park *park, struct frame *frame);

/* The first that may go on, owned by the caller, or NULL: a call if calls may, a stream packet if
 * the call before it has left. */
struct frame *park_take(struct park *park, bool calls);

/* True if the call that a stream packet belongs to waits here. */
bool park_has_call(const struct park *park, const struct frame_header *header);

/* True when reading must stop. */
bool park_is_full(const struct park *park, unsigned frames, size_t bytes);

/* Drops all frames, with their descriptors. */
void park_clear(struct park *park);

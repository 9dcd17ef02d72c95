/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/*
 * Guests that come from one template differ in their names, disks and MAC addresses; their
 * controllers, timers, CPUs are the same a thousand times over. Definitions made by
 * definition_pack() point to one copy of such a part, which is immutable and never freed.
 * What holds a secret is never shared: it would outlive its definition.
 */

/* The copy of part, of a struct of schema, that all packed definitions share; NULL: there is none,
 * keep one of your own. A part gets one when it is met for the second time, while there is room:
 * all of them together are bounded. Any thread; never blocks for long. */
void *xml_share(const struct xml_schema *schema, const void *part);

/* Bytes of memory held by what is shared, for tests and statistics. */
size_t xml_shared_bytes(void);

/* A copy as one block of bytes that are the same for equal parts: pointers in it are offsets from
 * its begin. For comparing only. Lies in scratch, which is empty before. NULL: part has a secret, a
 * member of a row with XML_SECURE that is set. For share.c. */
void *xml_copy_flat(const struct xml_schema *schema, const void *part, struct arena *scratch,
                    size_t *ret_size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/workers.h"

/*
 * Work about one thing that may hang and can't say when - a pool on a server that does not answer -
 * has a quarter of the workers at most, so that three more things may hang. Who comes then waits in
 * order, as one that does not count (workers_begin_wait()). Any thread that may block.
 */
struct gate;

/* name, in messages: "storage pool 'x'". One reference. */
struct gate *gate_new(const char *name);
struct gate *gate_ref(struct gate *gate);
void gate_unref(struct gate *gate); /* NULL is ok */

/* Inside until gate_leave(). Blocks for half a minute at most: VIR_ERR_OPERATION_TIMEOUT. */
int gate_enter(struct gate *gate, struct workers *workers, GError **error);
void gate_leave(struct gate *gate);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/protocol.h"

/*
 * Counts calls by procedure: how many, how many of them failed, how long they took from their last
 * byte to the reply. Counting is a few additions, and never waits.
 */
struct arena;
struct modvirt_daemon_get_calls_ret;
struct request;
struct tally;
struct tally_row;

struct tally *tally_new(void);

/* No call may be at work. Accepts NULL. */
void tally_free(struct tally *tally);

/* The row of a procedure, made when it is called for the first time; as long as the tally. Loop
 * thread. NULL: there is no tally. */
struct tally_row *tally_find(struct tally *tally, const struct protocol_program *program,
                             const struct protocol_method *method);

/* Counts one call. Any thread. Accepts NULL. */
void tally_count(struct tally_row *row, int64_t microseconds, bool failed);

/* All that was counted, in the arena. Loop thread. */
void tally_tell(struct tally *tally, struct arena *arena, struct modvirt_daemon_get_calls_ret *ret);

/* Serves DAEMON_GET_CALLS, and ends the request. Loop thread. */
void tally_serve(struct request *request);

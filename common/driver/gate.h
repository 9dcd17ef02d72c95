/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

struct request;

/*
 * The part of the workers that calls about one thing may hold, which may hang: a pool on a server
 * that does not answer. Further calls wait at the gate, without a thread, and go on in order as
 * others come out; those that have waited half a minute end with VIR_ERR_OPERATION_TIMEOUT. Any
 * thread, but where said.
 */
struct gate;

/* name, in messages: "storage pool 'x'". One reference. */
struct gate *gate_new(const char *name);
struct gate *gate_ref(struct gate *gate);
void gate_unref(struct gate *gate); /* NULL is ok */

/* True: it is inside, until gate_leave(). False: it waits, and the request is the gate's, which
 * will have call_serve_inside() serve it. Never blocks. */
bool gate_enter(struct gate *gate, struct request *request);
void gate_leave(struct gate *gate);

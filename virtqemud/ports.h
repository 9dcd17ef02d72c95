/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * TCP ports for the displays of guests: which of a range are given out. Any thread; never blocks
 * for longer than it takes to try a bind.
 */
struct ports;

/* An allocator of the ports first to last, both included. */
struct ports *ports_new(unsigned first, unsigned last);
void ports_free(struct ports *ports);

/* The lowest port that is neither given out nor bound by anybody on address (NULL: any); or
 * VIR_ERR_OPERATION_FAILED when the range is used up. */
int ports_take(struct ports *ports, const char *address, unsigned *ret_port, GError **error);

/* Marks a port as given out: the document names it, or a guest that runs already has it. */
void ports_mark(struct ports *ports, unsigned port);

/* Gives it back. Ports that were not taken, or 0, are ignored. */
void ports_return(struct ports *ports, unsigned port);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

struct request;

/*
 * What a daemon tells of itself, by a program of our own on its admin socket: pairs of a name and a
 * value, as texts. Loop thread.
 */
struct status;

/* Adds a pair; both are copied. */
void status_add(struct status *status, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Serves DAEMON_GET_STATUS, and ends the request. */
void status_serve(struct request *request);

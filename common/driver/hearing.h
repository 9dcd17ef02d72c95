/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/event.h"

/*
 * Events for clients about whom an access driver has to be asked, which may block: they wait in a
 * queue of the client's own, and a worker asks and sends, in their order.
 */
struct client;

/* Sends it. */
typedef void (*hearing_function)(const struct event_registration *registration,
                                 const struct event *event);

/* Queues an event, and has heard() called for it on a worker. Of a client that hears too many at a
 * time, while the driver is slow, the newest are dropped. Any thread, never blocks. */
void hearing_add(struct client *client, const struct event_registration *registration,
                 const struct event *event, hearing_function heard);

/* For client_unref(): what nobody will hear. */
void hearing_clear(struct client *client);

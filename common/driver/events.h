/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "driver/driver.h"
#include "object/event.h"

/*
 * Events between the bus, which knows objects and bytes, and clients, who know messages. The rows
 * of protocol/ say which message carries which event.
 */

/* An event from its modern message (the struct that begins with int callbackID, left 0): encoded
 * now. NULL when nobody has registered for it. monitor_event as event_new() has it. */
struct event *events_new(struct driver *driver, enum event_family family, int id,
                         struct object *object, const char *monitor_event, const void *message);

/* Same, and queued with the job, or posted when job is NULL. */
void events_raise(struct driver *driver, struct job *job, enum event_family family, int id,
                  struct object *object, const void *message);

/* Registers this call's client in either style and activates it after the reply; object NULL: all.
 * *ret_callback_id may be NULL in the legacy style. Loop thread, so for inline methods: a client
 * can't go between the check that it is open and this. */
int events_register(struct call *call, enum event_family family, int id, bool legacy,
                    struct object *object, const char *monitor_event, unsigned monitor_flags,
                    int *ret_callback_id, GError **error);

/* CONNECT_DOMAIN_EVENT_*: the same for every hypervisor. */
extern const struct driver_methods events_methods;

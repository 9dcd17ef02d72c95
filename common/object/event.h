/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object/object.h"

/*
 * The event bus: what happened, told once by the driver, reaches everyone who registered, in the
 * order it happened, by one deliverer at a time. Bodies are encoded once: int callbackID, four
 * bytes, and then what a message of the legacy style carries. Delivering costs a copy per
 * registration of that very event.
 *
 * Events raised during a job wait in it and leave when it ends. An event never reaches a client
 * before the reply that carries its callbackID: until event_activate() its events are held back.
 *
 * Never blocks, and sinks must not either. Any thread, sinks included.
 */
struct event_bus;

enum event_family {
    EVENT_DOMAIN,
    EVENT_NETWORK,
    EVENT_STORAGE_POOL,
    EVENT_NODE_DEVICE,
    EVENT_SECRET,
    EVENT_QEMU_MONITOR,
    EVENT_FAMILIES,
};

/* One thing that happened. Immutable once queued or posted. */
struct event {
    gint references;
    enum event_family family;
    int id;                /* VIR_DOMAIN_EVENT_ID_REBOOT; 0 for monitor events */
    struct event_bus *bus; /* where it goes; borrowed */
    struct object *object; /* whom it happened to; it may be removed by now */
    char *name;            /* of the object when it happened */
    char *monitor_event;   /* "RTC_CHANGE", EVENT_QEMU_MONITOR only */
    uint8_t *body;         /* begins with four bytes for the callbackID */
    size_t length;         /* of body, at least 4 */
    uint64_t sequence;     /* the bus's */
};

/* A new event with one reference. body, made with g_malloc, is taken over; monitor_event is copied,
 * NULL but for EVENT_QEMU_MONITOR. */
struct event *event_new(struct event_bus *bus, enum event_family family, int id,
                        struct object *object, const char *monitor_event, uint8_t *body,
                        size_t length);
struct event *event_ref(struct event *event);
void event_unref(struct event *event);

/* What happens during a job: takes event over, posts it when the job ends. */
void event_queue(struct job *job, struct event *event);

/* What happens outside of any job: takes event over, delivers it and whatever is before it, unless
 * another thread is doing so, which then goes on with this one. */
void event_post(struct event *event);

/* For job_end(): queues the events behind those of the bus, empties the queue, and returns the bus;
 * NULL when there were none. All events of one job go to one bus. */
struct event_bus *event_enqueue_all(GQueue *events);

/* Delivers what is queued, unless another thread is doing so. */
void event_deliver(struct event_bus *bus);

/* A registration, as a sink sees it. */
struct event_registration {
    enum event_family family;
    int id;
    int callback_id; /* of this owner; -1 for the legacy style */
    bool legacy;
    void *data; /* from the request */
};

/* Hands an event to its client: frames event_get_body() and queues it. Must not block. */
typedef void (*event_sink)(const struct event_registration *registration,
                           const struct event *event);

/* May this client know of this event? Must not block. */
typedef bool (*event_filter)(const struct event_registration *registration,
                             const struct event *event);

struct event_request {
    void *owner; /* the connection, as a key: its address is never followed */
    enum event_family family;
    int id;
    bool legacy;               /* a client of the legacy style: no callbackID, one per id */
    struct object *object;     /* only events of this one, known by uuid or name; NULL: of all */
    const char *monitor_event; /* only these; NULL: all. EVENT_QEMU_MONITOR only */
    unsigned monitor_flags;    /* VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX, _NOCASE */
    event_sink sink;
    event_filter allowed;   /* NULL: all */
    void *data;             /* for sink and allowed: a reference to the connection */
    GDestroyNotify release; /* called with data when no delivery can come any more; may be NULL */
};

/* Of a daemon; all of it by any thread. */
struct event_bus *event_bus_new(void);

/* All registrations must be gone. bus may be NULL. */
void event_bus_free(struct event_bus *bus);

/* Adds a registration, not yet active; *ret_callback_id counts from 0 per owner. On failure data is
 * not released. Errors: VIR_ERR_INVALID_ARG for a second legacy one of the same id, or a
 * pattern that is broken or longer than EVENT_PATTERN_LIMIT; VIR_ERR_RESOURCE_BUSY above
 * EVENT_OWNER_LIMIT of one owner. */
int event_register(struct event_bus *bus, const struct event_request *request, int *ret_callback_id,
                   GError **error);
#define EVENT_OWNER_LIMIT 4096
#define EVENT_PATTERN_LIMIT 256

/* The reply that carries the callbackID is queued: from now on, and for what happened since
 * event_register(), events flow. Unknown ones are ignored. */
void event_activate(struct event_bus *bus, void *owner, enum event_family family, int callback_id);
void event_activate_legacy(struct event_bus *bus, void *owner, enum event_family family, int id);

/* Ends one. At most the delivery that is under way on another thread still happens. Errors:
 * VIR_ERR_INTERNAL_ERROR "domain event callback 7 not registered". */
int event_deregister(struct event_bus *bus, void *owner, enum event_family family, int callback_id,
                     GError **error);
int event_deregister_legacy(struct event_bus *bus, void *owner, enum event_family family, int id,
                            GError **error);

/* Ends all of an owner, when its connection is closed. */
void event_remove_owner(struct event_bus *bus, void *owner);

/* True if anyone registered for this id: a driver need not encode what nobody wants. */
bool event_is_wanted(struct event_bus *bus, enum event_family family, int id);

/* The message's payload for this client: with its callbackID put in, or for the legacy style
 * without; the caller frees. */
uint8_t *event_get_body(const struct event *event, const struct event_registration *registration,
                        size_t *ret_length);

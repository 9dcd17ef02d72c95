/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "driver/driver.h"
#include "object/identity.h"

/*
 * One connection as the driver sees it. Small and explicit: who it is, what it opened, whom it has
 * registered with. Calls on workers hold references, so it outlives the link for a moment.
 */
struct client {
    gint references;
    struct driver *driver;
    struct connection *connection; /* a reference; sending on a closed one is harmless */
    bool readonly_socket;
    struct secondary *secondaries[PROTOCOL_OWNER_LAST]; /* secondary.c's; loop thread only */

    GMutex lock; /* guards what follows */
    struct identity *identity;
    bool open;               /* between CONNECT_OPEN and CONNECT_CLOSE or the end of the link */
    bool gone;               /* nothing may be attached to it any more */
    bool end_awaited;        /* client_gone() is called for it whatever it has */
    GHashTable *autodestroy; /* struct object: stopped when the client goes */
    GQueue hearing;          /* hearing.c's */
    bool hears;              /* a worker is at it */
};

/* Who has connected, by the socket that it came by, with a reference to the link. Loop thread;
 * references by any thread. */
struct client *client_new(struct driver *driver, struct server_client *server_client);
struct client *client_ref(struct client *client);
void client_unref(struct client *client);

/* A new reference to who this is now; CONNECT_SET_IDENTITY may change it. */
struct identity *client_get_identity(struct client *client);
void client_set_identity(struct client *client, struct identity *identity);

/* Who has authenticated by SASL is known when the client opens, not yet when it connects. Loop
 * thread. */
void client_note_login(struct client *client);

/* False when it is open already. */
bool client_open(struct client *client, bool readonly);
bool client_is_open(struct client *client);

/* Ends what the client has: registrations, objects that were to stop with it. Once; later calls do
 * nothing. Any thread; the driver's client_gone() runs on a worker. */
void client_close(struct client *client);

/* The object is stopped when the client goes. False when it has gone already. */
bool client_add_autodestroy(struct client *client, struct object *object);
void client_remove_autodestroy(struct client *client, struct object *object);

/* Has the driver's client_gone() called when the client goes. False when it has gone already. */
bool client_await_end(struct client *client);

/* References to all of them, which are then forgotten; for client_gone(). */
GPtrArray *client_take_autodestroy(struct client *client);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "driver/driver.h"
#include "model/secret.h"
#include "protocol/remote.h"

#include "value.h"

/*
 * The daemon's own: its secrets, and where their files are. A secret is an object whose persistent
 * definition is its document, ephemeral ones included, of which there is no file.
 */
struct secretd {
    struct driver *driver;
    struct object_kind kind;
    struct registry *secrets;
    struct store *store;
    char *folder;      /* /etc/libvirt/secrets */
    GMutex definition; /* held while one is published: no two secrets are for the same use */
};

/* The instance, for code that has an object or a call alone. */
extern struct secretd *secretd;

struct secret_object {
    struct object object;
    GMutex lock; /* guards value; held for a few instructions */
    struct value *value;
};

/* For struct object_kind. */
void secret_object_clear(struct object *object);

/* A new reference, or NULL. Any thread. */
struct value *secret_object_get_value(struct object *object);

/* Takes value over; NULL: none. */
void secret_object_set_value(struct object *object, struct value *value);

/* Of a view that has been seen by clients; borrowed. */
static inline const struct secret *secret_of_view(const struct object_view *view)
{
    return (const struct secret *)view->config;
}

/* Where its value is kept; the caller frees. */
char *secret_value_path(struct object *object);

/* A new reference to the secret that is for this use; VIR_ERR_NO_SECRET. Any thread. */
struct object *secret_get_by_usage(int type, const char *id, GError **error);

/* The handle of an object, whose strings are in the arena. VIR_ERR_NO_SECRET: it has just gone. */
int secret_fill_handle(struct object *object, struct arena *arena,
                       struct remote_nonnull_secret *ret_handle, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "facts/access.h"
#include "object/identity.h"

/*
 * May this caller do that? First the rule that always holds: a read-only identity may only do what
 * one table calls reading. Then the drivers that the configuration names, each of which can refuse.
 */
struct definition;
struct object;
struct object_kind;

/* What a question is about; all members may be NULL: the connection itself. */
struct access_subject {
    struct object *object;
    const struct object_kind *kind;      /* of what is to be made, and is no object yet */
    const struct definition *definition; /* likewise */
    const char *part;                    /* of the object: a volume's name, a port's uuid */
    const char *key;                     /* of the volume */
};

struct access_driver {
    const char *name; /* as in access_drivers = ["polkit"] */

    /* False: about this caller it is never asked. Never blocks. */
    bool (*concerns)(const struct identity *identity);

    /* 0: allowed or no opinion. -1: VIR_ERR_ACCESS_DENIED, or why it can't tell. May block. */
    int (*check)(struct identity *identity, enum access_object object,
                 enum access_permission permission, const struct access_subject *subject,
                 GError **error);
};

/* The drivers in the order they are asked; NULL-terminated, borrowed for good. Once, at the start.
 */
void access_set_drivers(const struct access_driver *const *drivers);

/* True if a driver has to be asked about this caller, and questions so may block; identity NULL:
 * about any caller. Never blocks. */
bool access_asks(const struct identity *identity);

/* subject is what the question is about, NULL for the connection itself; api the method's name in
 * messages. Blocks if a driver does. Errors: VIR_ERR_OPERATION_DENIED "read only access prevents
 * virDomainCreate"; those of the drivers. */
int access_check(struct identity *identity, enum access_object object,
                 enum access_permission permission, const struct access_subject *subject,
                 const char *api, GError **error);

/* Same without the message: for lists, which leave out what the caller may not see. */
bool access_allows(struct identity *identity, enum access_object object,
                   enum access_permission permission, const struct access_subject *subject);

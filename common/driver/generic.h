/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver/call.h"
#include "driver/driver.h"

/*
 * What is the same for every kind of object: lookups, lists with filters, names, autostart. A
 * handler adds the names of its procedure's members.
 */

/*
 * Filters of a list come in groups: within one any bit may match, and a group of which no bit is
 * set lets all pass. A row is a bit and the question it asks.
 */
struct list_filter {
    unsigned flag;
    bool (*matches)(const struct object_view *view);
};

#define LIST_GROUP_ROWS 16
struct list_filters {
    const struct list_filter (*groups)[LIST_GROUP_ROWS]; /* rows without matches end one early */
    size_t count;
};

/* Questions that every kind has. */
bool view_is_active(const struct object_view *view);
bool view_is_inactive(const struct object_view *view);
bool view_is_persistent(const struct object_view *view);
bool view_is_transient(const struct object_view *view);
bool view_has_autostart(const struct object_view *view);
bool view_has_no_autostart(const struct object_view *view);

/* One list of one call. */
struct list_request {
    struct call *call;
    enum protocol_object kind;
    const struct list_filters *filters;
    unsigned flags;
};

/* Is the object in it? Asks the facts' access rules for lists as well. */
bool list_has(const struct list_request *request, struct object *object);

/* References to its objects, in the registry's order; free with g_ptr_array_unref(). */
GPtrArray *list_objects(const struct list_request *request);
unsigned list_count(const struct list_request *request);

/* The older lists: at most so many names, in the call's arena. */
void list_names(const struct list_request *request, int most, char ***ret_names,
                uint32_t *ret_count);

/* The registry and the store of a kind. Borrowed; NULL: the driver has none. */
struct registry *call_registry(const struct call *call, enum protocol_object kind);
struct store *call_store(const struct call *call, enum protocol_object kind);

/* A lookup's end: object (taken over; NULL: error is set already) becomes the call's, if the facts'
 * access rules allow it. */
int call_found(struct call *call, struct object *object, GError **error);

/* The object that a document makes, or makes anew, with a job on it: its name can be a file's, and
 * the facts' access rules allow it. Flags, errors and blocking as registry_begin(). Where what
 * follows fails, registry_remove_unused() is due. */
int call_begin(struct call *call, enum protocol_object kind, const struct definition *definition,
               unsigned flags, struct job **ret_job, GError **error);

/* The definition that AFFECT_LIVE or AFFECT_CONFIG (neither: the current one) ask to read, not both
 * (VIR_ERR_INVALID_ARG): borrowed from ret_view, which the caller clears in any case. Else the
 * errors of object_check_affect(). */
int call_get_affected(struct call *call, unsigned flags, struct object_view *ret_view,
                      const struct definition **ret_definition, GError **error);

/* The handle of an object for a reply: its name in the call's arena, and its uuid. */
void call_fill_handle(struct call *call, struct object *object, char **ret_name,
                      uint8_t ret_uuid[16]);

/* Of call->object, with its job; saved and published. VIR_ERR_OPERATION_INVALID: it is transient.
 */
int call_set_autostart(struct call *call, enum protocol_object kind, bool autostart,
                       GError **error);
int call_get_autostart(struct call *call, int *ret_autostart, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "object/object.h"

/*
 * All objects of one kind: found by name, uuid or id in constant time, listed without holding
 * anybody up. Every function may be called by any thread and never blocks for longer than a few
 * microseconds, but for those that say so. Objects are shown to readers once they have published a
 * definition; before, they only hold their name and uuid.
 */
struct registry;

/* kind is borrowed for as long as there is an object of it. */
struct registry *registry_new(const struct object_kind *kind);

/* Drops its references. registry may be NULL. Nobody else may use it any more. */
void registry_free(struct registry *registry);

/* Borrowed: as given. */
const struct object_kind *registry_kind(const struct registry *registry);

/* A new reference, or NULL with the kind's not-found error ("no domain with matching name 'x'"). */
struct object *registry_get_by_name(struct registry *registry, const char *name, GError **error);
struct object *registry_get_by_uuid(struct registry *registry, const uint8_t uuid[16],
                                    GError **error);
struct object *registry_get_by_id(struct registry *registry, int id, GError **error);

/* The handle that a client sends: found by uuid where the kind has one, else by name; name is for
 * the message ("no domain with matching uuid '...' (name)") and may be NULL with a uuid. */
struct object *registry_get(struct registry *registry, const char *name, const uint8_t *uuid,
                            GError **error);

enum registry_flags {
    REGISTRY_NEW = 1,      /* an object that exists already is an error */
    REGISTRY_INACTIVE = 2, /* an active one is an error */
};

/* The object for a definition: the one with its name and uuid, else a new one with nothing
 * published yet. A new reference. definition is only read. Errors: VIR_ERR_OPERATION_FAILED when
 * its name belongs to another uuid or its uuid to another name, VIR_ERR_OPERATION_INVALID for an
 * active one. */
int registry_add(struct registry *registry, const struct definition *definition, unsigned flags,
                 struct object **ret_object, GError **error);

/* Same, with a job of JOB_MODIFY on it, so that it can be neither removed nor started meanwhile; an
 * object removed during the wait is replaced by a new one. Blocks as job_begin(), with its errors.
 */
int registry_begin(struct registry *registry, const struct definition *definition, unsigned flags,
                   const char *job_name, unsigned deadline_ms, struct job **ret_job,
                   GError **error);

/* Takes the job's object out: nobody finds it, and who waits for a job on it fails. The object
 * lives on for those who hold it. */
void registry_remove(struct registry *registry, struct job *job);

/* Same if it is neither active nor persistent: what to call after an undefine, a stop, and a failed
 * registry_begin(). True if removed. */
bool registry_remove_unused(struct registry *registry, struct job *job);

/* An id above all given so far, from 1. */
int registry_next_id(struct registry *registry);

/* Files the object under id (-1: none), before it is published as active, after as inactive.
 * VIR_ERR_INTERNAL_ERROR when another has it; never with -1. */
int registry_set_id(struct registry *registry, struct job *job, int id, GError **error);

/* Reserves new_name. Errors: VIR_ERR_OPERATION_FAILED when it is taken. Then the caller saves, and
 * ends it: */
int registry_rename_begin(struct registry *registry, struct job *job, const char *new_name,
                          GError **error);

/* Publishes config, which has the new name and is taken over, together with the name; or with NULL
 * gives new_name back. The object must be inactive. */
void registry_rename_end(struct registry *registry, struct job *job, const char *new_name,
                         struct definition *config);

/* Is the object wanted? Called without locks, any time it takes. */
typedef bool (*registry_filter)(struct object *object, const struct object_view *view, void *data);

/* References to all objects that filter wants (NULL: all), in the order they were added; free with
 * g_ptr_array_unref(). */
GPtrArray *registry_list(struct registry *registry, registry_filter filter, void *data);

/* How many of them. */
unsigned registry_count(struct registry *registry, registry_filter filter, void *data);

/* The filter that every kind has. */
bool registry_filter_active(struct object *object, const struct object_view *view, void *data);

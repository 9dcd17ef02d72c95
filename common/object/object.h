/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "facts/access.h"
#include "object/job.h"

/*
 * An object is what clients have a handle of: a domain, a network, a storage pool. It publishes a
 * view of itself - definitions, state, the latest facts - that readers take at any time without
 * waiting, whatever the object is busy with. Definitions are immutable: whoever changes one builds
 * a new one and publishes it, with a job as permission.
 *
 * A driver's struct has a struct object as its first member, and its own members after it; those
 * are touched only with a job, except where the driver says otherwise.
 */

struct definition;
struct object;
struct xml_schema;

struct object_kind {
    const char *name;                /* in messages: "domain", "storage pool" */
    const struct xml_schema *schema; /* of its documents */
    enum access_object access;       /* whose permissions apply */
    enum error_code missing;         /* VIR_ERR_NO_DOMAIN */
    size_t size;                     /* of the driver's struct */
    size_t name_offset;              /* of the char * in a definition */
    size_t uuid_offset; /* of the uint8_t[16] in a definition; 0: the kind has no uuid */
    int inactive_state; /* the state of an object that never ran: VIR_DOMAIN_SHUTOFF */

    /* What access rules know an object by besides name and uuid: their word for it, and its value,
     * borrowed; NULL: nothing. May be NULL. */
    const char *(*alias)(const struct definition *definition, const char **ret_word);

    /* Clears the driver's own members. The last reference is gone. May be NULL. */
    void (*clear)(struct object *object);

    /* What reading alone can't fill in: defaults of the driver, a uuid where none is given. Runs on
     * any thread, several at once, before the definition is shared. May be NULL. */
    int (*complete)(struct definition *definition, GError **error);

    /* Takes out of a copy of a live definition what its run put in place of what its document asked
     * for. Before complete(). May be NULL. */
    void (*revert)(struct definition *live);
};

/* A coherent moment of an object. Everything in it is immutable; object_view_clear() releases it.
 */
struct object_view {
    char *name; /* of the definitions */
    uint8_t uuid[16];
    int id;    /* -1 unless active */
    int state; /* of the kind's own enum */
    int reason;
    bool autostart;
    bool autostart_once;       /* at the next start of the host, and no other */
    bool updated;              /* the persistent definition was changed while active */
    struct definition *live;   /* NULL: inactive */
    struct definition *config; /* NULL: transient */
    void *facts;               /* what the kind last learned (see object_publish_facts()) or NULL */
};

struct object {
    const struct object_kind *kind;
    gint references;
    GMutex lock;                /* guards the members below; held for a few instructions */
    struct object_view current; /* readers take copies with object_get_view() */
    int registered_id;          /* what the registry has it under, or -1; the registry's */
    uint64_t sequence;          /* its place in lists; the registry's */
    struct job_queue jobs;
};

/* A new object with one reference, in no registry, neither active nor persistent; name and uuid as
 * in definition, which is only read. Use registry_add() for those that clients can see. */
struct object *object_new(const struct object_kind *kind, const struct definition *definition);

/* Any thread. object may be NULL for unref. */
struct object *object_ref(struct object *object);
void object_unref(struct object *object);

/* A copy of the current view; never blocks; any thread. Ends with object_view_clear(). */
void object_get_view(struct object *object, struct object_view *ret_view);
void object_view_clear(struct object_view *view);

/* Sets the kind's not-found error, as for an object that is gone: "no domain with matching uuid
 * '...' (name)". Any thread. */
void object_set_missing(struct object *object, GError **error);

/* The name; the caller frees. Any thread. */
char *object_get_name(struct object *object);

/* Never changes; borrowed. All zero where the kind has none. Any thread. */
const uint8_t *object_uuid(const struct object *object);

/* Any thread. */
bool object_is_active(struct object *object);
bool object_is_persistent(struct object *object);

/* What speaks for the object when a client asks for its document: the live definition if active,
 * else the persistent one; with inactive set the persistent one first. Borrowed from the view. */
struct definition *object_view_definition(const struct object_view *view, bool inactive);

/* A definition of this kind from text as clients send it or files hold it, complete and packed
 * (definition_pack()): the caller's. flags are XML_READ_*; warnings as for xml_read(). Pure but for
 * kind->complete(); any thread. */
int object_kind_read(const struct object_kind *kind, const char *text, gssize length,
                     unsigned flags, GPtrArray *warnings, struct definition **ret_definition,
                     GError **error);

/* The name and uuid in a definition of this kind; borrowed; the uuid NULL where the kind has none.
 */
const char *object_kind_name(const struct object_kind *kind, const struct definition *definition);
const uint8_t *object_kind_uuid(const struct object_kind *kind,
                                const struct definition *definition);

/* Resolves AFFECT_CURRENT (0), AFFECT_LIVE (1) and AFFECT_CONFIG (2), which are the same for every
 * kind, to the definitions that are to change: *ret_affected has bits 1 and 2 only. Errors:
 * VIR_ERR_OPERATION_INVALID when live is asked of an inactive, config of a transient object. */
int object_check_affect(const struct object_kind *kind, const struct object_view *view,
                        unsigned flags, unsigned *ret_affected, GError **error);

/*
 * Publishing: readers see all of one call at once, and nothing of it before. Definitions are taken
 * over (one reference of the caller's each). Never block.
 */

/* The persistent definition; NULL: transient from now on. Name and uuid must be those it has. */
void object_publish_config(struct job *job, struct definition *config);

/* It runs, with this live definition and id; registry_set_id() goes first. */
void object_publish_active(struct job *job, struct definition *live, int id, int state, int reason);

/* It runs no more: no live definition, no id, no facts. */
void object_publish_inactive(struct job *job, int state, int reason);

/* A changed live definition of an active object. */
void object_publish_live(struct job *job, struct definition *live);
void object_publish_state(struct job *job, int state, int reason);
void object_publish_autostart(struct job *job, bool autostart);
void object_publish_autostart_once(struct job *job, bool autostart);

/* What the object did by itself, as its monitor tells: a state of an active object. Needs no job;
 * false, with nothing changed, when it is inactive or has this state and reason already. */
bool object_notice_state(struct object *object, int state, int reason);

/* The kind's own immutable block of last known facts (statistics, ages), made with
 * g_atomic_rc_box_new(), plain data without a destructor; taken over; NULL: none. Dropped when the
 * object is or becomes inactive. Needs no job: one thread at a time, as the kind arranges. */
void object_publish_facts(struct object *object, void *facts);

/* For registry_rename_end(): the new name, and the definition with it, taken over. */
void object_publish_rename(struct job *job, const char *name, struct definition *config);

static inline void object_unref_at(struct object **object)
{
    object_unref(*object);
}

/* OBJECT_AUTO struct object *object = NULL;  OBJECT_VIEW_AUTO struct object_view view = {0}; */
#define OBJECT_AUTO __attribute__((cleanup(object_unref_at)))
#define OBJECT_VIEW_AUTO __attribute__((cleanup(object_view_clear)))

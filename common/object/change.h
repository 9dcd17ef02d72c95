/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "object/job.h"
#include "object/store.h"
#include "xml/definition.h"

/*
 * One change to an object's live definition, its persistent one, or both, as a client's AFFECT_
 * flags say: by the same code, and saved at once.
 *
 *     CHANGE_AUTO struct change change = {0};
 *
 *     if (change_begin(&change, store, call->job, args->flags, error) < 0)
 *         return -1;
 *     if (change.config && set_memory(change.config, args, error) < 0)
 *         return -1;
 *     if (change.live && (set_memory(change.live, args, error) < 0 ||
 *                         change_check(&change, error) < 0 || balloon_to(...) < 0))
 *         return -1;
 *     return change_save(&change, error);
 */
struct change {
    struct store *store;
    struct job *job;

    /* Deep copies to be modified, allocating in their own arenas; NULL: not affected. */
    struct definition *live;
    struct definition *config;

    /* For who has it done outside, by QEMU say: the live definition then is published even if the
     * persistent one can't be saved, since it is the truth. */
    bool applied;
};

/* Copies what flags (VIR_DOMAIN_AFFECT_..., others are ignored) affect. store may be NULL for a
 * kind that keeps nothing on disk. Errors: those of object_check_affect(). */
int change_begin(struct change *change, struct store *store, struct job *job, unsigned flags,
                 GError **error);

/* Could both be stored, and read again by the next daemon? What fits when it comes may be too much
 * once it is escaped. For use before something can't be undone; change_save() asks as well. Pure.
 */
int change_check(const struct change *change, GError **error);

/* Saves and publishes. Blocks on the disk. With an error nothing is changed, but see applied. */
int change_save(struct change *change, GError **error);

/* Drops what was not published. */
void change_clear(struct change *change);

#define CHANGE_AUTO __attribute__((cleanup(change_clear)))

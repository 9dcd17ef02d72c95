/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "model/storage-pool.h"
#include "model/storage-volume.h"

/*
 * The volumes of a pool that runs, found by name, key or path in constant time. All functions may
 * be called by any thread and never block on storage: whoever refreshes looks at the storage first,
 * and tells what it saw after. Nobody waits for a refresh, and a refresh waits for nobody.
 */

/* What tells that a file is what it was: nobody can change one without its time of change moving.
 */
struct volume_signature {
    dev_t device;
    ino_t inode;
    struct timespec changed;
    off_t size;
    blkcnt_t blocks;
};

struct volumes;

/* One volume. Names never change; the rest is read with volume_get_definition() and so on. */
struct volume {
    gint references;
    struct volumes *volumes;
    char *name, *key, *path; /* the last two may be the same pointer */

    /* guarded by the set's lock */
    struct storage_volume *definition;
    struct volume_signature signature;
    unsigned generation; /* of the refresh that last saw it */
    unsigned users;      /* uploads, downloads, clones of it that are at work */
    bool exclusive;      /* it is being made, resized, wiped or deleted */
    bool building;       /* it is being made, and not there yet */
    bool raw;            /* known to be raw, whatever its bytes say by now */
};

struct volumes {
    gint references;
    struct storage_pool *on; /* the pool's live definition: a reference */
    const char *pool;        /* its name, for messages */
    char *path;              /* the folder of pools of files; NULL: another kind */
    int folder;              /* its descriptor, or -1: what is done to files is done by it */
    struct guard *guard;     /* of storage that may stop answering; NULL: of this host */
    void *link;              /* a backend's own, to its server; NULL: none */
    void (*link_free)(void *link);
    GMutex lock;   /* held for a few instructions; guards what follows */
    bool closed;   /* the pool stops: nothing may begin any more */
    unsigned busy; /* volumes with users or in exclusive use */
    bool in_turn;
    GCond turn_ended;
    unsigned generation;
    GHashTable *by_name, *by_key, *by_path;
};

/* Of a pool by its live definition. folder (taken over) and path are of a pool of files; -1 and
 * NULL else. */
struct volumes *volumes_new(const struct storage_pool *pool, const char *path, int folder);
struct volumes *volumes_ref(struct volumes *volumes);
void volumes_unref(struct volumes *volumes);

/* An error of that code about the volume of that name; -1, for a caller to return. */
int volume_refuse(enum error_code code, const char *name, const char *what, GError **error);

struct volume *volume_ref(struct volume *volume);
void volume_unref(struct volume *volume);
static inline void volume_unref_at(struct volume **volume)
{
    volume_unref(*volume);
}
#define VOLUME_AUTO __attribute__((cleanup(volume_unref_at)))
static inline void volumes_unref_at(struct volumes **volumes)
{
    volumes_unref(*volumes);
}
#define VOLUMES_AUTO __attribute__((cleanup(volumes_unref_at)))

/* A new reference, or NULL. */
struct volume *volumes_get_by_name(struct volumes *volumes, const char *name);
struct volume *volumes_get_by_key(struct volumes *volumes, const char *key);
struct volume *volumes_get_by_path(struct volumes *volumes, const char *path);

/* References to all, sorted by name; free with g_ptr_array_unref(). */
GPtrArray *volumes_list(struct volumes *volumes);
unsigned volumes_count(struct volumes *volumes);

/* A new reference to what is known of the volume. */
struct storage_volume *volume_get_definition(struct volume *volume);
bool volume_is_raw(struct volume *volume);
bool volume_is_building(struct volume *volume);

/* ---- refreshing ---- */

/* From here on what is seen, or made, is of this refresh. */
void volumes_begin_refresh(struct volumes *volumes);

/* Is the volume as it was? Then it counts as seen. *ret_raw: it is known to be raw. */
bool volumes_see(struct volumes *volumes, const char *name,
                 const struct volume_signature *signature, bool *ret_raw);

/* What was found: adds it, or replaces what was known unless the volume is at work. definition,
 * which has name, key and path, is taken over. */
void volumes_found(struct volumes *volumes, struct storage_volume *definition,
                   const struct volume_signature *signature);

/* Forgets what was not seen since volumes_begin_refresh(), but for what is at work. */
void volumes_end_refresh(struct volumes *volumes);

/* ---- work ---- */

/* A volume under construction: nobody else can make one of that name. definition is copied. Errors:
 * VIR_ERR_STORAGE_VOL_EXIST, VIR_ERR_OPERATION_INVALID when the pool stops. */
int volumes_begin_building(struct volumes *volumes, const struct storage_volume *definition,
                           struct volume **ret_volume, GError **error);

/* It is there (definition taken over; with another key or path than it was begun with, it is
 * another struct volume), or it has come to nothing (NULL): then it is forgotten. */
void volume_end_building(struct volume *volume, struct storage_volume *definition,
                         const struct volume_signature *signature);

/* May others not use it meanwhile? VIR_ERR_OPERATION_INVALID "volume 'x' is still in use." or being
 * allocated, or the pool stops. Pairs with volume_end_use(). */
int volume_begin_use(struct volume *volume, bool exclusive, GError **error);
void volume_end_use(struct volume *volume);

/* It has been deleted. */
void volume_forget(struct volume *volume);

/* Its bytes are somebody's choice again, not those of a guest: what they are may be looked up. */
void volume_forget_raw(struct volume *volume);

/* Nothing may begin any more. VIR_ERR_INTERNAL_ERROR "pool 'x' has asynchronous jobs running." */
int volumes_close(struct volumes *volumes, GError **error);

/*
 * The turn at storage whose tools don't bear two at once: to change a table of partitions, say.
 * Waits; VIR_ERR_OPERATION_TIMEOUT when others take too long.
 */
int volumes_begin_turn(struct volumes *volumes, GError **error);
void volumes_end_turn(struct volumes *volumes);

/* Forgets all, which keep the set as long as they are in it. */
void volumes_clear(struct volumes *volumes);

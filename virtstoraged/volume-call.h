/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

struct call;
struct remote_nonnull_storage_vol;

/* A pool that runs, for handlers about volumes. */
struct volume_call {
    const struct backend *backend;
    struct storage_pool *pool; /* its live definition: a reference */
    struct volumes *volumes;
};
void volume_call_clear(struct volume_call *volume_call);
#define VOLUME_CALL_AUTO __attribute__((cleanup(volume_call_clear)))

/* driver_spec.gate: that of the pool that a call is about. */
struct gate *volume_call_gate(const struct call *call);

/* Of call->object. VIR_ERR_OPERATION_INVALID: it does not run. */
int volume_call_begin(struct call *call, struct volume_call *ret_volume_call, GError **error);

/* The volume of a handle: its pool becomes the call's object, and the facts' access rules are asked
 * about the volume. A new reference. */
int volume_call_find(struct call *call, const struct remote_nonnull_storage_vol *handle,
                     struct volume_call *ret_volume_call, struct volume **ret_volume,
                     GError **error);

/* Of another volume than the one that the method is about: nothing is asked. */
int volume_call_find_other(struct call *call, const struct remote_nonnull_storage_vol *handle,
                           struct volume_call *ret_volume_call, struct volume **ret_volume,
                           GError **error);

/* Asks the facts' access rules about a volume of call->object. */
int volume_call_may_use(struct call *call, const struct volume *volume, GError **error);

/* By name in a pool that runs; VIR_ERR_NO_STORAGE_VOL. */
struct volume *volume_call_get(const struct volume_call *volume_call, const char *name,
                               GError **error);

/* Does the storage answer? VIR_ERR_OPERATION_TIMEOUT. Blocks for some seconds at most. */
int volume_call_check(const struct volume_call *volume_call, GError **error);

/* Looks at the storage for what a volume is now; one that is at work is left as it is known.
 * Blocks.
 */
int volume_call_look(const struct volume_call *volume_call, struct volume *volume, GError **error);

/* backend.volumes.open; VIR_ERR_NO_SUPPORT where there is none. */
int volume_call_open(const struct volume_call *volume_call, struct volume *volume, int mode,
                     int *ret_fd, GError **error);

/* The handle of a volume for a reply, in the call's arena. */
void volume_call_fill(struct call *call, const struct volumes *volumes, const struct volume *volume,
                      struct remote_nonnull_storage_vol *ret_handle);

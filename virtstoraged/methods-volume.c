/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/generic.h"
#include "object/access.h"
#include "protocol/remote-handlers.h"

#include "bytes.h"
#include "document.h"
#include "in-use.h"
#include "methods.h"
#include "start.h"
#include "volume-call.h"
#include "volume-rights.h"

/* ---- made ---- */

/* Another volume, while one is made from it. */
struct origin {
    struct volume *volume; /* NULL: from nothing */
    struct storage_volume *definition;
    int fd;
};

static void origin_clear(struct origin *origin)
{
    if (origin->volume)
        volume_end_use(origin->volume);
    volume_unref(origin->volume);
    definition_unref((struct definition *)origin->definition);
    fd_clear(&origin->fd);
}
#define ORIGIN_AUTO __attribute__((cleanup(origin_clear)))

/* target is the pool that the clone will be in. */
static int open_origin(struct call *call, const struct remote_nonnull_storage_vol *handle,
                       const struct volumes *target, struct origin *ret_origin, GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};
    VOLUME_AUTO struct volume *volume = NULL;
    struct call lookup = {.client = call->client,
                          .request = call->request,
                          .method = call->method,
                          .args = call->args};
    int result = volume_call_find_other(&lookup, handle, &volume_call, &volume, error);
    OBJECT_AUTO struct object *pool = lookup.object;

    if (result < 0 || volume_call_look(&volume_call, volume, error) < 0 ||
        volume_begin_use(volume, false, error) < 0)
        return -1;
    ret_origin->volume = g_steal_pointer(&volume);
    ret_origin->definition = volume_get_definition(ret_origin->volume);
    if (volume_rights_check_origin(call, pool, ret_origin->volume, ret_origin->definition, error) <
        0)
        return -1;
    if (!volume_call.backend->volumes->open && volume_call.volumes == target)
        return 0;
    return volume_call_open(&volume_call, ret_origin->volume, O_RDONLY, &ret_origin->fd, error);
}

/* A clone is as large as its origin, at least. */
static void take_capacity(struct storage_volume *definition, const struct origin *origin)
{
    if (!origin->volume)
        return;
    if (!definition->capacity.set ||
        definition->capacity.value < origin->definition->capacity.value)
        definition->capacity = origin->definition->capacity;
}

static int build(struct call *call, const struct volume_call *volume_call,
                 const struct storage_volume *definition, const struct origin *origin,
                 unsigned flags, struct volume *volume, GError **error)
{
    struct volume_job job VOLUME_JOB_AUTO = {0};
    struct storage_volume *found = NULL;
    struct volume_signature signature;

    volume_job_begin(&job, call->client, origin->volume ? "clone" : "create",
                     volume_call->volumes->pool, volume->name);
    int result = volume_call->backend->volumes->create(
        &job, volume, definition, origin->definition, origin->fd, flags, &found, &signature, error);
    volume_end_building(volume, result == 0 ? found : NULL, &signature);
    return result;
}

struct create_request {
    const char *xml;
    unsigned flags;
    const struct remote_nonnull_storage_vol *origin; /* NULL: from nothing */
};

static int check_made(struct call *call, const struct storage_volume *definition, GError **error)
{
    const struct access_subject subject = {.object = call->object, .part = definition->name};

    return call_check_subject(call, &subject, error);
}

static int create(struct call *call, const struct create_request *request,
                  struct remote_nonnull_storage_vol *ret_handle, GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};
    DEFINITION_AUTO struct storage_volume *definition = NULL;
    VOLUME_AUTO struct volume *volume = NULL;
    struct origin origin ORIGIN_AUTO = {.fd = -1};

    if (volume_call_begin(call, &volume_call, error) < 0 ||
        document_read_volume(request->xml, request->flags & VIR_STORAGE_VOL_CREATE_VALIDATE,
                             request->origin, &definition, error) < 0 ||
        check_made(call, definition, error) < 0)
        return -1;
    if (!volume_call.backend->volumes->create) {
        error_set(error, VIR_ERR_NO_SUPPORT, "storage pool does not support volume creation");
        return -1;
    }
    if (request->origin &&
        open_origin(call, request->origin, volume_call.volumes, &origin, error) < 0)
        return -1;
    take_capacity(definition, &origin);
    if (volume_call_check(&volume_call, error) < 0 ||
        volume_call.backend->volumes->complete(volume_call.volumes, definition, error) < 0 ||
        volume_rights_check_below(call, definition, error) < 0 ||
        volumes_begin_building(volume_call.volumes, definition, &volume, error) < 0 ||
        build(call, &volume_call, definition, &origin, request->flags, volume, error) < 0)
        return -1;
    refresh_sizes(call->object);
    VOLUME_AUTO struct volume *made = volume_call_get(&volume_call, definition->name, error);
    if (!made)
        return -1;
    volume_call_fill(call, volume_call.volumes, made, ret_handle);
    return 0;
}

int storage_vol_create_xml(struct call *call, const struct remote_storage_vol_create_xml_args *args,
                           struct remote_storage_vol_create_xml_ret *ret, GError **error)
{
    struct create_request request = {args->xml, args->flags, NULL};

    return create(call, &request, &ret->vol, error);
}

int storage_vol_create_xml_from(struct call *call,
                                const struct remote_storage_vol_create_xml_from_args *args,
                                struct remote_storage_vol_create_xml_from_ret *ret, GError **error)
{
    struct create_request request = {args->xml, args->flags, &args->clonevol};

    return create(call, &request, &ret->vol, error);
}

/* ---- changed ---- */

/* A volume that nobody else uses meanwhile. */
struct change_use {
    struct volume_call volume_call;
    struct volume *volume; /* NULL: not begun */
    struct volume_job job;
};

static void change_use_clear(struct change_use *use)
{
    volume_job_end(&use->job);
    if (use->volume)
        volume_end_use(use->volume);
    volume_unref(use->volume);
    volume_call_clear(&use->volume_call);
}
#define CHANGE_USE_AUTO __attribute__((cleanup(change_use_clear)))

static int begin_change(struct call *call, const struct remote_nonnull_storage_vol *handle,
                        const char *name, struct change_use *use, GError **error)
{
    VOLUME_AUTO struct volume *volume = NULL;

    if (volume_call_find(call, handle, &use->volume_call, &volume, error) < 0 ||
        volume_call_check(&use->volume_call, error) < 0 ||
        volume_begin_use(volume, true, error) < 0)
        return -1;
    use->volume = g_steal_pointer(&volume);
    volume_job_begin(&use->job, call->client, name, use->volume_call.volumes->pool,
                     use->volume->name);
    return 0;
}

/* What can't be opened is nobody's image. */
static int check_unused(const struct change_use *use, GError **error)
{
    autofd int fd = -1;

    if (volume_call_open(&use->volume_call, use->volume, O_RDONLY, &fd, NULL) < 0)
        return 0;
    return in_use_take(fd, use->volume->path, error);
}

static int find_remover(const struct volume_backend *backend, unsigned flags,
                        int (**ret_remove)(struct volume *volume, GError **error), GError **error)
{
    bool snapshots = flags & VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS;

    if (!backend->remove) {
        error_set(error, VIR_ERR_NO_SUPPORT, "storage pool does not support vol deletion");
        return -1;
    }
    if (snapshots && !backend->remove_with_snapshots) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "unsupported flags (0x%x): volumes of this pool have no snapshots of their own",
                  flags);
        return -1;
    }
    *ret_remove = snapshots ? backend->remove_with_snapshots : backend->remove;
    return 0;
}

int storage_vol_delete(struct call *call, const struct remote_storage_vol_delete_args *args,
                       void *ret, GError **error)
{
    CHANGE_USE_AUTO struct change_use use = {0};
    int (*remove)(struct volume * volume, GError * *error);

    if (begin_change(call, &args->vol, "delete", &use, error) < 0 ||
        find_remover(use.volume_call.backend->volumes, args->flags, &remove, error) < 0 ||
        check_unused(&use, error) < 0 || remove(use.volume, error) < 0)
        return -1;
    volume_forget(use.volume);
    refresh_sizes(call->object);
    return 0;
}

static int wipe_bytes(struct change_use *use, unsigned algorithm, GError **error)
{
    autofd int fd = -1;

    if (volume_call_open(&use->volume_call, use->volume, O_RDWR, &fd, error) < 0 ||
        in_use_take(fd, use->volume->path, error) < 0)
        return -1;
    return bytes_wipe(&use->job, fd, algorithm, error);
}

static int wipe(struct call *call, const struct remote_nonnull_storage_vol *handle,
                unsigned algorithm, GError **error)
{
    CHANGE_USE_AUTO struct change_use use = {0};

    if (algorithm >= VIR_STORAGE_VOL_WIPE_ALG_LAST) {
        error_set(error, VIR_ERR_INVALID_ARG, "wiping algorithm %u not supported", algorithm);
        return -1;
    }
    if (begin_change(call, handle, "wipe", &use, error) < 0)
        return -1;
    const struct volume_backend *backend = use.volume_call.backend->volumes;
    if (check_unused(&use, error) < 0)
        return -1;
    int result = backend->wipe ? backend->wipe(&use.job, use.volume, algorithm, error)
                               : wipe_bytes(&use, algorithm, error);
    if (result < 0)
        return -1;
    volume_forget_raw(use.volume);
    return volume_call_look(&use.volume_call, use.volume, error);
}

int storage_vol_wipe(struct call *call, const struct remote_storage_vol_wipe_args *args, void *ret,
                     GError **error)
{
    return wipe(call, &args->vol, VIR_STORAGE_VOL_WIPE_ALG_ZERO, error);
}

int storage_vol_wipe_pattern(struct call *call,
                             const struct remote_storage_vol_wipe_pattern_args *args, void *ret,
                             GError **error)
{
    return wipe(call, &args->vol, args->algorithm, error);
}

static int find_capacity(const struct storage_volume *volume, uint64_t asked, unsigned flags,
                         uint64_t *ret_capacity, GError **error)
{
    uint64_t now = volume->capacity.value, capacity = asked;
    bool shrink = flags & VIR_STORAGE_VOL_RESIZE_SHRINK;

    if (flags & VIR_STORAGE_VOL_RESIZE_DELTA && shrink)
        capacity = now - MIN(asked, now);
    else if (flags & VIR_STORAGE_VOL_RESIZE_DELTA)
        capacity = asked > INT64_MAX ? asked : now + asked;
    if (capacity > INT64_MAX) {
        error_set(error, VIR_ERR_OVERFLOW, "capacity is too large");
        return -1;
    }
    if (capacity < volume->allocation.value) {
        error_set(error, VIR_ERR_INVALID_ARG, "can't shrink capacity below existing allocation");
        return -1;
    }
    if (capacity < now && !shrink) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "Can't shrink capacity below current capacity unless shrink flag explicitly "
                  "specified");
        return -1;
    }
    *ret_capacity = capacity;
    return 0;
}

/* A raw image may grow below a guest, which will be told of it. */
static bool may_hurt(const struct storage_volume *definition, uint64_t capacity)
{
    return capacity < definition->capacity.value || definition->target.format != IMAGE_FORMAT_RAW;
}

int storage_vol_resize(struct call *call, const struct remote_storage_vol_resize_args *args,
                       void *ret, GError **error)
{
    CHANGE_USE_AUTO struct change_use use = {0};
    DEFINITION_AUTO struct storage_volume *definition = NULL;
    uint64_t capacity;

    if (begin_change(call, &args->vol, "resize", &use, error) < 0 ||
        volume_call_look(&use.volume_call, use.volume, error) < 0)
        return -1;
    if (!use.volume_call.backend->volumes->resize) {
        error_set(error, VIR_ERR_NO_SUPPORT,
                  "storage pool does not support changing of volume capacity");
        return -1;
    }
    definition = volume_get_definition(use.volume);
    if (find_capacity(definition, args->capacity, args->flags, &capacity, error) < 0 ||
        (may_hurt(definition, capacity) && check_unused(&use, error) < 0) ||
        use.volume_call.backend->volumes->resize(&use.job, use.volume, capacity,
                                                 args->flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE,
                                                 error) < 0 ||
        volume_call_look(&use.volume_call, use.volume, error) < 0)
        return -1;
    refresh_sizes(call->object);
    return 0;
}

#define CREATE_FLAGS                                                                               \
    (VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA | VIR_STORAGE_VOL_CREATE_REFLINK |                   \
     VIR_STORAGE_VOL_CREATE_VALIDATE)
#define RESIZE_FLAGS                                                                               \
    (VIR_STORAGE_VOL_RESIZE_ALLOCATE | VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_SHRINK)

static const struct method rows[] = {
    {.binding = HANDLER(remote, storage_vol_create_xml), .finds = true, .flags = CREATE_FLAGS},
    {.binding = HANDLER(remote, storage_vol_create_xml_from), .finds = true, .flags = CREATE_FLAGS},
    {.binding = HANDLER(remote, storage_vol_delete),
     .finds = true,
     .flags = VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS},
    {.binding = HANDLER(remote, storage_vol_wipe), .finds = true},
    {.binding = HANDLER(remote, storage_vol_wipe_pattern), .finds = true},
    {.binding = HANDLER(remote, storage_vol_resize), .finds = true, .flags = RESIZE_FLAGS},
};

const struct driver_methods volume_methods = DRIVER_METHODS(rows);

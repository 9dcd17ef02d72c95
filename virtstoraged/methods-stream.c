/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "base/fd.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "folder.h"
#include "in-use.h"
#include "methods.h"
#include "start.h"
#include "transfer.h"
#include "volume-call.h"

/* What is kept of a call while its stream is open. */
struct use {
    struct object *object;
    struct volume_call volume_call;
    struct volume *volume;
    struct volume_job job;
    bool upload;
};

static void use_free(struct use *use)
{
    volume_call_clear(&use->volume_call);
    volume_unref(use->volume);
    object_unref(use->object);
    g_free(use);
}

/* What a client has sent decides anew what the volume is; from now on it is a guest's again. */
static void look_anew(struct use *use)
{
    autofd int fd = -1;

    volume_forget_raw(use->volume);
    if (volume_call_look(&use->volume_call, use->volume, NULL) == 0 && volume_is_raw(use->volume) &&
        volume_call_open(&use->volume_call, use->volume, O_RDONLY, &fd, NULL) == 0)
        folder_mark_raw(fd, true);
}

static void use_ended(void *data)
{
    struct use *use = data;

    if (use->upload)
        look_anew(use);
    volume_job_end(&use->job);
    volume_end_use(use->volume);
    if (use->upload) {
        refresh_sizes(use->object);
        pool_raise_refresh(use->object, NULL);
    }
    use_free(use);
}

struct range {
    uint64_t offset, length;
};

static int open_volume(struct use *use, int *ret_fd, GError **error)
{
    int mode = use->upload ? O_RDWR : O_RDONLY;
    autofd int fd = -1;

    if (volume_call_open(&use->volume_call, use->volume, mode, &fd, error) < 0 ||
        (use->upload && in_use_share(fd, use->volume->path, error) < 0))
        return -1;
    if (use->upload)
        folder_mark_raw(fd, false);
    *ret_fd = fd_take(&fd);
    return 0;
}

/* On failure nothing is begun. */
static int hand_over(struct call *call, struct use *use, struct range range, bool sparse,
                     GError **error)
{
    struct transfer_request request = {
        .stream = call_stream(call),
        .loop = storaged->driver->daemon->loop,
        .offset = range.offset,
        .length = range.length,
        .upload = use->upload,
        .sparse = sparse,
        .job = &use->job,
        .ended = use_ended,
        .data = use,
    };

    if (volume_begin_use(use->volume, false, error) < 0)
        return -1;
    volume_job_begin(&use->job, call->client, use->upload ? "upload" : "download",
                     use->volume_call.volumes->pool, use->volume->name);
    if (open_volume(use, &request.fd, error) == 0 && transfer_begin(&request, error) == 0)
        return 0;
    volume_job_end(&use->job);
    volume_end_use(use->volume);
    return -1;
}

static int begin(struct call *call, const struct remote_nonnull_storage_vol *handle,
                 struct range range, bool sparse, bool upload, GError **error)
{
    if (range.offset > INT64_MAX || range.length > INT64_MAX) {
        error_set(error, VIR_ERR_INVALID_ARG, "offset or length is out of range");
        return -1;
    }
    struct use *use = g_new0(struct use, 1);
    use->upload = upload;
    if (volume_call_find(call, handle, &use->volume_call, &use->volume, error) == 0) {
        use->object = object_ref(call->object);
        if (hand_over(call, use, range, sparse, error) == 0)
            return 0;
    }
    use_free(use);
    return -1;
}

int storage_vol_upload(struct call *call, const struct remote_storage_vol_upload_args *args,
                       void *ret, GError **error)
{
    return begin(call, &args->vol, (struct range){args->offset, args->length},
                 args->flags & VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, true, error);
}

int storage_vol_download(struct call *call, const struct remote_storage_vol_download_args *args,
                         void *ret, GError **error)
{
    return begin(call, &args->vol, (struct range){args->offset, args->length},
                 args->flags & VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, false, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, storage_vol_upload),
     .finds = true,
     .flags = VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM},
    {.binding = HANDLER(remote, storage_vol_download),
     .finds = true,
     .flags = VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM},
};

const struct driver_methods stream_methods = DRIVER_METHODS(rows);

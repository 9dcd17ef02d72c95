/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "guest.h"
#include "json.h"
#include "methods.h"
#include "qmp-commands.h"

/* A look at what a guest has on its disks and in its memory. */

static int check_size(const char *what, uint32_t size, uint32_t most, GError **error)
{
    if (size <= most)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "%s peek request too large: %u > %u", what, size, most);
    return -1;
}

static int read_at(int fd, uint64_t offset, uint32_t size, const char *path, char *ret_bytes,
                   GError **error)
{
    for (uint32_t done = 0; done < size;) {
        ssize_t count = pread(fd, ret_bytes + done, size - done, (off_t)(offset + done));

        if (count < 0) {
            error_set_errno(error, errno, "%s: failed to seek or read", path);
            return -1;
        }
        if (count == 0) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "'%s' starting from %" G_GUINT64_FORMAT " has only %u bytes available", path,
                      offset, done);
            return -1;
        }
        done += (uint32_t)count;
    }
    return 0;
}

/* The bytes of the image, whose format alone says what they mean to the guest. */
int domain_block_peek(struct call *call, const struct remote_domain_block_peek_args *args,
                      struct remote_domain_block_peek_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (check_size("block", args->size, REMOTE_DOMAIN_BLOCK_PEEK_BUFFER_MAX, error) < 0 ||
        call_get_view(call, &view, error) < 0)
        return -1;
    const struct domain_disk *disk = domain_find_disk_or_path(view_current(&view), args->path);
    if (!disk) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' not found in domain", args->path);
        return -1;
    }
    if (disk->source.format != IMAGE_FORMAT_RAW || !disk->source.path ||
        !domain_source_is_local(&disk->source)) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "peeking is only supported for disks with 'raw' format of this host");
        return -1;
    }
    autofd int fd = open(disk->source.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set_errno(error, errno, "cannot open '%s'", disk->source.path);
        return -1;
    }
    ret->buffer_len = args->size;
    ret->buffer_val = arena_alloc(&call->arena, args->size);
    return read_at(fd, args->offset, args->size, disk->source.path, ret->buffer_val, error);
}

/* QEMU writes what it has into the folder of this run, where it may; the file goes once it is open.
 */
static int save_memory(struct guest *guest, uint64_t offset, uint32_t size, bool physical,
                       const char *path, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result = qmp_save_memory(qmp, offset, size, path, physical, 0, error);
    qmp_unref(qmp);
    return result;
}

static int check_memory_peek(struct call *call, const void *data, GError **error)
{
    const struct remote_domain_memory_peek_args *args = data;

    if (args->flags == VIR_MEMORY_VIRTUAL || args->flags == VIR_MEMORY_PHYSICAL)
        return check_size("memory", args->size, REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX, error);
    error_set(error, VIR_ERR_INVALID_ARG,
              "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
    return -1;
}

int domain_memory_peek(struct call *call, const struct remote_domain_memory_peek_args *args,
                       struct remote_domain_memory_peek_ret *ret, GError **error)
{
    static atomic_uint serial;
    struct guest *guest = guest_of(call->object);

    g_autofree char *path =
        g_strdup_printf("%s/memory-%u", guest->folder, atomic_fetch_add(&serial, 1));
    int result = save_memory(guest, args->offset, args->size, args->flags == VIR_MEMORY_PHYSICAL,
                             path, error);
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    unlink(path);
    if (result < 0)
        return -1;
    if (fd < 0) {
        error_set_errno(error, errno, "cannot open what QEMU wrote");
        return -1;
    }
    ret->buffer_len = args->size;
    ret->buffer_val = arena_alloc(&call->arena, args->size);
    return read_at(fd, 0, args->size, path, ret->buffer_val, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_block_peek)},
    {.binding = HANDLER(remote, domain_memory_peek),
     .flags = VIR_MEMORY_VIRTUAL | VIR_MEMORY_PHYSICAL,
     .check = check_memory_peek,
     .job = true,
     .state = METHOD_ACTIVE},
};

const struct driver_methods peek_methods = DRIVER_METHODS(rows);

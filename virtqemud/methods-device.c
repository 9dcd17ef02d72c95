/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/domains.h"
#include "protocol/remote-handlers.h"
#include "wire/stream.h"

#include "console.h"
#include "keys.h"
#include "methods.h"
#include "qmp-commands.h"

/* ---- consoles ---- */

int domain_open_console(struct call *call, const struct remote_domain_open_console_args *args,
                        void *ret, GError **error)
{
    return console_open(guest_of(call->object), args->dev_name, args->flags, call_stream(call),
                        error);
}

int domain_open_channel(struct call *call, const struct remote_domain_open_channel_args *args,
                        void *ret, GError **error)
{
    return console_open_channel(guest_of(call->object), args->name,
                                args->flags & VIR_DOMAIN_CHANNEL_FORCE, call_stream(call), error);
}

/* ---- the screen ---- */

/* QEMU writes into the folder of this run, where it may; the file is gone once it is open. */
static int take_picture(struct guest *guest, unsigned screen, bool png, GError **error)
{
    static atomic_uint serial;
    g_autofree char *path =
        g_strdup_printf("%s/screen-%u", guest->folder, atomic_fetch_add(&serial, 1));
    g_autofree char *alias = g_strdup_printf("video%u", screen);
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result = qmp_screendump(qmp, path, screen ? alias : NULL, 0, png, 0, error);
    qmp_unref(qmp);
    if (result < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        error_set_errno(error, errno, "cannot open the picture %s", path);
    unlink(path);
    return fd;
}

int domain_screenshot(struct call *call, const struct remote_domain_screenshot_args *args,
                      struct remote_domain_screenshot_ret *ret, GError **error)
{
    struct guest *guest = guest_of(call->object);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    if (!view_live(&view)->devices.videos.count) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "no screens to take screenshot from");
        return -1;
    }
    if (args->screen >= view_live(&view)->devices.videos.count) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "there is no screen %u", args->screen);
        return -1;
    }
    ret->mime = "image/png";
    int fd = take_picture(guest, args->screen, true, NULL);
    if (fd < 0) { /* QEMU may be built without it */
        ret->mime = "image/x-portable-pixmap";
        fd = take_picture(guest, args->screen, false, error);
    }
    if (fd < 0)
        return -1;
    return stream_attach_fd(call_stream(call), fd, STREAM_FD_SOURCE, NULL, NULL, error);
}

/* ---- input ---- */

static int translate_keys(const struct remote_domain_send_key_args *args, unsigned *ret_numbers,
                          GError **error)
{
    for (uint32_t i = 0; i < args->keycodes_len; i++)
        if (key_translate(args->codeset, args->keycodes_val[i], &ret_numbers[i], error) < 0)
            return -1;
    return 0;
}

static int check_keys(struct call *call, const void *data, GError **error)
{
    const struct remote_domain_send_key_args *args = data;

    return translate_keys(args, arena_array(&call->arena, args->keycodes_len, sizeof(unsigned)),
                          error);
}

int domain_send_key(struct call *call, const struct remote_domain_send_key_args *args, void *ret,
                    GError **error)
{
    unsigned *numbers = arena_array(&call->arena, args->keycodes_len, sizeof(unsigned));
    struct qmp *qmp;

    if (translate_keys(args, numbers, error) < 0)
        return -1;
    if (!(qmp = guest_get_qmp(guest_of(call->object), error)))
        return -1;
    int result = qmp_send_keys(qmp, numbers, args->keycodes_len, args->holdtime, 0, error);
    qmp_unref(qmp);
    return result;
}

int domain_inject_nmi(struct call *call, const struct remote_domain_inject_nmi_args *args,
                      void *ret, GError **error)
{
    return guest_command(call->job, "inject-nmi", NULL, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_open_console),
     .flags = VIR_DOMAIN_CONSOLE_FORCE | VIR_DOMAIN_CONSOLE_SAFE,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_open_channel),
     .flags = VIR_DOMAIN_CHANNEL_FORCE,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_screenshot), .job = true, .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_send_key),
     .check = check_keys,
     .job = true,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_inject_nmi), .job = true, .state = METHOD_ACTIVE},
};

const struct driver_methods device_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "bandwidth.h"
#include "io-errors.h"
#include "json.h"
#include "methods.h"
#include "qmp-commands.h"
#include "taint.h"

/* Displays of running guests, and what is to be said of a guest at large. */

/* ---- descriptors for displays ---- */

/* The protocol of a display that can be given a client; NULL with the error set. */
static const char *find_protocol(struct call *call, unsigned index, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    const struct domain *live = view_live(&view);
    if (index >= live->devices.graphics.count) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "No graphics backend with index %u", index);
        return NULL;
    }
    switch (live->devices.graphics.items[index]->type) {
    case GRAPHICS_VNC:
        return "vnc";
    case GRAPHICS_SPICE:
        return "spice";
    default:
        error_set(error, VIR_ERR_INTERNAL_ERROR, "Can only open VNC or SPICE graphics backends");
        return NULL;
    }
}

/* fd stays the caller's. */
static int hand_over(struct call *call, unsigned index, int fd, GError **error)
{
    static const char name[] = "graphicsfd";
    bool skip = call->flags & VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH;
    const char *protocol = find_protocol(call, index, error);
    struct qmp *qmp = protocol ? guest_get_qmp(guest_of(call->object), error) : NULL;

    if (!qmp)
        return -1;
    int result = qmp_getfd(qmp, name, fd, 0, error);
    if (result == 0 && (result = qmp_execute(qmp, "add_client",
                                             json_build("s:protocol", protocol, "s:fdname", name,
                                                        "b:skipauth", skip, NULL),
                                             0, NULL, error)) < 0)
        qmp_closefd(qmp, name, 0, NULL);
    qmp_unref(qmp);
    return result;
}

int domain_open_graphics(struct call *call, const struct remote_domain_open_graphics_args *args,
                         void *ret, GError **error)
{
    autofd int fd = call_take_fd(call, 0);

    if (fd < 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "no descriptor came with the call");
        return -1;
    }
    return hand_over(call, args->idx, fd, error);
}

int domain_open_graphics_fd(struct call *call,
                            const struct remote_domain_open_graphics_fd_args *args, void *ret,
                            GError **error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        error_set_errno(error, errno, "cannot make a socket");
        return -1;
    }
    int result = hand_over(call, args->idx, ends[0], error);
    close(ends[0]);
    if (result == 0)
        call_reply_fd(call, ends[1]);
    else
        close(ends[1]);
    return result;
}

int domain_graphics_reload(struct call *call, const struct remote_domain_graphics_reload_args *args,
                           void *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (args->type >= VIR_DOMAIN_GRAPHICS_RELOAD_TYPE_LAST) {
        error_set(error, VIR_ERR_INVALID_ARG, "unknown type %u of graphics", args->type);
        return -1;
    }
    object_get_view(call->object, &view);
    if (!domain_find_graphics(view_live(&view), GRAPHICS_VNC)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain has no VNC graphics to reload");
        return -1;
    }
    return guest_command(call->job, "display-reload",
                         json_build("s:type", "vnc", "b:tls-certs", true, NULL), error);
}

/* ---- messages ---- */

int domain_get_messages(struct call *call, const struct remote_domain_get_messages_args *args,
                        struct remote_domain_get_messages_ret *ret, GError **error)
{
    unsigned flags = args->flags ? args->flags : UINT_MAX;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    struct guest *guest = guest_of(call->object);

    if (call_get_view(call, &view, error) < 0)
        return -1;
    if (view.live && flags & VIR_DOMAIN_MESSAGE_TAINTING)
        taint_list(guest, view_live(&view), words);
    if (view.live && flags & VIR_DOMAIN_MESSAGE_DEPRECATION)
        taint_list_deprecated(guest, view_live(&view), words);
    if (view.live && flags & VIR_DOMAIN_MESSAGE_IOERRORS)
        io_errors_list(guest, words);
    ret->msgs_len = words->len;
    ret->msgs_val = arena_array(&call->arena, words->len, sizeof(*ret->msgs_val));
    for (guint i = 0; i < words->len; i++)
        ret->msgs_val[i] = arena_strdup(&call->arena, words->pdata[i]);
    return 0;
}

/* ---- telling the network where the guest is ---- */

struct announcement {
    unsigned initial, max, rounds, step; /* milliseconds, but for rounds */
};

#define ROW(field, member)                                                                         \
    {                                                                                              \
        VIR_DOMAIN_ANNOUNCE_INTERFACE_##field, VIR_TYPED_PARAM_UINT,                               \
            offsetof(struct announcement, member), 0                                               \
    }

static const struct param_row announce_rows[] = {ROW(INITIAL, initial), ROW(MAX, max),
                                                 ROW(ROUNDS, rounds), ROW(STEP, step)};

int domain_announce_interface(struct call *call,
                              const struct remote_domain_announce_interface_args *args, void *ret,
                              GError **error)
{
    /* what QEMU itself does after a migration */
    struct announcement values = {.initial = 50, .max = 550, .rounds = 5, .step = 100};
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain_net *net = NULL;

    if (params_read(args->params_val, args->params_len, announce_rows, G_N_ELEMENTS(announce_rows),
                    &values, error) < 0)
        return -1;
    object_get_view(call->object, &view);
    if (args->device && !(net = bandwidth_find_net(view_live(&view), args->device, error)))
        return -1;
    struct json_object *arguments =
        json_build("u:initial", values.initial, "u:max", values.max, "u:rounds", values.rounds,
                   "u:step", values.step, NULL);
    if (net) {
        struct json_object *names = json_object_new_array();

        json_object_array_add(names, json_object_new_string(net->info.alias));
        json_add(arguments, "j:interfaces", names, NULL);
    }
    return guest_command(call->job, "announce-self", arguments, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_open_graphics),
     .flags = VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH,
     .job = true,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_open_graphics_fd),
     .flags = VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH,
     .job = true,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_graphics_reload), .job = true, .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_get_messages),
     .flags = VIR_DOMAIN_MESSAGE_DEPRECATION | VIR_DOMAIN_MESSAGE_TAINTING |
              VIR_DOMAIN_MESSAGE_IOERRORS},
    {.binding = HANDLER(remote, domain_announce_interface), .job = true, .state = METHOD_ACTIVE},
};

const struct driver_methods display_methods = DRIVER_METHODS(rows);

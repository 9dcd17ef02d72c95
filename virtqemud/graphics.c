/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graphics.h"

#include <string.h>

#include "base/error.h"

#include "device-common.h"
#include "helper.h"
#include "option.h"

#define VNC_FIRST_PORT 5900

static int refuse(const struct domain_graphics *graphics, const char *reason, GError **error)
{
    return device_refuse(error, "graphics", names_word(&graphics_type_names, graphics->type), "%s",
                         reason);
}

const char *graphics_password(const struct domain_graphics *graphics,
                              const struct qemu_config *config)
{
    if (graphics->password)
        return graphics->password;
    return graphics->type == GRAPHICS_VNC ? config->vnc_password : config->spice_password;
}

/* Where a display listens: the first <listen>, or what it was before there were such. */
struct place {
    enum listen_type type;
    const char *address;
    const char *socket;
};

static struct place find_place(const struct domain_graphics *graphics, const char *fallback)
{
    struct place place = {LISTEN_ADDRESS, graphics->listen ? graphics->listen : fallback, NULL};
    const struct graphics_listen *listen =
        graphics->listens.count ? graphics->listens.items[0] : NULL;

    if (graphics->socket)
        return (struct place){LISTEN_SOCKET, NULL, graphics->socket};
    if (!listen)
        return place;
    if (listen->type != LISTEN_ABSENT)
        place.type = listen->type;
    if (listen->address)
        place.address = listen->address;
    place.socket = listen->socket;
    return place;
}

/* The <audio> that the display takes the sound of, or the first one. */
static void add_audio(GString *option, const struct domain *domain,
                      const struct domain_graphics *graphics)
{
    const struct domain_devices *devices = &domain->devices;
    unsigned first = devices->audios.count ? devices->audios.items[0]->id : 1;

    option_addf(option, "audiodev", "audio%u", graphics->audio.set ? graphics->audio.value : first);
}

/* ---- VNC ---- */

/* A bare word first, unless it has a '=', which QEMU would take for an option's. */
static GString *begin_vnc(const char *display)
{
    GString *option = option_new("");

    if (strchr(display, '=')) {
        option_add(option, "vnc", display);
        return option;
    }
    for (const char *at = display; *at; at++)
        g_string_append_printf(option, "%s%c", *at == ',' ? "," : "", *at);
    return option;
}

static int build_vnc_display(const struct domain_graphics *graphics, const struct place *place,
                             char **ret_display, GError **error)
{
    int port = graphics->port >= VNC_FIRST_PORT ? graphics->port - VNC_FIRST_PORT : 0;
    const char *address = place->address ? place->address : "";
    bool v6 = strchr(address, ':') != NULL;

    if (graphics->port > 0 && graphics->port < VNC_FIRST_PORT)
        return refuse(graphics, "VNC ports begin at 5900", error);
    if (place->type == LISTEN_SOCKET && !place->socket)
        return refuse(graphics, "its socket has no path", error);
    if (place->type == LISTEN_NONE)
        *ret_display = g_strdup("none");
    else if (place->type == LISTEN_SOCKET)
        *ret_display = g_strdup_printf("unix:%s", place->socket);
    else
        *ret_display = g_strdup_printf(v6 ? "[%s]:%d" : "%s:%d", address, port);
    return 0;
}

static int build_vnc(const struct domain *domain, const struct domain_graphics *graphics,
                     const struct arguments_context *context, struct arguments *arguments,
                     GError **error)
{
    static const char *const shares[] = {[VNC_SHARE_ALLOW_EXCLUSIVE] = "allow-exclusive",
                                         [VNC_SHARE_FORCE_SHARED] = "force-shared",
                                         [VNC_SHARE_IGNORE] = "ignore"};
    struct place place = find_place(graphics, context->config->vnc_listen);
    g_autofree char *display = NULL;

    if (!emulator_has(context->emulator, EMULATOR_VNC))
        return refuse(graphics, "the emulator has no VNC", error);
    if (build_vnc_display(graphics, &place, &display, error) < 0)
        return -1;
    GString *option = begin_vnc(display);
    if (graphics->websocket)
        option_addf(option, "websocket", "%d", graphics->websocket);
    option_add(option, "share", shares[graphics->share_policy]);
    if (graphics_password(graphics, context->config))
        option_add_bool(option, "password", true);
    option_add_tristate(option, "power-control", graphics->power_control);
    if (emulator_has(context->emulator, EMULATOR_VNC_AUDIODEV))
        add_audio(option, domain, graphics);
    words_add_option(arguments, "-vnc", option);
    if (graphics->keymap)
        words_add(arguments, "-k", graphics->keymap, NULL);
    return 0;
}

/* ---- SPICE ---- */

static void add_spice_place(GString *option, const struct domain_graphics *graphics,
                            const struct place *place)
{
    switch (place->type) {
    case LISTEN_NONE:
        option_add(option, "port", "0");
        return;
    case LISTEN_SOCKET:
        option_add_bool(option, "unix", true);
        option_add(option, "addr", place->socket);
        return;
    default:
        option_addf(option, "port", "%d", graphics->port > 0 ? graphics->port : 0);
        option_add(option, "addr", place->address);
        return;
    }
}

static void add_spice_options(GString *option, const struct graphics_spice *spice)
{
    static const char *const streaming[] = {[SPICE_STREAMING_FILTER] = "filter",
                                            [SPICE_STREAMING_ALL] = "all",
                                            [SPICE_STREAMING_OFF] = "off"};

    if (!spice)
        return;
    if (spice->image)
        option_add(option, "image-compression", names_word(&spice_image_names, spice->image));
    if (spice->jpeg)
        option_add(option, "jpeg-wan-compression", names_word(&spice_when_names, spice->jpeg));
    if (spice->zlib)
        option_add(option, "zlib-glz-wan-compression", names_word(&spice_when_names, spice->zlib));
    option_add_tristate(option, "playback-compression", spice->playback);
    option_add(option, "streaming-video", streaming[spice->streaming]);
    if (spice->copypaste == TRISTATE_NO)
        option_add_bool(option, "disable-copy-paste", true);
    if (spice->filetransfer == TRISTATE_NO)
        option_add_bool(option, "disable-agent-file-xfer", true);
}

static int check_spice(const struct domain_graphics *graphics, const struct place *place,
                       const struct arguments_context *context, GError **error)
{
    const struct graphics_spice *spice = graphics->spice;

    if (!emulator_has(context->emulator, EMULATOR_SPICE))
        return refuse(graphics, "the emulator has no SPICE", error);
    if (graphics->tls_port > 0 || graphics->spice_default_mode == SPICE_MODE_SECURE)
        return refuse(graphics, "TLS is not in this version", error);
    if (place->type == LISTEN_SOCKET && !place->socket)
        return refuse(graphics, "its socket has no path", error);
    if (!spice)
        return 0;
    LIST_EACH (channel, &spice->channels)
        if (channel->mode == SPICE_MODE_SECURE)
            return refuse(graphics, "TLS is not in this version", error);
    return 0;
}

static int build_spice(const struct domain *domain, const struct domain_graphics *graphics,
                       const struct arguments_context *context, struct arguments *arguments,
                       GError **error)
{
    struct place place = find_place(graphics, context->config->spice_listen);

    if (check_spice(graphics, &place, context, error) < 0)
        return -1;
    GString *option = option_new("");
    add_spice_place(option, graphics, &place);
    if (graphics->spice && graphics->spice->mouse)
        option_add(option, "agent-mouse",
                   graphics->spice->mouse == MOUSE_MODE_CLIENT ? "on" : "off");
    if (!graphics_password(graphics, context->config))
        option_add_bool(option, "disable-ticketing", true);
    add_spice_options(option, graphics->spice);
    if (graphics->gl == TRISTATE_YES) {
        option_add_bool(option, "gl", true);
        option_add(option, "rendernode", graphics->rendernode);
    }
    option_add_bool(option, "seamless-migration", true);
    words_add_option(arguments, "-spice", option);
    if (graphics->keymap)
        words_add(arguments, "-k", graphics->keymap, NULL);
    return 0;
}

/* ---- displays on the host itself ---- */

static int build_sdl(const struct domain *domain, const struct domain_graphics *graphics,
                     const struct arguments_context *context, struct arguments *arguments,
                     GError **error)
{
    GString *option = option_new("sdl");

    option_add_tristate(option, "gl", graphics->gl);
    if (graphics->fullscreen == TRISTATE_YES)
        option_add_bool(option, "full-screen", true);
    if (graphics->display)
        words_add_variable(arguments, "DISPLAY", graphics->display);
    if (graphics->xauth)
        words_add_variable(arguments, "XAUTHORITY", graphics->xauth);
    words_add_option(arguments, "-display", option);
    return 0;
}

static int build_egl(const struct domain *domain, const struct domain_graphics *graphics,
                     const struct arguments_context *context, struct arguments *arguments,
                     GError **error)
{
    if (!emulator_has(context->emulator, EMULATOR_DISPLAY_EGL))
        return refuse(graphics, "the emulator has no EGL display", error);
    GString *option = option_new("egl-headless");
    option_add(option, "rendernode", graphics->rendernode);
    words_add_option(arguments, "-display", option);
    return 0;
}

/* ---- a bus ---- */

static char *bus_address(const struct domain *domain, const struct domain_graphics *graphics,
                         const struct arguments_context *context)
{
    g_autofree char *path = NULL;

    if (graphics->address)
        return g_strdup(graphics->address);
    path = helper_socket_path(domain, HELPER_BUS, NULL, context->status_folder, context->folder);
    return g_strdup_printf("unix:path=%s", path);
}

static int build_bus(const struct domain *domain, const struct domain_graphics *graphics,
                     const struct arguments_context *context, struct arguments *arguments,
                     GError **error)
{
    g_autofree char *address = bus_address(domain, graphics, context);
    GString *option;

    if (!emulator_has(context->emulator, EMULATOR_DISPLAY_DBUS))
        return refuse(graphics, "the emulator has no D-Bus display", error);
    option = option_new("dbus");
    if (graphics->p2p == TRISTATE_YES)
        option_add_bool(option, "p2p", true);
    else
        option_add(option, "addr", address);
    option_add_tristate(option, "gl", graphics->gl);
    option_add(option, "rendernode", graphics->rendernode);
    if (graphics->audio.set)
        option_addf(option, "audiodev", "audio%u", graphics->audio.value);
    words_add_option(arguments, "-display", option);
    return 0;
}

static int (*const builders[])(const struct domain *, const struct domain_graphics *,
                               const struct arguments_context *, struct arguments *, GError **) = {
    [GRAPHICS_SDL] = build_sdl,     [GRAPHICS_VNC] = build_vnc,
    [GRAPHICS_SPICE] = build_spice, [GRAPHICS_EGL_HEADLESS] = build_egl,
    [GRAPHICS_DBUS] = build_bus,
};

int graphics_build(const struct domain *domain, const struct domain_graphics *graphics,
                   const struct arguments_context *context, struct arguments *arguments,
                   GError **error)
{
    if (graphics->type >= G_N_ELEMENTS(builders) || !builders[graphics->type])
        return refuse(graphics, "this type is not in this version", error);
    return builders[graphics->type](domain, graphics, context, arguments, error);
}

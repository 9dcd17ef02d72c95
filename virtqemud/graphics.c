/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "graphics.h"

#include <string.h>

#include "base/error.h"

#include "arguments-parts.h"
#include "block-nodes.h"
#include "device-common.h"
#include "helper.h"
#include "option.h"
#include "tls-creds.h"

#define VNC_FIRST_PORT 5900
#define VNC_CREDENTIALS "vnc-tls-creds0"

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

/* A bare word first, unless it is a path, which may have a '=' that QEMU takes for an option's. */
static GString *begin_vnc(const char *display)
{
    GString *option = option_new("");

    if (g_str_has_prefix(display, "unix:") || strchr(display, '=')) {
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

static int add_vnc_credentials(const struct arguments_context *context, struct arguments *arguments,
                               GError **error)
{
    g_autoptr(GPtrArray) objects = block_nodes_new();

    if (tls_creds_add(QEMU_TLS_VNC, true, VNC_CREDENTIALS, VNC_CREDENTIALS "-secret0", context,
                      objects, error) < 0)
        return -1;
    arguments_add_nodes(objects, context, arguments);
    return 0;
}

/* Of QEMU's SASL library: its server is called qemu. */
static void add_sasl(GString *option, const char *folder, struct arguments *arguments)
{
    option_add_bool(option, "sasl", true);
    if (folder)
        words_add_variable(arguments, "SASL_CONF_PATH", folder);
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
    const struct qemu_config *config = context->config;
    bool tls = config->tls[QEMU_TLS_VNC].enabled;
    if (build_vnc_display(graphics, &place, &display, error) < 0 ||
        (tls && add_vnc_credentials(context, arguments, error) < 0))
        return -1;
    GString *option = begin_vnc(display);
    if (graphics->websocket)
        option_addf(option, "websocket", "%d", graphics->websocket);
    option_add(option, "share", shares[graphics->share_policy]);
    if (graphics_password(graphics, config))
        option_add_bool(option, "password", true);
    option_add(option, "tls-creds", tls ? VNC_CREDENTIALS : NULL);
    if (config->vnc_sasl)
        add_sasl(option, config->vnc_sasl_folder, arguments);
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
        if (graphics->port > 0 || graphics->tls_port <= 0)
            option_addf(option, "port", "%d", MAX(graphics->port, 0));
        if (graphics->tls_port > 0)
            option_addf(option, "tls-port", "%d", graphics->tls_port);
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

/* What its channels can use. */
struct reach {
    bool plain, secure;
};

static struct reach spice_reach(const struct domain_graphics *graphics, const struct place *place)
{
    if (place->type == LISTEN_NONE || place->type == LISTEN_SOCKET)
        return (struct reach){.plain = true};
    return (struct reach){graphics->port > 0, graphics->tls_port > 0};
}

static int check_mode(unsigned mode, const char *what, const struct reach *reach, GError **error)
{
    bool secure = mode == SPICE_MODE_SECURE;

    if ((secure && reach->secure) || (mode == SPICE_MODE_INSECURE && reach->plain) ||
        mode == SPICE_MODE_ANY || mode == SPICE_MODE_NONE)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "spice %s in XML configuration, but %s connection is not available", what,
              secure ? "TLS" : "plaintext");
    return -1;
}

static int check_modes(const struct domain_graphics *graphics, const struct reach *reach,
                       GError **error)
{
    static const char *const usual[] = {[SPICE_MODE_NONE] = "",
                                        [SPICE_MODE_ANY] = "",
                                        [SPICE_MODE_SECURE] = "defaultMode secure requested",
                                        [SPICE_MODE_INSECURE] = "defaultMode insecure requested"};
    static const char *const channels[] = {[SPICE_MODE_NONE] = "",
                                           [SPICE_MODE_ANY] = "",
                                           [SPICE_MODE_SECURE] = "secure channels set",
                                           [SPICE_MODE_INSECURE] = "insecure channels set"};

    if (check_mode(graphics->spice_default_mode, usual[graphics->spice_default_mode], reach,
                   error) < 0)
        return -1;
    if (!graphics->spice)
        return 0;
    LIST_EACH (channel, &graphics->spice->channels)
        if (check_mode(channel->mode, channels[channel->mode], reach, error) < 0)
            return -1;
    return 0;
}

static int check_spice(const struct domain_graphics *graphics, const struct place *place,
                       const struct arguments_context *context, GError **error)
{
    struct reach reach = spice_reach(graphics, place);

    if (!emulator_has(context->emulator, EMULATOR_SPICE))
        return refuse(graphics, "the emulator has no SPICE", error);
    if (place->type == LISTEN_SOCKET && !place->socket)
        return refuse(graphics, "its socket has no path", error);
    if (graphics->gl == TRISTATE_YES && place->type != LISTEN_SOCKET &&
        place->type != LISTEN_NONE && !emulator_has(context->emulator, EMULATOR_SPICE_GL_REMOTE))
        return refuse(graphics,
                      "OpenGL is for viewers on this host: it needs a <listen> of type 'none' or "
                      "'socket'",
                      error);
    if (reach.secure && !context->plan && !context->config->tls[QEMU_TLS_SPICE].enabled)
        return refuse(graphics, "it has a port for TLS, and qemu.conf does not say spice_tls = 1",
                      error);
    return check_modes(graphics, &reach, error);
}

static void add_mode(GString *option, unsigned mode, const char *channel)
{
    static const char *const keys[] = {
        [SPICE_MODE_SECURE] = "tls-channel", [SPICE_MODE_INSECURE] = "plaintext-channel"};

    if (mode < G_N_ELEMENTS(keys) && keys[mode])
        option_add(option, keys[mode], channel);
}

static void add_modes(GString *option, const struct domain_graphics *graphics)
{
    add_mode(option, graphics->spice_default_mode, "default");
    if (graphics->spice)
        LIST_EACH (channel, &graphics->spice->channels)
            add_mode(option, channel->mode, names_word(&spice_channel_name_names, channel->name));
}

static int build_spice(const struct domain *domain, const struct domain_graphics *graphics,
                       const struct arguments_context *context, struct arguments *arguments,
                       GError **error)
{
    struct place place = find_place(graphics, context->config->spice_listen);

    const struct qemu_config *config = context->config;
    if (check_spice(graphics, &place, context, error) < 0)
        return -1;
    GString *option = option_new("");
    add_spice_place(option, graphics, &place);
    if (config->spice_sasl)
        add_sasl(option, config->spice_sasl_folder, arguments);
    if (graphics->spice && graphics->spice->mouse)
        option_add(option, "agent-mouse",
                   graphics->spice->mouse == MOUSE_MODE_CLIENT ? "on" : "off");
    if (!graphics_password(graphics, config))
        option_add_bool(option, "disable-ticketing", true);
    if (graphics->tls_port > 0)
        option_add(option, "x509-dir", config->tls[QEMU_TLS_SPICE].folder);
    add_modes(option, graphics);
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
    if (graphics->fullscreen)
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
    if (graphics->p2p)
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

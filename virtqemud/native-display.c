/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is seen and heard: graphics, video adapters, and the host's audio. */
#include <string.h>

#include "native-parts.h"

/* ---- Audio ---- */

static struct domain_audio *read_audio(struct native *native, struct native_option *option)
{
    struct domain_audio *audio = arena_new(native->arena, struct domain_audio);
    const char *driver = native_list_take(&option->list, "driver");
    static const char *const words[][2] = {{"pa", "pulseaudio"}, {"wav", "file"}};
    int type;

    for (size_t i = 0; driver && i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(driver, words[i][0]))
            driver = words[i][1];
    type = driver ? names_find(&audio_type_names, driver) : 0;
    native_list_ignore(&option->list, "id", NULL);
    if (type <= 0 || !native_list_done(&option->list) ||
        (type == AUDIO_SPICE && !domain_find_graphics(native->domain, GRAPHICS_SPICE)))
        return NULL;
    audio->type = (uint8_t)type;
    audio->id = native->domain->devices.audios.count + 1;
    native_add(native, audios, audio);
    return audio;
}

bool native_take_audio(struct native *native, struct native_list *list, struct opt_uint *ret_id)
{
    const char *name = native_list_take(list, "audiodev");
    unsigned id;

    if (!name)
        return true;
    if (!native_find_bus(native, name, CONTROLLER_NONE, &id))
        return false;
    *ret_id = OPT_UINT(id);
    return true;
}

static int read_audiodev(struct native *native, struct native_option *option, GError **error)
{
    const char *name = native_list_find(&option->list, "id");
    struct domain_audio *audio = name ? read_audio(native, option) : NULL;

    if (audio)
        native_add_bus(native, name, CONTROLLER_NONE, audio->id);
    option->taken = audio;
    return 0;
}

/* ---- Graphics ---- */

static void add_listen(struct native *native, struct domain_graphics *graphics, const char *address,
                       const char *socket)
{
    struct graphics_listen *listen = arena_new(native->arena, struct graphics_listen);

    listen->type = address ? LISTEN_ADDRESS : LISTEN_SOCKET;
    listen->address = address;
    listen->socket = socket;
    LIST_APPEND(native->arena, &graphics->listens, listen);
}

/* ":1", "127.0.0.1:1", "[::1]:1", "unix:/path"; without a host QEMU listens everywhere. */
static bool read_vnc_place(struct native *native, const char *text,
                           struct domain_graphics *graphics)
{
    const char *colon = strrchr(text, ':');
    uint64_t display;

    if (g_str_has_prefix(text, "unix:/")) {
        add_listen(native, graphics, NULL, text + strlen("unix:"));
        return true;
    }
    if (!colon || !native_number(colon + 1, &display) || display > 59635)
        return false;
    size_t length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    add_listen(native, graphics, length ? arena_strndup(native->arena, text, length) : "0.0.0.0",
               NULL);
    graphics->port = 5900 + (int)display;
    graphics->autoport = TRISTATE_NO;
    return true;
}

/* A word if it is one of names, which then is taken; 0: none. */
static int take_choice(struct native_list *list, const char *key, const struct names *names)
{
    const char *word = native_list_find(list, key);
    int value = word ? names_find(names, word) : 0;

    if (value > 0)
        native_list_take(list, key);
    return MAX(value, 0);
}

static int read_vnc(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    const char *place = native_list_take(list, "vnc");
    struct domain_graphics *graphics = arena_new(native->arena, struct domain_graphics);
    unsigned websocket;

    native->no_window = true;
    option->taken = place && g_str_equal(place, "none");
    if (!place || option->taken)
        return 0;
    graphics->type = GRAPHICS_VNC;
    graphics->share_policy = (uint8_t)take_choice(list, "share", &vnc_share_policy_names);
    if (native_list_take_uint(list, "websocket", &websocket))
        graphics->websocket = (int)websocket;
    if (!read_vnc_place(native, place, graphics) ||
        !native_take_audio(native, list, &graphics->audio) || !native_list_done(list))
        return 0;
    option->taken = true;
    native_add(native, graphics, graphics);
    return 0;
}

static struct graphics_spice *spice_of(struct native *native, struct domain_graphics *graphics)
{
    if (!graphics->spice)
        graphics->spice = arena_new(native->arena, struct graphics_spice);
    return graphics->spice;
}

static void take_spice_options(struct native *native, struct native_list *list,
                               struct domain_graphics *graphics)
{
    int image = take_choice(list, "image-compression", &spice_image_names);
    int streaming = take_choice(list, "streaming-video", &spice_streaming_names);
    bool on;

    if (image)
        spice_of(native, graphics)->image = (uint8_t)image;
    if (streaming)
        spice_of(native, graphics)->streaming = (uint8_t)streaming;
    if (native_list_take_bool(list, "disable-copy-paste", &on))
        spice_of(native, graphics)->copypaste = tristate_of(!on);
    if (native_list_take_bool(list, "disable-agent-file-xfer", &on))
        spice_of(native, graphics)->filetransfer = tristate_of(!on);
    if (native_list_take_bool(list, "agent-mouse", &on))
        spice_of(native, graphics)->mouse = on ? MOUSE_MODE_CLIENT : MOUSE_MODE_SERVER;
    if (g_strcmp0(native_list_find(list, "seamless-migration"), "on") == 0)
        native_list_take(list, "seamless-migration");
}

/* Without a ticket: a document has a password, or none, but a command line does not say which. */
static int read_spice(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    struct domain_graphics *graphics = arena_new(native->arena, struct domain_graphics);
    const char *address = native_list_take(list, "addr");
    unsigned port = 0, tls_port = 0;
    bool is_socket = false, open = false;

    native->no_window = true;
    graphics->type = GRAPHICS_SPICE;
    native_list_take_uint(list, "port", &port);
    native_list_take_uint(list, "tls-port", &tls_port);
    native_list_take_bool(list, "unix", &is_socket);
    native_list_take_bool(list, "disable-ticketing", &open);
    take_spice_options(native, list, graphics);
    if (is_socket)
        add_listen(native, graphics, NULL, address);
    else
        add_listen(native, graphics, address ? address : "0.0.0.0", NULL);
    if (!open || port > 65535 || tls_port > 65535 ||
        !(port || tls_port || (is_socket && address)) || !native_list_done(list))
        return 0;
    graphics->port = (int)port;
    graphics->tls_port = (int)tls_port;
    if (!is_socket)
        graphics->autoport = TRISTATE_NO;
    option->taken = true;
    native_add(native, graphics, graphics);
    return 0;
}

static const char *find_variable(struct native *native, const char *name)
{
    LIST_EACH (variable, &native->domain->qemu_environment)
        if (g_str_equal(variable->name, name))
            return variable->value;
    return NULL;
}

static void add_window(struct native *native)
{
    struct domain_graphics *graphics = arena_new(native->arena, struct domain_graphics);

    graphics->type = GRAPHICS_SDL;
    graphics->display = find_variable(native, "DISPLAY");
    graphics->xauth = find_variable(native, "XAUTHORITY");
    native_add(native, graphics, graphics);
}

static int read_display(struct native *native, struct native_option *option, GError **error)
{
    const char *type = native_list_take(&option->list, "type");

    native->no_window = true;
    if (!type || !native_list_done(&option->list))
        return 0;
    option->taken = true;
    if (g_str_equal(type, "sdl") || g_str_equal(type, "gtk")) {
        add_window(native);
    } else if (g_str_equal(type, "egl-headless")) {
        struct domain_graphics *graphics = arena_new(native->arena, struct domain_graphics);
        graphics->type = GRAPHICS_EGL_HEADLESS;
        native_add(native, graphics, graphics);
    } else {
        option->taken = g_str_equal(type, "none");
    }
    return 0;
}

static int read_window(struct native *native, struct native_option *option, GError **error)
{
    native->no_window = true;
    option->taken = true;
    if (g_str_equal(option->row->name, "sdl"))
        add_window(native);
    return 0;
}

/* ---- Video ---- */

static const struct {
    const char *word;   /* of -vga; NULL: none */
    const char *driver; /* of -device */
    enum video_type type;
    bool secondary;
} videos[] = {
    {"std", "VGA", VIDEO_VGA},
    {"cirrus", "cirrus-vga", VIDEO_CIRRUS},
    {"vmware", "vmware-svga", VIDEO_VMVGA},
    {"qxl", "qxl-vga", VIDEO_QXL},
    {"virtio", "virtio-vga", VIDEO_VIRTIO},
    {NULL, "qxl", VIDEO_QXL, true},
    {NULL, "virtio-gpu-pci", VIDEO_VIRTIO, true},
    {NULL, "bochs-display", VIDEO_BOCHS},
    {NULL, "ramfb", VIDEO_RAMFB},
};

static struct domain_video *new_video(struct native *native, enum video_type type)
{
    struct domain_video *video = arena_new(native->arena, struct domain_video);

    video->type = (uint8_t)type;
    return video;
}

static int read_vga(struct native *native, struct native_option *option, GError **error)
{
    if (g_str_equal(option->value, "none")) {
        native->no_adapter = true; /* but for one that is a -device */
        option->taken = true;
        return 0;
    }
    native->has_video = true;
    for (size_t i = 0; i < G_N_ELEMENTS(videos); i++) {
        if (g_strcmp0(videos[i].word, option->value) != 0)
            continue;
        option->taken = true;
        native_add(native, videos, new_video(native, videos[i].type));
    }
    return 0;
}

static void take_sizes(struct native_list *list, struct domain_video *video)
{
    static const char *const names[] = {"ram_size", "vram_size"};
    unsigned *const members[] = {&video->ram, &video->vram};
    unsigned number;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (native_list_take_uint(list, names[i], &number))
            *members[i] = number / 1024;
    if (native_list_take_uint(list, "vgamem_mb", &number) && number <= 4096) {
        if (video->type == VIDEO_QXL)
            video->vgamem = number * 1024;
        else
            video->vram = number * 1024;
    }
    if (native_list_take_uint(list, "vram64_size_mb", &number) && number <= 4096)
        video->vram64 = number * 1024;
    native_list_take_uint(list, "max_outputs", &video->heads);
}

bool native_video_device(struct native *native, struct native_list *list, const char *driver)
{
    struct domain_video *video = NULL;
    bool secondary = false;

    for (size_t i = 0; i < G_N_ELEMENTS(videos); i++)
        if (g_strcmp0(videos[i].driver, driver) == 0) {
            video = new_video(native, videos[i].type);
            secondary = videos[i].secondary;
        }
    if (!video || (secondary && native->is_x86 && !native->domain->devices.videos.count))
        return false;
    native->has_video = true;
    take_sizes(list, video);
    native_list_ignore(list, "id", NULL);
    if (!native_place_pci(native, list, &video->info) || !native_list_done(list))
        return false;
    native_add(native, videos, video);
    return true;
}

/* QEMU opens a window, and has an adapter, unless it is told something else. */
void native_complete_display(struct native *native)
{
    if (!native->no_window)
        add_window(native);
    if (native->has_video || !native->is_x86)
        return;
    bool is_none = native->no_defaults || native->no_adapter;
    native_add(native, videos, new_video(native, is_none ? VIDEO_NONE : VIDEO_VGA));
}

const struct native_row native_display_rows[] = {
    {"vnc", "vnc", NATIVE_DEVICE, .read = read_vnc},
    {"spice", NULL, NATIVE_MACHINE, .read = read_spice},
    {"display", "type", NATIVE_DEVICE, .read = read_display},
    {"nographic", NULL, NATIVE_DEVICE, true, read_window},
    {"sdl", NULL, NATIVE_DEVICE, true, read_window},
    {"vga", NULL, NATIVE_DEVICE, .read = read_vga},
    {"audiodev", "driver", NATIVE_DRIVE, .read = read_audiodev},
    {NULL},
};

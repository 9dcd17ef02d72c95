/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serial and parallel ports, consoles and channels, by -serial, or -chardev and -device. */
#include <string.h>

#include "native-parts.h"

/* ---- The host's end, as -chardev says it ---- */

static const struct {
    const char *word;
    enum chardev_type type;
} backends[] = {
    {"pty", CHARDEV_PTY},    {"null", CHARDEV_NULL},         {"stdio", CHARDEV_STDIO},
    {"vc", CHARDEV_VC},      {"file", CHARDEV_FILE},         {"pipe", CHARDEV_PIPE},
    {"serial", CHARDEV_DEV}, {"tty", CHARDEV_DEV},           {"socket", CHARDEV_TCP},
    {"udp", CHARDEV_UDP},    {"spicevmc", CHARDEV_SPICEVMC},
};

static bool take_path(struct native *native, struct native_list *list,
                      struct chardev_source *source)
{
    struct chardev_end *end = chardev_source_make_end(source, native->arena);

    end->path = native_list_take(list, "path");
    if (source->type == CHARDEV_FILE)
        native_list_take_tristate(list, "append", &end->append);
    return end->path && *end->path;
}

/* server and wait in all their spellings; a document's server waits for nobody unless told. */
static bool take_server(struct native_list *list, struct chardev_end *end)
{
    bool server = false, wait = true, no_wait;

    native_list_take_bool(list, "server", &server);
    if (native_list_take_bool(list, "nowait", &no_wait))
        wait = !no_wait;
    native_list_take_bool(list, "wait", &wait);
    end->mode = server ? CHARDEV_MODE_BIND : CHARDEV_MODE_CONNECT;
    return !server || !wait;
}

static void take_reconnect(struct native *native, struct native_list *list, struct chardev_end *end)
{
    unsigned seconds;

    if (end->mode != CHARDEV_MODE_CONNECT || !native_list_take_uint(list, "reconnect", &seconds))
        return;
    end->reconnect = arena_new(native->arena, struct source_reconnect);
    end->reconnect->enabled = seconds ? TRISTATE_YES : TRISTATE_NO;
    end->reconnect->timeout = seconds;
}

static bool take_socket(struct native *native, struct native_list *list,
                        struct chardev_source *source)
{
    struct chardev_end *end = chardev_source_make_end(source, native->arena);
    bool telnet = false;

    if (!take_server(list, end))
        return false;
    take_reconnect(native, list, end);
    if (native_list_find(list, "path")) {
        source->type = CHARDEV_UNIX;
        end->path = native_list_take(list, "path");
        return *end->path;
    }
    native_list_take_bool(list, "telnet", &telnet);
    source->protocol = telnet ? CHARDEV_PROTOCOL_TELNET : CHARDEV_PROTOCOL_RAW;
    end->host = native_list_take(list, "host");
    end->service = native_list_take(list, "port");
    if (!end->host || !*end->host)
        end->host = end->mode == CHARDEV_MODE_BIND ? "0.0.0.0" : "127.0.0.1";
    return end->service && *end->service;
}

static bool take_udp(struct native *native, struct native_list *list, struct chardev_source *source)
{
    struct chardev_end *end = chardev_source_make_end(source, native->arena);

    end->mode = CHARDEV_MODE_CONNECT;
    end->host = native_list_take(list, "host");
    end->service = native_list_take(list, "port");
    if (!end->host || !*end->host)
        end->host = "127.0.0.1";
    return end->service && *end->service;
}

static bool take_source(struct native *native, struct native_list *list,
                        struct chardev_source *source)
{
    switch (source->type) {
    case CHARDEV_TCP:
        return take_socket(native, list, source);
    case CHARDEV_UDP:
        return take_udp(native, list, source);
    case CHARDEV_FILE:
    case CHARDEV_PIPE:
    case CHARDEV_DEV:
        return take_path(native, list, source);
    case CHARDEV_SPICEVMC:
        return domain_find_graphics(native->domain, GRAPHICS_SPICE) &&
               g_strcmp0(native_list_take(list, "name"), "vdagent") == 0;
    default:
        return true;
    }
}

bool native_chardev_source(struct native *native, struct native_list *list,
                           struct chardev_source *source)
{
    const char *word = native_list_take(list, "backend");
    bool off;

    for (size_t i = 0; word && i < G_N_ELEMENTS(backends); i++)
        if (g_str_equal(backends[i].word, word))
            source->type = (uint8_t)backends[i].type;
    if (native_list_take_bool(list, "mux", &off) && off)
        return false;
    if (g_strcmp0(native_list_find(list, "signal"), "on") == 0)
        native_list_take(list, "signal");
    source->log_file = native_list_take(list, "logfile");
    if (source->log_file)
        native_list_take_tristate(list, "logappend", &source->log_append);
    native_list_ignore(list, "id", NULL);
    return source->type != CHARDEV_NONE && take_source(native, list, source) &&
           native_list_done(list);
}

static struct native_option *read_chardev(struct native *native, struct native_list *list,
                                          struct chardev_source *source)
{
    const char *id = native_list_take(list, "chardev");
    struct native_option *chardev = id ? native_find_backend(native, "chardev", id) : NULL;

    return chardev && native_chardev_source(native, &chardev->list, source) ? chardev : NULL;
}

/* ---- The shorter words of -serial ---- */

/* "tcp:HOST:PORT,server" and the like, as the list of a -chardev; NULL: a word of another kind. */
static char *expand_socket(const char *word)
{
    static const struct {
        const char *prefix;
        const char *list;
    } kinds[] = {{"tcp:", "socket"}, {"telnet:", "socket,telnet=on"}, {"udp:", "udp"}};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!g_str_has_prefix(word, kinds[i].prefix))
            continue;
        const char *at = word + strlen(kinds[i].prefix), *comma = strchr(at, ',');
        g_autofree char *address = comma ? g_strndup(at, (gsize)(comma - at)) : g_strdup(at);
        char *colon = strrchr(address, ':');
        if (!colon || strchr(address, '@'))
            return NULL;
        *colon = '\0';
        return g_strdup_printf("%s,host=%s,port=%s%s", kinds[i].list, address, colon + 1,
                               comma ? comma : "");
    }
    return NULL;
}

static char *expand(const char *word)
{
    static const struct {
        const char *prefix;
        const char *list;
    } kinds[] = {{"file:", "file,path="}, {"pipe:", "pipe,path="}, {"unix:", "socket,path="}};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_prefix(word, kinds[i].prefix))
            return g_strconcat(kinds[i].list, word + strlen(kinds[i].prefix), NULL);
    if (g_str_has_prefix(word, "/dev/"))
        return g_strconcat("serial,path=", word, NULL);
    if (g_str_equal(word, "mon:stdio"))
        return g_strdup("stdio");
    return strchr(word, ':') ? expand_socket(word) : g_strdup(word);
}

static bool read_port(struct native *native, struct native_option *option,
                      struct chardev_source *source)
{
    struct native_option *chardev = NULL;

    if (g_str_has_prefix(option->value, "chardev:")) {
        chardev = native_find_backend(native, "chardev", option->value + strlen("chardev:"));
        if (!chardev || !native_chardev_source(native, &chardev->list, source))
            return false;
        chardev->taken = true;
        return true;
    }
    g_autofree char *text = expand(option->value);
    if (!text)
        return false;
    struct native_list list = native_list_read(text, "backend", native->arena);
    return native_chardev_source(native, &list, source);
}

static int read_serial(struct native *native, struct native_option *option, GError **error)
{
    struct domain_serial *serial = arena_new(native->arena, struct domain_serial);

    option->taken = g_str_equal(option->value, "none");
    if (option->taken || !read_port(native, option, &serial->source))
        return 0;
    serial->port = OPT_UINT(native->domain->devices.serials.count);
    native_add(native, serials, serial);
    option->taken = true;
    return 0;
}

static int read_parallel(struct native *native, struct native_option *option, GError **error)
{
    struct domain_parallel *parallel = arena_new(native->arena, struct domain_parallel);

    option->taken = g_str_equal(option->value, "none");
    if (option->taken || !read_port(native, option, &parallel->source))
        return 0;
    parallel->port = OPT_UINT(native->domain->devices.parallels.count);
    native_add(native, parallels, parallel);
    option->taken = true;
    return 0;
}

/* ---- -device ---- */

static bool add_serial(struct native *native, struct native_list *list)
{
    struct domain_serial *serial = arena_new(native->arena, struct domain_serial);
    struct native_option *chardev = read_chardev(native, list, &serial->source);
    unsigned port = native->domain->devices.serials.count;

    native_list_take_uint(list, "index", &port);
    if (!chardev || !native_list_done(list))
        return false;
    serial->target = SERIAL_TARGET_ISA;
    serial->port = OPT_UINT(port);
    chardev->taken = true;
    native_add(native, serials, serial);
    return true;
}

static bool add_parallel(struct native *native, struct native_list *list)
{
    struct domain_parallel *parallel = arena_new(native->arena, struct domain_parallel);
    struct native_option *chardev = read_chardev(native, list, &parallel->source);

    if (!chardev || !native_list_done(list))
        return false;
    parallel->port = OPT_UINT(native->domain->devices.parallels.count);
    chardev->taken = true;
    native_add(native, parallels, parallel);
    return true;
}

static bool add_console(struct native *native, struct native_list *list)
{
    struct domain_console *console = arena_new(native->arena, struct domain_console);
    struct native_option *chardev = read_chardev(native, list, &console->source);

    native_list_ignore(list, "bus", "nr", NULL);
    if (!chardev || !native_list_done(list))
        return false;
    console->target = CONSOLE_TARGET_VIRTIO;
    console->port = OPT_UINT(native->domain->devices.consoles.count);
    chardev->taken = true;
    native_add(native, consoles, console);
    return true;
}

static bool add_channel(struct native *native, struct native_list *list)
{
    struct domain_channel *channel = arena_new(native->arena, struct domain_channel);
    struct native_option *chardev = read_chardev(native, list, &channel->source);
    const char *bus = native_list_take(list, "bus");
    struct virtio_serial_address at = {0};

    channel->target = CHANNEL_TARGET_VIRTIO;
    channel->name = native_list_take(list, "name");
    if (bus && !native_find_bus(native, bus, CONTROLLER_VIRTIO_SERIAL, &at.controller))
        return false;
    if (native_list_take_uint(list, "nr", &at.port)) {
        channel->info.address.type = ADDRESS_VIRTIO_SERIAL;
        channel->info.address.virtio_serial = at;
    }
    if (!chardev || !native_list_done(list))
        return false;
    chardev->taken = true;
    native_add(native, channels, channel);
    return true;
}

bool native_chardev_device(struct native *native, struct native_list *list, const char *driver)
{
    native_list_ignore(list, "id", NULL);
    if (g_str_equal(driver, "isa-serial"))
        return add_serial(native, list);
    if (g_str_equal(driver, "isa-parallel"))
        return add_parallel(native, list);
    if (g_str_equal(driver, "virtconsole"))
        return add_console(native, list);
    return g_str_equal(driver, "virtserialport") && add_channel(native, list);
}

/* A monitor of somebody else's, and its end: the daemon has its own. */
static int read_monitor(struct native *native, struct native_option *option, GError **error)
{
    const char *id = native_list_find(&option->list, "chardev");
    struct native_option *chardev = id ? native_find_backend(native, "chardev", id) : NULL;

    if (chardev)
        chardev->taken = true;
    option->taken = true;
    return 0;
}

const struct native_row native_chardev_rows[] = {
    {"chardev", "backend", NATIVE_BACKEND, .read = native_note_backend},
    {"mon", "chardev", NATIVE_DEVICE, .read = read_monitor},
    {"serial", NULL, NATIVE_DEVICE, .read = read_serial},
    {"parallel", NULL, NATIVE_DEVICE, .read = read_parallel},
    {NULL},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "arguments-parts.h"
#include "block-nodes.h"
#include "device-common.h"
#include "option.h"
#include "tls-creds.h"

#define LOG_MODE 0600
/* Whoever is in the group of QEMU's user may connect. */
#define SOCKET_MODE 0775
#define BACKLOG 1
#define ENCRYPTED_PROTOCOLS (BIT(CHARDEV_PROTOCOL_TLS) | BIT(CHARDEV_PROTOCOL_TELNETS))

/* One -chardev being built. */
struct building {
    const struct chardev_source *source;
    enum chardev_use use;
    const char *alias;
    const struct arguments_context *context;
    struct arguments *arguments;
    GString *option;
};

static const struct chardev_end no_end;

static const struct chardev_end *end_of(const struct chardev_source *source)
{
    const struct chardev_end *end = chardev_source_end(source);

    return end ? end : &no_end;
}

static void begin(struct building *building, const char *word)
{
    building->option = option_new(word);
    option_addf(building->option, "id", "char%s", building->alias);
}

static int refuse(const struct building *building, const char *reason, GError **error)
{
    return device_refuse(error, "device", building->alias, "%s", reason);
}

/* ---- what we open ---- */

/* A file that QEMU writes to, as a set of descriptors that it opens by the returned path; in a plan
 * the file's own path. */
static char *open_file(struct building *building, const char *path, bool append, GError **error)
{
    struct arguments *arguments = building->arguments;
    const struct qemu_config *config = building->context->config;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : O_TRUNC);

    if (building->context->plan)
        return g_strdup(path);
    autofd int fd = open(path, flags, LOG_MODE);
    if (fd < 0 || (config->set_user && fchown(fd, config->uid, config->gid) < 0 && errno != EPERM &&
                   errno != EROFS)) {
        error_set_errno(error, errno, "device '%s': cannot open '%s'", building->alias, path);
        return NULL;
    }
    return words_add_fd_set(arguments, fd_take(&fd));
}

static int bind_socket(int fd, const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "the path of a socket is too long: '%s'",
                  path);
        return -1;
    }
    /* what a guest of ours left behind; never anything but a socket */
    struct stat about;
    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode))
        unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(path, SOCKET_MODE) < 0 || listen(fd, BACKLOG) < 0) {
        error_set_errno(error, errno, "cannot listen on '%s'", path);
        return -1;
    }
    return 0;
}

/* A socket that we listen on and QEMU accepts from. */
static int add_listener(struct building *building, const char *path, GError **error)
{
    const struct qemu_config *config = building->context->config;

    if (building->context->plan) {
        option_add(building->option, "path", path);
        return 0;
    }
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_set_errno(error, errno, "cannot make a socket");
        return -1;
    }
    if (bind_socket(fd, path, error) < 0)
        return -1;
    if (config->set_user && lchown(path, config->uid, config->gid) < 0) {
        error_set_errno(error, errno, "cannot hand over '%s'", path);
        return -1;
    }
    option_addf(building->option, "fd", "%d", words_add_fd(building->arguments, fd_take(&fd)));
    return 0;
}

/* ---- one function a type ---- */

static int build_simple(struct building *building, GError **error)
{
    static const char *const words[] = {[CHARDEV_NULL] = "null",
                                        [CHARDEV_VC] = "vc",
                                        [CHARDEV_PTY] = "pty",
                                        [CHARDEV_STDIO] = "stdio"};

    begin(building, words[building->source->type]);
    return 0;
}

static int need_path(struct building *building, const char **ret_path, GError **error)
{
    *ret_path = end_of(building->source)->path;
    return *ret_path ? 0 : refuse(building, "its <source> has no path", error);
}

static int build_device(struct building *building, GError **error)
{
    const char *path;

    if (need_path(building, &path, error) < 0)
        return -1;
    begin(building, building->use == CHARDEV_USE_PARALLEL ? "parallel" : "serial");
    option_add(building->option, "path", path);
    return 0;
}

static int build_pipe(struct building *building, GError **error)
{
    const char *path;

    if (need_path(building, &path, error) < 0)
        return -1;
    begin(building, "pipe");
    option_add(building->option, "path", path);
    return 0;
}

static int build_file(struct building *building, GError **error)
{
    unsigned append = end_of(building->source)->append;
    const char *path;

    if (need_path(building, &path, error) < 0)
        return -1;
    g_autofree char *opened = open_file(building, path, append == TRISTATE_ON, error);
    if (!opened)
        return -1;
    begin(building, "file");
    option_add(building->option, "path", opened);
    /* a descriptor knows already whether it appends */
    option_add_tristate(building->option, "append", building->context->plan ? append : TRISTATE_ON);
    return 0;
}

static void add_reconnect(struct building *building)
{
    const struct source_reconnect *reconnect = end_of(building->source)->reconnect;
    bool seconds = emulator_has(building->context->emulator, EMULATOR_CHARDEV_RECONNECT);

    if (!reconnect || !reconnect->enabled)
        return;
    unsigned timeout = reconnect->enabled == TRISTATE_NO ? 0 : reconnect->timeout;
    if (seconds)
        option_addf(building->option, "reconnect", "%u", timeout);
    else
        option_addf(building->option, "reconnect-ms", "%u%s", timeout, timeout ? "000" : "");
}

static int build_unix(struct building *building, GError **error)
{
    const char *path;

    if (need_path(building, &path, error) < 0)
        return -1;
    begin(building, "socket");
    if (end_of(building->source)->mode == CHARDEV_MODE_CONNECT) {
        option_add(building->option, "path", path);
        add_reconnect(building);
        return 0;
    }
    if (building->use == CHARDEV_USE_VHOST_USER) {
        /* the other one must be there before the guest can be */
        option_add(building->option, "path", path);
        option_add_bool(building->option, "server", true);
        return 0;
    }
    if (add_listener(building, path, error) < 0)
        return -1;
    option_add_bool(building->option, "server", true);
    option_add_bool(building->option, "wait", false);
    return 0;
}

static int add_credentials(struct building *building, const struct chardev_end *end, char **ret_id,
                           GError **error)
{
    g_autoptr(GPtrArray) objects = block_nodes_new();
    g_autofree char *id = g_strdup_printf("objchar%s_tls0", building->alias);
    g_autofree char *secret = g_strdup_printf("char%s-secret0", building->alias);

    if (tls_creds_add(QEMU_TLS_CHARDEV, end->mode == CHARDEV_MODE_BIND, id, secret,
                      building->context, objects, error) < 0)
        return -1;
    arguments_add_nodes(objects, building->context, building->arguments);
    *ret_id = g_steal_pointer(&id);
    return 0;
}

static int build_tcp(struct building *building, GError **error)
{
    const struct chardev_end *end = end_of(building->source);
    unsigned protocol = building->source->protocol;

    if (!end->service)
        return refuse(building, "its <source> has no service (a port)", error);
    if (end->tls != TRISTATE_YES && BIT(protocol) & ENCRYPTED_PROTOCOLS)
        return refuse(building, "its protocol is encrypted, and its <source> has no tls='yes'",
                      error);
    g_autofree char *credentials = NULL;
    if (end->tls == TRISTATE_YES && add_credentials(building, end, &credentials, error) < 0)
        return -1;
    begin(building, "socket");
    option_add(building->option, "host", end->host ? end->host : "");
    option_add(building->option, "port", end->service);
    if (protocol == CHARDEV_PROTOCOL_TELNET)
        option_add_bool(building->option, "telnet", true);
    if (end->mode == CHARDEV_MODE_BIND) {
        option_add_bool(building->option, "server", true);
        option_add_bool(building->option, "wait", false);
    } else
        add_reconnect(building);
    option_add(building->option, "tls-creds", credentials);
    return 0;
}

/* We send to the end in mode connect, and receive at the other, if there is one. */
static int build_udp(struct building *building, GError **error)
{
    const struct chardev_end *remote = chardev_source_end(building->source);
    const struct chardev_end *local = chardev_source_peer(building->source);

    if (!remote && local && local->mode != CHARDEV_MODE_BIND) {
        remote = local;
        local = NULL;
    }
    if (!remote || !remote->service)
        return refuse(building, "its <source mode='connect'> has no service (a port)", error);
    begin(building, "udp");
    option_add(building->option, "host", remote->host ? remote->host : "");
    option_add(building->option, "port", remote->service);
    option_add(building->option, "localaddr", local && local->host ? local->host : "");
    option_add(building->option, "localport", local && local->service ? local->service : "0");
    return 0;
}

static int check_spice(struct building *building, GError **error)
{
    if (emulator_has(building->context->emulator, EMULATOR_CHARDEV_SPICEVMC))
        return 0;
    return refuse(building, "the emulator has no SPICE", error);
}

static int build_spicevmc(struct building *building, GError **error)
{
    static const char *const names[] = {[CHARDEV_USE_REDIRECTION] = "usbredir",
                                        [CHARDEV_USE_SMARTCARD] = "smartcard",
                                        [CHARDEV_USE_CHANNEL] = "vdagent",
                                        [CHARDEV_USE_VHOST_USER] = NULL,
                                        [CHARDEV_USE_OTHER] = NULL};
    const char *name = names[building->use];

    if (check_spice(building, error) < 0)
        return -1;
    begin(building, "spicevmc");
    option_add(building->option, "name", name ? name : "vdagent");
    return 0;
}

static int build_spiceport(struct building *building, GError **error)
{
    const char *channel = end_of(building->source)->channel;

    if (check_spice(building, error) < 0)
        return -1;
    if (!channel)
        return refuse(building, "its <source> has no channel", error);
    begin(building, "spiceport");
    option_add(building->option, "name", channel);
    return 0;
}

static int build_vdagent(struct building *building, GError **error)
{
    const struct chardev_end *end = end_of(building->source);

    if (!emulator_has(building->context->emulator, EMULATOR_CHARDEV_VDAGENT))
        return refuse(building, "the emulator has no vdagent of its own", error);
    begin(building, "qemu-vdagent");
    option_add(building->option, "name", "vdagent");
    option_add_tristate(building->option, "clipboard", end->copypaste);
    if (end->mouse != MOUSE_MODE_NONE)
        option_add_bool(building->option, "mouse", end->mouse == MOUSE_MODE_CLIENT);
    return 0;
}

static int build_bus(struct building *building, GError **error)
{
    const char *channel = end_of(building->source)->channel;

    if (!emulator_has(building->context->emulator, EMULATOR_CHARDEV_DBUS))
        return refuse(building, "the emulator has no D-Bus streams", error);
    if (!channel)
        return refuse(building, "its <source> has no channel", error);
    begin(building, "dbus");
    option_add(building->option, "name", channel);
    return 0;
}

static int (*const builders[])(struct building *, GError **) = {
    [CHARDEV_NULL] = build_simple,
    [CHARDEV_VC] = build_simple,
    [CHARDEV_PTY] = build_simple,
    [CHARDEV_STDIO] = build_simple,
    [CHARDEV_DEV] = build_device,
    [CHARDEV_FILE] = build_file,
    [CHARDEV_PIPE] = build_pipe,
    [CHARDEV_UDP] = build_udp,
    [CHARDEV_TCP] = build_tcp,
    [CHARDEV_UNIX] = build_unix,
    [CHARDEV_SPICEVMC] = build_spicevmc,
    [CHARDEV_SPICEPORT] = build_spiceport,
    [CHARDEV_QEMU_VDAGENT] = build_vdagent,
    [CHARDEV_DBUS] = build_bus,
};

/* A copy of all that the guest sends. */
static int add_log(struct building *building, GError **error)
{
    const struct chardev_source *source = building->source;

    if (!source->log_file)
        return 0;
    g_autofree char *opened =
        open_file(building, source->log_file, source->log_append == TRISTATE_ON, error);
    if (!opened)
        return -1;
    option_add(building->option, "logfile", opened);
    option_add_tristate(building->option, "logappend",
                        building->context->plan ? source->log_append : TRISTATE_ON);
    return 0;
}

int chardev_build(const struct chardev_source *source, enum chardev_use use, const char *alias,
                  const struct arguments_context *context, struct arguments *arguments,
                  GError **error)
{
    struct building building = {source, use, alias, context, arguments, NULL};

    if (source->type >= G_N_ELEMENTS(builders) || !builders[source->type]) {
        const char *word = names_word(&chardev_type_names, source->type);
        return device_refuse(error, "device", alias, "type='%s' is not in this version",
                             word ? word : "");
    }
    if (builders[source->type](&building, error) < 0 || add_log(&building, error) < 0) {
        if (building.option)
            g_string_free(building.option, TRUE);
        return -1;
    }
    words_add_option(arguments, "-chardev", building.option);
    return 0;
}

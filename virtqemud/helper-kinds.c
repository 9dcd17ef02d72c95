/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper-kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"

#include "dac.h"
#include "tpm-state.h"
#include "vhost-user-descriptor.h"

NAMES(helper_kind_names, NULL, "swtpm", "virtiofsd", "passt", "dbus-daemon", "qemu-pr-helper",
      "vhost-user-gpu");

static void add(const struct helper_launch *launch, const char *first, ...) G_GNUC_NULL_TERMINATED;

static void add(const struct helper_launch *launch, const char *first, ...)
{
    va_list args;

    va_start(args, first);
    for (const char *word = first; word; word = va_arg(args, const char *))
        g_ptr_array_add(launch->argv, g_strdup(word));
    va_end(args);
}

static void G_GNUC_PRINTF(2, 3) addf(const struct helper_launch *launch, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(launch->argv, g_strdup_vprintf(format, args));
    va_end(args);
}

enum helper_kind helper_kind_of(const struct device *device)
{
    const struct domain_tpm *tpm = device->object;
    const struct domain_filesystem *filesystem = device->object;
    const struct domain_net *net = device->object;
    const struct domain_graphics *graphics = device->object;
    const struct domain_video *video = device->object;

    switch (device->kind) {
    case DEVICE_TPM:
        return tpm->backend == TPM_BACKEND_EMULATOR ? HELPER_TPM : HELPER_NONE;
    case DEVICE_FILESYSTEM:
        return filesystem->driver == FILESYSTEM_DRIVER_VIRTIOFS && !filesystem->source_socket
                   ? HELPER_FOLDER
                   : HELPER_NONE;
    case DEVICE_NET:
        return net->type == NET_USER && net->backend && net->backend->type == NET_BACKEND_PASST
                   ? HELPER_NETWORK
                   : HELPER_NONE;
    case DEVICE_GRAPHICS:
        return graphics->type == GRAPHICS_DBUS && !graphics->p2p &&
                       (!graphics->address || graphics->own_bus)
                   ? HELPER_BUS
                   : HELPER_NONE;
    case DEVICE_VIDEO:
        return video->backend == VIDEO_BACKEND_VHOST_USER ? HELPER_GPU : HELPER_NONE;
    default:
        return HELPER_NONE;
    }
}

/* ---- swtpm ---- */

/* Of its state; empty: it is not encrypted. */
static int get_passphrase(const struct helper_launch *launch, const struct domain_tpm *tpm,
                          struct secret_value *ret_value, GError **error)
{
    struct domain_secret secret = {0};

    if (!uuid_is_valid(tpm->emulator.encryption))
        return 0;
    memcpy(secret.uuid, tpm->emulator.encryption, sizeof(secret.uuid));
    return secret_value_get(launch->qemu->secrets, &secret, SECRET_USAGE_VTPM, ret_value, error);
}

/* Each is read from a pipe of its own. */
static int add_key(struct helper_launch *launch, const char *option,
                   const struct secret_value *passphrase, GError **error)
{
    int fd;

    if (!passphrase->length)
        return 0;
    if (secret_value_open(passphrase, &fd, error) < 0)
        return -1;
    add(launch, option, NULL);
    addf(launch, "pwdfd=%d,mode=" TPM_STATE_CIPHER, helper_launch_add_fd(launch, fd));
    return 0;
}

static int build_tpm(struct helper_launch *launch, GError **error)
{
    const struct domain_tpm *tpm = launch->device->object;
    const struct qemu_config *config = &launch->qemu->config;
    struct secret_value passphrase SECRET_VALUE_AUTO = {0};
    struct tpm_state state = {0};

    if (get_passphrase(launch, tpm, &passphrase, error) < 0 ||
        tpm_state_prepare(launch->qemu, launch->domain, tpm, &passphrase, &state, error) < 0)
        return -1;
    add(launch, "socket", "--ctrl", NULL);
    addf(launch, "type=unixio,fd=%d", HELPER_SOCKET_FD);
    add(launch, "--tpmstate", NULL);
    add(launch, state.place, NULL);
    add(launch, "--log", NULL);
    if (tpm->emulator.debug.set)
        addf(launch, "file=%s,level=%u", state.log, tpm->emulator.debug.value);
    else
        addf(launch, "file=%s", state.log);
    add(launch, "--terminate", tpm_state_is_2(tpm) ? "--tpm2" : NULL, NULL);
    launch->set_user = config->set_user;
    launch->uid = config->swtpm_uid;
    launch->gid = config->swtpm_gid;
    tpm_state_clear(&state);
    if (add_key(launch, "--key", &passphrase, error) < 0)
        return -1;
    return add_key(launch, "--migration-key", &passphrase, error);
}

/* ---- virtiofsd ---- */

static char *find_virtiofsd(const struct helper_launch *launch)
{
    const struct domain_filesystem *filesystem = launch->device->object;

    return filesystem->binary ? g_strdup(filesystem->binary->path) : NULL;
}

/* ",word" for what is said, in virtiofsd's words. */
static void append_switch(GString *options, const char *word, unsigned tristate)
{
    if (tristate != TRISTATE_ABSENT)
        g_string_append_printf(options, ",%s%s", tristate == TRISTATE_ON ? "" : "no_", word);
}

/* A comma of the path would begin another option. */
static void append_path(GString *options, const char *path)
{
    g_string_append(options, "source=");
    for (const char *at = path; *at; at++)
        g_string_append_printf(options, *at == ',' || *at == '\\' ? "\\%c" : "%c", *at);
}

/* "--uid-map=:0:100000:65536:" */
static void add_map(const struct helper_launch *launch, const char *option,
                    const struct filesystem_map *map)
{
    addf(launch, "--%s=:%u:%u:%u:", option, map->start.value, map->target.value, map->count);
}

static int build_virtiofsd(struct helper_launch *launch, GError **error)
{
    const struct domain_filesystem *filesystem = launch->device->object;
    const struct filesystem_binary *binary = filesystem->binary;
    g_autoptr(GString) options = g_string_new(NULL);

    if (access(filesystem->source_dir, F_OK) < 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "the virtiofs export directory '%s' does not exist", filesystem->source_dir);
        return -1;
    }
    addf(launch, "--fd=%d", HELPER_SOCKET_FD);
    append_path(options, filesystem->source_dir);
    if (binary && binary->cache)
        g_string_append_printf(options, ",cache=%s", binary->cache);
    if (binary && binary->sandbox)
        g_string_append_printf(options, ",sandbox=%s", binary->sandbox);
    if (binary) {
        append_switch(options, "xattr", binary->xattr);
        append_switch(options, "flock", binary->flock);
        append_switch(options, "posix_lock", binary->posix_lock);
    }
    add(launch, "-o", options->str, NULL);
    if (binary && binary->thread_pool_size)
        addf(launch, "--thread-pool-size=%u", binary->thread_pool_size);
    if (binary && binary->openfiles)
        addf(launch, "--rlimit-nofile=%u", binary->openfiles);
    if (filesystem->readonly)
        add(launch, "--readonly", NULL);
    LIST_EACH (users, &filesystem->uid_map)
        add_map(launch, "uid-map", users);
    LIST_EACH (groups, &filesystem->gid_map)
        add_map(launch, "gid-map", groups);
    if (launch->qemu->config.virtiofsd_debug)
        add(launch, "-d", NULL);
    return 0;
}

/* ---- passt ---- */

static void append_range(GString *spec, const struct net_port_range *range)
{
    g_string_append_printf(spec, "%s%u", range->exclude == TRISTATE_YES ? "~" : "", range->start);
    if (range->end)
        g_string_append_printf(spec, "-%u", range->end);
    if (range->to) {
        g_string_append_printf(spec, ":%u", range->to);
        if (range->end)
            g_string_append_printf(spec, "-%u", range->to + range->end - range->start);
    }
}

/* "192.0.2.1%eth0/22:2022,1000-1050,~1020" */
static void add_forward(struct helper_launch *launch, const struct net_port_forward *forward)
{
    g_autoptr(GString) spec = g_string_new(forward->address);

    if (forward->dev)
        g_string_append_printf(spec, "%%%s", forward->dev);
    if (spec->len)
        g_string_append_c(spec, '/');
    if (forward->ranges.count == 0)
        g_string_append(spec, "all");
    LIST_EACH (range, &forward->ranges) {
        g_string_append(spec, range_i ? "," : "");
        append_range(spec, range);
    }
    add(launch, g_strcmp0(forward->proto, "udp") == 0 ? "--udp-ports" : "--tcp-ports", spec->str,
        NULL);
}

static int build_passt(struct helper_launch *launch, GError **error)
{
    const struct domain_net *net = launch->device->object;
    const struct qemu_config *config = &launch->qemu->config;
    const struct net_backend *backend = net->backend;

    add(launch, "--one-off", "--socket", launch->socket, "--pid", launch->pid_file, NULL);
    if (config->set_user) {
        add(launch, "--runas", NULL);
        addf(launch, "%u:%u", config->uid, config->gid);
    }
    if (net->source_dev)
        add(launch, "--interface", net->source_dev, NULL);
    if (backend->log_file)
        add(launch, "--log-file", backend->log_file, NULL);
    if (backend->hostname)
        add(launch, "--hostname", backend->hostname, NULL);
    if (backend->fqdn)
        add(launch, "--fqdn", backend->fqdn, NULL);
    LIST_EACH (ip, &net->ips) {
        add(launch, "--address", ip->address, NULL);
        if (ip->prefix.set && g_strcmp0(ip->family, "ipv6") != 0) {
            add(launch, "--netmask", NULL);
            addf(launch, "%u", ip->prefix.value);
        }
    }
    LIST_EACH (forward, &net->port_forwards)
        add_forward(launch, forward);
    return 0;
}

/* ---- the bus of a display ---- */

static char *find_bus(const struct helper_launch *launch)
{
    return g_strdup(launch->qemu->config.dbus_daemon);
}

static char *bus_config_path(const char *socket)
{
    return g_strdup_printf("%s.conf", socket);
}

static void clean_bus(const char *socket)
{
    g_autofree char *path = bus_config_path(socket);

    unlink(path);
}

/* Whoever can reach the socket may use it. */
static char *write_bus_config(const struct helper_launch *launch)
{

    return g_markup_printf_escaped(
        "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN'\n"
        "  'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
        "<busconfig>\n  <type>org.libvirt.qemu</type>\n  <listen>unix:path=%s</listen>\n"
        "  <pidfile>%s</pidfile>\n  <fork/>\n  <auth>EXTERNAL</auth>\n"
        "  <policy context='default'>\n    <allow user='*'/>\n    <allow own='*'/>\n"
        "    <allow send_type='*'/>\n    <allow receive_type='*'/>\n    <allow "
        "eavesdrop='false'/>\n"
        "  </policy>\n</busconfig>\n",
        launch->socket, launch->pid_file);
}

static int build_bus(struct helper_launch *launch, GError **error)
{
    const struct qemu_config *config = dac_config(launch->run);
    g_autofree char *path = bus_config_path(launch->socket);
    g_autofree char *text = write_bus_config(launch);

    if (file_replace_volatile(path, text, strlen(text), 0644, error) < 0)
        return -1;
    launch->set_user = config->set_user;
    launch->uid = config->uid;
    launch->gid = config->gid;
    add(launch, "--config-file", path, NULL);
    return 0;
}

/* ---- persistent reservations ---- */

static char *find_reservations(const struct helper_launch *launch)
{
    return g_strdup(launch->qemu->config.pr_helper);
}

/* As root: what it does takes the rights that QEMU does not have. */
static int build_reservations(struct helper_launch *launch, GError **error)
{
    add(launch, "--daemon", "--socket", launch->socket, "--pidfile", launch->pid_file, NULL);
    return 0;
}

/* ---- the renderer of a GPU ---- */

static char *find_renderer(const struct helper_launch *launch)
{
    return vhost_user_descriptor_find("gpu");
}

static int build_renderer(struct helper_launch *launch, GError **error)
{
    const struct domain_video *video = launch->device->object;
    const struct video_acceleration *acceleration = video->acceleration;
    const struct qemu_config *config = dac_config(launch->run);

    addf(launch, "--fd=%d", HELPER_SOCKET_FD);
    if (acceleration && acceleration->accel3d == TRISTATE_YES)
        add(launch, "--virgl", NULL);
    if (acceleration && acceleration->rendernode)
        add(launch, "--render-node", acceleration->rendernode, NULL);
    launch->set_user = config->set_user;
    launch->uid = config->uid;
    launch->gid = config->gid;
    return 0;
}

/* ---- all ---- */

static const struct helper_kind_row rows[] = {
    [HELPER_TPM] = {"swtpm", "install swtpm and swtpm-tools", "swtpm", "-swtpm.sock",
                    .build = build_tpm},
    [HELPER_FOLDER] = {"virtiofsd", "install virtiofsd or qemu-system-common", NULL, "-fs.sock",
                       .find = find_virtiofsd, .build = build_virtiofsd},
    [HELPER_NETWORK] = {"passt", "install passt", "passt", ".socket", .background = true,
                        .build = build_passt},
    [HELPER_BUS] = {"dbus-daemon", "install dbus-daemon", "dbus", "-dbus.sock", .background = true,
                    .find = find_bus, .build = build_bus, .clean = clean_bus},
    [HELPER_RESERVATIONS] = {"qemu-pr-helper", "install qemu-system-common", NULL,
                             "pr-helper0.sock", .background = true, .find = find_reservations,
                             .build = build_reservations},
    [HELPER_GPU] = {"vhost-user-gpu", "install qemu-system-gui", NULL, "-gpu.sock",
                    .connected = true, .find = find_renderer, .build = build_renderer},
};

const struct helper_kind_row *helper_kind_row(enum helper_kind kind)
{
    return kind == HELPER_NONE ? NULL : &rows[kind];
}

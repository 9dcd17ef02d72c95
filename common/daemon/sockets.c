/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sockets.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/remote.h"

#define SESSION_MODE 0700

static const struct {
    const char *suffix; /* of the file, after the stem */
    const char *unit;   /* of the socket unit, after the name */
    struct server_service service;
} roles[SOCKET_ROLES] = {
    [SOCKET_RW] = {"-sock", ".socket", {.name = "rw"}},
    [SOCKET_RO] = {"-sock-ro", "-ro.socket", {.name = "ro", .read_only = true}},
    [SOCKET_ADMIN] = {"-admin-sock", "-admin.socket", {.name = "admin", .admin = true}},
    [SOCKET_TCP] = {NULL, "-tcp.socket"}, /* these two are served as daemon/remote.h says */
    [SOCKET_TLS] = {NULL, "-tls.socket"},
};

static char *local_path(int fd)
{
    struct sockaddr_un address;
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
        address.sun_family != AF_UNIX || length <= offsetof(struct sockaddr_un, sun_path))
        return g_strdup("");
    return g_strndup(address.sun_path, length - offsetof(struct sockaddr_un, sun_path));
}

/* By the unit's name, else by the end of the path: units may be renamed, or not be units at all. */
static int find_role(const char *name, const char *stem, const char *fd_name, const char *path)
{
    for (int i = 0; i < SOCKET_ROLES; i++) {
        g_autofree char *unit = g_strconcat(name, roles[i].unit, NULL);
        if (fd_name && strcmp(fd_name, unit) == 0)
            return i;
    }
    for (int i = 0; i < SOCKET_UNIX_ROLES; i++) {
        g_autofree char *file = g_strconcat("/", stem, roles[i].suffix, NULL);
        g_autofree char *own_file = g_strconcat("/", name, roles[i].suffix, NULL);
        if (g_str_has_suffix(path, file) || g_str_has_suffix(path, own_file))
            return i;
    }
    return -1;
}

/* A name is not enough: a role has its kind of socket. */
static bool suits(const struct sockets *sockets, int role, int fd)
{
    bool is_unix = sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;

    return role < SOCKET_UNIX_ROLES ? is_unix : !is_unix && sockets->remote;
}

bool sockets_have_tls(const struct sockets *sockets)
{
    if (!sockets->remote)
        return false;
    for (guint i = 0; i < sockets->passed->len; i++)
        if (g_array_index(sockets->passed, struct passed_socket, i).role == SOCKET_TLS)
            return true;
    return !sockets->activated && sockets->remote_settings->listen_tls;
}

static void take_one(const char *name, const char *stem, int fd, const char *fd_name,
                     struct sockets *sockets)
{
    g_autofree char *path = local_path(fd);
    int role = -1;

    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0)
        role = find_role(name, stem, fd_name, path);
    if (role >= 0 && !suits(sockets, role, fd))
        role = -1;
    if (role < 0) {
        log_warn("socket '%s' (%s) passed by systemd is none of this daemon's and is closed", path,
                 fd_name ? fd_name : "no name");
        close(fd);
        return;
    }
    struct passed_socket passed = {(enum socket_role)role, fd};
    g_array_append_val(sockets->passed, passed);
}

int sockets_take_passed(const char *name, const char *stem, struct sockets *sockets, GError **error)
{
    g_auto(GStrv) names = NULL;
    int count = sd_listen_fds_with_names(1, &names);

    sockets->passed = g_array_new(FALSE, FALSE, sizeof(struct passed_socket));
    if (count < 0) {
        error_set_errno(error, -count, "cannot take the sockets that systemd passes");
        return -1;
    }
    for (int i = 0; i < count; i++)
        take_one(name, stem, SD_LISTEN_FDS_START + i, names ? names[i] : NULL, sockets);
    if (count > 0 && sockets->passed->len == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "no socket that systemd passes is one of %s", name);
        return -1;
    }
    sockets->activated = count > 0;
    return 0;
}

static int find_group(const char *name, gid_t *ret_group, GError **error)
{
    char *end;
    struct group *group = getgrnam(name);

    if (group) {
        *ret_group = group->gr_gid;
        return 0;
    }
    guint64 number = g_ascii_strtoull(name, &end, 10);
    if (end == name || *end || number >= (gid_t)-1) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "unix_sock_group: there is no group '%s'",
                  name);
        return -1;
    }
    *ret_group = (gid_t)number;
    return 0;
}

static void plan_paths(const char *name, const char *stem, const char *folder, bool session,
                       struct sockets *sockets)
{
    for (int i = 0; i < SOCKET_UNIX_ROLES; i++)
        if (i != SOCKET_RO || !session)
            sockets->paths[i] = g_strdup_printf("%s/%s%s", folder, stem, roles[i].suffix);
    /* Clients look for the proxy's admin socket under either name. */
    if (strcmp(name, stem) != 0)
        sockets->second_admin =
            g_strdup_printf("%s/%s%s", folder, name, roles[SOCKET_ADMIN].suffix);
}

int sockets_plan(const char *name, const char *stem, const char *runtime, bool session,
                 const struct settings *settings, struct sockets *sockets, GError **error)
{
    const mode_t modes[] = {settings->unix_sock_rw_perms, settings->unix_sock_ro_perms,
                            settings->unix_sock_admin_perms};
    gid_t group = (gid_t)-1;

    if (settings->unix_sock_group && !session && !sockets->activated &&
        find_group(settings->unix_sock_group, &group, error) < 0)
        return -1;
    for (int i = 0; i < SOCKET_UNIX_ROLES; i++) {
        sockets->modes[i] = session ? SESSION_MODE : modes[i];
        sockets->groups[i] = i == SOCKET_ADMIN ? (gid_t)-1 : group;
    }
    if (!sockets->activated)
        plan_paths(name, stem, settings->unix_sock_dir ? settings->unix_sock_dir : runtime, session,
                   sockets);
    return 0;
}

static struct server_service service_of(const struct sockets *sockets, enum socket_role role)
{
    struct server_service tcp, tls;

    if (role < SOCKET_UNIX_ROLES)
        return roles[role].service;
    remote_set_services(sockets->remote, &tcp, &tls);
    return role == SOCKET_TCP ? tcp : tls;
}

static int open_passed(struct sockets *sockets, struct server *server, struct server *admin,
                       GError **error)
{
    while (sockets->passed->len > 0) {
        struct passed_socket *last =
            &g_array_index(sockets->passed, struct passed_socket, sockets->passed->len - 1);
        struct passed_socket passed = *last;
        g_array_set_size(sockets->passed, sockets->passed->len - 1);
        struct server_service service = service_of(sockets, passed.role);
        if (server_adopt(passed.role == SOCKET_ADMIN ? admin : server, &service, passed.fd, error) <
            0)
            return -1;
    }
    return 0;
}

static int open_own(const struct sockets *sockets, enum socket_role role, const char *path,
                    struct server *server, GError **error)
{
    if (!path)
        return 0;
    return server_listen(server, &roles[role].service, path, sockets->modes[role],
                         sockets->groups[role], error);
}

static int make_folder(const struct sockets *sockets, GError **error)
{
    if (!sockets->paths[SOCKET_RW])
        return 0;
    g_autofree char *folder = g_path_get_dirname(sockets->paths[SOCKET_RW]);
    return file_make_folders(folder, 0755, error);
}

int sockets_open(struct sockets *sockets, struct server *server, struct server *admin,
                 GError **error)
{
    if (open_passed(sockets, server, admin, error) < 0 || make_folder(sockets, error) < 0)
        return -1;
    /* Clients that wait for a daemon to start look at the rw socket: it comes last. */
    if (open_own(sockets, SOCKET_ADMIN, sockets->paths[SOCKET_ADMIN], admin, error) < 0 ||
        open_own(sockets, SOCKET_ADMIN, sockets->second_admin, admin, error) < 0 ||
        open_own(sockets, SOCKET_RO, sockets->paths[SOCKET_RO], server, error) < 0)
        return -1;
    if (sockets->remote && !sockets->activated &&
        remote_listen(sockets->remote, sockets->remote_settings, server, error) < 0)
        return -1;
    return open_own(sockets, SOCKET_RW, sockets->paths[SOCKET_RW], server, error);
}

bool sockets_answer(const struct sockets *sockets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = sockets->paths[SOCKET_RW];

    if (!path || strlen(path) >= sizeof(address.sun_path))
        return false;
    strcpy(address.sun_path, path);
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* EAGAIN: its backlog is full, so it has one. */
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
}

void sockets_clear(struct sockets *sockets)
{
    for (int i = 0; i < SOCKET_UNIX_ROLES; i++)
        g_clear_pointer(&sockets->paths[i], g_free);
    g_clear_pointer(&sockets->second_admin, g_free);
    for (guint i = 0; sockets->passed && i < sockets->passed->len; i++)
        close(g_array_index(sockets->passed, struct passed_socket, i).fd);
    g_clear_pointer(&sockets->passed, g_array_unref);
}

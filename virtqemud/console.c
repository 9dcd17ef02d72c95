/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/stream.h"

#include "tty-lock.h"

/* Who has which device: in the guest's table of sessions, by alias. */
struct session {
    struct guest *guest; /* a reference */
    char *alias;
    char *terminal;        /* locked by it; NULL: none */
    struct stream *stream; /* a reference */
};

/* ---- finding the device ---- */

/* A console that repeats a serial port has the same alias. */
static const struct chardev_source *find_console(const struct domain *live, const char *alias,
                                                 const char **ret_alias)
{
    LIST_EACH (console, &live->devices.consoles)
        if (!alias || g_strcmp0(console->info.alias, alias) == 0) {
            *ret_alias = console->info.alias;
            return &console->source;
        }
    LIST_EACH (serial, &live->devices.serials)
        if (!alias || g_strcmp0(serial->info.alias, alias) == 0) {
            *ret_alias = serial->info.alias;
            return &serial->source;
        }
    LIST_EACH (parallel, &live->devices.parallels)
        if (!alias || g_strcmp0(parallel->info.alias, alias) == 0) {
            *ret_alias = parallel->info.alias;
            return &parallel->source;
        }
    return NULL;
}

static const struct chardev_source *find_channel(const struct domain *live, const char *name,
                                                 const char **ret_alias)
{
    LIST_EACH (channel, &live->devices.channels)
        if (!name || g_strcmp0(channel->info.alias, name) == 0 ||
            g_strcmp0(channel->name, name) == 0) {
            *ret_alias = channel->info.alias;
            return &channel->source;
        }
    return NULL;
}

/* ---- opening it ---- */

/* The terminal passes bytes through as they are: echo and editing are the guest's business. */
static int open_terminal(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct termios settings;

    if (fd < 0 || tcgetattr(fd, &settings) < 0) {
        error_set_errno(error, errno, "cannot open the terminal '%s'", path);
        return -1;
    }
    cfmakeraw(&settings);
    if (tcsetattr(fd, TCSANOW, &settings) < 0) {
        error_set_errno(error, errno, "cannot set up the terminal '%s'", path);
        return -1;
    }
    return fd_take(&fd);
}

static int open_socket(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the path of the socket is too long: %s", path);
        return -1;
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        error_set_errno(error, errno, "cannot connect to '%s'", path);
        return -1;
    }
    return fd_take(&fd);
}

static int open_source(const struct chardev_source *source, const char *alias, bool safe,
                       GError **error)
{
    const struct chardev_end *end = chardev_source_end(source);

    if (end && end->path && source->type == CHARDEV_PTY)
        return open_terminal(end->path, error);
    if (end && end->path && source->type == CHARDEV_UNIX && end->mode != CHARDEV_MODE_CONNECT &&
        !safe)
        return open_socket(end->path, error);
    error_set(error, VIR_ERR_INTERNAL_ERROR,
              "character device %s is not using a PTY%s that could be opened", alias,
              safe ? "" : " or UNIX socket");
    return -1;
}

/* ---- sessions ---- */

static void session_unlock(gpointer alias, gpointer value, gpointer user)
{
    struct session *session = value;

    if (session->terminal)
        tty_lock_release(session->terminal);
}

void console_release_all(struct guest *guest)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    if (!guest->consoles)
        return;
    g_hash_table_foreach(guest->consoles, session_unlock, NULL);
    g_hash_table_remove_all(guest->consoles);
}

static void session_ended(void *data)
{
    struct session *session = data;
    struct guest *guest = session->guest;

    g_mutex_lock(&guest->lock);
    /* one that was taken over is not in the table any more, and its lock is another's */
    if (g_hash_table_lookup(guest->consoles, session->alias) == session) {
        session_unlock(NULL, session, NULL);
        g_hash_table_remove(guest->consoles, session->alias);
    }
    g_mutex_unlock(&guest->lock);
    stream_unref(session->stream);
    object_unref(&guest->object);
    g_free(session->terminal);
    g_free(session->alias);
    g_free(session);
}

/* The stream of who has the device, a reference, taken off the table; NULL: it is free. */
static struct stream *evict(struct guest *guest, const char *alias)
{
    struct session *holder = g_hash_table_lookup(guest->consoles, alias);

    if (!holder)
        return NULL;
    g_hash_table_remove(guest->consoles, alias);
    return stream_ref(holder->stream);
}

/* Without SAFE the lock is a courtesy: where none can be had, the console works as well. */
static int lock_terminal(const struct session *session, bool safe, GError **error)
{
    g_autoptr(GError) refusal = NULL;

    if (!session->terminal || tty_lock_take(session->terminal, &refusal) == 0 ||
        (!safe && !error_is(refusal, VIR_ERR_OPERATION_FAILED)))
        return 0;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return -1;
}

static int claim(struct session *session, unsigned flags, struct stream **ret_evicted,
                 GError **error)
{
    struct guest *guest = session->guest;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    if (!guest->consoles)
        guest->consoles = g_hash_table_new(g_str_hash, g_str_equal);
    if (!(flags & VIR_DOMAIN_CONSOLE_FORCE) &&
        g_hash_table_contains(guest->consoles, session->alias)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "Active console session exists for this domain");
        return -1;
    }
    if (lock_terminal(session, flags & VIR_DOMAIN_CONSOLE_SAFE, error) < 0)
        return -1;
    *ret_evicted = evict(guest, session->alias);
    g_hash_table_insert(guest->consoles, session->alias, session);
    return 0;
}

static void tell_evicted(struct stream *evicted)
{
    g_autoptr(GError) error = NULL;

    if (!evicted)
        return;
    error_set(&error, VIR_ERR_OPERATION_ABORTED, "the console was taken over by another client");
    stream_fail(evicted, error, VIR_FROM_STREAMS);
    stream_unref(evicted);
}

static struct session *session_new(struct guest *guest, const struct chardev_source *source,
                                   const char *alias, struct stream *stream)
{
    struct session *session = g_new0(struct session, 1);

    object_ref(&guest->object);
    session->guest = guest;
    session->alias = g_strdup(alias);
    session->terminal =
        source->type == CHARDEV_PTY ? g_strdup(chardev_source_end(source)->path) : NULL;
    session->stream = stream_ref(stream);
    return session;
}

/* flags: VIR_DOMAIN_CONSOLE_ */
static int attach(struct guest *guest, const struct chardev_source *source, const char *alias,
                  unsigned flags, struct stream *stream, GError **error)
{
    int fd = open_source(source, alias, flags & VIR_DOMAIN_CONSOLE_SAFE, error);
    struct stream *evicted = NULL;

    if (fd < 0)
        return -1;
    struct session *session = session_new(guest, source, alias, stream);
    if (claim(session, flags, &evicted, error) < 0) {
        session_ended(session);
        close(fd);
        return -1;
    }
    tell_evicted(evicted);
    if (stream_attach_fd(stream, fd, STREAM_FD_BOTH, session_ended, session, error) < 0) {
        session_ended(session);
        return -1;
    }
    return 0;
}

int console_open(struct guest *guest, const char *alias, unsigned flags, struct stream *stream,
                 GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const char *found;

    object_get_view(&guest->object, &view);
    const struct chardev_source *source =
        view.live ? find_console(view_live(&view), alias, &found) : NULL;
    if (!source) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot find character device %s",
                  alias ? alias : "default");
        return -1;
    }
    return attach(guest, source, found, flags, stream, error);
}

int console_open_channel(struct guest *guest, const char *name, bool force, struct stream *stream,
                         GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const char *found;

    object_get_view(&guest->object, &view);
    const struct chardev_source *source =
        view.live ? find_channel(view_live(&view), name, &found) : NULL;
    if (!source) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot find channel %s", name ? name : "default");
        return -1;
    }
    return attach(guest, source, found, force ? VIR_DOMAIN_CONSOLE_FORCE : 0, stream, error);
}

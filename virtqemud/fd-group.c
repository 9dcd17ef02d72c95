/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fd-group.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/client.h"

#include "option.h"
#include "plug.h"

#define MOST_GROUPS 256 /* of one guest */
#define FD_IN_PLAN "@FD@"

/* ---- groups ---- */

struct fd_group {
    GArray *fds;                /* int, owned */
    const struct client *owner; /* not followed: only compared */
};

static void close_item(void *item)
{
    close(*(int *)item);
}

static void free_group(void *data)
{
    struct fd_group *group = data;

    g_array_unref(group->fds);
    g_free(group);
}

static bool put(struct guest *guest, const char *name, const struct fd_group *group)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    if (!guest->fd_groups)
        guest->fd_groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_group);
    if (g_hash_table_size(guest->fd_groups) >= MOST_GROUPS &&
        !g_hash_table_contains(guest->fd_groups, name))
        return false;
    g_hash_table_replace(guest->fd_groups, g_strdup(name), g_memdup2(group, sizeof(*group)));
    return true;
}

static gboolean is_of(void *name, void *data, void *client)
{
    const struct fd_group *group = data;

    return group->owner == client;
}

static void forget(struct guest *guest, struct client *client)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    if (guest->fd_groups)
        g_hash_table_foreach_remove(guest->fd_groups, is_of, client);
}

int fd_group_associate(struct guest *guest, struct client *client, const char *name, GArray *fds,
                       GError **error)
{
    const struct fd_group group = {fds, client};

    g_array_set_clear_func(fds, close_item);
    if (!put(guest, name, &group)) {
        g_array_unref(fds);
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "more than %d groups of file descriptors cannot be associated with a domain",
                  MOST_GROUPS);
        return -1;
    }
    if (!client_await_end(client))
        forget(guest, client);
    return 0;
}

void fd_group_client_gone(struct client *client)
{
    g_autoptr(GPtrArray) guests =
        registry_list(client->driver->registries[PROTOCOL_OBJECT_DOMAIN], NULL, NULL);

    for (guint i = 0; i < guests->len; i++)
        forget(guest_of(guests->pdata[i]), client);
}

static void unlock(void *name, void *data, void *unused)
{
    const struct fd_group *group = data;
    struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    for (guint i = 0; i < group->fds->len; i++)
        fcntl(g_array_index(group->fds, int, i), F_OFD_SETLK, &all);
}

void fd_group_unlock(struct guest *guest)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    if (guest->fd_groups)
        g_hash_table_foreach(guest->fd_groups, unlock, NULL);
}

/* ---- sets ---- */

static void free_set(void *data)
{
    struct fd_group_set *set = data;

    g_free(set->path);
    g_free(set);
}

/* Duplicates of a group's descriptors, the caller's. */
static int get_fds(struct guest *guest, const char *name, GArray **ret_fds, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);
    const struct fd_group *group =
        guest->fd_groups ? g_hash_table_lookup(guest->fd_groups, name) : NULL;

    if (!group) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "file descriptor group '%s' was not associated with the domain", name);
        return -1;
    }
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(fds, close_item);
    for (guint i = 0; i < group->fds->len; i++) {
        int fd = fd_duplicate(g_array_index(group->fds, int, i), error);
        if (fd < 0)
            return -1;
        g_array_append_val(fds, fd);
    }
    *ret_fds = g_steal_pointer(&fds);
    return 0;
}

/* All of them are one set: QEMU takes the one that was opened as it wants to open. */
static void add_fds(struct fd_group_set *set, const char *alias, GArray *fds,
                    struct arguments *arguments)
{
    int number = -1;

    for (guint i = 0; i < fds->len; i++) {
        int fd = g_array_index(fds, int, i);
        int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
        int there = words_add_fd(arguments, fd);
        GString *option = option_new("");

        number = number < 0 ? there : number;
        option_addf(option, "set", "%d", number);
        option_addf(option, "fd", "%d", there);
        option_addf(option, "opaque", PLUG_SET_MARK "%s", alias);
        words_add_option(arguments, "-add-fd", option);
        set->readable |= mode == O_RDONLY;
        set->writable |= mode == O_RDWR;
    }
    g_array_set_clear_func(fds, NULL);
    set->path = g_strdup_printf("/dev/fdset/%d", number);
}

static int add_set(const struct domain_source *source, const char *alias,
                   const struct arguments_context *context, struct arguments *arguments,
                   GHashTable *sets, GError **error)
{
    g_autoptr(GArray) fds = NULL;
    struct fd_group_set set = {.readable = true, .writable = true};

    if (context->plan) {
        set.path = g_strdup("/dev/fdset/" FD_IN_PLAN);
    } else {
        if (get_fds(context->guest, source->fdgroup, &fds, error) < 0)
            return -1;
        set = (struct fd_group_set){0};
        add_fds(&set, alias, fds, arguments);
    }
    g_hash_table_insert(sets, (char *)source->fdgroup, g_memdup2(&set, sizeof(set)));
    return 0;
}

int fd_group_add_sets(const struct domain_disk *disk, const struct arguments_context *context,
                      struct arguments *arguments, GHashTable **ret_sets, GError **error)
{
    g_autoptr(GHashTable) sets = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_set);

    for (const struct domain_source *at = &disk->source; at; at = at->backing)
        if (at->fdgroup && !g_hash_table_contains(sets, at->fdgroup) &&
            add_set(at, disk->info.alias, context, arguments, sets, error) < 0)
            return -1;
    *ret_sets = g_steal_pointer(&sets);
    return 0;
}

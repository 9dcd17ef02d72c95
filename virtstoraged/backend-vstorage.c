/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/error.h"

#include "backend.h"
#include "folder.h"
#include "mount.h"
#include "served.h"

/* A cluster of Virtuozzo Storage, mounted on a folder of the host by its own program. */

#define NAME_BYTES 4096

static int vstorage_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    return folder_build(pool, error);
}

/* ---- start ---- */

static void add_words(GPtrArray *words, const char *option, char *value)
{
    g_ptr_array_add(words, g_strdup(option));
    g_ptr_array_add(words, value);
}

/* By name, or by number if nobody has that. */
static char *user_name(uid_t user)
{
    struct passwd entry, *found = NULL;
    char room[NAME_BYTES];

    getpwuid_r(user, &entry, room, sizeof(room), &found);
    return found ? g_strdup(found->pw_name) : g_strdup_printf("%u", user);
}

static char *group_name(gid_t group)
{
    struct group entry, *found = NULL;
    char room[NAME_BYTES];

    getgrgid_r(group, &entry, room, sizeof(room), &found);
    return found ? g_strdup(found->gr_name) : g_strdup_printf("%u", group);
}

static GPtrArray *list_words(const struct storage_pool *pool)
{
    const struct storage_permissions *permissions = pool->target.permissions;
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(words, g_strdup("vstorage-mount"));
    add_words(words, "-c", g_strdup(pool->source.name));
    if (permissions && permissions->mode.set)
        add_words(words, "-m", g_strdup_printf("%04o", permissions->mode.value));
    if (permissions && permissions->group.set)
        add_words(words, "-g", group_name(permissions->group.value));
    if (permissions && permissions->owner.set)
        add_words(words, "-u", user_name(permissions->owner.value));
    g_ptr_array_add(words, g_strdup(pool->target.path));
    g_ptr_array_add(words, NULL);
    return words;
}

static int vstorage_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                          GError **error)
{
    g_autoptr(GPtrArray) words = list_words(pool);
    g_autofree char *source = g_strdup_printf("vstorage://%s", pool->source.name);
    struct mount_request request = {
        .source = source,
        .target = pool->target.path,
        .argv = (const char *const *)words->pdata,
    };

    if (mount_begin(&request, error) < 0)
        return -1;
    return served_open(pool, ret_volumes, error);
}

const struct backend vstorage_backend = {
    .needs = "vstorage-mount",
    .build = vstorage_build,
    .remove = folder_remove,
    .start = vstorage_start,
    .stop = served_stop,
    .refresh = folder_refresh,
    .measure = folder_measure,
    .volumes = &file_volumes,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#include "exports.h"
#include "folder.h"
#include "gluster-list.h"
#include "mount.h"
#include "program.h"
#include "served.h"
#include "sources.h"

/* A folder of a server, mounted on one of the host. Servers hang: see guard.h. */

#define FIND_MS 60000

static int netfs_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    return folder_build(pool, error);
}

/* ---- what is mounted ---- */

static int check_host(const struct storage_pool *pool, GError **error)
{
    if (pool->source.hosts.count == 1)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "expected exactly 1 host for the storage pool");
    return -1;
}

/* SERVER:FOLDER, or //SERVER/SHARE; the address of a server may itself have colons. */
static char *source_of(const struct storage_pool *pool)
{
    const char *host = pool->source.hosts.items[0]->name, *folder = pool->source.dir;
    bool bare = strchr(host, ':') && *host != '[';

    if (pool->source.format == STORAGE_NETFS_CIFS)
        return g_strdup_printf("//%s/%s", host, folder);
    return g_strdup_printf("%s%s%s:%s", bare ? "[" : "", host, bare ? "]" : "", folder);
}

/* Who we are to a server of CIFS; else we are nobody there. */
static bool has_identity(const struct storage_pool *pool)
{
    static const char *const words[] = {"credentials=", "cred=", "username=", "user=", "sec="};

    LIST_EACH (option, &pool->mount_options)
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
            if (g_str_has_prefix(option, words[i]))
                return true;
    return false;
}

static GPtrArray *options_of(const struct storage_pool *pool)
{
    GPtrArray *options = g_ptr_array_new_with_free_func(g_free);

    if (pool->source.protocol_version)
        g_ptr_array_add(options, g_strdup_printf("nfsvers=%s", pool->source.protocol_version));
    if (pool->source.format == STORAGE_NETFS_GLUSTERFS)
        g_ptr_array_add(options, g_strdup("direct-io-mode=1"));
    if (pool->source.format == STORAGE_NETFS_CIFS && !has_identity(pool))
        g_ptr_array_add(options, g_strdup("guest"));
    LIST_EACH (option, &pool->mount_options)
        g_ptr_array_add(options, g_strdup(option));
    return options;
}

static int begin_mount(const struct storage_pool *pool, GError **error)
{
    g_autofree char *source = source_of(pool);
    g_autoptr(GPtrArray) options = options_of(pool);
    bool any = pool->source.format == STORAGE_NETFS_AUTO;
    struct mount_request request = {
        .source = source,
        .target = pool->target.path,
        .type = any ? NULL : names_word(&storage_netfs_format_names, pool->source.format),
        .options = (const char *const *)options->pdata,
        .option_count = options->len,
    };

    return mount_begin(&request, error);
}

/* ---- start and stop ---- */

static int netfs_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                       GError **error)
{
    if (check_host(pool, error) < 0 || begin_mount(pool, error) < 0)
        return -1;
    return served_open(pool, ret_volumes, error);
}

/* ---- sources ---- */

/* A server that does not tell has none to find. */
static GPtrArray *find_exports(const char *host)
{
    const char *const argv[] = {"showmount", "--no-headers", "--exports", "--", host, NULL};
    struct program program = {.argv = argv, .milliseconds = FIND_MS};
    g_autofree char *text = NULL;

    return exports_read(program_run(&program, &text, NULL) == 0 ? text : "");
}

static void add_sources(struct storage_sources *sources, const char *host, const GPtrArray *folders,
                        enum storage_netfs_format format)
{
    for (guint i = 0; i < folders->len; i++) {
        struct storage_source *source = sources_add(sources, host, 0);

        source->dir = arena_strdup(&sources->definition.arena, folders->pdata[i]);
        source->format = names_word(&storage_netfs_format_names, format);
    }
}

static int netfs_find_sources(const struct storage_source *wanted, char **ret_text, GError **error)
{
    const struct storage_host *host;

    if (sources_get_host(wanted, "netfs", &host, error) < 0)
        return -1;
    g_autoptr(GPtrArray) folders = find_exports(host->name);
    g_autoptr(GPtrArray) volumes = NULL;
    if (gluster_list_find(host->name, &volumes, NULL) < 0)
        volumes = g_ptr_array_new();
    if (!folders->len && !volumes->len) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "no storage pools were found on host '%s'",
                  host->name);
        return -1;
    }
    DEFINITION_AUTO struct storage_sources *sources = sources_new();
    add_sources(sources, host->name, folders, STORAGE_NETFS_NFS);
    add_sources(sources, host->name, volumes, STORAGE_NETFS_GLUSTERFS);
    *ret_text = sources_text(sources);
    return 0;
}

const struct backend netfs_backend = {
    .needs = "mount",
    .build = netfs_build,
    .remove = folder_remove,
    .start = netfs_start,
    .stop = served_stop,
    .refresh = folder_refresh,
    .measure = folder_measure,
    .find_sources = netfs_find_sources,
    .volumes = &file_volumes,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gluster-link.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/error.h"

#define URI_CHARACTERS "/~!$&'()*+,;=:@"

/* ---- names ---- */

static int check_names(const struct storage_pool *pool, GError **error)
{
    const char *dir = pool->source.dir;

    if (pool->source.hosts.count != 1) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "Expected exactly 1 host for the storage pool");
        return -1;
    }
    if (strchr(pool->source.name, '/')) {
        error_set(error, VIR_ERR_XML_ERROR, "gluster pool name '%s' must not contain /",
                  pool->source.name);
        return -1;
    }
    if (dir && *dir != '/') {
        error_set(error, VIR_ERR_XML_ERROR, "gluster pool path '%s' must start with /", dir);
        return -1;
    }
    return 0;
}

/* With one slash between names, and none at the end. */
static char *tidy(const char *dir)
{
    g_auto(GStrv) parts = g_strsplit(dir ? dir : "", "/", -1);
    g_autoptr(GString) path = g_string_new(NULL);

    for (char **part = parts; *part; part++)
        if (**part)
            g_string_append_printf(path, "/%s", *part);
    return g_strdup(path->len ? path->str : "/");
}

static char *make_uri(const struct storage_pool *pool, const char *folder)
{
    const struct storage_host *host = pool->source.hosts.items[0];
    bool bare = strchr(host->name, ':') && *host->name != '[';
    g_autofree char *port = host->port ? g_strdup_printf(":%u", host->port) : g_strdup("");
    g_autofree char *escaped = g_uri_escape_string(folder[1] ? folder : "", URI_CHARACTERS, FALSE);

    return g_strdup_printf("gluster://%s%s%s%s/%s%s", bare ? "[" : "", host->name, bare ? "]" : "",
                           port, pool->source.name, escaped);
}

char *gluster_link_path(const struct gluster_link *link, const char *name)
{
    return g_strdup_printf("%s/%s", link->folder[1] ? link->folder : "", name);
}

/* ---- the link ---- */

int gluster_link_new(const struct storage_pool *pool, struct gluster_link **ret_link,
                     GError **error)
{
    if (check_names(pool, error) < 0)
        return -1;
    struct gluster_link *link = g_atomic_rc_box_new0(struct gluster_link);
    link->pool = (struct storage_pool *)definition_ref((struct definition *)pool);
    link->folder = tidy(pool->source.dir);
    link->uri = make_uri(pool, link->folder);
    *ret_link = link;
    return 0;
}

static void *end_volume(void *volume)
{
    glfs_fini(volume);
    return NULL;
}

void gluster_link_clear(void *data)
{
    struct gluster_link *link = data;

    if (link->volume)
        g_thread_unref(g_thread_new("gluster-end", end_volume, link->volume));
    definition_unref(&link->pool->definition);
    g_free(link->folder);
    g_free(link->uri);
}

void gluster_link_unref(void *link)
{
    g_atomic_rc_box_release_full(link, gluster_link_clear);
}

int gluster_link_open(void *data, GError **error)
{
    struct gluster_link *link = data;
    const struct storage_host *host = link->pool->source.hosts.items[0];
    struct stat about;

    link->volume = glfs_new(link->pool->source.name);
    if (!link->volume || glfs_set_logging(link->volume, "/dev/null", 0) < 0 ||
        glfs_set_volfile_server(link->volume, "tcp", host->name, (int)host->port) < 0 ||
        glfs_init(link->volume) < 0 || glfs_stat(link->volume, link->folder, &about) < 0) {
        error_set_errno(error, errno, "failed to connect to %s", link->uri);
        return -1;
    }
    if (S_ISDIR(about.st_mode))
        return 0;
    error_set_errno(error, ENOTDIR, "failed to open %s", link->uri);
    return -1;
}

void gluster_link_ask(void *data)
{
    struct gluster_link *link = data;
    struct statvfs space;

    glfs_statvfs(link->volume, link->folder, &space);
}

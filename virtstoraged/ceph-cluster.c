/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ceph-cluster.h"

#include <string.h>

#include "base/error.h"

#include "credential.h"

#define DEADLINE_SECONDS "30"

int ceph_fail(int result, GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    error_set_errno(error, -result, "%s", what);
    return -1;
}

static char *list_monitors(const struct storage_pool *pool)
{
    g_autoptr(GString) list = g_string_new(NULL);

    LIST_EACH (host, &pool->source.hosts) {
        bool bare = strchr(host->name, ':') && *host->name != '[';

        g_string_append_printf(list, "%s%s%s%s", list->len ? "," : "", bare ? "[" : "", host->name,
                               bare ? "]" : "");
        if (host->port)
            g_string_append_printf(list, ":%u", host->port);
    }
    return g_strdup(list->str);
}

static int set_option(rados_t rados, const char *name, const char *value, GError **error)
{
    if (rados_conf_set(rados, name, value) == 0)
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "failed to set RADOS option: %s", name);
    return -1;
}

static int set_login(rados_t rados, const struct storage_auth *auth, GError **error)
{
    char *key CREDENTIAL_AUTO = NULL;

    if (!auth)
        return set_option(rados, "auth_client_required", "none", error);
    if (auth->type != STORAGE_AUTH_CEPH) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "rbd pool only supports 'ceph' auth");
        return -1;
    }
    if (credential_get(auth, &key, error) < 0 ||
        set_option(rados, "auth_client_required", "cephx", error) < 0)
        return -1;
    return set_option(rados, "key", key, error);
}

/* Options of the pool's document come last, so that they win. */
static int set_up(rados_t rados, const struct storage_pool *pool, GError **error)
{
    g_autofree char *monitors = list_monitors(pool);
    const struct {
        const char *name, *value;
    } options[] = {
        {"mon_host", monitors},
        {"client_mount_timeout", DEADLINE_SECONDS},
        {"rados_mon_op_timeout", DEADLINE_SECONDS},
        {"rados_osd_op_timeout", DEADLINE_SECONDS},
        {"rbd_cache", "false"}, /* what is written is safe */
        {"log_to_stderr", "false"},
        {"err_to_stderr", "false"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        if (set_option(rados, options[i].name, options[i].value, error) < 0)
            return -1;
    if (set_login(rados, pool->source.auth, error) < 0)
        return -1;
    LIST_EACH (option, &pool->rbd_options)
        if (set_option(rados, option->name, option->value, error) < 0)
            return -1;
    return 0;
}

static int reach(struct ceph_cluster *cluster, const struct storage_pool *pool, GError **error)
{
    int result = rados_connect(cluster->rados);

    if (result < 0) {
        g_autofree char *monitors = list_monitors(pool);

        return ceph_fail(result, error, "failed to connect to the RADOS monitor on: %s", monitors);
    }
    result = rados_ioctx_create(cluster->rados, pool->source.name, &cluster->io);
    if (result < 0)
        return ceph_fail(result, error, "failed to open the RADOS pool '%s'", pool->source.name);
    return 0;
}

int ceph_cluster_open(const struct storage_pool *pool, struct ceph_cluster **ret_cluster,
                      GError **error)
{
    const struct storage_auth *auth = pool->source.auth;
    struct ceph_cluster *cluster = g_new0(struct ceph_cluster, 1);
    int result = rados_create(&cluster->rados, auth ? auth->username : NULL);

    if (result < 0) {
        g_free(cluster);
        return ceph_fail(result, error, "failed to create the RADOS cluster");
    }
    if (set_up(cluster->rados, pool, error) < 0 || reach(cluster, pool, error) < 0) {
        ceph_cluster_free(cluster);
        return -1;
    }
    *ret_cluster = cluster;
    return 0;
}

void ceph_cluster_free(void *data)
{
    struct ceph_cluster *cluster = data;

    if (cluster->io)
        rados_ioctx_destroy(cluster->io);
    rados_shutdown(cluster->rados);
    g_free(cluster);
}

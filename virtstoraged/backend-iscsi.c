/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "credential.h"
#include "iscsi.h"
#include "lun.h"
#include "sources.h"

/* The LUNs of an iSCSI target, as disks of this host. */

#define PORT 3260

static int get_target(const struct storage_pool *pool, struct iscsi_target *ret_target,
                      GError **error)
{
    if (pool->source.hosts.count != 1) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "Expected exactly 1 host for the storage pool");
        return -1;
    }
    if (pool->source.devices.count != 1) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "missing source device");
        return -1;
    }
    *ret_target = (struct iscsi_target){
        .host = pool->source.hosts.items[0]->name,
        .port = pool->source.hosts.items[0]->port ?: PORT,
        .name = pool->source.devices.items[0]->path,
        .initiator = pool->source.initiator,
    };
    return 0;
}

static int log_in(const struct storage_pool *pool, const struct iscsi_target *target,
                  GError **error)
{
    const struct storage_auth *auth = pool->source.auth;
    CREDENTIAL_AUTO char *password = NULL;

    if (auth && auth->type != STORAGE_AUTH_CHAP) {
        error_set(error, VIR_ERR_XML_ERROR, "iscsi pool only supports 'chap' auth type");
        return -1;
    }
    if (auth && credential_get(auth, &password, error) < 0)
        return -1;
    return iscsi_log_in(target, auth ? auth->username : NULL, password, error);
}

static int iscsi_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                       GError **error)
{
    struct iscsi_target target;
    unsigned session, host;

    if (get_target(pool, &target, error) < 0)
        return -1;
    if (!iscsi_find_session(&target, &session, &host) && log_in(pool, &target, error) < 0)
        return -1;
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

static int iscsi_stop(const struct storage_pool *pool, GError **error)
{
    struct iscsi_target target;
    unsigned session, host;

    if (get_target(pool, &target, error) < 0)
        return -1;
    return iscsi_find_session(&target, &session, &host) ? iscsi_log_out(&target, error) : 0;
}

static int iscsi_refresh(const struct storage_pool *pool, struct volumes *volumes,
                         struct pool_facts *ret_facts, GError **error)
{
    struct iscsi_target target;
    unsigned session, host;

    if (get_target(pool, &target, error) < 0)
        return -1;
    if (!iscsi_find_session(&target, &session, &host)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "there is no session with '%s' at '%s'",
                  target.name, target.host);
        return -1;
    }
    if (iscsi_rescan(session, error) < 0)
        return -1;
    return lun_refresh(volumes, host, error);
}

static int iscsi_find_sources(const struct storage_source *wanted, char **ret_text, GError **error)
{
    const struct storage_host *host;
    g_autofree char *text = NULL;

    if (sources_get_host(wanted, "iscsi", &host, error) < 0)
        return -1;
    struct iscsi_target target = {
        .host = host->name, .port = host->port ?: PORT, .initiator = wanted->initiator};
    if (iscsi_discover(&target, &text, error) < 0)
        return -1;
    g_autoptr(GPtrArray) names = iscsi_read_targets(text);
    DEFINITION_AUTO struct storage_sources *sources = sources_new();
    struct arena *arena = &sources->definition.arena;
    for (guint i = 0; i < names->len; i++) {
        struct storage_source *source = sources_add(sources, target.host, target.port);
        struct storage_device *device = arena_new(arena, struct storage_device);

        device->path = arena_strdup(arena, names->pdata[i]);
        LIST_APPEND(arena, &source->devices, device);
        source->initiator = wanted->initiator ? arena_strdup(arena, wanted->initiator) : NULL;
    }
    *ret_text = sources_text(sources);
    return 0;
}

const struct backend iscsi_backend = {
    .needs = "iscsiadm",
    .start = iscsi_start,
    .stop = iscsi_stop,
    .refresh = iscsi_refresh,
    .measure = lun_measure,
    .find_sources = iscsi_find_sources,
    .volumes = &lun_volumes,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume-source.h"

#include <string.h>

#include "base/error.h"
#include "driver/peer.h"
#include "model/domain.h"
#include "protocol/remote.h"
#include "xml/xml.h"

#include "qemu.h"

/* ---- what it is ---- */

/* What the last start has found may be no longer so. */
static void forget(struct domain_source *source)
{
    source->real = SOURCE_NONE;
    source->protocol = SOURCE_PROTOCOL_NONE;
    source->path = source->name = NULL;
    source->hosts.count = 0;
    source->network = NULL;
    source->pool_auth = NULL;
}

static int refuse(enum error_code code, const struct domain_source *source, GError **error,
                  const char *reason)
{
    error_set(error, code, "volume '%s' of pool '%s': %s", source->volume->volume,
              source->volume->pool, reason);
    return -1;
}

static int on_this_host(struct domain_source *source, const struct storage_volume *volume,
                        struct arena *arena, GError **error)
{
    static const uint8_t types[] = {
        [STORAGE_VOLUME_FILE] = SOURCE_FILE,
        [STORAGE_VOLUME_BLOCK] = SOURCE_BLOCK,
        [STORAGE_VOLUME_DIR] = SOURCE_DIR,
    };
    unsigned type = volume->type < G_N_ELEMENTS(types) ? types[volume->type] : SOURCE_NONE;

    if (!type || !volume->target.path)
        return refuse(VIR_ERR_INTERNAL_ERROR, source, error, "it is not on this host");
    if (source->startup_policy && type != SOURCE_FILE)
        return refuse(VIR_ERR_XML_ERROR, source, error,
                      "'startupPolicy' is only valid for 'file' type volume");
    source->real = (uint8_t)type;
    source->path = arena_strdup(arena, volume->target.path);
    return 0;
}

static void copy_hosts(struct domain_source *source, const struct storage_pool *pool,
                       struct arena *arena)
{
    source->hosts.count = pool->source.hosts.count;
    source->hosts.items =
        arena_array(arena, pool->source.hosts.count, sizeof(*source->hosts.items));
    LIST_EACH (host, &pool->source.hosts) {
        struct source_host *copy = arena_new(arena, struct source_host);

        copy->name = arena_strdup(arena, host->name);
        copy->port = host->port ? arena_printf(arena, "%u", host->port) : NULL;
        source->hosts.items[host_i] = copy;
    }
}

static void copy_auth(struct domain_source *source, const struct storage_auth *auth,
                      struct arena *arena)
{
    if (!auth)
        return;
    struct source_auth *copy = arena_new(arena, struct source_auth);
    copy->username = arena_strdup(arena, auth->username);
    copy->secret.type = auth->type == STORAGE_AUTH_CEPH ? SECRET_TYPE_CEPH : SECRET_TYPE_ISCSI;
    memcpy(copy->secret.uuid, auth->secret_uuid, sizeof(copy->secret.uuid));
    copy->secret.usage = arena_strdup(arena, auth->secret_usage);
    source->pool_auth = copy;
}

static int on_network(struct domain_source *source, enum source_protocol protocol, const char *name,
                      const struct storage_pool *pool, struct arena *arena, GError **error)
{
    if (source->startup_policy)
        return refuse(VIR_ERR_XML_ERROR, source, error,
                      "'startupPolicy' is only valid for 'file' type volume");
    source->real = SOURCE_NETWORK;
    source->protocol = (uint8_t)protocol;
    source->name = name;
    copy_hosts(source, pool, arena);
    copy_auth(source, pool->source.auth, arena);
    return 0;
}

/* "unit:0:0:3" is the third unit of the pool's target. */
static int by_iscsi(struct domain_source *source, const struct storage_pool *pool,
                    const struct storage_volume *volume, struct arena *arena, GError **error)
{
    const char *unit = strrchr(volume->name, ':');

    if (!unit || !pool->source.devices.count)
        return refuse(VIR_ERR_INTERNAL_ERROR, source, error, "its name has no unit's number");
    const char *target = pool->source.devices.items[0]->path;
    if (on_network(source, SOURCE_PROTOCOL_ISCSI, arena_printf(arena, "%s/%s", target, unit + 1),
                   pool, arena, error) < 0)
        return -1;
    if (pool->source.initiator) {
        source->network = arena_new(arena, struct source_network);
        source->network->initiator_iqn = arena_strdup(arena, pool->source.initiator);
    }
    return 0;
}

static int by_rbd(struct domain_source *source, const struct storage_pool *pool,
                  const struct storage_volume *volume, struct arena *arena, GError **error)
{
    const char *name = arena_printf(arena, "%s/%s", pool->source.name, volume->name);

    return on_network(source, SOURCE_PROTOCOL_RBD, name, pool, arena, error);
}

static int by_gluster(struct domain_source *source, const struct storage_pool *pool,
                      const struct storage_volume *volume, struct arena *arena, GError **error)
{
    const char *folder = pool->source.dir ? pool->source.dir + strspn(pool->source.dir, "/") : "";
    const char *name = arena_printf(arena, "%s/%s%s%s", pool->source.name, folder,
                                    *folder ? "/" : "", volume->name);

    return on_network(source, SOURCE_PROTOCOL_GLUSTER, name, pool, arena, error);
}

int volume_source_translate(struct domain_source *source, const struct storage_pool *pool,
                            const struct storage_volume *volume, struct arena *arena,
                            GError **error)
{
    bool iscsi = pool->type == STORAGE_POOL_ISCSI || pool->type == STORAGE_POOL_ISCSI_DIRECT;

    forget(source);
    if (source->volume->mode && !iscsi)
        return refuse(VIR_ERR_XML_ERROR, source, error,
                      "disk source mode is only valid when storage pool is of iscsi type");
    switch ((enum storage_pool_type)pool->type) {
    case STORAGE_POOL_ISCSI:
        if (source->volume->mode != VOLUME_MODE_DIRECT)
            return on_this_host(source, volume, arena, error);
        return by_iscsi(source, pool, volume, arena, error);
    case STORAGE_POOL_ISCSI_DIRECT:
        return by_iscsi(source, pool, volume, arena, error);
    case STORAGE_POOL_RBD:
        return by_rbd(source, pool, volume, arena, error);
    case STORAGE_POOL_GLUSTER:
        return by_gluster(source, pool, volume, arena, error);
    default:
        return on_this_host(source, volume, arena, error);
    }
}

/* ---- asking ---- */

static int find_pool(struct qemu *qemu, const struct source_volume *wanted, struct arena *arena,
                     struct storage_pool **ret_pool, GError **error)
{
    const struct remote_storage_pool_lookup_by_name_args lookup = {.name = (char *)wanted->pool};
    struct remote_storage_pool_lookup_by_name_ret found;
    struct remote_storage_pool_is_active_ret active;
    struct remote_storage_pool_get_xml_desc_ret text;

    if (peer_call(qemu->storage, REMOTE_PROC_STORAGE_POOL_LOOKUP_BY_NAME, &lookup, arena, &found,
                  error) < 0)
        return -1;
    const struct remote_storage_pool_is_active_args about = {.pool = found.pool};
    if (peer_call(qemu->storage, REMOTE_PROC_STORAGE_POOL_IS_ACTIVE, &about, arena, &active,
                  error) < 0)
        return -1;
    if (!active.active) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "storage pool '%s' containing volume '%s' is not active", wanted->pool,
                  wanted->volume);
        return -1;
    }
    const struct remote_storage_pool_get_xml_desc_args args = {.pool = found.pool};
    if (peer_call(qemu->storage, REMOTE_PROC_STORAGE_POOL_GET_XML_DESC, &args, arena, &text,
                  error) < 0)
        return -1;
    *ret_pool = (struct storage_pool *)xml_read(&storage_pool_schema, text.xml, -1, 0, NULL, error);
    return *ret_pool ? 0 : -1;
}

static int find_volume(struct qemu *qemu, const struct source_volume *wanted,
                       const struct storage_pool *pool, struct arena *arena,
                       struct storage_volume **ret_volume, GError **error)
{
    struct remote_storage_vol_lookup_by_name_args lookup = {.name = (char *)wanted->volume};
    struct remote_storage_vol_lookup_by_name_ret found;
    struct remote_storage_vol_get_xml_desc_ret text;

    lookup.pool.name = (char *)wanted->pool;
    memcpy(lookup.pool.uuid, pool->uuid, sizeof(lookup.pool.uuid));
    if (peer_call(qemu->storage, REMOTE_PROC_STORAGE_VOL_LOOKUP_BY_NAME, &lookup, arena, &found,
                  error) < 0)
        return -1;
    const struct remote_storage_vol_get_xml_desc_args args = {.vol = found.vol};
    if (peer_call(qemu->storage, REMOTE_PROC_STORAGE_VOL_GET_XML_DESC, &args, arena, &text, error) <
        0)
        return -1;
    *ret_volume =
        (struct storage_volume *)xml_read(&storage_volume_schema, text.xml, -1, 0, NULL, error);
    return *ret_volume ? 0 : -1;
}

static int ask(struct qemu *qemu, struct domain_source *source, struct arena *calls,
               struct arena *arena, GError **error)
{
    DEFINITION_AUTO struct storage_pool *pool = NULL;
    DEFINITION_AUTO struct storage_volume *volume = NULL;

    if (find_pool(qemu, source->volume, calls, &pool, error) < 0 ||
        find_volume(qemu, source->volume, pool, calls, &volume, error) < 0)
        return -1;
    return volume_source_translate(source, pool, volume, arena, error);
}

int volume_source_find(struct qemu *qemu, struct domain_source *source, struct arena *arena,
                       GError **error)
{
    for (; source; source = source->backing) {
        struct arena calls = {0};

        if (source->type != SOURCE_VOLUME || !source->volume)
            continue;
        int result = ask(qemu, source, &calls, arena, error);
        arena_clear(&calls);
        if (result < 0)
            return -1;
    }
    return 0;
}

int volume_source_find_all(struct qemu *qemu, struct domain *live, GError **error)
{
    LIST_EACH (disk, &live->devices.disks) {
        if (volume_source_find(qemu, &disk->source, &live->definition.arena, error) == 0)
            continue;
        if (disk->source.startup_policy == STARTUP_POLICY_OPTIONAL &&
            error_is(error ? *error : NULL, VIR_ERR_NO_STORAGE_VOL)) {
            g_clear_error(error);
            disk->source.volume = NULL;
            continue;
        }
        g_prefix_error(error, "disk '%s': ", disk->target);
        return -1;
    }
    return 0;
}

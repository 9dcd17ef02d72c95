/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "backend.h"
#include "lun.h"
#include "scsi-host.h"

/* The LUNs behind a host bus adapter, or a virtual one that is made for the pool. */

static char *owner_of(const struct storage_pool *pool)
{
    return g_strdup_printf("modvirt pool %s", pool->name);
}

static int scsi_start(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    g_autofree char *owner = owner_of(pool);
    unsigned host;

    if (scsi_host_make_virtual(pool->source.adapter, owner, error) < 0 ||
        scsi_host_find(pool->source.adapter, &host, error) < 0)
        return -1;
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

static int scsi_stop(const struct storage_pool *pool, GError **error)
{
    g_autofree char *owner = owner_of(pool);

    return scsi_host_remove_virtual(pool->source.adapter, owner, error);
}

static int scsi_refresh(const struct storage_pool *pool, struct volumes *volumes,
                        struct pool_facts *ret_facts, GError **error)
{
    unsigned host;

    if (scsi_host_find(pool->source.adapter, &host, error) < 0 || scsi_host_scan(host, error) < 0)
        return -1;
    return lun_refresh(volumes, host, error);
}

const struct backend scsi_backend = {
    .start = scsi_start,
    .stop = scsi_stop,
    .refresh = scsi_refresh,
    .measure = lun_measure,
    .volumes = &lun_volumes,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"
#include "driver/connect.h"
#include "driver/peer.h"

#include "document.h"
#include "methods.h"
#include "pool.h"
#include "start.h"
#include "status.h"
#include "transfer.h"
#include "volume-call.h"
#include "volume-job.h"

/* ---- what is served ---- */

static const struct driver_methods *const method_groups[] = {
    &connect_methods, &list_methods,        &lifecycle_methods, &event_methods,
    &source_methods,  &volume_list_methods, &volume_methods,    &stream_methods,
};

static const struct protocol_program *const programs[] = {&remote_program, NULL};

static const struct driver_spec driver_spec = {
    .type = "storage",
    .scheme = "storage",
    .programs = programs,
    .groups = method_groups,
    .group_count = G_N_ELEMENTS(method_groups),
    .client_gone = volume_job_cancel_all,
    .gate = volume_call_gate,
};

static const struct object_kind pool_kind = {
    .name = "storage pool",
    .schema = &storage_pool_schema,
    .access = ACCESS_OBJECT_STORAGE_POOL,
    .missing = VIR_ERR_NO_STORAGE_POOL,
    .size = sizeof(struct pool),
    .name_offset = offsetof(struct storage_pool, name),
    .uuid_offset = offsetof(struct storage_pool, uuid),
    .inactive_state = VIR_STORAGE_POOL_INACTIVE,
    .clear = pool_clear,
    .complete = document_complete,
};

/* ---- the instance ---- */

static void make(struct daemon *daemon)
{
    storaged = g_new0(struct storaged, 1);
    storaged->kind = pool_kind;
    storaged->driver = driver_new(&driver_spec, daemon);
    storaged->driver->data = storaged;
    storaged->secrets = peer_new(daemon, PROTOCOL_OWNER_SECRET, NULL, NULL);
    driver_add_kind(storaged->driver, PROTOCOL_OBJECT_STORAGE_POOL,
                    &(struct store_spec){
                        .kind = &storaged->kind,
                        .config_folder = "storage",
                        .autostart = true,
                        .edit_command = "virsh pool-edit",
                        .status = &status_file,
                    });
    storaged->pools = storaged->driver->registries[PROTOCOL_OBJECT_STORAGE_POOL];
    storaged->store = storaged->driver->stores[PROTOCOL_OBJECT_STORAGE_POOL];
    daemon->data = storaged->driver;
}

static int load(GError **error)
{
    if (file_make_folders(storaged->driver->status_folder, 0755, error) < 0 ||
        driver_load(storaged->driver, PROTOCOL_OBJECT_STORAGE_POOL, error) < 0)
        return -1;
    start_readopt();
    return 0;
}

/* Pools run on without us. */
static void stop(struct daemon *daemon)
{
    transfer_wait_all();
    g_autoptr(GPtrArray) pools = registry_list(storaged->pools, NULL, NULL);
    for (guint i = 0; i < pools->len; i++)
        pool_set_volumes(pools->pdata[i], NULL);
    g_clear_pointer(&pools, g_ptr_array_unref);
    peer_free(storaged->secrets);
    driver_free(storaged->driver);
    g_clear_pointer(&storaged, g_free);
}

static int start(struct daemon *daemon, GError **error)
{
    make(daemon);
    if (load(error) < 0) {
        stop(daemon);
        return -1;
    }
    driver_autostart(storaged->driver, PROTOCOL_OBJECT_STORAGE_POOL, start_autostart);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "virtstoraged",
        .error_from = VIR_FROM_STORAGE,
        .session_allowed = true,
        .start = start,
        .stop = stop,
        DRIVER_SERVES,
    };

    return daemon_main(&spec, argc, argv);
}

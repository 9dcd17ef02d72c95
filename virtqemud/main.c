/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "base/workers.h"
#include "host/cgroup-delegate.h"

#include "claims.h"
#include "document.h"
#include "guest.h"
#include "methods.h"
#include "netwatch.h"
#include "ports.h"
#include "reconnect.h"
#include "start.h"
#include "status.h"

/* ---- the instance ---- */

static const struct object_kind guest_kind = {
    .name = "domain",
    .schema = &domain_schema,
    .access = ACCESS_OBJECT_DOMAIN,
    .missing = VIR_ERR_NO_DOMAIN,
    .size = sizeof(struct guest),
    .name_offset = offsetof(struct domain, name),
    .uuid_offset = offsetof(struct domain, uuid),
    .inactive_state = VIR_DOMAIN_SHUTOFF,
    .clear = guest_clear,
    .complete = document_complete,
    .revert = document_revert,
};

static void warn(const char *text, void *data)
{
    log_warn("%s", text);
}

static void set_folders(struct qemu *qemu, const struct daemon *daemon)
{
    const struct paths *paths = &daemon->paths;

    if (daemon->session) {
        qemu->state_folder = g_strdup_printf("%s/qemu/lib", paths->config);
        qemu->log_folder = g_strdup_printf("%s/qemu/log", paths->cache);
    } else {
        qemu->state_folder = g_strdup_printf("%s/qemu", paths->state);
        qemu->log_folder = g_strdup_printf("%s/qemu", paths->log);
    }
    qemu->status_folder = qemu->driver->status_folder;
    qemu->nvram_folder = g_strdup_printf("%s/nvram", qemu->state_folder);
}

/* QEMU's user must be able to pass through to what is its own inside. */
static int make_folders(const struct qemu *qemu, GError **error)
{
    if (file_make_folders(qemu->state_folder, 0751, error) < 0 ||
        file_make_folders(qemu->status_folder, 0755, error) < 0 ||
        file_make_folders(qemu->log_folder, 0700, error) < 0)
        return -1;
    return 0;
}

/* What names this host to clients: the configured uuid, the firmware's, or the system's own. */
static void find_host_uuid(struct qemu *qemu, const struct daemon *daemon)
{
    static const char *const files[] = {"/sys/class/dmi/id/product_uuid", "/etc/machine-id"};
    const char *configured = daemon->settings.host_uuid;
    bool from_machine_id = g_strcmp0(daemon->settings.host_uuid_source, "machine-id") == 0;

    if (configured && uuid_parse(configured, qemu->host_uuid) == 0)
        return;
    for (size_t i = from_machine_id; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = NULL;
        if (file_read_all(files[i], 256, &text, NULL, NULL) == 0 &&
            uuid_parse(g_strstrip(text), qemu->host_uuid) == 0)
            return;
    }
    uuid_generate(qemu->host_uuid);
}

static void make_probes(struct qemu *qemu, const struct daemon *daemon)
{
    g_autofree char *folder = g_strdup_printf("%s/qemu/modvirt", daemon->paths.cache);
    struct probes_settings settings = {
        .folder = folder,
        .set_user = qemu->config.set_user,
        .uid = qemu->config.uid,
        .gid = qemu->config.gid,
        .groups = qemu->config.groups,
        .group_count = qemu->config.group_count,
    };

    qemu->probes = probes_new(qemu->monitors, &settings);
}

static void *run_monitors(void *data)
{
    loop_run(data);
    return NULL;
}

static struct qemu *make(struct daemon *daemon)
{
    struct qemu *qemu = g_new0(struct qemu, 1);

    qemu->kind = guest_kind;
    qemu->driver = driver_new(&qemu_driver_spec, daemon);
    qemu->driver->data = qemu;
    qemu->storage = peer_new(daemon, PROTOCOL_OWNER_STORAGE, NULL, NULL);
    qemu->secrets = peer_new(daemon, PROTOCOL_OWNER_SECRET, NULL, NULL);
    set_folders(qemu, daemon);
    driver_add_kind(qemu->driver, PROTOCOL_OBJECT_DOMAIN,
                    &(struct store_spec){
                        .kind = &qemu->kind,
                        .config_folder = "qemu",
                        .autostart = true,
                        .edit_command = "virsh edit",
                        .status = &status_file,
                    });
    qemu->domains = qemu->driver->registries[PROTOCOL_OBJECT_DOMAIN];
    qemu->store = qemu->driver->stores[PROTOCOL_OBJECT_DOMAIN];
    netwatch_begin(qemu);
    daemon->data = qemu->driver;
    return qemu;
}

/* Guests run without, and what then can't be set says so. */
static void hand_down_controllers(const struct daemon *daemon)
{
    g_autoptr(GError) error = NULL;

    if (!daemon->session && cgroup_hand_down(&error) < 0)
        log_info("%s", error->message);
}

static int load(struct qemu *qemu, const struct daemon *daemon, GError **error)
{
    g_autofree char *config = g_strdup_printf("%s/qemu.conf", daemon->paths.config);

    if (qemu_config_load(config, daemon->session, &qemu->config, warn, NULL, error) < 0 ||
        make_folders(qemu, error) < 0 || !(qemu->monitors = loop_new(error)))
        return -1;
    find_host_uuid(qemu, daemon);
    qemu->ports =
        ports_new(qemu->config.remote_display_port_min, qemu->config.remote_display_port_max);
    qemu->websocket_ports =
        ports_new(qemu->config.remote_websocket_port_min, qemu->config.remote_websocket_port_max);
    qemu->claims = claims_new();
    qemu->monitor_thread = g_thread_new("monitors", run_monitors, qemu->monitors);
    make_probes(qemu, daemon);
    hand_down_controllers(daemon);
    return driver_load(qemu->driver, PROTOCOL_OBJECT_DOMAIN, error);
}

/* ---- the end ---- */

/*
 * Guests run on: their monitors are listening sockets, and their files wait for the next daemon.
 * What is at work for them fails without its monitor, and ends; only then nobody needs us any more.
 */
static void let_go(struct qemu *qemu)
{
    g_autoptr(GPtrArray) guests = registry_list(qemu->domains, registry_filter_active, NULL);

    atomic_store(&qemu->ending, true);
    for (guint i = 0; i < guests->len; i++) {
        guest_set_qmp(guest_of(guests->pdata[i]), NULL);
        agent_close(guest_of(guests->pdata[i]));
    }
    peer_end(qemu->networks);
    peer_end(qemu->storage);
    peer_end(qemu->secrets);
    loop_quit(qemu->monitors);
    g_thread_join(qemu->monitor_thread);
    workers_drain(qemu->driver->daemon->workers, -1);
    for (guint i = 0; i < guests->len; i++)
        guest_stop_watching(guest_of(guests->pdata[i]));
}

static void stop(struct daemon *daemon)
{
    struct driver *driver = daemon->data;
    struct qemu *qemu = driver->data;

    if (qemu->monitor_thread)
        let_go(qemu);
    peer_free(qemu->storage);
    peer_free(qemu->secrets);
    netwatch_end(qemu);
    driver_free(driver);
    probes_free(qemu->probes);
    loop_free(qemu->monitors);
    ports_free(qemu->ports);
    ports_free(qemu->websocket_ports);
    claims_free(qemu->claims);
    qemu_config_clear(&qemu->config);
    g_free(qemu->state_folder);
    g_free(qemu->nvram_folder);
    g_free(qemu->log_folder);
    g_free(qemu);
}

static int start(struct daemon *daemon, GError **error)
{
    struct qemu *qemu = make(daemon);

    if (load(qemu, daemon, error) < 0) {
        stop(daemon);
        return -1;
    }
    reconnect_all(qemu);
    netwatch_look(qemu);
    driver_autostart(qemu->driver, PROTOCOL_OBJECT_DOMAIN, start_autostart);
    return 0;
}

static bool busy(struct daemon *daemon)
{
    struct driver *driver = daemon->data;
    struct qemu *qemu = driver->data;

    return registry_count(qemu->domains, registry_filter_active, NULL) > 0;
}

int main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "virtqemud",
        .error_from = VIR_FROM_QEMU,
        .session_allowed = true,
        .start = start,
        .stop = stop,
        .busy = busy,
        DRIVER_SERVES,
    };

    return daemon_main(&spec, argc, argv);
}

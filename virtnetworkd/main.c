/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "driver/connect.h"
#include "host/nftables.h"

#include "diagnose.h"
#include "dnsmasq-watch.h"
#include "document.h"
#include "firewalld.h"
#include "guard.h"
#include "methods.h"
#include "rules.h"
#include "start.h"
#include "status.h"
#include "vnet.h"

/* ---- what is served ---- */

static const struct driver_methods *const method_groups[] = {
    &connect_methods, &list_methods,     &lifecycle_methods, &lease_methods,
    &event_methods,   &describe_methods, &update_methods,    &port_methods,
};

static const struct protocol_program *const programs[] = {&remote_program, NULL};

static const struct driver_spec driver_spec = {
    .type = "network",
    .scheme = "network",
    .programs = programs,
    .groups = method_groups,
    .group_count = G_N_ELEMENTS(method_groups),
};

static const struct object_kind network_kind = {
    .name = "network",
    .schema = &network_schema,
    .access = ACCESS_OBJECT_NETWORK,
    .missing = VIR_ERR_NO_NETWORK,
    .size = sizeof(struct vnet),
    .name_offset = offsetof(struct network, name),
    .uuid_offset = offsetof(struct network, uuid),
    .clear = vnet_clear,
    .complete = document_complete,
};

/* ---- the instance ---- */

static void warn(const char *text, void *data)
{
    log_warn("%s", text);
}

/* In a folder of its own as installed, or beside the daemon as built. */
static char *find_lease_helper(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname(self) : g_strdup("");
    char *beside = g_strdup_printf("%s/virtnetworkd-lease-helper", folder);

    if (access(beside, X_OK) == 0)
        return beside;
    g_free(beside);
    return g_strdup(LEASE_HELPER);
}

static void set_folders(const struct daemon *daemon)
{
    const struct paths *paths = &daemon->paths;

    networkd->status_folder = networkd->driver->status_folder;
    networkd->dnsmasq_folder =
        g_strdup_printf("%s/dnsmasq", daemon->session ? paths->config : paths->state);
    networkd->hook = g_strdup_printf("%s/hooks/network", paths->config);
    networkd->lease_helper = find_lease_helper();
}

static void make(struct daemon *daemon)
{
    networkd = g_new0(struct networkd, 1);
    g_mutex_init(&networkd->lock);
    networkd->kind = network_kind;
    networkd->driver = driver_new(&driver_spec, daemon);
    networkd->driver->data = networkd;
    set_folders(daemon);
    driver_add_kind(networkd->driver, PROTOCOL_OBJECT_NETWORK,
                    &(struct store_spec){
                        .kind = &networkd->kind,
                        .config_folder = "qemu/networks",
                        .autostart = true,
                        .edit_command = "virsh net-edit",
                        .status = &status_file,
                    });
    networkd->networks = networkd->driver->registries[PROTOCOL_OBJECT_NETWORK];
    networkd->store = networkd->driver->stores[PROTOCOL_OBJECT_NETWORK];
    daemon->data = networkd->driver;
}

static int load(const struct daemon *daemon, GError **error)
{
    g_autofree char *config = g_strdup_printf("%s/network.conf", daemon->paths.config);

    if (network_config_load(config, &networkd->config, warn, NULL, error) < 0 ||
        file_make_folders(networkd->status_folder, 0755, error) < 0 ||
        driver_load(networkd->driver, PROTOCOL_OBJECT_NETWORK, error) < 0)
        return -1;
    status_readopt();
    nftables_rest();
    return 0;
}

/* Networks run on without us. */
static void stop(struct daemon *daemon)
{
    g_autoptr(GPtrArray) networks = registry_list(networkd->networks, NULL, NULL);

    firewalld_end_watching();
    guard_end();
    for (guint i = 0; i < networks->len; i++)
        dnsmasq_watch_drop(vnet_of(networks->pdata[i]));
    g_clear_pointer(&networks, g_ptr_array_unref);
    driver_free(networkd->driver);
    rules_end();
    network_config_clear(&networkd->config);
    g_free(networkd->dnsmasq_folder);
    g_free(networkd->hook);
    g_free(networkd->lease_helper);
    g_mutex_clear(&networkd->lock);
    g_clear_pointer(&networkd, g_free);
}

static int start(struct daemon *daemon, GError **error)
{
    make(daemon);
    if (load(daemon, error) < 0) {
        stop(daemon);
        return -1;
    }
    guard_begin();
    firewalld_begin_watching();
    driver_autostart(networkd->driver, PROTOCOL_OBJECT_NETWORK, start_autostart);
    return 0;
}

static bool busy(struct daemon *daemon)
{
    return registry_count(networkd->networks, registry_filter_active, NULL) > 0;
}

/* Beside a daemon that runs, or without one. */
static int check_network(const char *name)
{
    struct networkd here = {.status_folder = "/run/libvirt/network",
                            .dnsmasq_folder = "/var/lib/libvirt/dnsmasq"};

    networkd = &here;
    return diagnose_main(name);
}

int main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "virtnetworkd",
        .error_from = VIR_FROM_NETWORK,
        .session_allowed = true,
        .start = start,
        .stop = stop,
        .busy = busy,
        DRIVER_SERVES,
    };

    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check_network(argv[2]);
    return daemon_main(&spec, argc, argv);
}

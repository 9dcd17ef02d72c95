/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firewalld.h"

#include <sys/epoll.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/daemon.h"

#include "vnet.h"

#define NAME "org.fedoraproject.FirewallD1"
#define PATH "/org/fedoraproject/FirewallD1"
#define ANSWER_MICROSECONDS (20 * UINT64_C(1000000))

/* ---- questions ---- */

static void close_bus(sd_bus **bus)
{
    sd_bus_flush_close_unref(*bus);
}

#define BUS_AUTO __attribute__((cleanup(close_bus))) sd_bus

/* NULL: firewalld does not run, or cannot be reached. */
static sd_bus *open_bus(void)
{
    BUS_AUTO *bus = NULL;

    if (sd_bus_open_system(&bus) < 0 ||
        sd_bus_set_method_call_timeout(bus, ANSWER_MICROSECONDS) < 0 ||
        sd_bus_get_name_creds(bus, NAME, 0, NULL) < 0)
        return NULL;
    return g_steal_pointer(&bus);
}

static bool zone_exists(sd_bus *bus, const char *zone)
{
    sd_bus_message *reply = NULL;
    char **zones = NULL;
    bool found = false;

    if (sd_bus_call_method(bus, NAME, PATH, NAME ".zone", "getZones", NULL, &reply, "") >= 0 &&
        sd_bus_message_read_strv(reply, &zones) >= 0)
        found = zones && g_strv_contains((const char *const *)zones, zone);
    for (char **one = zones; one && *one; one++)
        free(*one);
    free(zones);
    sd_bus_message_unref(reply);
    return found;
}

static int set_zone(sd_bus *bus, const char *zone, const char *bridge, GError **error)
{
    sd_bus_error problem = SD_BUS_ERROR_NULL;
    int status = sd_bus_call_method(bus, NAME, PATH, NAME ".zone", "changeZoneOfInterface",
                                    &problem, NULL, "ss", zone, bridge);

    if (status < 0)
        error_set(error, VIR_ERR_INTERNAL_ERROR,
                  "firewalld does not put '%s' into the zone '%s': %s", bridge, zone,
                  problem.message ? problem.message : g_strerror(-status));
    sd_bus_error_free(&problem);
    return status < 0 ? -1 : 0;
}

/* ---- zones ---- */

/* Those for networks, in the order of preference. An open one is left to the host's own rules. */
static const char *const usual_zones[][2] = {
    [NETWORK_ISOLATED] = {"libvirt"},
    [NETWORK_NAT] = {"libvirt"},
    [NETWORK_ROUTE] = {"libvirt-routed", "libvirt"},
    [NETWORK_OPEN] = {NULL},
};

static const char *choose_zone(sd_bus *bus, const struct network *network)
{
    const char *const *zones = usual_zones[network_mode(network)];

    for (size_t i = 0; i < G_N_ELEMENTS(usual_zones[0]) && zones[i]; i++)
        if (zone_exists(bus, zones[i]))
            return zones[i];
    if (zones[0])
        log_warn(
            "network '%s': firewalld has no zone '%s': it may drop what guests say to this host",
            network->name, zones[0]);
    return NULL;
}

static bool is_ours(const struct network *network)
{
    return network_is_managed(network) && !networkd->driver->daemon->session;
}

int firewalld_add(const struct network *network, GError **error)
{
    const char *zone = network->bridge_zone;

    if (!is_ours(network))
        return 0;
    BUS_AUTO *bus = open_bus();
    if (!bus && zone) {
        error_set(error, VIR_ERR_INTERNAL_ERROR,
                  "zone %s requested for network %s but firewalld is not active", zone,
                  network->name);
        return -1;
    }
    if (bus && !zone)
        zone = choose_zone(bus, network);
    return bus && zone ? set_zone(bus, zone, network->bridge, error) : 0;
}

void firewalld_remove(const struct network *network)
{
    BUS_AUTO *bus = is_ours(network) ? open_bus() : NULL;

    /* one that has none is not to be told of */
    if (bus)
        sd_bus_call_method(bus, NAME, PATH, NAME ".zone", "removeInterface", NULL, NULL, "ss", "",
                           network->bridge);
}

/* ---- watching ---- */

static struct {
    sd_bus *bus;
    struct loop_source *source;
} watch;

static void add_all(void *data)
{
    g_autoptr(GPtrArray) networks = registry_list(networkd->networks, registry_filter_active, NULL);

    for (guint i = 0; i < networks->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};
        g_autoptr(GError) error = NULL;

        object_get_view(networks->pdata[i], &view);
        if (view.live && firewalld_add(view_live(&view), &error) < 0)
            log_warn("network '%s': %s", view.name, error->message);
    }
}

static int changed(sd_bus_message *message, void *data, sd_bus_error *error)
{
    log_info("firewalld has started or was reloaded: bridges of networks go into their zones");
    workers_push(networkd->driver->daemon->workers, add_all, NULL, false);
    return 0;
}

/* Messages that are not waited for any more would fill the bus's queue. */
static void ready(struct loop_source *source, uint32_t events, void *data)
{
    int status;

    do
        status = sd_bus_process(watch.bus, NULL);
    while (status > 0);
    if (status < 0 || sd_bus_is_open(watch.bus) <= 0)
        firewalld_end_watching();
}

static int match(sd_bus *bus)
{
    static const char *const rules[] = {
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" NAME "'",
        "type='signal',sender='" NAME "',interface='" NAME "',member='Reloaded'",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (sd_bus_add_match(bus, NULL, rules[i], changed, NULL) < 0)
            return -1;
    return 0;
}

void firewalld_begin_watching(void)
{
    const struct daemon *daemon = networkd->driver->daemon;

    if (daemon->session || sd_bus_open_system(&watch.bus) < 0)
        return;
    if (match(watch.bus) == 0)
        watch.source =
            loop_add_fd(daemon->loop, sd_bus_get_fd(watch.bus), EPOLLIN, ready, NULL, NULL);
    if (!watch.source)
        firewalld_end_watching();
}

void firewalld_end_watching(void)
{
    if (watch.source)
        loop_source_remove(g_steal_pointer(&watch.source));
    watch.bus = sd_bus_close_unref(watch.bus);
}

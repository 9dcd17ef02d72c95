/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/driver.h"

#include <unistd.h>

#include "base/log.h"
#include "base/workers.h"
#include "daemon/status.h"
#include "driver/client.h"
#include "driver/policy.h"
#include "driver/secondary.h"

static void index_method(struct driver *driver, const struct method *method)
{
    const struct protocol_binding *binding = &method->binding;
    const struct protocol_method *facts = protocol_method_find(binding->program, binding->number);

    if (!facts || facts->event)
        g_error("%s has no method %u", binding->program->name, binding->number);
    if (method->job && method->thread == METHOD_INLINE)
        g_error("%s: an inline method can't wait for a job", facts->name);
    if (!g_hash_table_insert(driver->methods, (void *)facts, (void *)method))
        g_error("%s is bound twice", facts->name);
}

struct driver *driver_new(const struct driver_spec *spec, struct daemon *daemon)
{
    struct driver *driver = g_new0(struct driver, 1);

    driver->spec = spec;
    driver->daemon = daemon;
    driver->bus = event_bus_new();
    driver->hostname = g_strdup(g_get_host_name());
    driver->uri = g_strdup_printf("%s:///%s", spec->scheme, daemon->session ? "session" : "system");
    driver->status_folder = g_strdup_printf(daemon->session ? "%s/%s/run" : "%s/%s",
                                            daemon->paths.runtime, spec->scheme);
    driver->table = (struct dispatch_table){
        .programs = spec->programs,
        .lane = call_lane,
        .serve = call_serve,
    };
    policy_begin(daemon, spec->type);
    driver->methods = g_hash_table_new(NULL, NULL);
    for (size_t i = 0; i < spec->group_count; i++)
        for (size_t j = 0; j < spec->groups[i]->count; j++)
            index_method(driver, &spec->groups[i]->rows[j]);
    return driver;
}

void driver_free(struct driver *driver)
{
    if (!driver)
        return;
    event_bus_free(driver->bus);
    for (size_t i = 0; i < PROTOCOL_OBJECT_LAST; i++) {
        registry_free(driver->registries[i]);
        store_free(driver->stores[i]);
    }
    g_hash_table_unref(driver->methods);
    g_free(driver->hostname);
    g_free(driver->uri);
    g_free(driver->status_folder);
    g_free(driver);
}

/* ---- kinds of objects ---- */

void driver_add_kind(struct driver *driver, enum protocol_object object,
                     const struct store_spec *spec)
{
    g_autofree char *config =
        g_strdup_printf("%s/%s", driver->daemon->paths.config, spec->config_folder);
    struct store_spec whole = *spec;

    whole.config_folder = config;
    whole.status_folder = spec->status ? driver->status_folder : NULL;
    driver->registries[object] = registry_new(spec->kind);
    driver->stores[object] = store_new(&whole);
}

int driver_load(struct driver *driver, enum protocol_object object, GError **error)
{
    g_autoptr(GPtrArray) notes = NULL;

    if (store_load(driver->stores[object], driver->registries[object], 0, &notes, error) < 0)
        return -1;
    for (guint i = 0; i < notes->len; i++) {
        const struct store_note *note = notes->pdata[i];
        if (note->is_error)
            log_error("%s", note->text);
        else
            log_info("%s", note->text);
    }
    return 0;
}

struct autostart {
    struct store *store;
    struct registry *registry;
    startup_start start;
};

static void autostart(void *data)
{
    g_autofree struct autostart *autostart = data;
    g_autoptr(GPtrArray) notes = NULL;
    g_autoptr(GError) error = NULL;

    if (startup_autostart(autostart->store, autostart->registry, autostart->start, &notes, &error) <
        0)
        log_error("autostart: %s", error->message);
    for (guint i = 0; notes && i < notes->len; i++)
        log_error("autostart: %s", (const char *)notes->pdata[i]);
}

void driver_autostart(struct driver *driver, enum protocol_object object, startup_start start)
{
    struct autostart *order = g_new(struct autostart, 1);

    *order = (struct autostart){driver->stores[object], driver->registries[object], start};
    workers_push(driver->daemon->workers, autostart, order, false);
}

/* ---- what is served ---- */

const struct method *driver_find_method(const struct driver *driver,
                                        const struct protocol_method *facts)
{
    return g_hash_table_lookup(driver->methods, facts);
}

void driver_connected(struct daemon *daemon, struct server_client *server_client)
{
    server_client->data = client_new(daemon->data, server_client);
}

void driver_frame(struct daemon *daemon, struct server_client *server_client, struct frame *frame)
{
    struct driver *driver = daemon->data;

    dispatch_frame(daemon, &driver->table, server_client, frame);
}

void driver_disconnected(struct daemon *daemon, struct server_client *server_client,
                         const GError *reason)
{
    struct client *client = server_client->data;

    server_client->data = NULL;
    secondary_close(client);
    client_close(client);
    client_unref(client);
}

void driver_describe(struct daemon *daemon, struct status *status)
{
    static const char *const names[PROTOCOL_OBJECT_LAST] = {
        [PROTOCOL_OBJECT_DOMAIN] = "domains",       [PROTOCOL_OBJECT_NETWORK] = "networks",
        [PROTOCOL_OBJECT_STORAGE_POOL] = "pools",   [PROTOCOL_OBJECT_SECRET] = "secrets",
        [PROTOCOL_OBJECT_NWFILTER] = "filters",     [PROTOCOL_OBJECT_NODE_DEVICE] = "devices",
        [PROTOCOL_OBJECT_INTERFACE] = "interfaces",
    };
    struct driver *driver = daemon->data;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct registry *registry = driver->registries[i];
        g_autofree char *active = NULL;

        if (!registry || !names[i])
            continue;
        active = g_strdup_printf("%s.active", names[i]);
        status_add(status, names[i], "%u", registry_count(registry, NULL, NULL));
        status_add(status, active, "%u", registry_count(registry, registry_filter_active, NULL));
    }
}

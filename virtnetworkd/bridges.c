/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bridges.h"

#include <net/if.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "host/netlink.h"
#include "object/job.h"

#include "dnsmasq-watch.h"
#include "start.h"
#include "vnet.h"

/* A device that is in a bridge, or was in one that is gone. */
struct place {
    unsigned bridge; /* its index */
    bool is_set;     /* has what its network says of its port */
};

/* By the index of the device, and of bridges by their names: as the kernel has told. */
static GMutex lock;
static GHashTable *places, *bridges;

/* Bridges that are being deleted, by index, until nobody sees them any more; and threads that the
 * kernel still keeps waiting then. */
static GHashTable *going;
static unsigned deleting;
static GCond progress;

static void begin(void)
{
    if (places)
        return;
    going = g_hash_table_new(NULL, NULL);
    places = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    bridges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void place(const struct netlink_link *link)
{
    struct place *place = g_hash_table_lookup(places, GUINT_TO_POINTER(link->index));

    if (place && place->bridge == link->master)
        return;
    place = g_new0(struct place, 1);
    place->bridge = link->master;
    g_hash_table_insert(places, GUINT_TO_POINTER(link->index), place);
}

static void note(const struct netlink_link *link)
{
    if (link->is_bridge)
        g_hash_table_insert(bridges, g_strdup(link->name), GUINT_TO_POINTER(link->index));
    if (link->master)
        place(link);
}

void bridges_note(const struct netlink_link *link, bool gone, void *data)
{
    g_mutex_lock(&lock);
    begin();
    if (!gone)
        note(link);
    else {
        g_hash_table_remove(places, GUINT_TO_POINTER(link->index));
        if (g_hash_table_remove(going, GUINT_TO_POINTER(link->index)))
            g_cond_broadcast(&progress);
    }
    g_mutex_unlock(&lock);
}

/* ---- what is plugged in ---- */

/* The host's end of a guest's interface has its address, but for the first byte. */
static const struct network_port *find_port(const struct network *network,
                                            const struct netlink_link *link)
{
    LIST_EACH (port, &network->ports)
        if (memcmp(port->mac + 1, link->mac + 1, sizeof(port->mac) - 1) == 0)
            return port;
    return NULL;
}

static void report(const struct network *network, GError **error)
{
    if (*error)
        log_warn("network '%s': %s", network->name, (*error)->message);
    g_clear_error(error);
}

static void set_port(const struct network *network, const struct netlink_link *link)
{
    const struct network_port *port = find_port(network, link);
    g_autoptr(GError) error = NULL;

    if (!port)
        return;
    if (port->isolated == TRISTATE_YES)
        netlink_set_isolated(link->name, true, &error);
    report(network, &error);
    if (network->bridge_mac_table != BRIDGE_MAC_TABLE_LIBVIRT)
        return;
    if (netlink_add_station(link->name, port->mac, &error) == 0)
        netlink_set_learning(link->name, false, &error);
    report(network, &error);
}

/* With the lock. */
static void set_ports(const struct network *network, unsigned bridge, const GArray *links)
{
    for (guint i = 0; i < links->len; i++) {
        const struct netlink_link *link = &g_array_index(links, struct netlink_link, i);
        struct place *its = g_hash_table_lookup(places, GUINT_TO_POINTER(link->index));

        if (link->master != bridge || !its || its->is_set)
            continue;
        set_port(network, link);
        its->is_set = true;
    }
}

/* ---- a bridge that is gone ---- */

/* What was in the bridge when it went: an array of indices, the caller's. */
static GArray *take_plugged(const char *bridge)
{
    GArray *indices = g_array_new(FALSE, FALSE, sizeof(unsigned));
    GHashTableIter iter;
    void *index, *its;

    g_mutex_lock(&lock);
    begin();
    unsigned gone = GPOINTER_TO_UINT(g_hash_table_lookup(bridges, bridge));
    g_hash_table_iter_init(&iter, places);
    while (gone && g_hash_table_iter_next(&iter, &index, &its))
        if (((struct place *)its)->bridge == gone) {
            unsigned number = GPOINTER_TO_UINT(index);

            g_array_append_val(indices, number);
            g_hash_table_iter_remove(&iter);
        }
    g_hash_table_remove(bridges, bridge);
    g_mutex_unlock(&lock);
    return indices;
}

static void plug_in(const struct network *network, const GArray *indices)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < indices->len; i++) {
        char name[IF_NAMESIZE];

        if (if_indextoname(g_array_index(indices, unsigned, i), name))
            netlink_set_master(name, network->bridge, &error);
        report(network, &error);
    }
}

static void make_again(struct object *object, const struct network *network)
{
    g_autoptr(GArray) indices = take_plugged(network->bridge);
    g_autoptr(GError) error = NULL;

    log_warn("network '%s': its bridge '%s' was deleted by another program, and is made again",
             network->name, network->bridge);
    if (start_ensure(object, network, &error) < 0) {
        log_error("network '%s': %s", network->name, error->message);
        dnsmasq_watch_retry(vnet_of(object));
    }
    if (netlink_find(network->bridge))
        plug_in(network, indices);
}

/* It may be gone because the network ends, or be there again. */
static void restore(void *data)
{
    struct object *object = data;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) error = NULL;
    JOB_AUTO struct job *job = NULL;

    if (job_begin(object, JOB_MODIFY, "bridge", JOB_DEADLINE_MS, &job, &error) < 0) {
        /* of a network that has gone meanwhile there is nothing to say */
        if (error_code_of(error) != VIR_ERR_NO_NETWORK)
            log_error("%s", error->message);
    } else {
        object_get_view(object, &view);
        if (view.live && !netlink_find(view_live(&view)->bridge))
            make_again(object, view_live(&view));
    }
    job_end(g_steal_pointer(&job));
    object_unref(object);
}

/* ---- looking ---- */

static const struct netlink_link *find_link(const GArray *links, const char *name)
{
    for (guint i = 0; i < links->len; i++)
        if (strcmp(g_array_index(links, struct netlink_link, i).name, name) == 0)
            return &g_array_index(links, struct netlink_link, i);
    return NULL;
}

static void look_at(struct object *object, const struct network *network, const GArray *links)
{
    const struct netlink_link *link;

    if (!network || !network->bridge)
        return;
    link = find_link(links, network->bridge);
    if (link)
        set_ports(network, link->index, links);
    else if (network_is_managed(network))
        workers_push(networkd->driver->daemon->workers, restore, object_ref(object), false);
}

static GHashTable *index_links(const GArray *links)
{
    GHashTable *table = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < links->len; i++) {
        struct netlink_link *link = &g_array_index(links, struct netlink_link, i);

        g_hash_table_insert(table, GUINT_TO_POINTER(link->index), link);
    }
    return table;
}

/* With the lock. Who is in no bridge, though the one it was in is there, was taken out. */
static void update_places(const GArray *links)
{
    g_autoptr(GHashTable) table = index_links(links);
    GHashTableIter iter;
    void *index, *its;

    for (guint i = 0; i < links->len; i++)
        note(&g_array_index(links, struct netlink_link, i));
    g_hash_table_iter_init(&iter, places);
    while (g_hash_table_iter_next(&iter, &index, &its)) {
        const struct netlink_link *link = g_hash_table_lookup(table, index);
        void *bridge = GUINT_TO_POINTER(((struct place *)its)->bridge);

        if (!link || (!link->master && g_hash_table_contains(table, bridge)))
            g_hash_table_iter_remove(&iter);
    }
}

void bridges_look(void)
{
    g_autoptr(GPtrArray) networks = registry_list(networkd->networks, registry_filter_active, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) links = NULL;

    if (!networks->len)
        return;
    if (netlink_list_links(&links, &error) < 0) {
        log_warn("%s", error->message);
        return;
    }
    g_mutex_lock(&lock);
    begin();
    update_places(links);
    for (guint i = 0; i < networks->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};

        object_get_view(networks->pdata[i], &view);
        look_at(networks->pdata[i], view_live(&view), links);
    }
    g_mutex_unlock(&lock);
}

/* ---- a bridge that is to go ---- */

struct deletion {
    char *name;
    unsigned index;
};

static void *delete_bridge(void *data)
{
    struct deletion *deletion = data;
    g_autoptr(GError) error = NULL;

    if (netlink_delete(deletion->name, &error) < 0)
        log_error("%s", error->message);
    g_mutex_lock(&lock);
    g_hash_table_remove(going, GUINT_TO_POINTER(deletion->index));
    deleting--;
    g_cond_broadcast(&progress);
    g_mutex_unlock(&lock);
    g_free(deletion->name);
    g_free(deletion);
    return NULL;
}

unsigned bridges_begin_delete(const char *bridge)
{
    /* nobody is to put back what is plugged in */
    g_autoptr(GArray) indices = take_plugged(bridge);
    struct deletion *deletion;
    unsigned index = netlink_find(bridge);

    if (!index)
        return 0;
    g_mutex_lock(&lock);
    g_hash_table_add(going, GUINT_TO_POINTER(index));
    deleting++;
    g_mutex_unlock(&lock);
    deletion = g_new(struct deletion, 1);
    *deletion = (struct deletion){g_strdup(bridge), index};
    g_thread_unref(g_thread_new("bridge", delete_bridge, deletion));
    return index;
}

void bridges_end_delete(unsigned index)
{
    g_mutex_lock(&lock);
    begin();
    while (g_hash_table_contains(going, GUINT_TO_POINTER(index)))
        g_cond_wait(&progress, &lock);
    g_mutex_unlock(&lock);
}

void bridges_end(void)
{
    g_mutex_lock(&lock);
    while (deleting)
        g_cond_wait(&progress, &lock);
    g_mutex_unlock(&lock);
    g_clear_pointer(&going, g_hash_table_unref);
    g_clear_pointer(&places, g_hash_table_unref);
    g_clear_pointer(&bridges, g_hash_table_unref);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mac.h"
#include "host/firewall-watch.h"

#include "vnet.h"

static enum firewall_kind kind_of(const struct network *network, const struct network_ip *ip)
{
    const struct network_nat *nat = network->forward ? network->forward->nat : NULL;

    if (network_mode(network) == NETWORK_ISOLATED)
        return FIREWALL_ISOLATED;
    if (network_mode(network) == NETWORK_ROUTE)
        return FIREWALL_ROUTE;
    if (ip->address.family == IP_V6 && !(nat && nat->ipv6 == TRISTATE_YES))
        return FIREWALL_ROUTE;
    return FIREWALL_NAT;
}

static void add_subnets(const struct network *network, struct firewall_network *rules)
{
    rules->subnets = g_new0(struct firewall_subnet, network->ips.count);
    LIST_EACH (ip, &network->ips) {
        rules->subnets[rules->subnet_count++] = (struct firewall_subnet){
            .address = ip->address,
            .prefix = network_ip_prefix(ip),
            .kind = kind_of(network, ip),
        };
        rules->ipv6_between |= ip->address.family == IP_V6;
    }
}

/* The interface of a host of DHCP; NULL: it is not plugged in. */
static const struct network_port *find_port(const struct network *network,
                                            const struct network_dhcp_host *host)
{
    uint8_t mac[MAC_BYTES];

    if (!host->mac || mac_parse(host->mac, mac) < 0)
        return NULL;
    LIST_EACH (port, &network->ports)
        if (memcmp(port->mac, mac, sizeof(mac)) == 0)
            return port;
    return NULL;
}

/* One without a MAC address, as IPv6 has them, is known by its name alone. */
static bool is_meant(const struct network *network, const struct network_port_forward *forward,
                     const struct network_dhcp_host *host)
{
    const struct network_port *port = find_port(network, host);

    if (host->mac && !port)
        return false;
    if (forward->guest_mac)
        return port && g_ascii_strcasecmp(host->mac, forward->guest_mac) == 0;
    return g_strcmp0(host->name, forward->guest_name) == 0 ||
           (port && strcmp(port->owner_name, forward->guest_name) == 0);
}

/* The address that a guest named by MAC address or name has for certain while it is plugged in: a
 * host of DHCP. */
static struct ip_address find_guest(const struct network *network,
                                    const struct network_port_forward *forward)
{
    if (forward->guest_address.family)
        return forward->guest_address;
    LIST_EACH (ip, &network->ips) {
        if (!ip->dhcp)
            continue;
        LIST_EACH (host, &ip->dhcp->hosts)
            if (is_meant(network, forward, host))
                return host->address;
    }
    return (struct ip_address){0};
}

static void add_forward(const struct network *network, const struct network_port_forward *forward,
                        GArray *forwards)
{
    struct ip_address guest = find_guest(network, forward);

    for (unsigned i = 0; guest.family && i < forward->ranges.count; i++) {
        const struct network_port_range *range = forward->ranges.items[i];
        struct firewall_forward one = {
            .proto = names_word(&network_protocol_names, forward->proto),
            .address = forward->address,
            .dev = forward->dev,
            .start = range->start,
            .end = range->end ? range->end : range->start,
            .guest = guest,
            .to = range->to ? range->to : range->start,
        };
        g_array_append_val(forwards, one);
    }
}

static void add_forwards(const struct network *network, struct firewall_network *rules)
{
    GArray *forwards = g_array_new(FALSE, FALSE, sizeof(struct firewall_forward));

    LIST_EACH (forward, &network->port_forwards)
        add_forward(network, forward, forwards);
    rules->forward_count = forwards->len;
    rules->forwards = (struct firewall_forward *)(void *)g_array_free(forwards, FALSE);
}

static bool leads_to(const struct network *network, const struct network_port_forward *forward,
                     const struct network_port *port)
{
    struct ip_address guest = find_guest(network, forward);

    LIST_EACH (ip, &network->ips) {
        if (!ip->dhcp)
            continue;
        LIST_EACH (host, &ip->dhcp->hosts)
            if (guest.family && ip_equal(&host->address, &guest) &&
                find_port(network, host) == port)
                return true;
    }
    return false;
}

void rules_find_forwards(const struct network *network, const struct network_port *port,
                         struct arena *arena, struct network_port *ret_shown)
{
    *ret_shown = *port;
    ret_shown->forwards.count = 0;
    ret_shown->forwards.items =
        arena_array(arena, network->port_forwards.count, sizeof(*ret_shown->forwards.items));
    LIST_EACH (forward, &network->port_forwards)
        if (leads_to(network, forward, port))
            ret_shown->forwards.items[ret_shown->forwards.count++] = forward;
}

void rules_make(const struct network *network, struct rules *ret_rules)
{
    const struct network_nat *nat = network->forward ? network->forward->nat : NULL;
    struct firewall_network *rules = &ret_rules->network;

    *ret_rules = (struct rules){.wanted = network_is_managed(network) &&
                                          network_mode(network) != NETWORK_OPEN};
    if (!ret_rules->wanted)
        return;
    rules->bridge = network->bridge;
    rules->dev = network->forward ? network->forward->dev : NULL;
    rules->ipv6_between = network->ipv6 == TRISTATE_YES;
    add_subnets(network, rules);
    add_forwards(network, rules);
    if (!nat)
        return;
    rules->nat_start = nat->address_start;
    rules->nat_end = nat->address_end;
    rules->port_start = nat->port_start.value;
    rules->port_end = nat->port_end.value;
}

void rules_clear(struct rules *rules)
{
    g_free(rules->network.subnets);
    g_free(rules->network.forwards);
}

/* ---- what the kernel has ---- */

static void append(const struct network *network,
                   void (*write)(const struct firewall_network *network, GString *out),
                   GString *orders)
{
    struct rules rules;

    rules_make(network, &rules);
    if (rules.wanted)
        write(&rules.network, orders);
    rules_clear(&rules);
}

/* A network that has rules. */
struct entry {
    const struct network *network; /* a reference */
    char *digest;                  /* of the orders that make them */
};

/*
 * Networks that have rules, by name, and what the kernel has when nobody but us has been there: the
 * number of the rule set, which anybody's changes raise, and our tables as a digest, which takes
 * time to make and so is made when there is some. The lock is held while rules change, and are
 * compared.
 */
static GMutex lock;
static GHashTable *present;
static uint32_t generation;
static char *expected;  /* NULL: not made since the last change */
static GHashTable *own; /* numbers of our transactions that are not noted yet */

/* Numbers of transactions that have touched our tables. */
static GMutex noted_lock;
static GArray *noted;

static void entry_free(void *data)
{
    struct entry *entry = data;

    definition_unref((struct definition *)&entry->network->definition);
    g_free(entry->digest);
    g_free(entry);
}

static void forget(const struct network *network)
{
    if (present)
        g_hash_table_remove(present, network->name);
}

static void note(const struct network *network)
{
    g_autoptr(GString) orders = g_string_new(NULL);
    struct entry *entry;

    forget(network);
    append(network, firewall_write_add, orders);
    if (!orders->len)
        return;
    entry = g_new0(struct entry, 1);
    entry->network = network;
    definition_ref((struct definition *)&network->definition);
    entry->digest =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, orders->str, (gssize)orders->len);
    if (!present)
        present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    g_hash_table_insert(present, g_strdup(network->name), entry);
}

/* What a later daemon finds: the number, our tables, and the orders that made them. */
static char *file_path(void)
{
    return g_strdup_printf("%s/rules", networkd->status_folder);
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of all networks present; the caller frees. */
static char *digest_orders(void)
{
    g_autoptr(GPtrArray) digests = g_ptr_array_new();
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    GHashTableIter iter;
    void *entry;

    if (present)
        g_hash_table_iter_init(&iter, present);
    while (present && g_hash_table_iter_next(&iter, NULL, &entry))
        g_ptr_array_add(digests, ((struct entry *)entry)->digest);
    g_ptr_array_sort(digests, compare_texts);
    for (guint i = 0; i < digests->len; i++)
        g_checksum_update(checksum, digests->pdata[i], -1);
    char *digest = g_strdup(g_checksum_get_string(checksum));
    g_checksum_free(checksum);
    return digest;
}

/* Our tables as nft lists them, as a digest; the caller frees. */
static char *digest_tables(void)
{
    static const char *const tables[] = {"table ip " FIREWALL_TABLE, "table ip6 " FIREWALL_TABLE};
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *text = NULL;

        if (firewall_list(tables[i], &text, NULL) == 0)
            g_checksum_update(checksum, (const guchar *)text, -1);
    }
    char *digest = g_strdup(g_checksum_get_string(checksum));
    g_checksum_free(checksum);
    return digest;
}

static void save(void)
{
    g_autofree char *path = file_path(), *orders = digest_orders();
    g_autofree char *text =
        g_strdup_printf("%u %s %s\n", generation, expected ? expected : "-", orders);

    if (file_replace_volatile(path, text, strlen(text), 0600, NULL) < 0)
        unlink(path);
}

/* Are they as the last daemon left them, and what these networks want? */
static bool are_as_saved(void)
{
    g_autofree char *path = file_path(), *text = NULL, *orders = digest_orders();

    if (file_read_all(path, 1024, &text, NULL, NULL) < 0)
        return false;
    g_auto(GStrv) words = g_strsplit(g_strstrip(text), " ", 3);
    if (g_strv_length(words) != 3 || strcmp(words[2], orders) != 0)
        return false;
    generation = firewall_generation();
    bool untouched = generation && g_ascii_strtoull(words[0], NULL, 10) == generation;
    g_autofree char *tables = untouched ? g_strdup(words[1]) : digest_tables();
    if (strcmp(tables, words[1]) != 0)
        return false;
    expected = strcmp(tables, "-") == 0 ? NULL : g_steal_pointer(&tables);
    return true;
}

/* The number is one higher unless somebody else has been there as well: then nobody knows. */
static int apply(const GString *orders, GError **error)
{
    uint32_t before = firewall_generation(), after;

    if (!orders->len)
        return 0;
    if (firewall_apply(orders->str, error) < 0)
        return -1;
    after = firewall_generation();
    generation = after == before + 1 ? after : 0;
    if (!own)
        own = g_hash_table_new(NULL, NULL);
    g_hash_table_add(own, GUINT_TO_POINTER(after));
    g_clear_pointer(&expected, g_free);
    return 0;
}

/* ---- all networks ---- */

static void clear_rules(void *rules)
{
    rules_clear(rules);
    g_free(rules);
}

static int restore(GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(clear_rules);
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    g_autoptr(GString) orders = g_string_new(NULL);
    GHashTableIter iter;
    void *entry;

    if (present)
        g_hash_table_iter_init(&iter, present);
    while (present && g_hash_table_iter_next(&iter, NULL, &entry)) {
        struct rules *rules = g_new0(struct rules, 1);

        rules_make(((struct entry *)entry)->network, rules);
        g_ptr_array_add(all, rules);
        if (rules->wanted)
            g_ptr_array_add(wanted, &rules->network);
    }
    firewall_write_all((const struct firewall_network *const *)wanted->pdata, wanted->len, orders);
    return apply(orders, error);
}

/* ---- one network ---- */

/* Without a digest nobody can tell what else than the number has changed. */
static bool have_changed(void)
{
    uint32_t now = firewall_generation();

    if (!present || (generation && now == generation))
        return false;
    g_autofree char *found = digest_tables();
    if (g_strcmp0(found, expected) != 0)
        return true;
    generation = now;
    return false;
}

/* By orders for one network alone; but where somebody else has been at the tables meanwhile, or
 * has taken away what is to go, all is made anew. */
static int change(const GString *orders, GError **error)
{
    if (!have_changed() && apply(orders, NULL) == 0)
        return 0;
    return restore(error);
}

/* In the place of those of old, if it had any. */
static int put(const struct network *old, const struct network *network, GError **error)
{
    g_autoptr(GString) orders = g_string_new(NULL);

    if (old)
        append(old, firewall_write_remove, orders);
    append(network, firewall_write_add, orders);
    g_mutex_lock(&lock);
    note(network);
    int result = change(orders, error);
    if (result == 0)
        save();
    else if (old)
        note(old);
    else
        forget(network);
    g_mutex_unlock(&lock);
    return result;
}

int rules_add(const struct network *network, GError **error)
{
    return put(NULL, network, error);
}

int rules_replace(const struct network *old, const struct network *network, GError **error)
{
    return put(old, network, error);
}

int rules_remove(const struct network *network, GError **error)
{
    g_autoptr(GString) orders = g_string_new(NULL);

    append(network, firewall_write_remove, orders);
    g_mutex_lock(&lock);
    bool known = present && g_hash_table_contains(present, network->name);
    forget(network);
    int result = known ? change(orders, error) : 0;
    if (result == 0)
        save();
    g_mutex_unlock(&lock);
    return result;
}

/* ---- the guard ---- */

int rules_adopt(const GPtrArray *networks, GError **error)
{
    g_mutex_lock(&lock);
    for (guint i = 0; i < networks->len; i++)
        note(networks->pdata[i]);
    int result = are_as_saved() ? 0 : restore(error);
    if (result == 0)
        save();
    g_mutex_unlock(&lock);
    return result;
}

void rules_note(uint32_t number)
{
    g_mutex_lock(&noted_lock);
    if (!noted)
        noted = g_array_new(FALSE, FALSE, sizeof(number));
    g_array_append_val(noted, number);
    g_mutex_unlock(&noted_lock);
}

static GArray *take_noted(void)
{
    g_mutex_lock(&noted_lock);
    GArray *numbers = g_steal_pointer(&noted);
    g_mutex_unlock(&noted_lock);
    return numbers ? numbers : g_array_new(FALSE, FALSE, sizeof(uint32_t));
}

/* Was anybody but us at our tables? Where that is unknown, they are looked at. */
static bool have_others_changed(void)
{
    g_autoptr(GArray) numbers = take_noted();
    bool others = false, unknown = false;

    for (guint i = 0; i < numbers->len; i++) {
        uint32_t number = g_array_index(numbers, uint32_t, i);

        if (!number)
            unknown = true;
        else if (!own || !g_hash_table_remove(own, GUINT_TO_POINTER(number)))
            others = true;
    }
    return others || (unknown && have_changed());
}

/* There is time for a digest, for whoever can't know what others have done. */
static void complete(void)
{
    if (!present || expected)
        return;
    uint32_t before = firewall_generation();
    expected = digest_tables();
    generation = firewall_generation() == before ? before : 0;
    save();
}

int rules_repair(bool *ret_repaired, GError **error)
{
    g_mutex_lock(&lock);
    bool changed = present && have_others_changed();
    int result = changed ? restore(error) : 0;
    if (result == 0)
        complete();
    g_mutex_unlock(&lock);
    *ret_repaired = changed;
    return result;
}

void rules_end(void)
{
    g_clear_pointer(&present, g_hash_table_unref);
    g_clear_pointer(&expected, g_free);
    g_clear_pointer(&own, g_hash_table_unref);
    g_array_unref(take_noted());
}

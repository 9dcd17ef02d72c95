/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dnsmasq runs for each lease: `lease-helper add|old|del MAC-or-DUID ADDRESS [NAME]`, and
 * `lease-helper init` for the leases there were. It keeps them in the file that MODVIRT_LEASES
 * names: under a lock, replaced as one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mac.h"

#include "lease.h"

static char *text_of(const char *variable)
{
    const char *value = g_getenv(variable);

    return value && *value ? g_strdup(value) : NULL;
}

static void drop(GPtrArray *leases, const char *address, uint64_t now)
{
    for (guint i = leases->len; i > 0; i--) {
        const struct lease *lease = leases->pdata[i - 1];

        if (!lease->address || strcmp(lease->address, address) == 0 ||
            (lease->expiry && lease->expiry < now))
            g_ptr_array_remove_index(leases, i - 1);
    }
}

static struct lease *make_lease(const char *key, const char *address, const char *name)
{
    struct lease *lease = g_new0(struct lease, 1);
    uint8_t mac[MAC_BYTES];
    bool ipv6 = strchr(address, ':') != NULL;
    const char *expiry = g_getenv("DNSMASQ_LEASE_EXPIRES");

    lease->address = g_strdup(address);
    lease->mac = ipv6 ? text_of("DNSMASQ_MAC") : mac_parse(key, mac) == 0 ? g_strdup(key) : NULL;
    lease->client_id = ipv6 ? g_strdup(key) : text_of("DNSMASQ_CLIENT_ID");
    lease->hostname = name && *name ? g_strdup(name) : text_of("DNSMASQ_SUPPLIED_HOSTNAME");
    lease->iaid = text_of("DNSMASQ_IAID");
    lease->server_duid = text_of("DNSMASQ_SERVER_DUID");
    lease->expiry = expiry ? g_ascii_strtoull(expiry, NULL, 10) : 0;
    return lease;
}

static int change(const char *path, int argc, char **argv, GError **error)
{
    autofd int guard = lease_lock(path);
    g_autoptr(GPtrArray) leases = NULL;

    if (access(path, F_OK) <
        0) /* dnsmasq tells what it had to tell when its network has gone, too */
        return 0;
    if (lease_load(path, &leases, error) < 0)
        return -1;
    drop(leases, argv[3], (uint64_t)time(NULL));
    if (strcmp(argv[1], "del") != 0)
        g_ptr_array_add(leases, make_lease(argv[2], argv[3], argc > 4 ? argv[4] : NULL));
    return lease_save(path, leases, error);
}

/* As dnsmasq's own file has them: IPv6 after the identifier of the server. */
static void print_leases(const GPtrArray *leases, bool ipv6)
{
    const char *duid = NULL;

    for (guint i = 0; i < leases->len; i++) {
        const struct lease *lease = leases->pdata[i];

        if (!lease->address || (strchr(lease->address, ':') != NULL) != ipv6)
            continue;
        if (ipv6 && !duid && lease->server_duid) {
            duid = lease->server_duid;
            printf("duid %s\n", duid);
        }
        printf("%" PRIu64 " %s %s %s %s\n", lease->expiry, (ipv6 ? lease->iaid : lease->mac) ?: "*",
               lease->address, lease->hostname ?: "*", lease->client_id ?: "*");
    }
}

static int init(const char *path, GError **error)
{
    autofd int guard = lease_lock(path);
    g_autoptr(GPtrArray) leases = NULL;

    if (lease_load(path, &leases, error) < 0)
        return -1;
    print_leases(leases, false);
    print_leases(leases, true);
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = g_getenv("MODVIRT_LEASES");
    g_autoptr(GError) error = NULL;
    int result = 0;

    if (!path || argc < 2) {
        fprintf(stderr, "this is run by dnsmasq alone\n");
        return EXIT_FAILURE;
    }
    if (strcmp(argv[1], "init") == 0)
        result = init(path, &error);
    else if (argc >= 4 &&
             (!strcmp(argv[1], "add") || !strcmp(argv[1], "old") || !strcmp(argv[1], "del")))
        result = change(path, argc, argv, &error);
    if (result < 0)
        fprintf(stderr, "%s\n", error->message);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

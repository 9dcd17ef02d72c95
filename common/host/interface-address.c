/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/interface-address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>

static char *print_address(const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes = &((const struct sockaddr_in *)address)->sin_addr;

    if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return g_strdup(inet_ntop(address->sa_family, bytes, text, sizeof(text)));
}

static bool is_of_link(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static const struct sockaddr *find_address(const struct ifaddrs *list, const char *name, int family)
{
    for (; list; list = list->ifa_next)
        if (list->ifa_addr && list->ifa_addr->sa_family == family &&
            g_str_equal(list->ifa_name, name) && !is_of_link(list->ifa_addr))
            return list->ifa_addr;
    return NULL;
}

char *interface_address_get(const char *name)
{
    struct ifaddrs *list;

    if (getifaddrs(&list) < 0)
        return NULL;
    const struct sockaddr *address = find_address(list, name, AF_INET);
    if (!address)
        address = find_address(list, name, AF_INET6);
    char *text = address ? print_address(address) : NULL;
    freeifaddrs(list);
    return text;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ports.h"

#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

struct ports {
    GMutex lock;
    unsigned first, last;
    GHashTable *taken; /* a set of port numbers */
};

struct ports *ports_new(unsigned first, unsigned last)
{
    struct ports *ports = g_new0(struct ports, 1);

    g_mutex_init(&ports->lock);
    ports->first = first;
    ports->last = last;
    ports->taken = g_hash_table_new(NULL, NULL);
    return ports;
}

void ports_free(struct ports *ports)
{
    if (!ports)
        return;
    g_hash_table_unref(ports->taken);
    g_mutex_clear(&ports->lock);
    g_free(ports);
}

static bool bind_works(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0)
        return true; /* a family that this host lacks can't be in use */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    bool works = bind(fd, address->ai_addr, address->ai_addrlen) == 0;
    close(fd);
    return works;
}

static bool is_free(const char *address, unsigned port)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    g_autofree char *service = g_strdup_printf("%u", port);

    if (getaddrinfo(address, service, &hints, &list) != 0)
        return true; /* not an address of ours to judge: QEMU will tell */
    bool works = bind_works(list);
    freeaddrinfo(list);
    return works;
}

int ports_take(struct ports *ports, const char *address, unsigned *ret_port, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ports->lock);

    for (unsigned port = ports->first; port <= ports->last; port++) {
        if (g_hash_table_contains(ports->taken, GUINT_TO_POINTER(port)) || !is_free(address, port))
            continue;
        g_hash_table_add(ports->taken, GUINT_TO_POINTER(port));
        *ret_port = port;
        return 0;
    }
    error_set(error, VIR_ERR_OPERATION_FAILED,
              "no port for the display is free between %u and %u: see remote_display_port_min and "
              "remote_display_port_max in qemu.conf",
              ports->first, ports->last);
    return -1;
}

void ports_mark(struct ports *ports, unsigned port)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ports->lock);

    g_hash_table_add(ports->taken, GUINT_TO_POINTER(port));
}

void ports_return(struct ports *ports, unsigned port)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ports->lock);

    g_hash_table_remove(ports->taken, GUINT_TO_POINTER(port));
}

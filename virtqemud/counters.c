/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "counters.h"

#include <string.h>
#include <unistd.h>

/* Descriptors are kept plus one, so that a new guest's zeroes are none. */
static int swap(struct guest *guest, unsigned kind, int fd)
{
    g_mutex_lock(&guest->lock);
    int old = guest->counters[kind];
    guest->counters[kind] = fd + 1;
    g_mutex_unlock(&guest->lock);
    return old - 1;
}

static void close_one(struct guest *guest, unsigned kind)
{
    int fd = swap(guest, kind, -1);

    if (fd >= 0)
        close(fd);
}

bool counters_enabled(const struct domain *domain, enum perf_kind kind)
{
    LIST_EACH (event, &domain->perf_events)
        if (strcmp(event->name, perf_name(kind)) == 0)
            return event->enabled == TRISTATE_YES;
    return false;
}

int counters_apply(struct guest *guest, const struct domain *live, GError **error)
{
    for (unsigned kind = 0; kind < PERF_KINDS; kind++) {
        bool wanted = counters_enabled(live, kind);
        int fd;

        if (wanted == (guest->counters[kind] > 0))
            continue;
        if (!wanted)
            close_one(guest, kind);
        else if (perf_open(kind, guest_pid(guest), &fd, error) < 0)
            return -1;
        else
            swap(guest, kind, fd);
    }
    return 0;
}

bool counters_read(struct guest *guest, enum perf_kind kind, uint64_t *ret_count)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);
    int fd = guest->counters[kind] - 1;

    return fd >= 0 && perf_read(fd, ret_count);
}

void counters_close(struct guest *guest)
{
    for (unsigned kind = 0; kind < PERF_KINDS; kind++)
        close_one(guest, kind);
}

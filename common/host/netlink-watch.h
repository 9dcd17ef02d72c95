/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "host/netlink.h"

/* A descriptor that can be read when the kernel tells something to a group of a netlink protocol;
 * close() ends it. Does not block. VIR_ERR_SYSTEM_ERROR. */
int netlink_watch_open(int protocol, int group, int *ret_fd, GError **error);

/* The same for network devices that come, go and change. */
int netlink_watch_open_links(int *ret_fd, GError **error);

/* Reads what was told of devices; says each. True if there was anything; some may have been lost.
 * Does not block. */
typedef void (*netlink_watch_function)(const struct netlink_link *link, bool gone, void *data);
bool netlink_watch_read_links(int fd, netlink_watch_function function, void *data);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

struct vnet;

/*
 * A dnsmasq that ends is started again: at once, or if that was to no avail after a while, which
 * grows. The event is that its network has started.
 */

/* Watches that process from now on, instead of any other of the network's. Any thread. */
void dnsmasq_watch_begin(struct vnet *vnet, pid_t pid);

/* There is none, as it could not be started: the same as if it had ended. Any thread. */
void dnsmasq_watch_retry(struct vnet *vnet);

/* Nobody waits for its end, or to start it again, any more. Any thread. */
void dnsmasq_watch_end(struct vnet *vnet);

/* The same at the end of the daemon, on the loop thread. */
void dnsmasq_watch_drop(struct vnet *vnet);

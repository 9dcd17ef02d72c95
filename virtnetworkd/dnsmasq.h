/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/process.h"
#include "model/network.h"

/*
 * dnsmasq, one for each network that has something to serve: a process of its own, detached, with a
 * pid file, that outlives this daemon. Functions block; call them with the network's job.
 */
struct vnet;

/* Writes its files, and starts it unless it runs already, watched from then on. Errors quote what
 * it says, and name the process that has its port. */
int dnsmasq_start(struct vnet *vnet, const struct network *network, GError **error);

/* Writes its files again, of a document that was old: it reads the names and the hosts of DHCP
 * again, or is started anew for what it reads only then. No lease is lost. */
int dnsmasq_follow(struct vnet *vnet, const struct network *old, const struct network *network,
                   GError **error);

/* Tells it to end; waits until it has, and removes its files but for the leases. The process goes
 * from one to the other, as its pid file is the first thing that an ending dnsmasq removes. */
void dnsmasq_begin_stop(struct vnet *vnet, const struct network *network,
                        struct process *ret_process);
void dnsmasq_end_stop(const struct network *network, struct process *process);

/* Of a network that is no more: removes its leases. */
void dnsmasq_forget(const struct network *network);

/* Its process, 0: it does not run. */
pid_t dnsmasq_pid(const struct network *network);

/* The file of the network's leases; the caller frees. */
char *dnsmasq_lease_path(const struct network *network);

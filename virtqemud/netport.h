/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"
#include "model/network-port.h"
#include "protocol/remote.h"

#include "qemu.h"

/*
 * Ports: what a virtual network calls the interface of a guest. virtnetworkd keeps them, and says
 * what an interface on a network really is: on a bridge, on top of a device of the host, or one of
 * these itself. The live definition says so too, with the name of the network and the port's
 * identity beside; the stored one has the network alone.
 *
 * Everything but netport_choose() asks virtnetworkd and waits: workers only. Errors are its own,
 * and those of "driver/peer.h".
 */

/* Gives an interface that is to come the identity of its port, so that it can be written down
 * before there is one. What the document says of a port in use is dropped. */
void netport_choose(struct domain_net *net);

/* Has the network take the interface, and settles in net, a part of live, what it really is. No
 * effect on one that is not on a network. */
int netport_take(struct qemu *qemu, struct domain *live, struct domain_net *net, GError **error);

/* The same for all interfaces of a guest about to start. */
int netport_take_all(struct qemu *qemu, struct domain *live, GError **error);

/* Gives the ports of a domain's interfaces back. A virtnetworkd that hangs is waited for two
 * seconds, and told when it works again; what one that is absent keeps, it hears of when it is
 * back ("netwatch.h"). Idempotent; also on the loop thread, which does not wait. */
void netport_give_back(struct qemu *qemu, const struct domain *domain);

/* Gives back what could not be given back so far. */
void netport_pay_debts(struct qemu *qemu);

/* The network of a name. VIR_ERR_NO_NETWORK. */
int netport_find_network(struct qemu *qemu, const char *name, struct arena *arena,
                         struct remote_nonnull_network *ret_network, GError **error);

/* The bridge of a network, in the arena. Errors of virtnetworkd: there is no such network, or it
 * has no bridge. */
int netport_find_bridge(struct qemu *qemu, const char *name, struct arena *arena,
                        const char **ret_bridge, GError **error);

/* Makes the port of an interface, and reads back what became of it; both in the arena. reclaim: the
 * device of the host that it has already stays its own. */
int netport_create(struct qemu *qemu, const struct remote_nonnull_network *network,
                   const struct domain *live, const struct domain_net *net, bool reclaim,
                   struct arena *arena, GError **error);
int netport_read(struct qemu *qemu, const struct remote_nonnull_network *network,
                 const uint8_t uuid[16], struct arena *arena, struct network_port **ret_port,
                 GError **error);

/* The leases that the network's DHCP has given to an interface's address; in the arena. */
int netport_get_leases(struct qemu *qemu, const struct domain_net *net, struct arena *arena,
                       struct remote_network_get_dhcp_leases_ret *ret_leases, GError **error);

/* Writes what a port says into the interface; what is there from a definition's arena stays. */
int netport_settle(struct domain_net *net, struct arena *arena, const struct network_port *port,
                   GError **error);

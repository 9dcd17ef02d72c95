/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "qemu.h"
#include "qmp.h"

/* Displays between document and host: their ports, addresses, passwords. */

/* Paths below folder, that of the run, for the unix sockets that document or qemu.conf leave to us.
 */
void display_choose_sockets(struct domain *live, const struct qemu_config *config,
                            const char *folder);

/* Which ports are left to us. */
struct display_wants {
    bool plain, secure;
};
struct display_wants display_wants(const struct domain_graphics *graphics,
                                   const struct qemu_config *config);

/* Chooses the ports and addresses that the document leaves to us; what is chosen goes into it.
 * Blocks on virtnetworkd for a <listen type='network'>: VIR_ERR_XML_ERROR if the host has no
 * address there.
 */
int display_take_ports(struct domain *live, struct qemu *qemu, GError **error);

/* Marks the ports of a guest that runs already, as given out. */
void display_mark_ports(const struct domain *live, struct qemu *qemu);
void display_return_ports(const struct domain *live, struct qemu *qemu);

/* Tells QEMU the password, its end, and what happens to who is connected. Nothing for displays
 * without one. Blocks. */
int display_set_password(struct qmp *qmp, const struct domain_graphics *graphics,
                         const struct qemu_config *config, GError **error);

/* Makes a VNC display with one address, and without a websocket, listen at another one, which goes
 * into it; on failure it stays where it was. Who is connected stays. Blocks. */
int display_move(struct qmp *qmp, struct domain_graphics *graphics, const char *address,
                 GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "protocol/remote.h"

#include "qemu.h"

/*
 * Ports that were to be given back while virtnetworkd did not answer. Their guests are gone, so
 * each is a file of its own, named by the port and holding the name of its network: whichever
 * daemon runs when virtnetworkd is there again gives it back. Any thread; block on the disk.
 */
void port_debts_note(struct qemu *qemu, const struct remote_nonnull_network_port *port);
void port_debts_clear(struct qemu *qemu, const struct remote_nonnull_network_port *port);

/* All, in the arena; networks have names only. */
struct remote_nonnull_network_port *port_debts_list(struct qemu *qemu, struct arena *arena,
                                                    unsigned *ret_count);

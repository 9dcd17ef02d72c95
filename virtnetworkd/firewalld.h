/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/*
 * firewalld, where it runs: bridges of networks are put into a zone of it, by D-Bus, so that what
 * it drops by default is not what guests need. Where it does not run there is nothing to do.
 */

/* Puts the network's bridge into the zone that its document names, or into the one that is meant
 * for networks of its mode. Blocks for firewalld's answer. VIR_ERR_INTERNAL_ERROR: a zone is named,
 * and firewalld does not run, or does not take it. What only is usual is warned of. */
int firewalld_add(const struct network *network, GError **error);

/* Takes the bridge out of its zone, before it goes. */
void firewalld_remove(const struct network *network);

/* Loop thread: watches for a firewalld that starts, or reads its configuration again, and puts the
 * bridges of all networks that run into their zones once more. */
void firewalld_begin_watching(void);
void firewalld_end_watching(void);

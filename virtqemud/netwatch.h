/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu.h"

/*
 * Keeps running guests plugged into their networks, whatever becomes of virtnetworkd, of us and of
 * the networks meanwhile. As long as there are guests on networks there is a link to virtnetworkd,
 * which tells when a network starts: their devices then join its bridge again, and it gets to know
 * their ports. The same is done whenever the link is made, and ports of ours that no guest has are
 * given back.
 */
struct netwatch;

/* Makes qemu->networks and qemu->netwatch; nothing is linked yet. Loop thread. */
void netwatch_begin(struct qemu *qemu);

/* Guests are known: looks after the ports that they have, or had. Loop thread. */
void netwatch_look(struct qemu *qemu);

/* A port could not be given back: it will be, as soon as virtnetworkd answers. Any thread. */
void netwatch_owe(struct qemu *qemu);

/* Drops both. Loop thread, when no worker is at work. */
void netwatch_end(struct qemu *qemu);

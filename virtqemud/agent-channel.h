/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"
#include "qmp-events.h"

/*
 * The virtio channels of a guest, and whether it has opened them: its agent's above all.
 */

/* The agent's channel, borrowed; NULL: it has none. */
const struct domain_channel *agent_channel_find(const struct domain *domain);

/* With a job: notes in live, which is about to be published, what QEMU says of its channels at the
 * start, or after one of this daemon; raises the events, and connects to the agent. */
struct qmp_chardev;
void agent_channel_learn(struct guest *guest, struct job *job, struct domain *live,
                         const struct qmp_chardev *chardevs, unsigned count);

/* Handler of QMP_EVENT_SERIAL_CHANGE, with the struct guest as user: the guest has opened or closed
 * a channel. On the monitors' loop. */
void agent_channel_event(const struct qmp_event *event, void *user);

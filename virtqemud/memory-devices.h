/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "qmp-events.h"
#include "qmp.h"

/* Memory that was plugged in, as QEMU knows it. */

/* Writes down where modules are and how much of virtio-mem the guest uses, in a live definition
 * under construction; nothing is asked for a guest without. Blocks. */
int memory_devices_learn(struct domain *live, struct qmp *qmp, GError **error);

/* The same for a guest that starts, whose current memory is what the document says. */
int memory_devices_begin(struct domain *live, struct qmp *qmp, GError **error);

/* The same for one that ran without us: the balloon may have moved too. */
int memory_devices_refresh(struct domain *live, struct qmp *qmp, GError **error);

/* How much the guest uses of all its virtio-mem, in KiB. Pure. */
uint64_t memory_devices_current(const struct domain *live);

/* Handler of qmp-events.h, on the monitors' loop: the guest has taken or returned memory. */
void memory_devices_event(const struct qmp_event *event, void *user);

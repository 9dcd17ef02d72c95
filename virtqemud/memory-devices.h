/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "qmp-events.h"
#include "qmp.h"

/* Memory that was plugged in, as QEMU knows it. */

/* Writes down where modules are and how much of virtio-mem the guest uses, in a live definition
 * under construction; nothing is asked for a guest without. Blocks. */
int memory_devices_learn(struct domain *live, struct qmp *qmp, GError **error);

/* Handler of qmp-events.h, on the monitors' loop: the guest has taken or returned memory. */
void memory_devices_event(const struct qmp_event *event, void *user);

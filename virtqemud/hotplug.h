/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/change.h"

#include "guest.h"
#include "plug.h"

/*
 * Devices of a running guest come and go; the same calls change the stored definition.
 *
 * A device is recorded before QEMU is told of it (guest->plugging, in the status file), and taken
 * from the record once it is in the live definition; it stays in that until QEMU has it no more. So
 * whenever the daemon is killed, and whatever a QEMU does that did not answer in time, each device
 * that QEMU may have is written down, and settle.h makes the definition true again.
 */

/* Attaches the device that text is to what the change affects, and saves. Blocks. Errors:
 * VIR_ERR_XML_..., VIR_ERR_CONFIG_UNSUPPORTED, VIR_ERR_OPERATION_UNSUPPORTED for a kind that can't
 * be plugged, those of QEMU. */
int hotplug_attach(struct change *change, const char *text, GError **error);

/* What QEMU takes, in words of plug.h, for a device of a live definition. plan: to take it out. */
int hotplug_build(struct guest *guest, const struct domain *live, const struct device *device,
                  bool plan, struct plug **ret_plug, GError **error);

/* VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, _REMOVED or _REMOVAL_FAILED; job NULL: at once. */
void hotplug_raise(struct guest *guest, struct job *job, int id, const char *alias);

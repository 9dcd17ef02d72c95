/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/change.h"

#include "guest.h"
#include "qmp-events.h"

/*
 * Devices that leave. QEMU only asks the guest; when it tells that the device has gone, which may
 * be minutes later, its back ends are taken out and it leaves the live definition.
 */

/* Detaches the device that text means from what the change affects, and saves. Waits five seconds
 * for the guest: after that the call has succeeded, and the device leaves when the guest lets it
 * go. Errors: those of device_match_find(); VIR_ERR_OPERATION_UNSUPPORTED for a kind that can't
 * leave; VIR_ERR_OPERATION_FAILED when the guest refuses. */
int unplug_detach(struct change *change, const char *text, GError **error);

/* The same for the device with an alias, without waiting for the guest. */
int unplug_detach_alias(struct change *change, const char *alias, GError **error);

/* Takes the back ends out of QEMU. False: the device has not gone entirely. Blocks. */
bool unplug_withdraw(struct guest *guest, const struct domain *live, const struct device *device);

/* Takes a device of a live definition, which QEMU has no more, out of it; tells clients. The caller
 * publishes. Blocks on QEMU. */
void unplug_finish(struct guest *guest, struct job *job, struct domain *live,
                   const struct device *device);

/* Asks a device to leave, and waits for nothing. */
int unplug_ask(struct guest *guest, const char *alias, GError **error);

/* Handlers of qmp-events.h: user is the struct guest. */
void unplug_event_deleted(const struct qmp_event *event, void *user);
void unplug_event_refused(const struct qmp_event *event, void *user);

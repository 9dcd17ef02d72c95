/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"
#include "qmp-events.h"

/*
 * Which frames a guest's driver wants from its interface: the address that it gave itself, groups
 * that it joined. The live document and an event tell the address; the device of the host follows
 * where the document trusts the guest (trustGuestRxFilters) and that device is of type direct.
 */

/* NIC_RX_FILTER_CHANGED of qmp-events.h, with the struct guest as user; on the monitors' loop. */
void rx_filter_event(const struct qmp_event *event, void *user);

/* QEMU tells of a change once, until it has been asked: asks for the interface of an alias, or of
 * all that can have filters (NULL). Returns at once; a worker does it with a job. Any thread. */
void rx_filter_look(struct guest *guest, const char *alias);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

/*
 * Where devices sit: PCI (with the bridges and ports that it takes), USB (with hubs), memory slots.
 * What a document says is kept; the rest is given in a fixed order, so that the same document
 * always makes the same guest. Pure.
 */

/* Gives a place to every device that needs one. VIR_ERR_XML_ERROR: two want the same;
 * VIR_ERR_CONFIG_UNSUPPORTED: there is no room, or a device can't be where the document wants. */
int address_assign(struct domain *domain, const struct machine_traits *machine, GError **error);

/* The same for the devices that have none yet while the rest of the guest runs: no bridge, port or
 * hub is added. VIR_ERR_INTERNAL_ERROR: there is no free place. */
int address_assign_plugged(struct domain *domain, const struct machine_traits *machine,
                           GError **error);

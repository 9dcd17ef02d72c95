/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Gives every device of a domain under construction an alias: virtio-disk0, net0, serial0, pci.1.
 * Those that users chose ("ua-...") stay. Names are those that clients know, and stable: they
 * depend on the device's address or on its place in the document.
 */
void aliases_assign(struct domain *live);

/* The alias of one device about to be plugged in, free among those there; allocated in the domain's
 * arena and set in its info. */
void aliases_assign_device(struct domain *live, const struct device *device);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

/* The PCI part of address.h. */

/* grow: bridges and ports may be added. */
int address_assign_pci(struct domain *domain, const struct machine_traits *machine, bool grow,
                       GError **error);

/* Which bus a device needs. */
enum pci_need {
    PCI_NEED_NOTHING,      /* the device is not on PCI */
    PCI_NEED_CONVENTIONAL, /* a slot of a conventional bus */
    PCI_NEED_EXPRESS,      /* a port of PCI Express, where the machine has it */
    PCI_NEED_INTEGRATED,   /* directly on the root bus */
    PCI_NEED_BRIDGE,       /* a slot of a conventional bus, where only bridges sit too */
    PCI_NEED_SWITCH,       /* a slot of a switch */
};

/* What one device needs on a machine, ports and bridges included. */
enum pci_need pci_need_of(const struct device *device, const struct machine_traits *machine);

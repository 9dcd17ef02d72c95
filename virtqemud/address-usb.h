/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

/* The USB part of address.h. */

/* grow: hubs may be added. */
int address_assign_usb(struct domain *domain, bool grow, GError **error);

/* True if the device is plugged into a USB bus of the guest. */
bool address_is_usb(const struct device *device);

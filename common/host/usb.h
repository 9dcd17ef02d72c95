/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* USB devices of the host. */

/* Where the one with these numbers is. VIR_ERR_OPERATION_FAILED: there is none, or several: then
 * the address is needed. Blocks on the kernel. */
int usb_find(unsigned vendor, unsigned product, unsigned *ret_bus, unsigned *ret_device,
             GError **error);

/* The number of what is plugged into a port of a bus: "1.2". VIR_ERR_OPERATION_FAILED: nothing is.
 * Blocks on the kernel. */
int usb_find_at(unsigned bus, const char *port, unsigned *ret_device, GError **error);

/* "/dev/bus/usb/001/002"; the caller frees. */
char *usb_node(unsigned bus, unsigned device);

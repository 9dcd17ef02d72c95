/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Virtual functions of network adapters (SR-IOV): devices of PCI that a guest is given, whose
 * address in the network is set by way of the adapter. Blocks on the kernel alone. Any thread. */

/* True if the PCI device ("0000:06:02.0") is one. */
bool virtual_function_exists(const char *address);

/* Sets the MAC address that its guest will have, and its VLAN; 0: none. VIR_ERR_OPERATION_FAILED:
 * the adapter has no network device; VIR_ERR_SYSTEM_ERROR names the device that refuses. */
int virtual_function_set(const char *address, const uint8_t mac[6], unsigned vlan, GError **error);

struct virtual_function {
    unsigned domain, bus, slot, function; /* its address */
    char device[16];                      /* its network device; "": the host has none of it */
};

/* Those of an adapter, by the name of its network device: struct virtual_function, in the
 * adapter's order; the caller's. Empty when there is no such device. */
GArray *virtual_function_list(const char *adapter);

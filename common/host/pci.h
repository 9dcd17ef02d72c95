/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* PCI devices of the host, by address ("0000:06:02.0"), and the drivers that they have. Blocks on
 * the kernel, which may take a driver's time. */

/* The name of its driver, NULL: none; the caller frees. VIR_ERR_OPERATION_FAILED: no such device.
 */
int pci_get_driver(const char *address, char **ret_driver, GError **error);

/* Gives the device to one driver, whatever it knows, which is loaded if need be; NULL: to the one
 * that the kernel chooses. Nothing happens when it has it. On failure it is the kernel's choice.
 * VIR_ERR_SYSTEM_ERROR names the file that refuses; VIR_ERR_OPERATION_FAILED: no such driver;
 * VIR_ERR_INVALID_ARG: that is no driver's name. */
int pci_set_driver(const char *address, const char *driver, GError **error);

/* "/dev/vfio/12": the node of its IOMMU group; NULL: it is in none. The caller frees. */
char *pci_vfio_node(const char *address);

/* "/dev/vfio/devices/vfio3": the node of the device alone, for iommufd; NULL: the driver is not
 * VFIO's, or the kernel has none. The caller frees. */
char *pci_vfio_device_node(const char *address);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "qemu.h"

/* Devices of the host between the document and the host. All functions but the first block on the
 * kernel; errors name the device. */

/* QEMU's object for the one door to the IOMMU that all devices passed by it share. */
#define HOSTDEV_IOMMUFD "iommufd0"

/* True for the device that brings that object along: the first of those that share it. Pure. */
bool hostdev_brings_iommufd(const struct domain *domain, const struct domain_hostdev *hostdev);

/* The block node of a SCSI device, "libvirt-hostdev0-backend", added to nodes, which owns it;
 * nothing for others. In a plan opens nothing and asks nobody. */
int hostdev_nodes(const struct domain_hostdev *hostdev, const struct arguments_context *context,
                  GPtrArray *nodes, GError **error);

/* Finds those that the document names by what they are, and writes down where they are. Changes a
 * domain under construction; one whose startupPolicy is optional and that is not there leaves it.
 * VIR_ERR_OPERATION_FAILED for one that is missing; VIR_ERR_CONFIG_UNSUPPORTED for a mediated one
 * where the host has no VFIO. */
int hostdev_find_all(struct domain *live, GError **error);

/* The same for one interface, which may be a USB device that is named by its port. */
int hostdev_find_net(struct domain_net *net, GError **error);

/* Claims the devices that the guest is to have, and takes PCI devices from their drivers, managed
 * ones alone; gives back what the guest has of these. VIR_ERR_OPERATION_INVALID for one that
 * another guest has, or that is not managed and still has another driver. */
int hostdev_take_all(struct qemu *qemu, const struct domain *live, GError **error);
void hostdev_give_back_all(struct qemu *qemu, const char *guest, const struct domain *devices);

/* The same for one device of the guest of this name; nothing for other kinds. */
int hostdev_take(struct qemu *qemu, const char *guest, const struct device *device, GError **error);
void hostdev_give_back(struct qemu *qemu, const char *guest, const struct device *device);

/* Claims what the guest of this name had with an earlier daemon. devices: any definition's. */
void hostdev_mark_all(struct qemu *qemu, const char *guest, const struct domain *devices);

/* The node by which QEMU reaches the device (/dev/bus/usb/001/002, /dev/vfio/12): NULL: none. The
 * caller frees. */
char *hostdev_node(const struct domain_hostdev *hostdev);
char *hostdev_net_node(const struct domain_net *net);

/* True if the guest's memory is locked while the device is its: VFIO. Pure. */
bool hostdev_locks_memory(const struct domain *domain);

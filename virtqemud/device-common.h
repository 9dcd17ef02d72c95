/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "device.h"

/* What property objects of all families share; for device-*.c. */

/* "bus", "addr" and the like for the device's address; nothing for one without. */
void device_add_place(struct json_object *json, const struct domain *domain,
                      const struct domain_device_info *info);

/* "id", then "bootindex", "acpi-index", "romfile" and "rombar" where they are given. */
void device_add_identity(struct json_object *json, const struct domain *domain,
                         const struct domain_device_info *info);

/* The order in which the device boots: its own, or that of its kind in <os><boot>; 0: none. */
unsigned device_boot_index(const struct domain *domain, const struct domain_device_info *info);

/* A property that is on or off: "X:on", or true and false. Nothing when absent. */
void device_add_on_off(struct json_object *json, const char *name, unsigned tristate);
void device_add_bool(struct json_object *json, const char *name, unsigned tristate);

/* iommu_platform, ats, packed, page-per-vq */
void device_add_virtio(struct json_object *json, const struct domain_virtio *virtio);

/* Several I/O threads, and the queues that each serves. */
void device_add_iothreads(struct json_object *json, struct disk_iothread *const *threads,
                          unsigned count);

/* "virtio-blk" -> "virtio-blk-pci-transitional": what the model is called where it is plugged in.
 * The caller frees. */
char *device_virtio_name(const char *name, enum virtio_model model,
                         const struct domain_device_info *info);

/* The identifier of a bus, "scsi0.0", of the controller of this type and index. The caller frees.
 */
char *device_bus_name(const struct domain *domain, enum controller_type type, unsigned index);

/* The alias of the controller of this type and index. The caller frees. */
char *device_controller_alias(const struct domain *domain, enum controller_type type,
                              unsigned index);

/* True if a SCSI controller's devices have a channel and a target beside their unit. */
bool device_scsi_has_channels(const struct domain_controller *controller);

/* Always -1: VIR_ERR_CONFIG_UNSUPPORTED that names the device, as "disk 'vda'", and what it lacks.
 */
int device_refuse(GError **error, const char *what, const char *name, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* The members of a virtual machine's name that matter here. */
bool device_machine_is_q35(const struct domain *domain);
bool device_machine_is_i440fx(const struct domain *domain);

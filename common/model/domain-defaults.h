/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * What every driver fills in after reading, before its own defaults: uuid, MACs, units and
 * placements, lifecycle actions, target ports, the serial port behind the first console, drive
 * addresses derived from target names, listen addresses of graphics. Changes a domain under
 * construction; idempotent.
 *
 * uuid and MAC addresses are made up with random (bytes) if absent; prefix is the first three bytes
 * of MAC addresses (52:54:00 for QEMU, 00:16:3e for Xen).
 */
struct domain_defaults {
    uint8_t mac_prefix[3];
    void (*random)(void *bytes, size_t length); /* NULL: the kernel's */
};

int domain_apply_defaults(struct domain *domain, const struct domain_defaults *defaults,
                          GError **error);

/* The place of a disk on its IDE, SCSI, SATA, floppy or USB controller as its target name says. */
void domain_disk_default_address(const struct domain *domain, struct domain_disk *disk);

/* A controller of this type and index, made at the end of the list if there is none. */
struct domain_controller *domain_ensure_controller(struct domain *domain, enum controller_type type,
                                                   unsigned index);

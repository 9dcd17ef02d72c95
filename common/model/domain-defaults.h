/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * What holds for every driver after a document was read: what was left out is filled in, older
 * spellings become today's. A driver calls domain_apply_defaults(), then its own defaults, then
 * domain_add_controllers(), then domain_check() and its own assignment of addresses. All change a
 * domain under construction, and change nothing when called again.
 */
struct domain_defaults {
    uint8_t mac_prefix[3]; /* of made-up MAC addresses: 52:54:00 for QEMU, 00:16:3e for Xen */
    bool live;             /* of a running guest: keep its ports, aliases and pseudo terminals */
};

/* VIR_ERR_XML_ERROR if something is missing for which there is no default. */
int domain_apply_defaults(struct domain *domain, const struct domain_defaults *defaults,
                          GError **error);

/* Of a document that comes from a client, before its defaults: controllers are kept with others of
 * their type, by number, as the incumbent does. Those that defaults add come after all. */
void domain_sort_controllers(struct domain *domain);

/* The controllers that disks, channels and smart cards name, or that they need when they name none;
 * numbers of ports and slots of virtio-serial and smart cards. */
int domain_add_controllers(struct domain *domain, GError **error);

/* ---- the parts, for devices that come alone (attach, update) ---- */

/* One device of a kind as domain_apply_defaults() does; after it was added to the domain. */
int domain_device_defaults(struct domain *domain, enum device_kind kind, void *object,
                           const struct domain_defaults *defaults, GError **error);

/* How much memory a display adapter of this type has. */
void domain_video_default_sizes(struct domain_video *video);

/* A display adapter for a guest with a display that names none; of no type if that is the
 * hypervisor's choice. */
void domain_add_video(struct domain *domain);

/* The place of a disk on its IDE, SCSI, SATA or floppy controller, as its target name says. */
void domain_disk_default_address(struct domain_disk *disk);

/* SCSI devices of the host that have no place get the first free one; and their controllers. */
int domain_place_scsi_hostdevs(struct domain *domain, GError **error);

/* The controller of this type and index, made at the end of the list if there is none. */
struct domain_controller *domain_ensure_controller(struct domain *domain, enum controller_type type,
                                                   unsigned index);

/* The part about NUMA nodes: their numbers, and how far it is from one to the other. */
void domain_defaults_numa(struct domain *domain);

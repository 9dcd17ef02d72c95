/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-address.h"

/* What every device has: embedded in each device's struct as `info`. */

struct domain_rom {
    uint8_t enabled; /* enum tristate */
    uint8_t bar;     /* enum tristate */
    const char *file;
};

struct domain_device_info {
    const char *alias; /* NULL until given by the user ("ua-...") or assigned at start */
    struct domain_address address;
    unsigned boot_order;             /* 0: not a boot device by itself */
    unsigned acpi_index;             /* 0: none */
    const struct cpuset *acpi_nodes; /* NUMA nodes of the guest that are the device's memory */
    const char *loadparm;
    struct domain_rom *rom; /* NULL: not given */
};

/* virtio, virtio-transitional, virtio-non-transitional: the model of most virtio devices */
enum virtio_model {
    VIRTIO_MODEL_NONE,
    VIRTIO_MODEL_VIRTIO,
    VIRTIO_MODEL_TRANSITIONAL,
    VIRTIO_MODEL_NON_TRANSITIONAL,
};
extern const struct names virtio_model_names;

/* iommu, ats, packed, page_per_vq: attributes of the <driver> of every virtio device */
struct domain_virtio {
    uint8_t iommu; /* enum tristate, all four */
    uint8_t ats;
    uint8_t packed;
    uint8_t page_per_vq;
};

/* Security label of a device's source: <seclabel model='dac' relabel='no'/> */
struct domain_source_label {
    const char *model;
    uint8_t relabel;    /* enum tristate */
    uint8_t label_skip; /* enum tristate */
    const char *label;
};

XML_SCHEMA_DECLARE(domain_rom);
XML_SCHEMA_DECLARE(domain_boot_info);   /* rows of info: boot order, alias */
XML_SCHEMA_DECLARE(domain_place_info);  /* rows of info: rom, acpi, address */
XML_SCHEMA_DECLARE(domain_device_info); /* both, in this order: the end of most devices */
XML_SCHEMA_DECLARE(domain_virtio);
XML_SCHEMA_DECLARE(domain_source_label);

/* True if the alias was chosen by the user, and so belongs to the stored document. */
bool domain_alias_is_user(const char *alias);

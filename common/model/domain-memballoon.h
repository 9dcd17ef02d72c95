/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

enum memballoon_model {
    MEMBALLOON_ABSENT,
    MEMBALLOON_VIRTIO,
    MEMBALLOON_XEN,
    MEMBALLOON_NONE, /* "none": the guest has no balloon */
    MEMBALLOON_VIRTIO_TRANSITIONAL,
    MEMBALLOON_VIRTIO_NON_TRANSITIONAL,
};
extern const struct names memballoon_model_names;

struct domain_memballoon {
    struct domain_device_info info;
    uint8_t model;               /* enum memballoon_model */
    uint8_t autodeflate;         /* enum tristate */
    uint8_t free_page_reporting; /* enum tristate */
    struct domain_virtio virtio;
    unsigned period; /* seconds between statistics, 0: none */
};

XML_SCHEMA_DECLARE(domain_memballoon);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-chardev.h"

enum rng_backend { RNG_BACKEND_NONE, RNG_BACKEND_RANDOM, RNG_BACKEND_EGD, RNG_BACKEND_BUILTIN };
extern const struct names rng_backend_names;

struct domain_rng {
    struct domain_device_info info;
    uint8_t model;   /* enum virtio_model */
    uint8_t backend; /* enum rng_backend */
    struct domain_virtio virtio;
    unsigned rate_bytes;
    unsigned rate_period;         /* ms */
    const char *path;             /* random: the device read */
    struct chardev_source source; /* egd */
};

XML_SCHEMA_DECLARE(domain_rng);

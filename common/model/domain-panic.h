/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

enum panic_model {
    PANIC_NONE,
    PANIC_ISA,
    PANIC_PSERIES,
    PANIC_HYPERV,
    PANIC_S390,
    PANIC_PVPANIC,
};
extern const struct names panic_model_names;

struct domain_panic {
    struct domain_device_info info;
    uint8_t model; /* enum panic_model */
};

XML_SCHEMA_DECLARE(domain_panic);

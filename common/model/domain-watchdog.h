/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

enum watchdog_model {
    WATCHDOG_NONE,
    WATCHDOG_I6300ESB,
    WATCHDOG_IB700,
    WATCHDOG_DIAG288,
    WATCHDOG_ITCO,
};
extern const struct names watchdog_model_names;

enum watchdog_action {
    WATCHDOG_ACTION_ABSENT,
    WATCHDOG_ACTION_RESET,
    WATCHDOG_ACTION_SHUTDOWN,
    WATCHDOG_ACTION_POWEROFF,
    WATCHDOG_ACTION_PAUSE,
    WATCHDOG_ACTION_DUMP,
    WATCHDOG_ACTION_NONE, /* "none" */
    WATCHDOG_ACTION_INJECT_NMI,
};
extern const struct names watchdog_action_names;

struct domain_watchdog {
    struct domain_device_info info;
    uint8_t model;  /* enum watchdog_model */
    uint8_t action; /* enum watchdog_action */
};

XML_SCHEMA_DECLARE(domain_watchdog);

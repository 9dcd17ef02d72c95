/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"

/* NODE_GET_*: what every hypervisor's daemon tells of its host. */
extern const struct driver_methods node_methods;

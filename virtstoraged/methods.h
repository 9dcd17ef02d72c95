/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"

extern const struct driver_methods list_methods; /* pools: lookups, lists, what the view tells */
extern const struct driver_methods
    lifecycle_methods; /* pools: define, build, start, stop, delete */
extern const struct driver_methods event_methods;
extern const struct driver_methods source_methods;      /* capabilities, what pools could be on */
extern const struct driver_methods volume_list_methods; /* volumes: lookups, lists, what is known */
extern const struct driver_methods volume_methods;      /* volumes: made, changed, deleted */
extern const struct driver_methods stream_methods;      /* volumes: upload, download */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"

extern const struct driver_methods list_methods;      /* lookups, lists, what the view tells */
extern const struct driver_methods lifecycle_methods; /* define, start, stop */
extern const struct driver_methods describe_methods;  /* title, description, metadata */
extern const struct driver_methods update_methods;    /* parts of a document */
extern const struct driver_methods port_methods;      /* guests' interfaces */
extern const struct driver_methods lease_methods;
extern const struct driver_methods event_methods;

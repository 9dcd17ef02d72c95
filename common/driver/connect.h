/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"

/*
 * The life of a connection, the same for every driver: open, close, features, identity, and what
 * the daemon knows without asking a hypervisor.
 */
extern const struct driver_methods connect_methods;

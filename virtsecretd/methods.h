/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"

extern const struct driver_methods list_methods;   /* lookups, lists, documents */
extern const struct driver_methods define_methods; /* define, undefine */
extern const struct driver_methods value_methods;
extern const struct driver_methods event_methods;

/* The message of an event of this kind, raised when the job ends. */
void event_raise_lifecycle(struct job *job, int event);
void event_raise_value_changed(struct job *job);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Which devices of the host which guests have: a device is one guest's, unless all share it. Any
 * thread; never blocks. A later daemon learns them from the live definitions.
 */
struct claims;

struct claim {
    const char *device; /* as errors name it: "PCI device 0000:00:02.0" */
    const char *guest;
    const char *alias; /* the guest's own device that stands for it */
    bool shared;
};

/* Of the daemon; nothing is claimed. */
struct claims *claims_new(void);
void claims_free(struct claims *claims);

/* Copies the claim. VIR_ERR_OPERATION_INVALID names the guest that has the device. */
int claims_take(struct claims *claims, const struct claim *claim, GError **error);

/* The same for what a guest that runs has already: refuses nothing. */
void claims_mark(struct claims *claims, const struct claim *claim);

/* True if this device of the guest has it, and no other one: a mark is not a sure sign. */
bool claims_holds_alone(struct claims *claims, const struct claim *claim);

/* Gives it back; nothing happens if this device of the guest does not have it. */
void claims_drop(struct claims *claims, const struct claim *claim);

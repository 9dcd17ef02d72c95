/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "qmp.h"

/*
 * One device as QEMU is told of it while it runs. The words are those of the command line
 * (arguments-devices.c), sent as commands: -object as object-add, -blockdev as blockdev-add,
 * -chardev as chardev-add, -netdev as netdev_add, and last -device as device_add. So a family that
 * can be there at the start can also be plugged, if its bus bears it.
 */
struct plug;

/* Files are handed over in sets that bear this and the alias: so they are found again. */
#define PLUG_SET_MARK "plug:"

/* What the device of a live definition takes; it has alias, place and the names of all that it
 * needs. Opens what is to be handed over, unless in a plan, which is enough to take it out again.
 * Blocks. VIR_ERR_CONFIG_UNSUPPORTED names the device. */
int plug_build(const struct domain *live, const struct device *device,
               const struct arguments_context *context, struct plug **ret_plug, GError **error);
void plug_free(struct plug *plug);

/* True if QEMU has a device for it, which it tells the end of; else there are back ends alone. */
bool plug_has_device(const struct plug *plug);

/* Tells QEMU all but the device itself, and then the device. What was done is undone when QEMU
 * refuses a step; not when it does not answer: nobody knows then. Block. Errors: qmp.h. */
int plug_apply_parts(struct plug *plug, struct qmp *qmp, GError **error);
int plug_apply_device(struct plug *plug, struct qmp *qmp, GError **error);

/* The pseudo terminal that QEMU made for it meanwhile; borrowed; NULL: none. */
const char *plug_terminal(const struct plug *plug);

/* Takes the back ends out, the last one first, once QEMU has no such device any more. What is not
 * there is no matter. False: some are in use, by a device that is about to go. Blocks. */
bool plug_withdraw(const struct plug *plug, struct qmp *qmp);

static inline void plug_free_at(struct plug **plug)
{
    plug_free(*plug);
}

/* struct plug *plug PLUG_AUTO = NULL; */
#define PLUG_AUTO __attribute__((cleanup(plug_free_at)))

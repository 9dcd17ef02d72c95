/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/arena.h"

/*
 * What the host's firmware tells about the machine (SMBIOS), as far as the kernel shows it: one
 * file a value. What only the firmware's own tables have, memory modules for instance, is left out.
 */
enum dmi_block { DMI_BIOS, DMI_SYSTEM, DMI_BASE_BOARD, DMI_CHASSIS, DMI_BLOCKS };

struct dmi_value {
    enum dmi_block block;
    const char *name; /* as documents name it: "vendor" */
    char *text;
};

/* Where the kernel has it. */
#define DMI_FOLDER "/sys/class/dmi/id"

/* The values that are there, block by block; in the arena. Some can be read by root alone.
 * VIR_ERR_CONFIG_UNSUPPORTED: the host shows none. Blocks on the kernel alone; any thread. */
int dmi_read(const char *folder, struct arena *arena, struct dmi_value **ret_values,
             unsigned *ret_count, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/print-config.h"
#include "daemon/settings.h"

#include "config.h"

const struct config_file config_files[] = {
    {"virtqemud.conf",
     "Settings of virtqemud, the daemon for QEMU guests. Those of the guests themselves are in\n"
     "qemu.conf. Values shown are the defaults, or examples where the text says what the default\n"
     "is. After a change: systemctl reload virtqemud. What concerns sockets changes with a "
     "restart,\n"
     "which no guest notices.",
     &settings_table},
    {"qemu.conf",
     "Settings of the QEMU processes that virtqemud starts. Values shown are the defaults, or\n"
     "examples where the text says what the default is. Guests that run keep what they have.",
     &qemu_config_table},
    {0},
};

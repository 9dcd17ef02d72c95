/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/print-config.h"
#include "daemon/settings.h"

const struct config_file config_files[] = {
    {"virtstoraged.conf",
     "Settings of virtstoraged, the daemon for storage pools and volumes. Values shown are the\n"
     "defaults, or examples where the text says what the default is. After a change:\n"
     "systemctl reload virtstoraged. What concerns sockets changes with a restart, which no pool\n"
     "notices.",
     &settings_table},
    {0},
};

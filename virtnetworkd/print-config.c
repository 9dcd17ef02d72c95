/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/print-config.h"
#include "daemon/settings.h"

#include "config.h"

const struct config_file config_files[] = {
    {"virtnetworkd.conf",
     "Settings of virtnetworkd, the daemon for virtual networks. Those of the networks themselves\n"
     "are in network.conf. Values shown are the defaults, or examples where the text says what "
     "the\n"
     "default is. After a change: systemctl reload virtnetworkd. What concerns sockets changes "
     "with\n"
     "a restart, which no guest notices.",
     &settings_table},
    {"network.conf",
     "Settings of the networks that virtnetworkd looks after. Values shown are the defaults.",
     &network_config_table},
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/print-config.h"
#include "daemon/settings.h"

const struct config_file config_files[] = {
    {"virtsecretd.conf",
     "Settings of virtsecretd, the daemon for secrets. Values shown are the defaults, or examples\n"
     "where the text says what the default is. After a change: systemctl reload virtsecretd.\n"
     "What concerns sockets changes with a restart, which ephemeral secrets do not survive.",
     &settings_table},
    {0},
};

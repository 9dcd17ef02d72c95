/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/print-config.h"
#include "daemon/remote.h"
#include "daemon/settings.h"

const struct config_file config_files[] = {
    {"virtproxyd.conf",
     "Settings of virtproxyd, which serves the legacy socket and leads clients to the daemons.\n"
     "Values shown are the defaults, or examples where the text says what the default is. After a\n"
     "change: systemctl reload virtproxyd. What concerns sockets changes with a restart, which "
     "ends\n"
     "the links of its clients.",
     &settings_table, &remote_table},
    {0},
};

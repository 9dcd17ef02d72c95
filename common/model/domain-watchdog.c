/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-watchdog.h"

NAMES(watchdog_model_names, NULL, "i6300esb", "ib700", "diag288", "itco");
NAMES(watchdog_action_names, NULL, "reset", "shutdown", "poweroff", "pause", "dump", "none",
      "inject-nmi");

#define ROWS_OF struct domain_watchdog
static const struct xml_row domain_watchdog_rows[] = {
    ROW_ENUM("@model", model, watchdog_model_names, "Device", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("@action", action, watchdog_action_names, "What happens when the guest hangs",
             DEFAULT(WATCHDOG_ACTION_RESET), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_ALWAYS),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_watchdog, "watchdog", .doc = "A watchdog");

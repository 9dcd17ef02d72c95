/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-panic.h"

NAMES(panic_model_names, NULL, "isa", "pseries", "hyperv", "s390", "pvpanic");

#define ROWS_OF struct domain_panic
static const struct xml_row domain_panic_rows[] = {
    ROW_ENUM("@model", model, panic_model_names, "Device", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_panic, "panic", .doc = "Tells the host that the guest's kernel crashed");

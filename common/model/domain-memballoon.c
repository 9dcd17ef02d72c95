/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-memballoon.h"

NAMES(memballoon_model_names, NULL, "virtio", "xen", "none", "virtio-transitional",
      "virtio-non-transitional");

#define ROWS_OF struct domain_memballoon
static const struct xml_row domain_memballoon_rows[] = {
    ROW_ENUM("@model", model, memballoon_model_names, "Device; none: there is none",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_ON_OFF("@autodeflate", autodeflate, "Gives memory back when the guest runs short",
               .flags = XML_ABI),
    ROW_ON_OFF("@freePageReporting", free_page_reporting, "The host learns of free pages",
               .flags = XML_ABI),
    ROW_NUMBER("stats/@period", period, "Seconds between statistics", FORM_RANGE(1, UINT32_MAX),
               .flags = XML_EXPECTED),
    ROW_EMBED(".", info, domain_device_info),
    ROW_EMBED("driver", virtio, domain_virtio),
};
#undef ROWS_OF
XML_SCHEMA(domain_memballoon, "memballoon", .doc = "Device through which memory is taken back");

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-device.h"

#include "model/rows.h"

NAMES(virtio_model_names, NULL, "virtio", "virtio-transitional", "virtio-non-transitional");

#define ROWS_OF struct domain_rom
static const struct xml_row domain_rom_rows[] = {
    ROW_YES_NO("@enabled", enabled, "The guest's firmware may look for an option ROM"),
    ROW_ON_OFF("@bar", bar, "The ROM is shown in the guest's memory map"),
    ROW_STRING("@file", file, "Path of a ROM to show instead of the device's own"),
};
#undef ROWS_OF
XML_SCHEMA(domain_rom, "rom", .doc = "Option ROM of a PCI device");

#define ROWS_OF struct domain_device_info
static const struct xml_row domain_boot_info_rows[] = {
    ROW_NUMBER("boot/@order", boot_order, "Turn in which the firmware tries the device, from 1"),
    ROW_STRING("boot/@loadparm", loadparm, "Which of several boot entries to load, on s390x"),
    ROW_STRING("alias/@name", alias, "Name of the device; a user's begins with \"ua-\""),
};
XML_SCHEMA_OF(domain_boot_info, struct domain_device_info, "device",
              .doc = "Boot order and name of a device");

static const struct xml_row domain_place_info_rows[] = {
    ROW_CHILD("rom", rom, domain_rom, "Option ROM"),
    ROW_NUMBER("acpi/@index", acpi_index, "Number from which a Linux guest names its interface",
               .flags = XML_ABI),
    ROW_CPUSET("acpi/@nodeset", acpi_nodes, "NUMA nodes of the guest that are the device's memory",
               .flags = XML_ABI),
    ROW_EMBED("address", address, domain_address),
};
XML_SCHEMA_OF(domain_place_info, struct domain_device_info, "device", .doc = "Place of a device");

static const struct xml_row domain_device_info_rows[] = {
    ROW_SAME(domain_boot_info),
    ROW_SAME(domain_place_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_device_info, "device", .doc = "What every device has");

#define ROWS_OF struct domain_virtio
static const struct xml_row domain_virtio_rows[] = {
    ROW_ON_OFF("@iommu", iommu, "The device uses the guest's IOMMU", .flags = XML_ABI),
    ROW_ON_OFF("@ats", ats, "Address translation service", .flags = XML_ABI),
    ROW_ON_OFF("@packed", packed, "Packed virtqueues", .flags = XML_ABI),
    ROW_ON_OFF("@page_per_vq", page_per_vq, "A page of notifications for each queue",
               .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(domain_virtio, "driver", .doc = "Options of all virtio devices");

#define ROWS_OF struct domain_source_label
static const struct xml_row domain_source_label_rows[] = {
    ROW_STRING("@model", model, "Security model that the label is of: dac, selinux, apparmor"),
    ROW_YES_NO("@labelskip", label_skip, "The file system can't be labelled", .flags = XML_LIVE),
    ROW_YES_NO("@relabel", relabel, "The source is labelled when the guest starts"),
    ROW_STRING("label", label, "The label to give it"),
};
#undef ROWS_OF
XML_SCHEMA(domain_source_label, "seclabel", .doc = "Security label of the source of one device");

bool domain_alias_is_user(const char *alias)
{
    return alias && g_str_has_prefix(alias, "ua-");
}

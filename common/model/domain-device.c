/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-device.h"

#include <string.h>

#include "model/rows.h"
#include "model/text-types.h"
#include "xml/xml.h"

NAMES(virtio_model_names, NULL, "virtio", "virtio-transitional", "virtio-non-transitional");

#define ROWS_OF struct domain_rom
static const struct xml_row domain_rom_rows[] = {
    ROW_YES_NO("@enabled", enabled, "The guest's firmware may look for an option ROM"),
    ROW_ON_OFF("@bar", bar, "The ROM is shown in the guest's memory map"),
    ROW_STRING("@file", file, "Path of a ROM to show instead of the device's own",
               FORM(absolute_path_type)),
};
#undef ROWS_OF
XML_SCHEMA(domain_rom, "rom", .doc = "Option ROM of a PCI device");

enum { LOADPARM_LONGEST = 8 };

static int loadparm_parse(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    size_t length = strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS " .");

    if (length && !text[length] && length <= LOADPARM_LONGEST)
        return 0;
    g_string_append_printf(problem, "'%.80s' is not 1 to 8 letters, digits, dots and spaces", text);
    return -1;
}

static const struct xml_type loadparm_form = {
    .name = "1 to 8 letters, digits, dots and spaces",
    .rng = "<data type='string'><param name='pattern'>[a-zA-Z0-9. ]{1,8}</param></data>",
    .size = sizeof(char *),
    .parse = loadparm_parse,
};

#define ROWS_OF struct domain_device_info
static const struct xml_row domain_boot_info_rows[] = {
    ROW_NUMBER("boot/@order", boot_order, "Turn in which the firmware tries the device, from 1",
               FORM_RANGE(1, UINT32_MAX), .flags = XML_EXPECTED),
    ROW_STRING("boot/@loadparm", loadparm, "Which of several boot entries to load, on s390x",
               FORM(loadparm_form)),
    ROW_STRING("alias/@name", alias, "Name of the device; a user's begins with \"ua-\"",
               FORM(identifier_type), .flags = XML_EXPECTED),
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
    ROW_YES_NO("@labelskip", label_skip, "Of a running guest", .flags = XML_INPUT),
    ROW_YES_NO("@relabel", relabel, "The source is labelled when the guest starts"),
    ROW_STRING("label", label, "The label to give it"),
};
#undef ROWS_OF

/* That a file system can't be labelled is found out anew by each start. */
static int source_label_check(struct xml_at *at, void *object, GError **error)
{
    struct domain_source_label *label = object;

    if (xml_at_validates(at) && !label->label && !label->label_skip &&
        label->relabel != TRISTATE_NO)
        return xml_at_fail(at, "", VIR_ERR_XML_ERROR, error,
                           "has neither a <label> nor relabel='no'");
    if (xml_at_flags(at) & XML_READ_INACTIVE)
        label->label_skip = TRISTATE_ABSENT;
    return 0;
}
XML_SCHEMA(domain_source_label, "seclabel", .doc = "Security label of the source of one device",
           .check = source_label_check);

bool domain_alias_is_user(const char *alias)
{
    return alias && g_str_has_prefix(alias, "ua-");
}

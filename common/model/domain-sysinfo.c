/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-sysinfo.h"

#include <string.h>

NAMES(sysinfo_type_names, NULL, "smbios", "fwcfg");

#define ROWS_OF struct sysinfo_entry
static const struct xml_row sysinfo_entry_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_ABI),
    ROW_STRING("@file", file, "File with the value (fwcfg)"),
    ROW_STRING(".", value, "Value", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(sysinfo_entry, "entry", .doc = "One value");

#define ROWS_OF struct sysinfo_block
static const struct xml_row sysinfo_block_rows[] = {
    ROW_LIST("entry", entries, sysinfo_entry, "Value", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(sysinfo_block, "system", .doc = "A structure of SMBIOS");

#define SMBIOS WHEN(type, BIT(SYSINFO_SMBIOS))
#define ROWS_OF struct domain_sysinfo
static const struct xml_row domain_sysinfo_rows[] = {
    ROW_ENUM("@type", type, sysinfo_type_names, "How the guest gets them",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_CHILD("bios", bios, sysinfo_block, "The firmware", SMBIOS, .flags = XML_ABI),
    ROW_CHILD("system", system, sysinfo_block, "The machine", SMBIOS, .flags = XML_ABI),
    ROW_LIST("baseBoard", base_boards, sysinfo_block, "A board", SMBIOS, .flags = XML_ABI),
    ROW_CHILD("chassis", chassis, sysinfo_block, "The chassis", SMBIOS, .flags = XML_ABI),
    ROW_CHILD("oemStrings", oem_strings, sysinfo_block, "Free texts", SMBIOS, .flags = XML_ABI),
    ROW_LIST("entry", entries, sysinfo_entry, "A file of fw_cfg", WHEN(type, BIT(SYSINFO_FWCFG)),
             .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(domain_sysinfo, "sysinfo", .doc = "What firmware tells about the machine");

const char *sysinfo_find(const struct sysinfo_block *block, const char *name)
{
    for (unsigned i = 0; block && i < block->entries.count; i++)
        if (g_strcmp0(block->entries.items[i]->name, name) == 0)
            return block->entries.items[i]->value;
    return NULL;
}

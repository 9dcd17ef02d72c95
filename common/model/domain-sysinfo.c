/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-sysinfo.h"

#include <string.h>

#include "model/rows.h"

NAMES(sysinfo_type_names, NULL, "smbios", "fwcfg");

#define ROWS_OF struct sysinfo_entry
static const struct xml_row sysinfo_entry_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_ABI),
    ROW_STRING("@file", file, "File with the value (fwcfg)"),
    ROW_STRING(".", value, "Value", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(sysinfo_entry, "entry", .doc = "One value");

/* The structures of SMBIOS differ in the names that their entries have. */
static NAMES(bios_words, NULL, "vendor", "version", "date", "release");
static NAMES(system_words, NULL, "manufacturer", "product", "version", "serial", "uuid", "sku",
             "family");
static NAMES(board_words, NULL, "manufacturer", "product", "version", "serial", "asset",
             "location");
static NAMES(chassis_words, NULL, "manufacturer", "version", "serial", "asset", "sku");

#define NAMED_ENTRY(words)                                                                         \
    ROW_STRING("@name", name, "Name", WORDS(words), .flags = XML_EXPECTED | XML_ABI),              \
        ROW_STRING(".", value, "Value", .flags = XML_ABI)

#define ROWS_OF struct sysinfo_entry
static const struct xml_row bios_entry_rows[] = {NAMED_ENTRY(bios_words)};
XML_SCHEMA_OF(bios_entry, struct sysinfo_entry, "entry", .doc = "A value of the firmware");
static const struct xml_row system_entry_rows[] = {NAMED_ENTRY(system_words)};
XML_SCHEMA_OF(system_entry, struct sysinfo_entry, "entry", .doc = "A value of the machine");
static const struct xml_row board_entry_rows[] = {NAMED_ENTRY(board_words)};
XML_SCHEMA_OF(board_entry, struct sysinfo_entry, "entry", .doc = "A value of a board");
static const struct xml_row chassis_entry_rows[] = {NAMED_ENTRY(chassis_words)};
XML_SCHEMA_OF(chassis_entry, struct sysinfo_entry, "entry", .doc = "A value of the chassis");
static const struct xml_row oem_entry_rows[] = {
    ROW_STRING(".", value, "Value", .flags = XML_ABI),
};
XML_SCHEMA_OF(oem_entry, struct sysinfo_entry, "entry", .doc = "A free text");
#undef ROWS_OF

#define BLOCK(tag, about)                                                                          \
    static const struct xml_row tag##_block_rows[] = {                                             \
        ROW_LIST_AS("entry", entries, struct sysinfo_entry, tag##_entry, "Value",                  \
                    .flags = XML_EXPECTED | XML_ABI),                                              \
    };                                                                                             \
    XML_SCHEMA_OF(tag##_block, struct sysinfo_block, #tag, .doc = about)

#define ROWS_OF struct sysinfo_block
BLOCK(bios, "The firmware");
BLOCK(system, "The machine");
BLOCK(board, "A board");
BLOCK(chassis, "The chassis");
BLOCK(oem, "Free texts");
#undef ROWS_OF

#define SMBIOS WHEN(type, BIT(SYSINFO_SMBIOS))
#define ROWS_OF struct domain_sysinfo
static const struct xml_row domain_sysinfo_rows[] = {
    ROW_ENUM("@type", type, sysinfo_type_names, "How the guest gets them",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_CHILD_AS("bios", bios, struct sysinfo_block, bios_block, "The firmware", SMBIOS,
                 .flags = XML_ABI),
    ROW_CHILD_AS("system", system, struct sysinfo_block, system_block, "The machine", SMBIOS,
                 .flags = XML_ABI),
    ROW_LIST_AS("baseBoard", base_boards, struct sysinfo_block, board_block, "A board", SMBIOS,
                .flags = XML_ABI),
    ROW_CHILD_AS("chassis", chassis, struct sysinfo_block, chassis_block, "The chassis", SMBIOS,
                 .flags = XML_ABI),
    ROW_CHILD_AS("oemStrings", oem_strings, struct sysinfo_block, oem_block, "Free texts", SMBIOS,
                 .flags = XML_ABI),
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/* What the guest's firmware tells about its machine: <sysinfo>. */

enum sysinfo_type { SYSINFO_NONE, SYSINFO_SMBIOS, SYSINFO_FWCFG };
extern const struct names sysinfo_type_names;

struct sysinfo_entry {
    const char *name;
    const char *value;
    const char *file; /* fwcfg */
};

struct sysinfo_block {
    LIST_OF(struct sysinfo_entry) entries;
};

struct domain_sysinfo {
    uint8_t type; /* enum sysinfo_type */
    struct sysinfo_block *bios;
    struct sysinfo_block *system;
    LIST_OF(struct sysinfo_block) base_boards;
    struct sysinfo_block *chassis;
    struct sysinfo_block *oem_strings;
    LIST_OF(struct sysinfo_entry) entries; /* fwcfg */
};

XML_SCHEMA_DECLARE(sysinfo_entry);
XML_SCHEMA_DECLARE(domain_sysinfo);

/* The value of an entry, or NULL. Borrowed. */
const char *sysinfo_find(const struct sysinfo_block *block, const char *name);

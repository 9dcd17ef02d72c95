/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"

#include "arguments-parts.h"
#include "json.h"
#include "option.h"

/* What the guest's firmware finds and tells: SMBIOS, fw_cfg, the generation of the machine. */

#define DMI_FOLDER "/sys/class/dmi/id"
#define DMI_VALUE_BYTES 4096

/* SMBIOS structures by number, their names in documents being QEMU's. */
enum smbios_table {
    SMBIOS_BIOS = 0,
    SMBIOS_SYSTEM = 1,
    SMBIOS_BASE_BOARD = 2,
    SMBIOS_CHASSIS = 3,
    SMBIOS_OEM_STRINGS = 11,
};

/* Of boards and cases, no word of the maker is the word that there is none; QEMU would say its own.
 */
static void add_maker(GString *option, const struct sysinfo_block *block)
{
    if (!sysinfo_find(block, "manufacturer"))
        option_add(option, "manufacturer", "");
}

static void add_block(const struct build *build, enum smbios_table table,
                      const struct sysinfo_block *block)
{
    GString *option;

    if (!block || block->entries.count == 0)
        return;
    option = option_new("");
    option_addf(option, "type", "%d", table);
    if (table == SMBIOS_BASE_BOARD || table == SMBIOS_CHASSIS)
        add_maker(option, block);
    LIST_EACH (entry, &block->entries)
        option_add(option, table == SMBIOS_OEM_STRINGS ? "value" : entry->name, entry->value);
    words_add_option(build->arguments, "-smbios", option);
}

static void add_blocks(const struct build *build, const struct domain_sysinfo *info)
{
    add_block(build, SMBIOS_BIOS, info->bios);
    add_block(build, SMBIOS_SYSTEM, info->system);
    LIST_EACH (board, &info->base_boards)
        add_block(build, SMBIOS_BASE_BOARD, board);
    add_block(build, SMBIOS_CHASSIS, info->chassis);
    add_block(build, SMBIOS_OEM_STRINGS, info->oem_strings);
}

/* ---- the host's own tables ---- */

static const struct {
    enum smbios_table table;
    const char *name;
    const char *file;
} host_values[] = {
    {SMBIOS_BIOS, "vendor", "bios_vendor"},
    {SMBIOS_BIOS, "version", "bios_version"},
    {SMBIOS_BIOS, "date", "bios_date"},
    {SMBIOS_BIOS, "release", "bios_release"},
    {SMBIOS_SYSTEM, "manufacturer", "sys_vendor"},
    {SMBIOS_SYSTEM, "product", "product_name"},
    {SMBIOS_SYSTEM, "version", "product_version"},
    {SMBIOS_SYSTEM, "serial", "product_serial"},
    {SMBIOS_SYSTEM, "uuid", "product_uuid"},
    {SMBIOS_SYSTEM, "sku", "product_sku"},
    {SMBIOS_SYSTEM, "family", "product_family"},
};

/* NULL: the host does not tell, or not to us. */
static char *read_host_value(const char *name)
{
    g_autofree char *path = g_build_filename(DMI_FOLDER, name, NULL);
    char *text = NULL;

    if (file_read_optional(path, DMI_VALUE_BYTES, &text, NULL, NULL) < 0 || !text)
        return NULL;
    g_strstrip(text);
    if (*text && g_utf8_validate(text, -1, NULL))
        return text;
    g_free(text);
    return NULL;
}

static void add_host_table(const struct build *build, enum smbios_table table)
{
    GString *option = option_new("");

    option_addf(option, "type", "%d", table);
    gsize bare = option->len;
    for (size_t i = 0; i < G_N_ELEMENTS(host_values); i++) {
        if (host_values[i].table != table)
            continue;
        g_autofree char *value = read_host_value(host_values[i].file);
        option_add(option, host_values[i].name, value);
    }
    if (option->len > bare)
        words_add_option(build->arguments, "-smbios", option);
    else
        g_string_free(option, TRUE);
}

/* ---- all together ---- */

static void add_files(const struct build *build, const struct domain_sysinfo *info)
{
    LIST_EACH (entry, &info->entries) {
        GString *option = option_new("");
        option_add(option, "name", entry->name);
        option_add(option, entry->file ? "file" : "string",
                   entry->file ? entry->file : entry->value);
        words_add_option(build->arguments, "-fw_cfg", option);
    }
}

static void add_generation(const struct build *build)
{
    char uuid[UUID_TEXT];

    if (build->domain->has_genid)
        words_add_json(build->arguments, "-device",
                       json_build("s:driver", "vmgenid", "s:guid",
                                  uuid_format(build->domain->genid, uuid), "s:id", "vmgenid0",
                                  NULL));
}

int arguments_add_tables(const struct build *build, GError **error)
{
    const struct domain *domain = build->domain;
    bool told = false;

    if (domain->os.smbios_mode == SMBIOS_MODE_HOST) {
        add_host_table(build, SMBIOS_BIOS);
        add_host_table(build, SMBIOS_SYSTEM);
    }
    LIST_EACH (info, &domain->sysinfos) {
        if (info->type == SYSINFO_FWCFG)
            add_files(build, info);
        if (info->type != SYSINFO_SMBIOS || domain->os.smbios_mode != SMBIOS_MODE_SYSINFO)
            continue;
        add_blocks(build, info);
        told = true;
    }
    if (domain->os.smbios_mode == SMBIOS_MODE_SYSINFO && !told) {
        error_set(error, VIR_ERR_XML_ERROR,
                  "os/smbios/@mode: 'sysinfo' needs a <sysinfo type='smbios'>");
        return -1;
    }
    add_generation(build);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/dmi.h"

#include "base/error.h"
#include "base/file.h"

static const struct {
    enum dmi_block block;
    const char *name;
    const char *file;
} sources[] = {
    {DMI_BIOS, "vendor", "bios_vendor"},
    {DMI_BIOS, "version", "bios_version"},
    {DMI_BIOS, "date", "bios_date"},
    {DMI_BIOS, "release", "bios_release"},
    {DMI_SYSTEM, "manufacturer", "sys_vendor"},
    {DMI_SYSTEM, "product", "product_name"},
    {DMI_SYSTEM, "version", "product_version"},
    {DMI_SYSTEM, "serial", "product_serial"},
    {DMI_SYSTEM, "uuid", "product_uuid"},
    {DMI_SYSTEM, "sku", "product_sku"},
    {DMI_SYSTEM, "family", "product_family"},
    {DMI_BASE_BOARD, "manufacturer", "board_vendor"},
    {DMI_BASE_BOARD, "product", "board_name"},
    {DMI_BASE_BOARD, "version", "board_version"},
    {DMI_BASE_BOARD, "serial", "board_serial"},
    {DMI_BASE_BOARD, "asset", "board_asset_tag"},
    {DMI_CHASSIS, "manufacturer", "chassis_vendor"},
    {DMI_CHASSIS, "version", "chassis_version"},
    {DMI_CHASSIS, "serial", "chassis_serial"},
    {DMI_CHASSIS, "asset", "chassis_asset_tag"},
};

/* NULL where the machine says nothing. */
static char *read_value(const char *folder, const char *file, struct arena *arena)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = NULL;

    if (file_read_all(path, 4096, &text, NULL, NULL) < 0)
        return NULL;
    return *g_strstrip(text) ? arena_strdup(arena, text) : NULL;
}

int dmi_read(const char *folder, struct arena *arena, struct dmi_value **ret_values,
             unsigned *ret_count, GError **error)
{
    struct dmi_value *values = arena_array(arena, G_N_ELEMENTS(sources), sizeof(struct dmi_value));
    unsigned count = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        char *text = read_value(folder, sources[i].file, arena);

        if (text)
            values[count++] = (struct dmi_value){sources[i].block, sources[i].name, text};
    }
    if (count == 0) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Host SMBIOS information is not available");
        return -1;
    }
    *ret_values = values;
    *ret_count = count;
    return 0;
}

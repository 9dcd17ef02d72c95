/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "host/dmi.h"

/* QEMU looks up names that are no whole paths in folders of its own. */
static int check_file(const char *where, const char *path, GError **error)
{
    if (!path || *path != '/' || access(path, F_OK) == 0)
        return 0;
    error_set_errno(error, errno, "%s: cannot access '%s'", where, path);
    return -1;
}

/* ---- the guest ---- */

static int check_boot(const struct domain_os *os, GError **error)
{
    const struct {
        const char *where, *path;
    } files[] = {
        {"os/kernel", os->kernel},
        {"os/initrd", os->initrd},
        {"os/dtb", os->dtb},
        {"os/shim", os->shim},
        {"os/loader", os->loader ? os->loader->path : NULL},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++)
        if (check_file(files[i].where, files[i].path, error) < 0)
            return -1;
    LIST_EACH (table, &os->acpi_tables)
        if (check_file("os/acpi/table", table->path, error) < 0)
            return -1;
    return 0;
}

static int check_sysinfos(const struct domain *live, GError **error)
{
    LIST_EACH (sysinfo, &live->sysinfos)
        LIST_EACH (entry, &sysinfo->entries)
            if (check_file("sysinfo/entry/@file", entry->file, error) < 0)
                return -1;
    return 0;
}

/* What the host lacks of them is left out; it must have some. */
static int check_host_tables(const struct domain *live, GError **error)
{
    struct arena scratch ARENA_AUTO = {0};
    struct dmi_value *values;
    unsigned count;

    if (live->os.smbios_mode != SMBIOS_MODE_HOST)
        return 0;
    return dmi_read(DMI_FOLDER, &scratch, &values, &count, error);
}

/* ---- devices ---- */

/* A pipe may be two: one to read, one to write. */
static bool is_pair(const char *path)
{
    g_autofree char *input = g_strconcat(path, ".in", NULL);

    return access(input, F_OK) == 0;
}

static int check_stream(const char *where, const struct chardev_source *source, GError **error)
{
    const struct chardev_end *end = source ? chardev_source_end(source) : NULL;

    if (!end || !end->path)
        return 0;
    bool retries = end->reconnect && end->reconnect->enabled == TRISTATE_YES;
    bool connects = source->type == CHARDEV_UNIX && end->mode == CHARDEV_MODE_CONNECT && !retries;
    if (!connects && (source->type != CHARDEV_PIPE || is_pair(end->path)))
        return 0;
    return check_file(where, end->path, error);
}

static int check_streams(const struct domain *live, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++) {
        const struct domain_device_info *info = devices[i].info;
        g_autofree char *where =
            g_strdup_printf("devices/%s[%u]", names_word(&device_kind_names, devices[i].kind),
                            devices[i].index + 1);

        if (check_stream(where, device_chardev_source(&devices[i]), error) < 0 ||
            (info && info->rom && check_file(where, info->rom->file, error) < 0))
            return -1;
    }
    return 0;
}

int check_files_input(const struct domain_input *input, GError **error)
{
    return check_file("devices/input/source", input->evdev ?: input->dev, error);
}

static int check_sources(const struct domain *live, GError **error)
{
    LIST_EACH (rng, &live->devices.rngs)
        if (rng->backend == RNG_BACKEND_RANDOM &&
            check_file("devices/rng/backend", rng->path, error) < 0)
            return -1;
    LIST_EACH (input, &live->devices.inputs)
        if (check_files_input(input, error) < 0)
            return -1;
    LIST_EACH (shmem, &live->devices.shmems)
        if (shmem->server && check_file("devices/shmem/server", shmem->server->path, error) < 0)
            return -1;
    LIST_EACH (share, &live->devices.filesystems)
        if (share->driver != FILESYSTEM_DRIVER_VIRTIOFS &&
            check_file("devices/filesystem/source", share->source_dir, error) < 0)
            return -1;
    return 0;
}

/* ---- displays ---- */

/* In the folder of the emulator's installation, if it has one there. */
static int check_keymap(const struct domain *live, const struct domain_graphics *graphics,
                        GError **error)
{
    if (graphics->type != GRAPHICS_VNC || !graphics->keymap || strchr(graphics->keymap, '/'))
        return 0;
    g_autofree char *folder = g_path_get_dirname(live->devices.emulator);
    g_autofree char *keymaps = g_build_filename(folder, "..", "share/qemu/keymaps", NULL);
    g_autofree char *keymap = g_build_filename(keymaps, graphics->keymap, NULL);

    if (access(keymaps, F_OK) < 0 || access(keymap, F_OK) == 0)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "devices/graphics/@keymap: QEMU has no keymap '%s'", graphics->keymap);
    return -1;
}

static int check_displays(const struct domain *live, GError **error)
{
    LIST_EACH (graphics, &live->devices.graphics)
        if (check_keymap(live, graphics, error) < 0 ||
            check_file("devices/graphics/gl/@rendernode", graphics->rendernode, error) < 0)
            return -1;
    return 0;
}

int check_files(const struct domain *live, GError **error)
{
    if (check_boot(&live->os, error) < 0 || check_sysinfos(live, error) < 0 ||
        check_host_tables(live, error) < 0 || check_streams(live, error) < 0 ||
        check_sources(live, error) < 0)
        return -1;
    return check_displays(live, error);
}

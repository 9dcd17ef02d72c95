/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/pci.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"

#define BUS "/sys/bus/pci"

#define OUTPUT_LIMIT 4096
#define LOADING_MS 30000

/* The last part of what a link of the device leads to; NULL: there is no such link. */
static char *read_link(const char *address, const char *name)
{
    g_autofree char *path = g_strdup_printf(BUS "/devices/%s/%s", address, name);
    g_autofree char *target = g_file_read_link(path, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

static int write_text(const char *path, const char *text, GError **error)
{
    autofd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        return 0;
    error_set_errno(error, errno, "cannot write '%s' to %s", text, path);
    return -1;
}

int pci_get_driver(const char *address, char **ret_driver, GError **error)
{
    g_autofree char *path = g_strdup_printf(BUS "/devices/%s", address);

    if (access(path, F_OK) < 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "Device %s not found: could not access %s",
                  address, path);
        return -1;
    }
    *ret_driver = read_link(address, "driver");
    return 0;
}

static int unbind(const char *address, GError **error)
{
    g_autofree char *path = g_strdup_printf(BUS "/devices/%s/driver/unbind", address);

    return write_text(path, address, error);
}

/* Nothing but the name in a device's override makes the kernel look for a module. */
static int load_driver(const char *driver, GError **error)
{
    const struct process_spec spec = {.argv = (const char *[]){"modprobe", "-q", driver, NULL}};
    g_autofree char *folder = g_strdup_printf(BUS "/drivers/%s", driver);

    if (access(folder, F_OK) == 0)
        return 0;
    if (process_run(&spec, OUTPUT_LIMIT, LOADING_MS, NULL, NULL) == 0 && access(folder, F_OK) == 0)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "the kernel has no driver %s, nor a module of it",
              driver);
    return -1;
}

/* NULL: the kernel chooses. */
static int move(const char *address, const char *old, const char *driver, GError **error)
{
    g_autofree char *override = g_strdup_printf(BUS "/devices/%s/driver_override", address);

    /* a line of its own, because nothing can't be written */
    if (write_text(override, driver ? driver : "\n", error) < 0 ||
        (old && unbind(address, error) < 0) || write_text(BUS "/drivers_probe", address, error) < 0)
        return -1;
    g_autofree char *now = read_link(address, "driver");
    if (!driver || g_strcmp0(now, driver) == 0)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "the driver %s did not take the PCI device %s",
              driver, address);
    return -1;
}

/* A word that becomes part of a path and of modprobe's command line. */
static bool is_module_name(const char *text)
{
    return *text && *text != '-' &&
           text[strspn(text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-")] == '\0';
}

int pci_set_driver(const char *address, const char *driver, GError **error)
{
    g_autofree char *old = NULL;

    if (driver && !is_module_name(driver)) {
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not the name of a driver of the kernel",
                  driver);
        return -1;
    }
    if (pci_get_driver(address, &old, error) < 0)
        return -1;
    if (driver && g_strcmp0(old, driver) == 0)
        return 0;
    if (driver && load_driver(driver, error) < 0)
        return -1;
    if (move(address, old, driver, error) == 0)
        return 0;
    g_autofree char *now = read_link(address, "driver");
    if (driver)
        move(address, now, NULL, NULL);
    return -1;
}

char *pci_vfio_node(const char *address)
{
    g_autofree char *group = read_link(address, "iommu_group");

    return group ? g_strdup_printf("/dev/vfio/%s", group) : NULL;
}

char *pci_vfio_device_node(const char *address)
{
    g_autofree char *folder = g_strdup_printf("/sys/bus/pci/devices/%s/vfio-dev", address);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = dir ? g_dir_read_name(dir) : NULL;

    return name ? g_strdup_printf("/dev/vfio/devices/%s", name) : NULL;
}

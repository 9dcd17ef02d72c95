/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/usb.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

#define DEVICES "/sys/bus/usb/devices"
#define VALUE_BYTES 64

/* False: the entry is an interface, which has no such file. */
static bool read_number(const char *name, const char *file, int base, unsigned *ret_number)
{
    g_autofree char *path = g_build_filename(DEVICES, name, file, NULL);
    g_autofree char *text = NULL;

    if (file_read_optional(path, VALUE_BYTES, &text, NULL, NULL) < 0 || !text)
        return false;
    *ret_number = (unsigned)strtoul(text, NULL, base);
    return true;
}

static bool matches(const char *name, unsigned vendor, unsigned product)
{
    unsigned its_vendor, its_product;

    return read_number(name, "idVendor", 16, &its_vendor) &&
           read_number(name, "idProduct", 16, &its_product) && its_vendor == vendor &&
           its_product == product;
}

int usb_find(unsigned vendor, unsigned product, unsigned *ret_bus, unsigned *ret_device,
             GError **error)
{
    g_auto(GStrv) names = NULL;
    const char *found = NULL;
    unsigned bus, device;

    if (file_list(DEVICES, NULL, &names, error) < 0)
        return -1;
    for (char **name = names; *name; name++) {
        if (!matches(*name, vendor, product))
            continue;
        if (found) {
            error_set(error, VIR_ERR_OPERATION_FAILED,
                      "Multiple USB devices for %x:%x, use <address> to specify one", vendor,
                      product);
            return -1;
        }
        found = *name;
    }
    if (!found || !read_number(found, "busnum", 10, &bus) ||
        !read_number(found, "devnum", 10, &device)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "Did not find USB device %04x:%04x", vendor,
                  product);
        return -1;
    }
    *ret_bus = bus;
    *ret_device = device;
    return 0;
}

int usb_find_at(unsigned bus, const char *port, unsigned *ret_device, GError **error)
{
    g_autofree char *name = g_strdup_printf("%u-%s", bus, port);

    if (read_number(name, "devnum", 10, ret_device))
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "Did not find a USB device at bus:%u port:%s", bus,
              port);
    return -1;
}

char *usb_node(unsigned bus, unsigned device)
{
    return g_strdup_printf("/dev/bus/usb/%03u/%03u", bus, device);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a command line has no place in a document, and goes on to QEMU. */
#include <fnmatch.h>
#include <string.h>

#include "native-parts.h"

/* Slots of the first bus, from the last on, that neither a machine nor a document uses by itself.
 */
#define LAST_SLOT 0x18
#define FIRST_SLOT 0x10

static const char *const pci_drivers[] = {
    "*-pci",         "*-pci-*",    "AC97",       "ES1370",      "VGA",           "*-vga",
    "bochs-display", "cirrus-vga", "e1000*",     "edu",         "i6300esb",      "i8255*",
    "ich9-*",        "intel-hda",  "ioh3420",    "ivshmem-*",   "lsi*",          "megasas*",
    "mptsas1068",    "ne2k_pci",   "nvme",       "*-usb-?hci*", "pci-*",         "pcie-*",
    "pcnet",         "pvscsi",     "qemu-xhci",  "qxl*",        "rtl8139",       "secondary-vga",
    "usb-ehci",      "virtio-net", "virtio-blk", "virtio-scsi", "virtio-serial", "virtio-balloon",
    "virtio-rng",    "vmxnet3",
};

static bool is_pci(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pci_drivers); i++)
        if (fnmatch(pci_drivers[i], driver, 0) == 0)
            return true;
    return false;
}

static bool is_device(const struct native_option *option)
{
    return option->row && g_str_equal(option->row->name, "device") && option->value;
}

/* Comes to QEMU before those of the document; one in JSON comes after them. */
static bool comes_first(const struct native_option *option)
{
    return !option->taken && is_device(option) && option->value[0] != '{';
}

/* All of it, whatever has been taken. */
static struct native_list members_of(struct native *native, const struct native_option *option)
{
    return native_list_read(option->value, option->row->first, native->arena);
}

/* ---- Buses ---- */

/* As it is called, or by the part behind the last full stop less. */
static const char *find_bus(struct native *native, const char *name)
{
    for (guint i = 0; i < native->buses->len; i++) {
        const struct native_bus *bus = &g_array_index(native->buses, struct native_bus, i);
        size_t length = strlen(bus->name);

        if (strncmp(name, bus->name, length) == 0 && (!name[length] || name[length] == '.'))
            return bus->name;
    }
    return NULL;
}

bool native_keep_buses(struct native *native)
{
    bool found = false;

    for (guint i = 0; i < native->options->len; i++) {
        const struct native_option *option =
            &g_array_index(native->options, struct native_option, i);
        if (!comes_first(option))
            continue;
        struct native_list list = members_of(native, option);
        const char *name = native_list_find(&list, "bus");
        const char *bus = name ? find_bus(native, name) : NULL;
        if (bus)
            found |= g_hash_table_add(native->kept, g_strdup(bus));
    }
    return found;
}

/* ---- Places ---- */

/* By each -device that says where. */
static uint32_t find_used_slots(struct native *native)
{
    uint32_t used = 0;

    for (guint i = 0; i < native->options->len; i++) {
        const struct native_option *option =
            &g_array_index(native->options, struct native_option, i);
        if (!is_device(option))
            continue;
        struct native_list list = members_of(native, option);
        const char *addr = native_list_find(&list, "addr");
        uint64_t slot = addr ? g_ascii_strtoull(addr, NULL, 16) : 32;
        if (slot < 32)
            used |= (uint32_t)1 << slot;
    }
    return used;
}

static bool needs_place(struct native *native, const struct native_option *option)
{
    if (!comes_first(option))
        return false;
    struct native_list list = members_of(native, option);
    const char *driver = native_list_find(&list, "driver"), *bus = native_list_find(&list, "bus");
    bool is_first = !bus || g_str_equal(bus, "pci.0") || g_str_equal(bus, "pcie.0");

    return driver && is_pci(driver) && is_first && !native_list_find(&list, "addr");
}

/* Else QEMU gives them the first places, which are of devices of the document. */
static void place_devices(struct native *native)
{
    uint32_t used = find_used_slots(native);
    unsigned slot = LAST_SLOT;

    for (guint i = 0; i < native->options->len; i++) {
        struct native_option *option = &g_array_index(native->options, struct native_option, i);

        if (!needs_place(native, option))
            continue;
        while (slot >= FIRST_SLOT && used & (uint32_t)1 << slot)
            slot--;
        if (slot < FIRST_SLOT)
            return;
        option->rest = arena_printf(native->arena, "%s,addr=0x%x", option->value, slot--);
    }
}

void native_pass_on(struct native *native)
{
    place_devices(native);
    for (guint i = 0; i < native->options->len; i++) {
        struct native_option *option = &g_array_index(native->options, struct native_option, i);
        const char *value = option->rest ? option->rest : option->value;

        if (option->taken && !option->rest)
            continue;
        LIST_APPEND(native->arena, &native->domain->qemu_arguments, option->word);
        if (value)
            LIST_APPEND(native->arena, &native->domain->qemu_arguments, value);
    }
}

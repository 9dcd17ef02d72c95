/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controllers, and the places that they give to other devices. */
#include <string.h>

#include "native-parts.h"

/* ---- Buses by name ---- */

void native_add_bus(struct native *native, const char *name, enum controller_type type,
                    unsigned index)
{
    const struct native_bus bus = {.name = name, .type = type, .index = index};

    g_array_append_val(native->buses, bus);
}

unsigned native_bus_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    uint64_t number;

    return dot && native_number(dot + 1, &number) && number < 32 ? (unsigned)number : 0;
}

static bool find_exact(struct native *native, const char *name, size_t length,
                       enum controller_type type, unsigned *ret_index)
{
    for (guint i = 0; i < native->buses->len; i++) {
        const struct native_bus *bus = &g_array_index(native->buses, struct native_bus, i);
        if (bus->type != type || strlen(bus->name) != length || strncmp(bus->name, name, length))
            continue;
        *ret_index = bus->index;
        return true;
    }
    return false;
}

bool native_find_bus(struct native *native, const char *name, enum controller_type type,
                     unsigned *ret_index)
{
    const char *dot = strrchr(name, '.');

    return find_exact(native, name, strlen(name), type, ret_index) ||
           (dot && find_exact(native, name, (size_t)(dot - name), type, ret_index));
}

/* "0x1f.2" */
static bool read_slot(const char *text, struct pci_address *at)
{
    if (!*text)
        return false;
    g_auto(GStrv) parts = g_strsplit(text, ".", 2);
    g_autofree char *slot_text =
        g_str_has_prefix(parts[0], "0x") ? g_strdup(parts[0]) : g_strconcat("0x", parts[0], NULL);
    uint64_t slot, function = 0;

    if (!native_number(slot_text, &slot) || slot > 31 ||
        (parts[1] &&
         (!native_number(parts[1] + (g_str_has_prefix(parts[1], "0x") ? 2 : 0), &function) ||
          function > 7)))
        return false;
    at->slot = (uint8_t)slot;
    at->function = (uint8_t)function;
    return true;
}

/* A place without a bus is on the first one. */
bool native_place_pci(struct native *native, struct native_list *list,
                      struct domain_device_info *info)
{
    const char *bus = native_list_take(list, "bus"), *addr = native_list_take(list, "addr");
    struct pci_address at = {0};
    unsigned index = 0;

    native_list_take_tristate(list, "multifunction", &at.multifunction);
    if (bus && !g_str_equal(bus, "pci.0") && !g_str_equal(bus, "pcie.0") &&
        !native_find_bus(native, bus, CONTROLLER_PCI, &index))
        return false;
    if ((addr && !read_slot(addr, &at)) || index > 255)
        return false;
    at.bus = (uint8_t)index;
    if (!addr && index == 0)
        return true;
    if (at.bus == 0 && at.slot == 0)
        return false;
    info->address.type = ADDRESS_PCI;
    info->address.pci.at = at;
    return true;
}

static bool read_ports(const char *text, struct usb_port *port)
{
    g_auto(GStrv) parts = g_strsplit(text, ".", -1);
    uint64_t number;

    if (g_strv_length(parts) > USB_PORT_DEPTH)
        return false;
    for (unsigned i = 0; parts[i]; i++) {
        if (!native_number(parts[i], &number) || number == 0 || number > 255)
            return false;
        port->path[i] = (uint8_t)number;
    }
    return true;
}

bool native_place_usb(struct native *native, struct native_list *list,
                      struct domain_device_info *info)
{
    const char *bus = native_list_take(list, "bus"), *port = native_list_take(list, "port");
    struct usb_address at = {0};

    if (bus && !g_str_has_prefix(bus, "usb-bus.") &&
        !native_find_bus(native, bus, CONTROLLER_USB, &at.bus))
        return false;
    native->has_usb = true;
    if (!port)
        return true;
    if (!read_ports(port, &at.port))
        return false;
    info->address.type = ADDRESS_USB;
    info->address.usb = at;
    return true;
}

/* ---- Controllers ---- */

struct controller_driver_name {
    const char *name;
    enum controller_type type;
    uint8_t model;
    uint8_t pci_model_name;
};

static const struct controller_driver_name drivers[] = {
    {"pcie-root-port", CONTROLLER_PCI, CONTROLLER_PCIE_ROOT_PORT, PCI_MODEL_NAME_PCIE_ROOT_PORT},
    {"ioh3420", CONTROLLER_PCI, CONTROLLER_PCIE_ROOT_PORT, PCI_MODEL_NAME_IOH3420},
    {"pci-bridge", CONTROLLER_PCI, CONTROLLER_PCI_BRIDGE, PCI_MODEL_NAME_PCI_BRIDGE},
    {"pcie-pci-bridge", CONTROLLER_PCI, CONTROLLER_PCIE_TO_PCI_BRIDGE,
     PCI_MODEL_NAME_PCIE_PCI_BRIDGE},
    {"i82801b11-bridge", CONTROLLER_PCI, CONTROLLER_PCI_DMI_BRIDGE,
     PCI_MODEL_NAME_I82801B11_BRIDGE},
    {"qemu-xhci", CONTROLLER_USB, CONTROLLER_USB_QEMU_XHCI},
    {"nec-usb-xhci", CONTROLLER_USB, CONTROLLER_USB_NEC_XHCI},
    {"piix3-usb-uhci", CONTROLLER_USB, CONTROLLER_USB_PIIX3_UHCI},
    {"piix4-usb-uhci", CONTROLLER_USB, CONTROLLER_USB_PIIX4_UHCI},
    {"usb-ehci", CONTROLLER_USB, CONTROLLER_USB_EHCI},
    {"pci-ohci", CONTROLLER_USB, CONTROLLER_USB_PCI_OHCI},
    {"virtio-scsi-pci", CONTROLLER_SCSI, CONTROLLER_SCSI_VIRTIO},
    {"lsi", CONTROLLER_SCSI, CONTROLLER_SCSI_LSILOGIC},
    {"lsi53c895a", CONTROLLER_SCSI, CONTROLLER_SCSI_LSILOGIC},
    {"megasas", CONTROLLER_SCSI, CONTROLLER_SCSI_LSISAS1078},
    {"mptsas1068", CONTROLLER_SCSI, CONTROLLER_SCSI_LSISAS1068},
    {"pvscsi", CONTROLLER_SCSI, CONTROLLER_SCSI_VMPVSCSI},
    {"virtio-serial-pci", CONTROLLER_VIRTIO_SERIAL},
    {"virtio-serial", CONTROLLER_VIRTIO_SERIAL},
    {"ahci", CONTROLLER_SATA},
    {"ich9-ahci", CONTROLLER_SATA},
};

static const struct controller_driver_name *find_driver(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++)
        if (g_str_equal(drivers[i].name, name))
            return &drivers[i];
    return NULL;
}

/* The number that an id of ours has, "pci.3" or "scsi1": what is passed through may name it. */
static bool read_index(enum controller_type type, const char *id, unsigned *ret_index)
{
    const char *prefix = type == CONTROLLER_PCI ? "pci." : type == CONTROLLER_SCSI ? "scsi" : NULL;
    uint64_t number;

    if (!prefix || !id || !g_str_has_prefix(id, prefix) ||
        !native_number(id + strlen(prefix), &number) || number > 255 ||
        (type == CONTROLLER_PCI && number == 0))
        return false;
    *ret_index = (unsigned)number;
    return true;
}

/* The one of the id, if it is free; else the next one. The first of PCI and, on q35, of SATA are
 * the machine's own. */
static unsigned choose_index(struct native *native, enum controller_type type, const char *id)
{
    unsigned index = type == CONTROLLER_PCI || (type == CONTROLLER_SATA && native->is_q35), wanted;

    if (read_index(type, id, &wanted) && !domain_find_controller(native->domain, type, wanted))
        return wanted;
    while (domain_find_controller(native->domain, type, index))
        index++;
    return index;
}

static void take_pci_options(struct native *native, struct native_list *list,
                             const struct controller_driver_name *driver,
                             struct domain_controller *controller)
{
    struct controller_pci *pci = arena_new(native->arena, struct controller_pci);
    unsigned number;

    controller->pci = pci;
    pci->model_name = driver->pci_model_name;
    if (native_list_take_uint(list, "chassis", &number))
        pci->chassis = OPT_UINT(number);
    if (native_list_take_uint(list, "chassis_nr", &number))
        pci->chassis_nr = OPT_UINT(number);
    if (native_list_take_uint(list, "port", &number))
        pci->port = OPT_UINT(number);
    native_list_take_tristate(list, "hotplug", &pci->hotplug);
}

bool native_controller_device(struct native *native, struct native_list *list,
                              const char *driver_name)
{
    const struct controller_driver_name *driver = find_driver(driver_name);
    struct domain_controller *controller = arena_new(native->arena, struct domain_controller);
    const char *id = native_list_take(list, "id");
    unsigned ports, queues;

    if (!driver)
        return false;
    controller->type = (uint8_t)driver->type;
    controller->model = driver->model;
    controller->index = OPT_UINT(choose_index(native, driver->type, id));
    if (driver->type == CONTROLLER_PCI)
        take_pci_options(native, list, driver, controller);
    if (driver->type == CONTROLLER_SCSI && native_list_take_uint(list, "num_queues", &queues)) {
        controller->driver = arena_new(native->arena, struct controller_driver);
        controller->driver->queues = queues;
    }
    if (driver->type == CONTROLLER_USB &&
        g_strcmp0(native_list_find(list, "p2"), native_list_find(list, "p3")) == 0 &&
        native_list_take_uint(list, "p2", &ports) && native_list_take(list, "p3"))
        controller->ports = OPT_UINT(ports);
    if (!native_place_pci(native, list, &controller->info) || !native_list_done(list))
        return false;
    if (driver->type == CONTROLLER_USB)
        native->has_usb = true;
    if (id)
        native_add_bus(native, id, driver->type, controller->index.value);
    native_add(native, controllers, controller);
    return true;
}

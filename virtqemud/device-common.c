/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-common.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"

#include "machine.h"

/* ---- places ---- */

/* The roots of PCI are the machine's, which named their buses. */
static char *pci_bus_name(const struct domain *domain, unsigned bus)
{
    const struct domain_controller *controller =
        domain_find_controller(domain, CONTROLLER_PCI, bus);

    if (bus == 0)
        return g_strdup(machine_root_bus(domain->os.arch, domain->os.machine));
    if (controller && controller->model == CONTROLLER_PCI_ROOT)
        return device_bus_name(domain, CONTROLLER_PCI, bus);
    return controller && controller->info.alias ? g_strdup(controller->info.alias)
                                                : g_strdup_printf("pci.%u", bus);
}

static void add_pci_place(struct json_object *json, const struct domain *domain,
                          const struct domain_device_info *info)
{
    const struct pci_address *at = &info->address.pci.at;
    g_autofree char *bus = pci_bus_name(domain, at->bus);
    g_autofree char *place = at->function ? g_strdup_printf("0x%x.0x%x", at->slot, at->function)
                                          : g_strdup_printf("0x%x", at->slot);

    json_add(json, "s:bus", bus, NULL);
    device_add_bool(json, "multifunction", at->multifunction);
    json_add(json, "s:addr", place, NULL);
    if (info->acpi_index)
        json_add(json, "u:acpi-index", info->acpi_index, NULL);
}

static void add_usb_place(struct json_object *json, const struct domain *domain,
                          const struct usb_address *at)
{
    g_autofree char *bus = device_bus_name(domain, CONTROLLER_USB, at->bus);
    g_autofree char *port = usb_port_depth(&at->port) ? usb_port_print(&at->port) : NULL;

    json_add(json, "s:bus", bus, "S:port", port, NULL);
}

static void add_virtio_serial_place(struct json_object *json, const struct domain *domain,
                                    const struct virtio_serial_address *at)
{
    g_autofree char *alias =
        device_controller_alias(domain, CONTROLLER_VIRTIO_SERIAL, at->controller);
    g_autofree char *bus = g_strdup_printf("%s.%u", alias, at->bus);

    json_add(json, "s:bus", bus, "u:nr", at->port, NULL);
}

static void add_ccw_place(struct json_object *json, const struct ccw_address *at)
{
    g_autofree char *number =
        g_strdup_printf("%x.%x.%04x", at->cssid.value, at->ssid.value, at->devno.value);

    if (at->devno.set)
        json_add(json, "s:devno", number, NULL);
}

static void add_isa_place(struct json_object *json, const struct isa_address *at)
{
    if (at->iobase)
        json_add(json, "u:iobase", at->iobase, NULL);
    if (at->irq)
        json_add(json, "u:irq", at->irq, NULL);
}

void device_add_place(struct json_object *json, const struct domain *domain,
                      const struct domain_device_info *info)
{
    const struct domain_address *address = &info->address;

    switch (address->type) {
    case ADDRESS_PCI:
        if (!pci_address_is_empty(&address->pci.at))
            add_pci_place(json, domain, info);
        return;
    case ADDRESS_USB:
        add_usb_place(json, domain, &address->usb);
        return;
    case ADDRESS_VIRTIO_SERIAL:
        add_virtio_serial_place(json, domain, &address->virtio_serial);
        return;
    case ADDRESS_CCW:
        add_ccw_place(json, &address->ccw);
        return;
    case ADDRESS_SPAPR_VIO:
        if (address->spapr_vio.reg.set)
            json_add(json, "I:reg", (int64_t)address->spapr_vio.reg.value, NULL);
        return;
    case ADDRESS_ISA:
        add_isa_place(json, &address->isa);
        return;
    default:
        return;
    }
}

char *device_controller_alias(const struct domain *domain, enum controller_type type,
                              unsigned index)
{
    const struct domain_controller *controller = domain_find_controller(domain, type, index);

    if (controller && controller->info.alias)
        return g_strdup(controller->info.alias);
    if (type == CONTROLLER_USB && index == 0)
        return g_strdup("usb");
    return g_strdup_printf("%s%u", names_word(&controller_type_names, type), index);
}

char *device_bus_name(const struct domain *domain, enum controller_type type, unsigned index)
{
    g_autofree char *alias = device_controller_alias(domain, type, index);

    return g_strdup_printf("%s.0", alias);
}

bool device_scsi_has_channels(const struct domain_controller *controller)
{
    switch (controller->model) {
    case CONTROLLER_SCSI_LSILOGIC:
    case CONTROLLER_SCSI_NCR53C90:
    case CONTROLLER_SCSI_DC390:
    case CONTROLLER_SCSI_AM53C974:
        return false;
    default:
        return true;
    }
}

/* ---- boot order ---- */

static bool has_own_order(const struct domain *domain)
{
    const struct domain_devices *devices = &domain->devices;

    LIST_EACH (disk, &devices->disks)
        if (disk->info.boot_order)
            return true;
    LIST_EACH (net, &devices->nets)
        if (net->info.boot_order)
            return true;
    LIST_EACH (hostdev, &devices->hostdevs)
        if (hostdev->info.boot_order)
            return true;
    LIST_EACH (redirdev, &devices->redirdevs)
        if (redirdev->info.boot_order)
            return true;
    return false;
}

/* The device that a word of <boot dev=''/> means: the first of its kind. */
static const struct domain_device_info *boot_target(const struct domain *domain,
                                                    enum boot_device word)
{
    static const uint8_t devices[] = {
        [BOOT_DEVICE_FLOPPY] = DISK_DEVICE_FLOPPY,
        [BOOT_DEVICE_CDROM] = DISK_DEVICE_CDROM,
        [BOOT_DEVICE_DISK] = DISK_DEVICE_DISK,
    };

    if (word == BOOT_DEVICE_NETWORK)
        return domain->devices.nets.count ? &domain->devices.nets.items[0]->info : NULL;
    LIST_EACH (disk, &domain->devices.disks) {
        uint8_t device = disk->device == DISK_DEVICE_LUN ? DISK_DEVICE_DISK : disk->device;

        if ((device ? device : DISK_DEVICE_DISK) == devices[word])
            return &disk->info;
    }
    return NULL;
}

unsigned device_boot_index(const struct domain *domain, const struct domain_device_info *info)
{
    if (info->boot_order || has_own_order(domain))
        return info->boot_order;
    LIST_EACH (boot, &domain->os.boots)
        if (boot->dev && boot_target(domain, boot->dev) == info)
            return boot_i + 1;
    return 0;
}

/* ---- properties ---- */

static void add_rom(struct json_object *json, const struct domain_rom *rom)
{
    if (!rom)
        return;
    if (rom->enabled == TRISTATE_NO) {
        json_add(json, "s:romfile", "", NULL);
        return;
    }
    if (rom->bar != TRISTATE_ABSENT)
        json_add(json, "i:rombar", rom->bar == TRISTATE_ON, NULL);
    json_add(json, "S:romfile", rom->file, NULL);
}

void device_add_identity(struct json_object *json, const struct domain *domain,
                         const struct domain_device_info *info)
{
    unsigned order = device_boot_index(domain, info);

    json_add(json, "S:id", info->alias, NULL);
    if (order)
        json_add(json, "u:bootindex", order, NULL);
    add_rom(json, info->rom);
}

void device_add_on_off(struct json_object *json, const char *name, unsigned tristate)
{
    g_autofree char *pair = g_strdup_printf("s:%s", name);

    if (tristate != TRISTATE_ABSENT)
        json_add(json, pair, tristate == TRISTATE_ON ? "on" : "off", NULL);
}

void device_add_bool(struct json_object *json, const char *name, unsigned tristate)
{
    g_autofree char *pair = g_strdup_printf("b:%s", name);

    if (tristate != TRISTATE_ABSENT)
        json_add(json, pair, tristate == TRISTATE_ON, NULL);
}

void device_add_virtio(struct json_object *json, const struct domain_virtio *virtio)
{
    device_add_bool(json, "iommu_platform", virtio->iommu);
    device_add_bool(json, "ats", virtio->ats);
    device_add_bool(json, "packed", virtio->packed);
    device_add_bool(json, "page-per-vq", virtio->page_per_vq);
}

void device_add_iothreads(struct json_object *json, struct disk_iothread *const *threads,
                          unsigned count)
{
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("iothread%u", threads[i]->id);
        struct json_object *queues = threads[i]->queues.count ? json_object_new_array() : NULL;

        LIST_EACH (queue, &threads[i]->queues)
            json_object_array_add(queues, json_object_new_int64(queue->id));
        json_object_array_add(list, json_build("s:iothread", name, "J:vqs", queues, NULL));
    }
    json_add(json, "j:iothread-vq-mapping", list, NULL);
}

char *device_virtio_name(const char *name, enum virtio_model model,
                         const struct domain_device_info *info)
{
    static const char *const generations[] = {
        [VIRTIO_MODEL_NONE] = "",
        [VIRTIO_MODEL_VIRTIO] = "",
        [VIRTIO_MODEL_TRANSITIONAL] = "-transitional",
        [VIRTIO_MODEL_NON_TRANSITIONAL] = "-non-transitional",
    };
    const char *transport = "pci";

    if (info->address.type == ADDRESS_CCW)
        transport = "ccw";
    if (info->address.type == ADDRESS_VIRTIO_MMIO || info->address.type == ADDRESS_VIRTIO_S390)
        transport = "device";
    return g_strdup_printf("%s-%s%s", name, transport, generations[model]);
}

int device_refuse(GError **error, const char *what, const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s '%s': %s", what, name ? name : "?", reason);
    return -1;
}

/* ---- machines ---- */

static enum machine_family family_of(const struct domain *domain)
{
    return machine_family_of(domain->os.arch ? domain->os.arch : "",
                             domain->os.machine ? domain->os.machine : "");
}

bool device_machine_is_q35(const struct domain *domain)
{
    return family_of(domain) == MACHINE_Q35;
}

bool device_machine_is_i440fx(const struct domain *domain)
{
    return family_of(domain) == MACHINE_PC;
}

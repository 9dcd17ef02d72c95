/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address-pci.h"

#include <string.h>

#include "model/domain-defaults.h"

#include "address-zpci.h"
#include "defaults.h"

/*
 * Every round takes the buses that the document has, puts the devices with a place where they are,
 * and the others, in a fixed order, into the first place that suits them. When one finds none, a
 * bridge or port is added and the round starts again: so places do not depend on how often it took.
 */
enum { SLOTS = 32, FUNCTIONS = 8, ALL_FUNCTIONS = 0xff, BUSES = 256, NO_BUS = BUSES };

enum bus_kind {
    BUS_ABSENT,
    BUS_CONVENTIONAL,
    BUS_EXPRESS_ROOT,
    BUS_BRIDGED,  /* conventional; devices without a place sit behind bridges on it */
    BUS_PORT,     /* one slot, for one device of PCI Express */
    BUS_SWITCH,   /* upstream port: takes downstream ports */
    BUS_EXPANDER, /* takes ports that the document puts there */
};

struct bus {
    uint8_t kind; /* enum bus_kind */
    uint8_t first_slot;
    uint8_t last_slot;
    uint8_t used[SLOTS]; /* a bit for each function */
    bool ports[SLOTS];   /* only root ports sit in the slot: more may share it */
};

struct given {
    struct domain_device_info *info;
    struct domain_address before;
};

struct round {
    struct domain *domain;
    const struct machine_traits *machine;
    struct bus buses[BUSES];
    bool made[BUSES];      /* it is not of the document that is defined */
    GArray *given;         /* struct given: to be taken back when the round fails */
    enum pci_need missing; /* what there was no place for; PCI_NEED_NOTHING: not the reason */
};

/* ---- buses ---- */

static const struct {
    enum bus_kind kind;
    uint8_t first_slot, last_slot;
} bus_shapes[] = {
    [CONTROLLER_PCI_ROOT] = {BUS_CONVENTIONAL, 1, 31},
    [CONTROLLER_PCI_BRIDGE] = {BUS_CONVENTIONAL, 1, 31},
    [CONTROLLER_PCIE_ROOT] = {BUS_EXPRESS_ROOT, 1, 31},
    [CONTROLLER_PCI_DMI_BRIDGE] = {BUS_BRIDGED, 0, 31},
    [CONTROLLER_PCIE_ROOT_PORT] = {BUS_PORT, 0, 0},
    [CONTROLLER_PCIE_SWITCH_UPSTREAM_PORT] = {BUS_SWITCH, 0, 31},
    [CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT] = {BUS_PORT, 0, 0},
    [CONTROLLER_PCI_EXPANDER_BUS] = {BUS_CONVENTIONAL, 0, 0},
    [CONTROLLER_PCIE_EXPANDER_BUS] = {BUS_EXPANDER, 0, 31},
    [CONTROLLER_PCIE_TO_PCI_BRIDGE] = {BUS_CONVENTIONAL, 1, 31},
};

static void set_up_buses(struct round *round)
{
    memset(round->buses, 0, sizeof(round->buses));
    LIST_EACH (controller, &round->domain->devices.controllers) {
        if (controller->type != CONTROLLER_PCI || controller->index.value >= BUSES ||
            controller->model >= G_N_ELEMENTS(bus_shapes))
            continue;
        struct bus *bus = &round->buses[controller->index.value];
        bus->kind = (uint8_t)bus_shapes[controller->model].kind;
        bus->first_slot = bus_shapes[controller->model].first_slot;
        bus->last_slot = bus_shapes[controller->model].last_slot;
    }
}

static bool is_root_port(const struct device *device)
{
    return device && device->kind == DEVICE_CONTROLLER &&
           ((const struct domain_controller *)device->object)->type == CONTROLLER_PCI &&
           ((const struct domain_controller *)device->object)->model == CONTROLLER_PCIE_ROOT_PORT;
}

static void occupy(struct round *round, unsigned bus, unsigned slot, unsigned function,
                   const struct device *device)
{
    struct bus *at = &round->buses[bus];

    at->ports[slot] = is_root_port(device) && (!at->used[slot] || at->ports[slot]);
    at->used[slot] |= (uint8_t)(1u << function);
}

static void give(struct round *round, struct domain_device_info *info, unsigned bus, unsigned slot,
                 unsigned function, const struct device *device)
{
    struct given given = {.info = info, .before = info->address};

    g_array_append_val(round->given, given);
    info->address.type = ADDRESS_PCI;
    info->address.pci.at.domain = 0;
    info->address.pci.at.bus = (uint8_t)bus;
    info->address.pci.at.slot = (uint8_t)slot;
    info->address.pci.at.function = (uint8_t)function;
    info->address.pci.at.multifunction = TRISTATE_ABSENT; /* not before there is a place */
    occupy(round, bus, slot, function, device);
}

static void take_back(struct round *round)
{
    for (unsigned i = round->given->len; i; i--) {
        const struct given *given = &g_array_index(round->given, struct given, i - 1);

        given->info->address = given->before;
    }
    g_array_set_size(round->given, 0);
}

static bool needs_place(const struct domain_device_info *info)
{
    return info->address.type == ADDRESS_NONE ||
           (info->address.type == ADDRESS_PCI && domain_address_is_empty(&info->address));
}

static void give_if_free(struct round *round, struct domain_device_info *info, unsigned slot,
                         unsigned function)
{
    if (needs_place(info) && !(round->buses[0].used[slot] & 1u << function))
        give(round, info, 0, slot, function, NULL);
}

/* ---- places that the document gives ---- */

static int refuse_double(const struct pci_address *at, GError **error)
{
    g_autofree char *text = pci_address_print(at);

    error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                   "Attempted double use of PCI Address %s", text);
    return -1;
}

static int refuse_slot(const struct pci_address *at, const struct bus *bus, GError **error)
{
    g_autofree char *text = pci_address_print(at);

    error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                   "Invalid PCI address %s. slot must be between %u and %u", text, bus->first_slot,
                   bus->last_slot);
    return -1;
}

/* Bus 0 of a machine has devices of its own; their places may be named, for those very devices. */
static int keep_place(struct round *round, const struct device *device, GError **error)
{
    const struct pci_address *at = &device->info->address.pci.at;
    struct bus *bus = &round->buses[at->bus];

    if (bus->kind == BUS_ABSENT) {
        round->missing = at->slot ? PCI_NEED_CONVENTIONAL : PCI_NEED_EXPRESS;
        return -1;
    }
    if (at->slot < bus->first_slot || at->slot > bus->last_slot)
        return refuse_slot(at, bus, error);
    if (bus->used[at->slot] & 1u << at->function)
        return refuse_double(at, error);
    occupy(round, at->bus, at->slot, at->function, device);
    return 0;
}

static int keep_places(struct round *round, const struct device *devices, unsigned count,
                       GError **error)
{
    for (unsigned i = 0; i < count; i++) {
        const struct domain_device_info *info = devices[i].info;

        if (info && info->address.type == ADDRESS_PCI && !domain_address_is_empty(&info->address) &&
            keep_place(round, &devices[i], error) < 0)
            return -1;
    }
    return 0;
}

/* ---- places that the machine gives ---- */

static struct domain_device_info *find_info(struct round *round, enum controller_type type,
                                            unsigned index)
{
    struct domain_controller *controller = domain_find_controller(round->domain, type, index);

    return controller ? &controller->info : NULL;
}

static void give_first_video(struct round *round, unsigned slot)
{
    struct domain_devices *devices = &round->domain->devices;

    if (!devices->videos.count)
        return;
    struct device first = {.kind = DEVICE_VIDEO,
                           .object = devices->videos.items[0],
                           .info = &devices->videos.items[0]->info};
    if (pci_need_of(&first, round->machine) != PCI_NEED_NOTHING && !round->buses[0].used[slot])
        give_if_free(round, first.info, slot, 0);
}

/* PIIX3 sits in slot 1: ISA bridge, IDE, USB, ACPI. */
static void set_up_pc(struct round *round)
{
    struct domain_device_info *ide = find_info(round, CONTROLLER_IDE, 0);

    if (ide)
        give_if_free(round, ide, 1, 1);
    LIST_EACH (controller, &round->domain->devices.controllers)
        if (controller->type == CONTROLLER_USB && controller->model == CONTROLLER_USB_PIIX3_UHCI &&
            !controller->index.value)
            give_if_free(round, &controller->info, 1, 2);
    round->buses[0].used[1] = ALL_FUNCTIONS;
    give_first_video(round, 2);
}

static uint8_t companion_function(uint8_t model)
{
    switch (model) {
    case CONTROLLER_USB_ICH9_UHCI1:
        return 0;
    case CONTROLLER_USB_ICH9_UHCI2:
        return 1;
    case CONTROLLER_USB_ICH9_UHCI3:
        return 2;
    default:
        return 7; /* ich9-ehci1 */
    }
}

static bool is_ich9_usb(const struct domain_controller *controller)
{
    return controller->type == CONTROLLER_USB && controller->model >= CONTROLLER_USB_ICH9_EHCI1 &&
           controller->model <= CONTROLLER_USB_ICH9_UHCI3;
}

static void give_companion(struct round *round, struct domain_controller *controller, unsigned bus,
                           unsigned slot)
{
    uint8_t function = companion_function(controller->model);

    give(round, &controller->info, bus, slot, function, NULL);
    if (function == 0)
        controller->info.address.pci.at.multifunction = TRISTATE_ON;
}

/* The slot of the others of a group of USB controllers: companions share it. */
static const struct pci_address *find_group(const struct domain *domain,
                                            const struct domain_controller *of)
{
    LIST_EACH (controller, &domain->devices.controllers)
        if (is_ich9_usb(controller) && controller->index.value == of->index.value &&
            controller->info.address.type == ADDRESS_PCI &&
            !domain_address_is_empty(&controller->info.address))
            return &controller->info.address.pci.at;
    return NULL;
}

static void join_group(struct round *round, struct domain_controller *controller)
{
    const struct pci_address *group = find_group(round->domain, controller);
    unsigned function = 1U << companion_function(controller->model);

    /* a second one of the same model has to stand alone */
    if (group && needs_place(&controller->info) &&
        !(round->buses[group->bus].used[group->slot] & function))
        give_companion(round, controller, group->bus, group->slot);
}

/* The chipset's own slots for USB: 0x1d, then 0x1a. */
static void give_ich9_usb(struct round *round)
{
    static const uint8_t slots[] = {0x1d, 0x1a};

    LIST_EACH (controller, &round->domain->devices.controllers) {
        if (!is_ich9_usb(controller) || !needs_place(&controller->info))
            continue;
        for (unsigned i = 0; i < 2 && !find_group(round->domain, controller); i++)
            if (!round->buses[0].used[slots[i]])
                give_companion(round, controller, 0, slots[i]);
        join_group(round, controller);
    }
}

/* ICH9 sits in slot 0x1f, and where real boards have its USB, sound and bridge. */
static void set_up_q35(struct round *round)
{
    struct domain_device_info *sata = find_info(round, CONTROLLER_SATA, 0);

    if (sata)
        give_if_free(round, sata, 0x1f, 2);
    round->buses[0].used[0x1f] = ALL_FUNCTIONS;
    give_first_video(round, 1);
    give_ich9_usb(round);
    LIST_EACH (sound, &round->domain->devices.sounds)
        if (sound->model == SOUND_ICH9 && !round->buses[0].used[0x1b])
            give_if_free(round, &sound->info, 0x1b, 0);
    LIST_EACH (controller, &round->domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI && controller->model == CONTROLLER_PCI_DMI_BRIDGE &&
            !round->buses[0].used[0x1e])
            give_if_free(round, &controller->info, 0x1e, 0);
}

static void set_up_machine(struct round *round)
{
    round->buses[0].used[0] = ALL_FUNCTIONS; /* the host bridge */
    if (round->machine->family == MACHINE_PC)
        set_up_pc(round);
    else if (round->machine->family == MACHINE_Q35)
        set_up_q35(round);
}

/* ---- the first place that suits ---- */

static bool suits(const struct round *round, const struct bus *bus, enum pci_need need)
{
    if (!machine_has_pcie(round->machine))
        return bus->kind == BUS_CONVENTIONAL;
    switch (need) {
    case PCI_NEED_CONVENTIONAL:
        return bus->kind == BUS_CONVENTIONAL;
    case PCI_NEED_EXPRESS:
        return bus->kind == BUS_PORT;
    case PCI_NEED_INTEGRATED:
        return bus->kind == BUS_EXPRESS_ROOT;
    case PCI_NEED_BRIDGE:
        return bus->kind == BUS_CONVENTIONAL || bus->kind == BUS_BRIDGED;
    case PCI_NEED_SWITCH:
        return bus->kind == BUS_SWITCH;
    default:
        return false;
    }
}

/* Root ports share slots, so that there is room for many. */
static bool find_function(const struct bus *bus, bool is_port, unsigned *ret_slot,
                          unsigned *ret_function)
{
    for (unsigned slot = bus->first_slot; slot <= bus->last_slot; slot++) {
        bool shares = is_port && bus->ports[slot] && bus->used[slot] != ALL_FUNCTIONS;

        if (bus->used[slot] && !shares)
            continue;
        unsigned function = 0;
        while (bus->used[slot] & 1u << function)
            function++;
        *ret_slot = slot;
        *ret_function = function;
        return true;
    }
    return false;
}

static bool is_root_bus(const struct round *round, unsigned bus)
{
    const struct domain_controller *controller =
        domain_find_controller(round->domain, CONTROLLER_PCI, bus);

    return controller && controller->model == CONTROLLER_PCIE_ROOT_PORT;
}

/* A bridge sits on a bus before its own, or on a port of the root: never below itself. */
static bool can_be_above(const struct round *round, const struct device *device, unsigned bus)
{
    const struct domain_controller *controller = device->object;

    return device->kind != DEVICE_CONTROLLER || controller->type != CONTROLLER_PCI ||
           bus < controller->index.value ||
           (bus > controller->index.value && is_root_bus(round, bus));
}

static int find_place(struct round *round, const struct device *device)
{
    enum pci_need need = pci_need_of(device, round->machine);
    unsigned slot, function;

    if (need == PCI_NEED_NOTHING || !needs_place(device->info))
        return 0;
    for (unsigned i = 0; i < BUSES; i++)
        if (suits(round, &round->buses[i], need) && can_be_above(round, device, i) &&
            find_function(&round->buses[i], is_root_port(device), &slot, &function)) {
            give(round, device->info, i, slot, function, device);
            return 0;
        }
    round->missing = need;
    return -1;
}

static int find_group_place(struct round *round, const struct device *device)
{
    struct domain_controller *controller = device->object;

    join_group(round, controller);
    if (find_place(round, device) < 0)
        return -1;
    struct pci_address *at = &controller->info.address.pci.at;
    if (at->function == 0 && companion_function(controller->model) != 0) {
        round->buses[at->bus].used[at->slot] = 0;
        at->function = companion_function(controller->model);
        occupy(round, at->bus, at->slot, at->function, NULL);
    } else if (at->function == 0) {
        at->multifunction = TRISTATE_ON;
    }
    return 0;
}

/* ---- a round ---- */

typedef bool chooser(const struct device *device);

static bool is_pci_controller(const struct device *device)
{
    return device->kind == DEVICE_CONTROLLER &&
           ((const struct domain_controller *)device->object)->type == CONTROLLER_PCI;
}

static bool is_hostdev_net(const struct device *device)
{
    return device->kind == DEVICE_NET &&
           ((const struct domain_net *)device->object)->type == NET_HOSTDEV;
}

static bool is_plain_net(const struct device *device)
{
    return device->kind == DEVICE_NET && !is_hostdev_net(device);
}

static bool is_other_controller(const struct device *device)
{
    return device->kind == DEVICE_CONTROLLER && !is_pci_controller(device);
}

/* The order in which kinds get their places: what guests know their hardware by. */
static const struct turn {
    enum device_kind kind;
    chooser *chooses; /* NULL: all of the kind */
} turns[] = {
    {DEVICE_CONTROLLER, is_pci_controller},
    {DEVICE_FILESYSTEM, NULL},
    {DEVICE_NET, is_plain_net},
    {DEVICE_SOUND, NULL},
    {DEVICE_CONTROLLER, is_other_controller},
    {DEVICE_DISK, NULL},
    {DEVICE_NET, is_hostdev_net},
    {DEVICE_HOSTDEV, NULL},
    {DEVICE_MEMBALLOON, NULL},
    {DEVICE_RNG, NULL},
    {DEVICE_WATCHDOG, NULL},
    {DEVICE_VIDEO, NULL},
    {DEVICE_SHMEM, NULL},
    {DEVICE_INPUT, NULL},
    {DEVICE_SERIAL, NULL},
    {DEVICE_VSOCK, NULL},
    {DEVICE_CRYPTO, NULL},
    {DEVICE_MEMORY, NULL},
    {DEVICE_IOMMU, NULL},
    {DEVICE_PANIC, NULL},
};

static int find_places(struct round *round, const struct device *devices, unsigned count)
{
    for (unsigned t = 0; t < G_N_ELEMENTS(turns); t++)
        for (unsigned i = 0; i < count; i++) {
            const struct device *device = &devices[i];

            if (device->kind != turns[t].kind || (turns[t].chooses && !turns[t].chooses(device)))
                continue;
            bool grouped = device->kind == DEVICE_CONTROLLER && is_ich9_usb(device->object) &&
                           needs_place(device->info);
            if ((grouped ? find_group_place(round, device) : find_place(round, device)) < 0)
                return -1;
        }
    return 0;
}

/* Where QEMU has no PCI at all. */
static int need_no_places(const struct round *round, const struct device *devices, unsigned count,
                          GError **error)
{
    if (machine_devices_of(round->machine->family)->has_no_places)
        return 0;
    for (unsigned i = 0; i < count; i++)
        if (pci_need_of(&devices[i], round->machine) != PCI_NEED_NOTHING) {
            error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                           "No PCI buses available for the %s device of a machine '%s'",
                           names_word(&device_kind_names, devices[i].kind), round->machine->name);
            return -1;
        }
    return 0;
}

/* 0: done; -1 with round->missing: no place; -1 with error: the document is wrong. */
static int play_round(struct round *round, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(round->domain, &count);

    round->missing = PCI_NEED_NOTHING;
    set_up_buses(round);
    if (round->buses[0].kind == BUS_ABSENT)
        return need_no_places(round, devices, count, error);
    if (keep_places(round, devices, count, error) < 0)
        return -1;
    set_up_machine(round);
    return find_places(round, devices, count);
}

/* ---- bridges and ports ---- */

/* What gives conventional slots: on pseries another host bridge, whose number is chosen too. */
static int add_bridge(struct domain *domain, const struct machine_traits *machine, unsigned index,
                      GError **error)
{
    struct domain_controller *bridge = domain_ensure_controller(domain, CONTROLLER_PCI, index);
    bool hosts = machine->family == MACHINE_PSERIES;

    bridge->model = hosts ? CONTROLLER_PCI_ROOT : CONTROLLER_PCI_BRIDGE;
    return hosts ? defaults_apply_device(domain, machine, DEVICE_CONTROLLER, bridge, error) : 0;
}

static int add_bus(struct domain *domain, const struct machine_traits *machine,
                   enum controller_pci_model model, GError **error)
{
    unsigned index = 1;

    while (domain_find_controller(domain, CONTROLLER_PCI, index))
        index++;
    if (index >= BUSES) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "No more available PCI slots");
        return -1;
    }
    if (model == CONTROLLER_PCI_BRIDGE)
        return add_bridge(domain, machine, index, error);
    domain_ensure_controller(domain, CONTROLLER_PCI, index)->model = (uint8_t)model;
    return 0;
}

static bool has_room_for_bridge(const struct round *round)
{
    unsigned slot, function;

    for (unsigned i = 1; i < BUSES; i++)
        if (suits(round, &round->buses[i], PCI_NEED_BRIDGE) &&
            find_function(&round->buses[i], false, &slot, &function))
            return true;
    return false;
}

static int grow(struct round *round, GError **error)
{
    if (round->missing == PCI_NEED_INTEGRATED || round->missing == PCI_NEED_SWITCH) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "No more available PCI slots");
        return -1;
    }
    if (!machine_has_pcie(round->machine) ||
        (round->missing == PCI_NEED_CONVENTIONAL && has_room_for_bridge(round)))
        return add_bus(round->domain, round->machine, CONTROLLER_PCI_BRIDGE, error);
    if (add_bus(round->domain, round->machine, CONTROLLER_PCIE_ROOT_PORT, error) < 0)
        return -1;
    return round->missing == PCI_NEED_CONVENTIONAL || round->missing == PCI_NEED_BRIDGE
               ? add_bus(round->domain, round->machine, CONTROLLER_PCIE_TO_PCI_BRIDGE, error)
               : 0;
}

static bool has_free_port(const struct round *round)
{
    for (unsigned i = 1; i < BUSES; i++)
        if (round->buses[i].kind == BUS_PORT && !round->buses[i].used[0])
            return true;
    return false;
}

/* Buses have numbers without gaps: every address names one that exists. */
static int fill_gaps(struct domain *domain, const struct machine_traits *machine, GError **error)
{
    unsigned last = 0;

    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI)
            last = MAX(last, controller->index.value);
    if (last >= BUSES) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "devices/controller: a guest can't have more than %u PCI buses", BUSES);
        return -1;
    }
    for (unsigned i = 1; i < last; i++) {
        if (domain_find_controller(domain, CONTROLLER_PCI, i))
            continue;
        if (machine_has_pcie(machine))
            domain_ensure_controller(domain, CONTROLLER_PCI, i)->model = CONTROLLER_PCIE_ROOT_PORT;
        else if (add_bridge(domain, machine, i, error) < 0)
            return -1;
    }
    return 0;
}

static bool has_pci_controllers(const struct domain *domain)
{
    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI && controller->index.value > 0)
            return true;
    return false;
}

/* One port stays free for a device to be plugged, if we made ports at all. */
static int add_spare_port(struct round *round, bool is_ours, bool *ret_again, GError **error)
{
    *ret_again = machine_has_pcie(round->machine) && is_ours &&
                 has_pci_controllers(round->domain) && !has_free_port(round);
    return *ret_again ? add_bus(round->domain, round->machine, CONTROLLER_PCIE_ROOT_PORT, error)
                      : 0;
}

static void default_to_uint(struct opt_uint *member, unsigned value)
{
    if (!member->set)
        *member = OPT_UINT(value);
}

static bool is_expander(const struct domain_controller *controller)
{
    return controller->model == CONTROLLER_PCI_EXPANDER_BUS ||
           controller->model == CONTROLLER_PCIE_EXPANDER_BUS;
}

/* Expander buses get the highest numbers that the firmware has not given to buses below them. */
static unsigned lowest_bus_number(const struct domain *domain)
{
    unsigned lowest = BUSES;

    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI && controller->pci && controller->pci->bus_nr.set)
            lowest = MIN(lowest, controller->pci->bus_nr.value);
    return MAX(lowest, 3);
}

/* The device behind a bridge or port, and its numbers. */
static void complete_controller(struct domain *domain, struct domain_controller *controller)
{
    enum pci_model_name name = machine_pci_model_name(controller->model);
    const struct pci_address *at = &controller->info.address.pci.at;

    if (!name)
        return;
    if (!controller->pci)
        controller->pci = arena_new(&domain->definition.arena, struct controller_pci);
    if (!controller->pci->model_name)
        controller->pci->model_name = (uint8_t)name;
    if (controller->model == CONTROLLER_PCI_BRIDGE)
        default_to_uint(&controller->pci->chassis_nr, controller->index.value);
    if (is_expander(controller))
        default_to_uint(&controller->pci->bus_nr, lowest_bus_number(domain) - 2);
    if (controller->model != CONTROLLER_PCIE_ROOT_PORT &&
        controller->model != CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT)
        return;
    default_to_uint(&controller->pci->chassis, controller->index.value);
    default_to_uint(&controller->pci->port, controller->model == CONTROLLER_PCIE_ROOT_PORT
                                                ? (unsigned)at->slot << 3 | at->function
                                                : at->slot);
}

/* Function 0 must tell the guest that there are others. */
static void set_multifunction(struct round *round)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(round->domain, &count);

    for (unsigned i = 0; i < count; i++) {
        if (!devices[i].info || devices[i].info->address.type != ADDRESS_PCI)
            continue;
        struct pci_address *at = &devices[i].info->address.pci.at;
        const struct bus *bus = &round->buses[at->bus];
        bool reserved = bus->used[at->slot] == ALL_FUNCTIONS && !bus->ports[at->slot];

        if (at->function == 0 && !at->multifunction && bus->used[at->slot] > 1 && !reserved)
            at->multifunction = TRISTATE_ON;
    }
}

static void finish(struct round *round)
{
    set_multifunction(round);
    if (round->machine->family == MACHINE_S390_CCW)
        address_assign_zpci(round->domain, round->made);
    LIST_EACH (controller, &round->domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI)
            complete_controller(round->domain, controller);
}

static int refuse_plug(const struct round *round, GError **error)
{
    error_set(error, VIR_ERR_INTERNAL_ERROR,
              round->missing == PCI_NEED_EXPRESS && machine_has_pcie(round->machine)
                  ? "No more available PCI slots: the guest has no free pcie-root-port"
                  : "No more available PCI slots");
    return -1;
}

static int play(struct round *round, bool may_grow, GError **error)
{
    bool is_ours = may_grow && !has_pci_controllers(round->domain), again = true;

    for (unsigned i = 0; i < BUSES; i++)
        round->made[i] = !may_grow || !domain_find_controller(round->domain, CONTROLLER_PCI, i);
    if (may_grow && fill_gaps(round->domain, round->machine, error) < 0)
        return -1;
    while (again) {
        int result = play_round(round, error);

        if (result < 0 && round->missing == PCI_NEED_NOTHING)
            return -1;
        if (result < 0 && !may_grow)
            return refuse_plug(round, error);
        if ((result < 0 ? grow(round, error) : add_spare_port(round, is_ours, &again, error)) < 0)
            return -1;
        if (again)
            take_back(round);
    }
    finish(round);
    return 0;
}

int address_assign_pci(struct domain *domain, const struct machine_traits *machine, bool may_grow,
                       GError **error)
{
    g_autofree struct round *round = g_new0(struct round, 1);
    g_autoptr(GArray) given = g_array_new(FALSE, FALSE, sizeof(struct given));

    round->domain = domain;
    round->machine = machine;
    round->given = given;
    int result = play(round, may_grow, error);
    if (result < 0)
        take_back(round);
    return result;
}

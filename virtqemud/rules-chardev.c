/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>

#include "faults.h"
#include "machine.h"
#include "rules-parts.h"

/* ---- the host's end ---- */

#define OF_PATH (BIT(CHARDEV_DEV) | BIT(CHARDEV_FILE) | BIT(CHARDEV_PIPE))
#define OF_SPICE (BIT(CHARDEV_SPICEVMC) | BIT(CHARDEV_SPICEPORT))
#define OF_CHANNEL (BIT(CHARDEV_SPICEPORT) | BIT(CHARDEV_DBUS))

static bool is_of(const struct chardev_source *source, uint64_t types)
{
    return BIT(source->type) & types;
}

/* A socket without a path gets one of the guest's, if a channel is behind it. */
static int check_end(const struct chardev_source *source, enum device_kind kind, GError **error)
{
    const struct chardev_end none = {0}, *end = chardev_source_end(source) ?: &none;
    bool tcp = source->type == CHARDEV_TCP, udp = source->type == CHARDEV_UDP;
    bool reconnects = end->reconnect && end->reconnect->enabled == TRISTATE_YES;
    const struct fault faults[] = {
        {is_of(source, OF_PATH) && !end->path, FAULT_XML, "source/@path is missing"},
        {source->type == CHARDEV_UNIX && !end->path && kind != DEVICE_CHANNEL, FAULT_INTERNAL,
         "source/@path is missing"},
        {tcp && !end->host, FAULT_XML, "source/@host is missing"},
        {(tcp || udp) && !end->service, FAULT_XML, "source/@service is missing"},
        {reconnects && end->mode != CHARDEV_MODE_CONNECT, FAULT_XML,
         "source/reconnect is for mode 'connect' alone"},
        {reconnects && !end->reconnect->timeout, FAULT_XML, "source/reconnect/@timeout is missing"},
        {source->type == CHARDEV_NMDM && (!end->master || !end->slave), FAULT_XML,
         "source/@master and source/@slave are needed"},
        {is_of(source, OF_CHANNEL) && !end->channel, FAULT_GUEST, "source/@channel is missing"},
        {source->ends.count > (udp ? 2 : 1), FAULT_XML, "there are too many <source> elements"},
    };

    return FAULTS_CHECK(faults, error, "%s of type '%s'", names_word(&device_kind_names, kind),
                        names_word(&chardev_type_names, source->type));
}

static int check_ends(const struct domain *domain, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);
    bool spice = domain_find_graphics(domain, GRAPHICS_SPICE);

    for (unsigned i = 0; i < count; i++) {
        const struct chardev_source *source = device_chardev_source(&devices[i]);

        if (!source || !source->type)
            continue;
        const struct fault faults[] = {
            {is_of(source, OF_SPICE) && !spice, FAULT_QEMU,
             "chardev '%s' not supported without spice graphics"},
        };
        if (FAULTS_SAY(faults, error, names_word(&chardev_type_names, source->type)) < 0 ||
            check_end(source, devices[i].kind, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- the guest's end ---- */

#define ANY (~UINT64_C(0))

/* Ports by model, which target and architecture have them. */
static const struct {
    uint8_t model, target, address; /* of address 0: it is the machine's, anywhere */
    uint64_t families;
} serial_models[] = {
    {SERIAL_MODEL_ISA_SERIAL, SERIAL_TARGET_ISA, ADDRESS_ISA, ANY},
    {SERIAL_MODEL_ISA_DEBUGCON, SERIAL_TARGET_ISA_DEBUG, ADDRESS_ISA, ANY},
    {SERIAL_MODEL_USB_SERIAL, SERIAL_TARGET_USB, ADDRESS_USB, ANY},
    {SERIAL_MODEL_PCI_SERIAL, SERIAL_TARGET_PCI, ADDRESS_PCI, ANY},
    {SERIAL_MODEL_SPAPR_VTY, SERIAL_TARGET_SPAPR_VIO, ADDRESS_SPAPR_VIO, BIT(MACHINE_PSERIES)},
    {SERIAL_MODEL_PL011, SERIAL_TARGET_SYSTEM, 0, BIT(MACHINE_ARM_VIRT)},
    {SERIAL_MODEL_16550A, SERIAL_TARGET_SYSTEM, 0,
     BIT(MACHINE_RISCV_VIRT) | BIT(MACHINE_LOONGARCH_VIRT)},
    {SERIAL_MODEL_SCLPCONSOLE, SERIAL_TARGET_SCLP, 0, BIT(MACHINE_S390_CCW)},
    {SERIAL_MODEL_SCLPLMCONSOLE, SERIAL_TARGET_SCLP, 0, BIT(MACHINE_S390_CCW)},
};

static int check_model(const struct domain_serial *serial, enum machine_family family,
                       GError **error)
{
    uint8_t address = serial->info.address.type;

    for (unsigned i = 0; i < G_N_ELEMENTS(serial_models); i++) {
        bool mine = serial_models[i].model == serial->model;
        const struct fault faults[] = {
            {mine && serial->target != serial_models[i].target, FAULT_QEMU,
             "target/model/@name is none of this target type"},
            {mine && !(serial_models[i].families & BIT(family)), FAULT_QEMU,
             "the machine has none of this target type and model"},
            {mine && address && address != ADDRESS_UNASSIGNED && serial_models[i].address &&
                 address != serial_models[i].address,
             FAULT_QEMU, "the type of its address is none of this target type"},
        };
        if (FAULTS_CHECK(faults, error, "serial with target type '%s'",
                         names_word(&serial_target_names, serial->target)) < 0)
            return -1;
    }
    return 0;
}

static int check_serials(const struct domain *domain, GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);

    LIST_EACH (serial, &domain->devices.serials)
        if (check_model(serial, family, error) < 0)
            return -1;
    return 0;
}

#define CONSOLE_TARGETS                                                                            \
    (BIT(CONSOLE_TARGET_SERIAL) | BIT(CONSOLE_TARGET_VIRTIO) | BIT(CONSOLE_TARGET_SCLP) |          \
     BIT(CONSOLE_TARGET_SCLPLM))

static int check_consoles(const struct domain *domain, GError **error)
{
    bool s390 = machine_family_of(domain->os.arch, domain->os.machine) == MACHINE_S390_CCW;

    LIST_EACH (console, &domain->devices.consoles) {
        bool sclp =
            console->target == CONSOLE_TARGET_SCLP || console->target == CONSOLE_TARGET_SCLPLM;
        const struct fault targets[] = {
            {!(BIT(console->target) & CONSOLE_TARGETS), FAULT_QEMU,
             "unsupported console target type %s"},
        };
        const struct fault faults[] = {
            {console->target == CONSOLE_TARGET_SERIAL && console_i > 0, FAULT_GUEST,
             "only the first one can be a serial port"},
            {sclp && !s390, FAULT_QEMU, "QEMU has its target/@type for s390x alone"},
        };
        if (FAULTS_SAY(targets, error, names_word(&console_target_names, console->target)) < 0 ||
            FAULTS_CHECK(faults, error, "devices/console[%u]", console_i + 1) < 0)
            return -1;
    }
    return 0;
}

/* ---- channels ---- */

static bool is_ipv4(const char *address)
{
    struct in_addr storage;

    return inet_pton(AF_INET, address, &storage) == 1;
}

static bool is_same_port(const struct domain_channel *a, const struct domain_channel *b)
{
    const struct virtio_serial_address *one = &a->info.address.virtio_serial;
    const struct virtio_serial_address *two = &b->info.address.virtio_serial;

    return a->info.address.type == ADDRESS_VIRTIO_SERIAL &&
           b->info.address.type == ADDRESS_VIRTIO_SERIAL && one->controller == two->controller &&
           one->bus == two->bus && one->port == two->port;
}

/* A controller has a port 0 too, which only consoles have. */
enum { VIRTIO_SERIAL_PORTS = 31 };

static int check_place(const struct domain *domain, const struct domain_channel *channel,
                       GError **error)
{
    const struct virtio_serial_address *at = &channel->info.address.virtio_serial;
    const struct domain_controller *controller =
        domain_find_controller(domain, CONTROLLER_VIRTIO_SERIAL, at->controller);
    unsigned ports =
        controller && controller->ports.set ? controller->ports.value : VIRTIO_SERIAL_PORTS;
    bool shared = false;

    if (channel->info.address.type != ADDRESS_VIRTIO_SERIAL)
        return 0;
    LIST_EACH (other, &domain->devices.channels)
        shared |= other != channel && is_same_port(other, channel);
    const struct fault faults[] = {
        {at->port >= ports, FAULT_XML, "@port: the controller has fewer"},
        {shared, FAULT_XML, "another one is there"},
    };
    return FAULTS_CHECK(faults, error, "channel '%s': address", channel->name ?: "");
}

static int check_channels(const struct domain *domain, GError **error)
{
    LIST_EACH (channel, &domain->devices.channels) {
        const struct fault faults[] = {
            {channel->target == CHANNEL_TARGET_GUESTFWD && channel->address &&
                 !is_ipv4(channel->address),
             FAULT_GUEST, "target/@address is no IPv4 address"},
        };
        if (check_place(domain, channel, error) < 0 ||
            FAULTS_CHECK(faults, error, "devices/channel[%u]", channel_i + 1) < 0)
            return -1;
    }
    return 0;
}

int rules_check_chardevs(const struct domain *domain, GError **error)
{
    if (check_ends(domain, error) < 0 || check_serials(domain, error) < 0 ||
        check_consoles(domain, error) < 0)
        return -1;
    return check_channels(domain, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults-parts.h"

#include "xml/xml.h"

/* What an end of each type can say; the rest of it is forgotten. */
enum end_part {
    END_PATH = 1 << 0, /* with its labels */
    END_APPEND = 1 << 1,
    END_MODE = 1 << 2,
    END_ADDRESS = 1 << 3,
    END_TLS = 1 << 4,
    END_RECONNECT = 1 << 5,
    END_CHANNEL = 1 << 6,
    END_NULL_MODEM = 1 << 7,
    END_AGENT = 1 << 8,
};
static const uint16_t end_parts[] = {
    [CHARDEV_PTY] = END_PATH,
    [CHARDEV_DEV] = END_PATH,
    [CHARDEV_FILE] = END_PATH | END_APPEND,
    [CHARDEV_PIPE] = END_PATH,
    [CHARDEV_UDP] = END_MODE | END_ADDRESS,
    [CHARDEV_TCP] = END_MODE | END_ADDRESS | END_TLS | END_RECONNECT,
    [CHARDEV_UNIX] = END_MODE | END_PATH | END_RECONNECT,
    [CHARDEV_SPICEPORT] = END_CHANNEL,
    [CHARDEV_NMDM] = END_NULL_MODEM,
    [CHARDEV_QEMU_VDAGENT] = END_AGENT,
    [CHARDEV_DBUS] = END_CHANNEL,
};

static void keep_parts(struct chardev_end *end, unsigned parts)
{
    if (!(parts & END_PATH))
        end->path = NULL;
    if (!end->path)
        end->labels.count = 0;
    if (!(parts & END_APPEND))
        end->append = TRISTATE_ABSENT;
    if (!(parts & END_MODE))
        end->mode = CHARDEV_MODE_NONE;
    if (!(parts & END_ADDRESS))
        end->host = end->service = NULL;
    if (!(parts & END_TLS))
        end->tls = end->tls_from_config = TRISTATE_ABSENT;
    if (!(parts & END_RECONNECT))
        end->reconnect = NULL;
    if (!(parts & END_CHANNEL))
        end->channel = NULL;
    if (!(parts & END_NULL_MODEM))
        end->master = end->slave = NULL;
    if (!(parts & END_AGENT))
        end->copypaste = end->mouse = 0;
}

/* Ends that say nothing, nor their labels, are forgotten. A pseudo terminal's path, and that of a
 * socket which is only to be made, belong to the running guest. */
static void clean_ends(struct chardev_source *source, bool live)
{
    unsigned parts = source->type < G_N_ELEMENTS(end_parts) ? end_parts[source->type] : 0;
    unsigned kept = 0;

    LIST_EACH (end, &source->ends) {
        domain_defaults_labels(end->labels.items, &end->labels.count);
        if (source->type == CHARDEV_PTY && !live)
            end->path = NULL;
        keep_parts(end, parts);
        if (source->type == CHARDEV_UNIX && !end->path)
            end->mode = CHARDEV_MODE_NONE;
        if (!xml_equal(&chardev_end_schema, end, &(struct chardev_end){0}))
            source->ends.items[kept++] = end;
    }
    source->ends.count = kept;
}

static int compare_ends(const void *a, const void *b)
{
    const struct chardev_end *first = *(void *const *)a, *second = *(void *const *)b;

    return (first->mode == CHARDEV_MODE_CONNECT) - (second->mode == CHARDEV_MODE_CONNECT);
}

void domain_defaults_chardev_source(struct chardev_source *source,
                                    const struct domain_defaults *defaults)
{
    bool has_default_mode =
        source->type == CHARDEV_TCP || source->type == CHARDEV_UDP || source->type == CHARDEV_UNIX;

    clean_ends(source, defaults->live);
    LIST_EACH (end, &source->ends)
        if (has_default_mode)
            default_to(&end->mode, CHARDEV_MODE_CONNECT);
    if (source->type == CHARDEV_UDP && source->ends.count == 2)
        qsort(source->ends.items, 2, sizeof(void *), compare_ends);
}

static enum console_target default_console_target(const struct domain *domain)
{
    switch (domain->type) {
    case DOMAIN_TYPE_LXC:
        return CONSOLE_TARGET_LXC;
    case DOMAIN_TYPE_OPENVZ:
        return CONSOLE_TARGET_OPENVZ;
    case DOMAIN_TYPE_XEN:
        return domain->os.type == OS_HVM ? CONSOLE_TARGET_SERIAL : CONSOLE_TARGET_XEN;
    default:
        return domain->os.type == OS_UML ? CONSOLE_TARGET_UML : CONSOLE_TARGET_SERIAL;
    }
}

static struct domain_console *console_like(struct domain *domain,
                                           const struct domain_serial *serial)
{
    struct arena *arena = &domain->definition.arena;
    struct domain_console *console = arena_new(arena, struct domain_console);
    struct chardev_source *source = xml_copy_part(&chardev_source_schema, &serial->source, arena);

    console->source = *source;
    console->info.address = serial->info.address;
    console->target = CONSOLE_TARGET_SERIAL;
    console->port = serial->port;
    return console;
}

/* Ports that are plugged, or that firmware writes to, are nobody's console unless asked for. */
static bool is_for_consoles(const struct domain_serial *serial)
{
    return serial->target != SERIAL_TARGET_USB && serial->target != SERIAL_TARGET_PCI &&
           serial->target != SERIAL_TARGET_ISA_DEBUG;
}

/* The first console of a fully virtualized guest is its first serial port, shown twice: for clients
 * that know only of consoles. */
static void pair_console_with_serial(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;
    struct domain_devices *devices = &domain->devices;
    struct domain_console *first = devices->consoles.count ? devices->consoles.items[0] : NULL;
    bool on_serial = first && first->target == CONSOLE_TARGET_SERIAL;

    if (domain->os.type != OS_HVM)
        return;
    if (!devices->serials.count && on_serial) {
        struct domain_serial *serial = arena_new(arena, struct domain_serial);
        struct chardev_source *source =
            xml_copy_part(&chardev_source_schema, &first->source, arena);

        serial->source = *source;
        serial->info.address = first->info.address;
        serial->port = OPT_UINT(0);
        LIST_APPEND(arena, &devices->serials, serial);
    } else if (devices->serials.count && on_serial) {
        devices->consoles.items[0] = console_like(domain, devices->serials.items[0]);
    } else if (devices->serials.count && is_for_consoles(devices->serials.items[0])) {
        LIST_INSERT(arena, &devices->consoles, 0, console_like(domain, devices->serials.items[0]));
    }
}

static bool isa_port_is_used(const struct domain_devices *devices, unsigned number)
{
    LIST_EACH (serial, &devices->serials)
        if (serial->target == SERIAL_TARGET_ISA && serial->port.set && serial->port.value == number)
            return true;
    return false;
}

/* ISA's ports get the lowest number that no other of them has; then others the one after the
 * highest. */
static void number_serials(struct domain_devices *devices)
{
    unsigned next = 0;

    LIST_EACH (isa, &devices->serials) {
        unsigned number = 0;

        if (isa->target != SERIAL_TARGET_ISA || isa->port.set)
            continue;
        while (isa_port_is_used(devices, number))
            number++;
        isa->port = OPT_UINT(number);
    }
    LIST_EACH (given, &devices->serials)
        if (given->port.set)
            next = MAX(next, given->port.value + 1);
    LIST_EACH (serial, &devices->serials)
        if (!serial->port.set)
            serial->port = OPT_UINT(next++);
}

/* The number after the highest before it. */
static void number_parallels(struct domain_devices *devices)
{
    unsigned next = 0;

    LIST_EACH (parallel, &devices->parallels) {
        if (!parallel->port.set)
            parallel->port = OPT_UINT(next);
        next = MAX(next, parallel->port.value + 1);
    }
}

void domain_defaults_chardevs(struct domain *domain)
{
    LIST_EACH (console, &domain->devices.consoles) {
        default_to(&console->target, default_console_target(domain));
        /* numbered in order; an older document may say less */
        if (!console->port.set || console->port.value > console_i)
            console->port = OPT_UINT(console_i);
    }
    number_serials(&domain->devices);
    number_parallels(&domain->devices);
    pair_console_with_serial(domain);
}

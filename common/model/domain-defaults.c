/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults.h"

#include <errno.h>

#include "base/mac.h"
#include "base/uuid.h"
#include "xml/xml.h"

static void default_to(uint8_t *member, uint8_t value)
{
    if (!*member)
        *member = value;
}

static bool is_zero(const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;

    while (length && !byte[length - 1])
        length--;
    return !length;
}

static int make_uuid(struct opt_uuid *uuid, GError **error)
{
    if (uuid->set || !is_zero(uuid->bytes, UUID_BYTES) || uuid_generate(uuid->bytes) == 0)
        return 0;
    error_set_errno(error, errno, "cannot make up a uuid");
    return -1;
}

/* ---- the guest as a whole ---- */

static uint64_t numa_memory(const struct domain *domain)
{
    uint64_t sum = 0;

    if (domain->cpu && domain->cpu->numa)
        LIST_EACH (cell, &domain->cpu->numa->cells)
            sum += cell->memory;
    return sum;
}

static int memory_defaults(struct domain *domain, GError **error)
{
    uint64_t modules = 0, cells = numa_memory(domain);

    LIST_EACH (memory, &domain->devices.memories)
        modules += memory->size;
    if (cells)
        domain->memory = cells + modules;
    if (domain->memory <= modules) { /* nothing would be left at boot */
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                       "Memory size must be specified via <memory> or in the <numa> "
                       "configuration, and be more than that of all <memory> devices");
        return -1;
    }
    if (!domain->current_memory || domain->current_memory > domain->memory)
        domain->current_memory = domain->memory;
    return 0;
}

static void vcpu_defaults(struct domain *domain)
{
    default_to(&domain->vcpu_placement, PLACEMENT_STATIC);
    if (!domain->max_vcpus)
        domain->max_vcpus = 1;
    if (domain->current_vcpus >= domain->max_vcpus)
        domain->current_vcpus = 0;
}

static bool has_iothread(const struct domain *domain, unsigned id)
{
    LIST_EACH (iothread, &domain->iothreads)
        if (iothread->id == id)
            return true;
    return false;
}

/* As soon as one I/O thread has a number, all have. */
static void iothread_defaults(struct domain *domain)
{
    if (!domain->iothreads.count)
        return;
    for (unsigned id = 1; domain->iothreads.count < domain->iothread_count; id++) {
        if (has_iothread(domain, id))
            continue;
        struct domain_iothread *iothread =
            arena_new(&domain->definition.arena, struct domain_iothread);
        iothread->id = id;
        LIST_APPEND(&domain->definition.arena, &domain->iothreads, iothread);
    }
    domain->iothread_count = domain->iothreads.count;
}

static bool has_boot_order(const struct domain *domain)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++)
        if (devices[i].info && devices[i].info->boot_order)
            return true;
    return false;
}

static void os_defaults(struct domain *domain)
{
    struct domain_os *os = &domain->os;

    if (!os->type)
        os->type = domain->bootloader ? OS_XEN : OS_HVM;
    /* "linux" is how paravirtualized Xen guests were called, and still are written */
    if (os->type == OS_XEN && domain->type == DOMAIN_TYPE_XEN)
        os->type = OS_LINUX;
    if (os->type == OS_HVM && !os->boots.count && !has_boot_order(domain)) {
        struct os_boot *boot = arena_new(&domain->definition.arena, struct os_boot);

        boot->dev = BOOT_DEVICE_DISK;
        LIST_APPEND(&domain->definition.arena, &os->boots, boot);
    }
    if (os->loader && os->loader->path)
        default_to(&os->loader->type, LOADER_ROM);
}

static void cpu_defaults(struct domain_cpu *cpu)
{
    if (!cpu)
        return;
    if (cpu->model)
        default_to(&cpu->mode, CPU_MODE_CUSTOM);
    if (!cpu->model && (cpu->mode != CPU_MODE_HOST_MODEL || cpu->fallback != CPU_FALLBACK_FORBID))
        cpu->fallback = CPU_FALLBACK_NONE;
    if (cpu->model && cpu->mode == CPU_MODE_CUSTOM) {
        default_to(&cpu->match, CPU_MATCH_EXACT);
        default_to(&cpu->fallback, CPU_FALLBACK_ALLOW);
    }
}

static void seclabel_defaults(struct domain *domain)
{
    LIST_EACH (seclabel, &domain->seclabels)
        if (seclabel->type != SECLABEL_NONE)
            default_to(&seclabel->relabel,
                       seclabel->type == SECLABEL_DYNAMIC ? TRISTATE_YES : TRISTATE_NO);
}

/* The machine's uuid in one spelling. */
static void sysinfo_defaults(struct domain *domain)
{
    LIST_EACH (sysinfo, &domain->sysinfos)
        for (unsigned i = 0; sysinfo->system && i < sysinfo->system->entries.count; i++) {
            struct sysinfo_entry *entry = sysinfo->system->entries.items[i];
            uint8_t uuid[UUID_BYTES];

            if (g_strcmp0(entry->name, "uuid") == 0 && entry->value &&
                uuid_parse(entry->value, uuid) == 0)
                entry->value = uuid_format(uuid, arena_alloc(&domain->definition.arena, UUID_TEXT));
        }
}

/* One entry for each thread. */
static void split_schedulers(struct arena *arena, struct thread_scheduler ***items, unsigned *count)
{
    struct thread_scheduler **split = NULL;
    unsigned n_split = 0;

    for (unsigned i = 0; i < *count; i++)
        for (int id = cpuset_next((*items)[i]->threads, 0); id >= 0;
             id = cpuset_next((*items)[i]->threads, (unsigned)id + 1)) {
            struct thread_scheduler *one = arena_memdup(arena, (*items)[i], sizeof(*one));

            one->threads = cpuset_new(arena, (unsigned)id + 1);
            cpuset_add(one->threads, (unsigned)id);
            list_insert(arena, (void ***)&split, &n_split, n_split, one);
        }
    *items = split;
    *count = n_split;
}

static void scheduler_defaults(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;
    struct cpu_tune *tune = domain->cpu_tune;

    if (!tune)
        return;
    split_schedulers(arena, &tune->vcpu_schedulers.items, &tune->vcpu_schedulers.count);
    split_schedulers(arena, &tune->iothread_schedulers.items, &tune->iothread_schedulers.count);
}

static int guest_defaults(struct domain *domain, GError **error)
{
    domain_defaults_numa(domain);
    if (make_uuid(&domain->given_uuid, error) < 0 ||
        (domain->has_genid && make_uuid(&domain->given_genid, error) < 0) ||
        memory_defaults(domain, error) < 0)
        return -1;
    vcpu_defaults(domain);
    iothread_defaults(domain);
    os_defaults(domain);
    cpu_defaults(domain->cpu);
    seclabel_defaults(domain);
    sysinfo_defaults(domain);
    scheduler_defaults(domain);
    return 0;
}

/* ---- disks ---- */

static const struct disk_place {
    unsigned units_of_bus, buses; /* 0: the bus has no such places */
} disk_places[] = {
    [DISK_BUS_IDE] = {2, 2},
    [DISK_BUS_FDC] = {2, 1},
    [DISK_BUS_SCSI] = {7, 1},
    [DISK_BUS_SATA] = {6, 1},
};

void domain_disk_default_address(struct domain_disk *disk)
{
    const struct disk_place *place =
        disk->bus < G_N_ELEMENTS(disk_places) ? &disk_places[disk->bus] : NULL;
    int index = disk_target_index(disk->target, NULL);

    if (disk->info.address.type || !place || !place->buses || index < 0)
        return;
    unsigned units = place->units_of_bus, of_controller = units * place->buses;
    disk->info.address.type = ADDRESS_DRIVE;
    disk->info.address.drive = (struct drive_address){
        .controller = (unsigned)index / of_controller,
        .bus = (unsigned)index % of_controller / units,
        .unit = (unsigned)index % units,
    };
}

/* A label that says nothing is forgotten. */
static void label_defaults(struct domain_source_label **items, unsigned *count)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < *count; i++) {
        if (items[i]->label)
            default_to(&items[i]->relabel, TRISTATE_YES);
        if (items[i]->relabel || items[i]->label_skip)
            items[kept++] = items[i];
    }
    *count = kept;
}

/* Ports that a server has when the document names none. */
static const char *default_port(enum source_protocol protocol)
{
    static const char *const ports[] = {
        [SOURCE_PROTOCOL_NBD] = "10809",     [SOURCE_PROTOCOL_SHEEPDOG] = "7000",
        [SOURCE_PROTOCOL_GLUSTER] = "24007", [SOURCE_PROTOCOL_ISCSI] = "3260",
        [SOURCE_PROTOCOL_HTTP] = "80",       [SOURCE_PROTOCOL_HTTPS] = "443",
        [SOURCE_PROTOCOL_FTP] = "21",        [SOURCE_PROTOCOL_FTPS] = "990",
        [SOURCE_PROTOCOL_TFTP] = "69",       [SOURCE_PROTOCOL_SSH] = "22",
        [SOURCE_PROTOCOL_VXHS] = "9999",
    };

    return protocol < G_N_ELEMENTS(ports) ? ports[protocol] : NULL;
}

static void host_defaults(struct domain_source *source)
{
    LIST_EACH (host, &source->hosts)
        if (host->transport != SOURCE_TRANSPORT_UNIX && !host->port)
            host->port = default_port(source->protocol);
}

static void chain_defaults(struct domain_source *source)
{
    for (; source; source = source->backing) {
        label_defaults(source->labels.items, &source->labels.count);
        host_defaults(source);
    }
}

/* An empty drive of removable media is a file that is not there, whatever was in it before. */
static void empty_defaults(struct domain_disk *disk)
{
    struct domain_source *source = &disk->source;

    if (source->path && !*source->path)
        source->path = NULL;
    if ((disk->device == DISK_DEVICE_CDROM || disk->device == DISK_DEVICE_FLOPPY) &&
        domain_source_is_empty(source))
        source->type = SOURCE_FILE;
}

/* What headers of images say is read anew at each start. */
static void forget_images(struct domain_source *source)
{
    for (; source->backing; source = source->backing)
        if (source->backing->detected == TRISTATE_YES) {
            source->backing = NULL;
            return;
        }
}

static void disk_defaults(struct domain_disk *disk, const struct domain_defaults *defaults)
{
    if (!defaults->live)
        forget_images(&disk->source);
    default_to(&disk->source.type, SOURCE_FILE);
    default_to(&disk->device, DISK_DEVICE_DISK);
    if (disk->device == DISK_DEVICE_FLOPPY)
        default_to(&disk->bus, DISK_BUS_FDC);
    default_to(&disk->bus, disk_target_bus(disk->target));
    default_to(&disk->bus, DISK_BUS_IDE);
    if (disk->device == DISK_DEVICE_CDROM)
        disk->readonly = true;
    if (disk->device == DISK_DEVICE_LUN && disk->source.type == SOURCE_BLOCK && !disk->sgio &&
        disk->rawio == TRISTATE_YES)
        disk->sgio = DISK_SGIO_FILTERED;
    empty_defaults(disk);
    chain_defaults(&disk->source);
    domain_disk_default_address(disk);
}

/* Disks of one bus stand in the order of their names, whatever order they came in: boot order and
 * names in the guest depend on it. */
static unsigned place_in(const struct domain *domain, unsigned count,
                         const struct domain_disk *disk)
{
    unsigned place = count;
    bool met = false;

    for (unsigned i = count; i; i--) {
        const struct domain_disk *other = domain->devices.disks.items[i - 1];

        if (other->bus != disk->bus)
            continue;
        if (disk_target_index(other->target, NULL) > disk_target_index(disk->target, NULL))
            place = i - 1;
        else if (!met && place == count)
            place = i;
        met = true;
    }
    return place;
}

static void sort_disks(struct domain *domain)
{
    struct domain_disk **disks = domain->devices.disks.items;

    for (unsigned i = 0; i < domain->devices.disks.count; i++) {
        struct domain_disk *disk = disks[i];
        unsigned place = place_in(domain, i, disk);

        memmove(&disks[place + 1], &disks[place], (i - place) * sizeof(*disks));
        disks[place] = disk;
    }
}

/* ---- controllers ---- */

static unsigned next_index(const struct domain *domain, enum controller_type type)
{
    unsigned index = 0;

    while (domain_find_controller(domain, type, index))
        index++;
    return index;
}

/* The EHCI controller that a companion without number belongs to: the last one before it. */
static unsigned companion_index(const struct domain *domain, const struct domain_controller *of)
{
    unsigned index = 0;

    LIST_EACH (controller, &domain->devices.controllers) {
        if (controller == of)
            break;
        if (controller->type == CONTROLLER_USB && controller->model == CONTROLLER_USB_ICH9_EHCI1 &&
            controller->index.set)
            index = controller->index.value;
    }
    return index;
}

static void controller_defaults(const struct domain *domain, struct domain_controller *controller)
{
    if (!controller->index.set)
        controller->index = OPT_UINT(controller_is_usb_companion(controller)
                                         ? companion_index(domain, controller)
                                         : next_index(domain, controller->type));
}

/* ---- interfaces ---- */

/* Names that the incumbent and we give to devices that live as long as the guest runs. */
static bool is_made_up(const char *target)
{
    return g_str_has_prefix(target, "vnet") || g_str_has_prefix(target, "vif") ||
           g_str_has_prefix(target, "macvtap") || g_str_has_prefix(target, "macvlan");
}

static void rate_defaults(struct net_rate **rate)
{
    if (*rate && !(*rate)->average && !(*rate)->floor)
        *rate = NULL;
}

/* What the switch knows the port by. */
static int port_defaults(struct net_virtual_port *port)
{
    uint8_t *id = port->type == VIRTUAL_PORT_8021QBG       ? port->instance_id
                  : port->type == VIRTUAL_PORT_OPENVSWITCH ? port->interface_id
                                                           : NULL;

    return id && !uuid_is_valid(id) ? uuid_generate(id) : 0;
}

static int net_defaults(struct domain_net *net, const struct domain_defaults *defaults,
                        GError **error)
{
    if (!defaults->live && net->target && is_made_up(net->target))
        net->target = NULL;
    if (net->bandwidth) {
        rate_defaults(&net->bandwidth->inbound);
        rate_defaults(&net->bandwidth->outbound);
    }
    if (net->virtual_port && !defaults->live && port_defaults(net->virtual_port) < 0) {
        error_set_errno(error, errno, "cannot make up an identity for a virtual port");
        return -1;
    }
    if (!is_zero(net->mac, sizeof(net->mac)) || mac_generate(defaults->mac_prefix, net->mac) == 0)
        return 0;
    error_set_errno(error, errno, "cannot make up a MAC address");
    return -1;
}

/* ---- serial ports, consoles, channels ---- */

static bool has_end(uint8_t type)
{
    return type != CHARDEV_NULL && type != CHARDEV_VC && type != CHARDEV_STDIO &&
           type != CHARDEV_SPICEVMC;
}

static bool has_mode(uint8_t type)
{
    return type == CHARDEV_TCP || type == CHARDEV_UDP || type == CHARDEV_UNIX;
}

/* Ends that say nothing, nor their labels, are forgotten. A pseudo terminal's path, and that of a
 * socket which is only to be made, belong to the running guest. */
static void clean_ends(struct chardev_source *source, bool live)
{
    unsigned kept = 0;

    if (!has_end(source->type))
        source->ends.count = 0;
    LIST_EACH (end, &source->ends) {
        label_defaults(end->labels.items, &end->labels.count);
        if (source->type == CHARDEV_PTY && !live)
            end->path = NULL;
        if (!has_mode(source->type) || (source->type == CHARDEV_UNIX && !end->path))
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

static void source_defaults(struct chardev_source *source, const struct domain_defaults *defaults)
{
    bool has_default_mode = source->type == CHARDEV_TCP || source->type == CHARDEV_UNIX;

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
    console->port = OPT_UINT(0);
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
        LIST_APPEND(arena, &devices->serials, serial);
    } else if (devices->serials.count && on_serial) {
        devices->consoles.items[0] = console_like(domain, devices->serials.items[0]);
    } else if (devices->serials.count && is_for_consoles(devices->serials.items[0])) {
        LIST_INSERT(arena, &devices->consoles, 0, console_like(domain, devices->serials.items[0]));
    }
}

#define NUMBER_PORTS(list)                                                                         \
    do {                                                                                           \
        unsigned next = 0;                                                                         \
        LIST_EACH (numbered, list) {                                                               \
            if (!numbered->port.set)                                                               \
                numbered->port = OPT_UINT(next);                                                   \
            next = MAX(next, numbered->port.value + 1);                                            \
        }                                                                                          \
    } while (0)

static void chardev_defaults(struct domain *domain)
{
    LIST_EACH (console, &domain->devices.consoles) {
        default_to(&console->target, default_console_target(domain));
        /* numbered in order; an older document may say less */
        if (!console->port.set || console->port.value > console_i)
            console->port = OPT_UINT(console_i);
    }
    pair_console_with_serial(domain);
    NUMBER_PORTS(&domain->devices.serials);
    NUMBER_PORTS(&domain->devices.parallels);
}

/* ---- displays ---- */

/* The older attributes listen= and socket= of <graphics>, and the first <listen>: one of them makes
 * the other. */
/* An address that the daemon's configuration gave is chosen anew each time. */
static void forget_address(struct domain_graphics *graphics)
{
    LIST_EACH (listen, &graphics->listens) {
        if (listen->from_config != TRISTATE_YES)
            continue;
        listen->from_config = TRISTATE_ABSENT;
        listen->address = NULL;
        if (listen_i == 0)
            graphics->listen = NULL;
    }
}

static void listen_defaults(struct domain *domain, struct domain_graphics *graphics)
{
    struct arena *arena = &domain->definition.arena;

    if (!graphics->listens.count) {
        struct graphics_listen *listen = arena_new(arena, struct graphics_listen);

        listen->type = graphics->socket ? LISTEN_SOCKET : LISTEN_ADDRESS;
        listen->address = graphics->listen;
        listen->socket = graphics->socket;
        LIST_APPEND(arena, &graphics->listens, listen);
    }
    struct graphics_listen *first = graphics->listens.items[0];
    if (first->type == LISTEN_ADDRESS && !first->address)
        first->address = graphics->listen;
    if (first->type == LISTEN_SOCKET && !first->socket)
        first->socket = graphics->socket;
    graphics->listen = first->type == LISTEN_ADDRESS ? first->address : NULL;
    graphics->socket = first->type == LISTEN_SOCKET ? first->socket : NULL;
}

static bool has_ports(const struct domain_graphics *graphics)
{
    uint8_t type = graphics->listens.items[0]->type;

    return type == LISTEN_ADDRESS || type == LISTEN_NETWORK;
}

static void vnc_port_defaults(struct domain_graphics *graphics)
{
    if (graphics->port == -1 || !graphics->port)
        graphics->autoport = TRISTATE_YES;
    default_to(&graphics->autoport, TRISTATE_NO);
    if (graphics->autoport == TRISTATE_YES)
        graphics->port = graphics->type == GRAPHICS_RDP ? 0 : -1;
}

static void spice_port_defaults(struct domain_graphics *graphics)
{
    if (graphics->port == -1 && graphics->tls_port == -1)
        graphics->autoport = TRISTATE_YES;
    default_to(&graphics->autoport, TRISTATE_NO);
    if (graphics->autoport == TRISTATE_YES)
        graphics->port = graphics->tls_port = 0;
}

/* In the order of their names, each once, and only those that are unlike the others. */
static void spice_channel_defaults(struct domain_graphics *graphics)
{
    struct spice_channel *by_name[SPICE_CHANNEL_USBREDIR + 1] = {NULL};
    uint8_t usual = graphics->spice_default_mode;
    unsigned kept = 0;

    default_to(&usual, SPICE_MODE_ANY);
    LIST_EACH (channel, &graphics->spice->channels)
        by_name[channel->name] = channel;
    for (unsigned i = 0; i < G_N_ELEMENTS(by_name); i++)
        if (by_name[i] && by_name[i]->mode != usual)
            graphics->spice->channels.items[kept++] = by_name[i];
    graphics->spice->channels.count = kept;
}

static void graphics_defaults(struct domain *domain, struct domain_graphics *graphics,
                              const struct domain_defaults *defaults)
{
    if (graphics->type != GRAPHICS_VNC && graphics->type != GRAPHICS_SPICE &&
        graphics->type != GRAPHICS_RDP)
        return;
    if (!defaults->live)
        forget_address(graphics);
    listen_defaults(domain, graphics);
    if (graphics->spice)
        spice_channel_defaults(graphics);
    if (!graphics->password) {
        graphics->password_valid_to = NULL;
        graphics->connected = GRAPHICS_CONNECTED_NONE;
    }
    if (!has_ports(graphics)) {
        graphics->port = graphics->tls_port = 0;
        graphics->autoport = TRISTATE_ABSENT;
    } else if (!defaults->live) {
        graphics->type == GRAPHICS_SPICE ? spice_port_defaults(graphics)
                                         : vnc_port_defaults(graphics);
    }
}

/* Sizes of video memory are powers of two. */
static unsigned power_of_two(unsigned value)
{
    unsigned power = 1;

    while (power < value && power < 1u << 30)
        power <<= 1;
    return power;
}

static void default_size(unsigned *member, unsigned size)
{
    *member = power_of_two(*member ? *member : size);
}

void domain_video_default_sizes(struct domain_video *video)
{
    static const unsigned sizes[] = {
        [VIDEO_VGA] = 16384, [VIDEO_CIRRUS] = 16384, [VIDEO_VMVGA] = 16384,
        [VIDEO_XEN] = 4096,  [VIDEO_QXL] = 65536,    [VIDEO_BOCHS] = 16384,
    };

    if (video->type < G_N_ELEMENTS(sizes) && sizes[video->type])
        default_size(&video->vram, sizes[video->type]);
    if (video->type != VIDEO_QXL)
        return;
    default_size(&video->ram, sizes[VIDEO_QXL]);
    if (video->vgamem)
        video->vgamem = power_of_two(video->vgamem);
}

/* QEMU's choice depends on the machine. */
static enum video_type default_video_type(const struct domain *domain)
{
    switch (domain->type) {
    case DOMAIN_TYPE_TEST:
    case DOMAIN_TYPE_XEN:
        return domain->os.type == OS_HVM ? VIDEO_CIRRUS : VIDEO_XEN;
    case DOMAIN_TYPE_VBOX:
        return VIDEO_VBOX;
    case DOMAIN_TYPE_VMWARE:
        return VIDEO_VMVGA;
    case DOMAIN_TYPE_VZ:
    case DOMAIN_TYPE_PARALLELS:
        return domain->os.type == OS_HVM ? VIDEO_VGA : VIDEO_PARALLELS;
    case DOMAIN_TYPE_BHYVE:
        return VIDEO_GOP;
    default:
        return VIDEO_ABSENT;
    }
}

static void video_defaults(const struct domain *domain, struct domain_video *video)
{
    default_to(&video->type, default_video_type(domain));
    domain_video_default_sizes(video);
    if (!video->heads && video->type != VIDEO_NONE)
        video->heads = 1;
    if (domain->devices.videos.count && domain->devices.videos.items[0] == video &&
        video->type != VIDEO_NONE)
        default_to(&video->primary, TRISTATE_YES);
}

/* ---- the rest ---- */

/* Who may do what is the business of a virtiofsd that others started. */
static void filesystem_defaults(struct domain_filesystem *filesystem)
{
    if (!filesystem->source_socket)
        default_to(&filesystem->access, FILESYSTEM_ACCESS_PASSTHROUGH);
}

static void memory_slot_defaults(struct domain *domain, struct domain_memory *memory)
{
    if (memory->model != MEMORY_MODEL_DIMM && memory->model != MEMORY_MODEL_NVDIMM)
        return;
    default_to(&memory->info.address.type, ADDRESS_DIMM);
}

static void vsock_defaults(struct domain_vsock *vsock)
{
    default_to(&vsock->auto_cid, vsock->cid ? TRISTATE_NO : TRISTATE_YES);
}

static int one_device_defaults(struct domain *domain, const struct device *device,
                               const struct domain_defaults *defaults, GError **error)
{
    if (device->info && !defaults->live && !domain_alias_is_user(device->info->alias))
        device->info->alias = NULL;
    switch (device->kind) {
    case DEVICE_DISK:
        disk_defaults(device->object, defaults);
        break;
    case DEVICE_CONTROLLER:
        controller_defaults(domain, device->object);
        break;
    case DEVICE_NET:
        return net_defaults(device->object, defaults, error);
    case DEVICE_GRAPHICS:
        graphics_defaults(domain, device->object, defaults);
        break;
    case DEVICE_VIDEO:
        video_defaults(domain, device->object);
        break;
    case DEVICE_FILESYSTEM:
        filesystem_defaults(device->object);
        break;
    case DEVICE_VSOCK:
        vsock_defaults(device->object);
        break;
    case DEVICE_MEMORY:
        memory_slot_defaults(domain, device->object);
        break;
    default:
        break;
    }
    if (device->kind == DEVICE_CONSOLE)
        default_to(&((struct domain_console *)device->object)->source.type, CHARDEV_PTY);
    struct chardev_source *source = device_chardev_source(device);
    if (source)
        source_defaults(source, defaults);
    return 0;
}

int domain_device_defaults(struct domain *domain, enum device_kind kind, void *object,
                           const struct domain_defaults *defaults, GError **error)
{
    struct device device = {
        .kind = kind,
        .object = object,
        .info = device_kind_has_info(kind) ? object : NULL,
    };

    return one_device_defaults(domain, &device, defaults, error);
}

/* Who wants to be seen has something to show. */
void domain_add_video(struct domain *domain)
{
    struct domain_video *video;

    if (!domain->devices.graphics.count || domain->devices.videos.count)
        return;
    video = arena_new(&domain->definition.arena, struct domain_video);
    LIST_APPEND(&domain->definition.arena, &domain->devices.videos, video);
    video_defaults(domain, video);
}

int domain_apply_defaults(struct domain *domain, const struct domain_defaults *defaults,
                          GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    if (guest_defaults(domain, error) < 0 || domain_place_scsi_hostdevs(domain, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (one_device_defaults(domain, &devices[i], defaults, error) < 0)
            return -1;
    sort_disks(domain);
    chardev_defaults(domain);
    return 0;
}

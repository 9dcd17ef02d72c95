/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults-parts.h"

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
void domain_defaults_labels(struct domain_source_label **items, unsigned *count)
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
    const struct domain_source *top = source;

    for (; source; source = source->backing) {
        domain_defaults_labels(source->labels.items, &source->labels.count);
        host_defaults(source);
        if (source != top)
            source->startup_policy = STARTUP_POLICY_NONE; /* what is below goes with the disk */
    }
}

/* An empty drive of removable media is a file that is not there, whatever was in it before. */
static void empty_defaults(struct domain_disk *disk)
{
    struct domain_source *source = &disk->source;

    if (source->path && !*source->path)
        source->path = NULL;
    if (domain_disk_is_drive(disk) && domain_source_is_empty(source))
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

void domain_defaults_disk(struct domain_disk *disk, const struct domain_defaults *defaults)
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
    if (disk->readonly && disk->snapshot == DISK_SNAPSHOT_NO) /* which goes without saying */
        disk->snapshot = DISK_SNAPSHOT_NONE;
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

void domain_defaults_sort_disks(struct domain *domain)
{
    struct domain_disk **disks = domain->devices.disks.items;

    for (unsigned i = 0; i < domain->devices.disks.count; i++) {
        struct domain_disk *disk = disks[i];
        unsigned place = place_in(domain, i, disk);

        memmove(&disks[place + 1], &disks[place], (i - place) * sizeof(*disks));
        disks[place] = disk;
    }
}

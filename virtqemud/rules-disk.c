/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "block-secrets.h"
#include "faults.h"
#include "rules-parts.h"

/* ---- where the bytes come from ---- */

static bool has_two_parts(const struct domain_source *source)
{
    return source->protocol != SOURCE_PROTOCOL_GLUSTER && source->protocol != SOURCE_PROTOCOL_RBD;
}

bool rules_is_printable(const char *text)
{
    for (; text && *text; text++)
        if (!g_ascii_isprint(*text))
            return false;
    return true;
}

static int check_port(const char *port, GError **error)
{
    uint64_t number = 0;
    bool is_number = !port || g_ascii_string_to_unsigned(port, 10, 0, UINT32_MAX, &number, NULL);
    const struct fault faults[] = {
        {!is_number, FAULT_ARGUMENT, "it is not a number"},
        {number > UINT16_MAX, FAULT_ARGUMENT, "it is not between 0 and 65535"},
    };

    return FAULTS_CHECK(faults, error, "source/host/@port '%s'", port);
}

int rules_check_host(const struct source_host *host, GError **error)
{
    bool by_path = host->transport == SOURCE_TRANSPORT_UNIX;
    const struct fault faults[] = {
        {!by_path && !host->name, FAULT_XML, "@name is missing"},
        {!by_path && host->socket, FAULT_XML, "@socket is for transport 'unix' alone"},
        {by_path && !host->socket, FAULT_XML, "transport 'unix' needs a @socket"},
    };

    if (FAULTS_CHECK(faults, error, "source/host") < 0)
        return -1;
    return check_port(host->port, error);
}

static int check_cookies(const struct source_network *network, GError **error)
{
    LIST_EACH (cookie, &network->cookies) {
        bool twice = false;

        for (unsigned i = 0; i < cookie_i; i++)
            twice |= g_strcmp0(network->cookies.items[i]->name, cookie->name) == 0;
        const struct fault faults[] = {
            {!cookie->name || !*cookie->name, FAULT_XML, "@name is missing"},
            {!cookie->value || !*cookie->value, FAULT_XML, "it has no value"},
            {twice, FAULT_XML, "it is there twice"},
        };
        if (FAULTS_CHECK(faults, error, "source/cookies/cookie '%s'", cookie->name ?: "") < 0)
            return -1;
    }
    return 0;
}

static int check_network(const struct domain_source *source, GError **error)
{
    const struct source_auth *auth = domain_source_auth(source);
    const struct fault faults[] = {
        {!source->name && source->protocol != SOURCE_PROTOCOL_NBD, FAULT_XML, "@name is missing"},
        {source->name && !has_two_parts(source) && !strchr(source->name, '/'), FAULT_XML,
         "@name must be that of a pool or volume, '/', and that of an image"},
        {source->protocol == SOURCE_PROTOCOL_TFTP, FAULT_QEMU, "QEMU has no protocol 'tftp'"},
        {auth && (!auth->username || !*auth->username), FAULT_XML, "auth/@username is missing"},
        {auth && !auth->secret.type, FAULT_XML, "auth/secret is missing"},
    };

    if (FAULTS_CHECK(faults, error, "source '%s'", source->name ?: "") < 0)
        return -1;
    LIST_EACH (host, &source->hosts)
        if (rules_check_host(host, error) < 0)
            return -1;
    return source->network ? check_cookies(source->network, error) : 0;
}

static int check_labels(const struct domain_source *source, GError **error)
{
    LIST_EACH (label, &source->labels) {
        bool twice = false;

        for (unsigned i = 0; i < label_i; i++)
            twice |= g_strcmp0(source->labels.items[i]->model, label->model) == 0;
        const struct fault faults[] = {
            {twice, FAULT_DETAIL, "there are two of this model"},
            {label->label && label->relabel == TRISTATE_NO, FAULT_XML,
             "it has a label, which relabel='no' forbids"},
        };
        if (FAULTS_CHECK(faults, error, "source/seclabel '%s'", label->model ?: "") < 0)
            return -1;
    }
    return 0;
}

static bool is_unix(const char *via)
{
    return via && g_str_equal(via, "unix");
}

static int check_source(const struct domain_source *source, GError **error)
{
    bool nvme = source->type == SOURCE_NVME;
    const struct source_metadata_cache *cache = source->metadata_cache;
    const struct fault faults[] = {
        {source->type == SOURCE_DIR && source->format != IMAGE_FORMAT_FAT, FAULT_QEMU,
         "type 'dir' needs a driver of type 'fat'"},
        {nvme && g_strcmp0(source->via, "pci"), FAULT_XML, "@type of nvme is 'pci' alone"},
        {nvme && source->nvme && !source->nvme->namespace, FAULT_GUEST, "@namespace can't be 0"},
        {nvme && (!source->nvme || pci_address_is_empty(&source->nvme->address)), FAULT_XML,
         "nvme needs an <address>"},
        {source->type == SOURCE_VHOST_USER && !is_unix(source->via), FAULT_XML,
         "@type of vhostuser is 'unix' alone"},
        {source->reservations && source->reservations->managed == TRISTATE_NO &&
             !source->reservations->type,
         FAULT_XML, "reservations/source is missing"},
        {cache && cache->max_size && source->format != IMAGE_FORMAT_QCOW2, FAULT_GUEST,
         "a size of the metadata cache is for format 'qcow2' alone"},
        {source->encryption && source->disk_encryption, FAULT_GUEST,
         "<encryption> is there twice, in it and beside it"},
        {source->auth && source->disk_auth, FAULT_GUEST,
         "<auth> is there twice, in it and beside it"},
    };

    if (FAULTS_CHECK(faults, error, "source") < 0 || check_labels(source, error) < 0)
        return -1;
    return source->type == SOURCE_NETWORK ? check_network(source, error) : 0;
}

static int check_backing(const struct domain_source *backing, GError **error)
{
    const struct fault faults[] = {
        {!backing->format, FAULT_XML, "<format> is missing"},
        {domain_source_is_empty(backing), FAULT_XML, "<source> is missing"},
    };

    if (!backing->type)
        return 0;
    return FAULTS_CHECK(faults, error, "backingStore");
}

static int check_data(const struct domain_source *source, GError **error)
{
    const struct domain_source *data = source->data_file;
    const struct fault faults[] = {
        {data && !data->type, FAULT_XML, "@type is missing"},
        {data && domain_source_is_empty(data), FAULT_XML, "<source> is missing"},
    };

    return FAULTS_CHECK(faults, error, "dataStore");
}

static int check_chain(const struct domain_disk *disk, GError **error)
{
    for (const struct domain_source *at = &disk->source; at; at = at->backing)
        if (check_data(at, error) < 0 || block_secrets_check(at, error) < 0)
            return -1;
    if (!domain_source_is_empty(&disk->source) && check_source(&disk->source, error) < 0)
        return -1;
    for (const struct domain_source *at = disk->source.backing; at; at = at->backing)
        if (check_backing(at, error) < 0)
            return -1;
    return 0;
}

/* ---- the disk ---- */

enum { SCSI_VENDOR_LONGEST = 8, SCSI_PRODUCT_LONGEST = 16 };

static bool is_longer(const char *text, size_t longest)
{
    return text && strlen(text) > longest;
}

static bool can_be_shared(uint8_t format)
{
    return format == IMAGE_FORMAT_RAW || format == IMAGE_FORMAT_NONE;
}

static int check_medium(const struct domain_disk *disk, GError **error)
{
    bool on_virtio = disk->bus == DISK_BUS_VIRTIO, drive = domain_disk_is_drive(disk);
    bool direct = disk->cache == DISK_CACHE_DISABLE || disk->cache == DISK_CACHE_DIRECTSYNC;
    const struct fault faults[] = {
        {on_virtio && drive, FAULT_QEMU, "disk type of '%s' does not support ejectable media"},
        {on_virtio && (disk->vendor || disk->product || disk->wwn), FAULT_QEMU,
         "disk '%s': vendor, product and wwn are not for bus 'virtio'"},
        {disk->tray == DISK_TRAY_OPEN && !drive, FAULT_QEMU,
         "tray is only valid for cdrom and floppy"},
        {disk->shareable && !disk->readonly && !can_be_shared(disk->source.format), FAULT_QEMU,
         "shared access for disk '%s' requires use of supported storage format"},
        {disk->io == DISK_IO_NATIVE && !direct, FAULT_QEMU,
         "native I/O needs either no disk cache or directsync cache mode, QEMU will fallback to "
         "aio=threads"},
        {is_longer(disk->vendor, SCSI_VENDOR_LONGEST), FAULT_QEMU,
         "disk vendor is more than 8 characters"},
        {is_longer(disk->product, SCSI_PRODUCT_LONGEST), FAULT_QEMU,
         "disk product is more than 16 characters"},
        {disk->wwn && disk->bus != DISK_BUS_IDE && disk->bus != DISK_BUS_SCSI, FAULT_QEMU,
         "Only ide and scsi disk support wwn"},
    };

    return FAULTS_SAY(faults, error, disk->target);
}

/* What is written and forgotten again. */
static int check_transient(const struct domain_disk *disk, GError **error)
{
    const struct domain_source *source = &disk->source;
    const struct fault faults[] = {
        {domain_source_is_empty(source), FAULT_QEMU, "transient disk '%s' must not be empty"},
        {source->type != SOURCE_FILE || !source->path, FAULT_QEMU,
         "transient disk supported only with 'file' type (%s)"},
        {disk->readonly, FAULT_QEMU, "transient disk '%s' must not be read-only"},
        {disk->device != DISK_DEVICE_DISK, FAULT_QEMU,
         "transient disk supported only with 'disk' device (%s)"},
    };

    return disk->transient ? FAULTS_SAY(faults, error, disk->target) : 0;
}

static int check_driver(const struct domain *domain, const struct domain_disk *disk, GError **error)
{
    if (disk->driver_name && !g_str_equal(disk->driver_name, "qemu"))
        return faults_fail(FAULT_QEMU, error, "unsupported driver name '%s' for disk '%s'",
                           disk->driver_name, disk->target);
    if (disk->geometry && disk->geometry->trans && disk->bus != DISK_BUS_IDE)
        return faults_fail(FAULT_QEMU, error,
                           "CHS translation mode can only be set for 'ide' bus not '%s'",
                           names_word(&disk_bus_names, disk->bus));
    if (disk->iothread && !domain_has_iothread(domain, disk->iothread))
        return faults_fail(FAULT_QEMU, error, "Disk iothread '%u' not defined in iothreadid",
                           disk->iothread);
    return 0;
}

bool rules_has_virtio_options(const struct domain_virtio *virtio)
{
    return virtio->iommu || virtio->ats || virtio->packed || virtio->page_per_vq;
}

static bool fits_virtio(uint8_t address)
{
    return address != ADDRESS_DRIVE && address != ADDRESS_USB && address != ADDRESS_ISA &&
           address != ADDRESS_VIRTIO_SERIAL && address != ADDRESS_CCID &&
           address != ADDRESS_SPAPR_VIO && address != ADDRESS_DIMM;
}

static bool is_lun_bus(uint8_t bus)
{
    return bus == DISK_BUS_SCSI || bus == DISK_BUS_VIRTIO;
}

static bool is_ata(uint8_t bus)
{
    return bus == DISK_BUS_IDE || bus == DISK_BUS_SATA;
}

static bool rotates(uint8_t bus)
{
    return bus == DISK_BUS_SCSI || is_ata(bus);
}

static bool is_safe(const char *serial)
{
    return !serial || !serial[strspn(serial, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789 _-.+:/|[](){}\"'&%#@!?^~=$*\\")];
}

static bool is_raw(const struct domain_source *source)
{
    return !source->format || source->format == IMAGE_FORMAT_RAW;
}

static int check_kind(const struct domain *domain, const struct domain_disk *disk, GError **error)
{
    const struct domain_source *source = &disk->source;
    bool lun = disk->device == DISK_DEVICE_LUN, on_virtio = disk->bus == DISK_BUS_VIRTIO;
    const struct fault faults[] = {
        {lun && !is_lun_bus(disk->bus), FAULT_GUEST, "device 'lun' is for bus scsi and virtio"},
        {lun && !is_raw(source), FAULT_QEMU, "device 'lun' needs a driver of type 'raw'"},
        {lun && source->type == SOURCE_NETWORK && source->protocol != SOURCE_PROTOCOL_ISCSI,
         FAULT_QEMU, "device 'lun' can't be of this protocol"},
        {disk->readonly && disk->device == DISK_DEVICE_DISK && is_ata(disk->bus), FAULT_QEMU,
         "bus ide and sata have no disks that can't be written to: <readonly/>"},
        {disk->rotation_rate && disk->device != DISK_DEVICE_DISK, FAULT_INTERNAL,
         "target/@rotation_rate is for device 'disk' alone"},
        {lun && (disk->vendor || disk->product), FAULT_GUEST,
         "device 'lun' has the vendor and product that it says itself"},
        {source->type == SOURCE_VHOST_USER && !domain_shares_memory(domain), FAULT_QEMU,
         "type 'vhostuser' needs shared memory: <memoryBacking><access mode='shared'/>"},
        {source->type == SOURCE_DIR && !disk->readonly && !domain_disk_is_drive(disk), FAULT_QEMU,
         "type 'dir' can't be written to: <readonly/> is missing"},
        {on_virtio && !fits_virtio(disk->info.address.type), FAULT_QEMU,
         "bus 'virtio' has no addresses of this type"},
        {!on_virtio && rules_has_virtio_options(&disk->virtio), FAULT_QEMU,
         "iommu, ats, packed and page_per_vq are for bus 'virtio' alone"},
        {!on_virtio && disk->model && disk->model < DISK_MODEL_USB_STORAGE, FAULT_QEMU,
         "this @model is for bus 'virtio' alone"},
        {disk->bus != DISK_BUS_USB && disk->model >= DISK_MODEL_USB_STORAGE, FAULT_QEMU,
         "this @model is for bus 'usb' alone"},
        {disk->rotation_rate && !rotates(disk->bus), FAULT_XML,
         "target/@rotation_rate is for bus scsi, ide and sata"},
        {disk->dpofua && disk->bus != DISK_BUS_SCSI, FAULT_QEMU,
         "target/@dpofua is for bus scsi alone"},
        {disk->share_backing == TRISTATE_YES && !is_lun_bus(disk->bus), FAULT_QEMU,
         "transient/@shareBacking is for bus scsi and virtio"},
    };

    return FAULTS_CHECK(faults, error, "disk '%s'", disk->target);
}

/* What its target's name must be: the place on the controller follows from it. */
static bool is_nameless(const struct domain_disk *disk)
{
    return disk_target_index(disk->target, NULL) < 0 && disk->bus != DISK_BUS_NVME &&
           disk->info.address.type != ADDRESS_DRIVE;
}

static int check_words(const struct domain_disk *disk, GError **error)
{
    uint8_t policy = disk->source.startup_policy, type = disk->source.type;
    const struct fault faults[] = {
        {is_nameless(disk), FAULT_XML,
         "target/@dev is no name like sda or vdb, and there is no <address> of a drive"},
        {policy && type != SOURCE_FILE && type != SOURCE_BLOCK && type != SOURCE_DIR &&
             type != SOURCE_VOLUME,
         FAULT_XML, "source/@startupPolicy is not for this type"},
        {policy == STARTUP_POLICY_REQUISITE && !domain_disk_is_drive(disk), FAULT_XML,
         "source/@startupPolicy 'requisite' is for cdrom and floppy"},
        {disk->copy_on_read == TRISTATE_ON && domain_disk_is_drive(disk), FAULT_QEMU,
         "copy_on_read is not for cdrom and floppy"},
        {disk->copy_on_read == TRISTATE_ON && disk->readonly, FAULT_QEMU,
         "copy_on_read does not go with <readonly/>"},
        {disk->rerror_policy == DISK_ERROR_POLICY_ENOSPACE, FAULT_GUEST,
         "driver/@rerror_policy can be stop, report, ignore"},
        {!rules_is_printable(disk->vendor), FAULT_XML, "<vendor> is not printable"},
        {!rules_is_printable(disk->product), FAULT_XML, "<product> is not printable"},
        {!is_safe(disk->serial), FAULT_XML, "<serial> has characters that are not allowed"},
        {disk->wwn &&
             (strlen(disk->wwn) != 16 || disk->wwn[strspn(disk->wwn, "0123456789abcdefABCDEF")]),
         FAULT_XML, "<wwn> is not 16 hexadecimal digits"},
    };

    return FAULTS_CHECK(faults, error, "disk '%s'", disk->target);
}

/* ---- its place on a controller ---- */

enum { SCSI_TARGETS = 256 };

/* How many units a controller has is asked when the guest starts: check-limits.c. */
static int check_place(const struct domain *domain, const struct domain_disk *disk, GError **error)
{
    const struct drive_address *at = &disk->info.address.drive;
    const struct domain_controller *controller =
        domain_find_controller(domain, CONTROLLER_SCSI, at->controller);
    bool scsi = disk->bus == DISK_BUS_SCSI, ide = disk->bus == DISK_BUS_IDE;
    bool lsi = scsi && controller && controller->model == CONTROLLER_SCSI_LSILOGIC;
    unsigned targets = !scsi || lsi ? 1 : SCSI_TARGETS;
    const struct fault faults[] = {
        {(ide || disk->bus == DISK_BUS_FDC) && at->controller, FAULT_QEMU,
         "@controller: there is only one"},
        {at->bus > ide, FAULT_QEMU, "@bus: the controller has fewer"},
        {at->target >= targets, FAULT_QEMU, "@target: the controller has fewer"},
    };

    if (disk->info.address.type != ADDRESS_DRIVE)
        return 0;
    return FAULTS_CHECK(faults, error, "disk '%s': address", disk->target);
}

static bool is_same_place(const struct domain_disk *a, const struct domain_disk *b)
{
    const struct drive_address *one = &a->info.address.drive, *two = &b->info.address.drive;

    return a->bus == b->bus && a->info.address.type == ADDRESS_DRIVE &&
           b->info.address.type == ADDRESS_DRIVE && one->controller == two->controller &&
           one->bus == two->bus && one->target == two->target && one->unit == two->unit;
}

/* ---- limits ---- */

#define MOST_PER_SECOND UINT64_C(1000000000000000)

static bool has_limit(const struct disk_iotune *tune)
{
    return tune->total_bytes_sec || tune->read_bytes_sec || tune->write_bytes_sec ||
           tune->total_iops_sec || tune->read_iops_sec || tune->write_iops_sec;
}

static int check_limits(const struct domain_disk *disk, GError **error)
{
    const struct disk_iotune none = {0}, *tune = disk->iotune ?: &none;
    const struct fault faults[] = {
        {tune->group_name && !has_limit(tune), FAULT_QEMU, "group_name needs limits beside it"},
        {tune->total_bytes_sec > MOST_PER_SECOND || tune->read_bytes_sec > MOST_PER_SECOND ||
             tune->write_bytes_sec > MOST_PER_SECOND || tune->total_iops_sec > MOST_PER_SECOND ||
             tune->read_iops_sec > MOST_PER_SECOND || tune->write_iops_sec > MOST_PER_SECOND,
         FAULT_LIMIT, "limits are at most 1000000000000000"},
    };

    return FAULTS_CHECK(faults, error, "disk '%s': iotune", disk->target);
}

static bool share_limits_wrongly(const struct domain_disk *a, const struct domain_disk *b)
{
    const struct disk_iotune *one = a->iotune, *two = b->iotune;

    return one && two && one->group_name && g_strcmp0(one->group_name, two->group_name) == 0 &&
           (one->total_bytes_sec != two->total_bytes_sec ||
            one->read_bytes_sec != two->read_bytes_sec ||
            one->write_bytes_sec != two->write_bytes_sec ||
            one->total_iops_sec != two->total_iops_sec ||
            one->read_iops_sec != two->read_iops_sec || one->write_iops_sec != two->write_iops_sec);
}

static int check_beside(const struct domain_disk *disk, const struct domain_disk *other,
                        GError **error)
{
    const struct fault faults[] = {
        {is_same_place(disk, other), FAULT_GUEST, "both have the same address"},
        {share_limits_wrongly(disk, other), FAULT_QEMU,
         "both are of one iotune/group_name, and their limits differ"},
    };

    return FAULTS_CHECK(faults, error, "disks '%s' and '%s'", other->target, disk->target);
}

int rules_check_disks(const struct domain *domain, GError **error)
{
    LIST_EACH (disk, &domain->devices.disks) {
        if (check_medium(disk, error) < 0 || check_transient(disk, error) < 0 ||
            check_driver(domain, disk, error) < 0 || check_kind(domain, disk, error) < 0 ||
            check_words(disk, error) < 0 || check_chain(disk, error) < 0 ||
            check_place(domain, disk, error) < 0 || check_limits(disk, error) < 0)
            return -1;
        for (unsigned i = 0; i < disk_i; i++)
            if (check_beside(disk, domain->devices.disks.items[i], error) < 0)
                return -1;
    }
    return 0;
}

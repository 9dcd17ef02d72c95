/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-check.h"

#include <string.h>

#include "xml/xml.h"

/* What clients compare is code and speaker: rules that every driver has speak for the domain. */
#define REFUSE(error, code, ...) (error_set_from((error), VIR_FROM_DOMAIN, (code), __VA_ARGS__), -1)

/* ---- names and numbers that may be used once ---- */

static int check_boot_orders(const struct domain *domain, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; devices[i].info && devices[i].info->boot_order && j < i; j++)
            if (devices[j].info && devices[j].info->boot_order == devices[i].info->boot_order)
                return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                              "boot order '%u' used for more than one device",
                              devices[i].info->boot_order);
    for (unsigned i = 0; domain->os.boots.count && i < count; i++)
        if (devices[i].info && devices[i].info->boot_order)
            return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                          "per-device boot elements cannot be used together with os/boot elements");
    return 0;
}

static int check_targets(const struct domain *domain, GError **error)
{
    LIST_EACH (disk, &domain->devices.disks)
        for (unsigned j = 0; j < disk_i; j++)
            if (g_strcmp0(domain->devices.disks.items[j]->target, disk->target) == 0)
                return REFUSE(error, VIR_ERR_XML_ERROR,
                              "target '%s' duplicated for disk sources '%s' and '%s'", disk->target,
                              domain->devices.disks.items[j]->source.path ?: "(none)",
                              disk->source.path ?: "(none)");
    return 0;
}

/* A console has the name of the serial port that it shows, and the parts of one USB controller have
 * that of the whole. */
static bool shares_alias(const struct device *device)
{
    return device->kind == DEVICE_CONSOLE ||
           (device->kind == DEVICE_CONTROLLER && controller_is_usb_companion(device->object));
}

static int check_aliases(const struct domain *domain, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++) {
        const char *alias = devices[i].info ? devices[i].info->alias : NULL;

        if (alias && !shares_alias(&devices[i]) && !g_hash_table_add(seen, (char *)alias))
            return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED, "non unique alias detected: %s",
                          alias);
    }
    return 0;
}

static bool may_share_index(const struct domain_controller *a, const struct domain_controller *b)
{
    return a->type == CONTROLLER_USB &&
           (controller_is_usb_companion(a) || controller_is_usb_companion(b));
}

static int check_controllers(const struct domain *domain, GError **error)
{
    LIST_EACH (controller, &domain->devices.controllers)
        for (unsigned j = 0; j < controller_i; j++) {
            const struct domain_controller *other = domain->devices.controllers.items[j];

            if (other->type == controller->type && other->index.value == controller->index.value &&
                !may_share_index(other, controller))
                return REFUSE(error, VIR_ERR_XML_ERROR, "Multiple '%s' controllers with index '%u'",
                              names_word(&controller_type_names, controller->type),
                              controller->index.value);
        }
    return 0;
}

static int check_audios(const struct domain *domain, GError **error)
{
    LIST_EACH (audio, &domain->devices.audios)
        if (domain_find_audio(domain, audio->id) != audio)
            return REFUSE(error, VIR_ERR_XML_ERROR, "multiple audio backends have id '%u'",
                          audio->id);
    LIST_EACH (sound, &domain->devices.sounds)
        if (sound->audio.set && !domain_find_audio(domain, sound->audio.value))
            return REFUSE(error, VIR_ERR_XML_ERROR, "no audio device with id '%u'",
                          sound->audio.value);
    return 0;
}

/* Each is a thread of QEMU, and an element of lists that clients ask for. */
#define MOST_IOTHREADS 16384

static int check_iothreads(const struct domain *domain, GError **error)
{
    if (domain->iothread_count > MOST_IOTHREADS)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED, "iothreads: %u are more than %d",
                      domain->iothread_count, MOST_IOTHREADS);
    LIST_EACH (iothread, &domain->iothreads)
        for (unsigned j = 0; j < iothread_i; j++)
            if (domain->iothreads.items[j]->id == iothread->id)
                return REFUSE(error, VIR_ERR_XML_ERROR, "duplicate iothread id '%u' found",
                              iothread->id);
    return 0;
}

/* ---- disks ---- */

static const uint8_t disk_address_types[] = {
    [DISK_BUS_IDE] = ADDRESS_DRIVE,  [DISK_BUS_FDC] = ADDRESS_DRIVE,
    [DISK_BUS_SCSI] = ADDRESS_DRIVE, [DISK_BUS_SATA] = ADDRESS_DRIVE,
    [DISK_BUS_USB] = ADDRESS_USB,
};

static int check_disk_address(const struct domain_disk *disk, GError **error)
{
    uint8_t type = disk->info.address.type;
    uint8_t fits =
        disk->bus < G_N_ELEMENTS(disk_address_types) ? disk_address_types[disk->bus] : ADDRESS_NONE;

    if (type == ADDRESS_NONE || type == ADDRESS_UNASSIGNED || fits == ADDRESS_NONE || type == fits)
        return 0;
    return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "Invalid address type '%s' for the disk '%s' with the bus type '%s'",
                  names_word(&address_type_names, type), disk->target,
                  names_word(&disk_bus_names, disk->bus));
}

static int check_disk(const struct domain_disk *disk, GError **error)
{
    if (domain_source_is_empty(&disk->source) &&
        (disk->device == DISK_DEVICE_DISK || disk->device == DISK_DEVICE_LUN))
        return REFUSE(error, VIR_ERR_NO_SOURCE, "disk '%s' has no source", disk->target);
    if (disk->bus == DISK_BUS_FDC && disk->device != DISK_DEVICE_FLOPPY)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "disk '%s': only a floppy can be on bus 'fdc'", disk->target);
    if (disk->device == DISK_DEVICE_FLOPPY && disk->bus != DISK_BUS_FDC)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED, "Invalid bus type '%s' for floppy disk",
                      names_word(&disk_bus_names, disk->bus));
    if ((disk->queues || disk->ioeventfd || disk->event_idx) && disk->bus != DISK_BUS_VIRTIO)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "disk '%s': queues, ioeventfd and event_idx are for bus 'virtio' only",
                      disk->target);
    if (disk->iothread && disk->bus != DISK_BUS_VIRTIO)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "disk '%s': iothread is for bus 'virtio' only (of SCSI, the controller's "
                      "driver has it)",
                      disk->target);
    if (disk->removable && disk->bus != DISK_BUS_USB && disk->bus != DISK_BUS_SCSI)
        return REFUSE(error, VIR_ERR_XML_ERROR, "removable is only valid for usb or scsi disks");
    return check_disk_address(disk, error);
}

static bool has_mixed_limits(const struct disk_iotune *tune)
{
    return (tune->total_bytes_sec && (tune->read_bytes_sec || tune->write_bytes_sec)) ||
           (tune->total_iops_sec && (tune->read_iops_sec || tune->write_iops_sec)) ||
           (tune->total_bytes_sec_max && (tune->read_bytes_sec_max || tune->write_bytes_sec_max)) ||
           (tune->total_iops_sec_max && (tune->read_iops_sec_max || tune->write_iops_sec_max));
}

static int check_iotune(const struct domain_disk *disk, GError **error)
{
    if (disk->iotune && has_mixed_limits(disk->iotune))
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "disk '%s': iotune: total and read/write cannot be set at the same time",
                      disk->target);
    return 0;
}

static int check_throttle_groups(const struct domain *domain, GError **error)
{
    LIST_EACH (group, &domain->throttle_groups) {
        if (has_mixed_limits(group))
            return REFUSE(error, VIR_ERR_XML_ERROR,
                          "throttlegroup '%s': total and read/write cannot be set at the same time",
                          group->group_name);
        if (domain_find_throttle_group(domain, group->group_name) != group)
            return REFUSE(error, VIR_ERR_XML_ERROR, "duplicate throttlegroup name '%s' found",
                          group->group_name);
    }
    return 0;
}

static int check_throttle_filters(const struct domain *domain, const struct domain_disk *disk,
                                  GError **error)
{
    if (disk->throttle_groups.count && disk->iotune)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "block 'throttlefilters' can't be used together with 'iotune' for disk '%s'",
                      disk->target);
    LIST_EACH (group, &disk->throttle_groups)
        if (!domain_find_throttle_group(domain, group))
            return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                          "throttle group '%s' of disk '%s' was not found among throttlegroups",
                          group, disk->target);
    return 0;
}

static int check_sgio(const struct domain *domain, GError **error)
{
    bool unfiltered = false;

    LIST_EACH (disk, &domain->devices.disks)
        unfiltered |= disk->sgio == DISK_SGIO_UNFILTERED;
    LIST_EACH (hostdev, &domain->devices.hostdevs)
        unfiltered |= hostdev->sgio == DISK_SGIO_UNFILTERED;
    return unfiltered
               ? REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED, "unfiltered sgio is no longer supported")
               : 0;
}

static int check_disks(const struct domain *domain, GError **error)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (check_disk(disk, error) < 0 || check_iotune(disk, error) < 0 ||
            check_throttle_filters(domain, disk, error) < 0)
            return -1;
    return check_targets(domain, error);
}

/* ---- the guest ---- */

static int check_os(const struct domain *domain, GError **error)
{
    const struct domain_os *os = &domain->os;

    if (os->firmware && os->loader && os->loader->path && os->loader->type == LOADER_ROM)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "os/@firmware: firmware is chosen automatically, or by <loader>, not both");
    if (os->nvram && os->loader && os->loader->stateless == TRISTATE_YES)
        return REFUSE(error, VIR_ERR_XML_DETAIL, "os/nvram: a stateless loader has no variables");
    if ((os->nvram || os->loader) && !os->firmware && !(os->loader && os->loader->path))
        return REFUSE(error, VIR_ERR_XML_DETAIL,
                      "os/loader: it has no path, and os/@firmware, which would choose one, is "
                      "absent");
    return 0;
}

static int check_vcpus(const struct domain *domain, GError **error)
{
    const struct cpu_topology *topology = domain->cpu ? domain->cpu->topology : NULL;

    if (domain->vcpus.count && domain->vcpus.count != domain->max_vcpus)
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "vcpus: there are %u of them, but the guest has %u vcpus",
                      domain->vcpus.count, domain->max_vcpus);
    if (!topology)
        return 0;
    uint64_t places = (uint64_t)topology->sockets * topology->dies * MAX(topology->clusters, 1u) *
                      topology->cores * topology->threads;
    if (places != domain->max_vcpus)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "CPU topology doesn't match maximum vcpu count: cpu/topology has room for "
                      "%" G_GUINT64_FORMAT ", vcpu is %u",
                      places, domain->max_vcpus);
    return 0;
}

static int check_seclabels(const struct domain *domain, GError **error)
{
    LIST_EACH (seclabel, &domain->seclabels) {
        bool only_type = seclabel->type == SECLABEL_NONE && domain->seclabels.count == 1;

        if (!seclabel->model && !only_type && domain->seclabels.count > 1)
            return REFUSE(error, VIR_ERR_XML_ERROR, "missing security model in domain seclabel");
        if (seclabel->type == SECLABEL_STATIC && !seclabel->label)
            return REFUSE(error, VIR_ERR_XML_ERROR,
                          "seclabel/label: is missing: a static label must be given");
    }
    return 0;
}

static int check_lifecycle(const struct domain *domain, GError **error)
{
    if (domain->on_poweroff > LIFECYCLE_PRESERVE || domain->on_reboot > LIFECYCLE_PRESERVE)
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "on_poweroff, on_reboot: coredump-... is for on_crash only");
    return 0;
}

static bool is_bad_name(const char *name)
{
    return !*name || strchr(name, '\n') || strchr(name, '/') || g_str_equal(name, ".") ||
           g_str_equal(name, "..");
}

static int check_name(const struct domain *domain, GError **error)
{
    if (is_bad_name(domain->name))
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "name %s cannot contain '/' or line breaks, nor be empty", domain->name);
    if (domain->title && strchr(domain->title, '\n'))
        return REFUSE(error, VIR_ERR_XML_ERROR, "Domain title can't contain newlines");
    return 0;
}

/* ---- displays, channels ---- */

static int check_video(const struct domain *domain, GError **error)
{
    unsigned primaries = 0;

    LIST_EACH (video, &domain->devices.videos) {
        if (video->type == VIDEO_NONE && domain->devices.videos.count > 1)
            return REFUSE(error, VIR_ERR_XML_ERROR,
                          "a 'none' video type must be the only video device defined for the "
                          "domain");
        primaries += video->primary;
    }
    if (primaries > 1)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "Only one primary video device is supported");
    return 0;
}

/* ---- ports of switches ---- */

/* Of a network, the network knows the rest. */
static int check_virtual_port(const struct domain_net *net, GError **error)
{
    bool on_switch = net->type == NET_NETWORK || net->type == NET_BRIDGE ||
                     net->type == NET_DIRECT || net->type == NET_HOSTDEV;
    const char *missing = net_virtual_port_missing(net->virtual_port);

    if (!on_switch)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "<virtualport> element unsupported for <interface type='%s'>",
                      names_word(&net_type_names, net->type));
    if (net->type == NET_NETWORK)
        return 0;
    if (!net->virtual_port->type)
        return REFUSE(error, VIR_ERR_XML_ERROR, "missing required virtualport type");
    if (missing)
        return REFUSE(error, VIR_ERR_XML_ERROR, "missing %s in <virtualport type='%s'>", missing,
                      names_word(&virtual_port_type_names, net->virtual_port->type));
    return 0;
}

static int check_virtual_ports(const struct domain *domain, GError **error)
{
    LIST_EACH (net, &domain->devices.nets)
        if (net->virtual_port && check_virtual_port(net, error) < 0)
            return -1;
    return 0;
}

static int check_rngs(const struct domain *domain, GError **error)
{
    LIST_EACH (rng, &domain->devices.rngs)
        if (rng->backend == RNG_BACKEND_EGD && !rng->source.type)
            return REFUSE(error, VIR_ERR_XML_ERROR,
                          "devices/rng[%u]/backend/@type: is missing for model 'egd'", rng_i + 1);
    return 0;
}

int domain_check(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_name,          check_os,        domain_check_memory,
        check_vcpus,         check_iothreads, check_throttle_groups,
        check_disks,         check_sgio,      check_controllers,
        check_boot_orders,   check_aliases,   check_audios,
        check_video,         check_rngs,      check_seclabels,
        check_virtual_ports, check_lifecycle,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

int domain_check_abi(const struct domain *source, const struct domain *target, GError **error)
{
    return xml_compare_abi(&domain_schema, source, target, error);
}

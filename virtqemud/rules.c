/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <string.h>

#include "base/mac.h"

#include "block-secrets.h"
#include "rules-device.h"
#include "rules-guest.h"
#include "rules-parts.h"

#define REFUSE(error, ...)                                                                         \
    (error_set_from((error), VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED, __VA_ARGS__), -1)

/* ---- disks ---- */

static bool can_be_shared(uint8_t format)
{
    return format == IMAGE_FORMAT_RAW || format == IMAGE_FORMAT_NONE;
}

static int check_disk(const struct domain_disk *disk, GError **error)
{
    if (domain_disk_is_drive(disk) && disk->bus == DISK_BUS_VIRTIO)
        return REFUSE(error, "disk type of '%s' does not support ejectable media", disk->target);
    if ((disk->vendor || disk->product || disk->wwn) && disk->bus == DISK_BUS_VIRTIO)
        return REFUSE(error, "disk '%s': vendor, product and wwn are not for bus 'virtio'",
                      disk->target);
    if (disk->tray == DISK_TRAY_OPEN && !domain_disk_is_drive(disk))
        return REFUSE(error, "tray is only valid for cdrom and floppy");
    if (disk->shareable && !disk->readonly && !can_be_shared(disk->source.format))
        return REFUSE(error, "shared access for disk '%s' requires use of supported storage format",
                      disk->target);
    if (disk->io == DISK_IO_NATIVE && disk->cache != DISK_CACHE_DISABLE &&
        disk->cache != DISK_CACHE_DIRECTSYNC)
        return REFUSE(error,
                      "native I/O needs either no disk cache or directsync cache mode, QEMU will "
                      "fallback to aio=threads");
    if (disk->driver_name && !g_str_equal(disk->driver_name, "qemu"))
        return REFUSE(error, "unsupported driver name '%s' for disk '%s'", disk->driver_name,
                      disk->target);
    return 0;
}

/* What is written and forgotten again. */
static int check_transient(const struct domain_disk *disk, GError **error)
{
    if (!disk->transient)
        return 0;
    if (domain_source_is_empty(&disk->source))
        return REFUSE(error, "transient disk '%s' must not be empty", disk->target);
    if (disk->source.type != SOURCE_FILE || !disk->source.path)
        return REFUSE(error, "transient disk supported only with 'file' type (%s)", disk->target);
    if (disk->readonly)
        return REFUSE(error, "transient disk '%s' must not be read-only", disk->target);
    if (disk->device != DISK_DEVICE_DISK)
        return REFUSE(error, "transient disk supported only with 'disk' device (%s)", disk->target);
    return 0;
}

static int check_images(const struct domain_disk *disk, GError **error)
{
    for (const struct domain_source *at = &disk->source; at; at = at->backing)
        if (block_secrets_check(at, error) < 0)
            return -1;
    return 0;
}

static int check_disks(const struct domain *domain, GError **error)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (check_disk(disk, error) < 0 || check_transient(disk, error) < 0 ||
            check_images(disk, error) < 0)
            return -1;
    return 0;
}

/* ---- what only SPICE can do ---- */

static int check_spice(const struct domain *domain, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    if (domain_find_graphics(domain, GRAPHICS_SPICE))
        return 0;
    for (unsigned i = 0; i < count; i++) {
        const struct chardev_source *source = device_chardev_source(&devices[i]);

        if (source && (source->type == CHARDEV_SPICEVMC || source->type == CHARDEV_SPICEPORT))
            return REFUSE(error, "chardev '%s' not supported without spice graphics",
                          names_word(&chardev_type_names, source->type));
    }
    LIST_EACH (audio, &domain->devices.audios)
        if (audio->type == AUDIO_SPICE)
            return REFUSE(error, "Spice audio is not supported without spice graphics");
    return 0;
}

static int check_graphics(const struct domain *domain, GError **error)
{
    LIST_EACH (graphics, &domain->devices.graphics) {
        if (graphics->type == GRAPHICS_RDP)
            return REFUSE(error, "devices/graphics: type 'rdp' needs the program 'qemu-rdp', of "
                                 "which there is no package: use 'vnc' or 'spice'");
        if (graphics->type == GRAPHICS_DESKTOP)
            return REFUSE(error, "devices/graphics: QEMU has no display of type '%s'",
                          names_word(&graphics_type_names, graphics->type));
        if (graphics->type == GRAPHICS_VNC && graphics->connected &&
            graphics->connected != GRAPHICS_CONNECTED_KEEP)
            return REFUSE(error, "VNC supports connected='keep' only");
    }
    return 0;
}

/* ---- display adapters ---- */

static bool has_heads(uint8_t type)
{
    return type == VIDEO_QXL || type == VIDEO_VIRTIO || type == VIDEO_NONE;
}

static bool is_known_video(uint8_t type)
{
    return type != VIDEO_XEN && type != VIDEO_VBOX && type != VIDEO_PARALLELS && type != VIDEO_GOP;
}

static bool can_be_second(uint8_t type)
{
    return type == VIDEO_QXL || type == VIDEO_VIRTIO || type == VIDEO_BOCHS || type == VIDEO_RAMFB;
}

static int check_videos(const struct domain *domain, GError **error)
{
    LIST_EACH (video, &domain->devices.videos) {
        const char *word = names_word(&video_type_names, video->type);

        if (!is_known_video(video->type))
            return REFUSE(error, "video type '%s' is not supported with QEMU", word);
        if (!video->primary && !can_be_second(video->type) && video->type != VIDEO_NONE)
            return REFUSE(error, "video type '%s' is only valid as primary video device", word);
        if (video->heads > 1 && !has_heads(video->type))
            return REFUSE(error, "video type '%s' doesn't support multiple 'heads'", word);
        if (video->acceleration && video->acceleration->accel2d == TRISTATE_YES)
            return REFUSE(error, "qemu does not support 2d video acceleration");
        if (video->acceleration && video->acceleration->accel3d == TRISTATE_YES &&
            video->type != VIDEO_VIRTIO)
            return REFUSE(error, "video type '%s' doesn't support 3d acceleration", word);
    }
    return 0;
}

/* ---- interfaces ---- */

static int check_nets(const struct domain *domain, GError **error)
{
    LIST_EACH (net, &domain->devices.nets) {
        if (net->mac[0] & 1) {
            char mac[MAC_TEXT];

            error_set(error, VIR_ERR_XML_ERROR,
                      "devices/interface/mac/@address: '%s' is the address of a group",
                      mac_format(net->mac, mac));
            return -1;
        }
    }
    return 0;
}

/* ---- memory ---- */

static bool needs_node(const struct domain *domain, const struct domain_memory *memory)
{
    bool cells = domain->cpu && domain->cpu->numa && domain->cpu->numa->cells.count > 0;

    return cells && !memory->node.set && memory->model != MEMORY_MODEL_VIRTIO_PMEM &&
           memory->model != MEMORY_MODEL_SGX_EPC;
}

static int check_memory(const struct domain *domain, GError **error)
{
    const struct memory_backing *backing = domain->memory_backing;

    LIST_EACH (memory, &domain->devices.memories)
        if (needs_node(domain, memory))
            return REFUSE(error, "target NUMA node needs to be specified for memory device");
    if (backing && backing->hugepages && backing->source == MEMORY_SOURCE_ANONYMOUS)
        return REFUSE(error, "hugepages are not allowed with anonymous memory source");
    return 0;
}

/* ---- the rest ---- */

static int check_consoles(const struct domain *domain, GError **error)
{
    LIST_EACH (console, &domain->devices.consoles)
        if (console->target != CONSOLE_TARGET_SERIAL && console->target != CONSOLE_TARGET_VIRTIO &&
            console->target != CONSOLE_TARGET_SCLP && console->target != CONSOLE_TARGET_SCLPLM)
            return REFUSE(error, "unsupported console target type %s",
                          names_word(&console_target_names, console->target));
    return 0;
}

static int check_actions(const struct domain *domain, GError **error)
{
    if (domain->on_reboot == LIFECYCLE_PRESERVE || domain->on_reboot == LIFECYCLE_RENAME_RESTART ||
        domain->on_poweroff == LIFECYCLE_PRESERVE ||
        domain->on_poweroff == LIFECYCLE_RENAME_RESTART)
        return REFUSE(error,
                      "qemu driver doesn't support '%s' action for 'on_reboot'/'on_poweroff'",
                      domain->on_reboot > LIFECYCLE_RESTART
                          ? names_word(&lifecycle_action_names, domain->on_reboot)
                          : names_word(&lifecycle_action_names, domain->on_poweroff));
    if (domain->on_poweroff == LIFECYCLE_RESTART && domain->on_reboot == LIFECYCLE_DESTROY)
        return REFUSE(
            error, "qemu driver doesn't support 'onReboot'='destroy' and 'onPoweroff'='restart'");
    return 0;
}

static int check_os(const struct domain *domain, GError **error)
{
    if (domain->os.type != OS_HVM)
        return REFUSE(error, "os/type: QEMU runs 'hvm' guests, not '%s'",
                      names_word(&os_type_names, domain->os.type));
    return 0;
}

static int check_names(const struct domain *domain, GError **error)
{
    if (strlen(domain->name) > 200)
        return REFUSE(error, "name: is longer than 200 bytes, which are too many for a file's");
    return 0;
}

int rules_check(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_os,
        check_names,
        check_actions,
        check_disks,
        check_spice,
        check_graphics,
        check_videos,
        check_nets,
        check_memory,
        check_consoles,
        rules_check_cpu,
        rules_check_guest,
        rules_check_devices,
        rules_check_tune,
        rules_check_places,
        rules_check_controllers,
        rules_check_disks,
        rules_check_nets,
        rules_check_chardevs,
        rules_check_displays,
        rules_check_sounds,
        rules_check_single,
        rules_check_hostdevs,
        rules_check_filesystems,
        rules_check_memories,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

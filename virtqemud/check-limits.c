/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-limits.h"

#include <string.h>

#include "device-common.h"
#include "faults.h"

static bool is_power_of_two(uint64_t number)
{
    return number && !(number & (number - 1));
}

/* ---- the guest ---- */

enum { SLOTS_MOST = 256 };

static uint64_t count_modules(const struct domain *live)
{
    uint64_t sum = 0;

    LIST_EACH (memory, &live->devices.memories)
        sum += memory->size;
    return sum;
}

static bool has_module(const struct domain *live)
{
    LIST_EACH (memory, &live->devices.memories)
        if (memory->model == MEMORY_MODEL_DIMM || memory->model == MEMORY_MODEL_NVDIMM)
            return true;
    return false;
}

static int check_guest(const struct domain *live, GError **error)
{
    bool x86 = domain_is_x86(live), acpi = live->features && live->features->acpi;
    const struct fault faults[] = {
        {live->memory_slots > SLOTS_MOST, FAULT_QEMU, "maxMemory/@slots: there can be 256"},
        {live->memory_slots && live->max_memory <= live->memory - count_modules(live), FAULT_QEMU,
         "maxMemory is not more than the guest has at boot: nothing could be plugged"},
        {x86 && has_module(live) && !acpi, FAULT_QEMU,
         "devices/memory of model dimm and nvdimm needs <features><acpi/>"},
        {live->memory_tune && live->memory_tune->hard_limit.set &&
             !live->memory_tune->hard_limit.value,
         FAULT_QEMU, "memtune/hard_limit: nothing runs in no memory"},
        {live->os.initrd && !live->os.kernel, FAULT_QEMU, "os/initrd needs a <kernel>"},
        {live->os.cmdline && !live->os.kernel, FAULT_QEMU, "os/cmdline needs a <kernel>"},
        {live->keywrap_ciphers.count && !g_str_has_prefix(live->os.arch ?: "", "s390"), FAULT_QEMU,
         "keywrap is of s390x"},
        {live->cpu && live->cpu->deprecated_features == TRISTATE_OFF, FAULT_QEMU,
         "cpu/@deprecated_features: 'off' is not in this version"},
        {live->devices.parallels.count > 3, FAULT_QEMU, "devices/parallel: there can be 3"},
    };

    return FAULTS_CHECK(faults, error, "domain");
}

/* ---- timers, what the firmware tells ---- */

static bool lacks_smbios(const struct domain *live)
{
    LIST_EACH (sysinfo, &live->sysinfos)
        if (sysinfo->type == SYSINFO_SMBIOS)
            return false;
    return live->os.smbios_mode == SMBIOS_MODE_SYSINFO;
}

static int check_clock(const struct domain *live, GError **error)
{
    const struct fault faults[] = {
        {lacks_smbios(live), FAULT_XML,
         "os/smbios/@mode: 'sysinfo' needs a <sysinfo type='smbios'>"},
    };

    LIST_EACH (timer, &live->clock.timers) {
        const struct fault of_timer[] = {
            {timer->name == TIMER_HPET && timer->tickpolicy > TIMER_TICK_DELAY, FAULT_QEMU,
             "@tickpolicy can be 'delay' alone"},
        };
        if (FAULTS_CHECK(of_timer, error, "timer '%s'",
                         names_word(&timer_name_names, timer->name)) < 0)
            return -1;
    }
    return FAULTS_CHECK(faults, error, "domain");
}

/* ---- disks, shares ---- */

/* How many units the controllers have. */
static unsigned units_of(const struct domain *live, const struct domain_disk *disk)
{
    static const unsigned units[] = {
        [DISK_BUS_IDE] = 2, [DISK_BUS_FDC] = 2, [DISK_BUS_SATA] = 6, [DISK_BUS_SCSI] = 16384};
    const struct domain_controller *controller =
        domain_find_controller(live, CONTROLLER_SCSI, disk->info.address.drive.controller);

    if (disk->bus == DISK_BUS_SCSI && controller && controller->model == CONTROLLER_SCSI_LSILOGIC)
        return 8;
    return disk->bus < G_N_ELEMENTS(units) && units[disk->bus] ? units[disk->bus] : UINT_MAX;
}

enum { QUEUE_MOST = 1024, BLOCK_LEAST = 512, BLOCK_MOST = 2097152, SIDE_MOST = 255 };

static bool is_block_size(unsigned size)
{
    return !size || (is_power_of_two(size) && size >= BLOCK_LEAST && size <= BLOCK_MOST);
}

static int check_disk(const struct domain *live, const struct domain_disk *disk, GError **error)
{
    const struct disk_geometry *geometry = disk->geometry;
    const struct disk_blockio none = {0}, *block = disk->blockio ?: &none;
    unsigned logical = block->logical_block_size, physical = block->physical_block_size;
    bool placed = disk->info.address.type == ADDRESS_DRIVE;
    const struct fault faults[] = {
        {disk->bus == DISK_BUS_XEN || disk->bus == DISK_BUS_UML, FAULT_QEMU,
         "target/@bus: QEMU has no such one"},
        {placed && disk->info.address.drive.unit >= units_of(live, disk), FAULT_QEMU,
         "address/@unit: the controller has fewer"},
        {disk->queue_size && (!is_power_of_two(disk->queue_size) || disk->queue_size > QUEUE_MOST),
         FAULT_QEMU, "driver/@queue_size is a power of two, 1024 at most"},
        {geometry && (!geometry->cylinders || !geometry->heads || !geometry->sectors ||
                      geometry->heads > SIDE_MOST || geometry->sectors > SIDE_MOST),
         FAULT_QEMU, "geometry: cyls is 1 or more, heads and secs are 1 to 255"},
        {!is_block_size(logical), FAULT_QEMU,
         "blockio/@logical_block_size is a power of two from 512 to 2097152"},
        {!is_block_size(physical), FAULT_QEMU,
         "blockio/@physical_block_size is a power of two from 512 to 2097152"},
        {physical && logical > physical, FAULT_QEMU,
         "blockio: the logical block is larger than the physical one"},
    };

    return FAULTS_CHECK(faults, error, "disk '%s'", disk->target);
}

enum { TAG_LONGEST = 31, VIRTIOFS_TAG_LONGEST = 36 };

static int check_share(const struct domain_filesystem *share, GError **error)
{
    bool virtiofs = share->driver == FILESYSTEM_DRIVER_VIRTIOFS;
    size_t length = strlen(share->target ?: "");
    const struct fault faults[] = {
        {!virtiofs && length > TAG_LONGEST, FAULT_QEMU, "target/@dir has 31 bytes at most"},
        {virtiofs && length > VIRTIOFS_TAG_LONGEST, FAULT_QEMU, "target/@dir has 36 bytes at most"},
    };

    return FAULTS_CHECK(faults, error, "filesystem '%s'", share->target ?: "");
}

static int check_storage(const struct domain *live, GError **error)
{
    LIST_EACH (disk, &live->devices.disks)
        if (check_disk(live, disk, error) < 0)
            return -1;
    LIST_EACH (share, &live->devices.filesystems)
        if (check_share(share, error) < 0)
            return -1;
    return 0;
}

/* ---- controllers ---- */

enum { COMPANION_PORT_LAST = 4, SERIAL_PORTS_MOST = 511 };

static bool is_port(const struct domain_controller *controller)
{
    return controller->type == CONTROLLER_PCI && controller->pci && controller->pci->chassis.set &&
           (controller->model == CONTROLLER_PCIE_ROOT_PORT ||
            controller->model == CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT);
}

static bool is_chassis_taken(const struct domain *live, unsigned index)
{
    const struct domain_controller *port = live->devices.controllers.items[index];

    for (unsigned i = 0; is_port(port) && i < index; i++) {
        const struct domain_controller *other = live->devices.controllers.items[i];

        if (is_port(other) && other->pci->chassis.value == port->pci->chassis.value)
            return true;
    }
    return false;
}

static int check_controllers(const struct domain *live, GError **error)
{
    LIST_EACH (controller, &live->devices.controllers) {
        bool serial = controller->type == CONTROLLER_VIRTIO_SERIAL && controller->ports.set;
        const struct fault faults[] = {
            {controller->master_port.set && controller->master_port.value > COMPANION_PORT_LAST,
             FAULT_QEMU, "master/@startport is 0 to 4"},
            {serial && (!controller->ports.value || controller->ports.value > SERIAL_PORTS_MOST),
             FAULT_QEMU, "@ports is 1 to 511"},
            {is_chassis_taken(live, controller_i), FAULT_QEMU,
             "target/@chassis is that of another port"},
        };
        if (FAULTS_CHECK(faults, error, "%s controller %u",
                         names_word(&controller_type_names, controller->type),
                         controller->index.value) < 0)
            return -1;
    }
    return 0;
}

/* ---- places ---- */

/* Kinds that are PCI devices wherever there is PCI. */
static bool is_of_pci(const struct device *device)
{
    return device->kind == DEVICE_MEMBALLOON || device->kind == DEVICE_RNG ||
           device->kind == DEVICE_VSOCK || device->kind == DEVICE_CRYPTO ||
           device->kind == DEVICE_SHMEM || device->kind == DEVICE_FILESYSTEM;
}

static bool is_channel_elsewhere(const struct device *device)
{
    const struct domain_channel *channel = device->object;

    return device->kind == DEVICE_CHANNEL && channel->target == CHANNEL_TARGET_VIRTIO &&
           channel->info.address.type &&
           (channel->info.address.type != ADDRESS_VIRTIO_SERIAL ||
            channel->info.address.virtio_serial.bus);
}

static bool is_index_taken(const struct device *devices, unsigned index)
{
    for (unsigned i = 0; devices[index].info->acpi_index && i < index; i++)
        if (devices[i].info && devices[i].info->acpi_index == devices[index].info->acpi_index)
            return true;
    return false;
}

enum { ACPI_INDEX_LAST = 16383 };

static int check_places(const struct domain *live, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++) {
        if (!devices[i].info)
            continue;
        uint8_t type = devices[i].info->address.type;
        const struct fault faults[] = {
            {is_of_pci(&devices[i]) && (type == ADDRESS_USB || type == ADDRESS_DRIVE), FAULT_QEMU,
             "address/@type: it is no device of USB or SCSI"},
            {devices[i].kind == DEVICE_MEMORY && type == ADDRESS_USB, FAULT_QEMU,
             "address/@type: it is no device of USB"},
            {is_channel_elsewhere(&devices[i]), FAULT_QEMU,
             "address: it is on bus 0 of a virtio-serial controller"},
            {devices[i].info->acpi_index > ACPI_INDEX_LAST, FAULT_QEMU,
             "acpi/@index is 16383 at most"},
            {is_index_taken(devices, i), FAULT_QEMU, "acpi/@index is that of another device"},
        };
        if (FAULTS_CHECK(faults, error, "devices/%s[%u]",
                         names_word(&device_kind_names, devices[i].kind), devices[i].index + 1) < 0)
            return -1;
    }
    return 0;
}

/* ---- the rest of the devices ---- */

static bool is_name_taken(const struct domain *live, unsigned index)
{
    const struct domain_channel *channel = live->devices.channels.items[index];

    for (unsigned i = 0; channel->target == CHANNEL_TARGET_VIRTIO && channel->name && i < index;
         i++)
        if (live->devices.channels.items[i]->target == CHANNEL_TARGET_VIRTIO &&
            g_strcmp0(live->devices.channels.items[i]->name, channel->name) == 0 &&
            live->devices.channels.items[i]->info.address.virtio_serial.controller ==
                channel->info.address.virtio_serial.controller)
            return true;
    return false;
}

enum { HEADS_MOST = 16, ISA_PORTS = 4 };

static int check_video(const struct domain_video *video, GError **error)
{
    bool is_virtio = video->type == VIDEO_VIRTIO;
    const struct fault faults[] = {
        {is_virtio && video->heads > HEADS_MOST, FAULT_QEMU, "@heads is 16 at most"},
        {video->blob && !is_virtio, FAULT_QEMU, "@blob is of type 'virtio'"},
        {video->type == VIDEO_BOCHS && video->vram && video->vram < 1024, FAULT_QEMU,
         "@vram is 1024 KiB at least"},
    };

    return FAULTS_CHECK(faults, error, "video of type '%s'",
                        names_word(&video_type_names, video->type));
}

static int check_displays(const struct domain *live, GError **error)
{
    unsigned seen[GRAPHICS_DBUS + 1] = {0};

    LIST_EACH (graphics, &live->devices.graphics) {
        const struct fault faults[] = {
            {seen[graphics->type]++, FAULT_QEMU, "there can be one of each type"},
        };
        if (FAULTS_CHECK(faults, error, "graphics of type '%s'",
                         names_word(&graphics_type_names, graphics->type)) < 0)
            return -1;
    }
    LIST_EACH (video, &live->devices.videos)
        if (check_video(video, error) < 0)
            return -1;
    return 0;
}

static int check_small(const struct domain *live, GError **error)
{
    LIST_EACH (channel, &live->devices.channels) {
        const struct fault faults[] = {
            {is_name_taken(live, channel_i), FAULT_QEMU, "target/@name is that of another one"},
        };
        if (FAULTS_CHECK(faults, error, "channel '%s'", channel->name ?: "") < 0)
            return -1;
    }
    LIST_EACH (serial, &live->devices.serials) {
        const struct fault faults[] = {
            {serial->target == SERIAL_TARGET_ISA && serial->port.value >= ISA_PORTS, FAULT_QEMU,
             "target/@port: there are four of them, 0 to 3"},
        };
        if (FAULTS_CHECK(faults, error, "devices/serial[%u]", serial_i + 1) < 0)
            return -1;
    }
    LIST_EACH (shmem, &live->devices.shmems) {
        const struct fault faults[] = {
            {shmem->size && !is_power_of_two(shmem->size), FAULT_QEMU, "size is a power of two"},
        };
        if (FAULTS_CHECK(faults, error, "shmem '%s'", shmem->name) < 0)
            return -1;
    }
    LIST_EACH (crypto, &live->devices.cryptos) {
        const struct fault faults[] = {
            {g_strcmp0(crypto->backend, "builtin") == 0 && crypto->queues > 1, FAULT_QEMU,
             "backend/@queues of 'builtin' is 1"},
        };
        if (FAULTS_CHECK(faults, error, "crypto") < 0)
            return -1;
    }
    LIST_EACH (net, &live->devices.nets) {
        const struct fault faults[] = {
            {net->type == NET_INTERNAL || net->type == NET_VDS, FAULT_QEMU,
             "QEMU has no such interface"},
            {net->type == NET_MCAST && !net->address, FAULT_QEMU, "source/@address is missing"},
        };
        if (FAULTS_CHECK(faults, error, "interface of type '%s'",
                         names_word(&net_type_names, net->type)) < 0)
            return -1;
    }
    return 0;
}

int check_limits(const struct domain *live, GError **error)
{
    static int (*const checks[])(const struct domain *live, GError **error) = {
        check_guest,  check_clock,    check_storage, check_controllers,
        check_places, check_displays, check_small,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](live, error) < 0)
            return -1;
    return 0;
}

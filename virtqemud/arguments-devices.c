/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "base/error.h"
#include "base/mac.h"

#include "address-zpci.h"
#include "arguments-backends.h"
#include "chardev.h"
#include "device-common.h"
#include "graphics.h"
#include "netdev.h"
#include "option.h"
#include "rng.h"
#include "sound.h"

/* One device and what it needs; before: what must be there first, after: what stands on it. */
typedef int (*part_function)(const struct build *build, const struct device *device,
                             GError **error);

typedef int (*open_function)(const struct build *build, const struct device *device,
                             struct json_object *properties, GError **error);

/* What s390x knows a PCI device by is a device of its own. */
static void add_zpci(const struct build *build, const struct domain_device_info *info)
{
    if (!address_has_zpci(info) || !info->alias)
        return;
    const struct guest_pci_address *at = &info->address.pci;
    g_autofree char *id = g_strdup_printf("zpci%u", at->zpci_uid.value);
    words_add_json(build->arguments, "-device",
                   json_build("s:driver", "zpci", "u:uid", at->zpci_uid.value, "u:fid",
                              at->zpci_fid.value, "s:target", info->alias, "s:id", id, NULL));
}

static int add_opened(const struct build *build, const struct device *device,
                      open_function open_device, GError **error)
{
    struct json_object *json JSON_AUTO = NULL;

    if (device_properties(build->domain, device, build->context, &json, error) < 0)
        return -1;
    if (json && open_device && open_device(build, device, json, error) < 0)
        return -1;
    if (!json)
        return 0;
    add_zpci(build, device->info);
    words_add_json(build->arguments, "-device", g_steal_pointer(&json));
    return 0;
}

static int add_device(const struct build *build, const struct device *device, GError **error)
{
    return add_opened(build, device, NULL, error);
}

/* ---- controllers ---- */

/* Types in the order in which one can be on another; those of cards can be on hubs, too. */
static const uint8_t controller_order[] = {
    CONTROLLER_PCI, CONTROLLER_USB,           CONTROLLER_SCSI,   CONTROLLER_IDE, CONTROLLER_SATA,
    CONTROLLER_FDC, CONTROLLER_VIRTIO_SERIAL, CONTROLLER_XENBUS, CONTROLLER_ISA, CONTROLLER_NVME,
};

static int add_controller(const struct build *build, struct domain_controller *controller,
                          GError **error)
{
    const struct device device = {
        .kind = DEVICE_CONTROLLER, .object = controller, .info = &controller->info};

    return add_device(build, &device, error);
}

/* A bridge after the one that it is behind; depth ends a circle. */
static int add_bridge(const struct build *build, struct domain_controller *controller,
                      GHashTable *added, unsigned depth, GError **error)
{
    const struct domain_address *address = &controller->info.address;
    struct domain_controller *parent = NULL;

    if (g_hash_table_contains(added, controller))
        return 0;
    if (address->type == ADDRESS_PCI && !pci_address_is_empty(&address->pci.at))
        parent = domain_find_controller(build->domain, CONTROLLER_PCI, address->pci.at.bus);
    if (parent && parent != controller && depth > 0 &&
        add_bridge(build, parent, added, depth - 1, error) < 0)
        return -1;
    g_hash_table_add(added, controller);
    return add_controller(build, controller, error);
}

static int add_bridges(const struct build *build, GError **error)
{
    g_autoptr(GHashTable) added = g_hash_table_new(NULL, NULL);
    unsigned count = build->domain->devices.controllers.count;

    LIST_EACH (controller, &build->domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI &&
            add_bridge(build, controller, added, count, error) < 0)
            return -1;
    return 0;
}

/* Those of one type; USB companions after the controller that they share a bus with. */
static int add_type(const struct build *build, enum controller_type type, bool companions,
                    GError **error)
{
    LIST_EACH (controller, &build->domain->devices.controllers)
        if (controller->type == type && controller_is_usb_companion(controller) == companions &&
            add_controller(build, controller, error) < 0)
            return -1;
    return 0;
}

static int add_controllers(const struct build *build, GError **error)
{
    if (add_bridges(build, error) < 0)
        return -1;
    for (size_t i = 1; i < G_N_ELEMENTS(controller_order); i++)
        if (add_type(build, controller_order[i], false, error) < 0 ||
            add_type(build, controller_order[i], true, error) < 0)
            return -1;
    return 0;
}

static int add_card_readers(const struct build *build, GError **error)
{
    return add_type(build, CONTROLLER_CCID, false, error);
}

/* ---- disks ---- */

/* Machines of type pc have a floppy controller; for others it comes with the first drive. Boot
 * order is the controller's to know. */
static int add_floppy_controller(const struct build *build, GError **error)
{
    bool built_in = device_machine_is_i440fx(build->domain);
    struct json_object *json = json_build("s:driver", "isa-fdc", NULL);
    bool used = false;

    LIST_EACH (disk, &build->domain->devices.disks) {
        unsigned order = device_boot_index(build->domain, &disk->info);
        unsigned unit = disk->info.address.drive.unit;

        if (disk->bus != DISK_BUS_FDC)
            continue;
        used = true;
        if (order && built_in) {
            g_autofree char *word = g_strdup_printf("isa-fdc.bootindex%c=%u", 'A' + unit, order);
            words_add(build->arguments, "-global", word, NULL);
        } else if (order)
            json_add(json, unit ? "u:bootindexB" : "u:bootindexA", order, NULL);
    }
    if (used && !built_in)
        words_add_json(build->arguments, "-device", g_steal_pointer(&json));
    json_clear(&json);
    return 0;
}

/* ---- interfaces ---- */

static int add_netdev(const struct build *build, const struct device *device, GError **error)
{
    struct json_object *json = NULL;

    if (netdev_build(build->domain, device->object, build->context, build->arguments, &json,
                     error) < 0)
        return -1;
    if (json)
        words_add_json(build->arguments, "-netdev", json);
    return 0;
}

/* One that is part of the machine has no -device. */
static int add_built_in_net(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_net *net = device->object;
    char mac[MAC_TEXT];

    if (!device_net_is_built_in(net))
        return 0;
    GString *option = option_new("nic");
    option_add(option, "macaddr", mac_format(net->mac, mac));
    if (net->type != NET_NULL)
        option_addf(option, "netdev", "host%s", net->info.alias);
    option_add(option, "model", net->model);
    option_add(option, "id", net->info.alias);
    words_add_option(build->arguments, "-net", option);
    return 0;
}

/* ---- streams ---- */

static int add_stream(const struct build *build, const struct chardev_source *source,
                      enum chardev_use use, const struct domain_device_info *info, GError **error)
{
    return chardev_build(source, use, info->alias, build->context, build->arguments, error);
}

static int add_serial_stream(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_serial *serial = device->object;

    return add_stream(build, &serial->source, CHARDEV_USE_SERIAL, &serial->info, error);
}

/* A port that is part of the machine has no -device to name its stream. */
static int add_serial_port(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_serial *serial = device->object;
    g_autofree char *word = g_strdup_printf("chardev:char%s", serial->info.alias);
    struct json_object *json JSON_AUTO = NULL;

    if (device_serial_properties(build->domain, serial, build->context, &json, error) < 0)
        return -1;
    if (!json)
        words_add(build->arguments, "-serial", word, NULL);
    return 0;
}

static int add_parallel_stream(const struct build *build, const struct device *device,
                               GError **error)
{
    const struct domain_parallel *parallel = device->object;

    return add_stream(build, &parallel->source, CHARDEV_USE_PARALLEL, &parallel->info, error);
}

static int add_console_stream(const struct build *build, const struct device *device,
                              GError **error)
{
    const struct domain_console *console = device->object;

    if (console->target == CONSOLE_TARGET_NONE || console->target == CONSOLE_TARGET_SERIAL)
        return 0;
    return add_stream(build, &console->source, CHARDEV_USE_SERIAL, &console->info, error);
}

/* A port of an address in the guest's own network that leads to the stream. */
static void add_forward(const struct build *build, const struct domain_channel *channel)
{
    g_autofree char *rule =
        g_strdup_printf("tcp:%s:%u-chardev:char%s", channel->address ? channel->address : "",
                        channel->port, channel->info.alias);
    struct json_object *list = json_object_new_array();

    json_object_array_add(list, json_build("s:str", rule, NULL));
    words_add_json(
        build->arguments, "-netdev",
        json_build("s:type", "user", "j:guestfwd", list, "s:id", channel->info.alias, NULL));
}

static int add_channel_stream(const struct build *build, const struct device *device,
                              GError **error)
{
    const struct domain_channel *channel = device->object;

    if (add_stream(build, &channel->source, CHARDEV_USE_CHANNEL, &channel->info, error) < 0)
        return -1;
    if (channel->target == CHANNEL_TARGET_GUESTFWD)
        add_forward(build, channel);
    return 0;
}

static int add_redirdev_stream(const struct build *build, const struct device *device,
                               GError **error)
{
    const struct domain_redirdev *redirdev = device->object;

    return add_stream(build, &redirdev->source, CHARDEV_USE_REDIRECTION, &redirdev->info, error);
}

static int add_rng_backend(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_rng *rng = device->object;

    if (rng->backend == RNG_BACKEND_EGD &&
        add_stream(build, &rng->source, CHARDEV_USE_OTHER, &rng->info, error) < 0)
        return -1;
    words_add_json(build->arguments, "-object", rng_backend_properties(rng));
    return 0;
}

/* ---- displays, sound, input ---- */

static int add_audio(const struct build *build, GError **error)
{
    return audio_build(build->domain, build->context->emulator, build->arguments, error);
}

static int add_graphics(const struct build *build, const struct device *device, GError **error)
{
    return graphics_build(build->domain, device->object, build->context, build->arguments, error);
}

static int add_codecs(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_sound *sound = device->object;

    for (unsigned i = 0; i < sound_codec_count(sound); i++)
        words_add_json(build->arguments, "-device",
                       sound_codec_properties(build->domain, sound, i));
    if (sound->model == SOUND_PCSPK)
        words_add(build->arguments, "-machine", "pcspk-audiodev=audio1", NULL);
    return 0;
}

/* Events of a device of the host, which come in where the guest's keyboard and mouse are. */
static int add_input_events(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_input *input = device->object;
    struct json_object *json;

    if (input->type != INPUT_EVDEV)
        return 0;
    json = json_build("s:qom-type", "input-linux", "s:id", input->info.alias, "S:evdev", input->dev,
                      NULL);
    if (g_strcmp0(input->grab, "all") == 0)
        json_add(json, "b:grab_all", true, NULL);
    device_add_bool(json, "repeat", input->repeat);
    if (input->grab_toggle)
        json_add(json, "s:grab-toggle", names_word(&input_grab_toggle_names, input->grab_toggle),
                 NULL);
    words_add_json(build->arguments, "-object", json);
    return 0;
}

/* ---- watchdogs ---- */

static int add_watchdog_action(const struct build *build, const struct device *device,
                               GError **error)
{
    const struct domain_watchdog *watchdog = device->object;
    unsigned action = watchdog->action ? watchdog->action : WATCHDOG_ACTION_RESET;

    if (watchdog->model == WATCHDOG_ITCO)
        words_add(build->arguments, "-global", "ICH9-LPC.noreboot=off", NULL);
    /* one action for all; a dump is made by us, while the guest is paused */
    if (device->index == 0)
        words_add(build->arguments, "-watchdog-action",
                  action == WATCHDOG_ACTION_DUMP ? "pause"
                                                 : names_word(&watchdog_action_names, action),
                  NULL);
    return 0;
}

/* ---- the memory of POWER's firmware ---- */

static int add_nvram_place(const struct build *build, const struct device *device, GError **error)
{
    const struct domain_nvram *nvram = device->object;
    const struct opt_ulong *reg = &nvram->info.address.spapr_vio.reg;
    g_autofree char *word =
        g_strdup_printf("spapr-nvram.reg=0x%" G_GINT64_MODIFIER "x", reg->value);

    if (nvram->info.address.type == ADDRESS_SPAPR_VIO && reg->set)
        words_add(build->arguments, "-global", word, NULL);
    return 0;
}

/* ---- all together ---- */

/* The order of the kinds, and what some need besides their -device. A kind without a row comes last
 * and needs nothing. */
static const struct step {
    enum device_kind kind;
    part_function before, after;
    open_function open; /* descriptors that the device's properties name */
    int (*first)(const struct build *build, GError **error); /* once, before the first of them */
} steps[] = {
    {DEVICE_IOMMU},
    {DEVICE_CONTROLLER, .first = add_controllers},
    {DEVICE_MEMORY, .before = add_memory_backend},
    {DEVICE_HUB},
    {DEVICE_DISK, .before = add_disk_backend, .first = add_floppy_controller},
    {DEVICE_FILESYSTEM, .before = add_filesystem_backend},
    {DEVICE_NET, .before = add_netdev, .after = add_built_in_net},
    {DEVICE_SMARTCARD, .before = add_smartcard_stream, .first = add_card_readers},
    {DEVICE_SERIAL, .before = add_serial_stream, .after = add_serial_port},
    {DEVICE_PARALLEL, .before = add_parallel_stream},
    {DEVICE_CHANNEL, .before = add_channel_stream},
    {DEVICE_CONSOLE, .before = add_console_stream},
    {DEVICE_TPM, .before = add_tpm_backend},
    {DEVICE_INPUT, .before = add_input_events},
    {DEVICE_AUDIO, .first = add_audio},
    {DEVICE_GRAPHICS, .before = add_graphics},
    {DEVICE_VIDEO, .before = add_video_stream},
    {DEVICE_SOUND, .after = add_codecs},
    {DEVICE_WATCHDOG, .after = add_watchdog_action},
    {DEVICE_REDIRDEV, .before = add_redirdev_stream},
    {DEVICE_HOSTDEV, .before = add_hostdev_backend, .open = open_hostdev},
    {DEVICE_MEMBALLOON},
    {DEVICE_RNG, .before = add_rng_backend},
    {DEVICE_NVRAM, .after = add_nvram_place},
    {DEVICE_PANIC},
    {DEVICE_SHMEM, .before = add_shmem_backend},
    {DEVICE_CRYPTO, .before = add_crypto_backend},
    {DEVICE_PSTORE, .before = add_pstore_backend},
    {DEVICE_VSOCK, .open = open_vsock},
    {DEVICE_LEASE}, /* for a lock manager, of which there is none */
};

/* Kinds that are no -device, or that have been added with the first of them. */
static bool has_device(enum device_kind kind)
{
    return kind != DEVICE_CONTROLLER && kind != DEVICE_GRAPHICS && kind != DEVICE_AUDIO &&
           kind != DEVICE_LEASE;
}

/* Nodes of the guest that are memory on the device. */
static void add_initiators(const struct build *build, const struct domain_device_info *info)
{
    for (int node = cpuset_next(info->acpi_nodes, 0); node >= 0;
         node = cpuset_next(info->acpi_nodes, (unsigned)node + 1)) {
        g_autofree char *id = g_strdup_printf("gi-%s-%d", info->alias, node);
        words_add_json(build->arguments, "-object",
                       json_build("s:qom-type", "acpi-generic-initiator", "s:id", id, "s:pci-dev",
                                  info->alias, "u:node", (unsigned)node, NULL));
    }
}

static int add_step_device(const struct build *build, const struct step *step,
                           const struct device *device, GError **error)
{
    if (step->before && step->before(build, device, error) < 0)
        return -1;
    if (has_device(step->kind) && add_opened(build, device, step->open, error) < 0)
        return -1;
    if (device->info && device->info->acpi_nodes)
        add_initiators(build, device->info);
    return step->after ? step->after(build, device, error) : 0;
}

static const struct step *find_step(enum device_kind kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        if (steps[i].kind == kind)
            return &steps[i];
    return NULL;
}

/* Controllers have no step of their own: the first one's adds them in their order. */
int arguments_add_device(const struct build *build, const struct device *device, GError **error)
{
    const struct step *step = find_step(device->kind);

    return !step || device->kind == DEVICE_CONTROLLER ? add_device(build, device, error)
                                                      : add_step_device(build, step, device, error);
}

int arguments_add_devices(const struct build *build, GError **error)
{
    const struct domain_features *features = build->domain->features;
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(build->domain, &count);

    for (size_t step = 0; step < G_N_ELEMENTS(steps); step++) {
        if (steps[step].first && steps[step].first(build, error) < 0)
            return -1;
        for (unsigned i = 0; i < count; i++)
            if (devices[i].kind == steps[step].kind &&
                add_step_device(build, &steps[step], &devices[i], error) < 0)
                return -1;
    }
    for (unsigned i = 0; i < count; i++)
        if (!find_step(devices[i].kind) && add_device(build, &devices[i], error) < 0)
            return -1;
    if (features && (features->vmcoreinfo == TRISTATE_ON ||
                     (features->has_vmcoreinfo && !features->vmcoreinfo)))
        words_add_json(build->arguments, "-device", json_build("s:driver", "vmcoreinfo", NULL));
    return 0;
}

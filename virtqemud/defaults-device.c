/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "defaults.h"

#include "model/domain-defaults.h"

/* The models, back ends and sizes that a device has when its document names none. */

static void default_to(uint8_t *member, uint8_t value)
{
    if (!*member)
        *member = value;
}

/* An iSCSI name that ends without a unit means unit 0. */
static const char *whole_iscsi_name(struct domain *domain, const char *name)
{
    return name && !strchr(name, '/') ? arena_printf(&domain->definition.arena, "%s/0", name)
                                      : name;
}

/* In whichever of its places. */
static void encryption_defaults(struct domain_source *source)
{
    struct source_encryption *places[] = {source->encryption, source->disk_encryption};

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
        if (places[i] && !places[i]->engine)
            places[i]->engine = "qemu";
}

static void disk_defaults(struct domain *domain, struct domain_disk *disk)
{
    if (!disk->driver_name)
        disk->driver_name = "qemu";
    if (disk->source.type != SOURCE_VOLUME)
        default_to(&disk->source.format, IMAGE_FORMAT_RAW);
    if (disk->source.type == SOURCE_NETWORK && disk->source.protocol == SOURCE_PROTOCOL_ISCSI)
        disk->source.name = whole_iscsi_name(domain, disk->source.name);
    for (struct domain_source *source = &disk->source; source; source = source->backing)
        encryption_defaults(source);
}

static void usb_model(struct domain_controller *controller, const struct machine_traits *machine)
{
    default_to(&controller->model, machine_devices_of(machine->family)->usb);
}

static void scsi_model(struct domain_controller *controller, const struct machine_traits *machine)
{
    if (controller->model == CONTROLLER_SCSI_NONE || controller->model == CONTROLLER_SCSI_AUTO)
        controller->model = machine_devices_of(machine->family)->scsi;
}

/* Host bridges of pseries have numbers of their own; 0 is the machine's. */
enum { HOST_BRIDGES = 31 };

static bool bridge_is_used(const struct domain *domain, unsigned number)
{
    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == CONTROLLER_PCI && controller->pci && controller->pci->index.set &&
            controller->pci->index.value == number)
            return true;
    return false;
}

static int pseries_root(struct domain *domain, struct domain_controller *root, GError **error)
{
    unsigned number = root->index.value ? 1 : 0;

    if (root->model != CONTROLLER_PCI_ROOT)
        return 0;
    if (!root->pci)
        root->pci = arena_new(&domain->definition.arena, struct controller_pci);
    default_to(&root->pci->model_name, PCI_MODEL_NAME_SPAPR_PCI_HOST_BRIDGE);
    if (root->pci->index.set)
        return 0;
    while (number && number < HOST_BRIDGES && bridge_is_used(domain, number))
        number++;
    if (number == HOST_BRIDGES) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "devices/controller: a pseries machine has no more than %d PCI host bridges",
                  HOST_BRIDGES);
        return -1;
    }
    root->pci->index = OPT_UINT(number);
    return 0;
}

static int controller_defaults(struct domain *domain, struct domain_controller *controller,
                               const struct machine_traits *machine, GError **error)
{
    if (controller->type == CONTROLLER_PCI && machine->family == MACHINE_PSERIES)
        return pseries_root(domain, controller, error);
    if (controller->type == CONTROLLER_USB)
        usb_model(controller, machine);
    else if (controller->type == CONTROLLER_SCSI)
        scsi_model(controller, machine);
    return 0;
}

static void net_defaults(struct domain_net *net, const struct machine_traits *machine)
{
    if (!net->model && net->type != NET_HOSTDEV)
        net->model = net->type == NET_VDPA ? "virtio" : machine_devices_of(machine->family)->net;
}

static void serial_defaults(struct domain_serial *serial, const struct machine_traits *machine)
{
    const struct machine_devices *devices = machine_devices_of(machine->family);
    bool has_isa = devices->serial_target == SERIAL_TARGET_ISA;

    /* what older documents say of any port */
    if (!has_isa && serial->target == SERIAL_TARGET_ISA && !serial->model)
        serial->target = SERIAL_TARGET_NONE;
    default_to(&serial->target, devices->serial_target);
    if (serial->target == devices->serial_target)
        default_to(&serial->model, devices->serial_model);
    default_to(&serial->model, machine_serial_model(serial->target));
}

static void input_defaults(struct domain_input *input, const struct machine_traits *machine)
{
    if (input->type == INPUT_EVDEV)
        return;
    if (input->type == INPUT_PASSTHROUGH || machine->family == MACHINE_S390_CCW)
        default_to(&input->bus, INPUT_BUS_VIRTIO);
    else if (input->type == INPUT_TABLET || !machine_is_x86(machine))
        default_to(&input->bus, INPUT_BUS_USB);
    else
        default_to(&input->bus, INPUT_BUS_PS2);
}

/* The path of a channel's socket that another daemon, or an older one, has made up: it is made up
 * anew each time the guest starts. */
static bool is_made_up(const char *path, const char *channel)
{
    static const char folder[] = "/channel/target/";
    const char *rest = path && channel ? strstr(path, folder) : NULL;

    if (!rest || !g_str_has_suffix(rest, channel))
        return false;
    rest += strlen(folder);
    size_t guest = strlen(rest) - strlen(channel);
    const char *slash = memchr(rest, '/', guest);
    return !guest || (rest[guest - 1] == '.' && !slash) ||
           (g_str_has_prefix(rest, "domain-") && slash == rest + guest - 1);
}

static void channel_defaults(struct domain_channel *channel)
{
    struct chardev_source *source = &channel->source;

    if (channel->target == CHANNEL_TARGET_VIRTIO && source->type == CHARDEV_UNIX &&
        source->ends.count && is_made_up(source->ends.items[0]->path, channel->name))
        source->ends.count = 0;
}

static void redirdev_defaults(struct domain *domain, struct domain_redirdev *redirdev)
{
    if (!redirdev->bus)
        redirdev->bus = "usb";
    if (redirdev->source.type != CHARDEV_DBUS)
        return;
    struct chardev_end *end = chardev_source_make_end(&redirdev->source, &domain->definition.arena);
    if (!end->channel)
        end->channel = "org.qemu.usbredir";
}

/* SPICE without a port, and without one to be chosen, is for those who are handed a descriptor. */
static void graphics_defaults(struct domain_graphics *graphics)
{
    struct graphics_listen *first = graphics->listens.count ? graphics->listens.items[0] : NULL;

    if (graphics->type != GRAPHICS_SPICE || !first || first->type != LISTEN_ADDRESS ||
        graphics->port || graphics->tls_port || graphics->autoport == TRISTATE_YES)
        return;
    *first = (struct graphics_listen){.type = LISTEN_NONE};
    graphics->listen = NULL;
    graphics->autoport = TRISTATE_ABSENT;
}

static void video_defaults(struct domain_video *video, const struct machine_traits *machine)
{
    default_to(&video->type, machine_devices_of(machine->family)->video);
    if (video->type == VIDEO_QXL && !video->vgamem)
        video->vgamem = 16384;
    domain_video_default_sizes(video);
}

static void tpm_defaults(struct domain_tpm *tpm, const struct machine_traits *machine)
{
    bool power = machine->family == MACHINE_PSERIES || machine->family == MACHINE_POWER;

    default_to(&tpm->model, power ? TPM_MODEL_SPAPR : TPM_MODEL_TIS);
    if (tpm->backend == TPM_BACKEND_PASSTHROUGH && !tpm->device)
        tpm->device = "/dev/tpm0";
    if (tpm->backend == TPM_BACKEND_EMULATOR)
        default_to(&tpm->version, tpm->model == TPM_MODEL_TIS && machine_is_x86(machine)
                                      ? TPM_VERSION_1_2
                                      : TPM_VERSION_2_0);
}

static void panic_defaults(struct domain_panic *panic, const struct machine_traits *machine)
{
    default_to(&panic->model, machine_devices_of(machine->family)->panic);
}

static void hostdev_defaults(struct domain *domain, struct domain_hostdev *hostdev)
{
    if (hostdev->type == HOSTDEV_SCSI && hostdev->scsi &&
        hostdev->scsi->protocol == HOSTDEV_SCSI_ISCSI)
        hostdev->scsi->name = whole_iscsi_name(domain, hostdev->scsi->name);
    if (hostdev->type == HOSTDEV_MDEV && g_strcmp0(hostdev->model, "vfio-pci") == 0)
        default_to(&hostdev->display, TRISTATE_OFF);
}

static void shmem_defaults(struct domain *domain, struct domain_shmem *shmem)
{
    default_to(&shmem->model, SHMEM_IVSHMEM_PLAIN);
    if (shmem->model != SHMEM_IVSHMEM_DOORBELL && !shmem->size)
        shmem->size = 4;
    if (shmem->model != SHMEM_IVSHMEM_DOORBELL)
        return;
    if (!shmem->msi)
        shmem->msi = arena_new(&domain->definition.arena, struct shmem_msi);
    default_to(&shmem->msi->ioeventfd, TRISTATE_ON);
}

static void rng_defaults(struct domain_rng *rng)
{
    if (rng->backend == RNG_BACKEND_RANDOM && !rng->path)
        rng->path = "/dev/random";
}

static void vsock_defaults(struct domain_vsock *vsock)
{
    default_to(&vsock->model, VIRTIO_MODEL_VIRTIO);
}

int defaults_apply_device(struct domain *domain, const struct machine_traits *machine,
                          enum device_kind kind, void *object, GError **error)
{
    switch (kind) {
    case DEVICE_DISK:
        disk_defaults(domain, object);
        break;
    case DEVICE_CONTROLLER:
        return controller_defaults(domain, object, machine, error);
    case DEVICE_NET:
        net_defaults(object, machine);
        break;
    case DEVICE_SERIAL:
        serial_defaults(object, machine);
        break;
    case DEVICE_CHANNEL:
        channel_defaults(object);
        break;
    case DEVICE_REDIRDEV:
        redirdev_defaults(domain, object);
        break;
    case DEVICE_INPUT:
        input_defaults(object, machine);
        break;
    case DEVICE_GRAPHICS:
        graphics_defaults(object);
        break;
    case DEVICE_VIDEO:
        video_defaults(object, machine);
        break;
    case DEVICE_TPM:
        tpm_defaults(object, machine);
        break;
    case DEVICE_PANIC:
        panic_defaults(object, machine);
        break;
    case DEVICE_RNG:
        rng_defaults(object);
        break;
    case DEVICE_VSOCK:
        vsock_defaults(object);
        break;
    case DEVICE_HOSTDEV:
        hostdev_defaults(domain, object);
        break;
    case DEVICE_SHMEM:
        shmem_defaults(domain, object);
        break;
    default:
        break;
    }
    return 0;
}

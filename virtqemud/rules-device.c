/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules-device.h"

#include <string.h>

#include "host-end.h"
#include "machine.h"

#define REFUSE(error, ...)                                                                         \
    (error_set_from((error), VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED, __VA_ARGS__), -1)
#define REFUSE_XML(error, ...)                                                                     \
    (error_set_from((error), VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR, __VA_ARGS__), -1)

/* ---- disks ---- */

enum { SCSI_VENDOR_LONGEST = 8, SCSI_PRODUCT_LONGEST = 16 };

static int check_disk(const struct domain *domain, const struct domain_disk *disk, GError **error)
{
    if (disk->vendor && strlen(disk->vendor) > SCSI_VENDOR_LONGEST)
        return REFUSE(error, "disk vendor is more than %d characters", SCSI_VENDOR_LONGEST);
    if (disk->product && strlen(disk->product) > SCSI_PRODUCT_LONGEST)
        return REFUSE(error, "disk product is more than %d characters", SCSI_PRODUCT_LONGEST);
    if (disk->wwn && disk->bus != DISK_BUS_IDE && disk->bus != DISK_BUS_SCSI)
        return REFUSE(error, "Only ide and scsi disk support wwn");
    if (disk->geometry && disk->geometry->trans && disk->bus != DISK_BUS_IDE)
        return REFUSE(error, "CHS translation mode can only be set for 'ide' bus not '%s'",
                      names_word(&disk_bus_names, disk->bus));
    if (disk->iothread && !domain_has_iothread(domain, disk->iothread))
        return REFUSE(error, "Disk iothread '%u' not defined in iothreadid", disk->iothread);
    return 0;
}

static int check_disks(const struct domain *domain, GError **error)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (check_disk(domain, disk, error) < 0)
            return -1;
    return 0;
}

/* ---- interfaces ---- */

#define ON_BRIDGE (BIT(NET_BRIDGE) | BIT(NET_NETWORK))

static bool is_of(const struct domain_net *net, uint64_t types)
{
    return BIT(net->type) & types;
}

static int check_teaming(const struct domain_net *net, GError **error)
{
    if (net->teaming->type == NET_TEAMING_PERSISTENT && !domain_net_is_virtio(net))
        return REFUSE(error,
                      "virtio-net teaming persistent interface must be <model type='virtio'/>, not "
                      "'%s'",
                      net->model ? net->model : "(default)");
    if (net->teaming->type == NET_TEAMING_TRANSIENT &&
        !is_of(net, BIT(NET_HOSTDEV) | BIT(NET_NETWORK)))
        return REFUSE(error,
                      "virtio-net teaming transient interface must be type='hostdev', not '%s'",
                      names_word(&net_type_names, net->type));
    return 0;
}

/* What a guest of user mode networking gets told by it; others have nobody who would tell them. */
static int check_addresses(const struct domain_net *net, GError **error)
{
    unsigned ipv4 = 0;

    if (!is_of(net, BIT(NET_USER) | BIT(NET_VDPA)) && net->ips.count + net->routes.count > 0)
        return REFUSE(error, "Invalid attempt to set network interface guest-side IP route and/or "
                             "address info, not supported by QEMU");
    LIST_EACH (ip, &net->ips) {
        if (ip->peer)
            return REFUSE(error, "Invalid attempt to set peer IP for guest");
        ipv4 += !strchr(ip->address, ':');
    }
    if (ipv4 > 1 && net->type == NET_USER)
        return REFUSE(error, "Only one IPv4 address per interface is allowed");
    return 0;
}

static int check_host_end(const struct domain_net *net, GError **error)
{
    if (net->host_ips.count + net->host_routes.count > 0 && net->type != NET_ETHERNET)
        return REFUSE(error,
                      "Invalid attempt to set network interface host-side IP route and/or address "
                      "info on interface of type '%s'. This is only supported on interfaces of "
                      "type 'ethernet'",
                      names_word(&net_type_names, net->type));
    return host_end_check(net, error);
}

static int check_net(const struct domain_net *net, GError **error)
{
    const char *type = names_word(&net_type_names, net->type);

    if (net->mtu.set && !is_of(net, ON_BRIDGE | BIT(NET_ETHERNET) | BIT(NET_VHOST_USER)))
        return REFUSE(error, "setting MTU on interface type %s is not supported yet", type);
    if (net->coalesce_frames.set && !is_of(net, ON_BRIDGE))
        return REFUSE(error, "coalesce settings on interface type %s are not supported", type);
    if (net->isolated == TRISTATE_YES && !is_of(net, ON_BRIDGE))
        return REFUSE(error,
                      "<port isolated='yes'/> is not supported for network interfaces with "
                      "type='%s'",
                      type);
    if (net->teaming && check_teaming(net, error) < 0)
        return -1;
    return check_addresses(net, error) < 0 ? -1 : check_host_end(net, error);
}

static int check_nets(const struct domain *domain, GError **error)
{
    LIST_EACH (net, &domain->devices.nets)
        if (check_net(net, error) < 0)
            return -1;
    return 0;
}

/* ---- displays ---- */

enum { VNC_PASSWORD_LONGEST = 8, VIDEO_MEMORY_LEAST = 1024 /* KiB */ };

static int check_displays(const struct domain *domain, GError **error)
{
    LIST_EACH (graphics, &domain->devices.graphics)
        if (graphics->type == GRAPHICS_VNC && graphics->password &&
            strlen(graphics->password) > VNC_PASSWORD_LONGEST)
            return REFUSE(error, "VNC password is %zu characters long, only %d permitted",
                          strlen(graphics->password), VNC_PASSWORD_LONGEST);
    LIST_EACH (video, &domain->devices.videos) {
        if (video->type == VIDEO_VGA && video->vram && video->vram < VIDEO_MEMORY_LEAST)
            return REFUSE(error, "value for 'vram' must be at least 1 MiB (1024 KiB)");
        if (video->ram && video->type != VIDEO_QXL)
            return REFUSE(error, "ram attribute only supported for video type qxl");
    }
    return 0;
}

/* ---- devices that there is one of ---- */

static int check_tpms(const struct domain *domain, GError **error)
{
    unsigned count = 0;

    LIST_EACH (tpm, &domain->devices.tpms) {
        if (tpm->model == TPM_MODEL_CRB && tpm->version == TPM_VERSION_1_2)
            return REFUSE(error, "Unsupported interface 'tpm-crb' for TPM 1.2");
        count += tpm->model != TPM_MODEL_SPAPR_PROXY;
    }
    return count > 1 ? REFUSE(error, "only a single TPM non-proxy device is supported") : 0;
}

static int check_panics(const struct domain *domain, GError **error)
{
    unsigned models = 0;

    LIST_EACH (panic, &domain->devices.panics) {
        if (models & 1U << panic->model)
            return REFUSE_XML(error, "Multiple panic devices with model '%s'",
                              names_word(&panic_model_names, panic->model));
        models |= 1U << panic->model;
    }
    return 0;
}

static int check_vsock(const struct domain *domain, GError **error)
{
    const struct domain_vsock *vsock = domain->devices.vsock;

    return vsock && vsock->cid && vsock->cid < 3 ? REFUSE(error, "guest CIDs must be >= 3") : 0;
}

/* ---- shared memory ---- */

static int check_shmem(const struct domain_shmem *shmem, GError **error)
{
    if (strchr(shmem->name, '/'))
        return REFUSE(error, "shmem name cannot include '/' character");
    if (shmem->model == SHMEM_IVSHMEM_DOORBELL && !shmem->server)
        return REFUSE(error, "shmem model 'ivshmem-doorbell' is supported only with server option "
                             "enabled");
    if (shmem->model == SHMEM_IVSHMEM_PLAIN && shmem->server)
        return REFUSE(error, "shmem model 'ivshmem-plain' is supported only with server option "
                             "disabled");
    if (shmem->msi && !shmem->server)
        return REFUSE_XML(error, "msi option is only supported with a server");
    return 0;
}

static int check_shmems(const struct domain *domain, GError **error)
{
    LIST_EACH (shmem, &domain->devices.shmems)
        if (check_shmem(shmem, error) < 0)
            return -1;
    return 0;
}

/* ---- devices of the host ---- */

static int check_hostdev(const struct domain_hostdev *hostdev, GError **error)
{
    if (hostdev->mode == HOSTDEV_MODE_CAPABILITIES)
        return REFUSE(error, "hostdev mode 'capabilities' is not supported in qemu");
    if (hostdev->type == HOSTDEV_PCI && !hostdev->pci)
        return REFUSE_XML(error, "Missing <source> element in hostdev device");
    if (hostdev->type == HOSTDEV_MDEV && !hostdev->model)
        return REFUSE_XML(error, "Missing required attribute 'model' in element 'hostdev'");
    if (hostdev->type == HOSTDEV_SCSI_HOST && !hostdev->wwpn)
        return REFUSE_XML(error, "missing vhost-scsi hostdev source wwpn");
    return 0;
}

static int check_hostdevs(const struct domain *domain, GError **error)
{
    LIST_EACH (hostdev, &domain->devices.hostdevs)
        if (check_hostdev(hostdev, error) < 0)
            return -1;
    return 0;
}

/* ---- shares of the host ---- */

/* Zero: nothing is asked for. */
static int check_range(const char *name, int64_t value, int64_t least, int64_t most, GError **error)
{
    if (value <= 0 || (value >= least && value <= most))
        return 0;
    return REFUSE(error,
                  "Value of cputune '%s' must be in range [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                  "]",
                  name, least, most);
}

static int check_cpu_tune(const struct domain *domain, GError **error)
{
    const struct cpu_tune *tune = domain->cpu_tune;
    const struct {
        const char *name;
        int64_t value, least, most;
    } ranges[] = {
        {"shares", tune ? (int64_t)tune->shares : 0, 2, 262144},
        {"period", tune ? (int64_t)tune->period : 0, 1000, 1000000},
        {"quota", tune ? tune->quota : 0, 1000, INT64_C(17592186044415)},
        {"global_period", tune ? (int64_t)tune->global_period : 0, 1000, 1000000},
        {"global_quota", tune ? tune->global_quota : 0, 1000, INT64_C(17592186044415)},
        {"emulator_period", tune ? (int64_t)tune->emulator_period : 0, 1000, 1000000},
        {"emulator_quota", tune ? tune->emulator_quota : 0, 1000, INT64_C(17592186044415)},
        {"iothread_period", tune ? (int64_t)tune->iothread_period : 0, 1000, 1000000},
        {"iothread_quota", tune ? tune->iothread_quota : 0, 1000, INT64_C(17592186044415)},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++)
        if (check_range(ranges[i].name, ranges[i].value, ranges[i].least, ranges[i].most, error) <
            0)
            return -1;
    if (tune)
        LIST_EACH (pin, &tune->iothread_pins)
            if (!domain_has_iothread(domain, pin->iothread))
                return REFUSE(error, "Cannot find 'iothread' : %u", pin->iothread);
    return 0;
}

static int check_blkio_tune(const struct domain *domain, GError **error)
{
    const struct blkio_tune *tune = domain->blkio_tune;

    for (unsigned i = 0; tune && i < tune->devices.count; i++)
        for (unsigned j = 0; j < i; j++)
            if (g_strcmp0(tune->devices.items[i]->path, tune->devices.items[j]->path) == 0)
                return REFUSE(error, "duplicate blkio device path '%s'",
                              tune->devices.items[i]->path);
    return 0;
}

/* ---- features ---- */

enum { SPINLOCK_RETRIES_LEAST = 4095, HYPERV_VENDOR_LONGEST = 12 };

static int check_hyperv(const struct domain *domain, GError **error)
{
    const struct features_hyperv *hyperv = domain->features ? domain->features->hyperv : NULL;

    if (!hyperv)
        return 0;
    if (hyperv->spinlocks == TRISTATE_ON && hyperv->spinlock_retries &&
        hyperv->spinlock_retries < SPINLOCK_RETRIES_LEAST)
        return REFUSE_XML(error, "HyperV spinlock retry count must be at least %d",
                          SPINLOCK_RETRIES_LEAST);
    if (hyperv->vendor_id_value && strlen(hyperv->vendor_id_value) > HYPERV_VENDOR_LONGEST)
        return REFUSE_XML(error, "HyperV vendor_id value must not be more than %d characters.",
                          HYPERV_VENDOR_LONGEST);
    return 0;
}

static int check_machine(const struct domain *domain, GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    const struct features_smm *smm = domain->features ? domain->features->smm : NULL;

    if (smm && smm->tseg.set && family != MACHINE_Q35)
        return REFUSE(error, "SMM TSEG is only supported with q35 machine type");
    LIST_EACH (iommu, &domain->devices.iommus)
        if ((iommu->model == IOMMU_INTEL || iommu->model == IOMMU_AMD) && family != MACHINE_Q35)
            return REFUSE(error, "IOMMU device: '%s' is only supported with Q35 machines",
                          names_word(&iommu_model_names, iommu->model));
    return 0;
}

int rules_check_devices(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_disks,  check_nets,     check_displays, check_tpms,       check_panics, check_vsock,
        check_shmems, check_hostdevs, check_cpu_tune, check_blkio_tune, check_hyperv, check_machine,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "faults.h"
#include "rules-parts.h"

/* ---- devices of the host ---- */

static bool has_source(const struct domain_hostdev *hostdev)
{
    switch ((enum hostdev_type)hostdev->type) {
    case HOSTDEV_PCI:
        return hostdev->pci;
    case HOSTDEV_USB:
        return hostdev->usb;
    case HOSTDEV_SCSI:
        return hostdev->scsi;
    case HOSTDEV_MDEV:
        return hostdev->mdev;
    default:
        return true;
    }
}

static int check_scsi(const struct hostdev_scsi *scsi, GError **error)
{
    bool iscsi = scsi->protocol == HOSTDEV_SCSI_ISCSI;
    const struct fault faults[] = {
        {!iscsi && (!scsi->adapter || !*scsi->adapter), FAULT_XML,
         "source/adapter/@name is missing"},
        {iscsi && !scsi->name, FAULT_XML, "source/@name is missing"},
        {iscsi && scsi->hosts.count != 1, FAULT_XML, "iSCSI needs one source/host"},
        {iscsi && scsi->auth && !scsi->auth->secret.type, FAULT_XML,
         "source/auth/secret is missing"},
    };

    if (FAULTS_CHECK(faults, error, "scsi hostdev") < 0)
        return -1;
    LIST_EACH (host, &scsi->hosts)
        if (rules_check_host(host, error) < 0)
            return -1;
    return 0;
}

/* naa.5001405df3e54061 */
static bool is_wwpn(const char *wwpn)
{
    return g_str_has_prefix(wwpn, "naa.") && strlen(wwpn) == 20 &&
           strspn(wwpn + 4, "0123456789abcdefABCDEF") == 16;
}

static int check_kind(const struct domain_hostdev *hostdev, GError **error)
{
    const struct fault faults[] = {
        {hostdev->mode == HOSTDEV_MODE_CAPABILITIES, FAULT_QEMU,
         "hostdev mode 'capabilities' is not supported in qemu"},
        {hostdev->type == HOSTDEV_PCI && !hostdev->pci, FAULT_XML,
         "Missing <source> element in hostdev device"},
        {hostdev->type == HOSTDEV_MDEV && !hostdev->model, FAULT_XML,
         "Missing required attribute 'model' in element 'hostdev'"},
        {hostdev->type == HOSTDEV_SCSI_HOST && !hostdev->wwpn, FAULT_XML,
         "missing vhost-scsi hostdev source wwpn"},
    };

    return FAULTS_SAY(faults, error, NULL);
}

static int check_own(const struct domain *domain, const struct domain_hostdev *hostdev,
                     GError **error)
{
    bool pci = hostdev->type == HOSTDEV_PCI, mdev = hostdev->type == HOSTDEV_MDEV;
    bool scsi_host = hostdev->type == HOSTDEV_SCSI_HOST, scsi = hostdev->type == HOSTDEV_SCSI;
    uint8_t address = hostdev->info.address.type;
    const char *model = hostdev->model ?: "";
    const struct hostdev_usb *usb = hostdev->usb;
    const struct fault faults[] = {
        {hostdev->type == HOSTDEV_USB && !hostdev->usb, FAULT_XML, "<source> is missing"},
        {scsi && !hostdev->scsi, FAULT_XML, "source/adapter/@name is missing"},
        {usb && ((usb->bus && !usb->device && !usb_port_depth(&usb->port)) ||
                 (usb->product && !usb->vendor)),
         FAULT_XML,
         "source has a vendor and a product, or an address of a bus and its device or port"},
        {mdev && strcmp(model, "vfio-pci") && strcmp(model, "vfio-ccw") && strcmp(model, "vfio-ap"),
         FAULT_XML, "@model is vfio-pci, vfio-ccw or vfio-ap"},
        {mdev && !hostdev->mdev, FAULT_QEMU, "source/address is missing"},
        {mdev && !g_str_has_prefix(domain->os.arch ?: "", "s390") &&
             (g_str_equal(model, "vfio-ccw") || g_str_equal(model, "vfio-ap")),
         FAULT_QEMU, "this @model is of s390x"},
        {scsi_host && !hostdev->protocol, FAULT_XML, "source/@protocol is missing: vhost"},
        {scsi_host && g_strcmp0(hostdev->protocol, "vhost"), FAULT_QEMU,
         "source/@protocol is 'vhost'"},
        {scsi_host && hostdev->wwpn && !is_wwpn(hostdev->wwpn), FAULT_XML,
         "source/@wwpn is no name like naa.5001405df3e54061"},
        {hostdev->rawio && !scsi, FAULT_XML, "@rawio is for type 'scsi' alone"},
        {hostdev->sgio && !scsi, FAULT_XML, "@sgio is for type 'scsi' alone"},
        {pci && address && address != ADDRESS_PCI && address != ADDRESS_UNASSIGNED, FAULT_XML,
         "its address is of type 'pci'"},
        {hostdev->info.rom && !pci && !mdev, FAULT_GUEST, "<rom> is for type 'pci' alone"},
        {hostdev->teaming && !hostdev->teaming->persistent, FAULT_GUEST,
         "teaming/@persistent is missing: the alias of the other interface"},
        {pci && hostdev->pci && hostdev->pci->write_filtering, FAULT_QEMU,
         "source/@writeFiltering is of Xen"},
    };

    return FAULTS_CHECK(faults, error, "hostdev of type '%s'",
                        names_word(&hostdev_type_names, hostdev->type));
}

/* ---- the same one twice ---- */

static bool is_same_scsi(const struct hostdev_scsi *a, const struct hostdev_scsi *b)
{
    if (a->protocol == HOSTDEV_SCSI_ISCSI || b->protocol == HOSTDEV_SCSI_ISCSI)
        return a->protocol == b->protocol && g_strcmp0(a->name, b->name) == 0;
    return g_strcmp0(a->adapter, b->adapter) == 0 && a->bus == b->bus && a->target == b->target &&
           a->unit == b->unit;
}

static bool is_same(const struct domain_hostdev *a, const struct domain_hostdev *b)
{
    if (a->type != b->type || a->mode != b->mode || !has_source(a) || !has_source(b))
        return false;
    switch ((enum hostdev_type)a->type) {
    case HOSTDEV_PCI:
        return memcmp(&a->pci->address, &b->pci->address, sizeof(a->pci->address)) == 0;
    case HOSTDEV_USB:
        return memcmp(a->usb, b->usb, sizeof(*a->usb)) == 0;
    case HOSTDEV_SCSI:
        return is_same_scsi(a->scsi, b->scsi);
    case HOSTDEV_SCSI_HOST:
        return g_strcmp0(a->wwpn, b->wwpn) == 0;
    case HOSTDEV_MDEV:
        return memcmp(a->mdev->uuid, b->mdev->uuid, sizeof(a->mdev->uuid)) == 0;
    default:
        return false;
    }
}

static bool is_given_twice(const struct domain *domain, unsigned index)
{
    const struct domain_hostdev *hostdev = domain->devices.hostdevs.items[index];

    for (unsigned i = 0; i < index; i++)
        if (is_same(hostdev, domain->devices.hostdevs.items[i]))
            return true;
    return false;
}

static bool is_net_given_twice(const struct domain *domain, unsigned index)
{
    const struct domain_net *net = domain->devices.nets.items[index];

    for (unsigned i = 0; net->hostdev && i < index; i++) {
        const struct domain_net *other = domain->devices.nets.items[i];

        if (other->type == NET_HOSTDEV && other->hostdev &&
            memcmp(other->hostdev, net->hostdev, sizeof(*net->hostdev)) == 0)
            return true;
    }
    return false;
}

int rules_check_hostdevs(const struct domain *domain, GError **error)
{
    LIST_EACH (hostdev, &domain->devices.hostdevs) {
        const struct fault faults[] = {
            {is_given_twice(domain, hostdev_i), FAULT_XML, "the guest has it already"},
            {hostdev->display == TRISTATE_ON && !domain->devices.graphics.count, FAULT_QEMU,
             "@display needs a <graphics>"},
        };
        if (check_kind(hostdev, error) < 0 || check_own(domain, hostdev, error) < 0 ||
            (hostdev->scsi && check_scsi(hostdev->scsi, error) < 0) ||
            FAULTS_CHECK(faults, error, "devices/hostdev[%u]", hostdev_i + 1) < 0)
            return -1;
    }
    LIST_EACH (net, &domain->devices.nets) {
        const struct fault faults[] = {
            {net->type == NET_HOSTDEV && is_net_given_twice(domain, net_i), FAULT_XML,
             "the guest has its device already"},
        };
        if (FAULTS_CHECK(faults, error, "devices/interface[%u]", net_i + 1) < 0)
            return -1;
    }
    return 0;
}

/* ---- folders of the host ---- */

static int check_share(const struct domain_filesystem *share, GError **error)
{
    bool mapped = share->access == FILESYSTEM_ACCESS_MAPPED;
    bool path = !share->driver || share->driver == FILESYSTEM_DRIVER_PATH ||
                share->driver == FILESYSTEM_DRIVER_HANDLE;
    const struct fault faults[] = {
        {share->type != FILESYSTEM_MOUNT, FAULT_QEMU, "@type can be 'mount' alone"},
        {!share->source_dir && !share->source_socket, FAULT_NO_SOURCE, "<source> is missing"},
        {(share->fmode || share->dmode) && path && !mapped, FAULT_QEMU,
         "@fmode and @dmode are for accessmode='mapped' alone"},
        {share->info.boot_order && share->driver != FILESYSTEM_DRIVER_VIRTIOFS, FAULT_QEMU,
         "<boot> is for driver 'virtiofs' alone"},
        {share->driver == FILESYSTEM_DRIVER_LOOP || share->driver == FILESYSTEM_DRIVER_NBD ||
             share->driver == FILESYSTEM_DRIVER_PLOOP,
         FAULT_XML, "driver/@type can be path or virtiofs"},
    };

    return FAULTS_CHECK(faults, error, "filesystem '%s'", share->target ?: "");
}

static int check_virtiofs(const struct domain *domain, const struct domain_filesystem *share,
                          GError **error)
{
    const struct fault faults[] = {
        {!domain_shares_memory(domain), FAULT_QEMU,
         "it needs shared memory: <memoryBacking><access mode='shared'/>"},
        {share->access && share->access != FILESYSTEM_ACCESS_PASSTHROUGH, FAULT_QEMU,
         "@accessmode can be 'passthrough' alone"},
        {share->multidevs > FILESYSTEM_MULTIDEVS_DEFAULT, FAULT_QEMU, "it has no @multidevs"},
        {share->wrpolicy != NULL, FAULT_QEMU, "it has no driver/@wrpolicy"},
        {share->model > VIRTIO_MODEL_VIRTIO, FAULT_QEMU, "it has no @model"},
        {share->fmode || share->dmode, FAULT_QEMU, "it has no @fmode and @dmode"},
    };

    if (share->driver != FILESYSTEM_DRIVER_VIRTIOFS)
        return 0;
    return FAULTS_CHECK(faults, error, "filesystem '%s' of driver 'virtiofs'", share->target ?: "");
}

static bool is_target_taken(const struct domain *domain, unsigned index)
{
    const struct domain_filesystem *share = domain->devices.filesystems.items[index];

    for (unsigned i = 0; i < index; i++)
        if (g_strcmp0(domain->devices.filesystems.items[i]->target, share->target) == 0)
            return true;
    return false;
}

int rules_check_filesystems(const struct domain *domain, GError **error)
{
    LIST_EACH (share, &domain->devices.filesystems) {
        const struct fault faults[] = {
            {share->driver == FILESYSTEM_DRIVER_VIRTIOFS && is_target_taken(domain, share_i),
             FAULT_GUEST, "another one has its target"},
        };
        if (check_share(share, error) < 0 || check_virtiofs(domain, share, error) < 0 ||
            FAULTS_CHECK(faults, error, "filesystem '%s'", share->target ?: "") < 0)
            return -1;
    }
    return 0;
}

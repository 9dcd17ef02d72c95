/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-disk.h"
#include "model/domain-net.h"

/* Host devices given to the guest. */

enum hostdev_mode { HOSTDEV_MODE_NONE, HOSTDEV_MODE_SUBSYSTEM, HOSTDEV_MODE_CAPABILITIES };
extern const struct names hostdev_mode_names;

enum hostdev_type {
    HOSTDEV_NONE,
    HOSTDEV_USB,
    HOSTDEV_PCI,
    HOSTDEV_SCSI,
    HOSTDEV_SCSI_HOST,
    HOSTDEV_MDEV,
    HOSTDEV_STORAGE, /* capabilities */
    HOSTDEV_MISC,
    HOSTDEV_NET,
};
extern const struct names hostdev_type_names;

enum hostdev_guest_reset {
    GUEST_RESET_NONE,
    GUEST_RESET_OFF,
    GUEST_RESET_UNINITIALIZED,
    GUEST_RESET_ON,
};
extern const struct names hostdev_guest_reset_names;

struct hostdev_pci {
    struct pci_address address;
    uint8_t write_filtering; /* enum tristate */
};

struct hostdev_mdev {
    uint8_t uuid[16];
};

struct hostdev_usb {
    unsigned vendor;
    unsigned product;
    unsigned bus;
    unsigned device;
    struct usb_port port; /* of the host: the device that is plugged there at the start */
};

enum hostdev_scsi_protocol { HOSTDEV_SCSI_NONE, HOSTDEV_SCSI_ADAPTER, HOSTDEV_SCSI_ISCSI };
extern const struct names hostdev_scsi_protocol_names;

struct hostdev_scsi {
    uint8_t protocol; /* enum hostdev_scsi_protocol */
    const char *adapter;
    unsigned bus;
    unsigned target;
    uint64_t unit;
    const char *name; /* iscsi */
    LIST_OF(struct source_host) hosts;
    struct source_auth *auth;
    const char *initiator_iqn;
};

struct domain_hostdev {
    struct domain_device_info info;
    uint8_t mode;           /* enum hostdev_mode */
    uint8_t type;           /* enum hostdev_type */
    uint8_t managed;        /* enum tristate */
    uint8_t sgio;           /* enum disk_sgio */
    uint8_t rawio;          /* enum tristate */
    uint8_t display;        /* enum tristate: mdev */
    uint8_t ramfb;          /* enum tristate: mdev */
    uint8_t guest_reset;    /* enum hostdev_guest_reset */
    uint8_t startup_policy; /* enum startup_policy */
    bool readonly;
    bool shareable;
    const char *model; /* mdev: vfio-pci..., scsi_host: virtio... */
    const char *driver_name;
    const char *driver_model;
    uint8_t iommufd;         /* enum tristate */
    struct hostdev_pci *pci; /* of these four, the one of the type */
    struct hostdev_usb *usb;
    struct hostdev_scsi *scsi;
    struct hostdev_mdev *mdev;
    const char *wwpn;     /* scsi_host */
    const char *protocol; /* scsi_host: vhost */
    const char *path;     /* capabilities: block or character device, interface */
    LIST_OF(struct net_ip) ips;
    LIST_OF(struct net_route) routes;
    struct net_teaming *teaming;
};

XML_SCHEMA_DECLARE(hostdev_pci);
XML_SCHEMA_DECLARE(hostdev_mdev);
XML_SCHEMA_DECLARE(hostdev_usb);
XML_SCHEMA_DECLARE(hostdev_scsi);
XML_SCHEMA_DECLARE(domain_hostdev);

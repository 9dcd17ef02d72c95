/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

/*
 * Where the bytes of a disk come from: a file, a block device, an export on the network. One struct
 * for a disk's <source>, for each image below it (<backingStore>), and for a <mirror>.
 */

enum source_type {
    SOURCE_NONE,
    SOURCE_FILE,
    SOURCE_BLOCK,
    SOURCE_DIR,
    SOURCE_NETWORK,
    SOURCE_VOLUME,
    SOURCE_NVME,
    SOURCE_VHOST_USER,
    SOURCE_VHOST_VDPA,
    SOURCE_CTL, /* FreeBSD's CAM target layer */
};
extern const struct names source_type_names;

enum source_protocol {
    SOURCE_PROTOCOL_NONE,
    SOURCE_PROTOCOL_NBD,
    SOURCE_PROTOCOL_RBD,
    SOURCE_PROTOCOL_SHEEPDOG,
    SOURCE_PROTOCOL_GLUSTER,
    SOURCE_PROTOCOL_ISCSI,
    SOURCE_PROTOCOL_HTTP,
    SOURCE_PROTOCOL_HTTPS,
    SOURCE_PROTOCOL_FTP,
    SOURCE_PROTOCOL_FTPS,
    SOURCE_PROTOCOL_TFTP,
    SOURCE_PROTOCOL_SSH,
    SOURCE_PROTOCOL_VXHS,
    SOURCE_PROTOCOL_NFS,
};
extern const struct names source_protocol_names;

enum source_transport {
    SOURCE_TRANSPORT_NONE,
    SOURCE_TRANSPORT_TCP,
    SOURCE_TRANSPORT_UNIX,
    SOURCE_TRANSPORT_RDMA,
};
extern const struct names source_transport_names;

/* Image formats, in the words of <driver type> and <format type>. */
enum image_format {
    IMAGE_FORMAT_NONE,
    IMAGE_FORMAT_RAW,
    IMAGE_FORMAT_DIR,
    IMAGE_FORMAT_BOCHS,
    IMAGE_FORMAT_CLOOP,
    IMAGE_FORMAT_DMG,
    IMAGE_FORMAT_ISO,
    IMAGE_FORMAT_VPC,
    IMAGE_FORMAT_VDI,
    IMAGE_FORMAT_FAT,
    IMAGE_FORMAT_VHD,
    IMAGE_FORMAT_PLOOP,
    IMAGE_FORMAT_COW,
    IMAGE_FORMAT_QCOW,
    IMAGE_FORMAT_QCOW2,
    IMAGE_FORMAT_QED,
    IMAGE_FORMAT_VMDK,
    IMAGE_FORMAT_LUKS,
    IMAGE_FORMAT_AIO, /* Xen's "aio:": read as raw */
    IMAGE_FORMAT_VHDX,
};
extern const struct names image_format_names;

enum startup_policy {
    STARTUP_POLICY_NONE,
    STARTUP_POLICY_MANDATORY,
    STARTUP_POLICY_REQUISITE,
    STARTUP_POLICY_OPTIONAL,
};
extern const struct names startup_policy_names;

enum volume_mode { VOLUME_MODE_NONE, VOLUME_MODE_HOST, VOLUME_MODE_DIRECT };
extern const struct names volume_mode_names;

struct source_host {
    uint8_t transport; /* enum source_transport */
    const char *name;
    const char *port; /* as written: a number */
    const char *socket;
};

enum secret_type {
    SECRET_TYPE_NONE,
    SECRET_TYPE_CEPH,
    SECRET_TYPE_ISCSI,
    SECRET_TYPE_PASSPHRASE,
};
extern const struct names secret_type_names;

/* A reference to a secret, by uuid or by usage. */
struct domain_secret {
    uint8_t type; /* enum secret_type */
    uint8_t uuid[16];
    const char *usage;
};

struct source_auth {
    const char *username;
    struct domain_secret secret;
};

struct source_encryption {
    const char *format; /* default, qcow, luks, luks2, luks-any */
    const char *engine; /* qemu, librbd */
    LIST_OF(struct domain_secret) secrets;
    const char *cipher_name;
    unsigned cipher_size;
    const char *cipher_mode;
    const char *cipher_hash;
    const char *ivgen_name;
    const char *ivgen_hash;
};

struct source_reconnect {
    uint8_t enabled; /* enum tristate */
    unsigned timeout;
};

struct source_reservations {
    uint8_t managed;   /* enum tristate */
    uint8_t migration; /* enum tristate */
    const char *type;  /* unix */
    const char *path;
    const char *mode;
};

struct source_cookie {
    const char *name;
    const char *value;
};

/* A window of the storage: <slice type='storage' offset= size=/> */
struct source_slice {
    const char *type;
    struct opt_ulong offset;
    uint64_t size;
};

/* The rarely used rest of a network source. */
struct source_network {
    const char *query;
    uint8_t tls; /* enum tristate */
    const char *tls_hostname;
    const char *snapshot;    /* rbd */
    const char *config_file; /* rbd */
    const char *initiator_iqn;
    uint8_t ssl_verify; /* enum tristate */
    LIST_OF(struct source_cookie) cookies;
    uint64_t readahead;
    uint64_t timeout;
    const char *ssh_user; /* identity at an SSH server */
    const char *user;     /* identity at an NFS server */
    const char *group;
    const char *agent_socket;
    const char *key_file;
    const char *known_hosts;
    unsigned reconnect_delay; /* nbd, seconds */
};

struct source_volume {
    const char *pool;
    const char *volume;
    uint8_t mode; /* enum volume_mode */
};

struct source_nvme {
    struct pci_address address;
    unsigned namespace;
    uint8_t managed; /* enum tristate */
};

struct source_metadata_cache {
    uint64_t max_size; /* bytes */
};

struct domain_source {
    uint8_t type;           /* enum source_type */
    uint8_t format;         /* enum image_format; for a disk's own source: <driver type> */
    uint8_t startup_policy; /* enum startup_policy */
    uint8_t protocol;       /* enum source_protocol */
    uint8_t detected;       /* enum tristate: of an image below: found in a header; status only */
    uint8_t real;           /* enum source_type: what a volume turned out to be; status only */
    unsigned index;         /* stable number of the image in its chain, 0: none */
    const char *path;       /* file, block device, directory, socket, vdpa device */
    const char *name;       /* network: export, image or path on the server */
    const char *fdgroup;    /* descriptors passed by the client */
    const char *via;        /* what kind of path: pci for nvme, unix for vhost-user */
    LIST_OF(struct source_host) hosts;
    LIST_OF(struct domain_source_label) labels;
    LIST_OF(struct source_slice) slices;
    struct source_network *network; /* NULL: none of its members given */
    struct source_volume *volume;   /* type volume */
    struct source_nvme *nvme;       /* type nvme */
    struct source_reservations *reservations;
    struct source_reconnect *reconnect; /* vhost-user */
    struct source_metadata_cache *metadata_cache;
    struct source_auth *auth;
    struct source_encryption *encryption;
    struct source_auth *disk_auth; /* both written beside <source>, where they used to be */
    struct source_encryption *disk_encryption;
    struct source_auth *pool_auth;   /* of the pool of a volume; status only */
    struct domain_source *data_file; /* of qcow2 with external data */

    /* The image below. NULL: not known (probe). type SOURCE_NONE: known that there is none. */
    struct domain_source *backing;
};

XML_SCHEMA_DECLARE(source_host);
XML_SCHEMA_DECLARE(domain_secret);
XML_SCHEMA_DECLARE(source_auth);
XML_SCHEMA_DECLARE(source_encryption);
XML_SCHEMA_DECLARE(source_reconnect);
XML_SCHEMA_DECLARE(source_reservations);
XML_SCHEMA_DECLARE(source_cookie);
XML_SCHEMA_DECLARE(source_slice);
XML_SCHEMA_DECLARE(source_network);
XML_SCHEMA_DECLARE(source_volume);
XML_SCHEMA_DECLARE(source_nvme);
XML_SCHEMA_DECLARE(source_metadata_cache);
XML_SCHEMA_DECLARE(
    domain_source);               /* rows of a disk: <source> and what is below; not type, format */
XML_SCHEMA_DECLARE(domain_image); /* of struct domain_source too: a whole image of a chain */

/* The kind of storage: of a volume, that which it turned out to be; SOURCE_VOLUME as long as that
 * was not asked for. */
enum source_type domain_source_type(const struct domain_source *source);

/* True if there is nothing to open: an empty drive. */
bool domain_source_is_empty(const struct domain_source *source);

/* True if the bytes are reached by a path on this host. */
bool domain_source_is_local(const struct domain_source *source);

/* The credentials, from whichever place they were written in; NULL: none. Borrowed. */
const struct source_auth *domain_source_auth(const struct domain_source *source);
const struct source_encryption *domain_source_encryption(const struct domain_source *source);

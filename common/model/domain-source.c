/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-source.h"

#include <limits.h>

#include "base/bytes.h"
#include "model/rows.h"
#include "model/text-types.h"

NAMES(source_type_names, NULL, "file", "block", "dir", "network", "volume", "nvme", "vhostuser",
      "vhostvdpa", "ctl");
NAMES(source_protocol_names, NULL, "nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https",
      "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs");
NAMES(source_transport_names, NULL, "tcp", "unix", "rdma");
NAMES(image_format_names, NULL, "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat",
      "vhd", "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", "luks", "aio", "vhdx");
NAMES(startup_policy_names, NULL, "mandatory", "requisite", "optional");
NAMES(volume_mode_names, NULL, "host", "direct");
static NAMES(slice_type_names, NULL, "storage");
NAMES(secret_type_names, NULL, "ceph", "iscsi", "passphrase");

#define ROWS_OF struct source_host
static const struct xml_row source_host_rows[] = {
    ROW_ENUM("@transport", transport, source_transport_names, "How the server is reached",
             DEFAULT(SOURCE_TRANSPORT_TCP), WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_STRING("@name", name, "Name or address of the server", FORM(word_type)),
    ROW_STRING("@port", port, "Port of the server"),
    ROW_STRING("@socket", socket, "Path of its socket", WHEN(transport, BIT(SOURCE_TRANSPORT_UNIX)),
               FORM(absolute_path_type), .flags = XML_EXPECTED),
};
#undef ROWS_OF

static int host_check(struct xml_at *at, void *object, GError **error)
{
    const struct source_host *host = object;

    if (xml_at_validates(at) && host->name && host->socket)
        return xml_at_fail(at, "@name", VIR_ERR_XML_ERROR, error,
                           "has no meaning while @transport is 'unix'");
    return 0;
}
XML_SCHEMA(source_host, "host", .doc = "A server that exports the storage", .check = host_check);

#define ROWS_OF struct domain_secret
static const struct xml_row domain_secret_rows[] = {
    ROW_ENUM("@type", type, secret_type_names, "Kind of secret", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_NEEDED),
    ROW_UUID("@uuid", uuid, "The secret, by uuid"),
    ROW_STRING("@usage", usage, "The secret, by what it is used for", FORM(filled_type)),
};
#undef ROWS_OF

static int secret_check(struct xml_at *at, void *object, GError **error)
{
    const struct domain_secret *secret = object;

    if (bytes_are_zero(secret->uuid, sizeof(secret->uuid)) == !secret->usage)
        return xml_at_fail(at, "", VIR_ERR_XML_ERROR, error,
                           "a secret is named by either uuid or usage");
    return 0;
}
XML_SCHEMA(domain_secret, "secret", .doc = "A secret kept by the secret daemon",
           .check = secret_check);

#define ROWS_OF struct source_auth
static const struct xml_row source_auth_rows[] = {
    ROW_STRING("@username", username, "User at the server", .flags = XML_NEEDED, FORM(filled_type)),
    ROW_EMBED("secret", secret, domain_secret),
};
#undef ROWS_OF
XML_SCHEMA(source_auth, "auth", .doc = "Credentials for the server");

#define ROWS_OF struct source_encryption
static const struct xml_row source_encryption_rows[] = {
    ROW_STRING("@format", format, "Format: luks, luks2, qcow, default", .flags = XML_NEEDED),
    ROW_STRING("@engine", engine, "What decrypts: qemu, librbd"),
    ROW_LIST("secret", secrets, domain_secret, "Passphrase"),
    ROW_STRING("cipher/@name", cipher_name, "Cipher: aes"),
    ROW_NUMBER("cipher/@size", cipher_size, "Bits of its key"),
    ROW_STRING("cipher/@mode", cipher_mode, "Mode: xts, cbc"),
    ROW_STRING("cipher/@hash", cipher_hash, "Hash of the mode"),
    ROW_STRING("ivgen/@name", ivgen_name, "How initialization vectors are made: plain64, essiv"),
    ROW_STRING("ivgen/@hash", ivgen_hash, "Hash for them"),
};
#undef ROWS_OF
XML_SCHEMA(source_encryption, "encryption", .doc = "How the image is encrypted");

#define ROWS_OF struct source_reconnect
static const struct xml_row source_reconnect_rows[] = {
    ROW_YES_NO("@enabled", enabled, "A lost connection is made again", .flags = XML_EXPECTED),
    ROW_NUMBER("@timeout", timeout, "Seconds between attempts"),
};
#undef ROWS_OF
XML_SCHEMA(source_reconnect, "reconnect", .doc = "What to do when the connection is lost");

#define ROWS_OF struct source_reservations
static const struct xml_row source_reservations_rows[] = {
    ROW_YES_NO("@managed", managed, "A helper is started for this guest"),
    ROW_YES_NO("@migration", migration, "They move with the guest"),
    ROW_STRING("source/@type", type, "Kind of socket: unix"),
    ROW_STRING("source/@path", path, "Path of the helper's socket", FORM(absolute_path_type)),
    ROW_STRING("source/@mode", mode, "client"),
};
#undef ROWS_OF
XML_SCHEMA(source_reservations, "reservations", .doc = "SCSI persistent reservations");

#define ROWS_OF struct source_cookie
static const struct xml_row source_cookie_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_REQUIRED),
    ROW_STRING(".", value, "Value", .flags = XML_SECURE),
};
#undef ROWS_OF
XML_SCHEMA(source_cookie, "cookie", .doc = "HTTP cookie");

#define ROWS_OF struct source_slice
static const struct xml_row source_slice_rows[] = {
    ROW_STRING("@type", type, "storage: a part of the file or device", .flags = XML_NEEDED,
               WORDS(slice_type_names)),
    ROW_NUMBER("@offset", offset, "First byte", .flags = XML_NEEDED),
    ROW_NUMBER("@size", size, "Bytes", .flags = XML_NEEDED),
};
#undef ROWS_OF
XML_SCHEMA(source_slice, "slice", .doc = "A part of the storage used as if it were all");

#define ROWS_OF struct source_network
static const struct xml_row source_network_rows[] = {
    ROW_STRING("@query", query, "What follows ? in the URL"),
    ROW_YES_NO("@tls", tls, "Encrypted connection"),
    ROW_STRING("@tlsHostname", tls_hostname, "Name that the server's certificate must have"),
    ROW_STRING("snapshot/@name", snapshot, "Snapshot of an RBD image"),
    ROW_STRING("config/@file", config_file, "Configuration file of the RBD client"),
    ROW_ELEMENT("initiator/iqn", "The iSCSI initiator", .flags = XML_EXPECTED),
    ROW_STRING("initiator/iqn/@name", initiator_iqn, "Name of the iSCSI initiator",
               .flags = XML_EXPECTED),
    ROW_YES_NO("ssl/@verify", ssl_verify, "The server's certificate is checked",
               .flags = XML_EXPECTED),
    ROW_LIST("cookies/cookie", cookies, source_cookie, "Cookie sent with requests",
             .flags = XML_EXPECTED),
    ROW_NUMBER("readahead/@size", readahead, "Bytes read ahead", .flags = XML_EXPECTED | XML_BLANK,
               FORM_RANGE(1, INT64_MAX)),
    ROW_NUMBER("timeout/@seconds", timeout, "Time until a request fails",
               .flags = XML_EXPECTED | XML_BLANK, FORM_RANGE(1, INT64_MAX)),
    ROW_NUMBER("reconnect/@delay", reconnect_delay, "Seconds to try to reconnect"),
    ROW_STRING("knownHosts/@path", known_hosts, "File with the servers' keys"),
    ROW_STRING("identity/@username", ssh_user, "User at the server"),
    ROW_STRING("identity/@user", user, "User that an NFS server sees"),
    ROW_STRING("identity/@group", group, "Group that an NFS server sees"),
    ROW_STRING("identity/@agentsock", agent_socket, "Socket of the SSH agent"),
    ROW_STRING("identity/@keyfile", key_file, "Private key"),
};
#undef ROWS_OF
XML_SCHEMA(source_network, "source", .doc = "Further members of a network source");

#define ROWS_OF struct source_volume
static const struct xml_row source_volume_rows[] = {
    ROW_STRING("@pool", pool, "Storage pool", FORM(filled_type)),
    ROW_STRING("@volume", volume, "Volume of the pool", FORM(filled_type)),
    ROW_ENUM("@mode", mode, volume_mode_names, "Whether the host or QEMU logs in",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
};
#undef ROWS_OF
XML_SCHEMA(source_volume, "source", .doc = "A volume of a storage pool");

#define ROWS_OF struct source_nvme
static const struct xml_row source_nvme_rows[] = {
    ROW_YES_NO("@managed", managed, "The controller is detached from the host and given back"),
    ROW_NUMBER("@namespace", namespace, "Number of the namespace"),
    ROW_EMBED("address", address, pci_address, .flags = XML_HOST),
};
#undef ROWS_OF
XML_SCHEMA(source_nvme, "source", .doc = "A namespace of a host's NVMe controller");

#define ROWS_OF struct source_metadata_cache
static const struct xml_row source_metadata_cache_rows[] = {
    ROW_SIZE("max_size", max_size, UNIT_BYTES, "Most memory for it"),
};
#undef ROWS_OF
XML_SCHEMA(source_metadata_cache, "metadata_cache", .doc = "Cache of a qcow2 image's tables");

#define OF_VOLUME .flags = XML_STATUS, WHEN(type, BIT(SOURCE_VOLUME))
#define ROWS_OF struct domain_source
static const struct xml_row domain_source_rows[] = {
    ROW_ENUM("@type", type, source_type_names, "Kind of storage", .flags = XML_HIDDEN),
    ROW_STRING("source/@file", path, "Path of the file", WHEN(type, BIT(SOURCE_FILE)),
               FORM(absolute_path_type)),
    ROW_STRING("source/@dev", path, "Path of the device",
               WHEN(type, BIT(SOURCE_BLOCK) | BIT(SOURCE_VHOST_VDPA) | BIT(SOURCE_CTL)),
               FORM(filled_type)),
    ROW_STRING("source/@dir", path, "Path of the folder", WHEN(type, BIT(SOURCE_DIR)),
               FORM(absolute_path_type)),
    ROW_STRING("source/@fdgroup", fdgroup, "Group of descriptors that the client passed",
               WHEN(type, BIT(SOURCE_FILE) | BIT(SOURCE_BLOCK))),
    ROW_ENUM("source/@protocol", protocol, source_protocol_names, "Protocol of the server",
             WHEN(type, BIT(SOURCE_NETWORK)), .flags = XML_NEEDED),
    ROW_STRING("source/@name", name, "What the server exports", WHEN(type, BIT(SOURCE_NETWORK))),
    ROW_CHILD("source/.", volume, source_volume, "Volume of a storage pool",
              WHEN(type, BIT(SOURCE_VOLUME))),
    ROW_ENUM("source/real/@type", real, source_type_names, "What the volume is on this host",
             OF_VOLUME),
    ROW_STRING("source/real/@path", path, "Where it is", OF_VOLUME),
    ROW_ENUM("source/real/@protocol", protocol, source_protocol_names, "Protocol of the server",
             OF_VOLUME),
    ROW_STRING("source/real/@name", name, "What the server exports", OF_VOLUME),
    ROW_LIST("source/real/host", hosts, source_host, "Server", OF_VOLUME),
    ROW_CHILD("source/real/network", network, source_network, "How it is reached", OF_VOLUME),
    ROW_CHILD("source/real/auth", pool_auth, source_auth, "Credentials of the pool", OF_VOLUME),
    ROW_STRING("source/@type", via, "pci for nvme, unix for vhostuser",
               WHEN(type, BIT(SOURCE_NVME) | BIT(SOURCE_VHOST_USER)), .flags = XML_NEEDED),
    ROW_STRING("source/@path", path, "Path of the socket", WHEN(type, BIT(SOURCE_VHOST_USER)),
               FORM(absolute_path_type), .flags = XML_EXPECTED),
    ROW_CHILD("source/.", nvme, source_nvme, "NVMe namespace", WHEN(type, BIT(SOURCE_NVME))),
    ROW_ENUM("source/@startupPolicy", startup_policy, startup_policy_names,
             "What to do when it is missing at start"),
    ROW_LIST("source/host", hosts, source_host, "Server", WHEN(type, BIT(SOURCE_NETWORK))),
    ROW_CHILD("source/.", network, source_network, "Further members of a network source",
              WHEN(type, BIT(SOURCE_NETWORK))),
    ROW_LIST("source/slices/slice", slices, source_slice, "Part used", .flags = XML_EXPECTED),
    ROW_LIST("source/seclabel", labels, domain_source_label, "Security label"),
    ROW_CHILD("source/auth", auth, source_auth, "Credentials for the server"),
    ROW_CHILD("source/encryption", encryption, source_encryption, "Encryption"),
    ROW_CHILD("source/reservations", reservations, source_reservations,
              "SCSI persistent reservations"),
    ROW_CHILD("source/reconnect", reconnect, source_reconnect, "When the connection is lost",
              WHEN(type, BIT(SOURCE_VHOST_USER))),
    ROW_CHILD_AS("source/dataStore", data_file, struct domain_source, domain_image,
                 "External data of a qcow2 image"),
    ROW_CHILD_AS("backingStore", backing, struct domain_source, domain_image,
                 "The image below; empty: there is none"),
};

/* How many servers a protocol has, and whether its connections can be encrypted by tls='yes'. */
static const struct {
    unsigned least, most;
    bool tls;
} protocols[] = {
    [SOURCE_PROTOCOL_NBD] = {1, 1, true}, [SOURCE_PROTOCOL_RBD] = {0, UINT_MAX},
    [SOURCE_PROTOCOL_SHEEPDOG] = {0, 1},  [SOURCE_PROTOCOL_GLUSTER] = {1, UINT_MAX},
    [SOURCE_PROTOCOL_ISCSI] = {1, 1},     [SOURCE_PROTOCOL_HTTP] = {1, 1},
    [SOURCE_PROTOCOL_HTTPS] = {1, 1},     [SOURCE_PROTOCOL_FTP] = {1, 1},
    [SOURCE_PROTOCOL_FTPS] = {1, 1},      [SOURCE_PROTOCOL_TFTP] = {1, 1},
    [SOURCE_PROTOCOL_SSH] = {1, 1},       [SOURCE_PROTOCOL_VXHS] = {1, 1, true},
    [SOURCE_PROTOCOL_NFS] = {1, 1},
};

static int source_check(struct xml_at *at, void *object, GError **error)
{
    const struct domain_source *source = object;
    unsigned protocol = source->protocol, hosts = source->hosts.count;

    if (!xml_at_validates(at))
        return 0;
    if (source->slices.count > 1)
        return xml_at_fail(at, "source/slices", VIR_ERR_XML_ERROR, error, "has one <slice> only");
    if (source->type != SOURCE_NETWORK || !protocol)
        return 0;
    if (hosts < protocols[protocol].least || hosts > protocols[protocol].most)
        return xml_at_fail(at, "source/host", VIR_ERR_XML_ERROR, error,
                           hosts ? "%u servers are given, and protocol '%s' has one"
                                 : "%u servers are given, and protocol '%s' needs one",
                           hosts, names_word(&source_protocol_names, protocol));
    if (source->network && source->network->tls && !protocols[protocol].tls)
        return xml_at_fail(at, "source/@tls", VIR_ERR_XML_ERROR, error,
                           "has no meaning for protocol '%s'",
                           names_word(&source_protocol_names, protocol));
    return 0;
}
XML_SCHEMA(domain_source, "source", .doc = "Where the bytes of a disk are", .check = source_check);

static const struct xml_row domain_image_rows[] = {
    ROW_ENUM("@type", type, source_type_names, "Kind of storage"),
    ROW_NUMBER("@index", index, "Number of the image, for block jobs", .flags = XML_LIVE),
    ROW_YES_NO("@detected", detected, "Found in the header of the image above",
               .flags = XML_STATUS),
    ROW_ENUM("format/@type", format, image_format_names, "Format of the image"),
    ROW_CHILD("format/metadata_cache", metadata_cache, source_metadata_cache,
              "Cache of a qcow2 image's tables"),
    ROW_SAME(domain_source),
};
#undef ROWS_OF
XML_SCHEMA_OF(domain_image, struct domain_source, "backingStore",
              .doc = "An image of a disk's chain");

enum source_type domain_source_type(const struct domain_source *source)
{
    return source->type == SOURCE_VOLUME && source->real ? source->real : source->type;
}

bool domain_source_is_empty(const struct domain_source *source)
{
    switch (source->type) {
    case SOURCE_NONE:
        return true;
    case SOURCE_NETWORK:
        return source->protocol == SOURCE_PROTOCOL_NONE;
    case SOURCE_VOLUME:
        return !source->volume;
    case SOURCE_NVME:
        return !source->nvme;
    default:
        return !source->path && !source->fdgroup;
    }
}

bool domain_source_is_local(const struct domain_source *source)
{
    enum source_type type = domain_source_type(source);

    return type == SOURCE_FILE || type == SOURCE_BLOCK || type == SOURCE_DIR;
}

const struct source_auth *domain_source_auth(const struct domain_source *source)
{
    return source->auth ?: source->disk_auth ?: source->pool_auth;
}

const struct source_encryption *domain_source_encryption(const struct domain_source *source)
{
    return source->encryption ? source->encryption : source->disk_encryption;
}

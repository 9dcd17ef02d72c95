/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scsi-host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/workers.h"

#define HOSTS "/sys/class/scsi_host"
#define FC_HOSTS "/sys/class/fc_host"
#define WORD_MOST 4096

/* ---- pure ---- */

int scsi_host_read_name(const char *name, unsigned *ret_host, GError **error)
{
    const char *digits = g_str_has_prefix(name, "scsi_") ? name + strlen("scsi_") : name;
    unsigned host;
    char rest;

    if (g_str_has_prefix(digits, "host") && g_ascii_isdigit(digits[strlen("host")]) &&
        sscanf(digits, "host%9u%c", &host, &rest) == 1) {
        *ret_host = host;
        return 0;
    }
    error_set(error, VIR_ERR_INTERNAL_ERROR, "Invalid adapter name '%s' for SCSI pool", name);
    return -1;
}

static char *address_text(const struct pci_address *address)
{
    return g_strdup_printf("%04x:%02x:%02x.%x", address->domain, address->bus, address->slot,
                           address->function);
}

bool scsi_host_is_behind(const char *path, const struct pci_address *address)
{
    g_autofree char *text = address_text(address);
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    const char *last = "";
    unsigned values[4];
    char rest;

    for (char **part = parts; *part; part++)
        if (sscanf(*part, "%4x:%2x:%2x.%1x%c", &values[0], &values[1], &values[2], &values[3],
                   &rest) == 4)
            last = *part;
    return strcmp(last, text) == 0;
}

/* ---- sysfs ---- */

static char *read_word(const char *folder, const char *host, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s/%s", folder, host, name);
    char *text = NULL;

    return file_read_optional(path, WORD_MOST, &text, NULL, NULL) == 0 && text ? g_strstrip(text)
                                                                               : NULL;
}

static int write_word(const char *path, const char *text)
{
    autofd int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* WWNs are written with and without a prefix. */
static bool is_wwn(const char *found, const char *wanted)
{
    return found && wanted &&
           g_ascii_strcasecmp(g_str_has_prefix(found, "0x") ? found + 2 : found, wanted) == 0;
}

int scsi_host_scan(unsigned host, GError **error)
{
    g_autofree char *path = g_strdup_printf(HOSTS "/host%u/scan", host);

    workers_begin_wait(); /* a bus may be slow to tell */
    int result = write_word(path, "- - -");
    workers_end_wait();
    if (result < 0)
        error_set_errno(error, errno, "Could not open '%s' to trigger host scan", path);
    return result;
}

/* ---- hosts by what they are ---- */

struct wanted {
    const char *wwnn, *wwpn, *fabric_wwn; /* NULL: any */
    bool capable;                         /* virtual ones can be made there */
};

static bool is_capable(const char *host)
{
    g_autofree char *most = read_word(FC_HOSTS, host, "max_npiv_vports");
    g_autofree char *used = read_word(FC_HOSTS, host, "npiv_vports_inuse");

    return most && used && g_ascii_strtoull(used, NULL, 10) < g_ascii_strtoull(most, NULL, 10);
}

static bool matches(const char *host, const struct wanted *wanted)
{
    g_autofree char *wwnn = read_word(FC_HOSTS, host, "node_name");
    g_autofree char *wwpn = read_word(FC_HOSTS, host, "port_name");
    g_autofree char *fabric = read_word(FC_HOSTS, host, "fabric_name");

    return (!wanted->wwnn || is_wwn(wwnn, wanted->wwnn)) &&
           (!wanted->wwpn || is_wwn(wwpn, wanted->wwpn)) &&
           (!wanted->fabric_wwn || is_wwn(fabric, wanted->fabric_wwn)) &&
           (!wanted->capable || is_capable(host));
}

/* The first by name; NULL: there is none. The caller frees. */
static char *find_fc(const struct wanted *wanted)
{
    g_auto(GStrv) hosts = NULL;

    if (file_list(FC_HOSTS, NULL, &hosts, NULL) < 0)
        return NULL;
    for (char **host = hosts; *host; host++)
        if (matches(*host, wanted))
            return g_strdup(*host);
    return NULL;
}

static char *find_virtual(const struct storage_adapter *adapter)
{
    return find_fc(&(struct wanted){.wwnn = adapter->wwnn, .wwpn = adapter->wwpn});
}

static bool is_at_address(const char *host, const struct storage_adapter *adapter)
{
    g_autofree char *link = g_strdup_printf(HOSTS "/%s", host);
    g_autofree char *path = realpath(link, NULL);
    g_autofree char *id = read_word(HOSTS, host, "unique_id");

    return path && id && scsi_host_is_behind(path, adapter->address) &&
           g_ascii_strtoull(id, NULL, 10) == adapter->unique_id.value;
}

static int find_by_address(const struct storage_adapter *adapter, unsigned *ret_host,
                           GError **error)
{
    g_autofree char *text = address_text(adapter->address);
    g_auto(GStrv) hosts = NULL;

    if (file_list(HOSTS, NULL, &hosts, error) < 0)
        return -1;
    for (char **host = hosts; *host; host++)
        if (is_at_address(*host, adapter))
            return scsi_host_read_name(*host, ret_host, error);
    error_set(error, VIR_ERR_XML_ERROR,
              "Failed to find scsi_host using PCI '%s' and unique_id='%u'", text,
              (unsigned)adapter->unique_id.value);
    return -1;
}

int scsi_host_find(const struct storage_adapter *adapter, unsigned *ret_host, GError **error)
{
    if (adapter->type == STORAGE_ADAPTER_SCSI_HOST)
        return adapter->address ? find_by_address(adapter, ret_host, error)
                                : scsi_host_read_name(adapter->name, ret_host, error);
    g_autofree char *host = find_virtual(adapter);
    if (host)
        return scsi_host_read_name(host, ret_host, error);
    error_set(error, VIR_ERR_XML_ERROR, "Failed to find SCSI host with wwnn='%s', wwpn='%s'",
              adapter->wwnn, adapter->wwpn);
    return -1;
}

/* ---- virtual hosts ---- */

static int check_named(const char *name, char **ret_parent, GError **error)
{
    unsigned number;

    if (scsi_host_read_name(name, &number, error) < 0)
        return -1;
    g_autofree char *path = g_strdup_printf(FC_HOSTS "/host%u", number);
    if (access(path, F_OK) < 0) {
        error_set(error, VIR_ERR_XML_ERROR, "parent '%s' specified for vHBA does not exist", name);
        return -1;
    }
    *ret_parent = g_path_get_basename(path);
    return 0;
}

static int find_parent(const struct storage_adapter *adapter, char **ret_parent, GError **error)
{
    struct wanted wanted = {.wwnn = adapter->parent_wwnn,
                            .wwpn = adapter->parent_wwpn,
                            .fabric_wwn = adapter->parent_fabric_wwn};
    bool any = !wanted.wwnn && !wanted.wwpn && !wanted.fabric_wwn;

    if (adapter->parent)
        return check_named(adapter->parent, ret_parent, error);
    wanted.capable = any || wanted.fabric_wwn;
    *ret_parent = find_fc(&wanted);
    if (*ret_parent)
        return 0;
    error_set(error, VIR_ERR_XML_ERROR, "%s",
              any           ? "'parent' for vHBA not specified, and cannot find one on this host"
              : wanted.wwnn ? "cannot find parent using provided wwnn/wwpn"
                            : "cannot find parent using provided fabric_wwn");
    return -1;
}

/* The kernel has the files where the driver of the parent puts them. */
static int tell_parent(const char *parent, const char *what, const struct storage_adapter *adapter,
                       GError **error)
{
    static const char *const folders[] = {FC_HOSTS, HOSTS};
    g_autofree char *names = g_strdup_printf("%s:%s", adapter->wwpn, adapter->wwnn);

    errno = ENOENT;
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s/%s", folders[i], parent, what);

        if (access(path, W_OK) == 0 && write_word(path, names) == 0)
            return 0;
    }
    error_set_errno(error, errno, "%s of '%s' on '%s' failed", what, names, parent);
    return -1;
}

/* Virtual hosts are below the port that they are on: .../host3/.../vport-3:0-0/host5/fc_host/host5.
 * *ret_vport is what that is called: a name can be left there. */
static bool find_vport(const char *host, char **ret_parent, char **ret_vport)
{
    g_autofree char *link = g_strdup_printf(FC_HOSTS "/%s", host);
    g_autofree char *path = realpath(link, NULL);
    g_auto(GStrv) parts = g_strsplit(path ? path : "", "/", -1);
    const char *parent = NULL;

    for (char **part = parts; *part; part++) {
        if (g_str_has_prefix(*part, "vport-") && parent) {
            *ret_parent = g_strdup(parent);
            *ret_vport = g_strdup(*part);
            return true;
        }
        if (g_str_has_prefix(*part, "host"))
            parent = *part;
    }
    return false;
}

/* Where it can't be left, the virtual host stays until somebody else removes it. */
static void leave_name(const struct storage_adapter *adapter, const char *owner)
{
    g_autofree char *host = find_virtual(adapter), *parent = NULL, *vport = NULL;

    if (!host || !find_vport(host, &parent, &vport))
        return;
    g_autofree char *path = g_strdup_printf("/sys/class/fc_vports/%s/symbolic_name", vport);
    write_word(path, owner);
}

int scsi_host_make_virtual(const struct storage_adapter *adapter, const char *owner, GError **error)
{
    g_autofree char *host = find_virtual(adapter), *parent = NULL;

    if (adapter->type != STORAGE_ADAPTER_FC_HOST || host)
        return 0;
    if (find_parent(adapter, &parent, error) < 0 ||
        tell_parent(parent, "vport_create", adapter, error) < 0)
        return -1;
    leave_name(adapter, owner);
    return 0;
}

int scsi_host_remove_virtual(const struct storage_adapter *adapter, const char *owner,
                             GError **error)
{
    g_autofree char *host = NULL, *parent = NULL, *vport = NULL;

    if (adapter->type != STORAGE_ADAPTER_FC_HOST || adapter->managed == TRISTATE_NO)
        return 0;
    host = find_virtual(adapter);
    if (!host || !find_vport(host, &parent, &vport))
        return 0;
    g_autofree char *name = read_word("/sys/class/fc_vports", vport, "symbolic_name");
    bool ours = name && strcmp(name, owner) == 0;
    return ours || adapter->managed == TRISTATE_YES
               ? tell_parent(parent, "vport_delete", adapter, error)
               : 0;
}

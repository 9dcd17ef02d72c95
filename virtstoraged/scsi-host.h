/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-pool.h"

/* SCSI hosts, as sysfs knows them, and the virtual ones that are made on ports of fibre channel. */

/* The number of "host3" or "scsi_host3". VIR_ERR_INTERNAL_ERROR: it is no such name. Pure. */
int scsi_host_read_name(const char *name, unsigned *ret_host, GError **error);

/* Does the path of a host in sysfs lead through this PCI device, directly? Pure. */
bool scsi_host_is_behind(const char *path, const struct pci_address *address);

/* The host that an adapter names; a virtual one must be there. Errors name what is missing:
 * VIR_ERR_XML_ERROR, or as above. Blocks on sysfs. */
int scsi_host_find(const struct storage_adapter *adapter, unsigned *ret_host, GError **error);

/* Has the kernel look for LUNs. VIR_ERR_SYSTEM_ERROR when there is no such host. Blocks. */
int scsi_host_scan(unsigned host, GError **error);

/* Makes the virtual host of an adapter of type fc_host, unless it is there. owner is marked as who
 * has made it. Errors: VIR_ERR_XML_ERROR when there is no such parent. Blocks. */
int scsi_host_make_virtual(const struct storage_adapter *adapter, const char *owner,
                           GError **error);

/* Takes it away, if owner has made it or the adapter says that it is managed. Blocks. */
int scsi_host_remove_virtual(const struct storage_adapter *adapter, const char *owner,
                             GError **error);

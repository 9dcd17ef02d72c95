/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "arguments-parts.h"

/* What devices of single families need before them, as steps of arguments-devices.c: objects,
 * streams, nodes. */
int add_memory_backend(const struct build *build, const struct device *device, GError **error);
int add_shmem_backend(const struct build *build, const struct device *device, GError **error);
int add_crypto_backend(const struct build *build, const struct device *device, GError **error);
int add_pstore_backend(const struct build *build, const struct device *device, GError **error);
int add_hostdev_backend(const struct build *build, const struct device *device, GError **error);
int add_filesystem_backend(const struct build *build, const struct device *device, GError **error);
int add_tpm_backend(const struct build *build, const struct device *device, GError **error);
int add_smartcard_stream(const struct build *build, const struct device *device, GError **error);
int add_video_stream(const struct build *build, const struct device *device, GError **error);
int add_disk_backend(const struct build *build, const struct device *device, GError **error);

/* Opens what the device reaches by a descriptor of ours, hands it over and names it in the device's
 * properties; in a plan names it alone. Blocks. */
int open_vsock(const struct build *build, const struct device *device,
               struct json_object *properties, GError **error);
int open_hostdev(const struct build *build, const struct device *device,
                 struct json_object *properties, GError **error);

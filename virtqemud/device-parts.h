/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "device.h"

/* What single families stand on: an object each, the caller's, called after the device's alias.
 * Pure. */

struct json_object *memory_object(const struct domain *domain, const struct domain_memory *memory,
                                  const struct arguments_context *context);
struct json_object *crypto_object(const struct domain_crypto *crypto);
struct json_object *pstore_object(const struct domain_pstore *pstore);

/* NULL for one that a server gives. */
struct json_object *shmem_object(const struct domain_shmem *shmem);

/* The socket of that server: "/var/lib/libvirt/shmem-NAME-sock" where the document names none. The
 * caller frees. */
char *shmem_server_path(const struct domain_shmem *shmem);

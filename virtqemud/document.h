/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * From a client's text to a definition that can be stored: read, defaults, checks, addresses. Pure
 * but for asking what the emulator can do.
 */

/* *ret_definition is the caller's. validate: what is unknown is an error, else a logged warning.
 * Blocks for a first probe of the emulator. Errors: VIR_ERR_XML_..., VIR_ERR_CONFIG_UNSUPPORTED,
 * which for a domain of another hypervisor names the daemon to ask. */
int document_read(struct qemu *qemu, const char *text, bool validate,
                  struct definition **ret_definition, GError **error);

/* The same for a definition that was read before and changed since: what is there stays. */
int document_complete_changed(struct qemu *qemu, struct domain *domain, GError **error);

/* The same after a device has come, which the emulator must have. */
int document_complete_added(struct qemu *qemu, struct domain *domain, const struct device *device,
                            GError **error);

/* MAC addresses made up here are of the block that QEMU's makers were given. */
#define DOCUMENT_MAC_PREFIX                                                                        \
    {                                                                                              \
        0x52, 0x54, 0x00                                                                           \
    }

/* object_kind.complete: for files of ours, which are complete but for what older ones lack; no
 * emulator is asked. */
int document_complete(struct definition *definition, GError **error);

/* object_kind.revert */
void document_revert(struct definition *live);

/* driver_spec.update_cpu */
void document_update_cpu(struct driver *driver, struct definition *definition);

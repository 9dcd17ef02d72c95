/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * One device as clients send it, <disk>...</disk>, and its way into a definition that is being
 * changed: read, added, completed as it would be in a whole document.
 */

/* Reads it into the domain's arena; it is not among the domain's devices yet. Errors:
 * VIR_ERR_XML_..., VIR_ERR_CONFIG_UNSUPPORTED for an element that is no device. Pure. */
int device_document_read(struct domain *domain, const char *text, bool live,
                         struct device *ret_device, GError **error);

/* Puts it where devices of its kind are; device->index is set; memory counts as the guest's.
 * VIR_ERR_OPERATION_INVALID: there can only be one. */
int device_document_add(struct domain *domain, struct device *device, GError **error);

/* Takes it away again, device->index being right. */
void device_document_remove(struct domain *domain, const struct device *device);

/*
 * Completes and checks a running guest's definition with an added device, as
 * document_complete_changed() does a stored one: but its machine can't grow except by what is
 * plugged in. *ret_added gets the controllers that are needed first and then the device itself,
 * each with place and alias; an array of struct device, the caller's. VIR_ERR_INTERNAL_ERROR: there
 * is no free place.
 */
int device_document_complete_live(struct domain *live, const struct device *device,
                                  const struct emulator *emulator, GArray **ret_added,
                                  GError **error);

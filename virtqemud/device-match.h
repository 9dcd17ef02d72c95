/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Which device of a domain a document means that a client sends to detach or update it. Disks are
 * known by target, interfaces by MAC address and place, controllers by type and index, others by
 * all that the document says.
 */

/* document: as read, nothing filled in; live: of a running guest, for the words of the error.
 * *ret_device is the domain's. Pure. VIR_ERR_DEVICE_MISSING, where others say otherwise for a kind
 * that. VIR_ERR_OPERATION_FAILED: several interfaces fit. */
int device_match_find(const struct domain *domain, const struct device *document, bool live,
                      struct device *ret_device, GError **error);

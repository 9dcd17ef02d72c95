/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* Gives those of the devices of an s390x guest that are on PCI the two numbers that its firmware
 * knows them by, where the document has none: each the lowest that is free. Bridges whose number is
 * among made get none. The guest is under construction. */
void address_assign_zpci(struct domain *domain, const bool *made);

/* True if the device has such numbers. */
bool address_has_zpci(const struct domain_device_info *info);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * The rules between members and between devices that hold whatever the driver: checked after
 * defaults. Rules inside one element are checked by its table's check function while reading.
 * VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED.
 */
int domain_check(const struct domain *domain, GError **error);

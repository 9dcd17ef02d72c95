/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/* Rules between members of a network document, called by the reader for each struct (their tables
 * name them). Pure. Errors have the codes that the ecosystem knows, with line and path. */
int network_check(struct xml_at *at, void *object, GError **error);
int network_check_nat(struct xml_at *at, void *object, GError **error);
int network_check_forward(struct xml_at *at, void *object, GError **error);
int network_check_port_range(struct xml_at *at, void *object, GError **error);
int network_check_port_forward(struct xml_at *at, void *object, GError **error);

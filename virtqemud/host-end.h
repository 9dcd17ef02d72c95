/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-net.h"

/*
 * The host's end of an interface that is plugged into nothing (type='ethernet'): its <source> may
 * give it addresses, and say what is behind the guest. All of it goes with the device.
 */

/* VIR_ERR_XML_ERROR: an address or a prefix that is none, families that do not belong together.
 * Pure. */
int host_end_check(const struct domain_net *net, GError **error);

/* Sets up the device, which is there; routes only where its link is up. VIR_ERR_SYSTEM_ERROR.
 * Blocks for the kernel. */
int host_end_set(const struct domain_net *net, GError **error);

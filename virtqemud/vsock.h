/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* The address of a guest at the sockets between it and its host. Both block on the kernel alone;
 * VIR_ERR_CONFIG_UNSUPPORTED: the host has no such sockets; VIR_ERR_SYSTEM_ERROR names the address
 * that another guest has. */

/* Fills in the address of one that leaves it to us: the lowest that is free now. Changes a domain
 * under construction. */
int vsock_choose_cid(struct domain_vsock *vsock, GError **error);

/* Takes the address: it is the guest's as long as the descriptor, the caller's, is open. */
int vsock_open(const struct domain_vsock *vsock, int *ret_fd, GError **error);

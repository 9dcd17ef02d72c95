/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/params.h"

#include "agent-replies.h"

/* Adds what the guest tells of itself: types is a mask of VIR_DOMAIN_GUEST_INFO_..., 0: all that
 * its agent knows. Blocks; needs no job. VIR_ERR_INVALID_ARG names types that nobody knows. */
int agent_info_add(struct guest *guest, unsigned types, struct params *params, GError **error);

/* The interfaces of the guest, in the arena; aliases such as "eth0:1" are addresses of the same. */
struct remote_domain_interface_addresses_ret;
int agent_info_list_interfaces(struct guest *guest, struct arena *arena,
                               struct remote_domain_interface_addresses_ret *ret, GError **error);

/* The filesystems of the guest, with the targets of the disks that they are on. */
struct remote_domain_get_fsinfo_ret;
int agent_info_list_filesystems(struct guest *guest, struct arena *arena,
                                struct remote_domain_get_fsinfo_ret *ret, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Guests whose memory the host cannot read: <launchSecurity>. */

/* What an encrypted guest's document leaves to the host, written into it: where page tables have
 * the bit, and how many others are lost. For SEV that does not work, nothing. */
void launch_security_choose(struct domain *live, const struct emulator *emulator);

/* VIR_ERR_CONFIG_UNSUPPORTED: the emulator has no such guests. Pure. */
int launch_security_check_emulator(const struct domain *domain, const struct emulator *emulator,
                                   GError **error);

/* VIR_ERR_CONFIG_UNSUPPORTED: the host encrypts no such guests. Pure. */
int launch_security_check(const struct domain *live, const struct emulator *emulator,
                          GError **error);

/* The host's node that QEMU opens for it, NULL: none. */
const char *launch_security_node(const struct domain *domain);

/* Adds the object that -machine names as confidential-guest-support; nothing for others. Keys of
 * the owner become files of the run's folder, unless in a plan. VIR_ERR_CONFIG_UNSUPPORTED: the
 * emulator has no such; VIR_ERR_SYSTEM_ERROR names a file that can't be written. */
int launch_security_add(const struct domain *domain, const struct arguments_context *context,
                        struct arguments *arguments, GError **error);

/* True if what is encrypted stays where it is in the host's memory, and counts as locked. */
bool launch_security_locks_memory(const struct domain *domain);

/* The object's identifier, NULL: none. Borrowed. */
const char *launch_security_id(const struct domain *domain);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Guests whose memory the host cannot read: <launchSecurity>. */

/* Adds the object that -machine names as confidential-guest-support; nothing for others. Keys of
 * the owner become files of the run's folder, unless in a plan. VIR_ERR_CONFIG_UNSUPPORTED: the
 * emulator has no such; VIR_ERR_SYSTEM_ERROR names a file that can't be written. */
int launch_security_add(const struct domain *domain, const struct arguments_context *context,
                        struct arguments *arguments, GError **error);

/* The object's identifier, NULL: none. Borrowed. */
const char *launch_security_id(const struct domain *domain);

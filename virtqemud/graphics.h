/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Adds the words for one display: -vnc, -spice, -display and what goes with them. Errors:
 * VIR_ERR_CONFIG_UNSUPPORTED names the display by its type. Opens nothing. */
int graphics_build(const struct domain *domain, const struct domain_graphics *graphics,
                   const struct arguments_context *context, struct arguments *arguments,
                   GError **error);

/* The password that clients must know, of the document or qemu.conf; NULL: none. Borrowed. It is
 * told to QEMU by its monitor, and never a word of the command line. */
const char *graphics_password(const struct domain_graphics *graphics,
                              const struct qemu_config *config);

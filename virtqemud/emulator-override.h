/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "emulator.h"

/* What <qemu:capabilities> of a document says of its emulator, whatever the probe found: the
 * reference becomes one of a variant; it stays if there is nothing said. VIR_ERR_INTERNAL_ERROR
 * names a capability that nobody knows. Does not block. */
int emulator_override(const struct domain *domain, struct emulator **emulator, GError **error);

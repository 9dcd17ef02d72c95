/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/definition.h"

/* driver_spec.strip_implied: takes out of a document what every QEMU driver puts in by itself and
 * older ones did not write, or would not read: the devices that come with the machine, and the
 * types of ports that follow from it. Pure; changes a copy that is to be shown. */
void migratable_strip(struct definition *definition);

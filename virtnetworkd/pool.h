/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/* Devices of the host that a network gives to guests: a network that names an adapter (<pf>) has
 * its virtual functions, as they are when it starts. VIR_ERR_INTERNAL_ERROR: it has none. */
int pool_complete(struct network *live, GError **error);

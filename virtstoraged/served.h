/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* The folder of a pool, mounted from a server that may stop answering: see guard.h. Both block for
 * some seconds at most. */

/* Opens it, once mounted, as a guarded set of volumes; unmounts it when that fails. */
int served_open(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error);

/* backend.stop: unmounts it, or takes it out of sight when it does not answer. */
int served_stop(const struct storage_pool *pool, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/params.h"
#include "model/domain-disk.h"

/* Limits of throughput as clients give and get them: those of one disk, and those of a throttle
 * group. Pure. */

/* Whether any limit is said, and not the name of a group alone. */
bool disk_limits_are_given(const struct remote_typed_param *params, uint32_t count);

/* Adds all of them; live: as QEMU has them, for which a burst lasts a second where nothing is said.
 */
void disk_limits_add(struct params *params, const struct disk_iotune *tune, bool live);

/* VIR_ERR_ARGUMENT_UNSUPPORTED, VIR_ERR_INVALID_ARG: names that are unknown, values that are too
 * large or exclude each other. */
int disk_limits_check(const struct remote_typed_param *params, uint32_t count, GError **error);

/* Changes those that were given in *tune; of a total and its parts, what was not given ends.
 * Strings are borrowed from params. live: it has to be what QEMU takes, VIR_ERR_CONFIG_UNSUPPORTED
 * else. */
int disk_limits_merge(const struct remote_typed_param *params, uint32_t count, bool live,
                      struct disk_iotune *tune, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-disk.h"

#include "json.h"

/* Throttle groups as QEMU has them: objects that hold limits, which filters above disks' images
 * name. Pure. */

/* The id of a group's object; the caller frees. */
char *throttle_object_name(const char *group);

/* What -object and object-add take; the caller's. */
struct json_object *throttle_object(const struct disk_iotune *group);

/* Every limit of the group, for the property "limits": QEMU keeps what it is not told. The
 * caller's. */
struct json_object *throttle_limits(const struct disk_iotune *group);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* Names of users and groups, from the name service: it may be a server far away, so these block.
 * Any thread. NULL when there is no name; the caller frees. */
char *account_user_name(uid_t user);
char *account_group_name(gid_t group);

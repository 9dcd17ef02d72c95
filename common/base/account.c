/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/account.h"

#include <glib.h>
#include <grp.h>
#include <pwd.h>

#define NAME_BUFFER 16384 /* a group's members may be many, but only its name is wanted */

char *account_user_name(uid_t user)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER);
    struct passwd entry, *found = NULL;

    getpwuid_r(user, &entry, buffer, NAME_BUFFER, &found);
    return found ? g_strdup(found->pw_name) : NULL;
}

char *account_group_name(gid_t group)
{
    g_autofree char *buffer = g_malloc(NAME_BUFFER);
    struct group entry, *found = NULL;

    getgrgid_r(group, &entry, buffer, NAME_BUFFER, &found);
    return found ? g_strdup(found->gr_name) : NULL;
}

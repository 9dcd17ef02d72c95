/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/auth.h"

#include <string.h>

#include "base/error.h"

int auth_check_setting(const char *key, const char *value, GError **error)
{
    if (strcmp(value, "none") == 0)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "%s = \"%s\": this version only knows \"none\", with access decided by "
              "unix_sock_group and the unix_sock_*_perms",
              key, value);
    return -1;
}

int auth_check_peer(bool session, uid_t owner, uid_t peer, GError **error)
{
    if (!session || peer == 0 || peer == owner)
        return 0;
    error_set(error, VIR_ERR_AUTH_FAILED, "user %u may not use the session of user %u", peer,
              owner);
    return -1;
}

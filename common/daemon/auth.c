/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/auth.h"

#include <string.h>

#include "base/error.h"

static const struct {
    const char *name;
    enum auth_method method;
    bool local_only;
} methods[] = {
    {"none", AUTH_METHOD_NONE},
    {"sasl", AUTH_METHOD_SASL},
    {"polkit", AUTH_METHOD_POLKIT, .local_only = true},
};

int auth_method_read(const char *key, const char *value, bool local, enum auth_method *ret,
                     GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
        if (strcmp(methods[i].name, value) == 0 && (local || !methods[i].local_only)) {
            *ret = methods[i].method;
            return 0;
        }
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s = \"%s\": it can be \"none\"%s or \"sasl\"",
              key, value, local ? ", \"polkit\"" : "");
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

bool auth_allows_user(char *const *patterns, const char *user)
{
    for (char *const *pattern = patterns; pattern && *pattern; pattern++)
        if (g_pattern_match_simple(*pattern, user))
            return true;
    return !patterns;
}

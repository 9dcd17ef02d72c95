/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "credential.h"

#include <string.h>

#include "base/error.h"
#include "driver/peer.h"
#include "model/secret.h"
#include "protocol/modvirt.h"

#include "storaged.h"

static int copy_text(const struct modvirt_secret_use_value_ret *ret, bool bytes,
                     char **ret_password, GError **error)
{
    if (bytes) {
        *ret_password = g_base64_encode((const guchar *)ret->value_val, ret->value_len);
        return 0;
    }
    if (ret->value_len && !memchr(ret->value_val, '\0', ret->value_len)) {
        *ret_password = g_strndup(ret->value_val, ret->value_len);
        return 0;
    }
    error_set(error, VIR_ERR_INVALID_ARG, "the value of the secret is no password");
    return -1;
}

int credential_get(const struct storage_auth *auth, char **ret_password, GError **error)
{
    static const int uses[] = {
        [STORAGE_AUTH_CHAP] = SECRET_USAGE_ISCSI, [STORAGE_AUTH_CEPH] = SECRET_USAGE_CEPH};
    struct modvirt_secret_use_value_args args = {.usageType = uses[auth->type],
                                                 .usageID = (char *)auth->secret_usage};
    struct modvirt_secret_use_value_ret ret = {0};
    struct arena arena = {0};

    memcpy(args.uuid, auth->secret_uuid, sizeof(args.uuid));
    int result = peer_call_program(storaged->secrets, &modvirt_program,
                                   MODVIRT_PROC_SECRET_USE_VALUE, &args, &arena, &ret, error);
    if (result == 0)
        result = copy_text(&ret, auth->type == STORAGE_AUTH_CEPH, ret_password, error);
    arena_wipe(&arena);
    return result;
}

void credential_clear(char **password)
{
    if (*password)
        explicit_bzero(*password, strlen(*password));
    g_clear_pointer(password, g_free);
}

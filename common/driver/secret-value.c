/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/secret-value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "protocol/modvirt.h"

int secret_value_get(struct peer *secrets, const struct domain_secret *secret,
                     enum secret_usage_type use, struct secret_value *ret_value, GError **error)
{
    struct modvirt_secret_use_value_args args = {.usageType = (int)use,
                                                 .usageID = (char *)secret->usage};
    struct modvirt_secret_use_value_ret ret = {0};
    struct arena arena = {0};

    memcpy(args.uuid, secret->uuid, sizeof(args.uuid));
    int result = peer_call_program(secrets, &modvirt_program, MODVIRT_PROC_SECRET_USE_VALUE, &args,
                                   &arena, &ret, error);
    if (result == 0)
        *ret_value = (struct secret_value){g_memdup2(ret.value_val, ret.value_len), ret.value_len};
    arena_wipe(&arena);
    return result;
}

void secret_value_clear(struct secret_value *value)
{
    if (value->length)
        explicit_bzero(value->bytes, value->length);
    g_clear_pointer(&value->bytes, g_free);
    value->length = 0;
}

/* It holds as much as a secret can be: nobody needs to wait for the reader. */
int secret_value_open(const struct secret_value *value, int *ret_fd, GError **error)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        error_set_errno(error, errno, "cannot make a pipe");
        return -1;
    }
    autofd int reader = ends[0], writer = ends[1];
    if (fcntl(writer, F_SETFL, O_NONBLOCK) < 0 ||
        write(writer, value->bytes, value->length) != (ssize_t)value->length) {
        error_set_errno(error, errno, "cannot hand over a secret");
        return -1;
    }
    *ret_fd = fd_take(&reader);
    return 0;
}

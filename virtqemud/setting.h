/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/params.h"

#include "guest.h"

/*
 * What clients set of a guest that is no device: in its live definition and in effect, in the
 * persistent one, or in both, by the same code. values is the handler's own struct.
 */
struct setting {
    /* Sets it in one of the definitions, whose arena lives as long as it. Pure. */
    int (*modify)(struct domain *domain, bool live, const void *values, GError **error);

    /* Makes it so for the running guest, as live says; values tells what of it. Idempotent: with
     * the old definition it undoes. deadline_ms is that of commands to QEMU; 0: the usual. NULL:
     * there is nothing to do. */
    int (*apply)(struct guest *guest, const struct domain *live, const void *values,
                 unsigned deadline_ms, GError **error);
};

/* Changes what flags (VIR_DOMAIN_AFFECT_) say, has it applied, saves. What fails is undone. True in
 * *ret_live (may be NULL) if the running guest was changed. With the call's job; blocks. */
int setting_change(struct call *call, unsigned flags, const struct setting *setting,
                   const void *values, bool *ret_live, GError **error);

/* Adds the parameters that a client gave, their names after prefix ("cputune."). */
void setting_add_given(struct params *params, const char *prefix,
                       const struct remote_typed_param *given, uint32_t count);

/* Raises VIR_DOMAIN_EVENT_ID_TUNABLE with the call's job, unless there are no parameters. */
void setting_raise(struct call *call, const struct params *params);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/driver.h"
#include "model/domain.h"
#include "protocol/remote.h"

/*
 * What domains have in common whatever runs them: finding, listing, and reading what the published
 * view tells. A hypervisor's daemon adds the methods that act.
 */
extern const struct driver_methods domain_list_methods;     /* lookups, lists, counts */
extern const struct driver_methods domain_read_methods;     /* state, document, flags */
extern const struct driver_methods domain_describe_methods; /* title, description, metadata */

/* The handle of an object for a reply, its name in the call's arena. */
void domain_fill_handle(struct call *call, struct object *object,
                        struct remote_nonnull_domain *ret_handle);

/* References to all domains that VIR_CONNECT_LIST_DOMAINS_ flags select and that the caller may
 * list, in the registry's order; free with g_ptr_array_unref(). */
GPtrArray *domain_list(struct call *call, unsigned flags);

/* True if these flags select the domain and the caller may list it. */
bool domain_is_listed(struct call *call, struct object *object, unsigned flags);

/* call_get_affected() of a domain. */
int domain_get_affected(struct call *call, unsigned flags, struct object_view *ret_view,
                        const struct domain **ret_domain, GError **error);

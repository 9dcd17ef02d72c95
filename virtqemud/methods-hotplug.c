/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/client.h"
#include "driver/domains.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"

#include "device-update.h"
#include "hotplug.h"
#include "methods.h"
#include "unplug.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static int begin(struct change *change, struct call *call, unsigned flags, GError **error)
{
    return change_begin(change, qemu_of_call(call)->store, call->job, flags, error);
}

/* ---- attach ---- */

static int attach(struct call *call, const char *xml, unsigned flags, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    return begin(&change, call, flags, error) < 0 ? -1 : hotplug_attach(&change, xml, error);
}

int domain_attach_device(struct call *call, const struct remote_domain_attach_device_args *args,
                         void *ret, GError **error)
{
    return attach(call, args->xml, VIR_DOMAIN_AFFECT_LIVE, error);
}

int domain_attach_device_flags(struct call *call,
                               const struct remote_domain_attach_device_flags_args *args, void *ret,
                               GError **error)
{
    return attach(call, args->xml, args->flags, error);
}

/* ---- detach ---- */

static int detach(struct call *call, const char *xml, unsigned flags, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    return begin(&change, call, flags, error) < 0 ? -1 : unplug_detach(&change, xml, error);
}

int domain_detach_device(struct call *call, const struct remote_domain_detach_device_args *args,
                         void *ret, GError **error)
{
    return detach(call, args->xml, VIR_DOMAIN_AFFECT_LIVE, error);
}

int domain_detach_device_flags(struct call *call,
                               const struct remote_domain_detach_device_flags_args *args, void *ret,
                               GError **error)
{
    return detach(call, args->xml, args->flags, error);
}

int domain_detach_device_alias(struct call *call,
                               const struct remote_domain_detach_device_alias_args *args, void *ret,
                               GError **error)
{
    CHANGE_AUTO struct change change = {0};

    return begin(&change, call, args->flags, error) < 0
               ? -1
               : unplug_detach_alias(&change, args->alias, error);
}

/* ---- update ---- */

int domain_update_device_flags(struct call *call,
                               const struct remote_domain_update_device_flags_args *args, void *ret,
                               GError **error)
{
    CHANGE_AUTO struct change change = {0};
    bool force = args->flags & VIR_DOMAIN_DEVICE_MODIFY_FORCE;

    return begin(&change, call, args->flags & AFFECT, error) < 0
               ? -1
               : device_update(&change, args->xml, force, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_attach_device), .job = true},
    {.binding = HANDLER(remote, domain_attach_device_flags), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_detach_device), .job = true},
    {.binding = HANDLER(remote, domain_detach_device_flags), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_detach_device_alias), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_update_device_flags),
     .flags = AFFECT | VIR_DOMAIN_DEVICE_MODIFY_FORCE,
     .job = true},
};

const struct driver_methods hotplug_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"

#include "dnsmasq.h"
#include "hook.h"
#include "methods.h"
#include "rules.h"
#include "update.h"
#include "vnet.h"

#define AFFECT (VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG)

/* What runs follows its document: dnsmasq, and where ports lead. */
static int follow(struct object *object, const struct network *old, const struct network *network,
                  GError **error)
{
    if (network->port_forwards.count && rules_replace(old, network, error) < 0)
        return -1;
    return dnsmasq_follow(vnet_of(object), old, network, error);
}

static int change_live(struct call *call, struct change *change, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct network *network = (const struct network *)change->live;

    if (call_get_view(call, &view, error) < 0)
        return -1;
    if (!network_is_managed(network) || !view.live)
        return 0;
    if (follow(call->object, view_live(&view), network, error) == 0)
        return 0;
    follow(call->object, network, view_live(&view), NULL);
    return -1;
}

/* The hook gets to know of it by what runs, if anything does. */
static void tell_hook(struct object *object)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    hook_tell(view.live ? view_live(&view) : view_config(&view), "updated", "begin");
}

int network_update(struct call *call, const struct remote_network_update_args *args, void *ret,
                   GError **error)
{
    const struct update update = {args->command, args->section, args->parentIndex, args->xml};
    CHANGE_AUTO struct change change = {0};

    if (change_begin(&change, networkd->store, call->job, args->flags, error) < 0)
        return -1;
    if (change.config && update_apply((struct network *)change.config, &update, error) < 0)
        return -1;
    if (change.live && update_apply((struct network *)change.live, &update, error) < 0)
        return -1;
    if (change_check(&change, error) < 0 || (change.live && change_live(call, &change, error) < 0))
        return -1;
    change.applied = true;
    if (change_save(&change, error) < 0)
        return -1;
    tell_hook(call->object);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, network_update), .flags = AFFECT, .job = true},
};

const struct driver_methods update_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#define AGENT_CHANNEL "org.qemu.guest_agent.0"

static bool has_agent(const struct domain *live)
{
    LIST_EACH (channel, &live->devices.channels)
        if (g_strcmp0(channel->name, AGENT_CHANNEL) == 0)
            return true;
    return false;
}

int agent_refuse(struct object *object, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    if (!view.live)
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
    else if (!has_agent(view_live(&view)))
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured");
    else
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "this version does not speak to the guest agent");
    return -1;
}

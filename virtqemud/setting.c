/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setting.h"

#include "driver/domains.h"
#include "driver/events.h"
#include "object/change.h"

/* A QEMU that did not answer gets the old value after the new one, and is not waited for again. */
#define UNDO_MS 100

static int modify(struct change *change, const struct setting *setting, const void *values,
                  GError **error)
{
    if (change->live && setting->modify((struct domain *)change->live, true, values, error) < 0)
        return -1;
    if (change->config &&
        setting->modify((struct domain *)change->config, false, values, error) < 0)
        return -1;
    return 0;
}

static int apply(struct call *call, const struct change *change, const struct setting *setting,
                 const void *values, GError **error)
{
    struct guest *guest = guest_of(call->object);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (setting->apply(guest, (struct domain *)change->live, values, 0, error) == 0)
        return 0;
    object_get_view(call->object, &view);
    if (view.live)
        setting->apply(guest, view_live(&view), values, UNDO_MS, NULL);
    return -1;
}

int setting_change(struct call *call, unsigned flags, const struct setting *setting,
                   const void *values, bool *ret_live, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (change_begin(&change, qemu_of_call(call)->store, call->job, flags, error) < 0 ||
        modify(&change, setting, values, error) < 0)
        return -1;
    if (change.live && setting->apply) {
        if (change_check(&change, error) < 0 || apply(call, &change, setting, values, error) < 0)
            return -1;
        change.applied = true;
    }
    if (ret_live)
        *ret_live = change.live != NULL;
    return change_save(&change, error);
}

/* ---- events ---- */

void setting_add_given(struct params *params, const char *prefix,
                       const struct remote_typed_param *given, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        params_add_value(params, &given[i].value, "%s%s", prefix, given[i].field);
}

void setting_raise(struct call *call, const struct params *params)
{
    struct remote_domain_event_callback_tunable_msg message = {
        .params_len = params->count,
        .params_val = params->items,
    };

    if (params->count == 0)
        return;
    domain_fill_handle(call, call->object, &message.dom);
    events_raise(call->client->driver, call->job, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_TUNABLE,
                 call->object, &message);
}

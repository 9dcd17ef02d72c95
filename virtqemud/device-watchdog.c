/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"

int device_watchdog_properties(const struct domain *domain, const struct domain_watchdog *watchdog,
                               const struct arguments_context *context,
                               struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    /* part of every q35, and of nothing else */
    if (watchdog->model == WATCHDOG_ITCO)
        return device_machine_is_q35(domain)
                   ? 0
                   : device_refuse(error, "watchdog", watchdog->info.alias,
                                   "model='itco' needs a machine of type q35");
    struct json_object *json =
        json_build("s:driver", names_word(&watchdog_model_names, watchdog->model), "S:id",
                   watchdog->info.alias, NULL);
    device_add_place(json, domain, &watchdog->info);
    *ret_properties = json;
    return 0;
}

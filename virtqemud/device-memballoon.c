/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"

static const uint8_t generations[] = {
    [MEMBALLOON_VIRTIO] = VIRTIO_MODEL_VIRTIO,
    [MEMBALLOON_VIRTIO_TRANSITIONAL] = VIRTIO_MODEL_TRANSITIONAL,
    [MEMBALLOON_VIRTIO_NON_TRANSITIONAL] = VIRTIO_MODEL_NON_TRANSITIONAL,
};

int device_memballoon_properties(const struct domain *domain,
                                 const struct domain_memballoon *balloon,
                                 const struct arguments_context *context,
                                 struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    if (balloon->model == MEMBALLOON_NONE)
        return 0;
    if (balloon->model >= G_N_ELEMENTS(generations) || !generations[balloon->model])
        return device_refuse(error, "memballoon", balloon->info.alias,
                             "this model is for other hypervisors");
    g_autofree char *driver =
        device_virtio_name("virtio-balloon", generations[balloon->model], &balloon->info);
    struct json_object *json = json_build("s:driver", driver, "S:id", balloon->info.alias, NULL);
    device_add_bool(json, "deflate-on-oom", balloon->autodeflate);
    device_add_bool(json, "free-page-reporting", balloon->free_page_reporting);
    device_add_virtio(json, &balloon->virtio);
    device_add_place(json, domain, &balloon->info);
    *ret_properties = json;
    return 0;
}

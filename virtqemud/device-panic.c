/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"

int device_panic_properties(const struct domain *domain, const struct domain_panic *panic,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    bool pci = panic->model == PANIC_PVPANIC;
    struct json_object *json;

    *ret_properties = NULL;
    /* part of the machine; Hyper-V's way is a property of the CPU */
    if (panic->model == PANIC_HYPERV || panic->model == PANIC_PSERIES || panic->model == PANIC_S390)
        return 0;
    json = json_build("s:driver", pci ? "pvpanic-pci" : "pvpanic", NULL);
    if (pci) {
        json_add(json, "S:id", panic->info.alias, NULL);
        device_add_place(json, domain, &panic->info);
    } else if (panic->info.address.type == ADDRESS_ISA && panic->info.address.isa.iobase)
        json_add(json, "u:ioport", panic->info.address.isa.iobase, NULL);
    *ret_properties = json;
    return 0;
}

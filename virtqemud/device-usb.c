/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"

#include "device-common.h"

/* USB devices that are no family of their own: hubs and redirected devices. */

int device_hub_properties(const struct domain *domain, const struct domain_hub *hub,
                          const struct arguments_context *context,
                          struct json_object **ret_properties, GError **error)
{
    struct json_object *json = json_build("s:driver", "usb-hub", "S:id", hub->info.alias, NULL);

    device_add_place(json, domain, &hub->info);
    *ret_properties = json;
    return 0;
}

static void append_part(GString *text, const struct opt_int *part, int digits)
{
    if (part->set && part->value >= 0)
        g_string_append_printf(text, "0x%0*X:", digits, part->value);
    else
        g_string_append(text, "-1:");
}

/* "class:vendor:product:version:allow", joined by '|' */
static char *print_filter(const struct domain_redirfilter *filter)
{
    GString *text = g_string_new(NULL);

    LIST_EACH (device, &filter->devices) {
        g_string_append(text, text->len ? "|" : "");
        append_part(text, &device->class, 2);
        append_part(text, &device->vendor, 4);
        append_part(text, &device->product, 4);
        append_part(text, &device->version, 4);
        g_string_append_c(text, device->allow == TRISTATE_YES ? '1' : '0');
    }
    return g_string_free(text, FALSE);
}

int device_redirdev_properties(const struct domain *domain, const struct domain_redirdev *redirdev,
                               const struct arguments_context *context,
                               struct json_object **ret_properties, GError **error)
{
    const struct domain_redirfilter *filter = domain->devices.redirfilter;
    g_autofree char *stream = g_strdup_printf("char%s", redirdev->info.alias);
    g_autofree char *rules = filter ? print_filter(filter) : NULL;

    if (redirdev->bus && strcmp(redirdev->bus, "usb") != 0)
        return device_refuse(error, "redirdev", redirdev->info.alias, "it needs bus='usb'");
    struct json_object *json =
        json_build("s:driver", "usb-redir", "s:chardev", stream, "S:filter", rules, NULL);
    device_add_identity(json, domain, &redirdev->info);
    device_add_place(json, domain, &redirdev->info);
    *ret_properties = json;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"

static const char *const usb_drivers[] = {
    [INPUT_MOUSE] = "usb-mouse",
    [INPUT_TABLET] = "usb-tablet",
    [INPUT_KEYBOARD] = "usb-kbd",
};

static const char *const virtio_drivers[] = {
    [INPUT_MOUSE] = "virtio-mouse",
    [INPUT_TABLET] = "virtio-tablet",
    [INPUT_KEYBOARD] = "virtio-keyboard",
    [INPUT_PASSTHROUGH] = "virtio-input-host",
};

static int refuse(const struct domain_input *input, GError **error)
{
    return device_refuse(error, "input", names_word(&input_type_names, input->type),
                         "there is none on bus='%s'", names_word(&input_bus_names, input->bus));
}

static int build_virtio(const struct domain *domain, const struct domain_input *input,
                        struct json_object **ret_json, GError **error)
{
    if (input->type >= G_N_ELEMENTS(virtio_drivers) || !virtio_drivers[input->type])
        return refuse(input, error);
    g_autofree char *driver =
        device_virtio_name(virtio_drivers[input->type], input->model, &input->info);
    struct json_object *json = json_build("s:driver", driver, "S:id", input->info.alias, NULL);
    json_add(json, "S:evdev", input->evdev, NULL);
    device_add_virtio(json, &input->virtio);
    *ret_json = json;
    return 0;
}

static int build_usb(const struct domain *domain, const struct domain_input *input,
                     struct json_object **ret_json, GError **error)
{
    if (input->type >= G_N_ELEMENTS(usb_drivers) || !usb_drivers[input->type])
        return refuse(input, error);
    *ret_json = json_build("s:driver", usb_drivers[input->type], "S:id", input->info.alias, NULL);
    return 0;
}

int device_input_properties(const struct domain *domain, const struct domain_input *input,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    struct json_object *json = NULL;

    *ret_properties = NULL;
    /* the machine has its PS/2 devices; events of the host's device are an object and no device */
    if (input->bus == INPUT_BUS_PS2 || input->type == INPUT_EVDEV)
        return 0;
    if (input->bus != INPUT_BUS_VIRTIO && input->bus != INPUT_BUS_USB)
        return refuse(input, error);
    if ((input->bus == INPUT_BUS_VIRTIO ? build_virtio : build_usb)(domain, input, &json, error) <
        0)
        return -1;
    device_add_place(json, domain, &input->info);
    *ret_properties = json;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-input.h"

#include "model/text-types.h"

NAMES(input_type_names, NULL, "mouse", "tablet", "keyboard", "passthrough", "evdev");
NAMES(input_bus_names, NULL, "ps2", "usb", "xen", "parallels", "virtio", "none");
NAMES(input_grab_toggle_names, NULL, "ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta",
      "scrolllock", "ctrl-scrolllock");

#define ON_A_BUS (BIT(INPUT_MOUSE) | BIT(INPUT_TABLET) | BIT(INPUT_KEYBOARD))

#define ROWS_OF struct domain_input
static const struct xml_row domain_input_rows[] = {
    ROW_ENUM("@type", type, input_type_names, "Kind of device", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("@bus", bus, input_bus_names, "Bus", WHEN(type, ON_A_BUS),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_ENUM("@bus", bus, input_bus_names, "Bus", WHEN(type, BIT(INPUT_PASSTHROUGH)),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED | XML_ABI),
    ROW_ENUM("@model", model, virtio_model_names, "Kind of virtio device",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_STRING("source/@evdev", evdev, "Device of the host", WHEN(type, BIT(INPUT_PASSTHROUGH)),
               .flags = XML_REQUIRED, FORM(absolute_path_type)),
    ROW_STRING("source/@dev", dev, "Device of the host", WHEN(type, BIT(INPUT_EVDEV)),
               .flags = XML_REQUIRED, FORM(absolute_path_type)),
    ROW_STRING("source/@grab", grab, "all: the other devices are grabbed with it",
               WHEN(type, BIT(INPUT_EVDEV))),
    ROW_ENUM("source/@grabToggle", grab_toggle, input_grab_toggle_names,
             "Keys that switch between host and guest", WHEN(type, BIT(INPUT_EVDEV))),
    ROW_ON_OFF("source/@repeat", repeat, "Keys repeat", WHEN(type, BIT(INPUT_EVDEV))),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_input, "input", .doc = "A keyboard, mouse or tablet");

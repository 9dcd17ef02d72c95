/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

enum input_type {
    INPUT_NONE,
    INPUT_MOUSE,
    INPUT_TABLET,
    INPUT_KEYBOARD,
    INPUT_PASSTHROUGH,
    INPUT_EVDEV,
};
extern const struct names input_type_names;

enum input_bus {
    INPUT_BUS_ABSENT,
    INPUT_BUS_PS2,
    INPUT_BUS_USB,
    INPUT_BUS_XEN,
    INPUT_BUS_PARALLELS,
    INPUT_BUS_VIRTIO,
    INPUT_BUS_NONE, /* evdev: no bus of the guest */
};
extern const struct names input_bus_names;

enum input_grab_toggle {
    INPUT_GRAB_TOGGLE_NONE,
    INPUT_GRAB_TOGGLE_CTRL_CTRL,
    INPUT_GRAB_TOGGLE_ALT_ALT,
    INPUT_GRAB_TOGGLE_SHIFT_SHIFT,
    INPUT_GRAB_TOGGLE_META_META,
    INPUT_GRAB_TOGGLE_SCROLLLOCK,
    INPUT_GRAB_TOGGLE_CTRL_SCROLLLOCK,
};
extern const struct names input_grab_toggle_names;

struct domain_input {
    struct domain_device_info info;
    uint8_t type;        /* enum input_type */
    uint8_t bus;         /* enum input_bus */
    uint8_t model;       /* enum virtio_model */
    uint8_t grab_toggle; /* enum input_grab_toggle */
    uint8_t repeat;      /* enum tristate */
    struct domain_virtio virtio;
    const char *evdev; /* passthrough */
    const char *dev;   /* evdev */
    const char *grab;  /* all */
};

XML_SCHEMA_DECLARE(domain_input);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-chardev.h"

/* USB devices and smart cards of a remote viewer; hubs. */

struct domain_redirdev {
    struct domain_device_info info;
    const char *bus; /* usb */
    struct chardev_source source;
};

struct redirfilter_device {
    struct opt_int class; /* not set: any, as all of them */
    struct opt_int vendor;
    struct opt_int product;
    struct opt_int version; /* BCD: 0x0110 is "1.10" */
    uint8_t allow;          /* enum tristate */
};

struct domain_redirfilter {
    LIST_OF(struct redirfilter_device) devices;
};

enum smartcard_mode {
    SMARTCARD_NONE,
    SMARTCARD_HOST,
    SMARTCARD_HOST_CERTIFICATES,
    SMARTCARD_PASSTHROUGH,
};
extern const struct names smartcard_mode_names;

struct domain_smartcard {
    struct domain_device_info info;
    uint8_t mode; /* enum smartcard_mode */
    LIST_OF(const char) certificates;
    const char *database;
    struct chardev_source source; /* passthrough */
};

struct domain_hub {
    struct domain_device_info info;
    const char *type; /* usb */
};

XML_SCHEMA_DECLARE(domain_redirdev);
XML_SCHEMA_DECLARE(redirfilter_device);
XML_SCHEMA_DECLARE(domain_redirfilter);
XML_SCHEMA_DECLARE(domain_smartcard);
XML_SCHEMA_DECLARE(domain_hub);

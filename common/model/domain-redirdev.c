/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-redirdev.h"

#include <string.h>

#include "model/text-types.h"

static NAMES(redirdev_bus_names, NULL, "usb");
NAMES(smartcard_mode_names, NULL, "host", "host-certificates", "passthrough");

#define ROWS_OF struct domain_redirdev
static const struct xml_row domain_redirdev_rows[] = {
    ROW_STRING("@bus", bus, "usb", .flags = XML_EXPECTED | XML_ABI, WORDS(redirdev_bus_names)),
    ROW_EMBED(".", source, chardev_source),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_redirdev, "redirdev", .doc = "A USB device at the viewer");

/* ---- the numbers of USB descriptors; "-1" is any ---- */

static int usb_number_parse(const struct xml_row *row, const char *text, struct arena *arena,
                            void *member, GString *problem)
{
    bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    guint64 number, most = row->width == 2 ? 0xff : 0xffff;

    if (g_str_equal(text, "-1"))
        return 0;
    if (!g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, most, &number, NULL)) {
        g_string_append_printf(problem, "'%s' is not a number from 0 to 0x%x, or -1", text,
                               (unsigned)most);
        return -1;
    }
    *(struct opt_int *)member = OPT_INT((int)number);
    return 0;
}

static void usb_number_format(const struct xml_row *row, const void *member, GString *out)
{
    g_string_append_printf(out, "0x%0*X", row->width, ((const struct opt_int *)member)->value);
}

static bool opt_int_is_set(const struct xml_row *row, const void *member)
{
    return ((const struct opt_int *)member)->set;
}

static const struct xml_type usb_number_type = {
    .name = "number of a USB descriptor",
    .size = sizeof(struct opt_int),
    .parse = usb_number_parse,
    .format = usb_number_format,
    .is_set = opt_int_is_set,
};

/* "1.10" is 0x0110 */
static int usb_version_parse(const struct xml_row *row, const char *text, struct arena *arena,
                             void *member, GString *problem)
{
    const char *dot = strchr(text, '.');
    guint64 major, minor = 0;
    g_autofree char *whole = dot ? g_strndup(text, (gsize)(dot - text)) : g_strdup(text);

    if (g_str_equal(text, "-1"))
        return 0;
    if (!g_ascii_string_to_unsigned(whole, 16, 0, 0x99, &major, NULL) ||
        (dot && (strlen(dot + 1) > 2 ||
                 !g_ascii_string_to_unsigned(dot + 1, 16, 0, 0x99, &minor, NULL)))) {
        g_string_append_printf(problem, "'%s' is not a version such as 1.10, or -1", text);
        return -1;
    }
    if (dot && strlen(dot + 1) == 1)
        minor <<= 4;
    *(struct opt_int *)member = OPT_INT((int)(major << 8 | minor));
    return 0;
}

static void usb_version_format(const struct xml_row *row, const void *member, GString *out)
{
    int version = ((const struct opt_int *)member)->value;

    g_string_append_printf(out, "%x.%02x", version >> 8, version & 0xff);
}

static const struct xml_type usb_version_type = {
    .name = "USB version",
    .size = sizeof(struct opt_int),
    .parse = usb_version_parse,
    .format = usb_version_format,
    .is_set = opt_int_is_set,
};

#define ROWS_OF struct redirfilter_device
static const struct xml_row redirfilter_device_rows[] = {
    ROW_TYPE("@class", class, usb_number_type, "Class; -1: any", .width = 2, .flags = XML_ABI),
    ROW_TYPE("@vendor", vendor, usb_number_type, "Vendor; -1: any", .width = 4, .flags = XML_ABI),
    ROW_TYPE("@product", product, usb_number_type, "Product; -1: any", .width = 4,
             .flags = XML_ABI),
    ROW_TYPE("@version", version, usb_version_type, "Version: 1.10; -1: any", .flags = XML_ABI),
    ROW_YES_NO("@allow", allow, "Such a device may be redirected", .flags = XML_REQUIRED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(redirfilter_device, "usbdev", .doc = "USB devices that may, or may not, be redirected");

#define ROWS_OF struct domain_redirfilter
static const struct xml_row domain_redirfilter_rows[] = {
    ROW_LIST("usbdev", devices, redirfilter_device, "Rule; the first that fits holds",
             .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(domain_redirfilter, "redirfilter", .doc = "Which USB devices may be redirected");

#define ROWS_OF struct domain_smartcard
static const struct xml_row domain_smartcard_rows[] = {
    ROW_ENUM("@mode", mode, smartcard_mode_names, "Where the card is",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_STRINGS("certificate", certificates, "Name of a certificate in the database",
                WHEN(mode, BIT(SMARTCARD_HOST_CERTIFICATES))),
    ROW_STRING("database", database, "Folder of the database",
               WHEN(mode, BIT(SMARTCARD_HOST_CERTIFICATES)), FORM(absolute_path_type),
               .flags = XML_EXPECTED),
    ROW_EMBED(".", source, chardev_source, WHEN(mode, BIT(SMARTCARD_PASSTHROUGH))),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF

static int smartcard_check(struct xml_at *at, void *object, GError **error)
{
    const struct domain_smartcard *card = object;

    if (card->mode == SMARTCARD_HOST_CERTIFICATES && card->certificates.count != 3)
        return xml_at_fail(at, "certificate", VIR_ERR_XML_ERROR, error,
                           "mode host-certificates needs three certificates");
    return 0;
}
XML_SCHEMA(domain_smartcard, "smartcard", .doc = "A smart card", .check = smartcard_check);

#define ROWS_OF struct domain_hub
static const struct xml_row domain_hub_rows[] = {
    ROW_STRING("@type", type, "usb", .flags = XML_REQUIRED | XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_hub, "hub", .doc = "A USB hub");

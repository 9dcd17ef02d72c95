/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-chardev.h"

#include <string.h>

#include "model/rows.h"
#include "model/text-types.h"

NAMES(chardev_type_names, NULL, "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp",
      "unix", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus");
NAMES(chardev_protocol_names, NULL, "raw", "telnet", "telnets", "tls");
NAMES(chardev_mode_names, NULL, "connect", "bind");
NAMES(mouse_mode_names, NULL, "server", "client");
NAMES(serial_target_names, NULL, "isa-serial", "usb-serial", "pci-serial", "spapr-vio-serial",
      "system-serial", "sclp-serial", "isa-debug");
NAMES(serial_model_names, NULL, "isa-serial", "usb-serial", "pci-serial", "spapr-vty", "pl011",
      "sclpconsole", "sclplmconsole", "16550a", "isa-debugcon");
NAMES(console_target_names, NULL, "serial", "xen", "uml", "virtio", "lxc", "openvz", "sclp",
      "sclplm");
NAMES(channel_target_names, NULL, "guestfwd", "virtio", "xen");
NAMES(channel_state_names, NULL, "connected", "disconnected");

#define ROWS_OF struct chardev_end
static const struct xml_row chardev_end_rows[] = {
    ROW_ENUM("@mode", mode, chardev_mode_names, "Whether the socket is listened on"),
    ROW_STRING("@master", master, "Path of the null modem's near end"),
    ROW_STRING("@slave", slave, "Path of the null modem's far end"),
    ROW_STRING("@host", host, "Address"),
    ROW_STRING("@service", service, "Port"),
    ROW_STRING("@path", path, "Path"),
    ROW_ON_OFF("@append", append, "The file is not emptied at start"),
    ROW_STRING("@channel", channel, "Name of the channel"),
    ROW_YES_NO("@tls", tls, "Encrypted connection"),
    ROW_YES_NO("@tlsFromConfig", tls_from_config, "tls is the daemon's default",
               .flags = XML_STATUS),
    ROW_CHILD("reconnect", reconnect, source_reconnect, "When the connection is lost"),
    ROW_LIST("seclabel", labels, domain_source_label, "Security label"),
    ROW_YES_NO("clipboard/@copypaste", copypaste, "Clipboard shared with the guest",
               .flags = XML_EXPECTED),
    ROW_ENUM("mouse/@mode", mouse, mouse_mode_names, "Who draws the pointer",
             .flags = XML_EXPECTED),
};
#undef ROWS_OF
XML_SCHEMA(chardev_end, "source", .doc = "The host's end of a character device");

#define ROWS_OF struct chardev_source
static const struct xml_row chardev_parts_rows[] = {
    ROW_ENUM("@type", type, chardev_type_names, "Kind of the host's end", .flags = XML_HIDDEN),
    ROW_STRING("@tty", tty, "Path of the pseudo terminal (older form)", .flags = XML_LIVE),
    ROW_LIST("source", ends, chardev_end, "The host's end; udp has two"),
    ROW_ENUM("protocol/@type", protocol, chardev_protocol_names, "Protocol on the connection",
             WHEN(type, BIT(CHARDEV_TCP)), DEFAULT(CHARDEV_PROTOCOL_RAW),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ONCE | XML_ALWAYS),
    ROW_ENUM("protocol/@type", protocol, chardev_protocol_names, "Without effect",
             WHEN(type, ~BIT(CHARDEV_TCP)), .flags = XML_OUTPUT),
    ROW_STRING("log/@file", log_file, "File that gets a copy of all output",
               FORM(absolute_path_type), .flags = XML_EXPECTED | XML_ONCE),
    ROW_ON_OFF("log/@append", log_append, "The file is not emptied at start"),
};
XML_SCHEMA_OF(chardev_parts, struct chardev_source, "source",
              .doc = "What the kinds of host's sides have");

static const struct xml_row chardev_source_rows[] = {
    ROW_ENUM("@type", type, chardev_type_names, "Kind of the host's end",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED),
    ROW_SAME(chardev_parts),
};
XML_SCHEMA(chardev_source, "source", .doc = "The host's side of a character device");

static const struct xml_row console_source_rows[] = {
    ROW_ENUM("@type", type, chardev_type_names, "Kind of the host's end",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_SAME(chardev_parts),
};
#undef ROWS_OF
XML_SCHEMA_OF(console_source, struct chardev_source, "source",
              .doc = "The host's side of a console, which may leave all to the driver");

#define ROWS_OF struct domain_serial
static const struct xml_row domain_serial_rows[] = {
    ROW_EMBED(".", source, chardev_source),
    ROW_ENUM("target/@type", target, serial_target_names, "Bus of the port",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_NUMBER("target/@port", port, "Number of the port, from 0", .flags = XML_ABI),
    ROW_ENUM("target/model/@name", model, serial_model_names, "Device",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED | XML_ABI | XML_BLANK),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_serial, "serial", .doc = "A serial port");

#define ROWS_OF struct domain_parallel
static const struct xml_row domain_parallel_rows[] = {
    ROW_EMBED(".", source, chardev_source),
    ROW_NUMBER("target/@port", port, "Number of the port, from 0", .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_parallel, "parallel", .doc = "A parallel port");

#define ROWS_OF struct domain_console
static const struct xml_row domain_console_rows[] = {
    ROW_EMBED_AS(".", source, struct chardev_source, console_source),
    ROW_ENUM("target/@type", target, console_target_names, "Kind of console",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_NUMBER("target/@port", port, "Number of the console, from 0", .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_console, "console", .doc = "A console");

#define ROWS_OF struct domain_channel
static const struct xml_row domain_channel_rows[] = {
    ROW_EMBED(".", source, chardev_source),
    ROW_ENUM("target/@type", target, channel_target_names, "Kind of channel",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_REQUIRED | XML_ABI),
    ROW_STRING("target/@address", address, "Address that the guest connects to",
               WHEN(target, BIT(CHANNEL_TARGET_GUESTFWD)), .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("target/@port", port, "Port that the guest connects to", RANGE(1, 65535),
               WHEN(target, BIT(CHANNEL_TARGET_GUESTFWD)), .flags = XML_REQUIRED | XML_ABI),
    ROW_STRING("target/@name", name, "Name that the guest sees",
               WHEN(target, BIT(CHANNEL_TARGET_VIRTIO) | BIT(CHANNEL_TARGET_XEN)),
               .flags = XML_ABI),
    ROW_ENUM("target/@state", state, channel_state_names, "Whether the guest has opened it",
             WHEN(target, BIT(CHANNEL_TARGET_VIRTIO)), .flags = XML_LIVE),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_channel, "channel", .doc = "A private channel between guest and host");

const struct chardev_end *chardev_source_end(const struct chardev_source *source)
{
    for (unsigned i = 0; i < source->ends.count; i++)
        if (source->type != CHARDEV_UDP || source->ends.items[i]->mode == CHARDEV_MODE_CONNECT)
            return source->ends.items[i];
    return NULL;
}

const struct chardev_end *chardev_source_peer(const struct chardev_source *source)
{
    for (unsigned i = 0; source->type == CHARDEV_UDP && i < source->ends.count; i++)
        if (source->ends.items[i]->mode != CHARDEV_MODE_CONNECT)
            return source->ends.items[i];
    return NULL;
}

struct chardev_end *chardev_source_make_end(struct chardev_source *source, struct arena *arena)
{
    if (!source->ends.count) {
        struct chardev_end *end = arena_new(arena, struct chardev_end);

        LIST_APPEND(arena, &source->ends, end);
    }
    return source->ends.items[0];
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"

/*
 * Streams of bytes between guest and host. The host's end is a struct chardev_source, which serial,
 * parallel, console and channel devices share with redirected USB devices, smart cards and RNGs.
 */

enum chardev_type {
    CHARDEV_NONE,
    CHARDEV_NULL,
    CHARDEV_VC,
    CHARDEV_PTY,
    CHARDEV_DEV,
    CHARDEV_FILE,
    CHARDEV_PIPE,
    CHARDEV_STDIO,
    CHARDEV_UDP,
    CHARDEV_TCP,
    CHARDEV_UNIX,
    CHARDEV_SPICEVMC,
    CHARDEV_SPICEPORT,
    CHARDEV_NMDM,
    CHARDEV_QEMU_VDAGENT,
    CHARDEV_DBUS,
};
extern const struct names chardev_type_names;

enum chardev_protocol {
    CHARDEV_PROTOCOL_NONE,
    CHARDEV_PROTOCOL_RAW,
    CHARDEV_PROTOCOL_TELNET,
    CHARDEV_PROTOCOL_TELNETS,
    CHARDEV_PROTOCOL_TLS,
};
extern const struct names chardev_protocol_names;

enum chardev_mode { CHARDEV_MODE_NONE, CHARDEV_MODE_CONNECT, CHARDEV_MODE_BIND };
extern const struct names chardev_mode_names;

enum mouse_mode { MOUSE_MODE_NONE, MOUSE_MODE_SERVER, MOUSE_MODE_CLIENT };
extern const struct names mouse_mode_names;

/* One <source>: only udp has two of them. */
struct chardev_end {
    uint8_t mode;            /* enum chardev_mode */
    uint8_t append;          /* enum tristate: file, pty */
    uint8_t tls;             /* enum tristate */
    uint8_t tls_from_config; /* enum tristate: tls is the daemon's default; status only */
    uint8_t copypaste;       /* enum tristate: qemu-vdagent */
    uint8_t mouse;           /* enum mouse_mode: qemu-vdagent */
    const char *path;        /* pty, dev, file, pipe, unix */
    const char *host;        /* tcp, udp */
    const char *service;
    const char *channel; /* spiceport, dbus */
    const char *master;  /* nmdm */
    const char *slave;
    struct source_reconnect *reconnect;
    LIST_OF(struct domain_source_label) labels;
};

struct chardev_source {
    uint8_t type;         /* enum chardev_type */
    uint8_t protocol;     /* enum chardev_protocol: tcp */
    uint8_t log_append;   /* enum tristate */
    const char *log_file; /* a copy of all that the guest sends */
    const char *tty;      /* the older place of a pty's path: console @tty */
    LIST_OF(struct chardev_end) ends;
};

/* The end that is opened: the only one; of udp, where packets are sent (mode connect). And the
 * address that udp receives at (mode bind). Borrowed; NULL if there is none. */
const struct chardev_end *chardev_source_end(const struct chardev_source *source);
const struct chardev_end *chardev_source_peer(const struct chardev_source *source);

/* The end to fill in; makes it if there is none. */
struct chardev_end *chardev_source_make_end(struct chardev_source *source, struct arena *arena);

enum serial_target {
    SERIAL_TARGET_NONE,
    SERIAL_TARGET_ISA,
    SERIAL_TARGET_USB,
    SERIAL_TARGET_PCI,
    SERIAL_TARGET_SPAPR_VIO,
    SERIAL_TARGET_SYSTEM,
    SERIAL_TARGET_SCLP,
    SERIAL_TARGET_ISA_DEBUG,
};
extern const struct names serial_target_names;

enum serial_model {
    SERIAL_MODEL_NONE,
    SERIAL_MODEL_ISA_SERIAL,
    SERIAL_MODEL_USB_SERIAL,
    SERIAL_MODEL_PCI_SERIAL,
    SERIAL_MODEL_SPAPR_VTY,
    SERIAL_MODEL_PL011,
    SERIAL_MODEL_SCLPCONSOLE,
    SERIAL_MODEL_SCLPLMCONSOLE,
    SERIAL_MODEL_16550A,
    SERIAL_MODEL_ISA_DEBUGCON,
};
extern const struct names serial_model_names;

enum console_target {
    CONSOLE_TARGET_NONE,
    CONSOLE_TARGET_SERIAL, /* the first serial port, shown a second time */
    CONSOLE_TARGET_XEN,
    CONSOLE_TARGET_UML,
    CONSOLE_TARGET_VIRTIO,
    CONSOLE_TARGET_LXC,
    CONSOLE_TARGET_OPENVZ,
    CONSOLE_TARGET_SCLP,
    CONSOLE_TARGET_SCLPLM,
};
extern const struct names console_target_names;

enum channel_target {
    CHANNEL_TARGET_NONE,
    CHANNEL_TARGET_GUESTFWD,
    CHANNEL_TARGET_VIRTIO,
    CHANNEL_TARGET_XEN,
};
extern const struct names channel_target_names;

enum channel_state { CHANNEL_STATE_NONE, CHANNEL_STATE_CONNECTED, CHANNEL_STATE_DISCONNECTED };
extern const struct names channel_state_names;

struct domain_serial {
    struct domain_device_info info;
    struct chardev_source source;
    uint8_t target; /* enum serial_target */
    uint8_t model;  /* enum serial_model */
    struct opt_uint port;
};

struct domain_parallel {
    struct domain_device_info info;
    struct chardev_source source;
    struct opt_uint port;
};

struct domain_console {
    struct domain_device_info info;
    struct chardev_source source;
    uint8_t target; /* enum console_target */
    struct opt_uint port;
};

struct domain_channel {
    struct domain_device_info info;
    struct chardev_source source;
    uint8_t target;      /* enum channel_target */
    uint8_t state;       /* enum channel_state: live only */
    const char *name;    /* virtio, xen */
    const char *address; /* guestfwd */
    unsigned port;
};

XML_SCHEMA_DECLARE(chardev_end);
XML_SCHEMA_DECLARE(chardev_source);
XML_SCHEMA_DECLARE(domain_serial);
XML_SCHEMA_DECLARE(domain_parallel);
XML_SCHEMA_DECLARE(domain_console);
XML_SCHEMA_DECLARE(domain_channel);

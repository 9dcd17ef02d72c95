/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-chardev.h"

enum graphics_type {
    GRAPHICS_NONE,
    GRAPHICS_SDL,
    GRAPHICS_VNC,
    GRAPHICS_RDP,
    GRAPHICS_DESKTOP,
    GRAPHICS_SPICE,
    GRAPHICS_EGL_HEADLESS,
    GRAPHICS_DBUS,
};
extern const struct names graphics_type_names;

enum listen_type { LISTEN_ABSENT, LISTEN_NONE, LISTEN_ADDRESS, LISTEN_NETWORK, LISTEN_SOCKET };
extern const struct names listen_type_names;

enum graphics_connected {
    GRAPHICS_CONNECTED_NONE,
    GRAPHICS_CONNECTED_FAIL,
    GRAPHICS_CONNECTED_DISCONNECT,
    GRAPHICS_CONNECTED_KEEP,
};
extern const struct names graphics_connected_names;

enum vnc_share_policy {
    VNC_SHARE_NONE,
    VNC_SHARE_ALLOW_EXCLUSIVE,
    VNC_SHARE_FORCE_SHARED,
    VNC_SHARE_IGNORE,
};
extern const struct names vnc_share_policy_names;

enum spice_mode { SPICE_MODE_NONE, SPICE_MODE_ANY, SPICE_MODE_SECURE, SPICE_MODE_INSECURE };
extern const struct names spice_mode_names;

enum spice_channel_name {
    SPICE_CHANNEL_NONE,
    SPICE_CHANNEL_MAIN,
    SPICE_CHANNEL_DISPLAY,
    SPICE_CHANNEL_INPUTS,
    SPICE_CHANNEL_CURSOR,
    SPICE_CHANNEL_PLAYBACK,
    SPICE_CHANNEL_RECORD,
    SPICE_CHANNEL_SMARTCARD,
    SPICE_CHANNEL_USBREDIR,
};
extern const struct names spice_channel_name_names;

enum spice_image {
    SPICE_IMAGE_NONE,
    SPICE_IMAGE_AUTO_GLZ,
    SPICE_IMAGE_AUTO_LZ,
    SPICE_IMAGE_QUIC,
    SPICE_IMAGE_GLZ,
    SPICE_IMAGE_LZ,
    SPICE_IMAGE_OFF,
};
extern const struct names spice_image_names;

enum spice_when { SPICE_WHEN_NONE, SPICE_WHEN_AUTO, SPICE_WHEN_NEVER, SPICE_WHEN_ALWAYS };
extern const struct names spice_when_names;

enum spice_streaming {
    SPICE_STREAMING_NONE,
    SPICE_STREAMING_FILTER,
    SPICE_STREAMING_ALL,
    SPICE_STREAMING_OFF,
};
extern const struct names spice_streaming_names;

struct graphics_listen {
    uint8_t type;        /* enum listen_type */
    uint8_t from_config; /* enum tristate: the address is the daemon's default; status only */
    uint8_t auto_socket; /* enum tristate: the socket's path was made up; status only */
    const char *address;
    const char *network;
    const char *socket;
};

struct spice_channel {
    uint8_t name; /* enum spice_channel_name */
    uint8_t mode; /* enum spice_mode */
};

struct graphics_spice {
    uint8_t image;        /* enum spice_image */
    uint8_t jpeg;         /* enum spice_when */
    uint8_t zlib;         /* enum spice_when */
    uint8_t playback;     /* enum tristate */
    uint8_t streaming;    /* enum spice_streaming */
    uint8_t mouse;        /* enum mouse_mode */
    uint8_t copypaste;    /* enum tristate */
    uint8_t filetransfer; /* enum tristate */
    LIST_OF(struct spice_channel) channels;
};

struct domain_graphics {
    struct domain_device_info info; /* spice and vnc have none in the document */
    uint8_t type;                   /* enum graphics_type */
    uint8_t autoport;               /* enum tristate */
    uint8_t connected;              /* enum graphics_connected */
    uint8_t share_policy;           /* enum vnc_share_policy */
    uint8_t spice_default_mode;     /* enum spice_mode */
    uint8_t power_control;          /* enum tristate */
    uint8_t gl;                     /* enum tristate */
    bool wait;
    bool fullscreen;
    bool replace_user;
    bool multi_user;
    bool p2p;
    bool own_bus; /* dbus: the address is of a bus that is started for it; status only */
    int port;     /* 0: not given; -1: chosen at start */
    int tls_port; /* spice, the same */
    int websocket;
    struct opt_uint audio; /* id of the <audio> */
    const char *listen;    /* older form of the first <listen type='address'> */
    const char *socket;    /* older form of <listen type='socket'> */
    const char *keymap;
    const char *password;
    const char *password_valid_to; /* 2010-04-09T15:51:00 in UTC */
    const char *username;          /* rdp */
    const char *display;           /* sdl, desktop */
    const char *xauth;
    const char *address; /* dbus */
    const char *rendernode;
    LIST_OF(struct graphics_listen) listens;
    struct graphics_spice *spice;
};

XML_SCHEMA_DECLARE(graphics_listen);
XML_SCHEMA_DECLARE(spice_channel);
XML_SCHEMA_DECLARE(graphics_spice);
XML_SCHEMA_DECLARE(domain_graphics);

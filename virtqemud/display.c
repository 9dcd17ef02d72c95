/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display.h"

#include "base/error.h"
#include "host/interface-address.h"

#include "netport.h"
#include "ports.h"
#include "qmp-commands.h"

static const char *default_address(const struct domain_graphics *graphics,
                                   const struct qemu_config *config)
{
    return graphics->type == GRAPHICS_SPICE ? config->spice_listen : config->vnc_listen;
}

/* Where it listens on a virtual network: at the address that the host has there. */
static int find_network_address(struct domain *live, struct graphics_listen *listen,
                                struct qemu *qemu, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    const char *bridge;

    if (netport_find_bridge(qemu, listen->network, &arena, &bridge, error) < 0)
        return -1;
    g_autofree char *address = interface_address_get(bridge);
    if (address) {
        listen->address = arena_strdup(&live->definition.arena, address);
        return 0;
    }
    error_set(error, VIR_ERR_XML_ERROR,
              "listen network '%s' had no usable address: is the network active?", listen->network);
    return -1;
}

static int find_network_addresses(struct domain *live, struct domain_graphics *graphics,
                                  struct qemu *qemu, GError **error)
{
    LIST_EACH (listen, &graphics->listens) {
        if (listen->type != LISTEN_NETWORK || listen->address)
            continue;
        if (find_network_address(live, listen, qemu, error) < 0)
            return -1;
        if (listen_i == 0)
            graphics->listen = listen->address;
    }
    return 0;
}

/* The address that the display will listen on; filled in from qemu.conf where none is given. */
static const char *resolve_address(struct domain *live, struct domain_graphics *graphics,
                                   const struct qemu_config *config)
{
    LIST_EACH (listen, &graphics->listens) {
        if (listen->type != LISTEN_ADDRESS && listen->type != LISTEN_NETWORK)
            continue;
        if (!listen->address) {
            listen->address =
                arena_strdup(&live->definition.arena, default_address(graphics, config));
            listen->from_config = TRISTATE_YES;
            if (listen_i == 0)
                graphics->listen = listen->address;
        }
        return listen->address;
    }
    return NULL;
}

static bool listens_on_network(const struct domain_graphics *graphics)
{
    LIST_EACH (listen, &graphics->listens)
        if (listen->type == LISTEN_ADDRESS || listen->type == LISTEN_NETWORK)
            return true;
    return graphics->listens.count == 0;
}

/* A port: taken from the range for one that is left to us, else marked. */
static int settle_port(int *port, bool automatic, struct ports *ports, const char *address,
                       GError **error)
{
    unsigned taken;

    if (*port > 0 && !automatic) {
        ports_mark(ports, (unsigned)*port);
        return 0;
    }
    if (!automatic && *port == 0)
        return 0;
    if (ports_take(ports, address, &taken, error) < 0)
        return -1;
    *port = (int)taken;
    return 0;
}

/* ---- sockets ---- */

/* It listens there alone. */
static void forget_ports(struct domain_graphics *graphics)
{
    graphics->port = graphics->tls_port = 0;
    graphics->autoport = TRISTATE_ABSENT;
    graphics->listen = NULL;
}

static void choose_socket(struct domain *live, struct domain_graphics *graphics,
                          const struct qemu_config *config, const char *folder)
{
    bool vnc = graphics->type == GRAPHICS_VNC;
    bool always = vnc ? config->vnc_auto_unix_socket : config->spice_auto_unix_socket;

    LIST_EACH (listen, &graphics->listens) {
        if (listen->type == LISTEN_ADDRESS && !listen->address && always) {
            listen->type = LISTEN_SOCKET;
            forget_ports(graphics);
        }
        if (listen->type != LISTEN_SOCKET || listen->socket)
            continue;
        listen->socket = arena_printf(&live->definition.arena, "%s/%s.sock", folder,
                                      names_word(&graphics_type_names, graphics->type));
        listen->auto_socket = TRISTATE_YES;
        if (vnc)
            graphics->socket = listen->socket;
    }
}

void display_choose_sockets(struct domain *live, const struct qemu_config *config,
                            const char *folder)
{
    LIST_EACH (graphics, &live->devices.graphics)
        if (graphics->type == GRAPHICS_VNC || graphics->type == GRAPHICS_SPICE)
            choose_socket(live, graphics, config, folder);
}

/* ---- ports ---- */

static void want_for(unsigned mode, struct display_wants *wants)
{
    wants->plain |= mode == SPICE_MODE_INSECURE;
    wants->secure |= mode == SPICE_MODE_SECURE;
}

struct display_wants display_wants(const struct domain_graphics *graphics,
                                   const struct qemu_config *config)
{
    struct display_wants wants = {graphics->port == -1, graphics->tls_port == -1};
    unsigned usual = graphics->spice_default_mode;

    if (graphics->type != GRAPHICS_SPICE)
        return (struct display_wants){graphics->autoport == TRISTATE_YES || wants.plain, false};
    if (graphics->autoport != TRISTATE_YES)
        return wants;
    want_for(usual, &wants);
    if (usual == SPICE_MODE_NONE || usual == SPICE_MODE_ANY) {
        wants.plain = true;
        wants.secure |= config->tls[QEMU_TLS_SPICE].enabled;
    }
    if (graphics->spice)
        LIST_EACH (channel, &graphics->spice->channels)
            want_for(channel->mode, &wants);
    return wants;
}

static int take_ports(struct domain *live, struct domain_graphics *graphics, struct qemu *qemu,
                      GError **error)
{
    struct display_wants wants = display_wants(graphics, &qemu->config);

    if (!listens_on_network(graphics))
        return 0;
    if (find_network_addresses(live, graphics, qemu, error) < 0)
        return -1;
    const char *address = resolve_address(live, graphics, &qemu->config);
    if (wants.secure && !qemu->config.tls[QEMU_TLS_SPICE].enabled) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "graphics 'spice': a port for TLS is asked for, and qemu.conf does not say "
                  "spice_tls = 1");
        return -1;
    }
    if (settle_port(&graphics->port, wants.plain, qemu->ports, address, error) < 0 ||
        settle_port(&graphics->tls_port, wants.secure, qemu->ports, address, error) < 0)
        return -1;
    if (graphics->websocket == -1)
        return settle_port(&graphics->websocket, true, qemu->websocket_ports, address, error);
    return 0;
}

int display_take_ports(struct domain *live, struct qemu *qemu, GError **error)
{
    LIST_EACH (graphics, &live->devices.graphics)
        if ((graphics->type == GRAPHICS_VNC || graphics->type == GRAPHICS_SPICE) &&
            take_ports(live, graphics, qemu, error) < 0)
            return -1;
    return 0;
}

static void each_port(const struct domain *live, struct qemu *qemu,
                      void (*function)(struct ports *ports, unsigned port))
{
    LIST_EACH (graphics, &live->devices.graphics) {
        if (graphics->port > 0)
            function(qemu->ports, (unsigned)graphics->port);
        if (graphics->tls_port > 0)
            function(qemu->ports, (unsigned)graphics->tls_port);
        if (graphics->websocket > 0)
            function(qemu->websocket_ports, (unsigned)graphics->websocket);
    }
}

void display_mark_ports(const struct domain *live, struct qemu *qemu)
{
    each_port(live, qemu, ports_mark);
}

void display_return_ports(const struct domain *live, struct qemu *qemu)
{
    each_port(live, qemu, ports_return);
}

static int expire_password(struct qmp *qmp, const char *protocol, const char *valid_to,
                           GError **error)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) end = g_date_time_new_from_iso8601(valid_to, utc);
    char when[32] = "never";

    if (end)
        g_snprintf(when, sizeof(when), "%" G_GINT64_FORMAT, g_date_time_to_unix(end));
    return qmp_expire_password(qmp, protocol, when, 0, error);
}

int display_set_password(struct qmp *qmp, const struct domain_graphics *graphics,
                         const struct qemu_config *config, GError **error)
{
    bool vnc = graphics->type == GRAPHICS_VNC;
    const char *fallback = vnc ? config->vnc_password : config->spice_password;
    const char *password = graphics->password ? graphics->password : fallback;
    const char *protocol = vnc ? "vnc" : "spice";
    const char *connected = names_word(&graphics_connected_names, graphics->connected);

    if (!password || (!vnc && graphics->type != GRAPHICS_SPICE))
        return 0;
    /* QEMU's VNC server knows no other choice than to keep who is connected */
    if (qmp_set_password(qmp, protocol, password, vnc ? NULL : connected, 0, error) < 0)
        return -1;
    return graphics->password_valid_to
               ? expire_password(qmp, protocol, graphics->password_valid_to, error)
               : 0;
}

int display_move(struct qmp *qmp, struct domain_graphics *graphics, const char *address,
                 GError **error)
{
    struct graphics_listen *listen = graphics->listens.items[0];

    if (qmp_move_vnc(qmp, address, graphics->port, 0, error) < 0) {
        qmp_move_vnc(qmp, listen->address, graphics->port, 0, NULL);
        return -1;
    }
    listen->address = graphics->listen = address;
    listen->from_config = TRISTATE_ABSENT;
    return 0;
}

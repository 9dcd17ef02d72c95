/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display.h"

#include "json.h"
#include "ports.h"

static const char *default_address(const struct domain_graphics *graphics,
                                   const struct qemu_config *config)
{
    return graphics->type == GRAPHICS_SPICE ? config->spice_listen : config->vnc_listen;
}

/* The address that the display will listen on; filled in from qemu.conf where none is given. */
static const char *resolve_address(struct domain *live, struct domain_graphics *graphics,
                                   const struct qemu_config *config)
{
    LIST_EACH(listen, &graphics->listens)
    {
        if (listen->type != LISTEN_ADDRESS)
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
    LIST_EACH(listen, &graphics->listens)
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

static int take_ports(struct domain *live, struct domain_graphics *graphics, struct qemu *qemu,
                      GError **error)
{
    bool automatic = graphics->autoport == TRISTATE_YES || graphics->port == -1;
    const char *address = resolve_address(live, graphics, &qemu->config);

    if (!listens_on_network(graphics))
        return 0;
    if (settle_port(&graphics->port, automatic, qemu->ports, address, error) < 0)
        return -1;
    if (graphics->websocket == -1)
        return settle_port(&graphics->websocket, true, qemu->websocket_ports, address, error);
    return 0;
}

int display_take_ports(struct domain *live, struct qemu *qemu, GError **error)
{
    LIST_EACH(graphics, &live->devices.graphics)
    if ((graphics->type == GRAPHICS_VNC || graphics->type == GRAPHICS_SPICE) &&
        take_ports(live, graphics, qemu, error) < 0)
        return -1;
    return 0;
}

static void each_port(const struct domain *live, struct qemu *qemu,
                      void (*function)(struct ports *ports, unsigned port))
{
    LIST_EACH(graphics, &live->devices.graphics)
    {
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
    return qmp_execute(qmp, "expire_password",
                       json_build("s:protocol", protocol, "s:time", when, NULL), 0, NULL, error);
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
    if (qmp_execute(qmp, "set_password",
                    json_build("s:protocol", protocol, "s:password", password, "S:connected",
                               vnc ? NULL : connected, NULL),
                    0, NULL, error) < 0)
        return -1;
    return graphics->password_valid_to
               ? expire_password(qmp, protocol, graphics->password_valid_to, error)
               : 0;
}

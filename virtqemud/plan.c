/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "aliases.h"
#include "backing-chain.h"
#include "check.h"
#include "display.h"
#include "emulator-override.h"
#include "firmware.h"
#include "host-model.h"
#include "launch-security.h"
#include "memory-size.h"
#include "prepare.h"
#include "tls-creds.h"

/* A guest that does not run has this number. */
enum { NO_ID = -1, VNC_PORT = 5900, SPICE_PORT, SPICE_TLS_PORT };

static void pretend_displays(struct qemu *qemu, struct domain *live, const char *folder)
{
    display_choose_sockets(live, &qemu->config, folder);
    LIST_EACH (graphics, &live->devices.graphics) {
        struct display_wants wants = display_wants(graphics, &qemu->config);

        if (wants.plain)
            graphics->port = graphics->type == GRAPHICS_SPICE ? SPICE_PORT : VNC_PORT;
        if (wants.secure)
            graphics->tls_port = SPICE_TLS_PORT;
    }
}

static void pretend_networks(struct domain *live)
{
    LIST_EACH (net, &live->devices.nets)
        if (net->type == NET_NETWORK && !net->bridge)
            net->bridge = net->network;
}

static int complete(struct qemu *qemu, struct domain *live, const char *folder,
                    const struct emulator *emulator, GError **error)
{
    live->id = OPT_INT(NO_ID);
    aliases_assign(live);
    memory_size_round(live);
    LIST_EACH (channel, &live->devices.channels)
        prepare_channel_path(qemu, live, channel);
    backing_chain_number(live);
    tls_creds_choose(live, &qemu->config);
    pretend_displays(qemu, live, folder);
    pretend_networks(live);
    host_model_expand(live, emulator);
    launch_security_choose(live, emulator);
    if (firmware_select(live, &qemu->config, qemu->nvram_folder, NULL, error) < 0)
        return -1;
    return check_domain(live, emulator, &qemu->config, error);
}

int plan_arguments(struct qemu *qemu, struct domain *live, struct arguments *ret_arguments,
                   GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;
    g_autofree char *folder = prepare_folder_name(qemu, NO_ID, live->name);

    if (probe_get(qemu->probes, live->devices.emulator, &emulator, error) < 0 ||
        emulator_override(live, &emulator, error) < 0 ||
        complete(qemu, live, folder, emulator, error) < 0)
        return -1;
    const struct arguments_context context = {.config = &qemu->config,
                                              .emulator = emulator,
                                              .status_folder = qemu->status_folder,
                                              .folder = folder,
                                              .monitor_fd = -1,
                                              .session = qemu->driver->daemon->session,
                                              .plan = true};
    return arguments_build(live, &context, ret_arguments, error);
}

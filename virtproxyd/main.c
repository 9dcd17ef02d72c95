/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/daemon.h"
#include "daemon/remote.h"

#include "metrics.h"
#include "proxy.h"

static int start(struct daemon *daemon, GError **error)
{
    const struct remote_settings *settings = daemon->extra;

    if (!settings->metrics_listen || !*settings->metrics_listen)
        return 0;
    daemon->data = metrics_new(daemon, settings->metrics_listen, error);
    return daemon->data ? 0 : -1;
}

static void stop(struct daemon *daemon)
{
    metrics_free(daemon->data);
}

/* Who reads the figures is no client of it, and could not start it. */
static bool busy(struct daemon *daemon)
{
    return daemon->data != NULL;
}

int main(int argc, char **argv)
{
    const struct daemon_spec spec = {
        .name = "virtproxyd",
        .socket_stem = "libvirt",
        .error_from = VIR_FROM_RPC,
        .session_allowed = true,
        .extra_keys = remote_table,
        .extra_size = sizeof(struct remote_settings),
        .remote = true,
        .start = start,
        .stop = stop,
        .busy = busy,
        .connected = proxy_connected,
        .frame = proxy_frame,
        .disconnected = proxy_disconnected,
    };

    return daemon_main(&spec, argc, argv);
}

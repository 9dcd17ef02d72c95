/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/daemon.h"
#include "daemon/remote.h"

#include "proxy.h"

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
        .connected = proxy_connected,
        .frame = proxy_frame,
        .disconnected = proxy_disconnected,
    };

    return daemon_main(&spec, argc, argv);
}

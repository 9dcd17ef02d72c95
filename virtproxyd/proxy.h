/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

struct daemon;
struct frame;
struct server_client;

/*
 * The clients of virtproxyd. Each opens one daemon and then has a link of its own to it
 * ("daemon/forward.h"); here only the calls that are about the link are looked at. The functions
 * are daemon_spec's.
 */
void proxy_connected(struct daemon *daemon, struct server_client *client);
void proxy_frame(struct daemon *daemon, struct server_client *client, struct frame *frame);
void proxy_disconnected(struct daemon *daemon, struct server_client *client, const GError *reason);

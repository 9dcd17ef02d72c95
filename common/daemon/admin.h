/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct daemon;
struct frame;
struct server_client;

/*
 * The admin program: what root may ask of a running daemon, and change in it, until the next reload
 * of the configuration. Every daemon has it on its admin socket. Loop thread.
 */

/* A client came by the admin socket, which is root's: that is enough, it is authenticated. */
void admin_connected(struct server_client *client);

/* One whole frame of it, taken over. */
void admin_frame(struct daemon *daemon, struct server_client *client, struct frame *frame);

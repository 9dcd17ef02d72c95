/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Processes (pid_t) that have a socket bound to the port on all addresses, of TCP or of UDP, in
 * this network namespace; those that can be seen. The caller's. Reads all of /proc: for what has
 * gone wrong. */
GArray *socket_owner_list(bool udp, unsigned port);

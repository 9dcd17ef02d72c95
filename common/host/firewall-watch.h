/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Tells when somebody changes the packet filter rules of our own tables: FIREWALL_TABLE. */

/* A descriptor that becomes readable when any rules change, for base/loop.h; the caller closes it.
 * VIR_ERR_SYSTEM_ERROR when the kernel does not tell. */
int firewall_watch_open(int *ret_fd, GError **error);

/* Reads what there is; true if anything of ours was taken away or changed - by whom can't be told -
 * or if so much happened that it was lost. Never blocks. */
bool firewall_watch_read(int fd);

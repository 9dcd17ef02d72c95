/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* MACVTAP devices: interfaces of their own on top of one of the host's, read and written as
 * characters. They stay until they are removed. Blocks on the kernel alone. Any thread. */

/* Makes the device name on top of parent, and switches it on. Mode is the kernel's MACVLAN_MODE_...
 * of linux/if_link.h. VIR_ERR_SYSTEM_ERROR names both. */
int macvtap_make(const char *name, const char *parent, const uint8_t mac[6], unsigned mode,
                 GError **error);

/* Opens count queues of it into ret_fds, the caller's, with headers for virtio devices. */
int macvtap_open(const char *name, unsigned count, bool header, int *ret_fds, GError **error);

/* Removes it; one that is absent is no error. */
void macvtap_remove(const char *name);

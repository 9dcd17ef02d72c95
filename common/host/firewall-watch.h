/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Tells when somebody changes the packet filter rules of our own tables: FIREWALL_TABLE. */

/* A descriptor that becomes readable when any rules change, for base/loop.h; the caller closes it.
 * VIR_ERR_SYSTEM_ERROR when the kernel does not tell. */
int firewall_watch_open(int *ret_fd, GError **error);

/* Reads what there is, and says the number of each transaction that has touched ours, by whomever;
 * 0 if so much happened that some of it was lost. *touched is the watch's own: false at first. True
 * if anything was said. Never blocks. */
typedef void (*firewall_watch_function)(uint32_t generation);
bool firewall_watch_read(int fd, bool *touched, firewall_watch_function function);

/* The number of the rule set, all tables of all programs: each transaction makes it one higher. 0:
 * it can't be told. Any thread; does not block. */
uint32_t firewall_generation(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * TAP devices: an Ethernet interface of the host whose other end is descriptors, one a queue. The
 * device goes when the last of them is closed, unless it was there before. Any thread; nothing
 * blocks for long. Errors are VIR_ERR_SYSTEM_ERROR and name the device.
 */
#define TAP_NAME_BYTES 16

/* A name of prefix and number that no interface has, and that is not chosen again. */
void tap_choose_name(const char *prefix, char name[TAP_NAME_BYTES]);

/* Opens count queues of the device called name, made if there is none; fds are the caller's. With
 * header, packets carry what offloads need. node: what makes them; NULL: /dev/net/tun. */
int tap_open(const char *node, const char *name, unsigned count, bool header, int *ret_fds,
             GError **error);

/* What an interface is set to. */
int tap_set_mac(const char *name, const uint8_t mac[6], GError **error);
int tap_set_mtu(const char *name, unsigned mtu, GError **error);
int tap_set_up(const char *name, bool up, GError **error);

/* Frames that the guest's end collects before an interrupt. */
int tap_set_coalesce(const char *name, unsigned frames, GError **error);

/* Puts the interface on a bridge, with the bridge's MTU unless mtu is not 0; isolated: it reaches
 * ports that are not isolated alone. */
int tap_attach(const char *name, const char *bridge, unsigned mtu, bool isolated, GError **error);

/* Whether there is an interface of this name. */
bool tap_exists(const char *name);

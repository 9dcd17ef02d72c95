/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * MAC addresses. No function blocks; any thread.
 */
#define MAC_BYTES 6
#define MAC_TEXT 18 /* with its NUL */

/* "52:54:00:4e:7d:8e", of six parts of one or two hexadecimal digits; -1 for anything else. */
int mac_parse(const char *text, uint8_t ret_mac[MAC_BYTES]);

/* Lower case, two digits a part; returns text. */
char *mac_format(const uint8_t mac[MAC_BYTES], char text[MAC_TEXT]);

/* Random in its last three bytes after the given prefix. -1 with errno when no random bytes come.
 */
int mac_generate(const uint8_t prefix[3], uint8_t ret_mac[MAC_BYTES]);

/* Of a group; broadcast is one. */
bool mac_is_multicast(const uint8_t mac[MAC_BYTES]);

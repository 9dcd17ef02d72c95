/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define UUID_BYTES 16
#define UUID_TEXT 37 /* with its NUL */

/* Any spelling with 32 hexadecimal digits, hyphens between and space around allowed; -1: none. */
int uuid_parse(const char *text, uint8_t ret_uuid[UUID_BYTES]);

/* Writes "c7a5fdbd-cdaf-9455-926a-d65c16db1809"; returns text. */
char *uuid_format(const uint8_t uuid[UUID_BYTES], char text[UUID_TEXT]);

/* A random one (version 4). -1 with errno when the kernel gives no random bytes. */
int uuid_generate(uint8_t ret_uuid[UUID_BYTES]);

/* False for one whose bytes are all the same: such serve as "none" in firmware tables. */
bool uuid_is_valid(const uint8_t uuid[UUID_BYTES]);

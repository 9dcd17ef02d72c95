/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "wire/frame.h"
#include "wire/message.h"

/*
 * virNetMessageError, the payload of every reply and stream packet with status error: code, domain,
 * message, level, dom, str1..3, int1, int2, net. dom and net are always sent NULL and skipped.
 */

/* The error reply to a call; from is the speaker if the error names none. Never fails. */
struct message *error_message_new(const struct frame_header *call, const GError *error,
                                  enum error_from from);

/* Same for a stream packet (type stream, status error). */
struct message *error_message_new_stream(const struct frame_header *call, const GError *error,
                                         enum error_from from);

/* Appends the struct; texts longer than the protocol's limit are cut. */
void error_message_encode(const GError *error, enum error_from from, GByteArray *out);

/* The GError that a received payload stands for, or VIR_ERR_RPC if it is malformed. Never NULL; the
 * caller frees it. */
GError *error_message_decode(const void *payload, size_t size);

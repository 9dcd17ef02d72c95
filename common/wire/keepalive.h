/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"
#include "wire/message.h"
#include "wire/net-message.h"

/* The keepalive program: two empty messages, ping and pong, either way, at any time. */

/* True for every packet of the program, well-formed or not: none reaches a handler. */
bool keepalive_owns(const struct frame_header *header);

/* True for a ping, which wants a pong. */
bool keepalive_is_ping(const struct frame_header *header);

/* A finished message with KEEPALIVE_PROC_PING or _PONG. */
struct message *keepalive_message_new(enum keepalive_procedure procedure);

/* Silence, counted: the state behind connection_enable_keepalive. */
struct keepalive {
    int64_t interval; /* ms; <= 0: off */
    unsigned count;
    unsigned unanswered;
    int64_t pinged; /* when */
};

enum keepalive_action {
    KEEPALIVE_WAIT,
    KEEPALIVE_SEND_PING,
    KEEPALIVE_GIVE_UP,
};

/* What to do now, last_received having been the last sign of life; *ret_wait: ms until asked
 * again. */
enum keepalive_action keepalive_check(struct keepalive *keepalive, int64_t now,
                                      int64_t last_received, int64_t *ret_wait);

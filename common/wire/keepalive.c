/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/keepalive.h"

bool keepalive_owns(const struct frame_header *header)
{
    return header->program == KEEPALIVE_PROGRAM;
}

bool keepalive_is_ping(const struct frame_header *header)
{
    return header->version == KEEPALIVE_PROGRAM_VERSION &&
           header->procedure == KEEPALIVE_PROC_PING && header->type == FRAME_MESSAGE &&
           header->status == FRAME_OK;
}

struct message *keepalive_message_new(enum keepalive_procedure procedure)
{
    struct frame_header header = {
        .program = KEEPALIVE_PROGRAM,
        .version = KEEPALIVE_PROGRAM_VERSION,
        .procedure = procedure,
        .type = FRAME_MESSAGE,
        .status = FRAME_OK,
    };

    return message_new_with(&header, NULL, 0);
}

enum keepalive_action keepalive_check(struct keepalive *keepalive, int64_t now,
                                      int64_t last_received, int64_t *ret_wait)
{
    int64_t silence = now - last_received;

    *ret_wait = keepalive->interval;
    if (last_received >= keepalive->pinged)
        keepalive->unanswered = 0;
    if (silence < keepalive->interval) {
        *ret_wait = keepalive->interval - silence;
        return KEEPALIVE_WAIT;
    }
    if (keepalive->unanswered >= keepalive->count)
        return KEEPALIVE_GIVE_UP;
    keepalive->unanswered++;
    keepalive->pinged = now;
    return KEEPALIVE_SEND_PING;
}

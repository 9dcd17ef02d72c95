/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/error-message.h"

#include <stdbool.h>
#include <string.h>

#include "wire/codec.h"
#include "wire/net-message.h"

enum {
    ERROR_LEVEL = 2, /* an error, not a warning */
};

/* At most the limit, cut between two characters. */
static char *limited_text(const char *text)
{
    size_t size = strnlen(text, VIR_NET_MESSAGE_STRING_MAX + 1);

    if (size > VIR_NET_MESSAGE_STRING_MAX)
        size = g_utf8_find_prev_char(text, text + VIR_NET_MESSAGE_STRING_MAX + 1) - text;
    return g_strndup(text, size);
}

void error_message_encode(const GError *error, enum error_from from, GByteArray *out)
{
    g_autofree char *text = limited_text(error->message);
    struct net_message_error value = {
        .code = error_code_of(error),
        .domain = error_from_of(error, from),
        .message = text,
        .level = ERROR_LEVEL,
        /* Clients that take the pieces apart find the text whole: format and its only detail. */
        .str1 = (char *)"%s",
        .str2 = text,
        .int1 = -1,
        .int2 = -1,
    };
    int status = codec_encode(&net_message_error_type, &value, out, NULL);

    g_assert(status == 0); /* every text is within the limits */
}

static struct message *error_packet_new(const struct frame_header *header, const GError *error,
                                        enum error_from from)
{
    struct message *message = message_new(header);

    error_message_encode(error, from, message->bytes);
    message_finish(message, NULL);
    return message;
}

struct message *error_message_new(const struct frame_header *call, const GError *error,
                                  enum error_from from)
{
    struct frame_header header = message_reply_header(call, FRAME_REPLY, FRAME_ERROR);

    return error_packet_new(&header, error, from);
}

struct message *error_message_new_stream(const struct frame_header *call, const GError *error,
                                         enum error_from from)
{
    struct frame_header header = message_reply_header(call, FRAME_STREAM, FRAME_ERROR);

    return error_packet_new(&header, error, from);
}

/* The message has its prefix already, so it replaces what error_set_from writes. Speakers beyond
 * those we know become nobody: each new one would take memory for ever. */
static GError *received_error(const struct net_message_error *value)
{
    bool known = value->domain > 0 && value->domain < VIR_ERR_DOMAIN_LAST;
    GError *error = NULL;

    error_set_from(&error, known ? value->domain : VIR_FROM_NONE, value->code, "?");
    g_free(error->message);
    error->message = g_strdup(value->message ? value->message : "unknown error");
    return error;
}

GError *error_message_decode(const void *payload, size_t size)
{
    ARENA_AUTO struct arena arena = {0};
    struct net_message_error value;
    GError *error = NULL;

    if (codec_decode(&net_message_error_type, payload, size, &arena, &value, &error) < 0) {
        g_prefix_error(&error, "the server's error report is malformed: ");
        return error;
    }
    return received_error(&value);
}

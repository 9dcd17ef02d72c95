/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/uuid.h"

#include <string.h>
#include <sys/random.h>

int uuid_parse(const char *text, uint8_t ret_uuid[UUID_BYTES])
{
    uint8_t bytes[UUID_BYTES];

    while (g_ascii_isspace(*text))
        text++;
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        while (i > 0 && *text == '-')
            text++;
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]))
            return -1;
        bytes[i] = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        text += 2;
    }
    while (g_ascii_isspace(*text))
        text++;
    if (*text)
        return -1;
    memcpy(ret_uuid, bytes, UUID_BYTES);
    return 0;
}

char *uuid_format(const uint8_t uuid[UUID_BYTES], char text[UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *out = text;

    for (unsigned i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 15];
    }
    *out = '\0';
    return text;
}

int uuid_generate(uint8_t ret_uuid[UUID_BYTES])
{
    uint8_t bytes[UUID_BYTES];

    if (getentropy(bytes, sizeof(bytes)) < 0)
        return -1;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    memcpy(ret_uuid, bytes, UUID_BYTES);
    return 0;
}

bool uuid_is_valid(const uint8_t uuid[UUID_BYTES])
{
    for (unsigned i = 1; i < UUID_BYTES; i++)
        if (uuid[i] != uuid[0])
            return true;
    return false;
}

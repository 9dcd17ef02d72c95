/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/mac.h"

#include <string.h>
#include <sys/random.h>

/* One or two hexadecimal digits, moving *text past them; -1 when there are none. */
static int read_part(const char **text)
{
    int value = 0, digits = 0;

    for (; digits < 2 && g_ascii_isxdigit(**text); digits++, (*text)++)
        value = value << 4 | g_ascii_xdigit_value(**text);
    return digits ? value : -1;
}

int mac_parse(const char *text, uint8_t ret_mac[MAC_BYTES])
{
    uint8_t bytes[MAC_BYTES];

    for (unsigned i = 0; i < MAC_BYTES; i++) {
        if (i > 0 && *text++ != ':')
            return -1;
        int part = read_part(&text);
        if (part < 0)
            return -1;
        bytes[i] = (uint8_t)part;
    }
    if (*text)
        return -1;
    memcpy(ret_mac, bytes, MAC_BYTES);
    return 0;
}

char *mac_format(const uint8_t mac[MAC_BYTES], char text[MAC_TEXT])
{
    g_snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
               mac[4], mac[5]);
    return text;
}

int mac_generate(const uint8_t prefix[3], uint8_t ret_mac[MAC_BYTES])
{
    uint8_t bytes[3];

    if (getentropy(bytes, sizeof(bytes)) < 0)
        return -1;
    memcpy(ret_mac, prefix, 3);
    memcpy(ret_mac + 3, bytes, 3);
    return 0;
}

bool mac_is_multicast(const uint8_t mac[MAC_BYTES])
{
    return mac[0] & 1;
}

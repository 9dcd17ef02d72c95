/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

int ip_parse(const char *text, struct ip_address *ret_address)
{
    struct ip_address address = {.family = IP_V4};

    if (inet_pton(AF_INET, text, address.bytes) != 1) {
        address.family = IP_V6;
        if (inet_pton(AF_INET6, text, address.bytes) != 1)
            return -1;
    }
    *ret_address = address;
    return 0;
}

char *ip_format(const struct ip_address *address, char text[IP_TEXT])
{
    text[0] = 0;
    if (address->family != IP_NONE)
        inet_ntop(address->family == IP_V4 ? AF_INET : AF_INET6, address->bytes, text, IP_TEXT);
    return text;
}

unsigned ip_bytes(const struct ip_address *address)
{
    return address->family == IP_V4 ? 4 : 16;
}

unsigned ip_bits(const struct ip_address *address)
{
    return 8 * ip_bytes(address);
}

/* The byte at index of a mask with so many ones in front. */
static uint8_t mask_byte(unsigned prefix, unsigned index)
{
    if (prefix >= 8 * (index + 1))
        return 0xff;
    return prefix <= 8 * index ? 0 : (uint8_t)(0xff << (8 * (index + 1) - prefix));
}

struct ip_address ip_prefix_mask(const struct ip_address *address, unsigned prefix)
{
    struct ip_address mask = {.family = address->family};

    for (unsigned i = 0; i < ip_bytes(address); i++)
        mask.bytes[i] = mask_byte(prefix, i);
    return mask;
}

int ip_mask_prefix(const struct ip_address *mask)
{
    for (unsigned prefix = 0; prefix <= ip_bits(mask); prefix++) {
        struct ip_address wanted = ip_prefix_mask(mask, prefix);

        if (ip_equal(&wanted, mask))
            return (int)prefix;
    }
    return -1;
}

struct ip_address ip_first(const struct ip_address *address, unsigned prefix)
{
    struct ip_address first = *address;

    for (unsigned i = 0; i < ip_bytes(address); i++)
        first.bytes[i] &= mask_byte(prefix, i);
    return first;
}

struct ip_address ip_last(const struct ip_address *address, unsigned prefix)
{
    struct ip_address last = *address;

    for (unsigned i = 0; i < ip_bytes(address); i++)
        last.bytes[i] |= (uint8_t)~mask_byte(prefix, i);
    return last;
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, IP_BYTES) == 0;
}

int ip_compare(const struct ip_address *a, const struct ip_address *b)
{
    return memcmp(a->bytes, b->bytes, IP_BYTES);
}

bool ip_is_within(const struct ip_address *address, const struct ip_address *network,
                  unsigned prefix)
{
    if (address->family != network->family)
        return false;
    struct ip_address one = ip_first(address, prefix), two = ip_first(network, prefix);
    return ip_equal(&one, &two);
}

bool ip_networks_overlap(const struct ip_address *a, unsigned a_prefix, const struct ip_address *b,
                         unsigned b_prefix)
{
    return ip_is_within(a, b, MIN(a_prefix, b_prefix));
}

uint64_t ip_count(const struct ip_address *first, const struct ip_address *last)
{
    uint64_t count = 0;

    if (first->family != last->family || ip_compare(first, last) > 0)
        return 0;
    for (unsigned i = 0; i < ip_bytes(first); i++) {
        if (count > G_MAXUINT64 >> 9)
            return G_MAXUINT64;
        /* digits of the base 256 may be negative: what is in front makes up for it */
        count = count * 256 + last->bytes[i] - first->bytes[i];
    }
    return count + 1;
}

unsigned ip_default_prefix(const struct ip_address *address)
{
    if (address->family == IP_V6)
        return 64;
    if (address->bytes[0] < 128)
        return 8;
    return address->bytes[0] < 192 ? 16 : 24;
}

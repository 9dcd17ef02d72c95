/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * IP addresses and networks of them. No function blocks; any thread.
 */
enum ip_family { IP_NONE, IP_V4, IP_V6 };

#define IP_BYTES 16
#define IP_TEXT 46 /* with its NUL */

/* All zero: none. Bytes behind those of the family are zero, so that memcmp() compares. */
struct ip_address {
    uint8_t family; /* enum ip_family */
    uint8_t bytes[IP_BYTES];
};

/* "192.168.122.1" or "2001:db8::1": four numbers, or what RFC 4291 allows; -1 for anything else. */
int ip_parse(const char *text, struct ip_address *ret_address);

/* The shortest spelling; returns text, "" for none. */
char *ip_format(const struct ip_address *address, char text[IP_TEXT]);

/* 4 or 16. */
unsigned ip_bytes(const struct ip_address *address);

/* 32 or 128: the longest prefix. */
unsigned ip_bits(const struct ip_address *address);

/* The length of the prefix that an IPv4 mask stands for; -1 when its ones are not all in front. */
int ip_mask_prefix(const struct ip_address *mask);

/* The mask of an address with this prefix. */
struct ip_address ip_prefix_mask(const struct ip_address *address, unsigned prefix);

/* The address with all bits behind the prefix 0, and with all of them 1: the first and last of its
 * network; of IPv4 the network itself and the broadcast address. */
struct ip_address ip_first(const struct ip_address *address, unsigned prefix);
struct ip_address ip_last(const struct ip_address *address, unsigned prefix);

/* Is address in the network of another with prefix? False for another family. */
bool ip_is_within(const struct ip_address *address, const struct ip_address *network,
                  unsigned prefix);

/* Do two networks share addresses? */
bool ip_networks_overlap(const struct ip_address *a, unsigned a_prefix, const struct ip_address *b,
                         unsigned b_prefix);

/* False for another family. */
bool ip_equal(const struct ip_address *a, const struct ip_address *b);

/* Below, equal or above zero; of the same family. */
int ip_compare(const struct ip_address *a, const struct ip_address *b);

/* Addresses from first to last, both counted; G_MAXUINT64 when there are more; 0 when last comes
 * before first or they are of two families. */
uint64_t ip_count(const struct ip_address *first, const struct ip_address *last);

/* The prefix that an IPv4 address had before there were masks: 8, 16 or 24; 64 for IPv6. */
unsigned ip_default_prefix(const struct ip_address *address);

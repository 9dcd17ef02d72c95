/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ip.h"
#include "xml/schema.h"

/*
 * Types of texts that leave the document for somewhere else: the kernel, a packet filter, a name
 * server's configuration. What passes can't mean anything else there: no control characters, no
 * line ends, no syntax.
 */

/* "192.168.122.1", "2001:db8::1": struct ip_address. */
extern const struct xml_type ip_address_type;

/* A network device: up to 15 characters, no space, slash or quote; may end in %d. String. */
extern const struct xml_type device_name_type;

/* "guest.example.com": labels of letters, digits, hyphens and underscores. String. */
extern const struct xml_type dns_name_type;

/* "tcp", "my_service": letters, digits, hyphens, underscores. String. */
extern const struct xml_type dns_label_type;

/* One line of printable text, any script. String. */
extern const struct xml_type line_type;

/* A path: one that begins with a slash, in one line. String. */
extern const struct xml_type absolute_path_type;

/* "00:03:00:01:52:54:00": a DHCPv6 identifier, hexadecimal bytes. String. */
extern const struct xml_type client_id_type;

/* A MAC address of one machine, spelled as it was given. String. */
extern const struct xml_type mac_text_type;

/* Forms, for FORM(): text that is not empty; without space besides; of letters, digits, hyphens and
 * underscores alone; an IP address. */
extern const struct xml_type filled_type, word_type, identifier_type, ip_text_type;

#define ROW_IP(place, member, about, ...)                                                          \
    ROW_TYPE(place, member, ip_address_type, about, ##__VA_ARGS__)

/* Pure tests of the same, for texts that come by other ways. */
bool device_name_is_valid(const char *text);
bool dns_name_is_valid(const char *text);
bool line_is_valid(const char *text);

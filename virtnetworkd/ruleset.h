/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Rules of a host as `nft list ruleset` prints them, and the way of one packet through them. What
 * can't be decided from what is known of the packet is no match, but for rules that accept and
 * name the network. Pure.
 */
struct ruleset;

/* Tables of the family ip and inet, but for that of this name. Never fails: what is not understood
 * is left out. */
struct ruleset *ruleset_read(const char *text, const char *but_table);
void ruleset_free(struct ruleset *ruleset);

struct ruleset_packet {
    const char *hook; /* "forward", "input" */
    const char *in;   /* devices that it comes and goes by; NULL: others than are named anywhere */
    const char *out;
    bool established;   /* it belongs to a connection that there is; else it begins one */
    unsigned udp_port;  /* that it is for; 0: any of any protocol */
    const char *subnet; /* "192.168.122.0/24", of the network that it is of */
};

/* "table ip filter, chain FORWARD": where it is dropped, and why; the caller's. NULL: nowhere. By
 * the policy of a chain ret_rule is NULL, else the rule's text. */
char *ruleset_find_drop(const struct ruleset *ruleset, const struct ruleset_packet *packet,
                        char **ret_rule);

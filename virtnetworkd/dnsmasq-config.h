/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/*
 * What dnsmasq is told of a network: pure text, made of a definition whose texts can't mean
 * anything but themselves there (see "model/text-types.h").
 */
struct dnsmasq_paths {
    const char *pid_file;
    const char *hosts_file;      /* guests that DHCP knows */
    const char *addn_hosts_file; /* names that DNS knows */
};

/* Is there anything for it to do? */
bool dnsmasq_is_needed(const struct network *network);

/* Has it a DHCP server, for either family? */
bool dnsmasq_has_dhcp(const struct network *network);

/* The configuration, and the two files that it reads again on SIGHUP; the caller frees. */
char *dnsmasq_write_config(const struct network *network, const struct dnsmasq_paths *paths);
char *dnsmasq_write_hosts(const struct network *network);
char *dnsmasq_write_addn_hosts(const struct network *network);

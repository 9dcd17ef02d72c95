/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* One order about a network device, of nested attributes, to the kernel. Any thread. */
struct link_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[512];
};

/* RTM_NEWLINK and the like; fill in .link and add attributes. */
struct link_request link_request_begin(unsigned short type);

/* Adds an attribute; it is borrowed, and others added up to link_request_end() are inside of it.
 * What is added must fit, so lengths are bounded by the caller. */
struct rtattr *link_request_add(struct link_request *request, unsigned short type, const void *data,
                                size_t length);
void link_request_end(struct link_request *request, struct rtattr *attribute);

/* Sends it and returns the kernel's verdict: 0 or an errno. */
int link_request_send(struct link_request *request);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The address that the host has on one of its interfaces, as text: the first of IPv4, or of IPv6 if
 * there is none that others could reach. The caller frees; NULL: it has none, or is not there. Any
 * thread; does not block. */
char *interface_address_get(const char *name);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * libnftables, which is loaded while there is work for it: with the libraries that it brings it is
 * a megabyte that a daemon at rest has no use for. Any thread.
 */

/* Has it do a list of orders, as one transaction; ret_output (the caller's) may be NULL. May block
 * for some milliseconds. VIR_ERR_OPERATION_FAILED quotes what it says; VIR_ERR_OPERATION_DENIED
 * without CAP_NET_ADMIN; VIR_ERR_INTERNAL_ERROR: the library is not there. */
int nftables_run(const char *orders, char **ret_output, GError **error);

/* There is nothing to do for a while: gives back what is kept to be quick. */
void nftables_rest(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-pool.h"

/* Targets of iSCSI, by open-iscsi: sessions as sysfs shows them, records as iscsiadm keeps them. */

/* A target as a pool names it; all borrowed. */
struct iscsi_target {
    const char *host;
    unsigned port;
    const char *name;      /* NULL: not known yet */
    const char *initiator; /* our own name there; NULL: the host's */
};

/* The same text with one setting of a record changed or added. The caller frees. Pure. */
char *iscsi_set(const char *record, const char *name, const char *value);

/* What a record says of a setting; NULL: nothing. The caller frees. Pure. */
char *iscsi_get(const char *record, const char *name);

/* The names in what a discovery prints, a portal and a name a line; each once. The caller frees
 * with g_ptr_array_unref(). Pure. */
GPtrArray *iscsi_read_targets(const char *text);

/* Our session with it: its number, and that of its SCSI host. False: there is none. */
bool iscsi_find_session(const struct iscsi_target *target, unsigned *ret_session,
                        unsigned *ret_host);

/* Begins a session, by CHAP if there are credentials. What fails leaves no record behind. Errors:
 * program.h. Blocks, two minutes at most. */
int iscsi_log_in(const struct iscsi_target *target, const char *user, const char *password,
                 GError **error);

/* Ends it, and forgets what was recorded for it, unless that is for each boot. Blocks. */
int iscsi_log_out(const struct iscsi_target *target, GError **error);

/* Has the kernel look for LUNs, and for their sizes. Blocks. */
int iscsi_rescan(unsigned session, GError **error);

/* What iscsiadm tells of the targets at a host: for iscsi_read_targets(); the caller frees. Blocks.
 */
int iscsi_discover(const struct iscsi_target *target, char **ret_text, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What a guest needs on the host before its QEMU runs - folders, ports, socket paths, labels,
 * cgroup - and the undoing of it. Preparing writes what it chose into the live definition, so that
 * undoing needs nothing else and works after a restart of the daemon as well.
 */

/* Fills in aliases, display ports and socket paths of a definition that is about to be live, and
 * sets guest->folder, made. On failure the caller calls prepare_undo(). Blocks on the disk. */
int prepare_live(struct guest *guest, struct domain *live, int id, GError **error);

/* Hands files and devices that live names over to QEMU's user. Blocks on the disk. */
int prepare_access(struct guest *guest, const struct domain *live, GError **error);

/* Undoes both, as far as they came. Idempotent. */
void prepare_undo(struct guest *guest, const struct domain *live);

/* "1-name": a guest's run in names of files, cut the same way. The caller frees. */
char *prepare_run_name(int id, const char *name);

/* The folder of a guest's run: state_folder/domain-ID-NAME, the name cut to what a path of a unix
 * socket bears. The caller frees. */
char *prepare_folder_name(struct qemu *qemu, int id, const char *name);

/* Of a channel whose socket is left to us: its path, which is written down; the folders of those of
 * all channels. The second blocks on the disk. */
void prepare_channel_path(struct qemu *qemu, struct domain *live, struct domain_channel *channel);
int prepare_channel_folders(struct qemu *qemu, const struct domain *live, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What a guest needs on the host before its QEMU runs - folders, ports, socket paths, labels,
 * cgroup - and the undoing of it. Preparing writes what it chose into the live definition, so that
 * undoing needs nothing else and works after a restart of the daemon as well.
 */

/* Fills in what a run is known by: id, aliases, socket paths, the identities of networks' ports;
 * sets guest->folder. The host is as it was. */
void prepare_run(struct guest *guest, struct domain *live, int id);

/* Takes what the host is to give, and writes it into live: networks' ports, display ports, the
 * folder. live is on record as prepare_run() left it; on failure the caller calls prepare_undo().
 * Blocks on the disk, and on virtnetworkd. */
int prepare_live(struct guest *guest, struct domain *live, GError **error);

/* Hands files and devices that live names over to QEMU's user. Blocks on the disk. */
int prepare_access(struct guest *guest, const struct domain *live, GError **error);

/* Undoes all of it, as far as they came. Idempotent. */
void prepare_undo(struct guest *guest, const struct domain *live);

/* "1-name": a guest's run in names of files, cut the same way. The caller frees. */
char *prepare_run_name(int id, const char *name);

/* The folder of a guest's run: state_folder/domain-ID-NAME, the name cut to what a path of a unix
 * socket bears. The caller frees. */
char *prepare_folder_name(struct qemu *qemu, int id, const char *name);

/* Of a channel whose socket is left to us: its path, which is written down; the folders of those of
 * all channels. The second blocks on the disk. */
void prepare_channel_path(struct qemu *qemu, struct domain *live, struct domain_channel *channel);
int prepare_channel_folders(struct guest *guest, const struct domain *live, GError **error);

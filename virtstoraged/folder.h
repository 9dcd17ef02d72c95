/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* A folder with volumes: what pools of files have in common. Blocks on the disk. */

/* Makes it, if it is not there, with the permissions that the pool's document says. */
int folder_build(const struct storage_pool *pool, GError **error);

/* backend.remove: the folder, which must be empty. */
int folder_remove(const struct storage_pool *pool, unsigned flags, GError **error);

/* Opens it as the set of volumes of a pool, and removes what a killed daemon left half made. */
int folder_open(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error);

/* backend.refresh and backend.measure of pools of files. */
int folder_refresh(const struct storage_pool *pool, struct volumes *volumes,
                   struct pool_facts *ret_facts, GError **error);
int folder_measure(const struct storage_pool *pool, struct volumes *volumes,
                   struct pool_facts *ret_facts, GError **error);

/* A file that is raw whatever a guest writes into it, also for a later daemon; or no longer. Where
 * the file system has no room for it, it is known as long as the pool runs. */
void folder_mark_raw(int fd, bool raw);

/* As open() and stat() do it, with errno. A link within the folder is followed, one that leads out
 * of it is ELOOP, EXDEV, or not there. */
int folder_open_file(const struct volumes *volumes, const char *name, int mode);
int folder_stat(const struct volumes *volumes, const char *name, struct stat *ret_about);

/* The same of a path below the folder, which no link and no ".." on it leaves. */
int folder_open_within(const struct volumes *volumes, const char *path, int mode);

/* Looks at one file: *ret_found is NULL when it is nothing that can be a volume. known_raw: it is
 * not looked into. */
int folder_look(struct volumes *volumes, const char *name, const struct stat *about, bool known_raw,
                struct storage_volume **ret_found, GError **error);

/* What the header of an image says of a volume, and of the one below. */
void folder_fill_header(struct storage_volume *volume, const struct volumes *volumes, int fd);

/* Permissions, times and sizes of a volume as stat tells them. Pure. */
void folder_fill_stat(struct storage_volume *volume, const struct stat *about);

/* By what a change of the file shows; pure. */
struct volume_signature folder_signature(const struct stat *about);

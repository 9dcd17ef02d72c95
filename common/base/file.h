/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Files and folders of the daemon's own state. Every function may block on the disk; any thread.
 * Errors are VIR_ERR_SYSTEM_ERROR and name the path and the cause.
 */

/* The whole file, with a NUL added after its bytes; the caller frees. A file above limit bytes is
 * an error. Works on pipes, /proc and /sys. ret_length may be NULL. */
int file_read_all(const char *path, size_t limit, char **ret_text, size_t *ret_length,
                  GError **error);

/* Same, relative to a folder's descriptor (AT_FDCWD: the current one). */
int file_read_all_at(int folder, const char *name, size_t limit, char **ret_text,
                     size_t *ret_length, GError **error);

/* Same as file_read_all(), but an absent file is no error: *ret_text is NULL then. */
int file_read_optional(const char *path, size_t limit, char **ret_text, size_t *ret_length,
                       GError **error);

/* Of a small file of the kernel (/sys, /proc) the text without white space around; NULL: it can't
 * be read. The path is as printf's; the caller frees. */
char *file_read_value(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Replaces the file as one step that survives a power cut: temporary file beside it, mode, write,
 * fsync, rename, fsync of the folder. On failure the old file is as it was and nothing is left
 * behind. */
int file_replace(const char *path, const void *bytes, size_t length, mode_t mode, GError **error);

/* Same without the fsyncs: for state under /run that needs no power-cut durability. */
int file_replace_volatile(const char *path, const void *bytes, size_t length, mode_t mode,
                          GError **error);

/* Removes a file or a symlink, durably; one that is absent is no error. */
int file_remove(const char *path, GError **error);

/* Renames within one file system, durably; an existing new_path is replaced. */
int file_rename(const char *path, const char *new_path, GError **error);

/* Makes or replaces a symlink as one step, durably. */
int file_symlink(const char *target, const char *path, GError **error);

/* Makes the folder and its missing parents. Folders that exist keep their mode; new ones get
 * exactly mode, whatever the umask, and belong to uid and gid unless these are -1. */
int file_make_folders(const char *path, mode_t mode, GError **error);
int file_make_folders_owned(const char *path, mode_t mode, uid_t uid, gid_t gid, GError **error);

/* Names in the folder that end in suffix (NULL: all), sorted, without "." and ".." and the
 * temporary files of file_replace(); free with g_strfreev. An absent folder is an empty list. */
int file_list(const char *folder, const char *suffix, char ***ret_names, GError **error);

/* Removes temporary files that a killed process left in the folder. */
int file_sweep(const char *folder, GError **error);

/* Writes this process's id into path, locked until the descriptor is closed or the process ends.
 * VIR_ERR_OPERATION_FAILED names the process that holds the lock. Close-on-exec. */
int file_lock_pid(const char *path, int *ret_fd, GError **error);

/* Removes the file and closes the descriptor, in the order that can't hit a successor's file. */
void file_unlock_pid(const char *path, int fd);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Images that somebody works with. QEMU and its tools lock what they open, on every image of a
 * chain, whoever has started them, on any host that shares the storage; the locks end with the
 * process. So they are true at any time, and there is nothing of ours to go stale.
 */

/* Takes QEMU's locks of an image until fd is closed, if fd is open for writing: nobody can open it
 * meanwhile. For reading alone: only looks. shown is its name. VIR_ERR_OPERATION_INVALID names the
 * guest, or the process, that has it. Not of file systems without locks. */
int in_use_take(int fd, const char *shown, GError **error);

/* The same for work that others of ours may do at the same time, with descriptors of their own: no
 * guest can open the image until fd is closed. */
int in_use_share(int fd, const char *shown, GError **error);

/* The name of a guest by the words of its QEMU, size bytes, each with its NUL; the caller frees.
 * NULL: there is none. Pure. */
char *in_use_guest_name(const char *words, size_t size);

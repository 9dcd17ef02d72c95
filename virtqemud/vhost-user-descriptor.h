/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Programs for vhost-user devices, as their packages describe them by JSON files in
 * /usr/share/qemu/vhost-user, /etc/qemu/vhost-user and the user's own folder. A file hides those of
 * the same name in folders before; of several, the first by name is taken. */

/* The program of the first descriptor of type ("fs", "gpu") whose program exists; NULL: none. The
 * caller frees. Blocks on the disk. */
char *vhost_user_descriptor_find(const char *type);

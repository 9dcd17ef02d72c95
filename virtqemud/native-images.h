/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "native-parts.h"

/* Images behind disks, by the lists that say what they are. Part of native-parts.h. */

/* A path, and no "nbd:..." or "json:...", which would be a server's. */
bool native_image_is_path(const char *file);

/* A file or a block device; nothing for an empty path. */
void native_image_set_path(struct domain_source *source, const char *path);

/* By the file's name, raw else: QEMU would look into the image. */
uint8_t native_image_guess_format(const struct domain_source *source);

/* cdrom or disk, by the word of media=. */
enum disk_device native_image_media(const char *media);

/* Takes a word if it is one of names. */
void native_take_word(struct native_list *list, const char *key, const struct names *names,
                      uint8_t *ret_value);

/* All that a -drive says of the image; true if the list has nothing else then. */
bool native_image_read_drive(struct native_list *list, struct domain_disk *disk);

/* The -blockdev of that name (NULL: none), not in use so far. */
struct native_option *native_image_find_node(struct native *native, const char *name);

/* Fills in source from a node, and what is below it; adds the options that it is made of to used.
 */
bool native_image_read_node(struct native *native, const char *name, struct domain_disk *disk,
                            struct domain_source *source, GPtrArray *used);

/* The mode that the switches of the node and of the device make up, which are taken. */
uint8_t native_image_cache(const struct native_list *node, struct native_list *device);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "json.h"

/*
 * The block graph below a disk: for each image of the chain a node that reaches its bytes
 * (libvirt-3-storage) and above it one that knows its format (libvirt-3-format), whose number is
 * the image's index; above them, where wanted, one that copies on read (libvirt-CoR-vda), and one
 * for each throttle group of the disk (libvirt-3-filter0). Objects are what -blockdev takes as
 * JSON and blockdev-add as arguments.
 */

/* How the nodes of one image are opened. */
struct block_options {
    bool readonly;
    uint8_t cache;         /* enum disk_cache, as the next ones */
    uint8_t io;            /* enum disk_io */
    uint8_t discard;       /* enum disk_discard */
    uint8_t detect_zeroes; /* enum disk_detect_zeroes */
    uint8_t discard_no_unref;
    bool floppy; /* a folder shown as a floppy disk */
};

/* Appends every node of the disk's chain, the lowest first, to nodes, whose free function is
 * json_object_put; before a node the objects with the secrets that it needs: they have a qom-type.
 * Nothing for an empty drive. VIR_ERR_CONFIG_UNSUPPORTED names the image; errors of
 * secret-object.h. Blocks. */
int block_nodes_disk(const struct domain_disk *disk, const struct arguments_context *context,
                     GPtrArray *nodes, GError **error);

/* The same for one image alone, its nodes called libvirt-NAME-storage and libvirt-NAME-format. */
int block_nodes_image(const struct domain_source *source, const char *name,
                      const struct block_options *options, const struct arguments_context *context,
                      GPtrArray *nodes, GError **error);

/* The node that the disk's device opens; NULL for an empty drive. The caller frees. */
char *block_node_of_disk(const struct domain_disk *disk);

/* The cache mode of the disk's images; what several guests write to is never cached by the host. */
enum disk_cache block_cache_of_disk(const struct domain_disk *disk);

/* "libvirt-3-format", "libvirt-3-storage"; the caller frees. */
char *block_node_format_name(const struct domain_source *source);
char *block_node_storage_name(const struct domain_source *source);

/* The members of a node that reaches an image by the network; for block-nodes.c.
 * VIR_ERR_CONFIG_UNSUPPORTED: this version, or the emulator, has no such protocol. */
int block_network_properties(const struct domain_source *source,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error);

/* A nodes array. */
GPtrArray *block_nodes_new(void);

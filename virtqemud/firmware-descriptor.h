/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * The host's firmware, as packages describe it: one JSON file an image (QEMU's docs/interop,
 * firmware.json). Everything lives in the caller's arena.
 */
struct arena;

struct firmware_target {
    const char *arch; /* QEMU's spelling: i386, x86_64, aarch64 */
    char **machines;  /* patterns */
};

struct firmware_descriptor {
    const char *name;       /* of the file: 60-edk2-x86_64.json */
    char **interfaces;      /* bios, uefi, openfirmware, uboot */
    const char *device;     /* flash, memory, kernel */
    const char *mode;       /* of flash: split, combined, stateless; NULL: split */
    const char *executable; /* of flash and memory */
    const char *format;     /* of executable: raw, qcow2 */
    const char *template;   /* of the file of variables; NULL: none */
    const char *template_format;
    char **features; /* secure-boot, requires-smm, enrolled-keys ... */
    unsigned target_count;
    struct firmware_target *targets;
};

/* All descriptors in order of precedence. folders: first match by file name wins; NULL: the usual
 * ones. A file that is no descriptor is left out, an empty one hides its namesake. Blocks on disk.
 */
void firmware_descriptors_load(const char *const *folders, struct arena *arena,
                               struct firmware_descriptor **ret_items, unsigned *ret_count);

/* arch: as domain documents spell it. machine: canonical name. */
bool firmware_descriptor_fits(const struct firmware_descriptor *descriptor, const char *arch,
                              const char *machine);
bool firmware_descriptor_has(const struct firmware_descriptor *descriptor, const char *feature);
/* interface: "uefi" or "bios" */
bool firmware_descriptor_offers(const struct firmware_descriptor *descriptor,
                                const char *interface);

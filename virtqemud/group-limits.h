/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What a document says of the host's resources, in the guest's control group. Errors: those of
 * "host/cgroup-value.h". Blocks on the kernel alone.
 */

/* Before QEMU runs: all that the document limits. */
int group_limits_apply_all(struct guest *guest, const struct domain *live, GError **error);

/* For a guest that was taken up again: all that the document limits, and no limit where it has
 * none. A control group without the controllers is no error. */
int group_limits_restore(struct guest *guest, const struct domain *live, GError **error);

/* One family each: what is set in given is made as live has it, no limit if live has none. */
int group_limits_apply_memory(struct guest *guest, const struct memory_tune *live,
                              const struct memory_tune *given, GError **error);
int group_limits_apply_cpu(struct guest *guest, const struct cpu_tune *live,
                           const struct cpu_tune *given, GError **error);

/* The weight, unless it is 0, and the given devices: 0 where live has none. */
int group_limits_apply_blkio(struct guest *guest, const struct blkio_tune *live,
                             const struct blkio_tune *given, GError **error);
int group_limits_apply_nodes(struct guest *guest, const struct domain *live, GError **error);

/* A family's rows, each of a member of struct blkio_device. */
struct blkio_row {
    const char *field; /* VIR_DOMAIN_BLKIO_DEVICE_ */
    size_t offset;
    bool wide; /* uint64_t, else unsigned */
};
#define BLKIO_ROWS 5
extern const struct blkio_row blkio_rows[BLKIO_ROWS];
uint64_t blkio_row_get(const struct blkio_row *row, const struct blkio_device *device);
void blkio_row_set(const struct blkio_row *row, struct blkio_device *device, uint64_t value);

/* Borrowed; NULL: none has that path. tune may be NULL. */
struct blkio_device *blkio_find_device(const struct blkio_tune *tune, const char *path);

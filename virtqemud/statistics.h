/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest.h"
#include "qmp-commands.h"

/*
 * What is known of running guests by numbers. QEMU is asked for them without waiting in line: all
 * guests at once, and a guest that does not answer in time is not waited for again until it has.
 * Its last known numbers, with their age, stand in. What the kernel knows is read when needed.
 */
struct vcpu_facts {
    int64_t thread_id;
};

struct disk_facts {
    char alias[64];
    struct qmp_block_stats stats; /* strings are NULL */
    uint64_t capacity;            /* bytes the guest sees; 0: unknown */
    uint64_t allocation;          /* bytes the image takes; 0: unknown */
};

/* Published with object_publish_facts(): immutable, one block of memory. */
struct guest_facts {
    int64_t at_ms; /* monotonic */
    bool has_balloon, has_memory;
    uint64_t balloon; /* bytes */
    struct qmp_balloon_stats memory;
    unsigned vcpu_count, disk_count;
    struct vcpu_facts *vcpus; /* inside the same block, as disks */
    struct disk_facts *disks;
};

static inline const struct guest_facts *view_facts(const struct object_view *view)
{
    return view->facts;
}

/* Brings the facts of these objects up to date, as far as they answer within wait_ms. Inactive
 * ones are passed over. Blocks; not on the loops. */
void statistics_refresh(struct object *const *objects, unsigned count, unsigned wait_ms);

#define STATISTICS_WAIT_MS 500

/* The facts' disk by alias; NULL: not known. Borrowed. */
const struct disk_facts *statistics_find_disk(const struct guest_facts *facts, const char *alias);

/* ---- what the kernel knows; false: the process or thread has gone ---- */

struct process_times {
    uint64_t user_ns, system_ns;
    int processor; /* it last ran on */
};

bool statistics_read_process(struct guest *guest, struct process_times *ret_times);
bool statistics_read_vcpu(struct guest *guest, int64_t thread_id, struct process_times *ret_times,
                          uint64_t *ret_wait_ns);

/* Resident memory of QEMU in KiB; 0: unknown. */
uint64_t statistics_read_rss(struct guest *guest);

/* Counters of a host interface, as the host sees them. */
struct interface_counters {
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};
int statistics_read_interface(const char *name, struct interface_counters *ret_counters,
                              GError **error);

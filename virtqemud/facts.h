/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "object/object.h"

#include "qmp-commands.h"

/*
 * The last known numbers of a running guest, as its QEMU told them. Published with
 * object_publish_facts(): immutable, one block of memory.
 */
struct vcpu_facts {
    unsigned id;
    int64_t thread_id;
};

struct disk_facts {
    char alias[64];
    struct qmp_block_stats stats; /* strings are NULL */
    uint64_t capacity;            /* bytes the guest sees; 0: unknown */
    uint64_t allocation;          /* bytes the image takes; 0: unknown */
};

struct node_facts {
    char name[32]; /* "libvirt-3-format" */
    uint64_t capacity, allocation;
    uint64_t threshold; /* of the warning; 0: none */
};

struct iothread_facts {
    unsigned id;
    int64_t poll_max_ns, poll_grow, poll_shrink;
};

struct dirty_rate_facts {
    int status;       /* VIR_DOMAIN_DIRTYRATE_ */
    const char *mode; /* a constant */
    int64_t start_time, period, megabytes;
};

struct counter_facts {
    char name[48];
    const char *kind; /* VIR_DOMAIN_STATS_CUSTOM_SUFFIX_TYPE_; NULL: not known, or none of these */
    uint64_t value;
};

struct guest_facts {
    bool has_balloon, has_memory, has_dirty_rate;
    uint64_t balloon; /* bytes */
    struct qmp_balloon_stats memory;
    struct dirty_rate_facts dirty_rate;
    unsigned vcpu_count, disk_count, node_count, iothread_count, counter_count;
    struct vcpu_facts *vcpus; /* inside the same block, as the next ones */
    struct disk_facts *disks;
    struct node_facts *nodes;
    struct iothread_facts *iothreads;
    struct counter_facts *counters;
};

static inline const struct guest_facts *view_facts(const struct object_view *view)
{
    return view->facts;
}

/* What can be asked; a reply that is one struct is a list of one. */
enum question {
    QUESTION_BALLOON,
    QUESTION_MEMORY,
    QUESTION_CPUS,
    QUESTION_BLOCKSTATS,
    QUESTION_NODES,
    QUESTION_IOTHREADS,
    QUESTION_DIRTY_RATE,
    QUESTION_COUNTERS,
    QUESTION_COUNTER_KINDS,
    QUESTIONS,
};

struct answers {
    bool got[QUESTIONS];
    struct qmp_list replies[QUESTIONS];
};

/* New facts of answers; what was not answered is as in old, which may be NULL. Made with
 * g_atomic_rc_box_new(). */
struct guest_facts *facts_new(const struct answers *answers, const struct guest_facts *old);

/* A vcpu by its number; NULL: not known, or not there. facts may be NULL. Borrowed. */
const struct vcpu_facts *facts_find_vcpu(const struct guest_facts *facts, unsigned id);

/* A disk by its alias, a node by its name; NULL: not known. facts and names may be NULL. Borrowed.
 */
const struct disk_facts *facts_find_disk(const struct guest_facts *facts, const char *alias);
const struct node_facts *facts_find_node(const struct guest_facts *facts, const char *name);

/* What the guest's own driver reported of its memory, as the two ways to ask for it name it and in
 * their units; returns how many. facts may be NULL. */
struct memory_number {
    const char *field; /* VIR_DOMAIN_STATS_BALLOON_ */
    int tag;           /* VIR_DOMAIN_MEMORY_STAT_ */
    uint64_t value;
};
#define MEMORY_NUMBERS 11
unsigned facts_list_memory(const struct guest_facts *facts,
                           struct memory_number ret_numbers[MEMORY_NUMBERS]);

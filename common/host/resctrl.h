/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/cache.h"
#include "host/schemata.h"

/*
 * The kernel's file system for shares of caches and memory bandwidth, which the administrator
 * mounts. Groups are folders in it: each has shares, and threads that get them; groups below their
 * mon_groups only measure. Paths of groups are relative to its folder, "" is the default one, which
 * has all threads of which nobody says otherwise. Any thread; blocks on the kernel alone, and up to
 * 10 seconds while another program has the file system locked.
 */
#define RESCTRL_FOLDER "/sys/fs/resctrl"

/* Caches of one level can be divided, for code, data or both. */
struct resctrl_cache {
    char name[SCHEMATA_NAME]; /* "L3CODE" */
    unsigned level;
    enum cache_scope scope;
    uint64_t mask;       /* all bits that the cache is divided into */
    unsigned least_bits; /* of one group */
    unsigned groups;     /* there can be, with the default one */
};

/* What can be measured. */
struct resctrl_monitoring {
    unsigned groups; /* there can be; 0: nothing can */
    char **features; /* "llc_occupancy" */
};

/* What the host has. */
struct resctrl {
    char *folder;
    GArray *caches; /* struct resctrl_cache */
    struct {
        unsigned groups;      /* 0: it can't be divided */
        unsigned step, least; /* percent */
    } bandwidth;
    struct resctrl_monitoring uses, energy; /* of caches and memory; of processors */
    uint64_t reuse_threshold; /* bytes a monitor's number may be off after its reuse */
};

/* VIR_ERR_CONFIG_UNSUPPORTED: the host has none, or it is not mounted. */
int resctrl_read(const char *folder, struct resctrl **ret_host, GError **error);
void resctrl_free(struct resctrl *host);
#define RESCTRL_AUTO __attribute__((cleanup(resctrl_clear)))
static inline void resctrl_clear(struct resctrl **host)
{
    resctrl_free(*host);
}

bool resctrl_can_measure(const struct resctrl_monitoring *monitoring, const char *feature);

/* The bytes of one bit of a cache; 0: none is known. */
uint64_t resctrl_granularity(const struct resctrl_cache *cache, uint64_t size);

/* What a group is to have. */
struct resctrl_share {
    unsigned level; /* of the cache; 0: memory bandwidth */
    enum cache_scope scope;
    unsigned id;     /* of the cache that it is, or that is in front of the memory */
    uint64_t amount; /* bytes, or percent */
};

/* Makes a group that has these parts of caches alone, this bandwidth, and of all else what the
 * default group has. VIR_ERR_CONFIG_UNSUPPORTED: the host can't, or others have it, which the
 * error names; VIR_ERR_SYSTEM_ERROR. */
int resctrl_make_group(const struct resctrl *host, const char *group,
                       const struct resctrl_share *shares, unsigned count, GError **error);

/* Makes a group that only measures: "GROUP/mon_groups/NAME". VIR_ERR_SYSTEM_ERROR. */
int resctrl_make_monitor(const struct resctrl *host, const char *group, GError **error);

/* Moves a thread into the group; one that has ended is no error. VIR_ERR_SYSTEM_ERROR. */
int resctrl_enter(const char *folder, const char *group, pid_t thread, GError **error);

/* Its threads are in the default one then; the monitors below go with it. One that is not there is
 * no error. */
int resctrl_remove(const char *folder, const char *group, GError **error);

/* Where the group is measured: numbers (unsigned) of what the kernel calls "L3" or "PERF_PKG",
 * ascending; the caller's. Empty where nothing is. */
GArray *resctrl_list_places(const char *folder, const char *group, const char *place);

struct resctrl_use {
    bool known; /* the kernel has a number by now */
    uint64_t count;
    double number; /* the same with its fraction */
};

/* What was measured there. False: this feature is not. */
bool resctrl_read_use(const char *folder, const char *group, const char *place, unsigned id,
                      const char *feature, struct resctrl_use *ret_use);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qmp-decode.h"
#include "qmp.h"

/*
 * QMP commands as typed calls. A reply is described by rows (JSON path -> offset in a struct) and
 * decoded into the caller's arena: nothing of it is freed on its own, nothing borrows from the
 * JSON.
 *
 * Every call blocks like qmp_execute(), has its errors, and VIR_ERR_INTERNAL_ERROR when a reply
 * lacks what its rows require. deadline_ms 0: the connection's own. A command without arguments or
 * reply needs no function of its own: guest_command() takes its name.
 */
struct arena;

/* A command and the shape of its reply: one struct, or a list (then ret is a struct qmp_list). */
struct qmp_query {
    const char *command;
    const struct qmp_shape *shape;
    bool list;
};

struct qmp_list {
    unsigned count;
    void *items;
};

/* arguments (may be NULL) are taken, also on failure; *ret is filled from the arena. */
int qmp_run_query(struct qmp *qmp, const struct qmp_query *query, struct json_object *arguments,
                  unsigned deadline_ms, struct arena *arena, void *ret, GError **error);

/* ---- what QEMU tells ---- */

struct qmp_status {
    bool running;
    char *status; /* QEMU's RunState: running, paused, prelaunch, inmigrate ... */
};

struct qmp_balloon {
    uint64_t actual; /* bytes */
};

/* Bytes; UINT64_MAX: the guest did not say. */
struct qmp_balloon_stats {
    int64_t last_update; /* seconds since the epoch; 0: never */
    uint64_t swap_in, swap_out, major_faults, minor_faults, free_memory, total_memory,
        available_memory, disk_caches, hugetlb_allocations, hugetlb_failures;
};

/* One drive (device, qdev) or, asked for nodes, one node. */
struct qmp_block_stats {
    char *device; /* drive of the old style, often "" */
    char *qdev;   /* QOM path or id of the device; NULL for nodes */
    char *node;
    uint64_t read_bytes, read_operations, read_ns, write_bytes, write_operations, write_ns,
        flush_operations, flush_ns;
    uint64_t file_highest_offset; /* written so far in the file below the node */
};

struct qmp_block_device {
    char *device;
    char *qdev;
    bool removable;
    bool locked;
    bool has_tray;
    bool tray_open;
    char *io_status; /* ok, failed, nospace; NULL: not tracked */
    bool has_medium;
    char *node;
    char *file;
    bool read_only;
    uint64_t capacity;   /* bytes */
    uint64_t allocation; /* bytes; 0: unknown */
};

struct qmp_block_node {
    char *node;
    char *driver;
    char *file;
    bool read_only;
    uint64_t capacity;
    uint64_t allocation;
    uint64_t write_threshold;
};

struct qmp_cpu {
    uint64_t index;
    int64_t thread_id;
    char *qom_path;
};

struct qmp_iothread {
    char *id;
    int64_t thread_id;
    int64_t poll_max_ns, poll_grow, poll_shrink;
};

/* A number of whoever runs the guest, KVM above all: its value, or of which kind it is. */
struct qmp_counter {
    char *name;
    char *kind; /* "cumulative", "instant", "peak", of those that go into a histogram another */
    uint64_t value;
};

struct qmp_counters {
    char *provider;
    char *target; /* "vm", "vcpu": of kinds alone */
    struct qmp_counter *items;
    unsigned count;
};

struct qmp_dirty_rate {
    char *status;               /* unstarted, measuring, measured */
    char *mode;                 /* page-sampling, dirty-bitmap, dirty-ring */
    int64_t start_time, period; /* seconds */
    int64_t megabytes;          /* per second, once measured */
};

struct qmp_chardev {
    char *label;
    char *filename; /* "pty:/dev/pts/3" */
    bool frontend_open;
};

struct qmp_rx_filter {
    char *mac;
    bool promiscuous, multicast_overflow;
    char *multicast; /* none, normal, all */
    char **multicast_table;
};

/* Who asks many at once decodes each answer by its query's shape (statistics.c). */
extern const struct qmp_query qmp_query_status, qmp_query_balloon, qmp_query_dirty_rate;
/* Lists of qmp_block_stats, qmp_block_device ... */
extern const struct qmp_query qmp_query_blockstats, qmp_query_block, qmp_query_named_block_nodes,
    qmp_query_cpus_fast, qmp_query_iothreads, qmp_query_chardev, qmp_query_stats,
    qmp_query_stats_schemas;
/* qom-get of guest-stats: arguments from qmp_balloon_stats_arguments() */
extern const struct qmp_query qmp_query_balloon_stats;
struct json_object *qmp_balloon_stats_arguments(const char *qom_path);

/* Some of them as one blocking call each, typed. */
int qmp_get_status(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                   struct qmp_status *ret_status, GError **error);
int qmp_get_balloon(struct qmp *qmp, unsigned deadline_ms, uint64_t *ret_bytes, GError **error);
int qmp_get_block(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                  struct qmp_block_device **ret_items, unsigned *ret_count, GError **error);
int qmp_get_named_block_nodes(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                              struct qmp_block_node **ret_items, unsigned *ret_count,
                              GError **error);
int qmp_get_cpus_fast(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                      struct qmp_cpu **ret_items, unsigned *ret_count, GError **error);
int qmp_get_chardev(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                    struct qmp_chardev **ret_items, unsigned *ret_count, GError **error);
int qmp_get_rx_filter(struct qmp *qmp, const char *net, unsigned deadline_ms, struct arena *arena,
                      struct qmp_rx_filter **ret_items, unsigned *ret_count, GError **error);

/* The path of a chardev's pty among items, borrowed; NULL: no such label, or no pty. */
const char *qmp_chardev_pty(const struct qmp_chardev *items, unsigned count, const char *label);

/* ---- what QEMU shall do ---- */

/* What the guest is to have of its memory, in bytes; it follows in its own time. */
int qmp_set_balloon(struct qmp *qmp, uint64_t bytes, unsigned deadline_ms, GError **error);

/* seconds between the guest's reports; 0 stops them. qom_path names the balloon device. */
int qmp_set_balloon_period(struct qmp *qmp, const char *qom_path, unsigned seconds,
                           unsigned deadline_ms, GError **error);

/* QEMU writes the picture to filename. device NULL: the first; png: else PPM. */
int qmp_screendump(struct qmp *qmp, const char *filename, const char *device, unsigned head,
                   bool png, unsigned deadline_ms, GError **error);

/* Key numbers in QEMU's own code (XT with 0x80 for the extended set), pressed together. */
int qmp_send_keys(struct qmp *qmp, const unsigned *keys, unsigned count, unsigned hold_ms,
                  unsigned deadline_ms, GError **error);

/* *ret_text is the caller's. */
int qmp_human(struct qmp *qmp, const char *line, unsigned deadline_ms, char **ret_text,
              GError **error);

/* *ret_value is the caller's. value is taken. */
int qmp_qom_get(struct qmp *qmp, const char *path, const char *property, unsigned deadline_ms,
                struct json_object **ret_value, GError **error);
int qmp_qom_set(struct qmp *qmp, const char *path, const char *property, struct json_object *value,
                unsigned deadline_ms, GError **error);

/* The cable of the interface that has this alias. */
int qmp_set_link(struct qmp *qmp, const char *device, bool up, unsigned deadline_ms,
                 GError **error);

/* protocol: "vnc" or "spice"; connected: "fail", "disconnect", "keep" or NULL.
 * when: "now", "never", "+SECONDS" or seconds since the epoch. */
int qmp_set_password(struct qmp *qmp, const char *protocol, const char *password,
                     const char *connected, unsigned deadline_ms, GError **error);
int qmp_expire_password(struct qmp *qmp, const char *protocol, const char *when,
                        unsigned deadline_ms, GError **error);

/* The VNC server leaves where it listened, its websocket excepted, also when it fails. */
int qmp_move_vnc(struct qmp *qmp, const char *host, int port, unsigned deadline_ms, GError **error);

/* The property object is taken. */
int qmp_device_add(struct qmp *qmp, struct json_object *device, unsigned deadline_ms,
                   GError **error);
int qmp_object_add(struct qmp *qmp, struct json_object *object, unsigned deadline_ms,
                   GError **error);

/* device_del only asks the guest: DEVICE_DELETED tells when it is gone. */
int qmp_device_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error);
int qmp_object_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error);

/* The size of a node in bytes; the bytes of it of which BLOCK_WRITE_THRESHOLD tells, 0: none. */
int qmp_block_resize(struct qmp *qmp, const char *node, uint64_t bytes, unsigned deadline_ms,
                     GError **error);
int qmp_set_write_threshold(struct qmp *qmp, const char *node, uint64_t bytes, unsigned deadline_ms,
                            GError **error);

/* QEMU writes a part of the guest's memory to filename; else as its first vcpu sees it. */
int qmp_save_memory(struct qmp *qmp, uint64_t offset, uint64_t size, const char *filename,
                    bool physical, unsigned deadline_ms, GError **error);

/* Hands a descriptor over under a name; it stays the caller's as well. */
int qmp_getfd(struct qmp *qmp, const char *name, int fd, unsigned deadline_ms, GError **error);
int qmp_closefd(struct qmp *qmp, const char *name, unsigned deadline_ms, GError **error);

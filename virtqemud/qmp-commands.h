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
 * lacks what its rows require. deadline_ms 0: the connection's own.
 *
 * To have many answers at once, put queries into a batch and take them when it has been waited for:
 *     at[i] = qmp_batch_add_query(batch, qmp, &qmp_query_balloon, NULL);
 *     qmp_batch_take_query(batch, at[i], &qmp_query_balloon, arena, &balloon, error);
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

/* arguments (may be NULL) are taken, also on failure; *ret is filled from the arena. Taking is once
 * for each index. */
int qmp_run_query(struct qmp *qmp, const struct qmp_query *query, struct json_object *arguments,
                  unsigned deadline_ms, struct arena *arena, void *ret, GError **error);
unsigned qmp_batch_add_query(struct qmp_batch *batch, struct qmp *qmp,
                             const struct qmp_query *query, struct json_object *arguments);
int qmp_batch_take_query(struct qmp_batch *batch, unsigned index, const struct qmp_query *query,
                         struct arena *arena, void *ret, GError **error);

/* ---- what QEMU tells ---- */

struct qmp_status {
    bool running;
    char *
        status; /* running, paused, prelaunch, inmigrate, shutdown, suspended, guest-panicked ... */
};

struct qmp_kvm {
    bool enabled;
    bool present;
};

struct qmp_current_machine {
    bool wakeup_suspend_support;
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
    uint64_t highest_offset;      /* written so far in this node */
    uint64_t file_highest_offset; /* in the file below it */
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
    char *backing_file; /* as recorded in the image */
};

struct qmp_cpu {
    uint64_t index;
    int64_t thread_id;
    char *qom_path;
    int64_t socket_id, die_id, core_id, thread, node_id;
    bool has_node_id;
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

struct qmp_graphics_client {
    char *host, *service, *family;
};

struct qmp_vnc {
    bool enabled;
    char *host, *service, *family, *auth;
    unsigned client_count;
    struct qmp_graphics_client *clients;
};

struct qmp_spice {
    bool enabled;
    char *host, *auth;
    int64_t port, tls_port; /* 0: none */
    unsigned channel_count;
    struct qmp_graphics_client *channels;
};

struct qmp_pci_device {
    int64_t bus, slot, function;
    int64_t vendor, device;
    char *id; /* "" when the device has none */
    unsigned child_count;
    struct qmp_pci_device *children; /* behind a bridge */
};

struct qmp_pci_bus {
    int64_t bus;
    unsigned device_count;
    struct qmp_pci_device *devices;
};

struct qmp_rx_filter {
    char *name; /* net device's id */
    char *mac;
    bool promiscuous, broadcast_allowed, unicast_overflow, multicast_overflow;
    char *unicast, *multicast, *vlan; /* none, normal, all */
    char **unicast_table, **multicast_table;
};

extern const struct qmp_query qmp_query_status, qmp_query_kvm, qmp_query_current_machine,
    qmp_query_balloon, qmp_query_dirty_rate, qmp_query_vnc, qmp_query_spice;
/* Lists of qmp_block_stats, qmp_block_device ... */
extern const struct qmp_query qmp_query_blockstats, qmp_query_block, qmp_query_named_block_nodes,
    qmp_query_cpus_fast, qmp_query_iothreads, qmp_query_chardev, qmp_query_pci, qmp_query_rx_filter,
    qmp_query_commands, qmp_query_stats, qmp_query_stats_schemas;
/* qom-get of guest-stats: arguments from qmp_balloon_stats_arguments() */
extern const struct qmp_query qmp_query_balloon_stats;
struct json_object *qmp_balloon_stats_arguments(const char *qom_path);

/* The same, one blocking call each, typed. */
int qmp_get_status(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                   struct qmp_status *ret_status, GError **error);
int qmp_get_kvm(struct qmp *qmp, unsigned deadline_ms, struct qmp_kvm *ret_kvm, GError **error);
int qmp_get_current_machine(struct qmp *qmp, unsigned deadline_ms,
                            struct qmp_current_machine *ret_machine, GError **error);
int qmp_get_balloon(struct qmp *qmp, unsigned deadline_ms, uint64_t *ret_bytes, GError **error);
int qmp_get_balloon_stats(struct qmp *qmp, const char *qom_path, unsigned deadline_ms,
                          struct qmp_balloon_stats *ret_stats, GError **error);
int qmp_get_blockstats(struct qmp *qmp, bool nodes, unsigned deadline_ms, struct arena *arena,
                       struct qmp_block_stats **ret_items, unsigned *ret_count, GError **error);
int qmp_get_block(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                  struct qmp_block_device **ret_items, unsigned *ret_count, GError **error);
int qmp_get_named_block_nodes(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                              struct qmp_block_node **ret_items, unsigned *ret_count,
                              GError **error);
int qmp_get_cpus_fast(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                      struct qmp_cpu **ret_items, unsigned *ret_count, GError **error);
int qmp_get_iothreads(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                      struct qmp_iothread **ret_items, unsigned *ret_count, GError **error);
int qmp_get_chardev(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                    struct qmp_chardev **ret_items, unsigned *ret_count, GError **error);
int qmp_get_pci(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                struct qmp_pci_bus **ret_items, unsigned *ret_count, GError **error);
int qmp_get_rx_filter(struct qmp *qmp, const char *net, unsigned deadline_ms, struct arena *arena,
                      struct qmp_rx_filter **ret_items, unsigned *ret_count, GError **error);
int qmp_get_vnc(struct qmp *qmp, unsigned deadline_ms, struct arena *arena, struct qmp_vnc *ret_vnc,
                GError **error);
int qmp_get_spice(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                  struct qmp_spice *ret_spice, GError **error);

/* The path of a chardev's pty among items, borrowed; NULL: no such label, or no pty. */
const char *qmp_chardev_pty(const struct qmp_chardev *items, unsigned count, const char *label);

/* ---- what QEMU shall do ---- */

/* int qmp_cont(struct qmp *qmp, unsigned deadline_ms, GError **error) and its like */
#define QMP_PLAIN_COMMANDS(X)                                                                      \
    X(cont, "cont")                                                                                \
    X(stop, "stop")                                                                                \
    X(system_powerdown, "system_powerdown")                                                        \
    X(system_reset, "system_reset")                                                                \
    X(system_wakeup, "system_wakeup")                                                              \
    X(quit, "quit")                                                                                \
    X(inject_nmi, "inject-nmi")                                                                    \
    X(rtc_reset_reinjection, "rtc-reset-reinjection")

#define QMP_PLAIN_DECLARE(name, command)                                                           \
    int qmp_##name(struct qmp *qmp, unsigned deadline_ms, GError **error);
QMP_PLAIN_COMMANDS(QMP_PLAIN_DECLARE)
#undef QMP_PLAIN_DECLARE

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

/* protocol: "vnc" or "spice"; connected: "fail", "disconnect", "keep" or NULL. when: "now",
 * "never",
 * "+SECONDS" or seconds since the epoch. */
int qmp_set_password(struct qmp *qmp, const char *protocol, const char *password,
                     const char *connected, unsigned deadline_ms, GError **error);
int qmp_expire_password(struct qmp *qmp, const char *protocol, const char *when,
                        unsigned deadline_ms, GError **error);

/* The VNC server leaves where it listened, its websocket excepted, also when it fails. */
int qmp_move_vnc(struct qmp *qmp, const char *host, int port, unsigned deadline_ms, GError **error);

/* The property object is taken. */
int qmp_device_add(struct qmp *qmp, struct json_object *device, unsigned deadline_ms,
                   GError **error);
int qmp_blockdev_add(struct qmp *qmp, struct json_object *node, unsigned deadline_ms,
                     GError **error);
int qmp_object_add(struct qmp *qmp, struct json_object *object, unsigned deadline_ms,
                   GError **error);
int qmp_netdev_add(struct qmp *qmp, struct json_object *netdev, unsigned deadline_ms,
                   GError **error);

/* device_del only asks the guest: DEVICE_DELETED tells when it is gone. */
int qmp_device_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error);
int qmp_blockdev_del(struct qmp *qmp, const char *node, unsigned deadline_ms, GError **error);
int qmp_object_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error);
int qmp_netdev_del(struct qmp *qmp, const char *id, unsigned deadline_ms, GError **error);

/* The size of a node in bytes; bytes written to it of which BLOCK_WRITE_THRESHOLD tells, 0: none.
 */
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * QMP events as plain structs. One row per event in qmp-events.c decodes its data; an event without
 * a row is delivered as QMP_EVENT_OTHER with its JSON.
 */
struct json_object;

enum qmp_event_kind {
    QMP_EVENT_OTHER,
    QMP_EVENT_SHUTDOWN,
    QMP_EVENT_RESET,
    QMP_EVENT_STOP,
    QMP_EVENT_RESUME,
    QMP_EVENT_SUSPEND,
    QMP_EVENT_SUSPEND_DISK,
    QMP_EVENT_WAKEUP,
    QMP_EVENT_RTC_CHANGE,
    QMP_EVENT_WATCHDOG,
    QMP_EVENT_BLOCK_IO_ERROR,
    QMP_EVENT_BLOCK_WRITE_THRESHOLD,
    QMP_EVENT_BALLOON_CHANGE,
    QMP_EVENT_GRAPHICS, /* VNC and SPICE connect, initialize, disconnect */
    QMP_EVENT_DEVICE_TRAY_MOVED,
    QMP_EVENT_DEVICE_DELETED,
    QMP_EVENT_DEVICE_UNPLUG_FAILED,
    QMP_EVENT_SERIAL_CHANGE, /* VSERPORT_CHANGE */
    QMP_EVENT_GUEST_PANICKED,
    QMP_EVENT_NIC_RX_FILTER_CHANGED,
    QMP_EVENT_MEMORY_FAILURE,
    QMP_EVENT_MEMORY_DEVICE_SIZE_CHANGE,
    QMP_EVENT_LAST
};

enum qmp_graphics_phase { QMP_GRAPHICS_CONNECT, QMP_GRAPHICS_INITIALIZE, QMP_GRAPHICS_DISCONNECT };

struct qmp_graphics_end {
    const char *family; /* ipv4, ipv6, unix, vsock */
    const char *host;
    const char *service;
};

/* Strings are borrowed from the JSON and live as long as the callback; NULL where QEMU says
 * nothing. */
struct qmp_event {
    enum qmp_event_kind kind;
    const char *name;         /* as QEMU spells it */
    struct json_object *data; /* may be NULL */
    int64_t seconds;          /* QEMU's clock; -1: not given */
    unsigned micros;
    union {
        struct {
            bool by_guest;
            const char *reason; /* guest-shutdown, host-qmp-quit, host-signal, guest-reset ... */
        } shutdown, reset;
        struct {
            int64_t offset; /* seconds from the base */
        } rtc_change;
        struct {
            const char *action; /* reset, shutdown, poweroff, pause, debug, none, inject-nmi */
        } watchdog;
        struct {
            const char *device; /* drive of the old style */
            const char *qom_path;
            const char *node;
            const char *operation; /* read, write */
            const char *action;    /* ignore, report, stop */
            const char *reason;
            bool no_space;
        } block_io_error;
        struct {
            const char *node;
            uint64_t excess;
            uint64_t threshold;
        } block_write_threshold;
        struct {
            uint64_t actual; /* bytes */
        } balloon;
        struct {
            enum qmp_graphics_phase phase;
            bool spice;
            const char *auth; /* server's scheme */
            struct qmp_graphics_end server;
            struct qmp_graphics_end client;
            const char *x509_dname;
            const char *sasl_username;
        } graphics;
        struct {
            const char *device; /* drive, often empty */
            const char *id;     /* device's id */
            bool open;
        } tray;
        struct {
            const char *device; /* NULL: had no id */
            const char *path;
        } device_deleted, device_unplug_failed;
        struct {
            const char *id;
            bool open;
        } serial_change;
        struct {
            const char *action; /* pause, poweroff, run, shutdown; more is in data's "info" */
        } guest_panicked;
        struct {
            const char *device;
        } nic_rx_filter;
        struct {
            const char *recipient; /* hypervisor, guest */
            const char *action;    /* ignore, inject, fatal, reset */
            bool action_required;
            bool recursive;
        } memory_failure;
        struct {
            const char *id;
            const char *path;
            uint64_t size;
        } memory_device;
    };
};

/* The event as a struct that borrows from name and data. An event whose data lacks what its row
 * requires is VIR_ERR_INTERNAL_ERROR. Any thread; pure. */
int qmp_event_decode(const char *name, struct json_object *data, int64_t seconds, unsigned micros,
                     struct qmp_event *ret_event, GError **error);

/* What the domain code does with events: one slot per kind, NULL: nothing. */
struct qmp_event_handlers {
    void (*handle[QMP_EVENT_LAST])(const struct qmp_event *event, void *user);
    void (*every)(const struct qmp_event *event, void *user); /* before the slot; may be NULL */
};

/* Decodes and calls. Runs what it calls on this thread: from the event op of struct qmp_ops that is
 * the loop thread, where nothing may block. An event that can't be decoded is dropped: -1 and why.
 */
int qmp_event_dispatch(const struct qmp_event_handlers *handlers, const char *name,
                       struct json_object *data, int64_t seconds, unsigned micros, void *user,
                       GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/daemon.h"
#include "driver/call.h"
#include "object/event.h"
#include "object/startup.h"

/*
 * A driver is what one daemon serves: its kinds of objects and its table of methods. The daemon
 * layer knows bytes and threads, the object layer knows things; here they meet. One per process;
 * made at the start, immutable after it.
 */
struct driver_methods {
    const struct method *rows;
    size_t count;
};

#define DRIVER_METHODS(rows)                                                                       \
    {                                                                                              \
        rows, G_N_ELEMENTS(rows)                                                                   \
    }

struct driver;

struct driver_spec {
    const char *type;                               /* what CONNECT_GET_TYPE says: "QEMU" */
    const struct protocol_program *const *programs; /* on its sockets; NULL at the end */
    const char *scheme;                             /* of its URIs: "qemu" */
    uint32_t features; /* bits of the driver's own features: see connect.c */
    const struct driver_methods *const *groups;
    size_t group_count;

    /* VIR_DOMAIN_XML_UPDATE_CPU: writes out the host's CPU in a definition that is to be shown. On
     * a worker; may block. May be NULL: CPUs are shown as they are. */
    void (*update_cpu)(struct driver *driver, struct definition *definition);

    /* VIR_DOMAIN_XML_MIGRATABLE: takes out of a definition that is to be shown what older daemons
     * would put in themselves, or not read. May be NULL: nothing. */
    void (*strip_implied)(struct definition *definition);

    /* For how many milliseconds a running domain could not be steered, for its hypervisor can't be
     * spoken to; -1: it can. Any thread, never blocks. May be NULL: it always can. */
    int64_t (*out_of_control)(struct object *object);

    /* VIR_DOMAIN_VCPU_GUEST: how many CPUs the guest itself has online. On a patient thread. NULL:
     * nobody can tell. */
    int (*count_guest_vcpus)(struct object *domain, unsigned *ret_count, GError **error);

    /* What a call may hang on: a reference. NULL, also as a result: nothing. On a worker; never
     * blocks. */
    struct gate *(*gate)(const struct call *call);

    /* A client has gone, or closed its connection: undo what lives no longer than it. On a worker.
     * May be NULL. */
    void (*client_gone)(struct client *client);
};

struct driver {
    const struct driver_spec *spec;
    struct daemon *daemon;
    struct event_bus *bus;
    struct registry *registries[PROTOCOL_OBJECT_LAST]; /* NULL: it has no such objects */
    struct store *stores[PROTOCOL_OBJECT_LAST];        /* of those that are kept on disk */
    char *hostname;                                    /* as clients see it */
    char *uri;                                         /* canonical: "qemu:///system" */
    char *status_folder;                               /* /run/libvirt/qemu */
    void *data;                                        /* the daemon's own */
    struct dispatch_table table;
    GHashTable *methods; /* private */
};

/* Adds a bus and the index of methods. A row that is bound twice, or a job on an inline method,
 * aborts: a mistake of the table. */
struct driver *driver_new(const struct driver_spec *spec, struct daemon *daemon);

/* After the last client has gone; registries and stores go with it. NULL is ok. */
void driver_free(struct driver *driver);

/* Adds a kind of objects that are kept on disk: its registry and its store. Of spec, config_folder
 * is one of the daemon's configuration ("qemu/networks"), and status_folder is the driver's. */
void driver_add_kind(struct driver *driver, enum protocol_object object,
                     const struct store_spec *spec);

/* Reads the objects of that kind from the disk; what is broken, or was mended, is logged. */
int driver_load(struct driver *driver, enum protocol_object object, GError **error);

/* Starts those that are marked for it, once per boot, on a worker: clients are served meanwhile.
 * Failures are logged. */
void driver_autostart(struct driver *driver, enum protocol_object object, startup_start start);

/* The row of a method, or NULL: this driver does not serve it. */
const struct method *driver_find_method(const struct driver *driver,
                                        const struct protocol_method *facts);

/* For daemon_spec; daemon->data must be a struct driver. */
#define DRIVER_SERVES                                                                              \
    .describe = driver_describe, .connected = driver_connected, .frame = driver_frame,             \
    .disconnected = driver_disconnected
void driver_connected(struct daemon *daemon, struct server_client *client);
void driver_frame(struct daemon *daemon, struct server_client *client, struct frame *frame);
void driver_disconnected(struct daemon *daemon, struct server_client *client, const GError *reason);
void driver_describe(struct daemon *daemon, struct status *status);

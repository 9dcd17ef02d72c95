/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdatomic.h>

#include "driver/client.h"
#include "driver/driver.h"
#include "driver/peer.h"
#include "object/store.h"

#include "config.h"
#include "probe.h"

/*
 * The daemon's one instance: what all guests share. Made at the start and constant from then on.
 */
struct qemu {
    struct object_kind kind; /* first: guests find the way back by it, see qemu_of() */
    struct driver *driver;
    struct registry *domains;
    struct store *store;
    struct peer *networks; /* virtnetworkd */
    struct netwatch *netwatch;
    struct probes *probes;
    struct qemu_config config;
    uint8_t host_uuid[16];

    char *state_folder;        /* /var/lib/libvirt/qemu: a folder for each running guest */
    char *nvram_folder;        /* in it: the variables of firmware */
    const char *status_folder; /* /run/libvirt/qemu: status files, sockets of channels */
    char *log_folder;          /* /var/log/libvirt/qemu: NAME.log */

    /* Monitors have a loop of their own, so that a chatty QEMU can't slow clients down. */
    struct loop *monitors;
    GThread *monitor_thread;
    atomic_bool ending; /* the daemon: nothing new is begun for what guests tell */

    struct peer *storage; /* virtstoraged: knows what volumes are */
    struct peer *secrets; /* virtsecretd: has their values */
    struct ports *ports;  /* TCP ports given to displays of running guests */
    struct ports *websocket_ports;
    struct claims *claims; /* devices of the host that running guests have */
};

/* The daemon that a guest belongs to. */
static inline struct qemu *qemu_of(const struct object *object)
{
    return (struct qemu *)object->kind;
}

static inline struct qemu *qemu_of_call(const struct call *call)
{
    return call->client->driver->data;
}

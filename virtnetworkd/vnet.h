/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"
#include "object/object.h"

#include "networkd.h"

struct call;
struct loop_source;
struct loop_timer;
struct remote_nonnull_network;

/* A virtual network as an object: what a <network> is when it is registered. */
struct vnet {
    struct object object;

    /* The process that serves names and addresses, watched by the client loop: only touched there.
     */
    struct loop_source *dnsmasq_watch;
    int dnsmasq_fd;                  /* pidfd of what is watched */
    int64_t dnsmasq_since;           /* when it was begun to be watched, of the monotonic clock */
    struct loop_timer *dnsmasq_wait; /* until it is started again */
    unsigned dnsmasq_failures;       /* since one ran for a while */
};

static inline struct vnet *vnet_of(struct object *object)
{
    return (struct vnet *)object;
}

/* The definitions of a view, as what they are. Borrowed; NULL if there is none. */
static inline const struct network *view_live(const struct object_view *view)
{
    return (const struct network *)view->live;
}

static inline const struct network *view_config(const struct object_view *view)
{
    return (const struct network *)view->config;
}

/* object_kind.clear */
void vnet_clear(struct object *object);

/* VIR_NETWORK_EVENT_DEFINED ...: queued with the job, or posted when job is NULL. */
void vnet_raise(struct object *object, struct job *job, int event);

/* The handle of an object for a reply, its name in the call's arena. */
void vnet_fill_handle(struct call *call, struct object *object,
                      struct remote_nonnull_network *ret_handle);

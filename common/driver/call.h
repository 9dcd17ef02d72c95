/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "daemon/dispatch.h"
#include "object/job.h"
#include "object/object.h"
#include "protocol/protocol.h"

/*
 * The frame around every handler. What a method needs is said in its row and done here, once: is
 * the connection open, decode, may the caller do this, are the flags known, find the object, are
 * the arguments right, begin the job, is the object in the right state - then the handler, a few
 * lines of its own world - then end the job, deliver events, encode the reply or the error.
 *
 * A handler returns 0 with *ret filled, or -1 with the error set. Memory for the reply comes from
 * call->arena and is never freed one by one.
 */
struct client;
struct call;
struct gate;

enum method_thread {
    METHOD_WORKER,  /* may block */
    METHOD_PATIENT, /* may wait long for a guest's agent: on threads that others do not need */
    METHOD_INLINE,  /* on the loop thread: reads memory alone, microseconds */
};

/* What the object must be; asked after the job has begun, where there is one. */
enum method_state {
    METHOD_ANY_STATE,
    METHOD_ACTIVE,     /* else VIR_ERR_OPERATION_INVALID: it is not running */
    METHOD_INACTIVE,   /* else: it is running already */
    METHOD_PERSISTENT, /* else: it is transient */
};

struct method {
    struct protocol_binding binding; /* HANDLER(remote, domain_create) */
    uint64_t flags;                  /* that the handler knows; VIR_ERR_INVALID_ARG for others */
    enum method_thread thread;
    enum method_state state;
    /* Refuses arguments that are wrong whatever the state, before a job begins; never blocks. NULL:
     * that is the handler's. */
    int (*check)(struct call *call, const void *args, GError **error);
    bool job; /* begin one in lane before the handler runs; METHOD_WORKER only */
    enum job_lane lane;
    bool unopened;      /* may be called before CONNECT_OPEN */
    bool checks_access; /* by itself, in place of the rules of the facts and of read-only ones */
    bool wipe;          /* args or reply are secret: the arena is overwritten at the end */
    bool finds; /* its object by itself: it then asks, by call_found(), call_check_subject() or
                   call_begin(), before it does anything */
};

struct call {
    struct arena arena; /* args, reply, and what the handler makes for them */
    struct client *client;
    struct request *request;
    const struct method *method;
    const void *args;      /* decoded */
    struct object *object; /* the args' handle, resolved; NULL where the method has none; owned */
    struct gate *gate;     /* the call is inside; a reference; NULL: there is none */
    struct job *job;       /* NULL unless the row asks for one; ended after the handler */
    uint64_t flags;        /* of the args */
    bool asked;            /* for access to the object */

    int reply_fds[FRAME_FDS_MAX]; /* see call_reply_fd() */
    unsigned reply_fd_count;
    void (*after_reply)(struct client *client, int64_t number);
    int64_t after_reply_number;
};

/* A descriptor that came with the call, now the handler's; -1 when there is none at index. */
int call_take_fd(struct call *call, unsigned index);

/* Sends fd with the reply; it is taken. At most FRAME_FDS_MAX, and only in methods that may. */
void call_reply_fd(struct call *call, int fd);

/* The stream that a METHOD of the facts' stream kind opens; borrowed. Give it its owner with
 * stream_open() or stream_attach_fd() before returning 0; nothing is sent before the reply. */
struct stream *call_stream(struct call *call);

/* Runs function once the reply has been queued, if the handler succeeds. */
void call_after_reply(struct call *call, void (*function)(struct client *client, int64_t number),
                      int64_t number);

/* The view of call->object, which may have been removed since it was found: the kind's not-found
 * error then, so that one of the definitions is there on success. */
int call_get_view(struct call *call, struct object_view *ret_view, GError **error);

/* Asks the facts' access rules about objects: for methods that find theirs. */
struct access_subject;
int call_check_subject(struct call *call, const struct access_subject *subject, GError **error);

/* May the caller see this object, or a part of it, in a list? The facts' filter rules. */
bool call_may_list(struct call *call, struct object *object);
bool call_may_list_subject(struct call *call, const struct access_subject *subject);

/* What daemon_spec's dispatch table calls: see daemon/dispatch.h. */
enum dispatch_lane call_lane(struct request *request);
void call_serve(struct request *request);

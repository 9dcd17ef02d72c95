/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

#include "qmp.h"

/* Of an agent: before the command that synchronizes, and before the answer to it. */
#define SYNC_MARK '\xff'

struct loop_source;
struct loop_timer;

/*
 * The inside of a connection, shared by qmp.c (the socket and what comes from it), qmp-call.c (the
 * commands in flight and what goes to the socket) and qmp-batch.c (waiting).
 *
 * A call is in its connection's table from qmp_call_start() until exactly one of reply, end of the
 * connection, deadline or qmp_call_withdraw() takes it out; who takes it out completes it.
 */
struct qmp_call {
    struct qmp *qmp; /* a reference */
    char *command;   /* NULL: waits for the greeting */
    uint64_t id;
    unsigned deadline_ms;
    int64_t deadline_us; /* of calls with reply, on g_get_monotonic_time() */
    const int *fds;      /* borrowed until sent or withdrawn */
    unsigned fd_count;
    int64_t token; /* of an agent: answered only by this number; 0: by anything */

    struct json_object *result;
    GError *error;
    bool gone; /* error is the end of the connection: QEMU's last words may be added */

    /* Exactly one of these is set. completed runs under the connection's lock, and may take only
     * locks that are never held while calling this file. reply runs on the loop thread without
     * locks; the call is freed after it. */
    void (*completed)(struct qmp_call *call);
    qmp_reply *reply;
    void *user;
};

/* How QEMU and an agent differ: in words and codes of errors, and in what is between messages. */
struct qmp_dialect {
    const char *peer;     /* "QEMU" of guest 'x' has gone */
    const char *language; /* guest 'x' did not answer "QMP" command 'stop' */
    const char *program;  /* unable to execute "QEMU" command 'stop' */
    enum error_code gone, broken, timeout, refused;
    bool agent;     /* no ids and events, and no end for what is neither */
    unsigned depth; /* of the JSON of a line, and */
    size_t tree;    /* what it takes in memory at most */
};

struct qmp {
    gatomicrefcount references;
    const struct qmp_dialect *dialect;
    struct loop *loop;
    char *who;
    const struct qmp_ops *ops;
    void *user;
    struct qmp_settings settings; /* without who */

    GMutex lock; /* the following; never held while calling back */
    int fd;      /* closed by the loop thread alone */
    bool ended;
    bool opened;   /* qmp_open() has succeeded */
    bool silenced; /* by qmp_close(): no event or closed any more */
    bool silent;   /* a deadline has passed and nothing was said since */
    bool write_wanted;
    GError *reason;    /* why it ended */
    GHashTable *calls; /* by id */
    GQueue output;     /* struct qmp_output */
    GQueue failed;     /* completed calls whose reply is still to be called */
    uint64_t next_id;
    int64_t timer_us; /* when the deadline timer fires; INT64_MAX: it does not run */
    struct qmp_usage usage;

    /* Of the loop thread. */
    struct loop_source *source;
    struct loop_timer *deadline_timer;
    struct loop_timer *brake;
    GByteArray *input; /* a line that is not complete yet; NULL: none */
    int64_t tokens;    /* events that may come before the brake is pulled */
    int64_t tokens_ms; /* when tokens were last counted */
    bool paused;
    size_t stray; /* of an agent: bytes thrown away since the last answer, and a price a line */
};

/* A new call of command (NULL: the greeting) with a reference to qmp; freed by qmp_call_free(). */
struct qmp_call *qmp_call_new(struct qmp *qmp, const char *command);
void qmp_call_free(struct qmp_call *call);

/* Gives the command; arguments is taken. A command that can't be given is completed with its error
 * (reply: soon, on the loop thread). Any thread. */
void qmp_call_start(struct qmp_call *call, struct json_object *arguments);

/* Takes the call out if it is not completed, and its bytes back if QEMU can have seen none: the
 * call then has the error of a passed deadline, and completed is not called. Any thread. */
void qmp_call_withdraw(struct qmp_call *call, unsigned deadline_ms);

/* If the call failed by the end of the connection, adds what QEMU said last. May block on a file.
 */
void qmp_call_add_last_words(struct qmp_call *call);

/* Ends the connection for reason (taken), unless it has ended: fails all calls, has the loop thread
 * close the socket and, unless silence, call closed. Any thread, without the lock. */
void qmp_end(struct qmp *qmp, GError *reason, bool silence);

/* Loop thread: answers call id with a reply object, which may be taken, and its members. -1: no
 * such command was ever given. */
int qmp_call_answer(struct qmp *qmp, uint64_t id, struct json_object **reply);

/* Same for an agent's only call; -1: there is none that this could answer. */
int qmp_call_answer_only(struct qmp *qmp, struct json_object **reply);

/* True when the socket is to be read: of an agent, while a call waits. Under the lock. */
bool qmp_wants_input(struct qmp *qmp);

/* Loop thread: the socket takes bytes again; calls whose reply is due; end of all sending. */
void qmp_output_ready(struct qmp *qmp);
void qmp_call_deliver_failed(struct qmp *qmp);
void qmp_output_clear(struct qmp *qmp);

/* Waits for the greeting like for a command; before the socket is read. */
unsigned qmp_batch_add_greeting(struct qmp_batch *batch, struct qmp *qmp);

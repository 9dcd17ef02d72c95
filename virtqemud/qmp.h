/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One QMP connection: line-delimited JSON, many commands in flight, matched by id. QEMU is not
 * trusted: a line, the tree it parses to, the commands waiting and the rate of events are bounded,
 * and a peer that breaks the protocol is closed with an error that says how.
 *
 * The socket is read on the loop thread given to qmp_open(). Commands may be given by any thread.
 * Replies are JSON values of json-c; whoever takes one frees it with json_object_put(). json-c does
 * not count references atomically: a value belongs to one thread at a time, arguments given away
 * too.
 *
 * Errors of every command:
 * - VIR_ERR_OPERATION_TIMEOUT: "guest 'x' did not answer QMP command 'stop' within 30 s"
 * - VIR_ERR_OPERATION_FAILED: "QEMU of guest 'x' has gone: LAST WORDS", or it broke the protocol
 * - VIR_ERR_INTERNAL_ERROR: "unable to execute QEMU command 'stop': what QEMU said"
 * - VIR_ERR_OPERATION_UNSUPPORTED: the same, of QEMU's class CommandNotFound
 * - VIR_ERR_DEVICE_MISSING: the same, of QEMU's class DeviceNotFound
 * - VIR_ERR_OPERATION_INVALID: the same, of QEMU's classes DeviceNotActive and KVMMissingCap
 * - VIR_ERR_RESOURCE_BUSY: too many commands wait for their answers already
 *
 * A guest's agent speaks a simpler form: see qmp_open_agent().
 */
struct json_object;
struct loop;
struct qmp;

#define QMP_DEADLINE_DEFAULT 30000 /* milliseconds */

struct qmp_ops {
    /* One event, on the loop thread, in order. data is borrowed and may be NULL; seconds is -1 when
     * QEMU gave no time. May be NULL. */
    void (*event)(struct qmp *qmp, const char *name, struct json_object *data, int64_t seconds,
                  unsigned micros, void *user);
    /* Once, on the loop thread, when QEMU closed the connection or broke the protocol; not after
     * qmp_close(). No event follows. May be NULL. */
    void (*closed)(struct qmp *qmp, const GError *reason, void *user);
    /* The end of what QEMU wrote to its log, for errors after it has gone; the caller frees, NULL:
     * nothing known. Any thread that gives commands; may block on a file. May be NULL. */
    char *(*last_words)(void *user);
    /* When nothing calls back any more and the last reference is gone; any thread. May be NULL. */
    void (*free_user)(void *user);
};

struct qmp_settings {
    const char *who;       /* "guest 'x'": starts error messages; copied */
    unsigned deadline_ms;  /* of the handshake and of commands that name none; 0: the default */
    unsigned events_burst; /* events read at once before the flood brake; 0: 1000 */
    unsigned events_rate;  /* events per second under the flood brake; 0: 10000 */
    /* The number of the first command; 0: 1. A reply to a lower one is that of a command which an
     * earlier connection gave, and is dropped. */
    uint64_t first_id;
};

/*
 * Takes fd (a connected stream socket, closed even on failure), waits for QEMU's greeting and
 * enables command mode. Blocks up to the deadline; not on the loop thread. Events may be delivered
 * before it returns. On failure free_user has been or will be called, closed will not.
 */
int qmp_open(struct loop *loop, int fd, const struct qmp_settings *settings,
             const struct qmp_ops *ops, void *user, struct qmp **ret_qmp, GError **error);

/*
 * An agent inside the guest, which speaks without greeting, ids and events, and which nobody can
 * trust: one command at a time, and nothing is read while none waits, so that a guest can neither
 * make work for the loop nor fill our memory. fd as above; never blocks. Whatever the agent says
 * that is no answer is thrown away, 32 MiB of it for one command; after that it is cut off. Errors
 * of commands:
 * - VIR_ERR_AGENT_COMMAND_TIMEOUT: no answer in time; qmp_synchronize() before the next command
 * - VIR_ERR_AGENT_COMMAND_FAILED: what the agent said
 * - VIR_ERR_AGENT_UNRESPONSIVE: the connection has ended, or the agent was cut off
 * - VIR_ERR_RESOURCE_BUSY: a command waits already
 */
struct qmp *qmp_open_agent(struct loop *loop, int fd, const struct qmp_settings *settings,
                           const struct qmp_ops *ops, void *user);

/* Of an agent: has it throw away what it did not understand, and throws away all that it said
 * before it answers to this: the next answer is to the next command. Blocks.
 * VIR_ERR_AGENT_UNRESPONSIVE: it did not. */
int qmp_synchronize(struct qmp *qmp, unsigned deadline_ms, GError **error);

/* Ends the connection: commands in flight fail at once as with a QEMU that has gone (replies of
 * qmp_send() are still called), no event or closed starts any more (one may just be running on the
 * loop thread). Drops the caller's reference. Any thread; NULL is ignored. */
void qmp_close(struct qmp *qmp);

/* Any thread. */
struct qmp *qmp_ref(struct qmp *qmp);
void qmp_unref(struct qmp *qmp);

/* False once the connection has ended. */
bool qmp_is_open(struct qmp *qmp);

/* Whom errors name: settings->who. Borrowed. */
const char *qmp_who(const struct qmp *qmp);

/*
 * Sends a command and waits for its reply. arguments (may be NULL) is taken, also on failure.
 * deadline_ms 0: the connection's. *ret_result is the caller's; ret_result may be NULL. An answer
 * that comes after the deadline is dropped; a command that QEMU has not begun to read by then is
 * withdrawn. Blocks; any thread but the loop's.
 */
int qmp_execute(struct qmp *qmp, const char *command, struct json_object *arguments,
                unsigned deadline_ms, struct json_object **ret_result, GError **error);

/* Same, handing descriptors over with the command (getfd, add-fd). They stay the caller's. */
int qmp_execute_fds(struct qmp *qmp, const char *command, struct json_object *arguments,
                    const int *fds, unsigned fd_count, unsigned deadline_ms,
                    struct json_object **ret_result, GError **error);

/* Gets the result (borrowed; NULL with an error set). On the loop thread, exactly once. */
typedef void qmp_reply(struct qmp *qmp, struct json_object *result, const GError *error,
                       void *user);

/* Sends a command and returns; reply is always called, if need be with the error. Any thread. */
void qmp_send(struct qmp *qmp, const char *command, struct json_object *arguments,
              unsigned deadline_ms, qmp_reply *reply, void *user);

/*
 * Commands to one or many connections that are waited for together: all are on their way before the
 * first answer is looked at. Belongs to one thread, not the loop's.
 *     struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();
 *     unsigned status = qmp_batch_add(batch, qmp, "query-status", NULL);
 *     qmp_batch_wait(batch, 1000);
 *     if (qmp_batch_take(batch, status, &result, error) < 0) ...
 */
struct qmp_batch;

struct qmp_batch *qmp_batch_new(void);
void qmp_batch_free(struct qmp_batch **batch);
#define QMP_BATCH_AUTO __attribute__((cleanup(qmp_batch_free)))

/* Sends now and returns the command's index in the batch; failures show at qmp_batch_take(). */
unsigned qmp_batch_add(struct qmp_batch *batch, struct qmp *qmp, const char *command,
                       struct json_object *arguments);

/* Waits until every command is answered, or the deadline (0: QMP_DEADLINE_DEFAULT) ends those that
 * are not. Call once, after the last add. */
void qmp_batch_wait(struct qmp_batch *batch, unsigned deadline_ms);

/* The result of one command, now the caller's (ret_result may be NULL), or its error. Once each. */
int qmp_batch_take(struct qmp_batch *batch, unsigned index, struct json_object **ret_result,
                   GError **error);

/* True from the first deadline that QEMU let pass until it says anything again: then ask it for
 * nothing that can be answered from what is known. Any thread. */
bool qmp_is_silent(struct qmp *qmp);

/* Bytes and commands held for this connection, for tests and statistics. */
struct qmp_usage {
    size_t input_bytes;
    size_t output_bytes;
    unsigned commands;
    uint64_t events;
    uint64_t late_replies;
    uint64_t pauses; /* times the flood brake was pulled */
};
void qmp_get_usage(struct qmp *qmp, struct qmp_usage *ret_usage);

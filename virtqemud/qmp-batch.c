/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "base/error.h"
#include "json.h"
#include "qmp-call.h"

struct qmp_batch {
    GPtrArray *calls;
    GMutex lock;
    GCond done;
    unsigned pending;
};

struct qmp_batch *qmp_batch_new(void)
{
    struct qmp_batch *batch = g_new0(struct qmp_batch, 1);

    batch->calls = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_call_free);
    g_mutex_init(&batch->lock);
    g_cond_init(&batch->done);
    return batch;
}

void qmp_batch_free(struct qmp_batch **pointer)
{
    struct qmp_batch *batch = g_steal_pointer(pointer);

    if (!batch)
        return;
    for (unsigned i = 0; i < batch->calls->len; i++)
        qmp_call_withdraw(g_ptr_array_index(batch->calls, i), 0);
    g_ptr_array_unref(batch->calls);
    g_mutex_clear(&batch->lock);
    g_cond_clear(&batch->done);
    g_free(batch);
}

static void call_completed(struct qmp_call *call)
{
    struct qmp_batch *batch = call->user;

    g_mutex_lock(&batch->lock);
    if (--batch->pending == 0)
        g_cond_signal(&batch->done);
    g_mutex_unlock(&batch->lock);
}

static unsigned add_call(struct qmp_batch *batch, struct qmp_call *call,
                         struct json_object *arguments)
{
    call->completed = call_completed;
    call->user = batch;
    g_ptr_array_add(batch->calls, call);
    g_mutex_lock(&batch->lock);
    batch->pending++;
    g_mutex_unlock(&batch->lock);
    qmp_call_start(call, arguments);
    return batch->calls->len - 1;
}

unsigned qmp_batch_add(struct qmp_batch *batch, struct qmp *qmp, const char *command,
                       struct json_object *arguments)
{
    return add_call(batch, qmp_call_new(qmp, command), arguments);
}

void qmp_batch_wait(struct qmp_batch *batch, unsigned deadline_ms)
{
    unsigned allowed = deadline_ms ? deadline_ms : QMP_DEADLINE_DEFAULT;
    int64_t end = g_get_monotonic_time() + allowed * INT64_C(1000);
    bool in_time = true;

    g_mutex_lock(&batch->lock);
    while (batch->pending > 0 && in_time)
        in_time = g_cond_wait_until(&batch->done, &batch->lock, end);
    g_mutex_unlock(&batch->lock);

    for (unsigned i = 0; i < batch->calls->len && !in_time; i++)
        qmp_call_withdraw(g_ptr_array_index(batch->calls, i), allowed);
}

int qmp_batch_take(struct qmp_batch *batch, unsigned index, struct json_object **ret_result,
                   GError **error)
{
    g_assert(index < batch->calls->len);
    struct qmp_call *call = g_ptr_array_index(batch->calls, index);

    if (call->error) {
        qmp_call_add_last_words(call);
        g_propagate_error(error, g_steal_pointer(&call->error));
        return -1;
    }
    if (ret_result)
        *ret_result = g_steal_pointer(&call->result);
    return 0;
}

unsigned qmp_batch_add_greeting(struct qmp_batch *batch, struct qmp *qmp)
{
    return add_call(batch, qmp_call_new(qmp, NULL), NULL);
}

static int run(struct qmp_call *call, struct json_object *arguments, unsigned deadline_ms,
               struct json_object **ret_result, GError **error)
{
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();
    unsigned index = add_call(batch, call, arguments);

    qmp_batch_wait(batch, deadline_ms ? deadline_ms : call->qmp->settings.deadline_ms);
    return qmp_batch_take(batch, index, ret_result, error);
}

int qmp_execute(struct qmp *qmp, const char *command, struct json_object *arguments,
                unsigned deadline_ms, struct json_object **ret_result, GError **error)
{
    return run(qmp_call_new(qmp, command), arguments, deadline_ms, ret_result, error);
}

int qmp_execute_fds(struct qmp *qmp, const char *command, struct json_object *arguments,
                    const int *fds, unsigned fd_count, unsigned deadline_ms,
                    struct json_object **ret_result, GError **error)
{
    struct qmp_call *call = qmp_call_new(qmp, command);

    call->fds = fds;
    call->fd_count = fd_count;
    return run(call, arguments, deadline_ms, ret_result, error);
}

/* A number that no earlier answer can have. */
static int64_t new_token(void)
{
    return ((int64_t)g_random_int() << 16 | (g_random_int() & 0xffff)) + 1;
}

int qmp_synchronize(struct qmp *qmp, unsigned deadline_ms, GError **error)
{
    struct qmp_call *call = qmp_call_new(qmp, "guest-sync-delimited");

    call->token = new_token();
    return run(call, json_build("I:id", call->token, NULL), deadline_ms, NULL, error);
}

void qmp_send(struct qmp *qmp, const char *command, struct json_object *arguments,
              unsigned deadline_ms, qmp_reply *reply, void *user)
{
    struct qmp_call *call = qmp_call_new(qmp, command);

    call->reply = reply;
    call->user = user;
    call->deadline_ms = deadline_ms ? deadline_ms : qmp->settings.deadline_ms;
    qmp_call_start(call, arguments);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "json.h"
#include "qmp-call.h"

#define CALLS_MAX 1024
#define OUTPUT_MAX (32u << 20) /* bytes that wait to be sent */
#define FDS_MAX 16
#define REASON_MAX 4096 /* bytes of what a refusal says */

/* One command's bytes on their way to the socket. */
struct qmp_output {
    uint64_t id;
    char *line;
    size_t length;
    size_t sent;
    const int *fds; /* go with the first byte */
    unsigned fd_count;
};

/* What users know as "internal error", except where a caller must tell the case. */
static const struct {
    const char *class;
    enum error_code code;
} error_classes[] = {
    {"CommandNotFound", VIR_ERR_OPERATION_UNSUPPORTED},
    {"DeviceNotFound", VIR_ERR_DEVICE_MISSING},
    {"DeviceNotActive", VIR_ERR_OPERATION_INVALID},
    {"KVMMissingCap", VIR_ERR_OPERATION_INVALID},
};

struct qmp_call *qmp_call_new(struct qmp *qmp, const char *command)
{
    struct qmp_call *call = g_new0(struct qmp_call, 1);

    call->qmp = qmp_ref(qmp);
    call->command = g_strdup(command);
    return call;
}

void qmp_call_free(struct qmp_call *call)
{
    json_object_put(call->result);
    g_clear_error(&call->error);
    g_free(call->command);
    qmp_unref(call->qmp);
    g_free(call);
}

static void output_free(struct qmp_output *output)
{
    g_free(output->line);
    g_free(output);
}

static char *duration_text(unsigned milliseconds)
{
    return milliseconds < 1000 ? g_strdup_printf("%u ms", milliseconds)
                               : g_strdup_printf("%g s", milliseconds / 1000.0);
}

static void set_timeout(struct qmp_call *call, unsigned deadline_ms)
{
    g_autofree char *duration = duration_text(deadline_ms);

    if (call->token)
        error_set(&call->error, VIR_ERR_AGENT_UNRESPONSIVE,
                  "%s: its agent is connected, and did not answer within %s", call->qmp->who,
                  duration);
    else if (call->command)
        error_set(&call->error, call->qmp->dialect->timeout,
                  "%s did not answer %s command '%s' within %s", call->qmp->who,
                  call->qmp->dialect->language, call->command, duration);
    else
        error_set(&call->error, VIR_ERR_OPERATION_TIMEOUT,
                  "%s did not greet on its QMP monitor within %s", call->qmp->who, duration);
}

/* Under the lock, with the call already out of the table. */
static void complete(struct qmp_call *call)
{
    if (call->completed)
        call->completed(call);
    else
        g_queue_push_tail(&call->qmp->failed, call);
}

static void deliver_failed(void *data)
{
    struct qmp *qmp = data;

    qmp_call_deliver_failed(qmp);
    qmp_unref(qmp);
}

void qmp_call_deliver_failed(struct qmp *qmp)
{
    GQueue failed;
    struct qmp_call *call;

    g_mutex_lock(&qmp->lock);
    failed = qmp->failed;
    g_queue_init(&qmp->failed);
    g_mutex_unlock(&qmp->lock);

    while ((call = g_queue_pop_head(&failed))) {
        call->reply(qmp, NULL, call->error, call->user);
        qmp_call_free(call);
    }
}

/* ---- sending; under the lock ---- */

static ssize_t send_piece(int fd, const struct qmp_output *output)
{
    union {
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec piece = {output->line + output->sent, output->length - output->sent};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

    if (output->sent == 0 && output->fd_count > 0) {
        size_t size = output->fd_count * sizeof(int);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(header), output->fds, size);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void drop_output(struct qmp *qmp, GList *link)
{
    struct qmp_output *output = link->data;

    qmp->usage.output_bytes -= output->length;
    g_queue_delete_link(&qmp->output, link);
    output_free(output);
}

/*
 * Sends what the socket takes. False: it is full. A socket that can't be written any more is no
 * end: what QEMU still had to say is read first, then its end.
 */
static bool flush(struct qmp *qmp)
{
    GList *link;

    while ((link = qmp->output.head) && qmp->fd >= 0) {
        struct qmp_output *output = link->data;
        ssize_t sent = send_piece(qmp->fd, output);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return false;
        if (sent < 0) {
            drop_output(qmp, link);
            continue;
        }
        output->sent += sent;
        if (output->sent == output->length)
            drop_output(qmp, link);
    }
    return true;
}

static void want_write(void *data)
{
    struct qmp *qmp = data;

    qmp_output_ready(qmp);
    qmp_unref(qmp);
}

void qmp_output_ready(struct qmp *qmp)
{
    g_mutex_lock(&qmp->lock);
    qmp->write_wanted = !flush(qmp);
    bool wanted = qmp->write_wanted;
    bool listen = qmp_wants_input(qmp);
    g_mutex_unlock(&qmp->lock);

    if (qmp->source)
        loop_source_set_events(qmp->source, (listen ? EPOLLIN : 0) | (wanted ? EPOLLOUT : 0));
}

bool qmp_wants_input(struct qmp *qmp)
{
    return !qmp->paused && (!qmp->dialect->agent || g_hash_table_size(qmp->calls) > 0);
}

void qmp_output_clear(struct qmp *qmp)
{
    while (qmp->output.head)
        drop_output(qmp, qmp->output.head);
}

static struct qmp_output *encode(const struct qmp_call *call, const char *arguments)
{
    struct qmp_output *output = g_new0(struct qmp_output, 1);
    struct json_object *name JSON_AUTO = json_object_new_string(call->command);
    GString *line = g_string_new(NULL);

    if (call->token)
        g_string_append_c(line, SYNC_MARK);
    g_string_append_printf(line, "{\"execute\":%s", json_object_to_json_string(name));
    if (arguments)
        g_string_append_printf(line, ",\"arguments\":%s", arguments);
    if (!call->qmp->dialect->agent) /* old ones refuse it */
        g_string_append_printf(line, ",\"id\":%" G_GUINT64_FORMAT, call->id);
    g_string_append(line, "}\n");

    output->id = call->id;
    output->length = line->len;
    output->line = g_string_free(line, FALSE);
    output->fds = call->fds;
    output->fd_count = call->fd_count;
    return output;
}

static void enqueue(struct qmp *qmp, struct qmp_output *output)
{
    g_queue_push_tail(&qmp->output, output);
    qmp->usage.output_bytes += output->length;
    bool full = !qmp->write_wanted && !flush(qmp);
    qmp->write_wanted |= full;
    if (full || qmp->dialect->agent) { /* an agent's socket is read from now on, too */
        loop_post(qmp->loop, want_write, qmp_ref(qmp));
    }
}

/* ---- deadlines of calls that nobody waits for ---- */

/* Under the lock: completes calls whose time is over, returns the time of the next. */
static int64_t expire(struct qmp *qmp, int64_t now)
{
    GHashTableIter each;
    struct qmp_call *call;
    int64_t next = INT64_MAX;

    g_hash_table_iter_init(&each, qmp->calls);
    while (g_hash_table_iter_next(&each, NULL, (gpointer *)&call)) {
        if (!call->reply)
            continue;
        if (call->deadline_us > now) {
            next = MIN(next, call->deadline_us);
            continue;
        }
        g_hash_table_iter_remove(&each);
        qmp->silent = true;
        set_timeout(call, call->deadline_ms);
        complete(call);
    }
    return next;
}

static void deadline_passed(struct loop_timer *timer, void *data);

static void run_deadline_timer(void *data)
{
    struct qmp *qmp = data;
    int64_t now = g_get_monotonic_time();

    g_mutex_lock(&qmp->lock);
    qmp->timer_us = qmp->ended ? INT64_MAX : expire(qmp, now);
    int64_t next = qmp->timer_us;
    g_mutex_unlock(&qmp->lock);

    if (next != INT64_MAX) {
        int64_t wait = (next - now) / 1000 + 1;
        if (qmp->deadline_timer)
            loop_timer_restart(qmp->deadline_timer, wait);
        else
            qmp->deadline_timer = loop_add_timer(qmp->loop, wait, deadline_passed, qmp);
    }
    qmp_call_deliver_failed(qmp);
}

static void deadline_passed(struct loop_timer *timer, void *data)
{
    struct qmp *qmp = qmp_ref(data);

    run_deadline_timer(qmp);
    qmp_unref(qmp);
}

static void start_deadline_timer(void *data)
{
    run_deadline_timer(data);
    qmp_unref(data);
}

/* ---- calls ---- */

static void set_gone(struct qmp_call *call, const GError *reason)
{
    call->error = g_error_copy(reason);
    call->gone = error_is(reason, call->qmp->dialect->gone);
}

/* Under the lock: why the call can't be given now; false and the call's error. */
static bool admit(struct qmp *qmp, struct qmp_call *call, size_t size)
{
    if (qmp->ended) {
        set_gone(call, qmp->reason);
        return false;
    }
    unsigned most = qmp->dialect->agent ? 1 : CALLS_MAX;
    if (g_hash_table_size(qmp->calls) >= most || qmp->usage.output_bytes + size > OUTPUT_MAX) {
        error_set(&call->error, VIR_ERR_RESOURCE_BUSY,
                  "%s has %u unanswered %s commands, so '%s' was not sent", qmp->who,
                  g_hash_table_size(qmp->calls), qmp->dialect->language,
                  call->command ? call->command : "greeting");
        return false;
    }
    return true;
}

/* Under the lock. */
static void track(struct qmp *qmp, struct qmp_call *call)
{
    g_hash_table_insert(qmp->calls, &call->id, call);
    if (!call->reply)
        return;
    call->deadline_us = g_get_monotonic_time() + call->deadline_ms * INT64_C(1000);
    if (call->deadline_us < qmp->timer_us) {
        qmp->timer_us = call->deadline_us;
        loop_post(qmp->loop, start_deadline_timer, qmp_ref(qmp));
    }
}

void qmp_call_start(struct qmp_call *call, struct json_object *arguments)
{
    struct qmp *qmp = call->qmp;
    const char *text =
        arguments ? json_object_to_json_string_ext(arguments, JSON_C_TO_STRING_PLAIN) : NULL;

    g_assert(call->fd_count <= FDS_MAX);
    g_mutex_lock(&qmp->lock);
    if (!admit(qmp, call, text ? strlen(text) : 0)) {
        bool deferred = call->reply;
        complete(call);
        if (deferred)
            loop_post(qmp->loop, deliver_failed, qmp_ref(qmp));
    } else {
        call->id = call->command ? qmp->next_id++ : 0;
        track(qmp, call);
        if (call->command)
            enqueue(qmp, encode(call, text));
    }
    g_mutex_unlock(&qmp->lock);
    json_object_put(arguments);
}

/* Under the lock: forgets bytes that QEMU can't have seen. */
static void take_back(struct qmp *qmp, uint64_t id)
{
    for (GList *link = qmp->output.head; link; link = link->next) {
        struct qmp_output *output = link->data;
        if (output->id != id)
            continue;
        if (output->sent == 0)
            drop_output(qmp, link);
        return;
    }
}

void qmp_call_withdraw(struct qmp_call *call, unsigned deadline_ms)
{
    struct qmp *qmp = call->qmp;

    g_mutex_lock(&qmp->lock);
    if (g_hash_table_lookup(qmp->calls, &call->id) == call) {
        g_hash_table_remove(qmp->calls, &call->id);
        if (call->command)
            take_back(qmp, call->id);
        qmp->silent = true;
        set_timeout(call, deadline_ms);
    }
    g_mutex_unlock(&qmp->lock);
}

/* For people's terminals and for logs: nothing that could steer them. The caller frees. */
static char *clean_text(const char *text)
{
    GString *clean = g_string_new(NULL);

    for (const char *next = text; *next && clean->len < REASON_MAX; next = g_utf8_next_char(next)) {
        gunichar character = g_utf8_get_char(next);
        g_string_append_unichar(clean, g_unichar_iscntrl(character) ? ' ' : character);
    }
    return g_string_free(clean, FALSE);
}

static void set_qemu_error(struct qmp_call *call, struct json_object *refusal)
{
    const char *class = json_string_member(refusal, "class");
    const char *given = json_string_member(refusal, "desc");
    g_autofree char *text = clean_text(given ? given : "no reason given");
    const struct qmp_dialect *dialect = call->qmp->dialect;
    enum error_code code = dialect->refused;

    for (size_t i = 0; class && !dialect->agent && i < G_N_ELEMENTS(error_classes); i++)
        if (g_str_equal(class, error_classes[i].class))
            code = error_classes[i].code;
    error_set(&call->error, code, "unable to execute %s command '%s': %s", dialect->program,
              call->command ? call->command : "greeting", text);
}

/*
 * The call's result becomes its own before anybody can look at it: references of json-c are no
 * atomic counters, so that a value which the reply still holds would have two threads counting.
 */
static void set_answer(struct qmp_call *call, struct json_object **reply)
{
    struct json_object *refusal = json_member(*reply, "error");
    const char *member = call->command ? "return" : "QMP";

    if (refusal) {
        set_qemu_error(call, refusal);
    } else {
        call->result = json_object_get(json_member(*reply, member));
        json_object_object_del(*reply, member);
    }
}

/* With the lock held, which it gives up. */
static void finish(struct qmp *qmp, struct qmp_call *call, struct json_object **reply)
{
    g_hash_table_remove(qmp->calls, &call->id);
    set_answer(call, reply);
    bool waited_for = call->completed;
    if (waited_for)
        call->completed(call);
    g_mutex_unlock(&qmp->lock);

    if (!waited_for) {
        call->reply(qmp, call->result, call->error, call->user);
        qmp_call_free(call);
    }
}

int qmp_call_answer(struct qmp *qmp, uint64_t id, struct json_object **reply)
{
    g_mutex_lock(&qmp->lock);
    struct qmp_call *call = g_hash_table_lookup(qmp->calls, &id);
    if (!call) {
        bool known = id > 0 && id < qmp->next_id;
        qmp->usage.late_replies += known;
        g_mutex_unlock(&qmp->lock);
        return known ? 0 : -1;
    }

    finish(qmp, call, reply);
    return 0;
}

/* Does the reply to guest-sync-delimited have the number that was asked for? */
static bool has_token(const struct qmp_call *call, struct json_object *reply)
{
    return !call->token || json_int_member(reply, "return", 0) == call->token;
}

int qmp_call_answer_only(struct qmp *qmp, struct json_object **reply)
{
    GHashTableIter each;
    struct qmp_call *call;
    bool known =
        json_object_is_type(*reply, json_type_object) &&
        (json_object_object_get_ex(*reply, "return", NULL) || json_object_member(*reply, "error"));

    g_mutex_lock(&qmp->lock);
    g_hash_table_iter_init(&each, qmp->calls);
    if (!known || !g_hash_table_iter_next(&each, NULL, (gpointer *)&call) ||
        !has_token(call, *reply)) {
        qmp->usage.late_replies += known;
        g_mutex_unlock(&qmp->lock);
        return -1;
    }
    finish(qmp, call, reply);
    return 0;
}

void qmp_call_add_last_words(struct qmp_call *call)
{
    struct qmp *qmp = call->qmp;

    if (!call->gone || !qmp->ops->last_words)
        return;
    g_autofree char *words = qmp->ops->last_words(qmp->user);
    if (!words || !words[0])
        return;
    g_autofree char *message = g_strdup_printf("%s: %s", call->error->message, words);
    g_free(call->error->message);
    call->error->message = g_steal_pointer(&message);
}

/* ---- the end ---- */

static void detach(void *data)
{
    struct qmp *qmp = data;

    g_mutex_lock(&qmp->lock);
    loop_source_remove(g_steal_pointer(&qmp->source));
    g_clear_pointer(&qmp->deadline_timer, loop_timer_remove);
    g_clear_pointer(&qmp->brake, loop_timer_remove);
    g_clear_pointer(&qmp->input, g_byte_array_unref);
    qmp_output_clear(qmp);
    fd_clear(&qmp->fd);
    bool tell = qmp->opened && !qmp->silenced;
    g_mutex_unlock(&qmp->lock);

    qmp_call_deliver_failed(qmp);
    if (tell && qmp->ops->closed)
        qmp->ops->closed(qmp, qmp->reason, qmp->user);
    qmp_unref(qmp);
}

/* Under the lock. */
static void fail_all(struct qmp *qmp)
{
    GHashTableIter each;
    struct qmp_call *call;

    g_hash_table_iter_init(&each, qmp->calls);
    while (g_hash_table_iter_next(&each, NULL, (gpointer *)&call)) {
        g_hash_table_iter_remove(&each);
        set_gone(call, qmp->reason);
        complete(call);
    }
}

void qmp_end(struct qmp *qmp, GError *reason, bool silence)
{
    g_mutex_lock(&qmp->lock);
    qmp->silenced |= silence;
    bool first = !qmp->ended;
    if (first) {
        qmp->ended = true;
        qmp->reason = g_steal_pointer(&reason);
        if (qmp->fd >= 0)
            shutdown(qmp->fd, SHUT_RDWR);
        fail_all(qmp);
    }
    g_mutex_unlock(&qmp->lock);
    g_clear_error(&reason);
    if (first)
        loop_post(qmp->loop, detach, qmp_ref(qmp));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "json.h"
#include "qmp-call.h"

#define READ_SIZE (64 * 1024)      /* at most per round of the loop */
#define LINE_MAX_BYTES (16u << 20) /* block nodes of a long backing chain take some MiB */
#define PAUSE_MS 10
#define STRAY_MAX_BYTES (32u << 20)
#define STRAY_LINE_BYTES 256 /* a line costs as many bytes at least */

static const struct qmp_dialect monitor_dialect = {
    .peer = "QEMU",
    .language = "QMP",
    .program = "QEMU",
    .gone = VIR_ERR_OPERATION_FAILED,
    .broken = VIR_ERR_INTERNAL_ERROR,
    .timeout = VIR_ERR_OPERATION_TIMEOUT,
    .refused = VIR_ERR_INTERNAL_ERROR,
    .depth = 512, /* backing chains of 200 nest twice a link */
    .tree = 256u << 20,
};

static const struct qmp_dialect agent_dialect = {
    .peer = "the agent",
    .language = "agent",
    .program = "QEMU agent",
    .gone = VIR_ERR_AGENT_UNRESPONSIVE,
    .broken = VIR_ERR_AGENT_UNRESPONSIVE,
    .timeout = VIR_ERR_AGENT_COMMAND_TIMEOUT,
    .refused = VIR_ERR_AGENT_COMMAND_FAILED,
    .agent = true,
    .depth = 32,
    .tree = 64u << 20,
};

static void G_GNUC_PRINTF(2, 3) break_off(struct qmp *qmp, const char *format, ...)
{
    g_autofree char *what = NULL;
    GError *reason = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(&reason, qmp->dialect->broken, "%s of %s broke the %s protocol: %s",
              qmp->dialect->peer, qmp->who, qmp->dialect->language, what);
    qmp_end(qmp, reason, false);
}

static void set_gone(struct qmp *qmp, GError **reason)
{
    error_set(reason, qmp->dialect->gone, "%s of %s has gone", qmp->dialect->peer, qmp->who);
}

static bool has_ended(struct qmp *qmp)
{
    g_mutex_lock(&qmp->lock);
    bool ended = qmp->ended;
    g_mutex_unlock(&qmp->lock);
    return ended;
}

/* ---- the flood brake ---- */

static void set_listening(struct qmp *qmp, bool on)
{
    qmp->paused = !on;
    qmp_output_ready(qmp);
}

static void refill(struct qmp *qmp)
{
    int64_t now = loop_now(qmp->loop);

    qmp->tokens += (now - qmp->tokens_ms) * qmp->settings.events_rate / 1000;
    qmp->tokens = MIN(qmp->tokens, qmp->settings.events_burst);
    qmp->tokens_ms = now;
}

static void release_brake(struct loop_timer *timer, void *data)
{
    struct qmp *qmp = data;

    refill(qmp);
    if (qmp->tokens <= 0)
        loop_timer_restart(timer, PAUSE_MS);
    else
        set_listening(qmp, true);
}

static void pull_brake(struct qmp *qmp)
{
    refill(qmp);
    if (qmp->tokens > 0 || qmp->paused)
        return;
    g_mutex_lock(&qmp->lock);
    qmp->usage.pauses++;
    g_mutex_unlock(&qmp->lock);
    set_listening(qmp, false);
    if (qmp->brake)
        loop_timer_restart(qmp->brake, PAUSE_MS);
    else
        qmp->brake = loop_add_timer(qmp->loop, PAUSE_MS, release_brake, qmp);
}

/* ---- messages ---- */

static void handle_event(struct qmp *qmp, const char *name, struct json_object *message)
{
    struct json_object *time = json_object_member(message, "timestamp");
    struct json_object *data = json_object_member(message, "data");

    qmp->tokens--;
    g_mutex_lock(&qmp->lock);
    qmp->usage.events++;
    bool wanted = !qmp->silenced && qmp->ops->event;
    g_mutex_unlock(&qmp->lock);
    if (wanted)
        qmp->ops->event(qmp, name, data, json_int_member(time, "seconds", -1),
                        CLAMP(json_int_member(time, "microseconds", 0), 0, 999999), qmp->user);
}

static void handle_reply(struct qmp *qmp, struct json_object **message)
{
    int64_t id = json_int_member(*message, "id", -1);
    const char *text = json_string_member(json_member(*message, "error"), "desc");

    if (id <= 0)
        break_off(qmp, "a reply to no command: %.200s", text ? text : "no text");
    else if (qmp_call_answer(qmp, id, message) < 0)
        break_off(qmp, "a reply to command %" G_GINT64_FORMAT ", which was never given", id);
}

static void handle_message(struct qmp *qmp, struct json_object **message)
{
    const char *event = json_string_member(*message, "event");

    if (event)
        handle_event(qmp, event, *message);
    else if (json_object_member(*message, "QMP")) {
        if (qmp_call_answer(qmp, 0, message) < 0)
            break_off(qmp, "a second greeting");
    } else if (json_object_object_get_ex(*message, "return", NULL) ||
               json_object_member(*message, "error"))
        handle_reply(qmp, message);
    else
        break_off(qmp, "a message of no known kind");
}

/* An agent's line: the answer that is waited for, or what nobody asked for. */
static void handle_agent_line(struct qmp *qmp, const char *line, size_t length)
{
    struct json_object *message JSON_AUTO = NULL;
    const char *mark = memrchr(line, SYNC_MARK, length);
    const char *text = mark ? mark + 1 : line;

    if (json_read(text, line + length - text, qmp->dialect->depth, qmp->dialect->tree, &message,
                  NULL) == 0 &&
        qmp_call_answer_only(qmp, &message) == 0) {
        qmp->stray = 0;
        return;
    }
    qmp->stray += length + STRAY_LINE_BYTES;
    if (qmp->stray > STRAY_MAX_BYTES)
        break_off(qmp, "more than %u MiB that are no answer", STRAY_MAX_BYTES >> 20);
}

static void handle_line(struct qmp *qmp, const char *line, size_t length)
{
    struct json_object *message JSON_AUTO = NULL;
    g_autoptr(GError) error = NULL;

    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    if (length == 0 && !qmp->dialect->agent)
        return;
    if (qmp->dialect->agent)
        handle_agent_line(qmp, line, length);
    else if (json_read(line, length, qmp->dialect->depth, qmp->dialect->tree, &message, &error) < 0)
        break_off(qmp, "%s", error->message);
    else if (!json_object_is_type(message, json_type_object))
        break_off(qmp, "a message that is no JSON object");
    else
        handle_message(qmp, &message);
}

/* Keeps the beginning of a line until its rest comes. */
static void keep(struct qmp *qmp, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    if (!qmp->input)
        qmp->input = g_byte_array_new();
    if (qmp->input->len + length > LINE_MAX_BYTES) {
        break_off(qmp, "a line longer than %u MiB", LINE_MAX_BYTES >> 20);
        return;
    }
    g_byte_array_append(qmp->input, (const guint8 *)bytes, length);
}

static void finish_line(struct qmp *qmp, const char *bytes, size_t length)
{
    if (!qmp->input) {
        handle_line(qmp, bytes, length);
        return;
    }
    keep(qmp, bytes, length);
    if (has_ended(qmp))
        return;
    g_autoptr(GByteArray) line = g_steal_pointer(&qmp->input);
    handle_line(qmp, (const char *)line->data, line->len);
}

static void handle_bytes(struct qmp *qmp, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    const char *newline;

    g_mutex_lock(&qmp->lock);
    qmp->silent = false;
    g_mutex_unlock(&qmp->lock);
    while ((newline = memchr(bytes, '\n', end - bytes))) {
        finish_line(qmp, bytes, newline - bytes);
        if (has_ended(qmp))
            return;
        bytes = newline + 1;
    }
    keep(qmp, bytes, end - bytes);

    g_mutex_lock(&qmp->lock);
    if (qmp->dialect->agent && !qmp_wants_input(qmp)) /* the rest of an answer, too late */
        g_clear_pointer(&qmp->input, g_byte_array_unref);
    qmp->usage.input_bytes = qmp->input ? qmp->input->len : 0;
    g_mutex_unlock(&qmp->lock);
}

/* ---- the socket ---- */

static void read_some(struct qmp *qmp)
{
    char bytes[READ_SIZE]; /* not the loop's scratch: event handlers may use that */
    ssize_t length = recv(qmp->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    GError *reason = NULL;

    if (length > 0) {
        handle_bytes(qmp, bytes, length);
        pull_brake(qmp);
        if (qmp->dialect->agent)
            qmp_output_ready(qmp);
        return;
    }
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    set_gone(qmp, &reason);
    qmp_end(qmp, reason, false);
}

static void socket_ready(struct loop_source *source, uint32_t events, void *data)
{
    struct qmp *qmp = qmp_ref(data);

    if (!has_ended(qmp)) {
        if (events & EPOLLOUT)
            qmp_output_ready(qmp);
        if (events & ~EPOLLOUT)
            read_some(qmp);
    }
    qmp_unref(qmp);
}

static void attach(void *data)
{
    struct qmp *qmp = data;
    GError *error = NULL;

    qmp->tokens_ms = loop_now(qmp->loop);
    if (!has_ended(qmp)) {
        qmp->source = loop_add_fd(qmp->loop, qmp->fd, 0, socket_ready, qmp, &error);
        if (qmp->source)
            qmp_output_ready(qmp);
        else
            qmp_end(qmp, error, false);
    }
    qmp_unref(qmp);
}

/* ---- opening and closing ---- */

static struct qmp *new_connection(struct loop *loop, int fd, const struct qmp_dialect *dialect,
                                  const struct qmp_settings *settings, const struct qmp_ops *ops,
                                  void *user)
{
    struct qmp *qmp = g_new0(struct qmp, 1);

    g_atomic_ref_count_init(&qmp->references);
    qmp->dialect = dialect;
    g_mutex_init(&qmp->lock);
    qmp->loop = loop;
    qmp->fd = fd;
    qmp->who = g_strdup(settings->who);
    qmp->ops = ops;
    qmp->user = user;
    qmp->settings.deadline_ms =
        settings->deadline_ms ? settings->deadline_ms : QMP_DEADLINE_DEFAULT;
    qmp->settings.events_burst = settings->events_burst ? settings->events_burst : 1000;
    qmp->settings.events_rate = settings->events_rate ? settings->events_rate : 10000;
    qmp->tokens = qmp->settings.events_burst;
    qmp->calls = g_hash_table_new(g_int64_hash, g_int64_equal);
    qmp->next_id = settings->first_id ? settings->first_id : 1;
    qmp->timer_us = INT64_MAX;
    return qmp;
}

static int handshake(struct qmp *qmp, GError **error)
{
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();
    int64_t begin = g_get_monotonic_time();
    unsigned allowed = qmp->settings.deadline_ms;

    qmp_batch_add_greeting(batch, qmp);
    loop_post(qmp->loop, attach, qmp_ref(qmp));
    qmp_batch_wait(batch, allowed);
    if (qmp_batch_take(batch, 0, NULL, error) < 0)
        return -1;
    int64_t spent = (g_get_monotonic_time() - begin) / 1000;
    unsigned left = spent < allowed ? allowed - spent : 1;
    return qmp_execute(qmp, "qmp_capabilities", NULL, left, NULL, error);
}

/* From here on the end is told by closed, up to here by an error: by one of them, always. */
static int mark_opened(struct qmp *qmp, GError **error)
{
    g_mutex_lock(&qmp->lock);
    bool ended = qmp->ended;
    qmp->opened = true;
    g_mutex_unlock(&qmp->lock);
    if (!ended)
        return 0;
    set_gone(qmp, error);
    return -1;
}

int qmp_open(struct loop *loop, int fd, const struct qmp_settings *settings,
             const struct qmp_ops *ops, void *user, struct qmp **ret_qmp, GError **error)
{
    struct qmp *qmp = new_connection(loop, fd, &monitor_dialect, settings, ops, user);

    if (handshake(qmp, error) < 0 || mark_opened(qmp, error) < 0) {
        qmp_close(qmp);
        return -1;
    }
    *ret_qmp = qmp;
    return 0;
}

struct qmp *qmp_open_agent(struct loop *loop, int fd, const struct qmp_settings *settings,
                           const struct qmp_ops *ops, void *user)
{
    struct qmp *qmp = new_connection(loop, fd, &agent_dialect, settings, ops, user);

    qmp->opened = true;
    loop_post(loop, attach, qmp_ref(qmp));
    return qmp;
}

void qmp_close(struct qmp *qmp)
{
    GError *reason = NULL;

    if (!qmp)
        return;
    set_gone(qmp, &reason);
    qmp_end(qmp, reason, true);
    qmp_unref(qmp);
}

struct qmp *qmp_ref(struct qmp *qmp)
{
    g_atomic_ref_count_inc(&qmp->references);
    return qmp;
}

void qmp_unref(struct qmp *qmp)
{
    if (!qmp || !g_atomic_ref_count_dec(&qmp->references))
        return;
    if (qmp->ops->free_user)
        qmp->ops->free_user(qmp->user);
    g_hash_table_unref(qmp->calls);
    g_clear_error(&qmp->reason);
    g_mutex_clear(&qmp->lock);
    g_free(qmp->who);
    g_free(qmp);
}

bool qmp_is_open(struct qmp *qmp)
{
    return !has_ended(qmp);
}

bool qmp_is_silent(struct qmp *qmp)
{
    g_mutex_lock(&qmp->lock);
    bool silent = qmp->silent;
    g_mutex_unlock(&qmp->lock);
    return silent;
}

const char *qmp_who(const struct qmp *qmp)
{
    return qmp->who;
}

void qmp_get_usage(struct qmp *qmp, struct qmp_usage *ret_usage)
{
    g_mutex_lock(&qmp->lock);
    *ret_usage = qmp->usage;
    ret_usage->commands = g_hash_table_size(qmp->calls);
    g_mutex_unlock(&qmp->lock);
}

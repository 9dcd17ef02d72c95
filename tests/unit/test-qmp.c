/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "qmp-peer.h"
#include "virtqemud/json.h"
#include "virtqemud/qmp.h"

/* What the callbacks have seen. */
struct seen {
    GMutex lock;
    GCond changed;
    unsigned events;
    int64_t last_number; /* of event data's "n", which counts up */
    bool in_order;
    bool closed;
    char *closed_reason;
    const char *words;
    unsigned freed;
};

struct setup {
    struct qmp_bench bench;
    struct seen seen;
    struct qmp_peer *peer;
    struct qmp *qmp;
};

static void on_event(struct qmp *qmp, const char *name, struct json_object *data, int64_t seconds,
                     unsigned micros, void *user)
{
    struct seen *seen = user;
    int64_t number = json_int_member(data, "n", -1);

    g_mutex_lock(&seen->lock);
    seen->events++;
    seen->in_order &= number == seen->last_number + 1;
    seen->last_number = number;
    g_cond_signal(&seen->changed);
    g_mutex_unlock(&seen->lock);
}

static void on_closed(struct qmp *qmp, const GError *reason, void *user)
{
    struct seen *seen = user;

    g_mutex_lock(&seen->lock);
    g_assert_false(seen->closed);
    seen->closed = true;
    seen->closed_reason = g_strdup(reason->message);
    g_cond_signal(&seen->changed);
    g_mutex_unlock(&seen->lock);
}

static char *last_words(void *user)
{
    struct seen *seen = user;

    return g_strdup(seen->words);
}

static void on_free(void *user)
{
    struct seen *seen = user;

    g_mutex_lock(&seen->lock);
    seen->freed++;
    g_mutex_unlock(&seen->lock);
}

static const struct qmp_ops ops = {on_event, on_closed, last_words, on_free};

static void begin(struct setup *setup)
{
    memset(setup, 0, sizeof(*setup));
    g_mutex_init(&setup->seen.lock);
    g_cond_init(&setup->seen.changed);
    setup->seen.in_order = true;
    setup->seen.last_number = -1;
    qmp_bench_begin(&setup->bench);
}

static int open_with(struct setup *setup, void (*function)(int fd, void *data), void *data,
                     const struct qmp_settings *settings, GError **error)
{
    int fd;

    setup->peer = qmp_peer_start(function, data, &fd);
    return qmp_open(setup->bench.loop, fd, settings, &ops, &setup->seen, &setup->qmp, error);
}

static void begin_open(struct setup *setup, void (*function)(int fd, void *data), void *data)
{
    struct qmp_settings settings = {.who = "guest 'x'"};
    g_autoptr(GError) error = NULL;

    begin(setup);
    open_with(setup, function, data, &settings, &error);
    g_assert_no_error(error);
}

static void end(struct setup *setup)
{
    qmp_close(setup->qmp);
    qmp_peer_join(setup->peer);
    qmp_bench_end(&setup->bench);
    g_assert_cmpuint(setup->seen.freed, ==, 1);
    g_free(setup->seen.closed_reason);
    g_mutex_clear(&setup->seen.lock);
    g_cond_clear(&setup->seen.changed);
}

static void wait_closed(struct seen *seen)
{
    int64_t until = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

    g_mutex_lock(&seen->lock);
    while (!seen->closed)
        g_assert_true(g_cond_wait_until(&seen->changed, &seen->lock, until));
    g_mutex_unlock(&seen->lock);
}

static int64_t id_of(const char *line)
{
    const char *id = strstr(line, "\"id\":");

    return g_ascii_strtoll(id + 5, NULL, 10);
}

/* ---- the ordinary ---- */

static void answer_all(int fd, void *data)
{
    char *line;

    qmp_peer_greet(fd);
    while ((line = qmp_peer_read(fd))) {
        if (strstr(line, "\"fail-"))
            qmp_peer_say(fd,
                         "{\"id\": %" G_GINT64_FORMAT
                         ", \"error\": {\"class\": \"%s\", \"desc\": \"it does not work\"}}",
                         id_of(line), strstr(line, "fail-") + 5);
        else
            qmp_peer_say(fd, "{\"return\": {\"got\": %s}, \"id\": %" G_GINT64_FORMAT "}", line,
                         id_of(line));
        g_free(line);
    }
}

static void test_execute(void)
{
    struct setup setup;
    struct json_object *result JSON_AUTO = NULL;
    g_autoptr(GError) error = NULL;

    begin_open(&setup, answer_all, NULL);
    g_assert_cmpstr(qmp_who(setup.qmp), ==, "guest 'x'");
    g_assert_true(qmp_is_open(setup.qmp));

    g_assert_cmpint(
        qmp_execute(setup.qmp, "query\"x", json_build("s:a", "b\nc", NULL), 0, &result, &error), ==,
        0);
    struct json_object *got = json_member(result, "got");
    g_assert_cmpstr(json_string_member(got, "execute"), ==, "query\"x");
    g_assert_cmpstr(json_string_member(json_member(got, "arguments"), "a"), ==, "b\nc");
    g_assert_cmpint(qmp_execute(setup.qmp, "stop", NULL, 0, NULL, &error), ==, 0);
    end(&setup);
    g_assert_false(setup.seen.closed);
}

static void answer_refused(int fd, void *data)
{
    const char *class = data;

    qmp_peer_greet(fd);
    g_autofree char *line = qmp_peer_read(fd);
    qmp_peer_say(fd, "{\"id\": 2, \"error\": {\"class\": \"%s\", \"desc\": \"no such thing\"}}",
                 class);
    qmp_peer_drain(fd);
}

static void check_refused(const char *class, enum error_code code, const char *text)
{
    struct setup setup;
    g_autoptr(GError) error = NULL;

    begin_open(&setup, answer_refused, (void *)class);
    g_assert_cmpint(qmp_execute(setup.qmp, "foo", NULL, 0, NULL, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_cmpstr(error->message, ==, text);
    end(&setup);
}

static void test_refused(void)
{
    check_refused("GenericError", VIR_ERR_INTERNAL_ERROR,
                  "internal error: unable to execute QEMU command 'foo': no such thing");
    check_refused("CommandNotFound", VIR_ERR_OPERATION_UNSUPPORTED,
                  "Operation not supported: unable to execute QEMU command 'foo': no such thing");
    check_refused("DeviceNotFound", VIR_ERR_DEVICE_MISSING,
                  "device not found: unable to execute QEMU command 'foo': no such thing");
    check_refused("DeviceNotActive", VIR_ERR_OPERATION_INVALID,
                  "Requested operation is not valid: unable to execute QEMU command 'foo': no such "
                  "thing");
}

/* Answers in the opposite order, after everything has come: so all must be in flight at once. */
static void answer_backwards(int fd, void *data)
{
    int64_t ids[50];

    qmp_peer_greet(fd);
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *line = qmp_peer_read(fd);
        ids[i] = id_of(line);
    }
    for (unsigned i = G_N_ELEMENTS(ids); i > 0; i--)
        qmp_peer_say(fd, "{\"id\": %" G_GINT64_FORMAT ", \"return\": %" G_GINT64_FORMAT "}",
                     ids[i - 1], ids[i - 1]);
    qmp_peer_drain(fd);
}

static void test_batch(void)
{
    struct setup setup;
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();
    g_autoptr(GError) error = NULL;

    begin_open(&setup, answer_backwards, NULL);
    for (unsigned i = 0; i < 50; i++)
        g_assert_cmpuint(qmp_batch_add(batch, setup.qmp, "x", NULL), ==, i);
    qmp_batch_wait(batch, 10000);
    for (unsigned i = 0; i < 50; i++) {
        struct json_object *result JSON_AUTO = NULL;
        qmp_batch_take(batch, i, &result, &error);
        g_assert_no_error(error);
        g_assert_cmpint(json_object_get_int(result), ==, i + 2);
    }
    qmp_batch_free(&batch);
    end(&setup);
}

/* ---- deadlines ---- */

static void answer_late(int fd, void *data)
{
    struct mailbox *go = data;

    qmp_peer_greet(fd);
    g_autofree char *first = qmp_peer_read(fd);
    mailbox_take(go);
    qmp_peer_say(fd, "{\"id\": %" G_GINT64_FORMAT ", \"return\": {}}", id_of(first));
    g_autofree char *second = qmp_peer_read(fd);
    qmp_peer_say(fd, "{\"id\": %" G_GINT64_FORMAT ", \"return\": \"second\"}", id_of(second));
    qmp_peer_drain(fd);
}

static void test_timeout(void)
{
    struct setup setup;
    struct json_object *result JSON_AUTO = NULL;
    struct mailbox go = {0};
    g_autoptr(GError) error = NULL;
    struct qmp_usage usage;

    begin_open(&setup, answer_late, &go);
    int64_t begun = g_get_monotonic_time();
    g_assert_cmpint(qmp_execute(setup.qmp, "query-status", NULL, 150, NULL, &error), ==, -1);
    g_assert_cmpint(g_get_monotonic_time() - begun, >=, 150000);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_TIMEOUT));
    g_assert_cmpstr(error->message, ==,
                    "Timed out during operation: guest 'x' did not answer QMP command "
                    "'query-status' within 150 ms");
    g_assert_true(qmp_is_silent(setup.qmp));
    g_clear_error(&error);

    mailbox_put(&go, &go);
    g_assert_cmpint(qmp_execute(setup.qmp, "stop", NULL, 0, &result, &error), ==, 0);
    g_assert_cmpstr(json_object_get_string(result), ==, "second");
    g_assert_false(qmp_is_silent(setup.qmp));
    qmp_get_usage(setup.qmp, &usage);
    g_assert_cmpuint(usage.late_replies, ==, 1);
    g_assert_cmpuint(usage.commands, ==, 0);
    end(&setup);
}

static void answer_another_daemon_first(int fd, void *data)
{
    qmp_peer_say(fd, "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}}}");
    qmp_peer_say(fd, "{\"id\": 9, \"return\": \"first\"}");
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *line = qmp_peer_read(fd);
        g_assert_cmpint(id_of(line), ==, 1000 + i);
        qmp_peer_say(fd, "{\"id\": 999, \"error\": {\"desc\": \"late\"}}");
        qmp_peer_say(fd, "{\"id\": %" G_GINT64_FORMAT ", \"return\": {}}", id_of(line));
    }
    qmp_peer_drain(fd);
}

/* QEMU may still answer what the daemon that was killed had asked. */
static void test_replies_to_others(void)
{
    struct qmp_settings settings = {.who = "guest 'x'", .first_id = 1000};
    struct setup setup;
    g_autoptr(GError) error = NULL;
    struct qmp_usage usage;

    begin(&setup);
    open_with(&setup, answer_another_daemon_first, NULL, &settings, &error);
    g_assert_no_error(error);
    qmp_execute(setup.qmp, "query-status", NULL, 0, NULL, &error);
    g_assert_no_error(error);
    qmp_get_usage(setup.qmp, &usage);
    g_assert_cmpuint(usage.late_replies, ==, 3);
    end(&setup);
}

static void greet_then_wait(int fd, void *data)
{
    struct mailbox *go = data;

    qmp_peer_greet(fd);
    mailbox_take(go);
    char *line;
    while ((line = qmp_peer_read(fd))) {
        g_assert_null(strstr(line, "never-sent"));
        qmp_peer_say(fd, "{\"id\": %" G_GINT64_FORMAT ", \"return\": {}}", id_of(line));
        g_free(line);
    }
}

/* A QEMU that reads nothing: what it can't have seen by the deadline must never reach it. */
static void test_withdraw(void)
{
    struct setup setup;
    struct mailbox go = {0};
    g_autofree char *large = g_strnfill(4 << 20, 'x');
    g_autoptr(GError) error = NULL;
    struct qmp_usage usage;

    begin_open(&setup, greet_then_wait, &go);
    g_assert_cmpint(qmp_execute(setup.qmp, "large", json_build("s:a", large, NULL), 50, NULL, NULL),
                    ==, -1);
    g_assert_cmpint(qmp_execute(setup.qmp, "never-sent", NULL, 50, NULL, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_TIMEOUT));
    g_clear_error(&error);

    mailbox_put(&go, &go);
    qmp_execute(setup.qmp, "cont", NULL, 0, NULL, &error);
    g_assert_no_error(error);
    qmp_get_usage(setup.qmp, &usage);
    g_assert_cmpuint(usage.output_bytes, ==, 0);
    end(&setup);
}

static void test_busy(void)
{
    struct setup setup;
    struct qmp_batch *batch QMP_BATCH_AUTO = qmp_batch_new();
    struct mailbox go = {0};
    g_autoptr(GError) error = NULL;

    begin_open(&setup, greet_then_wait, &go);
    for (unsigned i = 0; i < 1024; i++)
        qmp_batch_add(batch, setup.qmp, "x", NULL);
    g_assert_cmpint(qmp_execute(setup.qmp, "one-more", NULL, 0, NULL, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_RESOURCE_BUSY));
    mailbox_put(&go, &go);
    qmp_batch_wait(batch, 10000);
    for (unsigned i = 0; i < 1024; i++)
        g_assert_cmpint(qmp_batch_take(batch, i, NULL, NULL), ==, 0);
    qmp_batch_free(&batch);
    end(&setup);
}

/* ---- replies without waiting ---- */

static void push_reply(struct qmp *qmp, struct json_object *result, const GError *error, void *user)
{
    mailbox_put(user,
                error ? g_strdup(error->message) : g_strdup(json_object_to_json_string(result)));
}

static void check_reply(struct mailbox *replies, const char *text)
{
    g_autofree char *reply = mailbox_take(replies);

    g_assert_cmpstr(reply, ==, text);
}

static void answer_second(int fd, void *data)
{
    qmp_peer_greet(fd);
    g_autofree char *first = qmp_peer_read(fd);
    g_autofree char *second = qmp_peer_read(fd);
    qmp_peer_say(fd, "{\"id\": %" G_GINT64_FORMAT ", \"return\": 5}", id_of(second));
    qmp_peer_drain(fd);
}

static void test_send(void)
{
    struct setup setup;
    struct mailbox replies = {0};

    begin_open(&setup, answer_second, NULL);
    qmp_send(setup.qmp, "first", NULL, 200, push_reply, &replies);
    qmp_send(setup.qmp, "second", NULL, 0, push_reply, &replies);
    check_reply(&replies, "5");
    check_reply(&replies,
                "Timed out during operation: guest 'x' did not answer QMP command 'first' "
                "within 200 ms");
    qmp_send(setup.qmp, "third", NULL, 0, push_reply, &replies);
    struct qmp *kept = qmp_ref(setup.qmp);
    qmp_close(g_steal_pointer(&setup.qmp));
    check_reply(&replies, "operation failed: QEMU of guest 'x' has gone");
    qmp_send(kept, "fourth", NULL, 0, push_reply, &replies);
    check_reply(&replies, "operation failed: QEMU of guest 'x' has gone");
    qmp_unref(kept);
    end(&setup);
}

/* ---- the end ---- */

static void answer_by_dying(int fd, void *data)
{
    qmp_peer_greet(fd);
    g_autofree char *line = qmp_peer_read(fd);
}

static void test_gone(void)
{
    struct setup setup;
    g_autoptr(GError) error = NULL;

    begin_open(&setup, answer_by_dying, NULL);
    setup.seen.words = "could not open 'disk.img'";
    g_assert_cmpint(qmp_execute(setup.qmp, "cont", NULL, 0, NULL, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
    g_assert_cmpstr(error->message, ==,
                    "operation failed: QEMU of guest 'x' has gone: could not open 'disk.img'");
    g_clear_error(&error);
    wait_closed(&setup.seen);
    g_assert_false(qmp_is_open(setup.qmp));
    g_assert_cmpint(qmp_execute(setup.qmp, "cont", NULL, 0, NULL, &error), ==, -1);
    g_assert_cmpstr(error->message, ==,
                    "operation failed: QEMU of guest 'x' has gone: could not open 'disk.img'");
    end(&setup);
}

static gpointer close_soon(gpointer data)
{
    g_usleep(50000);
    qmp_close(data);
    return NULL;
}

static void test_close_in_flight(void)
{
    struct setup setup;
    struct mailbox go = {0};
    g_autoptr(GError) error = NULL;

    begin_open(&setup, greet_then_wait, &go);
    GThread *closer = g_thread_new("closer", close_soon, qmp_ref(setup.qmp));
    g_assert_cmpint(qmp_execute(setup.qmp, "cont", NULL, 0, NULL, &error), ==, -1);
    g_assert_cmpstr(error->message, ==, "operation failed: QEMU of guest 'x' has gone");
    g_thread_join(closer);
    mailbox_put(&go, &go);
    end(&setup);
    g_assert_false(setup.seen.closed);
}

/* ---- hostile peers ---- */

static void say_nothing(int fd, void *data)
{
    qmp_peer_drain(fd);
}

static void say_text(int fd, void *data)
{
    qmp_peer_say(fd, "%s", (const char *)data);
    qmp_peer_drain(fd);
}

static void hang_up(int fd, void *data)
{
}

static void check_no_greeting(void (*peer)(int fd, void *data), void *data, int deadline_ms,
                              enum error_code code, const char *text)
{
    struct setup setup;
    struct qmp_settings settings = {.who = "guest 'x'", .deadline_ms = deadline_ms};
    g_autoptr(GError) error = NULL;

    begin(&setup);
    g_assert_cmpint(open_with(&setup, peer, data, &settings, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_nonnull(strstr(error->message, text));
    end(&setup);
    g_assert_false(setup.seen.closed);
}

static void test_no_greeting(void)
{
    check_no_greeting(say_nothing, NULL, 200, VIR_ERR_OPERATION_TIMEOUT,
                      "guest 'x' did not greet on its QMP monitor within 200 ms");
    check_no_greeting(say_text, "{\"QMP\": {}}", 3000, VIR_ERR_OPERATION_TIMEOUT,
                      "did not answer QMP command 'qmp_capabilities'");
    check_no_greeting(say_text, "SSH-2.0-OpenSSH_9.2", 30000, VIR_ERR_INTERNAL_ERROR,
                      "QEMU of guest 'x' broke the QMP protocol: JSON text, byte 1");
    check_no_greeting(hang_up, NULL, 30000, VIR_ERR_OPERATION_FAILED, "QEMU of guest 'x' has gone");
}

struct attack {
    const char *name;
    const char *once;   /* said first */
    const char *repeat; /* then this */
    unsigned times;
    const char *last; /* and this */
    const char *text; /* in the error */
};

static void attack(int fd, void *data)
{
    const struct attack *attack = data;
    g_autoptr(GString) block = g_string_new(NULL);

    qmp_peer_greet(fd);
    g_autofree char *line = qmp_peer_read(fd);
    qmp_peer_write(fd, attack->once, strlen(attack->once));
    for (unsigned i = 0; i < attack->times; i++)
        g_string_append(block, attack->repeat);
    qmp_peer_write(fd, block->str, block->len);
    qmp_peer_write(fd, attack->last, strlen(attack->last));
    qmp_peer_drain(fd);
}

static const struct attack attacks[] = {
    {"garbage", "\x7f\x01\x02garbage", "", 0, "\n", "JSON text, byte 1"},
    {"quote", "{\"return\": 'x', \"id\": 2}", "", 0, "\n", "JSON text"},
    {"encoding", "{\"return\": \"\xff\xfe\", \"id\": 2}", "", 0, "\n", "JSON text"},
    {"cut", "{\"return\": {}, ", "", 0, "\n", "JSON text ends too early"},
    {"tail", "{\"return\": {}, \"id\": 2} {}", "", 0, "\n", "JSON text"},
    {"endless line", "{\"return\": \"", "xxxxxxxxxxxxxxxx", 3 << 20, "",
     "a line longer than 16 MiB"},
    {"deep", "{\"return\": ", "[", 100000, "\n", "JSON text"},
    {"tree of objects", "{\"return\": [{}", ",{}", 400000, "]}\n", "JSON text is too large"},
    {"tree of lists", "{\"return\": [[]", ",[]", 1000000, "]}\n", "JSON text is too large"},
    {"tree of numbers", "{\"return\": [1", ",1", 5000000, "]}\n", "JSON text is too large"},
    {"number", "5\n", "", 0, "", "a message that is no JSON object"},
    {"unknown kind", "{\"hello\": 5}\n", "", 0, "", "a message of no known kind"},
    {"greeting", "{\"QMP\": {}}\n", "", 0, "", "a second greeting"},
    {"unknown id", "{\"return\": {}, \"id\": 77}\n", "", 0, "", "a reply to command 77"},
    {"no id", "{\"return\": {}}\n", "", 0, "", "a reply to no command"},
    {"strange id", "{\"return\": {}, \"id\": {}}\n", "", 0, "", "a reply to no command"},
    {"error of nothing", "{\"error\": {\"desc\": \"parse error\"}}\n", "", 0, "",
     "a reply to no command: parse error"},
    {"strange error", "{\"error\": 5, \"id\": 2}\n", "", 0, "", "a message of no known kind"},
};

static void test_hostile(gconstpointer data)
{
    const struct attack *row = data;
    struct setup setup;
    g_autoptr(GError) error = NULL;

    begin_open(&setup, attack, (void *)row);
    g_assert_cmpint(qmp_execute(setup.qmp, "query-status", NULL, 0, NULL, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    g_assert_nonnull(strstr(error->message, "QEMU of guest 'x' broke the QMP protocol: "));
    if (!strstr(error->message, row->text))
        g_error("'%s' lacks '%s'", error->message, row->text);
    wait_closed(&setup.seen);
    g_assert_cmpstr(setup.seen.closed_reason, ==, error->message);
    end(&setup);
}

/* ---- a flood of events ---- */

#define FLOOD 30000

static void flood(int fd, void *data)
{
    qmp_peer_greet(fd);
    for (unsigned i = 0; i < FLOOD; i++)
        qmp_peer_say(fd, "{\"event\": \"STOP\", \"data\": {\"n\": %u}}", i);
    qmp_peer_drain(fd);
}

static void note_time(void *data)
{
    mailbox_put(data, g_memdup2(&(int64_t){g_get_monotonic_time()}, sizeof(int64_t)));
}

/* How long something else waits for the loop, at most, over a while. */
static int64_t worst_wait(struct loop *loop, unsigned rounds)
{
    struct mailbox times = {0};
    int64_t worst = 0;

    for (unsigned i = 0; i < rounds; i++) {
        int64_t begun = g_get_monotonic_time();
        loop_post(loop, note_time, &times);
        g_autofree int64_t *done = mailbox_take(&times);
        worst = MAX(worst, *done - begun);
        g_usleep(1000);
    }
    return worst;
}

static void test_flood(void)
{
    struct setup setup;
    struct qmp_settings settings = {.who = "guest 'x'", .events_burst = 500, .events_rate = 20000};
    struct qmp_usage usage;
    g_autoptr(GError) error = NULL;
    unsigned events = 0;

    begin(&setup);
    open_with(&setup, flood, NULL, &settings, &error);
    g_assert_no_error(error);
    /* One and a half seconds' worth of events at this rate; the loop has time for others all along.
     */
    g_assert_cmpint(worst_wait(setup.bench.loop, 100), <, 2 * G_USEC_PER_SEC);
    qmp_get_usage(setup.qmp, &usage);
    g_assert_cmpuint(usage.pauses, >, 0);
    g_assert_cmpuint(usage.input_bytes, <=, 65536);

    while (events < FLOOD) {
        g_mutex_lock(&setup.seen.lock);
        g_assert_true(g_cond_wait_until(&setup.seen.changed, &setup.seen.lock,
                                        g_get_monotonic_time() + 20 * G_USEC_PER_SEC));
        events = setup.seen.events;
        g_mutex_unlock(&setup.seen.lock);
    }
    g_assert_true(setup.seen.in_order);
    end(&setup);
}

static void flood_and_die(int fd, void *data)
{
    qmp_peer_greet(fd);
    for (unsigned i = 0; i < 3000; i++)
        qmp_peer_say(fd, "{\"event\": \"STOP\", \"data\": {\"n\": %u}}", i);
}

/* What was said before the end is delivered before the end, whatever the brake does. */
static void test_flood_then_end(void)
{
    struct setup setup;
    struct qmp_settings settings = {.who = "guest 'x'", .events_burst = 10, .events_rate = 50000};
    g_autoptr(GError) error = NULL;

    begin(&setup);
    open_with(&setup, flood_and_die, NULL, &settings, &error);
    g_assert_no_error(error);
    wait_closed(&setup.seen);
    g_assert_cmpuint(setup.seen.events, ==, 3000);
    g_assert_true(setup.seen.in_order);
    end(&setup);
}

/* ---- descriptors ---- */

static int receive_fd(int socket, char *byte)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec piece = {byte, 1};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    int fd;

    g_assert_cmpint(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), ==, 1);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    g_assert_nonnull(header);
    g_assert_cmpint(header->cmsg_type, ==, SCM_RIGHTS);
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

static void take_fd(int fd, void *data)
{
    ino_t *inode = data;
    struct stat status;
    char byte;

    qmp_peer_greet(fd);
    autofd int received = receive_fd(fd, &byte);
    g_assert_cmpint(byte, ==, '{');
    g_autofree char *rest = qmp_peer_read(fd);
    g_assert_nonnull(strstr(rest, "getfd"));
    g_assert_cmpint(fstat(received, &status), ==, 0);
    *inode = status.st_ino;
    qmp_peer_say(fd, "{\"id\": 2, \"return\": {}}");
    qmp_peer_drain(fd);
}

static void test_fds(void)
{
    struct setup setup;
    struct stat status;
    ino_t inode = 0;
    int pipe_ends[2];
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(pipe(pipe_ends), ==, 0);
    fstat(pipe_ends[0], &status);
    begin_open(&setup, take_fd, &inode);
    qmp_execute_fds(setup.qmp, "getfd", json_build("s:fdname", "a", NULL), pipe_ends, 1, 0, NULL,
                    &error);
    g_assert_no_error(error);
    end(&setup);
    g_assert_cmpuint(inode, ==, status.st_ino);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp/execute", test_execute);
    g_test_add_func("/qmp/refused", test_refused);
    g_test_add_func("/qmp/batch", test_batch);
    g_test_add_func("/qmp/timeout", test_timeout);
    g_test_add_func("/qmp/replies-to-others", test_replies_to_others);
    g_test_add_func("/qmp/withdraw", test_withdraw);
    g_test_add_func("/qmp/busy", test_busy);
    g_test_add_func("/qmp/send", test_send);
    g_test_add_func("/qmp/gone", test_gone);
    g_test_add_func("/qmp/close-in-flight", test_close_in_flight);
    g_test_add_func("/qmp/no-greeting", test_no_greeting);
    for (unsigned i = 0; i < G_N_ELEMENTS(attacks); i++) {
        g_autofree char *name = g_strconcat("/qmp/hostile/", attacks[i].name, NULL);
        g_test_add_data_func(name, &attacks[i], test_hostile);
    }
    g_test_add_func("/qmp/flood", test_flood);
    g_test_add_func("/qmp/flood-then-end", test_flood_then_end);
    g_test_add_func("/qmp/fds", test_fds);
    return g_test_run();
}

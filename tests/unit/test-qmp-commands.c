/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"
#include "qmp-peer.h"
#include "virtqemud/json.h"
#include "virtqemud/qmp-commands.h"
#include "virtqemud/qmp-events.h"

#define QEMU "/usr/bin/qemu-system-x86_64"

static struct json_object *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct json_object *json = NULL;

    json_read(text, strlen(text), 32, 1 << 20, &json, &error);
    g_assert_no_error(error);
    return json;
}

/* ---- JSON ---- */

static void test_build(void)
{
    struct json_object *json JSON_AUTO =
        json_build("s:a", "x\"y", "S:b", NULL, "i:c", -1, "U:d", UINT64_MAX, "b:e", false, "B:f",
                   false, "j:g", json_build("u:h", 7u, NULL), "J:i", NULL, "d:k", 0.5, NULL);

    g_assert_cmpstr(
        json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN), ==,
        "{\"a\":\"x\\\"y\",\"c\":-1,\"d\":18446744073709551615,\"e\":false,\"g\":{\"h\":"
        "7},\"k\":0.5}");
    g_assert_cmpint(json_int_member(json, "c", 5), ==, -1);
    g_assert_cmpint(json_int_member(json, "a", 5), ==, 5);
    g_assert_null(json_string_member(json, "c"));
    g_assert_null(json_string_member(NULL, "c"));
    g_assert_nonnull(json_object_member(json, "g"));
}

static void check_unread(const char *text, size_t memory)
{
    struct json_object *json = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(json_read(text, strlen(text), 4, memory, &json, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_PARSE_FAILED));
    g_assert_null(json);
}

static void test_read(void)
{
    check_unread("", 10000);
    check_unread("{", 10000);
    check_unread("{} {}", 10000);
    check_unread("[[[[[[1]]]]]]", 10000);
    check_unread("{}", 500);
    check_unread("\"half", 10000);
    struct json_object *json JSON_AUTO = parse("{\"a\": [1, \"[[[[\\\"[[\"]}");
    g_assert_cmpuint(json_object_array_length(json_array_member(json, "a")), ==, 2);
}

/* ---- replies ---- */

static struct qmp_list decode_list(const struct qmp_query *query, struct arena *arena,
                                   const char *text)
{
    struct json_object *json JSON_AUTO = parse(text);
    g_autoptr(GError) error = NULL;
    struct qmp_list list = {0};

    qmp_decode_list(query->shape, json, "QEMU's reply", arena, &list.items, &list.count, &error);
    g_assert_no_error(error);
    return list;
}

static void test_lists(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct qmp_list list =
        decode_list(&qmp_query_stats, &arena,
                    "[{\"provider\": \"kvm\", \"stats\": [{\"name\": \"exits\", \"value\": 7}, "
                    "{\"name\": \"halts\"}]}, {\"provider\": \"cryptodev\"}]");
    const struct qmp_counters *counters = list.items;

    g_assert_cmpuint(list.count, ==, 2);
    g_assert_cmpuint(counters[0].count, ==, 2);
    g_assert_cmpstr(counters[0].items[0].name, ==, "exits");
    g_assert_cmpuint(counters[0].items[0].value, ==, 7);
    g_assert_cmpstr(counters[0].items[1].name, ==, "halts");
    g_assert_cmpuint(counters[1].count, ==, 0);

    list = decode_list(&qmp_query_block, &arena,
                       "[{\"device\": \"\", \"qdev\": \"a\", \"tray_open\": false, \"inserted\": "
                       "{\"image\": {\"virtual-size\": 1024}}}, {\"device\": \"b\"}]");
    const struct qmp_block_device *block = list.items;
    g_assert_true(block[0].has_tray && block[0].has_medium && !block[0].tray_open);
    g_assert_cmpuint(block[0].capacity, ==, 1024);
    g_assert_false(block[1].has_tray || block[1].has_medium);
}

static void test_words(void)
{
    struct filter {
        char **unicast, **multicast;
    };
    static const struct qmp_field fields[] = {
        QMP_OPTIONAL(filter, "unicast-table", STRINGS, unicast),
        QMP_OPTIONAL(filter, "multicast-table", STRINGS, multicast),
    };
    static const struct qmp_shape shape = QMP_SHAPE(struct filter, fields);
    static const struct qmp_query query = {"query-rx-filter", &shape, true};
    struct arena arena ARENA_AUTO = {0};
    struct qmp_list list =
        decode_list(&query, &arena, "[{\"unicast-table\": [\"52:54:00:00:00:01\", 5]}]");
    const struct filter *filter = list.items;

    g_assert_cmpstr(filter->unicast[0], ==, "52:54:00:00:00:01");
    g_assert_null(filter->unicast[1]);
    g_assert_nonnull(filter->multicast);
    g_assert_null(filter->multicast[0]);
}

static void test_chardev_pty(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct qmp_list list =
        decode_list(&qmp_query_chardev, &arena,
                    "[{\"label\": \"charserial0\", \"filename\": \"pty:/dev/pts/3\"}, {\"label\": "
                    "\"monitor\", \"filename\": \"unix:/x,server=on\"}]");

    g_assert_cmpstr(qmp_chardev_pty(list.items, list.count, "charserial0"), ==, "/dev/pts/3");
    g_assert_null(qmp_chardev_pty(list.items, list.count, "monitor"));
    g_assert_null(qmp_chardev_pty(list.items, list.count, "other"));
}

static void check_bad(const struct qmp_query *query, const char *text, const char *message)
{
    struct arena arena ARENA_AUTO = {0};
    struct json_object *json JSON_AUTO = parse(text);
    g_autoptr(GError) error = NULL;
    struct qmp_list list;
    void *one = arena_alloc(&arena, query->shape->size);

    if (query->list)
        qmp_decode_list(query->shape, json, "QEMU's reply", &arena, &list.items, &list.count,
                        &error);
    else
        qmp_decode_struct(query->shape, json, "QEMU's reply", &arena, one, &error);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    g_assert_cmpstr(error->message, ==, message);
}

static void test_bad_replies(void)
{
    check_bad(&qmp_query_status, "{\"status\": \"running\"}",
              "internal error: QEMU's reply has no 'running'");
    check_bad(&qmp_query_status, "{\"running\": 1, \"status\": \"running\"}",
              "internal error: QEMU's reply has a wrong kind of 'running'");
    check_bad(&qmp_query_status, "[]", "internal error: QEMU's reply has no 'running'");
    check_bad(&qmp_query_chardev, "{}", "internal error: QEMU's reply is not a list");
    check_bad(&qmp_query_chardev, "[5]", "internal error: QEMU's reply has no 'label'");
    check_bad(&qmp_query_stats, "[{\"provider\": \"kvm\", \"stats\": {}}]",
              "internal error: QEMU's reply has a wrong kind of 'stats'");
}

static void test_unsigned(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct json_object *json JSON_AUTO =
        parse("{\"stats\": {\"stat-free-memory\": 18446744073709551615, \"stat-swap-in\": -1}}");
    struct qmp_balloon_stats stats = {0};

    g_assert_cmpint(qmp_decode_struct(qmp_query_balloon_stats.shape, json, "QEMU's reply", &arena,
                                      &stats, NULL),
                    ==, 0);
    g_assert_cmpuint(stats.free_memory, ==, UINT64_MAX);
    g_assert_cmpuint(stats.swap_in, ==, 0);
}

/* ---- events ---- */

static int decode_event(const char *name, const char *data, struct qmp_event *event,
                        struct json_object **keep)
{
    *keep = data ? parse(data) : NULL;
    return qmp_event_decode(name, *keep, 1700000000, 7, event, NULL);
}

static void test_events(void)
{
    struct json_object *data = NULL;
    struct qmp_event event;

    g_assert_cmpint(
        decode_event("SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-panic\"}", &event, &data),
        ==, 0);
    g_assert_cmpint(event.kind, ==, QMP_EVENT_SHUTDOWN);
    g_assert_true(event.shutdown.by_guest);
    g_assert_cmpstr(event.shutdown.reason, ==, "guest-panic");
    g_assert_cmpint(event.seconds, ==, 1700000000);
    json_clear(&data);

    g_assert_cmpint(decode_event("SPICE_INITIALIZED",
                                 "{\"server\": {\"auth\": \"spice\"}, \"client\": {\"host\": "
                                 "\"::1\", \"port\": \"77\", \"family\": \"ipv6\"}}",
                                 &event, &data),
                    ==, 0);
    g_assert_cmpint(event.kind, ==, QMP_EVENT_GRAPHICS);
    g_assert_cmpint(event.graphics.phase, ==, QMP_GRAPHICS_INITIALIZE);
    g_assert_true(event.graphics.spice);
    g_assert_cmpstr(event.graphics.client.service, ==, "77");
    g_assert_cmpstr(event.graphics.auth, ==, "spice");
    json_clear(&data);

    g_assert_cmpint(decode_event("STOP", NULL, &event, &data), ==, 0);
    g_assert_cmpint(event.kind, ==, QMP_EVENT_STOP);
    g_assert_cmpint(decode_event("BRAND_NEW", NULL, &event, &data), ==, 0);
    g_assert_cmpint(event.kind, ==, QMP_EVENT_OTHER);
    g_assert_cmpstr(event.name, ==, "BRAND_NEW");
    g_assert_cmpint(decode_event("RTC_CHANGE", NULL, &event, &data), ==, -1);
    g_assert_cmpint(decode_event("RTC_CHANGE", "{\"offset\": \"x\"}", &event, &data), ==, -1);
    json_clear(&data);
}

static void count(const struct qmp_event *event, void *user)
{
    ++*(unsigned *)user;
}

static void test_dispatch(void)
{
    const struct qmp_event_handlers handlers = {.handle = {[QMP_EVENT_STOP] = count},
                                                .every = count};
    unsigned calls = 0;

    qmp_event_dispatch(&handlers, "STOP", NULL, 0, 0, &calls, NULL);
    g_assert_cmpuint(calls, ==, 2);
    qmp_event_dispatch(&handlers, "RESUME", NULL, 0, 0, &calls, NULL);
    g_assert_cmpuint(calls, ==, 3);
    g_assert_cmpint(qmp_event_dispatch(&handlers, "RTC_CHANGE", NULL, 0, 0, &calls, NULL), ==, -1);
    g_assert_cmpuint(calls, ==, 3);
}

/* ---- the real QEMU ---- */

struct setup {
    struct qmp_bench bench;
    struct process process;
    struct qmp *qmp;
    GAsyncQueue *events; /* names */
};

static void on_event(struct qmp *qmp, const char *name, struct json_object *data, int64_t seconds,
                     unsigned micros, void *user)
{
    g_async_queue_push(user, g_strdup(name));
}

static const struct qmp_ops ops = {.event = on_event};

static void begin(struct setup *setup)
{
    const char *const argv[] = {QEMU,
                                "-S",
                                "-no-user-config",
                                "-nodefaults",
                                "-nographic",
                                "-machine",
                                "q35,accel=tcg",
                                "-m",
                                "64",
                                "-chardev",
                                "socket,id=monitor,fd=3",
                                "-mon",
                                "chardev=monitor,mode=control",
                                "-chardev",
                                "pty,id=charserial0",
                                "-device",
                                "virtio-balloon-pci,id=balloon0",
                                "-blockdev",
                                "null-co,node-name=disk0,size=1048576",
                                "-device",
                                "virtio-blk-pci,drive=disk0,id=virtio-disk0",
                                "-device",
                                "VGA,id=video0",
                                NULL};
    struct process_fd fds[] = {{-1, 3}};
    const struct process_spec spec = {
        .argv = argv, .fds = fds, .fd_count = 1, .end_with_us = SIGKILL};
    struct qmp_settings settings = {.who = "guest 'real'"};
    g_autoptr(GError) error = NULL;
    int pair[2];

    setup->events = g_async_queue_new_full(g_free);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    fds[0].from = pair[1];
    process_start(&spec, &setup->process, &error);
    g_assert_no_error(error);
    close(pair[1]);
    qmp_bench_begin(&setup->bench);
    qmp_open(setup->bench.loop, pair[0], &settings, &ops, setup->events, &setup->qmp, &error);
    g_assert_no_error(error);
}

static void end(struct setup *setup)
{
    qmp_close(setup->qmp);
    process_kill(&setup->process, 5000);
    process_clear(&setup->process);
    qmp_bench_end(&setup->bench);
    g_async_queue_unref(setup->events);
}

static void check_event(struct setup *setup, const char *name)
{
    g_autofree char *event = g_async_queue_timeout_pop(setup->events, 10 * G_USEC_PER_SEC);

    g_assert_cmpstr(event, ==, name);
}

static void check_queries(struct setup *setup, struct arena *arena)
{
    g_autoptr(GError) error = NULL;
    struct qmp_status status;
    struct qmp_cpu *cpus;
    struct qmp_chardev *chardevs;
    struct qmp_list stats;
    struct qmp_block_node *nodes;
    unsigned length;

    g_assert_cmpint(qmp_get_status(setup->qmp, 0, arena, &status, &error), ==, 0);
    g_assert_cmpstr(status.status, ==, "prelaunch");
    g_assert_cmpint(qmp_get_cpus_fast(setup->qmp, 0, arena, &cpus, &length, &error), ==, 0);
    g_assert_cmpuint(length, ==, 1);
    g_assert_cmpint(cpus[0].thread_id, >, 0);
    g_assert_cmpint(qmp_get_chardev(setup->qmp, 0, arena, &chardevs, &length, &error), ==, 0);
    g_assert_true(g_str_has_prefix(qmp_chardev_pty(chardevs, length, "charserial0"), "/dev/pts/"));
    g_assert_cmpint(
        qmp_run_query(setup->qmp, &qmp_query_blockstats, NULL, 0, arena, &stats, &error), ==, 0);
    g_assert_cmpuint(stats.count, ==, 1);
    g_assert_nonnull(strstr(((struct qmp_block_stats *)stats.items)->qdev, "virtio-disk0"));
    g_assert_cmpint(qmp_get_named_block_nodes(setup->qmp, 0, arena, &nodes, &length, &error), ==,
                    0);
    g_assert_cmpstr(nodes[0].node, ==, "disk0");
    g_assert_cmpuint(nodes[0].capacity, ==, 1048576);
}

static void check_changes(struct setup *setup)
{
    const char *balloon = "/machine/peripheral/balloon0";
    g_autofree char *picture = NULL, *text = NULL;
    g_autoptr(GError) error = NULL;
    struct qmp_balloon_stats stats;
    uint64_t bytes;
    autofd int file = g_file_open_tmp("screen-XXXXXX", &picture, NULL);

    g_assert_cmpint(qmp_execute(setup->qmp, "cont", NULL, 0, NULL, &error), ==, 0);
    check_event(setup, "RESUME");
    g_assert_cmpint(qmp_execute(setup->qmp, "stop", NULL, 0, NULL, &error), ==, 0);
    check_event(setup, "STOP");
    g_assert_cmpint(qmp_get_balloon(setup->qmp, 0, &bytes, &error), ==, 0);
    g_assert_cmpuint(bytes, ==, 64 << 20);
    g_assert_cmpint(qmp_set_balloon_period(setup->qmp, balloon, 5, 0, &error), ==, 0);
    g_assert_cmpint(qmp_run_query(setup->qmp, &qmp_query_balloon_stats,
                                  qmp_balloon_stats_arguments(balloon), 0, NULL, &stats, &error),
                    ==, 0);
    g_assert_cmpuint(stats.free_memory, ==, UINT64_MAX);
    g_assert_cmpint(qmp_human(setup->qmp, "info name", 0, &text, &error), ==, 0);
    g_assert_cmpint(qmp_send_keys(setup->qmp, (const unsigned[]){29, 46}, 2, 10, 0, &error), ==, 0);
    g_assert_cmpint(qmp_screendump(setup->qmp, picture, NULL, 0, true, 0, &error), ==, 0);
    g_assert_cmpint(lseek(file, 0, SEEK_END), >, 0);
    unlink(picture);
    g_assert_cmpint(qmp_getfd(setup->qmp, "a", file, 0, &error), ==, 0);
    g_assert_cmpint(qmp_closefd(setup->qmp, "a", 0, &error), ==, 0);
    g_assert_cmpint(qmp_object_add(setup->qmp,
                                   json_build("s:qom-type", "iothread", "s:id", "io1", NULL), 0,
                                   &error),
                    ==, 0);
    g_assert_cmpint(qmp_object_del(setup->qmp, "io1", 0, &error), ==, 0);
    g_assert_no_error(error);
}

static void check_refusals(struct setup *setup)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(qmp_device_del(setup->qmp, "no-such", 0, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_DEVICE_MISSING));
    g_clear_error(&error);
    g_assert_cmpint(qmp_execute(setup->qmp, "no-such-command", NULL, 0, NULL, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_UNSUPPORTED));
    g_clear_error(&error);
    g_assert_cmpint(qmp_closefd(setup->qmp, "no-such", 0, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
}

static void test_real(void)
{
    struct setup setup;
    struct arena arena ARENA_AUTO = {0};

    if (access(QEMU, X_OK) < 0) {
        g_test_skip("no " QEMU);
        return;
    }
    begin(&setup);
    check_queries(&setup, &arena);
    check_changes(&setup);
    check_refusals(&setup);
    end(&setup);
}

/* A stopped process answers nothing, and everything after it goes on. */
static void test_frozen(void)
{
    struct setup setup;
    g_autoptr(GError) error = NULL;
    uint64_t bytes;

    if (access(QEMU, X_OK) < 0) {
        g_test_skip("no " QEMU);
        return;
    }
    begin(&setup);
    process_signal(&setup.process, SIGSTOP, NULL);
    g_assert_cmpint(qmp_get_balloon(setup.qmp, 200, &bytes, &error), ==, -1);
    g_assert_cmpstr(error->message, ==,
                    "Timed out during operation: guest 'real' did not answer QMP command "
                    "'query-balloon' within 200 ms");
    g_clear_error(&error);
    process_signal(&setup.process, SIGCONT, NULL);
    qmp_get_balloon(setup.qmp, 0, &bytes, &error);
    g_assert_no_error(error);
    g_assert_cmpint(qmp_execute(setup.qmp, "quit", NULL, 0, NULL, &error), ==, 0);
    check_event(&setup, "SHUTDOWN");
    end(&setup);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/build", test_build);
    g_test_add_func("/json/read", test_read);
    g_test_add_func("/qmp-commands/lists", test_lists);
    g_test_add_func("/qmp-commands/words", test_words);
    g_test_add_func("/qmp-commands/chardev-pty", test_chardev_pty);
    g_test_add_func("/qmp-commands/bad-replies", test_bad_replies);
    g_test_add_func("/qmp-commands/unsigned", test_unsigned);
    g_test_add_func("/qmp-events/decode", test_events);
    g_test_add_func("/qmp-events/dispatch", test_dispatch);
    g_test_add_func("/qmp-commands/real", test_real);
    g_test_add_func("/qmp-commands/frozen", test_frozen);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/error.h"
#include "qmp-peer.h"
#include "virtqemud/agent-replies.h"
#include "virtqemud/json.h"
#include "virtqemud/qmp.h"

/* A connection to an agent that says what the test's function has it say. */
struct setup {
    struct qmp_bench bench;
    struct qmp_peer *peer;
    struct qmp *qmp;
};

#define PATIENT_MS 20000
#define IMPATIENT_MS 100

static void begin(struct setup *setup, void (*speak)(int fd, void *data), void *data)
{
    static const struct qmp_ops ops = {0};
    struct qmp_settings settings = {.who = "guest 'x'"};
    int fd;

    qmp_bench_begin(&setup->bench);
    setup->peer = qmp_peer_start(speak, data, &fd);
    setup->qmp = qmp_open_agent(setup->bench.loop, fd, &settings, &ops, NULL);
}

static void end(struct setup *setup)
{
    qmp_close(setup->qmp);
    qmp_peer_join(setup->peer);
    qmp_bench_end(&setup->bench);
}

/* Reads guest-sync-delimited; returns its number. */
static int64_t read_sync(int fd)
{
    g_autofree char *line = qmp_peer_read(fd);

    g_assert_nonnull(line);
    g_assert_cmpint((unsigned char)line[0], ==, 0xff);
    struct json_object *command JSON_AUTO = json_tokener_parse(line + 1);
    g_assert_cmpstr(json_string_member(command, "execute"), ==, "guest-sync-delimited");
    g_assert_null(json_member(command, "id"));
    int64_t token = json_int_member(json_object_member(command, "arguments"), "id", 0);
    g_assert_cmpint(token, >, 0);
    return token;
}

static void answer_sync(int fd)
{
    qmp_peer_say(fd, "\xff{\"return\": %" G_GINT64_FORMAT "}", read_sync(fd));
}

static void expect(int fd, const char *line)
{
    g_autofree char *said = qmp_peer_read(fd);

    g_assert_cmpstr(said, ==, line);
}

static void check_number(struct setup *setup, const char *command, int64_t wanted)
{
    struct json_object *result JSON_AUTO = NULL;
    g_autoptr(GError) error = NULL;

    qmp_execute(setup->qmp, command, NULL, PATIENT_MS, &result, &error);
    g_assert_no_error(error);
    g_assert_cmpint(json_object_get_int64(result), ==, wanted);
}

static void check_sync(struct setup *setup)
{
    g_autoptr(GError) error = NULL;

    qmp_synchronize(setup->qmp, PATIENT_MS, &error);
    g_assert_no_error(error);
}

static void check_fails(struct setup *setup, const char *command, unsigned deadline_ms,
                        enum error_code code, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(qmp_execute(setup->qmp, command, NULL, deadline_ms, NULL, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_nonnull(strstr(error->message, words));
}

/* ---- what was said before ---- */

static void say_stale(int fd, void *data)
{
    int64_t token = read_sync(fd);

    qmp_peer_say(fd, "{\"return\": 1}");
    qmp_peer_say(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"late\"}}");
    qmp_peer_say(fd, "{\"return\": %" G_GINT64_FORMAT "}", token - 1);
    qmp_peer_say(fd, "not JSON, {\"retu");
    qmp_peer_say(fd, "{\"return\": \"x\"}{\"ret\xff{\"return\": %" G_GINT64_FORMAT "}", token);
    expect(fd, "{\"execute\":\"guest-get-time\"}");
    qmp_peer_say(fd, "{\"return\": 7}");
    qmp_peer_drain(fd);
}

static void test_stale(void)
{
    struct setup setup;

    begin(&setup, say_stale, NULL);
    check_sync(&setup);
    check_number(&setup, "guest-get-time", 7);
    end(&setup);
}

static void say_late(int fd, void *data)
{
    answer_sync(fd);
    expect(fd, "{\"execute\":\"guest-get-time\"}");
    /* says nothing until it is asked again */
    int64_t token = read_sync(fd);
    qmp_peer_say(fd, "{\"return\": 13}");
    qmp_peer_say(fd, "\xff{\"return\": %" G_GINT64_FORMAT "}", token);
    expect(fd, "{\"execute\":\"guest-other\"}");
    qmp_peer_say(fd, "{\"return\": 14}");
    qmp_peer_drain(fd);
}

static void test_late(void)
{
    struct setup setup;

    begin(&setup, say_late, NULL);
    check_sync(&setup);
    check_fails(&setup, "guest-get-time", IMPATIENT_MS, VIR_ERR_AGENT_COMMAND_TIMEOUT,
                "guest 'x' did not answer agent command 'guest-get-time' within 100 ms");
    check_sync(&setup);
    check_number(&setup, "guest-other", 14);
    end(&setup);
}

static void say_nothing(int fd, void *data)
{
    qmp_peer_drain(fd);
}

static void test_silence(void)
{
    struct setup setup;
    g_autoptr(GError) error = NULL;

    begin(&setup, say_nothing, NULL);
    g_assert_cmpint(qmp_synchronize(setup.qmp, IMPATIENT_MS, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_AGENT_UNRESPONSIVE);
    g_assert_true(qmp_is_open(setup.qmp));
    end(&setup);
}

/* ---- refusals and ends ---- */

static void say_refusals(int fd, void *data)
{
    expect(fd, "{\"execute\":\"guest-a\"}");
    qmp_peer_say(fd, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no such thing\"}}");
    expect(fd, "{\"execute\":\"guest-b\"}");
    qmp_peer_say(fd, "{\"error\": {\"desc\": \"a\\u001b]0;b\\nc\\u009bd\"}}");
    expect(fd, "{\"execute\":\"guest-b\"}");
    qmp_peer_say(fd, "{\"error\": {}}");
    expect(fd, "{\"execute\":\"guest-c\"}");
}

static void test_refusals(void)
{
    struct setup setup;

    begin(&setup, say_refusals, NULL);
    check_fails(&setup, "guest-a", PATIENT_MS, VIR_ERR_AGENT_COMMAND_FAILED,
                "unable to execute QEMU agent command 'guest-a': no such thing");
    check_fails(&setup, "guest-b", PATIENT_MS, VIR_ERR_AGENT_COMMAND_FAILED,
                "'guest-b': a ]0;b c d");
    check_fails(&setup, "guest-b", PATIENT_MS, VIR_ERR_AGENT_COMMAND_FAILED, "no reason given");
    check_fails(&setup, "guest-c", PATIENT_MS, VIR_ERR_AGENT_UNRESPONSIVE,
                "the agent of guest 'x' has gone");
    check_fails(&setup, "guest-d", PATIENT_MS, VIR_ERR_AGENT_UNRESPONSIVE, "has gone");
    end(&setup);
}

static void ignore_reply(struct qmp *qmp, struct json_object *result, const GError *error,
                         void *user)
{
}

static void test_one_at_a_time(void)
{
    struct setup setup;

    begin(&setup, say_nothing, NULL);
    qmp_send(setup.qmp, "guest-a", NULL, PATIENT_MS, ignore_reply, NULL);
    check_fails(&setup, "guest-b", PATIENT_MS, VIR_ERR_RESOURCE_BUSY, "unanswered agent commands");
    end(&setup);
}

/* ---- hostile ones ---- */

struct flood {
    const char *text;
    size_t length;
    bool cut_off;
};

static void say_flood(int fd, void *data)
{
    struct flood *flood = data;

    g_free(qmp_peer_read(fd));
    for (size_t said = 0; !flood->cut_off && said < (200u << 20); said += flood->length)
        flood->cut_off = !qmp_peer_write(fd, flood->text, flood->length);
}

/* Whatever it says endlessly while a command waits: it is cut off. */
static void check_flood(const char *text, size_t length, const char *words)
{
    struct flood flood = {text, length, false};
    struct setup setup;

    begin(&setup, say_flood, &flood);
    check_fails(&setup, "guest-ping", PATIENT_MS, VIR_ERR_AGENT_UNRESPONSIVE, words);
    end(&setup);
    g_assert_true(flood.cut_off);
}

static void test_floods(void)
{
    g_autofree char *spaces = g_strnfill(1 << 16, ' ');
    g_autofree char *lines = g_strnfill(1 << 16, '\n');
    g_autoptr(GString) messages = g_string_new(NULL);

    while (messages->len < (1 << 16))
        g_string_append(messages, "{\"event\": \"X\", \"data\": {\"return\": 5}}\n");
    check_flood(spaces, 1 << 16, "a line longer than 16 MiB");
    check_flood(lines, 1 << 16, "more than 32 MiB that are no answer");
    check_flood(messages->str, messages->len, "more than 32 MiB that are no answer");
}

static void say_deep(int fd, void *data)
{
    g_autofree char *deep = g_strnfill(100000, '[');
    g_autoptr(GString) wide = g_string_new("{\"return\": [");

    g_free(qmp_peer_read(fd));
    qmp_peer_say(fd, "{\"return\": %s}", deep);
    while (wide->len < (1 << 20))
        g_string_append(wide, "{},");
    qmp_peer_say(fd, "%s{}]}", wide->str);
    qmp_peer_drain(fd);
}

/* What would take too much memory is no answer. */
static void test_too_deep(void)
{
    struct setup setup;

    begin(&setup, say_deep, NULL);
    check_fails(&setup, "guest-ping", 1000, VIR_ERR_AGENT_COMMAND_TIMEOUT, "did not answer");
    end(&setup);
}

static void say_unasked(int fd, void *data)
{
    static const char noise[4096] = "noise";
    struct mailbox *mailbox = data;
    size_t said = 0;
    ssize_t sent;

    while ((sent = send(fd, noise, sizeof(noise), MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
        said += (size_t)sent;
    g_assert_cmpint(errno, ==, EAGAIN);
    mailbox_put(mailbox, GSIZE_TO_POINTER(said));
    int64_t token = read_sync(fd);
    qmp_peer_say(fd, "\xff{\"return\": %" G_GINT64_FORMAT "}", token);
    qmp_peer_drain(fd);
}

/* Nobody reads what nobody asked for: the guest fills its own socket, and nothing of ours. */
static void test_unasked(void)
{
    struct mailbox mailbox = {0};
    struct setup setup;
    struct qmp_usage usage;

    begin(&setup, say_unasked, &mailbox);
    g_assert_cmpuint(GPOINTER_TO_SIZE(mailbox_take(&mailbox)), >, 0);
    qmp_get_usage(setup.qmp, &usage);
    g_assert_cmpuint(usage.input_bytes, ==, 0);
    check_sync(&setup);
    end(&setup);
}

/* ---- replies ---- */

/* One whole reply each, whose members are then made wrong one after the other. */
static const struct sample {
    const struct qmp_query *query;
    const char *text;
} samples[] = {
    {&agent_query_users, "[{\"user\": \"a\", \"domain\": \"b\", \"login-time\": 5.5}]"},
    {&agent_query_os,
     "{\"id\": \"a\", \"name\": \"b\", \"pretty-name\": \"c\", \"version\": \"d\", "
     "\"version-id\": \"e\", \"machine\": \"f\", \"variant\": \"g\", \"variant-id\": \"h\", "
     "\"kernel-release\": \"i\", \"kernel-version\": \"j\"}"},
    {&agent_query_timezone, "{\"zone\": \"UTC\", \"offset\": -3600}"},
    {&agent_query_hostname, "{\"host-name\": \"a\"}"},
    {&agent_query_load, "{\"load1m\": 1, \"load5m\": 0.5, \"load15m\": 0}"},
    {&agent_query_keys, "{\"keys\": [\"ssh-rsa a\", \"ssh-rsa b\"]}"},
    {&agent_query_filesystems,
     "[{\"name\": \"vda\", \"mountpoint\": \"/\", \"type\": \"ext4\", \"total-bytes\": 2, "
     "\"used-bytes\": 1, \"disk\": [{\"pci-controller\": {\"domain\": 0, \"bus\": 1, \"slot\": 2, "
     "\"function\": 3}, \"bus-type\": \"virtio\", \"bus\": 0, \"target\": 0, \"unit\": 0, "
     "\"serial\": \"s\", \"dev\": \"/dev/vda\", \"ccw-address\": {\"cssid\": 1, \"ssid\": 2, "
     "\"devno\": 3}}]}]"},
    {&agent_query_disks,
     "[{\"name\": \"/dev/vda\", \"partition\": false, \"dependencies\": [\"x\"], \"alias\": \"y\", "
     "\"address\": {\"pci-controller\": {\"domain\": 0, \"bus\": 1, \"slot\": 2, \"function\": 3}, "
     "\"bus-type\": \"virtio\", \"bus\": 0, \"target\": 0, \"unit\": 0, \"serial\": \"s\", "
     "\"dev\": \"/dev/vda\"}}]"},
    {&agent_query_interfaces,
     "[{\"name\": \"eth0\", \"hardware-address\": \"52:54:00:00:00:01\", \"ip-addresses\": "
     "[{\"ip-address-type\": \"ipv4\", \"ip-address\": \"1.2.3.4\", \"prefix\": 24}]}]"},
    {&agent_query_cpus, "[{\"logical-id\": 0, \"online\": true, \"can-offline\": false}]"},
    {&agent_query_devices,
     "[{\"driver-name\": \"a\", \"driver-version\": \"1\", \"driver-date\": 5, \"id\": {\"type\": "
     "\"pci\", \"vendor-id\": 6900, \"device-id\": 4096}}]"},
};

static bool decodes(const struct qmp_query *query, struct json_object *json)
{
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GError) error = NULL;
    struct qmp_list list = {0};
    void *ret = query->list ? (void *)&list : arena_alloc(&arena, query->shape->size);

    if (agent_decode(query, json, &arena, ret, &error) == 0)
        return true;
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(error->message, query->command));
    return false;
}

static const char *const wrong_values[] = {
    "5", "-9223372036854775808", "1e300", "\"text\"", "{}", "[]", "[[]]", "[null]", "true", "null"};

/* Puts each wrong value in the place of each member, at any depth, and decodes; the whole text is
 * right again afterwards. */
static void spoil(const struct qmp_query *query, struct json_object *whole,
                  struct json_object *part, unsigned *refusals)
{
    if (json_object_is_type(part, json_type_array)) {
        spoil(query, whole, json_object_array_get_idx(part, 0), refusals);
        return;
    }
    if (!json_object_is_type(part, json_type_object))
        return;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    json_object_object_foreach(part, key, value)
    {
        g_ptr_array_add(names, g_strdup(key));
        (void)value;
    }
    for (guint i = 0; i < names->len; i++) {
        struct json_object *member = json_object_get(json_member(part, names->pdata[i]));

        for (size_t n = 0; n < G_N_ELEMENTS(wrong_values); n++) {
            json_object_object_add(part, names->pdata[i], json_tokener_parse(wrong_values[n]));
            *refusals += !decodes(query, whole);
        }
        json_object_object_add(part, names->pdata[i], member);
        spoil(query, whole, member, refusals);
    }
}

static void test_replies(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        struct json_object *json JSON_AUTO = json_tokener_parse(samples[i].text);
        unsigned refusals = 0;

        g_assert_true(decodes(samples[i].query, json));
        spoil(samples[i].query, json, json, &refusals);
        g_assert_cmpuint(refusals, >, 0);
        g_assert_true(decodes(samples[i].query, json));
        for (size_t n = 0; n < G_N_ELEMENTS(wrong_values); n++) {
            struct json_object *wrong JSON_AUTO = json_tokener_parse(wrong_values[n]);
            decodes(samples[i].query, wrong);
        }
    }
}

static void test_values(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct json_object *json JSON_AUTO = json_tokener_parse(samples[6].text);
    struct qmp_list list = {0};

    g_assert_cmpint(agent_decode(&agent_query_filesystems, json, &arena, &list, NULL), ==, 0);
    g_assert_cmpuint(list.count, ==, 1);
    const struct agent_filesystem *fs = list.items;
    g_assert_true(fs->has_total && fs->total == 2 && fs->has_used && fs->used == 1);
    g_assert_cmpuint(fs->disk_count, ==, 1);
    g_assert_true(fs->disks->has_pci && fs->disks->pci_bus == 1 && fs->disks->slot == 2 &&
                  fs->disks->function == 3 && fs->disks->has_ccw && fs->disks->devno == 3);
    g_assert_cmpstr(fs->disks->device, ==, "/dev/vda");

    struct json_object *load_json JSON_AUTO = json_tokener_parse(samples[4].text);
    struct agent_load load = {0};
    g_assert_cmpint(agent_decode(&agent_query_load, load_json, &arena, &load, NULL), ==, 0);
    g_assert_true(load.one == 1 && load.five == 0.5); /* exact: powers of two */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/stale", test_stale);
    g_test_add_func("/agent/late", test_late);
    g_test_add_func("/agent/silence", test_silence);
    g_test_add_func("/agent/refusals", test_refusals);
    g_test_add_func("/agent/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/agent/floods", test_floods);
    g_test_add_func("/agent/too-deep", test_too_deep);
    g_test_add_func("/agent/unasked", test_unasked);
    g_test_add_func("/agent/replies", test_replies);
    g_test_add_func("/agent/values", test_values);
    return g_test_run();
}

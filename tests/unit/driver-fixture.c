/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver-fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/authenticate.h"
#include "driver/connect.h"
#include "driver/domains.h"
#include "driver/events.h"
#include "driver/node.h"
#include "model/domain.h"
#include "wire/assembler.h"
#include "wire/error-message.h"
#include "wire/message.h"
#include "xml/xml.h"

enum { PATIENCE = 20000 }; /* ms: for what must happen */

static const struct object_kind kind = {
    .name = "domain",
    .schema = &domain_schema,
    .access = ACCESS_OBJECT_DOMAIN,
    .missing = VIR_ERR_NO_DOMAIN,
    .size = sizeof(struct object),
    .name_offset = offsetof(struct domain, name),
    .uuid_offset = offsetof(struct domain, uuid),
    .inactive_state = VIR_DOMAIN_SHUTOFF,
};

static const struct protocol_program *const programs[] = {&remote_program, &qemu_program, NULL};
static const struct server_service services[] = {
    [SERVICE_RW] = {.name = "rw"},
    [SERVICE_RO] = {.name = "ro", .read_only = true},
};

static int64_t now(void)
{
    return g_get_monotonic_time() / 1000;
}

/* ---- the daemon ---- */

static void connected(struct server_client *client, void *data)
{
    struct fixture *fixture = data;

    fixture->clients++;
    driver_connected(&fixture->daemon, client);
}

static void received(struct server_client *client, struct frame *frame, void *data)
{
    struct fixture *fixture = data;

    driver_frame(&fixture->daemon, client, frame);
}

static void disconnected(struct server_client *client, const GError *reason, void *data)
{
    struct fixture *fixture = data;

    authenticate_end(client);
    driver_disconnected(&fixture->daemon, client, reason);
    fixture->clients--;
}

static const struct server_handlers handlers = {connected, received, disconnected};

static void client_gone(struct client *client)
{
    g_autoptr(GPtrArray) objects = client_take_autodestroy(client);
    struct fixture *fixture = client->driver->data;

    g_atomic_int_add(&fixture->gone, (gint)objects->len);
}

static void make_daemon(struct fixture *fixture)
{
    static const struct daemon_spec spec = {.name = "testd", .error_from = VIR_FROM_QEMU};
    static const struct workers_limits threads = {.minimum = 0, .maximum = 4, .priority = 1};
    struct server_limits limits;
    g_autoptr(GError) error = NULL;

    server_limits_init(&limits);
    limits.connection.max_requests = 100;
    fixture->daemon.spec = &spec;
    fixture->daemon.settings.auth_unix_ro = fixture->daemon.settings.auth_unix_rw = (char *)"none";
    fixture->daemon.loop = loop_new(&error);
    g_assert_no_error(error);
    fixture->daemon.workers = workers_new("worker", &threads);
    fixture->daemon.patient = workers_new("patient", &threads);
    fixture->daemon.server = server_new(fixture->daemon.loop, "testd", &limits, &handlers, fixture);
}

static int write_status(struct object *object, const struct object_view *view, char **ret_text,
                        GError **error)
{
    *ret_text = xml_write(view->live, XML_WRITE_SECURE | XML_WRITE_STATUS);
    return 0;
}

static struct store *make_store(const char *folder)
{
    static const struct store_status status = {.write = write_status};
    g_autofree char *run = g_build_filename(folder, "run", NULL);
    struct store_spec spec = {.kind = &kind,
                              .config_folder = folder,
                              .autostart = true,
                              .status_folder = run,
                              .edit_command = "edit",
                              .status = &status};

    return store_new(&spec);
}

struct fixture *fixture_new(const struct driver_methods *rows)
{
    static const struct driver_methods *groups[] = {
        &connect_methods,     &events_methods,          &node_methods, &domain_list_methods,
        &domain_read_methods, &domain_describe_methods, NULL};
    static struct driver_spec spec = {.type = "TEST",
                                      .scheme = "test",
                                      .programs = programs,
                                      .groups = groups,
                                      .group_count = G_N_ELEMENTS(groups),
                                      .client_gone = client_gone};
    struct fixture *fixture = g_new0(struct fixture, 1);

    groups[G_N_ELEMENTS(groups) - 1] = rows;
    make_daemon(fixture);
    fixture->folder = g_dir_make_tmp("driver-XXXXXX", NULL);
    fixture->driver = driver_new(&spec, &fixture->daemon);
    fixture->driver->data = fixture;
    fixture->driver->registries[PROTOCOL_OBJECT_DOMAIN] = registry_new(&kind);
    fixture->driver->stores[PROTOCOL_OBJECT_DOMAIN] = make_store(fixture->folder);
    fixture->daemon.data = fixture->driver;
    return fixture;
}

static void remove_folder(const char *path)
{
    g_auto(GStrv) names = NULL;

    file_list(path, NULL, &names, NULL);
    for (char **name = names; name && *name; name++) {
        g_autofree char *child = g_build_filename(path, *name, NULL);
        if (unlink(child) < 0)
            remove_folder(child);
    }
    rmdir(path);
}

void fixture_free(struct fixture *fixture)
{
    struct daemon *daemon = &fixture->daemon;

    server_free(daemon->server);
    workers_drain(daemon->workers, -1);
    workers_drain(daemon->patient, -1);
    workers_free(daemon->workers);
    workers_free(daemon->patient);
    driver_free(fixture->driver);
    loop_free(daemon->loop);
    g_assert_cmpuint(fixture->clients, ==, 0);
    remove_folder(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture);
}

void fixture_run_until(struct fixture *fixture, const gint *flag, gint number)
{
    int64_t end = now() + PATIENCE;

    while (g_atomic_int_get(flag) != number) {
        g_assert_cmpint(now(), <, end);
        loop_step(fixture->daemon.loop, 1);
    }
}

void fixture_run(struct fixture *fixture, int milliseconds)
{
    int64_t end = now() + milliseconds;

    while (now() < end)
        loop_step(fixture->daemon.loop, 1);
}

struct object *fixture_define(struct fixture *fixture, const char *name)
{
    g_autofree char *text =
        g_strdup_printf("<domain type='qemu'><name>%s</name><memory>2048</memory>"
                        "<vcpu>2</vcpu><os><type>hvm</type></os></domain>",
                        name);
    g_autoptr(GError) error = NULL;
    struct domain *domain = (struct domain *)xml_read(&domain_schema, text, -1, 0, NULL, &error);
    struct job *job = NULL;

    g_assert_no_error(error);
    g_snprintf((char *)domain->uuid, sizeof(domain->uuid), "%s", name);
    registry_begin(fixture->driver->registries[PROTOCOL_OBJECT_DOMAIN], &domain->definition,
                   REGISTRY_NEW, "define", 0, &job, &error);
    g_assert_no_error(error);
    object_publish_config(job, &domain->definition);
    struct object *object = object_ref(job_object(job));
    job_end(job);
    return object;
}

struct remote_nonnull_domain fixture_handle(struct object *object)
{
    struct remote_nonnull_domain handle = {.name = object->current.name, .id = -1};

    memcpy(handle.uuid, object_uuid(object), sizeof(handle.uuid));
    return handle;
}

/* ---- clients ---- */

struct visitor *visitor_connect(struct fixture *fixture, enum service service)
{
    struct visitor *peer = g_new0(struct visitor, 1);
    g_autoptr(GError) error = NULL;
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    server_add_client(fixture->daemon.server, &services[service], pair[0], &error);
    g_assert_no_error(error);
    fixture->peers++;
    peer->fixture = fixture;
    peer->fd = pair[1];
    peer->received = g_byte_array_new();
    return peer;
}

struct visitor *visitor_open(struct fixture *fixture, enum service service)
{
    struct visitor *peer = visitor_connect(fixture, service);
    struct remote_connect_open_args args = {.name = "test:///system"};
    struct remote_auth_list_ret types;
    struct arena arena ARENA_AUTO = {0};

    visitor_call(peer, REMOTE_PROC_AUTH_LIST, NULL, &arena, &types);
    g_assert_cmpuint(types.types_len, ==, 1);
    g_assert_cmpint(types.types_val[0], ==, REMOTE_AUTH_NONE);
    visitor_call(peer, REMOTE_PROC_CONNECT_OPEN, &args, NULL, NULL);
    return peer;
}

void visitor_close(struct visitor *peer)
{
    struct fixture *fixture = peer->fixture;
    int64_t end = now() + PATIENCE;

    close(peer->fd);
    fixture->peers--;
    while (fixture->clients > fixture->peers) {
        g_assert_cmpint(now(), <, end);
        loop_step(fixture->daemon.loop, 1);
    }
    g_byte_array_unref(peer->received);
    g_free(peer);
}

static void send_all(struct visitor *peer, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t count = send(peer->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0)
            g_assert_cmpint(errno, ==, EAGAIN);
        else
            bytes += count, size -= (size_t)count;
        loop_step(peer->fixture->daemon.loop, 0);
    }
}

uint32_t visitor_send_bytes(struct visitor *peer, const struct protocol_program *program,
                            uint32_t procedure, const void *bytes, size_t size)
{
    struct frame_header header = {
        .program = program->number,
        .version = program->version,
        .procedure = (int32_t)procedure,
        .serial = ++peer->serial,
    };
    MESSAGE_AUTO struct message *message = message_new_with(&header, bytes, size);

    send_all(peer, message->bytes->data, message->bytes->len);
    return peer->serial;
}

uint32_t visitor_send(struct visitor *peer, const struct protocol_program *program,
                      uint32_t procedure, const void *args)
{
    const struct protocol_method *method = protocol_method_find(program, procedure);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;

    codec_encode(method->args, args, bytes, &error);
    g_assert_no_error(error);
    return visitor_send_bytes(peer, program, procedure, bytes->data, bytes->len);
}

/* One whole packet off the front of what was received, or NULL. */
static struct frame *take_packet(struct visitor *peer)
{
    struct assembler assembler = {0};
    const uint8_t *at = peer->received->data;
    size_t size = peer->received->len;
    struct frame *frame = NULL;

    if (size)
        g_assert_cmpint(assembler_feed(&assembler, &at, &size, &frame, NULL), ==, 0);
    assembler_clear(&assembler);
    if (frame)
        g_byte_array_remove_range(peer->received, 0, peer->received->len - (guint)size);
    return frame;
}

struct frame *visitor_read(struct visitor *peer)
{
    int64_t end = now() + PATIENCE;
    struct frame *frame;
    uint8_t bytes[65536];

    while (!(frame = take_packet(peer))) {
        ssize_t count = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        g_assert_cmpint(count, !=, 0);
        g_assert_cmpint(now(), <, end);
        if (count > 0)
            g_byte_array_append(peer->received, bytes, (guint)count);
        else
            loop_step(peer->fixture->daemon.loop, 1);
    }
    return frame;
}

void visitor_expect_nothing(struct visitor *peer)
{
    char byte;

    fixture_run(peer->fixture, 50);
    g_assert_cmpuint(peer->received->len, ==, 0);
    g_assert_cmpint(recv(peer->fd, &byte, 1, MSG_DONTWAIT), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}

GError *visitor_error(const struct frame *frame, uint32_t serial)
{
    g_assert_cmpint(frame->header.type, ==, FRAME_REPLY);
    g_assert_cmpuint(frame->header.serial, ==, serial);
    if (frame->header.status == FRAME_OK)
        return NULL;
    g_assert_cmpint(frame->header.status, ==, FRAME_ERROR);
    return error_message_decode(frame->payload, frame->payload_size);
}

void visitor_call(struct visitor *peer, uint32_t procedure, const void *args, struct arena *arena,
                  void *ret)
{
    const struct protocol_method *method = protocol_method_find(&remote_program, procedure);
    uint32_t serial = visitor_send(peer, &remote_program, procedure, args);
    FRAME_AUTO struct frame *frame = visitor_read(peer);
    g_autoptr(GError) error = visitor_error(frame, serial);

    g_assert_no_error(error);
    if (ret)
        codec_decode(method->ret, frame->payload, frame->payload_size, arena, ret, &error);
    g_assert_no_error(error);
}

void visitor_fail(struct visitor *peer, uint32_t procedure, const void *args, enum error_code code,
                  const char *part)
{
    uint32_t serial = visitor_send(peer, &remote_program, procedure, args);
    FRAME_AUTO struct frame *frame = visitor_read(peer);
    g_autoptr(GError) error = visitor_error(frame, serial);

    g_assert_nonnull(error);
    if (!strstr(error->message, part))
        g_test_message("%s", error->message);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_nonnull(strstr(error->message, part));
}

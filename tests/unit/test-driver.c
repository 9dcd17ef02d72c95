/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "driver-fixture.h"
#include "driver/domains.h"
#include "driver/events.h"
#include "protocol/remote-handlers.h"
#include "xml/definition.h"

#define EMPTY_ARGS 8192 /* zero bytes that decode as the arguments of any method */

/* ---- methods of the driver under test ---- */

static gint gate;   /* domain_shutdown() is in it: 1, may leave: 2 */
static gint called; /* by methods that must not be, or once */
static int last_fd;

int domain_create(struct call *call, const struct remote_domain_create_args *args, void *ret,
                  GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    object_publish_active(call->job, definition_copy(view.config), 7, VIR_DOMAIN_RUNNING, 0);
    return 0;
}

int domain_destroy(struct call *call, const struct remote_domain_destroy_args *args, void *ret,
                   GError **error)
{
    object_publish_inactive(call->job, VIR_DOMAIN_SHUTOFF, 0);
    return 0;
}

int domain_shutdown(struct call *call, const struct remote_domain_shutdown_args *args, void *ret,
                    GError **error)
{
    g_atomic_int_set(&gate, 1);
    while (g_atomic_int_get(&gate) != 2)
        g_usleep(1000);
    g_atomic_int_inc(&called);
    return 0;
}

/* Longer than a string may be on the wire. */
int domain_get_hostname(struct call *call, const struct remote_domain_get_hostname_args *args,
                        struct remote_domain_get_hostname_ret *ret, GError **error)
{
    size_t length = 5 * 1024 * 1024;

    ret->hostname = arena_alloc(&call->arena, length + 1);
    memset(ret->hostname, 'x', length);
    return 0;
}

/* Raises an event in its job. */
int domain_suspend(struct call *call, const struct remote_domain_suspend_args *args, void *ret,
                   GError **error)
{
    struct remote_domain_event_callback_lifecycle_msg message = {
        .msg = {.event = VIR_DOMAIN_EVENT_SUSPENDED}};

    domain_fill_handle(call, call->object, &message.msg.dom);
    events_raise(call->client->driver, call->job, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                 call->object, &message);
    return 0;
}

int domain_resume(struct call *call, const struct remote_domain_resume_args *args, void *ret,
                  GError **error)
{
    g_atomic_int_inc(&called);
    return 0;
}

/* The object ends with its client. */
int domain_reset(struct call *call, const struct remote_domain_reset_args *args, void *ret,
                 GError **error)
{
    if (client_add_autodestroy(call->client, call->object))
        return 0;
    error_set(error, VIR_ERR_OPERATION_ABORTED, "the client has gone");
    return -1;
}

/* Fails with descriptors for the reply in hand. */
int domain_open_graphics_fd(struct call *call,
                            const struct remote_domain_open_graphics_fd_args *args, void *ret,
                            GError **error)
{
    last_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    call_reply_fd(call, last_fd);
    if (args->idx == 0)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "no display");
    return -1;
}

/* Says yes and opens no stream. */
int domain_open_console(struct call *call, const struct remote_domain_open_console_args *args,
                        void *ret, GError **error)
{
    if (!args->flags)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "no console");
    return -1;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_create), .job = true, .state = METHOD_INACTIVE},
    {.binding = HANDLER(remote, domain_destroy), .job = true, .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_shutdown)},
    {.binding = HANDLER(remote, domain_get_hostname), .flags = 1},
    {.binding = HANDLER(remote, domain_suspend), .job = true},
    {.binding = HANDLER(remote, domain_resume), .job = true},
    {.binding = HANDLER(remote, domain_reset), .state = METHOD_PERSISTENT},
    {.binding = HANDLER(remote, domain_open_graphics_fd)},
    {.binding = HANDLER(remote, domain_open_console), .flags = 1},
};
static const struct driver_methods methods = DRIVER_METHODS(rows);

/* The arguments of methods that take a handle, alone or with flags. */
struct handle_args {
    struct remote_nonnull_domain dom;
    unsigned flags;
};

static struct handle_args args_of(struct object *object)
{
    return (struct handle_args){.dom = fixture_handle(object)};
}

/* ---- before and beside opening ---- */

static void test_unauthenticated(void)
{
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_connect(fixture, SERVICE_RW);

    visitor_fail(peer, REMOTE_PROC_CONNECT_OPEN, &(struct remote_connect_open_args){0}, VIR_ERR_RPC,
                 "authentication required");
    visitor_call(peer, REMOTE_PROC_AUTH_LIST, NULL, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_AUTH_POLKIT, NULL, VIR_ERR_AUTH_FAILED, "");
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_not_open(void)
{
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_connect(fixture, SERVICE_RW);
    struct remote_connect_supports_feature_args feature = {.feature = 10};
    struct remote_connect_supports_feature_ret supported;
    struct arena arena ARENA_AUTO = {0};
    struct remote_connect_open_args open = {.name = "test:///system"};

    visitor_call(peer, REMOTE_PROC_AUTH_LIST, NULL, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_CONNECT_GET_TYPE, NULL, VIR_ERR_INTERNAL_ERROR, "not open");
    visitor_call(peer, REMOTE_PROC_CONNECT_SUPPORTS_FEATURE, &feature, &arena, &supported);
    g_assert_cmpint(supported.supported, ==, 1);
    feature.feature = 14;
    visitor_fail(peer, REMOTE_PROC_CONNECT_SUPPORTS_FEATURE, &feature, VIR_ERR_INTERNAL_ERROR,
                 "not open");
    visitor_call(peer, REMOTE_PROC_CONNECT_OPEN, &open, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_CONNECT_OPEN, &open, VIR_ERR_INTERNAL_ERROR, "already open");
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_uris(void)
{
    static const struct {
        const char *name;
        enum error_code code; /* 0: it opens */
    } uris[] = {
        {NULL, 0},
        {"", 0},
        {"test:///system", 0},
        {"test:///session", 0}, /* root's is the system's */
        {"test:///system?a=b#c", 0},
        {"test://host/system", 0},
        {"qemu:///system", VIR_ERR_NO_CONNECT},
        {"tes:///system", VIR_ERR_NO_CONNECT},
        {"test", VIR_ERR_NO_CONNECT},
        {"test:///other", VIR_ERR_INTERNAL_ERROR},
        {"test:///systems", VIR_ERR_INTERNAL_ERROR},
        {"test://", VIR_ERR_INTERNAL_ERROR},
    };
    struct fixture *fixture = fixture_new(&methods);

    for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
        struct visitor *peer = visitor_connect(fixture, SERVICE_RW);
        struct remote_connect_open_args args = {.name = (char *)uris[i].name};

        visitor_call(peer, REMOTE_PROC_AUTH_LIST, NULL, NULL, NULL);
        if (uris[i].code)
            visitor_fail(peer, REMOTE_PROC_CONNECT_OPEN, &args, uris[i].code, "test:///system");
        else
            visitor_call(peer, REMOTE_PROC_CONNECT_OPEN, &args, NULL, NULL);
        visitor_close(peer);
    }
    fixture_free(fixture);
}

static void test_close(void)
{
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    char byte;

    visitor_call(peer, REMOTE_PROC_CONNECT_CLOSE, NULL, NULL, NULL);
    for (int i = 0; i < 1000 && fixture->clients; i++)
        loop_step(fixture->daemon.loop, 10);
    g_assert_cmpuint(fixture->clients, ==, 0);
    g_assert_cmpint(recv(peer->fd, &byte, 1, MSG_DONTWAIT), ==, 0);
    visitor_close(peer);
    fixture_free(fixture);
}

/* ---- what is no call of ours ---- */

static void expect_refusal(struct visitor *peer, const struct protocol_program *program,
                           uint32_t procedure, const char *words)
{
    uint32_t serial = visitor_send_bytes(peer, program, procedure, NULL, 0);
    FRAME_AUTO struct frame *frame = visitor_read(peer);
    g_autoptr(GError) error = visitor_error(frame, serial);

    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_RPC);
    g_assert_cmpint(error_from_of(error, VIR_FROM_NONE), ==, VIR_FROM_RPC);
    g_assert_cmpstr(error->message, ==, words);
}

static void test_unknown(void)
{
    struct protocol_program other = remote_program;
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);

    expect_refusal(peer, &remote_program, 0, "unknown procedure: 0");
    expect_refusal(peer, &remote_program, 9999, "unknown procedure: 9999");
    expect_refusal(peer, &remote_program, G_MAXUINT32, "unknown procedure: -1");
    /* an event is no call */
    expect_refusal(peer, &remote_program, REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE,
                   "unknown procedure: 107");
    other.version = 2;
    expect_refusal(peer, &other, 1, "Cannot find program 536903814 version 2");
    expect_refusal(peer, &lxc_program, 1, "Cannot find program 425984 version 1");
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_garbage(void)
{
    static const uint8_t bytes[64] = {0xff, 0xff, 0xff, 0xff};
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);

    for (size_t size = 0; size <= sizeof(bytes); size++) {
        uint32_t serial =
            visitor_send_bytes(peer, &remote_program, REMOTE_PROC_DOMAIN_CREATE, bytes, size);
        FRAME_AUTO struct frame *frame = visitor_read(peer);
        g_autoptr(GError) error = visitor_error(frame, serial);

        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_RPC);
    }
    visitor_close(peer);
    fixture_free(fixture);
}

/* ---- the read-only rule ---- */

/* Every method of a program with arguments that are all zero: no flag that would make it a change,
 * and none that would make it a question. */
static unsigned walk_readonly(struct visitor *peer, const struct protocol_program *program)
{
    static const uint8_t zeros[EMPTY_ARGS];
    unsigned refused = 0;

    for (unsigned number = 1; number <= program->n_methods; number++) {
        const struct protocol_method *method = protocol_method_find(program, number);
        struct arena arena ARENA_AUTO = {0};

        if (!method || method->event || !method->needs_auth ||
            strcmp(method->name, "CONNECT_CLOSE") == 0 ||
            strcmp(method->name, "CONNECT_SET_IDENTITY") == 0) /* asks who calls itself */
            continue;
        void *args = method->args ? arena_alloc(&arena, method->args->size) : NULL;
        g_assert_cmpint(codec_decode(method->args, zeros, sizeof(zeros), &arena, args, NULL), ==,
                        0);
        uint32_t serial = visitor_send_bytes(peer, program, number, zeros, sizeof(zeros));
        FRAME_AUTO struct frame *frame = visitor_read(peer);
        g_autoptr(GError) error = visitor_error(frame, serial);
        bool denied = error_is(error, VIR_ERR_OPERATION_DENIED);

        if (denied == protocol_method_is_read(method, args))
            g_error("%s is %s", method->name, denied ? "denied" : "not denied");
        if (!denied)
            continue;
        g_assert_cmpint(error_from_of(error, VIR_FROM_NONE), ==, VIR_FROM_DOMAIN);
        g_assert_nonnull(strstr(error->message, protocol_method_word(method)));
        refused++;
    }
    return refused;
}

static void test_readonly(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_open(fixture, SERVICE_RO);
    struct remote_domain_get_xml_desc_args args = {.dom = fixture_handle(object)};

    called = 0;
    g_assert_cmpuint(walk_readonly(peer, &remote_program), >, 150);
    g_assert_cmpuint(walk_readonly(peer, &qemu_program), >, 0);
    g_assert_cmpint(called, ==, 0);
    /* a flag may make the difference */
    visitor_call(peer, REMOTE_PROC_DOMAIN_GET_XML_DESC, &args, NULL, NULL);
    args.flags = VIR_DOMAIN_XML_SECURE;
    visitor_fail(peer, REMOTE_PROC_DOMAIN_GET_XML_DESC, &args, VIR_ERR_OPERATION_DENIED,
                 "read only access prevents virDomainGetXMLDesc");
    visitor_close(peer);
    fixture_free(fixture);
}

/* The same by a flag of the opening, on the socket that allows all. */
static void test_opened_readonly(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_connect(fixture, SERVICE_RW);
    struct remote_connect_open_args open = {.flags = VIR_CONNECT_RO};
    struct handle_args args = args_of(object);

    visitor_call(peer, REMOTE_PROC_AUTH_LIST, NULL, NULL, NULL);
    visitor_call(peer, REMOTE_PROC_CONNECT_OPEN, &open, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_DOMAIN_CREATE, &args, VIR_ERR_OPERATION_DENIED,
                 "virDomainCreate");
    visitor_close(peer);
    fixture_free(fixture);
}

/* ---- the frame's steps ---- */

static void test_unbound(void)
{
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct remote_domain_create_xml_args args = {.xml_desc = ""};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_CREATE_XML, &args, VIR_ERR_NO_SUPPORT,
                 "not supported by the connection driver: virDomainCreateXML");
    /* one that would open a stream */
    visitor_fail(peer, REMOTE_PROC_DOMAIN_SCREENSHOT,
                 &(struct remote_domain_screenshot_args){.dom = {.name = ""}}, VIR_ERR_NO_SUPPORT,
                 "virDomainScreenshot");
    visitor_expect_nothing(peer);
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_flags(void)
{
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct remote_connect_list_all_domains_args args = {.flags = 0x10000};

    visitor_fail(peer, REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS, &args, VIR_ERR_INVALID_ARG,
                 "unsupported flags (0x10000) in function virConnectListAllDomains");
    args.flags = 0xffff;
    visitor_call(peer, REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS, &args, NULL, NULL);
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_missing(void)
{
    struct fixture *fixture = fixture_new(&methods);
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct handle_args args = {.dom = {.name = "nobody", .uuid = {1}}};
    struct remote_domain_lookup_by_name_args name = {.name = "nobody"};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_CREATE, &args, VIR_ERR_NO_DOMAIN,
                 "no domain with matching uuid '01000000-0000-0000-0000-000000000000' (nobody)");
    visitor_fail(peer, REMOTE_PROC_DOMAIN_LOOKUP_BY_NAME, &name, VIR_ERR_NO_DOMAIN,
                 "no domain with matching name 'nobody'");
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_states(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct handle_args args = args_of(object);
    struct remote_connect_list_domains_args most = {.maxids = 10};
    struct remote_connect_list_domains_ret ids;
    struct arena arena ARENA_AUTO = {0};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_DESTROY, &args, VIR_ERR_OPERATION_INVALID,
                 "domain is not running");
    visitor_call(peer, REMOTE_PROC_DOMAIN_CREATE, &args, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_DOMAIN_CREATE, &args, VIR_ERR_OPERATION_INVALID,
                 "domain is already running");
    visitor_call(peer, REMOTE_PROC_CONNECT_LIST_DOMAINS, &most, &arena, &ids);
    g_assert_cmpuint(ids.ids_len, ==, 1);
    g_assert_cmpint(ids.ids_val[0], ==, 7);
    visitor_call(peer, REMOTE_PROC_DOMAIN_DESTROY, &args, NULL, NULL);
    g_assert_false(object_is_active(object));
    visitor_close(peer);
    fixture_free(fixture);
}

static void remove_object(struct fixture *fixture, struct job *job)
{
    object_publish_config(job, NULL);
    registry_remove(fixture->driver->registries[PROTOCOL_OBJECT_DOMAIN], job);
}

/* Two calls wait for the turn: one gets it, the other one's object goes. */
static void test_job(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct handle_args args = args_of(object);
    struct job_info info = {0};
    struct job *job = NULL;

    called = 0;
    g_assert_cmpint(job_begin(object, JOB_MODIFY, "test", 0, &job, NULL), ==, 0);
    uint32_t first = visitor_send(peer, &remote_program, REMOTE_PROC_DOMAIN_RESUME, &args);
    visitor_expect_nothing(peer);
    job_set_max_queued(1);
    visitor_fail(peer, REMOTE_PROC_DOMAIN_RESUME, &args, VIR_ERR_OPERATION_FAILED,
                 "cannot acquire state change lock");
    job_set_max_queued(0);
    job_end(job);
    FRAME_AUTO struct frame *frame = visitor_read(peer);
    g_assert_null(visitor_error(frame, first));
    g_assert_cmpint(called, ==, 1);

    g_assert_cmpint(job_begin(object, JOB_MODIFY, "test", 5000, &job, NULL), ==, 0);
    uint32_t second = visitor_send(peer, &remote_program, REMOTE_PROC_DOMAIN_RESUME, &args);
    while (info.waiting == 0) {
        loop_step(fixture->daemon.loop, 1);
        job_get_info(object, &info);
    }
    remove_object(fixture, job);
    job_end(job);
    FRAME_AUTO struct frame *other = visitor_read(peer);
    g_autoptr(GError) error = visitor_error(other, second);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_NO_DOMAIN);
    g_assert_cmpint(called, ==, 1);
    visitor_close(peer);
    fixture_free(fixture);
}

/* A reader that found an object just before it was removed gets an error, not a NULL definition. */
static void test_removed(void)
{
    static const uint32_t readers[] = {
        REMOTE_PROC_DOMAIN_GET_XML_DESC,   REMOTE_PROC_DOMAIN_GET_OS_TYPE,
        REMOTE_PROC_DOMAIN_GET_MAX_MEMORY, REMOTE_PROC_DOMAIN_GET_MAX_VCPUS,
        REMOTE_PROC_DOMAIN_GET_STATE,      REMOTE_PROC_DOMAIN_GET_VCPUS_FLAGS,
        REMOTE_PROC_DOMAIN_IS_UPDATED,     REMOTE_PROC_DOMAIN_GET_AUTOSTART,
    };
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct request request = {.method = NULL};
    struct call call = {.object = object, .request = &request};
    struct job *job = NULL;

    g_assert_cmpint(job_begin(object, JOB_MODIFY, "test", 0, &job, NULL), ==, 0);
    remove_object(fixture, job);
    job_end(job);
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
        uint64_t args[64] = {0}, ret[64];
        const struct method *method =
            driver_find_method(fixture->driver, protocol_method_find(&remote_program, readers[i]));
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(method->binding.handler(&call, args, ret, &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_NO_DOMAIN);
    }
    arena_clear(&call.arena);
    fixture_free(fixture);
}

static void test_too_large(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct remote_domain_get_hostname_args args = {.dom = fixture_handle(object)};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_GET_HOSTNAME, &args, VIR_ERR_RPC, "virDomainGetHostname");
    visitor_call(peer, REMOTE_PROC_CONNECT_GET_TYPE, NULL, NULL, NULL); /* the link is as before */
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_descriptors(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct remote_domain_open_graphics_fd_args args = {.dom = fixture_handle(object), .idx = 1};
    char header[FRAME_LENGTH_MIN + 4];

    visitor_fail(peer, REMOTE_PROC_DOMAIN_OPEN_GRAPHICS_FD, &args, VIR_ERR_OPERATION_FAILED,
                 "no display");
    g_assert_cmpint(fcntl(last_fd, F_GETFD), ==, -1);
    args.idx = 0;
    visitor_send(peer, &remote_program, REMOTE_PROC_DOMAIN_OPEN_GRAPHICS_FD, &args);
    while (recv(peer->fd, header, sizeof(header), MSG_DONTWAIT | MSG_PEEK) < 0)
        loop_step(fixture->daemon.loop, 1);
    g_assert_cmpint(recv(peer->fd, header, sizeof(header), 0), ==, sizeof(header));
    g_assert_cmpint(frame_read_u32((uint8_t *)header + 16), ==, FRAME_REPLY_WITH_FDS);
    g_assert_cmpint(frame_read_u32((uint8_t *)header + 28), ==, 1);
    fixture_run(fixture, 20);
    g_assert_cmpint(fcntl(last_fd, F_GETFD), ==, -1); /* sent, and no more ours */
    visitor_close(peer);
    fixture_free(fixture);
}

static void test_streams(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "a");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct remote_domain_open_console_args args = {.dom = fixture_handle(object), .flags = 1};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_OPEN_CONSOLE, &args, VIR_ERR_OPERATION_FAILED,
                 "no console");
    args.flags = 0;
    visitor_call(peer, REMOTE_PROC_DOMAIN_OPEN_CONSOLE, &args, NULL, NULL);
    FRAME_AUTO struct frame *frame = visitor_read(peer);
    g_assert_cmpint(frame->header.type, ==, FRAME_STREAM);
    g_assert_cmpint(frame->header.status, ==, FRAME_ERROR);
    visitor_close(peer);
    fixture_free(fixture);
}

/* ---- events ---- */

static void expect_event(struct visitor *peer, uint32_t procedure, int callback_id,
                         const char *name)
{
    const struct protocol_method *method = protocol_method_find(&remote_program, procedure);
    FRAME_AUTO struct frame *frame = visitor_read(peer);
    struct remote_domain_event_callback_lifecycle_msg modern;
    struct remote_domain_event_lifecycle_msg legacy;
    struct arena arena ARENA_AUTO = {0};
    bool is_legacy = callback_id < 0;

    g_assert_cmpint(frame->header.type, ==, FRAME_MESSAGE);
    g_assert_cmpint(frame->header.procedure, ==, procedure);
    g_assert_cmpint(codec_decode(method->msg, frame->payload, frame->payload_size, &arena,
                                 is_legacy ? (void *)&legacy : &modern, NULL),
                    ==, 0);
    if (is_legacy)
        modern.msg = legacy;
    else
        g_assert_cmpint(modern.callbackID, ==, callback_id);
    g_assert_cmpstr(modern.msg.dom.name, ==, name);
    g_assert_cmpint(modern.msg.event, ==, VIR_DOMAIN_EVENT_SUSPENDED);
}

static int register_modern(struct visitor *peer, struct object *object)
{
    struct remote_nonnull_domain handle;
    struct remote_connect_domain_event_callback_register_any_args args = {
        .eventID = VIR_DOMAIN_EVENT_ID_LIFECYCLE};
    struct remote_connect_domain_event_callback_register_any_ret ret;
    struct arena arena ARENA_AUTO = {0};

    if (object) {
        handle = fixture_handle(object);
        args.dom = &handle;
    }
    visitor_call(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, &args, &arena, &ret);
    return ret.callbackID;
}

static void test_modern_events(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *one = fixture_define(fixture, "one");
    OBJECT_AUTO struct object *two = fixture_define(fixture, "two");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW),
                   *actor = visitor_open(fixture, SERVICE_RW);
    struct handle_args args = args_of(one), others = args_of(two);
    struct remote_connect_domain_event_callback_deregister_any_args end = {.callbackID = 0};
    struct remote_connect_domain_event_callback_register_any_args odd = {.eventID = 4711};

    g_assert_cmpint(register_modern(peer, NULL), ==, 0);
    g_assert_cmpint(register_modern(peer, one), ==, 1);
    visitor_call(actor, REMOTE_PROC_DOMAIN_SUSPEND, &args, NULL, NULL);
    expect_event(peer, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE, 0, "one");
    expect_event(peer, REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE, 1, "one");
    visitor_call(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY, &end, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY, &end,
                 VIR_ERR_INTERNAL_ERROR, "domain event callback 0 not registered");
    visitor_call(actor, REMOTE_PROC_DOMAIN_SUSPEND, &others, NULL, NULL);
    visitor_expect_nothing(peer);
    visitor_fail(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, &odd,
                 VIR_ERR_INVALID_ARG, "4711");
    visitor_expect_nothing(actor);
    visitor_close(peer);
    visitor_call(actor, REMOTE_PROC_DOMAIN_SUSPEND, &args, NULL, NULL); /* nobody is left to tell */
    visitor_close(actor);
    fixture_free(fixture);
}

static void test_legacy_events(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "one");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW),
                   *actor = visitor_open(fixture, SERVICE_RW);
    struct handle_args args = args_of(object);
    struct remote_connect_domain_event_register_any_args any = {.eventID =
                                                                    VIR_DOMAIN_EVENT_ID_LIFECYCLE};

    visitor_call(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_REGISTER, NULL, NULL, NULL);
    visitor_fail(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_REGISTER_ANY, &any, VIR_ERR_INVALID_ARG,
                 "already registered");
    visitor_call(actor, REMOTE_PROC_DOMAIN_SUSPEND, &args, NULL, NULL);
    expect_event(peer, REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE, -1, "one");
    visitor_call(peer, REMOTE_PROC_CONNECT_DOMAIN_EVENT_DEREGISTER, NULL, NULL, NULL);
    visitor_call(actor, REMOTE_PROC_DOMAIN_SUSPEND, &args, NULL, NULL);
    visitor_expect_nothing(peer);
    visitor_close(peer);
    visitor_close(actor);
    fixture_free(fixture);
}

/* While events come all the time, none is before the reply that tells the callback's number. */
static void test_event_order(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "one");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW),
                   *actor = visitor_open(fixture, SERVICE_RW);
    struct remote_connect_domain_event_callback_register_any_args args = {
        .eventID = VIR_DOMAIN_EVENT_ID_LIFECYCLE};
    struct handle_args suspend = args_of(object);

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 20; i++)
            visitor_send(actor, &remote_program, REMOTE_PROC_DOMAIN_SUSPEND, &suspend);
        uint32_t serial = visitor_send(
            peer, &remote_program, REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, &args);
        bool told = false;
        while (!told) {
            FRAME_AUTO struct frame *frame = visitor_read(peer);

            told = frame->header.type == FRAME_REPLY && frame->header.serial == serial;
            if (!told) /* of a registration of an earlier round */
                g_assert_cmpuint(frame_read_u32(frame->payload), <, (uint32_t)round);
        }
        for (int i = 0; i < 20; i++)
            frame_free(visitor_read(actor));
    }
    visitor_close(peer);
    visitor_close(actor);
    fixture_free(fixture);
}

/* ---- clients that go ---- */

static void test_gone_while_served(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "one");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct handle_args args = args_of(object);

    called = gate = 0;
    visitor_send(peer, &remote_program, REMOTE_PROC_DOMAIN_SHUTDOWN, &args);
    fixture_run_until(fixture, &gate, 1);
    visitor_close(peer);
    g_atomic_int_set(&gate, 2);
    fixture_run_until(fixture, &called, 1);
    fixture_free(fixture);
}

static void test_autodestroy(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *one = fixture_define(fixture, "one");
    OBJECT_AUTO struct object *two = fixture_define(fixture, "two");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct handle_args first = args_of(one), second = args_of(two);

    visitor_call(peer, REMOTE_PROC_DOMAIN_RESET, &first, NULL, NULL);
    visitor_call(peer, REMOTE_PROC_DOMAIN_RESET, &first, NULL, NULL); /* once is enough */
    visitor_call(peer, REMOTE_PROC_DOMAIN_RESET, &second, NULL, NULL);
    visitor_close(peer);
    fixture_run_until(fixture, &fixture->gone, 2);
    fixture_free(fixture);
}

/* ---- changing ---- */

static void test_set_metadata(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "one");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    struct remote_domain_set_metadata_args set = {
        .dom = fixture_handle(object), .type = VIR_DOMAIN_METADATA_TITLE, .metadata = "a title"};
    struct remote_domain_get_metadata_args get = {.dom = fixture_handle(object),
                                                  .type = VIR_DOMAIN_METADATA_TITLE};
    struct remote_domain_get_metadata_ret got;
    struct arena arena ARENA_AUTO = {0};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_GET_METADATA, &get, VIR_ERR_NO_DOMAIN_METADATA, "");
    visitor_call(peer, REMOTE_PROC_DOMAIN_SET_METADATA, &set, NULL, NULL);
    visitor_call(peer, REMOTE_PROC_DOMAIN_GET_METADATA, &get, &arena, &got);
    g_assert_cmpstr(got.metadata, ==, "a title");
    set.metadata = "two\nlines";
    visitor_fail(peer, REMOTE_PROC_DOMAIN_SET_METADATA, &set, VIR_ERR_INVALID_ARG, "newlines");
    set.flags = VIR_DOMAIN_AFFECT_LIVE;
    set.metadata = "another";
    visitor_fail(peer, REMOTE_PROC_DOMAIN_SET_METADATA, &set, VIR_ERR_OPERATION_INVALID,
                 "not running");
    set.type = get.type = 17;
    visitor_fail(peer, REMOTE_PROC_DOMAIN_GET_METADATA, &get, VIR_ERR_INVALID_ARG, "17");
    visitor_close(peer);
    fixture_free(fixture);
}

/* Nothing is stored that a restarted daemon could not read: four megabytes are allowed on the wire,
 * and as quotes they become six times as much. */
static void test_inflated(void)
{
    struct fixture *fixture = fixture_new(&methods);
    OBJECT_AUTO struct object *object = fixture_define(fixture, "one");
    struct visitor *peer = visitor_open(fixture, SERVICE_RW);
    g_autofree char *text = g_strnfill(4 * 1024 * 1024 - 1, '"');
    struct remote_domain_set_metadata_args set = {
        .dom = fixture_handle(object), .type = VIR_DOMAIN_METADATA_DESCRIPTION, .metadata = text};

    visitor_fail(peer, REMOTE_PROC_DOMAIN_SET_METADATA, &set, VIR_ERR_XML_ERROR, "larger");
    visitor_close(peer);
    fixture_free(fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/driver/unauthenticated", test_unauthenticated);
    g_test_add_func("/driver/not-open", test_not_open);
    g_test_add_func("/driver/uris", test_uris);
    g_test_add_func("/driver/close", test_close);
    g_test_add_func("/driver/unknown", test_unknown);
    g_test_add_func("/driver/garbage", test_garbage);
    g_test_add_func("/driver/readonly", test_readonly);
    g_test_add_func("/driver/opened-readonly", test_opened_readonly);
    g_test_add_func("/driver/unbound", test_unbound);
    g_test_add_func("/driver/flags", test_flags);
    g_test_add_func("/driver/missing", test_missing);
    g_test_add_func("/driver/states", test_states);
    g_test_add_func("/driver/job", test_job);
    g_test_add_func("/driver/removed", test_removed);
    g_test_add_func("/driver/too-large", test_too_large);
    g_test_add_func("/driver/descriptors", test_descriptors);
    g_test_add_func("/driver/streams", test_streams);
    g_test_add_func("/driver/modern-events", test_modern_events);
    g_test_add_func("/driver/legacy-events", test_legacy_events);
    g_test_add_func("/driver/event-order", test_event_order);
    g_test_add_func("/driver/gone-while-served", test_gone_while_served);
    g_test_add_func("/driver/autodestroy", test_autodestroy);
    g_test_add_func("/driver/set-metadata", test_set_metadata);
    g_test_add_func("/driver/inflated", test_inflated);
    return g_test_run();
}

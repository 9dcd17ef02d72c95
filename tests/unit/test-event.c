/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/event.h"

#include <string.h>

#include "thing.h"

#define ID VIR_DOMAIN_EVENT_ID_LIFECYCLE
#define OTHER_ID VIR_DOMAIN_EVENT_ID_REBOOT

struct fixture {
    struct registry *registry;
    struct event_bus *bus;
    struct object *a, *b;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
    fixture->registry = registry_new(&thing_kind);
    fixture->bus = event_bus_new();
    fixture->a = thing_define(fixture->registry, "a", 1);
    fixture->b = thing_define(fixture->registry, "b", 2);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
    int before = thing_cleared();

    event_bus_free(fixture->bus);
    object_unref(fixture->a);
    object_unref(fixture->b);
    registry_free(fixture->registry);
    g_assert_cmpint(thing_cleared(), ==, before + 2);
}

/* A connection: what came is a line of "callback:number" each. */
struct client {
    GString *log;
    int released;
    bool refuses;
};

static void log_event(const struct event_registration *registration, const struct event *event)
{
    struct client *client = registration->data;
    g_autofree uint8_t *body = NULL;
    size_t length;

    body = event_get_body(event, registration, &length);
    if (registration->legacy) {
        g_assert_cmpuint(length, ==, 1);
        g_string_append_printf(client->log, "legacy:%d ", body[0]);
        return;
    }
    g_assert_cmpuint(length, ==, 5);
    g_assert_cmpint(body[3], ==, registration->callback_id);
    g_string_append_printf(client->log, "%d:%d ", registration->callback_id, body[4]);
}

static bool may_see(const struct event_registration *registration, const struct event *event)
{
    return !((struct client *)registration->data)->refuses;
}

static void release(gpointer data)
{
    ((struct client *)data)->released++;
}

static struct event *make_event(struct fixture *fixture, int id, struct object *object,
                                uint8_t number)
{
    uint8_t body[] = {0xff, 0xff, 0xff, 0xff, number};

    return event_new(fixture->bus, EVENT_DOMAIN, id, object, NULL, g_memdup2(body, sizeof(body)),
                     sizeof(body));
}

static struct event_request request_of(struct client *client, struct object *object)
{
    return (struct event_request){
        .owner = client,
        .family = EVENT_DOMAIN,
        .id = ID,
        .object = object,
        .sink = log_event,
        .allowed = may_see,
        .data = client,
        .release = release,
    };
}

static int add(struct fixture *fixture, struct client *client, struct object *object)
{
    struct event_request request = request_of(client, object);
    g_autoptr(GError) error = NULL;
    int callback = -1;

    event_register(fixture->bus, &request, &callback, &error);
    g_assert_no_error(error);
    event_activate(fixture->bus, client, EVENT_DOMAIN, callback);
    return callback;
}

static void expect(struct client *client, const char *log)
{
    g_assert_cmpstr(client->log->str, ==, log);
    g_string_truncate(client->log, 0);
}

static struct client *client_new(void)
{
    struct client *client = g_new0(struct client, 1);

    client->log = g_string_new(NULL);
    return client;
}

static void client_free(struct fixture *fixture, struct client *client)
{
    event_remove_owner(fixture->bus, client);
    g_string_free(client->log, TRUE);
    g_free(client);
}

/* ---- */

static void test_register(struct fixture *fixture, gconstpointer unused)
{
    struct client *client = client_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(event_is_wanted(fixture->bus, EVENT_DOMAIN, ID));
    g_assert_cmpint(add(fixture, client, NULL), ==, 0);
    g_assert_cmpint(add(fixture, client, fixture->b), ==, 1);
    g_assert_true(event_is_wanted(fixture->bus, EVENT_DOMAIN, ID));
    g_assert_false(event_is_wanted(fixture->bus, EVENT_NETWORK, ID));
    event_post(make_event(fixture, ID, fixture->a, 1));
    event_post(make_event(fixture, ID, fixture->b, 2));
    event_post(make_event(fixture, OTHER_ID, fixture->b, 3));
    expect(client, "0:1 0:2 1:2 ");
    client->refuses = true;
    event_post(make_event(fixture, ID, fixture->b, 4));
    expect(client, "");
    client->refuses = false;

    g_assert_cmpint(event_deregister(fixture->bus, client, EVENT_DOMAIN, 0, NULL), ==, 0);
    g_assert_cmpint(client->released, ==, 1);
    event_post(make_event(fixture, ID, fixture->a, 5));
    event_post(make_event(fixture, ID, fixture->b, 6));
    expect(client, "1:6 ");
    g_assert_cmpint(event_deregister(fixture->bus, client, EVENT_DOMAIN, 0, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_cmpstr(error->message, ==, "internal error: domain event callback 0 not registered");
    g_assert_cmpint(event_deregister(fixture->bus, client, EVENT_NETWORK, 1, NULL), ==, -1);
    g_assert_cmpint(event_deregister(fixture->bus, client, EVENT_DOMAIN, -1, NULL), ==, -1);
    g_assert_cmpint(add(fixture, client, NULL), ==, 2);
    event_remove_owner(fixture->bus, client);
    g_assert_cmpint(client->released, ==, 3);
    g_assert_false(event_is_wanted(fixture->bus, EVENT_DOMAIN, ID));
    g_assert_cmpint(add(fixture, client, NULL), ==, 0);
    client_free(fixture, client);
}

static void test_legacy(struct fixture *fixture, gconstpointer unused)
{
    struct client *client = client_new();
    struct event_request request = request_of(client, NULL);
    g_autoptr(GError) error = NULL;
    int callback = 77;

    request.legacy = true;
    g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
    g_assert_cmpint(callback, ==, -1);
    event_activate_legacy(fixture->bus, client, EVENT_DOMAIN, ID);
    event_post(make_event(fixture, ID, fixture->a, 1));
    expect(client, "legacy:1 ");
    g_assert_cmpint(event_register(fixture->bus, &request, &callback, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(add(fixture, client, NULL), ==, 0);
    g_assert_cmpint(event_deregister_legacy(fixture->bus, client, EVENT_DOMAIN, ID, NULL), ==, 0);
    g_assert_cmpint(event_deregister_legacy(fixture->bus, client, EVENT_DOMAIN, ID, NULL), ==, -1);
    event_post(make_event(fixture, ID, fixture->a, 2));
    expect(client, "0:2 ");
    client_free(fixture, client);
}

/* No event precedes the reply that carries its callback id, none after it is lost. */
static void test_activation(struct fixture *fixture, gconstpointer unused)
{
    struct client *client = client_new();
    struct event_request request = request_of(client, NULL);
    int callback;

    event_post(make_event(fixture, ID, fixture->a, 1));
    g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
    event_post(make_event(fixture, ID, fixture->a, 2));
    event_post(make_event(fixture, ID, fixture->b, 3));
    expect(client, "");
    event_activate(fixture->bus, client, EVENT_DOMAIN, callback);
    expect(client, "0:2 0:3 ");
    event_post(make_event(fixture, ID, fixture->a, 4));
    expect(client, "0:4 ");
    event_activate(fixture->bus, client, EVENT_DOMAIN, 99);

    g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
    event_post(make_event(fixture, ID, fixture->a, 5));
    g_assert_cmpint(event_deregister(fixture->bus, client, EVENT_DOMAIN, callback, NULL), ==, 0);
    event_activate(fixture->bus, client, EVENT_DOMAIN, callback);
    expect(client, "0:5 ");
    client_free(fixture, client);
}

static void test_job(struct fixture *fixture, gconstpointer unused)
{
    struct client *client = client_new();
    struct job *job = NULL;

    add(fixture, client, NULL);
    g_assert_cmpint(job_begin(fixture->a, JOB_MODIFY, "test", 0, &job, NULL), ==, 0);
    event_queue(job, make_event(fixture, ID, fixture->a, 1));
    event_queue(job, make_event(fixture, ID, fixture->a, 2));
    event_post(make_event(fixture, ID, fixture->b, 3));
    expect(client, "0:3 ");
    job_end(job);
    expect(client, "0:1 0:2 ");
    client_free(fixture, client);
}

/* Objects are known by uuid: an event of a new object of the same uuid matches. */
static void test_same_uuid(struct fixture *fixture, gconstpointer unused)
{
    DEFINITION_AUTO struct definition *definition = thing_new("another name", 1, NULL);
    OBJECT_AUTO struct object *reborn = object_new(&thing_kind, definition);
    struct client *client = client_new();
    int before = thing_cleared();

    add(fixture, client, fixture->a);
    event_post(make_event(fixture, ID, reborn, 9));
    expect(client, "0:9 ");
    client_free(fixture, client);
    object_unref(g_steal_pointer(&reborn));
    g_assert_cmpint(thing_cleared(), ==, before + 1);
}

/* ---- monitor events ---- */

static void log_name(const struct event_registration *registration, const struct event *event)
{
    g_string_append_printf(((struct client *)registration->data)->log, "%s ", event->monitor_event);
}

static void test_monitor(struct fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *filter;
        unsigned flags;
        const char *log;
    } cases[] = {
        {NULL, 0, "RTC_CHANGE STOP RTC "},
        {"RTC", 0, "RTC "},
        {"rtc", 0, ""},
        {"rtc", 2, "RTC "},
        {"^RTC", 1, "RTC_CHANGE RTC "},
        {"^r.c$", 1 | 2, "RTC "},
    };
    static const char *const names[] = {"RTC_CHANGE", "STOP", "RTC"};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct client *client = client_new();
        struct event_request request = request_of(client, NULL);
        int callback;

        request.family = EVENT_QEMU_MONITOR;
        request.id = 0;
        request.sink = log_name;
        request.monitor_event = cases[i].filter;
        request.monitor_flags = cases[i].flags;
        g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
        event_activate(fixture->bus, client, EVENT_QEMU_MONITOR, callback);
        for (size_t j = 0; j < G_N_ELEMENTS(names); j++)
            event_post(event_new(fixture->bus, EVENT_QEMU_MONITOR, 0, fixture->a, names[j],
                                 g_malloc0(4), 4));
        expect(client, cases[i].log);
        client_free(fixture, client);
    }
}

static void test_monitor_refused(struct fixture *fixture, gconstpointer unused)
{
    g_autofree char *endless = g_strnfill(EVENT_PATTERN_LIMIT + 1, 'A');
    const char *const bad[] = {"(", endless};
    struct client *client = client_new();
    struct event_request request = request_of(client, NULL);
    int callback = 42;

    request.family = EVENT_QEMU_MONITOR;
    request.monitor_flags = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        request.monitor_event = bad[i];
        g_assert_cmpint(event_register(fixture->bus, &request, &callback, &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_INVALID_ARG);
    }
    g_assert_cmpint(callback, ==, 42);
    g_assert_cmpint(client->released, ==, 0);
    client_free(fixture, client);
}

static void test_limit(struct fixture *fixture, gconstpointer unused)
{
    struct client *client = client_new();
    struct event_request request = request_of(client, NULL);
    g_autoptr(GError) error = NULL;
    int callback;

    for (int i = 0; i < EVENT_OWNER_LIMIT; i++)
        g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
    g_assert_cmpint(event_register(fixture->bus, &request, &callback, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_RESOURCE_BUSY);
    client_free(fixture, client);
}

/* ---- sinks that change the bus ---- */

struct meddler {
    struct fixture *fixture;
    int count;
};

static void meddle(const struct event_registration *registration, const struct event *event)
{
    struct meddler *meddler = registration->data;

    /* an event raised by a sink comes after this one; then it wants no more */
    if (meddler->count++ == 0)
        event_post(make_event(meddler->fixture, ID, event->object, 200));
    else
        event_deregister(meddler->fixture->bus, meddler, EVENT_DOMAIN, registration->callback_id,
                         NULL);
}

static void test_meddling(struct fixture *fixture, gconstpointer unused)
{
    struct meddler meddler = {.fixture = fixture};
    struct client *client = client_new();
    struct event_request request = {
        .owner = &meddler, .family = EVENT_DOMAIN, .id = ID, .sink = meddle, .data = &meddler};
    int callback;

    g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
    event_activate(fixture->bus, &meddler, EVENT_DOMAIN, callback);
    add(fixture, client, NULL);
    event_post(make_event(fixture, ID, fixture->a, 1));
    event_post(make_event(fixture, ID, fixture->a, 2));
    g_assert_cmpint(meddler.count, ==, 2);
    expect(client, "0:1 0:200 0:2 ");
    client_free(fixture, client);
    event_remove_owner(fixture->bus, &meddler);
}

/* Who registers while older events wait for delivery does not get those. */
struct recruiter {
    struct fixture *fixture;
    struct client *recruit;
};

static void recruit(const struct event_registration *registration, const struct event *event)
{
    struct recruiter *recruiter = registration->data;

    if (!event_is_wanted(recruiter->fixture->bus, EVENT_DOMAIN, OTHER_ID)) {
        struct event_request request = request_of(recruiter->recruit, NULL);
        int callback;

        request.id = OTHER_ID;
        g_assert_cmpint(event_register(recruiter->fixture->bus, &request, &callback, NULL), ==, 0);
        event_activate(recruiter->fixture->bus, recruiter->recruit, EVENT_DOMAIN, callback);
    }
}

static void test_older(struct fixture *fixture, gconstpointer unused)
{
    struct client *client = client_new();
    struct recruiter recruiter = {fixture, client};
    struct event_request request = {
        .owner = &recruiter, .family = EVENT_DOMAIN, .id = ID, .sink = recruit, .data = &recruiter};
    struct job *job = NULL;
    int callback;

    g_assert_cmpint(event_register(fixture->bus, &request, &callback, NULL), ==, 0);
    event_activate(fixture->bus, &recruiter, EVENT_DOMAIN, callback);
    g_assert_cmpint(job_begin(fixture->a, JOB_MODIFY, "test", 0, &job, NULL), ==, 0);
    event_queue(job, make_event(fixture, ID, fixture->a, 1));
    event_queue(job, make_event(fixture, OTHER_ID, fixture->a, 2));
    job_end(job);
    expect(client, "");
    event_post(make_event(fixture, OTHER_ID, fixture->a, 3));
    expect(client, "0:3 ");
    client_free(fixture, client);
    event_remove_owner(fixture->bus, &recruiter);
}

/* ---- a hundred connections, while others come and go, and several threads tell of events ---- */

#define OWNERS 100
#define POSTERS 4
#define EVENTS 300

struct listener {
    gint references;
    int last[POSTERS]; /* only the deliverer touches it, and there is one at a time */
    int count;
};

static void check_order(const struct event_registration *registration, const struct event *event)
{
    struct listener *listener = registration->data;
    uint32_t number;
    int poster;

    memcpy(&number, event->body + 4, sizeof(number));
    poster = (int)(number >> 16);
    g_assert_cmpint((int)(number & 0xffff), >, listener->last[poster]);
    listener->last[poster] = (int)(number & 0xffff);
    listener->count++;
}

static void release_listener(gpointer data)
{
    struct listener *listener = data;

    if (g_atomic_int_dec_and_test(&listener->references))
        g_free(listener);
}

static struct listener *listen(struct event_bus *bus)
{
    struct listener *listener = g_new0(struct listener, 1);
    struct event_request request = {.owner = listener,
                                    .family = EVENT_DOMAIN,
                                    .id = ID,
                                    .sink = check_order,
                                    .data = listener,
                                    .release = release_listener};
    int callback;

    listener->references = 2;
    g_assert_cmpint(event_register(bus, &request, &callback, NULL), ==, 0);
    event_activate(bus, listener, EVENT_DOMAIN, callback);
    return listener;
}

struct poster {
    struct fixture *fixture;
    uint32_t number;
};

static gpointer post_many(gpointer data)
{
    const struct poster *poster = data;

    for (uint32_t i = 1; i <= EVENTS; i++) {
        uint32_t body[2] = {0, poster->number << 16 | i};

        event_post(event_new(poster->fixture->bus, EVENT_DOMAIN, ID, poster->fixture->a, NULL,
                             g_memdup2(body, sizeof(body)), sizeof(body)));
    }
    return NULL;
}

static gpointer come_and_go(gpointer data)
{
    struct fixture *fixture = data;

    for (int i = 0; i < EVENTS; i++) {
        struct listener *listener = listen(fixture->bus);

        g_thread_yield();
        event_remove_owner(fixture->bus, listener);
        release_listener(listener);
    }
    return NULL;
}

static void test_many(struct fixture *fixture, gconstpointer unused)
{
    struct poster posters[POSTERS];
    struct listener *listeners[OWNERS];
    GThread *threads[POSTERS + 1];

    for (int i = 0; i < OWNERS; i++)
        listeners[i] = listen(fixture->bus);
    for (uint32_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){fixture, i};
        threads[i] = g_thread_new("poster", post_many, &posters[i]);
    }
    threads[POSTERS] = g_thread_new("guests", come_and_go, fixture);
    for (int i = 0; i <= POSTERS; i++)
        g_thread_join(threads[i]);
    for (int i = 0; i < OWNERS; i++) {
        event_remove_owner(fixture->bus, listeners[i]);
        g_assert_cmpint(listeners[i]->count, ==, POSTERS * EVENTS);
        release_listener(listeners[i]);
    }
}

#define ADD(path, function) g_test_add(path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/event/register", test_register);
    ADD("/event/legacy", test_legacy);
    ADD("/event/activation", test_activation);
    ADD("/event/job", test_job);
    ADD("/event/same-uuid", test_same_uuid);
    ADD("/event/monitor", test_monitor);
    ADD("/event/monitor-refused", test_monitor_refused);
    ADD("/event/limit", test_limit);
    ADD("/event/meddling", test_meddling);
    ADD("/event/older", test_older);
    ADD("/event/many", test_many);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/authenticate.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/auth.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/login.h"
#include "daemon/polkit.h"
#include "daemon/remote.h"
#include "protocol/remote.h"
#include "wire/codec.h"
#include "wire/connection.h"

/* Who has been refused waits for the answer, and is then let go: guessing takes its time. */
#define REFUSAL_MILLISECONDS 1000
#define FINISH_MILLISECONDS 2000

/* A client that is being asked. Loop thread, except that a worker has the login during a step. */
struct authentication {
    unsigned references; /* the client's, and a step's */
    struct daemon *daemon;
    struct server_client *client; /* NULL: it has gone */
    struct request *request;      /* the call under way; NULL: none */
    struct login *login;          /* NULL: not begun, or now its link's encryption */
    bool started;                 /* the login has a mechanism */
    struct polkit_question *question;
    struct loop_timer *refusing; /* answers with error when it is due */
    GError *error;
};

static void authentication_unref(struct authentication *self)
{
    if (--self->references)
        return;
    login_free(self->login);
    loop_timer_remove(self->refusing);
    g_clear_error(&self->error);
    g_free(self);
}

static void refuse_now(struct request *request, const char *why)
{
    g_autoptr(GError) error = NULL;

    error_set_from(&error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED, "%s", why);
    request_fail(request, error);
}

static struct authentication *authentication_of(struct request *request,
                                                struct server_client *client)
{
    struct authentication *self = client->authentication;

    if (self)
        return self;
    self = g_new0(struct authentication, 1);
    self->references = 1;
    self->daemon = request->daemon;
    self->client = client;
    client->authentication = self;
    return self;
}

void authenticate_end(struct server_client *client)
{
    struct authentication *self = client->authentication;

    if (!self)
        return;
    client->authentication = NULL;
    self->client = NULL;
    if (self->question) {
        polkit_drop(g_steal_pointer(&self->question));
        refuse_now(g_steal_pointer(&self->request), "the client is gone");
    } else if (self->error && self->request) {
        request_fail(g_steal_pointer(&self->request), self->error);
    }
    authentication_unref(self); /* a step under way ends its request by itself */
}

/* ---- which way ---- */

/* Values have been checked when they were read. */
static enum auth_method method_of(struct daemon *daemon, const struct server_client *client)
{
    const struct transport_peer *peer = connection_peer(client->connection);
    const struct remote_settings *remote = daemon->extra;
    enum auth_method method = AUTH_METHOD_NONE;
    const char *value;

    if (client->service->admin)
        return AUTH_METHOD_NONE;
    if (peer->local)
        value = client->service->read_only ? daemon->settings.auth_unix_ro
                                           : daemon->settings.auth_unix_rw;
    else
        value = strcmp(client->service->name, "tls") == 0 ? remote->auth_tls : remote->auth_tcp;
    auth_method_read("", value, peer->local, &method, NULL);
    if (method == AUTH_METHOD_POLKIT && peer->uid == 0)
        return AUTH_METHOD_NONE;
    return method;
}

static void serve_list(struct request *request, struct server_client *client)
{
    static const enum remote_auth_type types[] = {
        [AUTH_METHOD_NONE] = REMOTE_AUTH_NONE,
        [AUTH_METHOD_SASL] = REMOTE_AUTH_SASL,
        [AUTH_METHOD_POLKIT] = REMOTE_AUTH_POLKIT,
    };
    enum remote_auth_type type = types[method_of(request->daemon, client)];
    struct remote_auth_list_ret ret = {.types_val = &type, .types_len = 1};

    if (type == REMOTE_AUTH_NONE)
        server_client_set_authenticated(client);
    request_reply(request, &ret, NULL, 0);
}

/* ---- yes and no ---- */

static void delayed_refusal(struct loop_timer *timer, void *data)
{
    struct authentication *self = data;

    request_fail(g_steal_pointer(&self->request), self->error);
    connection_finish(self->client->connection, FINISH_MILLISECONDS);
}

/* Takes error. */
static void refuse(struct authentication *self, GError *error)
{
    const struct transport_peer *peer = connection_peer(self->client->connection);

    log_warn("client %" G_GUINT64_FORMAT " (%s) is not let in: %s", self->client->id, peer->address,
             error->message);
    self->error = error;
    self->refusing =
        loop_add_timer(self->daemon->loop, REFUSAL_MILLISECONDS, delayed_refusal, self);
}

/* ---- SASL ---- */

struct step {
    struct authentication *self;
    struct request *request;
    struct arena arena;
    int procedure;
    const char *mechanism;
    struct login_token token, answer;
    struct login_link link;
    struct remote_auth_sasl_init_ret init_ret;
    bool complete;
    GError *error;
};

static void step_free(struct step *step)
{
    authentication_unref(step->self);
    arena_clear(&step->arena);
    g_clear_error(&step->error);
    g_free(step);
}

static void send_tokens(struct step *step)
{
    struct remote_auth_sasl_step_ret ret = {.complete = step->complete,
                                            .nil = step->answer.bytes == NULL};

    /* the two procedures' replies are alike */
    G_STATIC_ASSERT(sizeof(struct remote_auth_sasl_step_ret) ==
                    sizeof(struct remote_auth_sasl_start_ret));
    if (step->answer.bytes) {
        ret.data_len = step->answer.size;
        ret.data_val = arena_alloc(&step->arena, step->answer.size + 1);
        memcpy(ret.data_val, step->answer.bytes, step->answer.size);
    }
    request_reply(g_steal_pointer(&step->request), &ret, NULL, 0);
}

static int let_in(struct step *step, GError **error)
{
    struct authentication *self = step->self;
    const char *user = login_user(self->login);

    if (!auth_allows_user(self->daemon->settings.sasl_allowed_username_list, user)) {
        log_info("SASL: user '%s' is not in sasl_allowed_username_list", user);
        error_set_from(error, VIR_FROM_RPC, VIR_ERR_AUTH_FAILED, "authentication failed");
        return -1;
    }
    log_info("client %" G_GUINT64_FORMAT " is '%s', by SASL", self->client->id, user);
    connection_set_sasl_user(self->client->connection, user);
    return 0;
}

/* The reply that completes it is the last thing in the clear. */
static void succeed(struct step *step)
{
    struct authentication *self = step->self;
    struct connection *connection = self->client->connection;

    server_client_set_authenticated(self->client);
    send_tokens(step);
    if (login_encrypts(self->login))
        connection_add_layer(connection, &login_layer, g_steal_pointer(&self->login));
}

static void answer_step(struct step *step)
{
    struct authentication *self = step->self;

    if (!step->error && step->complete && let_in(step, &step->error) == 0) {
        succeed(step);
    } else if (step->error) {
        self->request = g_steal_pointer(&step->request);
        refuse(self, g_steal_pointer(&step->error));
    } else if (step->procedure == REMOTE_PROC_AUTH_SASL_INIT) {
        request_reply(g_steal_pointer(&step->request), &step->init_ret, NULL, 0);
    } else {
        send_tokens(step);
    }
}

static void step_done(void *data)
{
    struct step *step = data;

    step->self->request = NULL;
    if (step->self->client)
        answer_step(step);
    if (step->request)
        refuse_now(g_steal_pointer(&step->request), "the client is gone");
    step_free(step);
}

static int begin_login(struct step *step, GError **error)
{
    const char *names;

    step->self->login = login_new(&step->link, error);
    if (!step->self->login || login_mechanisms(step->self->login, &names, error) < 0)
        return -1;
    step->init_ret.mechlist = arena_strdup(&step->arena, names);
    return 0;
}

static void step_on_worker(void *data)
{
    struct step *step = data;

    if (step->procedure == REMOTE_PROC_AUTH_SASL_INIT)
        begin_login(step, &step->error);
    else
        login_step(step->self->login, step->mechanism, &step->token, &step->answer, &step->complete,
                   &step->error);
    loop_post(step->self->daemon->loop, step_done, step);
}

/* None is not the same as an empty one. */
static struct login_token read_token(int nil, const char *bytes, uint32_t size)
{
    if (nil)
        return (struct login_token){0};
    return (struct login_token){size ? bytes : "", size};
}

static int decode(struct request *request, struct step *step, GError **error)
{
    union {
        struct remote_auth_sasl_start_args start;
        struct remote_auth_sasl_step_args step;
    } args;

    if (step->procedure == REMOTE_PROC_AUTH_SASL_INIT)
        return 0;
    if (codec_decode(request->method->args, request->frame->payload, request->frame->payload_size,
                     &step->arena, &args, error) < 0)
        return -1;
    if (step->procedure == REMOTE_PROC_AUTH_SASL_START) {
        step->mechanism = args.start.mech;
        step->token = read_token(args.start.nil, args.start.data_val, args.start.data_len);
    } else {
        step->token = read_token(args.step.nil, args.step.data_val, args.step.data_len);
    }
    return 0;
}

static struct login_link link_of(struct daemon *daemon, const struct server_client *client)
{
    const struct transport_peer *peer = connection_peer(client->connection);
    const struct remote_settings *remote = peer->local ? NULL : daemon->extra;

    return (struct login_link){
        .address = peer->local ? NULL : peer->address,
        .own_address = peer->own_address,
        .is_local = peer->local,
        .cipher_bits = peer->cipher_bits,
        .least_ssf = remote ? remote->tcp_min_ssf : 0,
    };
}

/* INIT, START, STEP as often as it takes: the library trusts its callers to keep this order. */
static bool is_next(const struct authentication *self, uint32_t procedure)
{
    switch (procedure) {
    case REMOTE_PROC_AUTH_SASL_INIT:
        return !self->login;
    case REMOTE_PROC_AUTH_SASL_START:
        return self->login && !self->started;
    default:
        return self->login && self->started;
    }
}

/* One step at a time, and the one that is next. */
static const char *why_not(struct authentication *self, struct server_client *client,
                           uint32_t procedure)
{
    if (method_of(self->daemon, client) != AUTH_METHOD_SASL)
        return "this socket does not ask for SASL";
    if (client->authenticated)
        return "the client is authenticated already";
    if (self->request)
        return "the last step has not been answered yet";
    if (!is_next(self, procedure))
        return "this is not the step that is next";
    return NULL;
}

static void serve_sasl(struct request *request, struct server_client *client)
{
    struct authentication *self = authentication_of(request, client);
    const char *why = why_not(self, client, request->method->number);
    g_autoptr(GError) error = NULL;
    struct step *step;

    if (why) {
        refuse_now(request, why);
        return;
    }
    step = g_new0(struct step, 1);
    step->self = self;
    self->references++;
    step->procedure = (int)request->method->number;
    step->link = link_of(self->daemon, client);
    if (decode(request, step, &error) < 0) {
        step_free(step);
        request_fail(request, error);
        return;
    }
    step->request = self->request = request;
    self->started = step->procedure != REMOTE_PROC_AUTH_SASL_INIT;
    request->workers = self->daemon->patient; /* a data base or key server may hang */
    request_push(request, step_on_worker, step);
}

/* ---- polkit ---- */

static void policy_answered(const GError *error, void *data)
{
    static const struct remote_auth_polkit_ret ret = {.complete = 1};
    struct authentication *self = data;

    self->question = NULL;
    if (error) {
        refuse(self, g_error_copy(error));
        return;
    }
    server_client_set_authenticated(self->client);
    request_reply(g_steal_pointer(&self->request), &ret, NULL, 0);
}

static void serve_polkit(struct request *request, struct server_client *client)
{
    struct authentication *self = authentication_of(request, client);
    struct daemon *daemon = self->daemon;
    const struct transport_peer *peer = connection_peer(client->connection);
    const struct polkit_request policy = {
        .process = peer->pid,
        .start_time = peer->start_time,
        .user = peer->uid,
        .action =
            client->service->read_only ? "org.libvirt.unix.monitor" : "org.libvirt.unix.manage",
        .interactive = true,
    };
    g_autoptr(GError) error = NULL;

    if (method_of(daemon, client) != AUTH_METHOD_POLKIT || client->authenticated || self->request) {
        refuse_now(request, "this is not what the socket asks for now");
        return;
    }
    self->question = polkit_ask(daemon->polkit, &policy, policy_answered, self, &error);
    if (!self->question) {
        log_warn("%s", error->message);
        request_fail(request, error);
        return;
    }
    self->request = request;
    request_hold(request);
}

void authenticate_serve(struct request *request, struct server_client *client)
{
    switch (request->method->number) {
    case REMOTE_PROC_AUTH_LIST:
        serve_list(request, client);
        return;
    case REMOTE_PROC_AUTH_POLKIT:
        serve_polkit(request, client);
        return;
    default:
        serve_sasl(request, client);
    }
}

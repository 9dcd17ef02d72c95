/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/admin.h"

#include "base/account.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/admin-params.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/status.h"
#include "daemon/tally.h"
#include "protocol/admin.h"
#include "protocol/modvirt.h"
#include "wire/connection.h"
#include "wire/socket.h"

/*
 * Servers and clients belong to the loop thread, so a call is served there; what may block (the
 * name service, files) is the row's second function, which a worker runs after the first.
 */
struct admin_call {
    struct arena arena; /* args, reply, and what they point to */
    struct request *request;
    const struct admin_method *method;
    void *args, *ret;
};

typedef int admin_function(struct admin_call *call, const void *args, void *ret, GError **error);

struct admin_method {
    admin_function *on_loop, *on_worker;
};

/* ---- servers ---- */

struct admin_server {
    struct server *server;
    struct workers *workers;
};

static struct admin_server server_at(struct daemon *daemon, unsigned index)
{
    const struct admin_server servers[] = {{daemon->server, daemon->workers},
                                           {daemon->admin, daemon->admin_workers}};

    return index < G_N_ELEMENTS(servers) ? servers[index] : (struct admin_server){0};
}

static int find_server(struct admin_call *call, const char *name, struct admin_server *ret_server,
                       GError **error)
{
    struct admin_server found;

    for (unsigned i = 0; (found = server_at(call->request->daemon, i)).server; i++)
        if (g_str_equal(server_name(found.server), name)) {
            *ret_server = found;
            return 0;
        }
    error_set(error, VIR_ERR_NO_SERVER, "No server named '%s'", name);
    return -1;
}

static int list_servers(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_connect_list_servers_args *args = arguments;
    struct admin_connect_list_servers_ret *ret = reply;
    struct admin_server found;

    for (; (found = server_at(call->request->daemon, ret->ret)).server; ret->ret++)
        ;
    if (!args->need_results)
        return 0;
    ret->servers_val = arena_array(&call->arena, ret->ret, sizeof(*ret->servers_val));
    for (; ret->servers_len < ret->ret; ret->servers_len++)
        ret->servers_val[ret->servers_len].name = arena_strdup(
            &call->arena, server_name(server_at(call->request->daemon, ret->servers_len).server));
    return 0;
}

static int lookup_server(struct admin_call *call, const void *arguments, void *reply,
                         GError **error)
{
    const struct admin_connect_lookup_server_args *args = arguments;
    struct admin_connect_lookup_server_ret *ret = reply;
    struct admin_server found;

    if (find_server(call, args->name, &found, error) < 0)
        return -1;
    ret->srv.name = args->name;
    return 0;
}

/* ---- threads ---- */

struct thread_numbers {
    unsigned minimum, maximum, current, idle, priority, queued;
};

#define AT(member) offsetof(struct thread_numbers, member)
static const struct admin_param_row thread_rows[] = {
    {VIR_THREADPOOL_WORKERS_MIN, AT(minimum), true},
    {VIR_THREADPOOL_WORKERS_MAX, AT(maximum), true},
    {VIR_THREADPOOL_WORKERS_CURRENT, AT(current)},
    {VIR_THREADPOOL_WORKERS_FREE, AT(idle)},
    {VIR_THREADPOOL_WORKERS_PRIORITY, AT(priority), true},
    {VIR_THREADPOOL_JOB_QUEUE_DEPTH, AT(queued)},
};
#undef AT
static const struct admin_param_table thread_table = ADMIN_PARAM_TABLE(thread_rows);

static struct thread_numbers count_threads(struct workers *workers)
{
    struct workers_limits limits;
    struct workers_stats stats;

    workers_get_limits(workers, &limits);
    workers_get_stats(workers, &stats);
    return (struct thread_numbers){
        .minimum = limits.minimum,
        .maximum = limits.maximum,
        .current = stats.threads,
        .idle = stats.idle,
        .priority = limits.priority,
        .queued = stats.queued,
    };
}

static int get_threadpool(struct admin_call *call, const void *arguments, void *reply,
                          GError **error)
{
    const struct admin_server_get_threadpool_parameters_args *args = arguments;
    struct admin_server_get_threadpool_parameters_ret *ret = reply;
    struct admin_server found;

    if (find_server(call, args->srv.name, &found, error) < 0)
        return -1;
    struct thread_numbers numbers = count_threads(found.workers);
    ret->params_val = admin_params_write(&thread_table, &numbers, &call->arena, &ret->params_len);
    return 0;
}

static int set_threadpool(struct admin_call *call, const void *arguments, void *reply,
                          GError **error)
{
    const struct admin_server_set_threadpool_parameters_args *args = arguments;
    struct admin_server found;

    if (find_server(call, args->srv.name, &found, error) < 0)
        return -1;
    struct thread_numbers numbers = count_threads(found.workers);
    if (admin_params_read(&thread_table, args->params_val, args->params_len, &numbers, error) < 0)
        return -1;
    struct workers_limits limits = {numbers.minimum, numbers.maximum, numbers.priority};
    return workers_set_limits(found.workers, &limits, error);
}

/* ---- limits of clients ---- */

struct client_numbers {
    unsigned maximum, current, maximum_anonymous, anonymous;
};

#define AT(member) offsetof(struct client_numbers, member)
static const struct admin_param_row client_rows[] = {
    {VIR_SERVER_CLIENTS_MAX, AT(maximum), true},
    {VIR_SERVER_CLIENTS_CURRENT, AT(current)},
    {VIR_SERVER_CLIENTS_UNAUTH_MAX, AT(maximum_anonymous), true},
    {VIR_SERVER_CLIENTS_UNAUTH_CURRENT, AT(anonymous)},
};
#undef AT
static const struct admin_param_table client_table = ADMIN_PARAM_TABLE(client_rows);

static struct client_numbers count_clients(struct server *server)
{
    struct server_limits limits;
    struct server_stats stats;

    server_get_limits(server, &limits);
    server_get_stats(server, &stats);
    return (struct client_numbers){
        .maximum = limits.max_clients,
        .current = stats.clients,
        .maximum_anonymous = limits.max_anonymous,
        .anonymous = stats.anonymous,
    };
}

static int get_client_limits(struct admin_call *call, const void *arguments, void *reply,
                             GError **error)
{
    const struct admin_server_get_client_limits_args *args = arguments;
    struct admin_server_get_client_limits_ret *ret = reply;
    struct admin_server found;

    if (find_server(call, args->srv.name, &found, error) < 0)
        return -1;
    struct client_numbers numbers = count_clients(found.server);
    ret->params_val = admin_params_write(&client_table, &numbers, &call->arena, &ret->params_len);
    return 0;
}

static int check_client_limits(const struct client_numbers *numbers, GError **error)
{
    if (numbers->maximum == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "a server without clients could not be told more");
        return -1;
    }
    if (numbers->maximum_anonymous > numbers->maximum) {
        error_set(error, VIR_ERR_INVALID_ARG, "%s (%u) must not be larger than %s (%u)",
                  VIR_SERVER_CLIENTS_UNAUTH_MAX, numbers->maximum_anonymous, VIR_SERVER_CLIENTS_MAX,
                  numbers->maximum);
        return -1;
    }
    return 0;
}

static int set_client_limits(struct admin_call *call, const void *arguments, void *reply,
                             GError **error)
{
    const struct admin_server_set_client_limits_args *args = arguments;
    struct server_limits limits;
    struct admin_server found;

    if (find_server(call, args->srv.name, &found, error) < 0)
        return -1;
    struct client_numbers numbers = count_clients(found.server);
    if (admin_params_read(&client_table, args->params_val, args->params_len, &numbers, error) < 0 ||
        check_client_limits(&numbers, error) < 0)
        return -1;
    server_get_limits(found.server, &limits);
    limits.max_clients = numbers.maximum;
    limits.max_anonymous = numbers.maximum_anonymous;
    server_set_limits(found.server, &limits);
    return 0;
}

/* ---- clients ---- */

static int find_client(struct admin_call *call, const char *server, uint64_t id,
                       struct server_client **ret_client, GError **error)
{
    struct admin_server found;

    if (find_server(call, server, &found, error) < 0)
        return -1;
    if ((*ret_client = server_find_client(found.server, id)))
        return 0;
    error_set(error, VIR_ERR_NO_CLIENT, "No client with matching ID '%" G_GUINT64_FORMAT "'", id);
    return -1;
}

static unsigned transport_of(const struct server_client *client)
{
    static const char *const names[] = {
        [VIR_CLIENT_TRANS_UNIX] = "unix",
        [VIR_CLIENT_TRANS_TCP] = "tcp",
        [VIR_CLIENT_TRANS_TLS] = "tls",
    };
    const char *name = connection_transport_name(client->connection);

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i], name))
            return i;
    return VIR_CLIENT_TRANS_UNIX;
}

static struct admin_nonnull_client handle_of(const struct server_client *client, char *server)
{
    return (struct admin_nonnull_client){
        .srv.name = server,
        .id = client->id,
        .timestamp = client->connected_at,
        .transport = transport_of(client),
    };
}

static int list_clients(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_server_list_clients_args *args = arguments;
    struct admin_server_list_clients_ret *ret = reply;
    struct admin_server found;

    if (find_server(call, args->srv.name, &found, error) < 0)
        return -1;
    struct server_client *first = server_first_client(found.server);
    for (struct server_client *client = first; client; client = client->newer)
        ret->ret++;
    if (!args->need_results)
        return 0;
    if (ret->ret > ADMIN_CLIENT_LIST_MAX) {
        error_set(error, VIR_ERR_RPC, "%u clients are more than a reply may list (%d)", ret->ret,
                  ADMIN_CLIENT_LIST_MAX);
        return -1;
    }
    ret->clients_val = arena_array(&call->arena, ret->ret, sizeof(*ret->clients_val));
    for (struct server_client *client = first; client; client = client->newer)
        ret->clients_val[ret->clients_len++] = handle_of(client, args->srv.name);
    return 0;
}

static int lookup_client(struct admin_call *call, const void *arguments, void *reply,
                         GError **error)
{
    const struct admin_server_lookup_client_args *args = arguments;
    struct admin_server_lookup_client_ret *ret = reply;
    struct server_client *client;

    if (find_client(call, args->srv.name, args->id, &client, error) < 0)
        return -1;
    ret->clnt = handle_of(client, args->srv.name);
    return 0;
}

static int close_client(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_client_close_args *args = arguments;
    struct server_client *client;

    if (find_client(call, args->clnt.srv.name, args->clnt.id, &client, error) < 0)
        return -1;
    log_info("client %" G_GUINT64_FORMAT " of %s is disconnected by an administrator", client->id,
             args->clnt.srv.name);
    connection_close(client->connection, NULL);
    return 0;
}

/* Who the client is, as far as its link alone tells. */
static int get_client_info(struct admin_call *call, const void *arguments, void *reply,
                           GError **error)
{
    const struct admin_client_get_info_args *args = arguments;
    struct admin_client_get_info_ret *ret = reply;
    struct server_client *client;

    if (find_client(call, args->clnt.srv.name, args->clnt.id, &client, error) < 0)
        return -1;
    const struct transport_peer *peer = connection_peer(client->connection);
    struct admin_params params = {.arena = &call->arena};

    admin_params_add_bool(&params, VIR_CLIENT_INFO_READONLY, client->service->read_only);
    if (peer->local) {
        admin_params_add_int(&params, VIR_CLIENT_INFO_UNIX_USER_ID, (int)peer->uid);
        admin_params_add_int(&params, VIR_CLIENT_INFO_UNIX_GROUP_ID, (int)peer->gid);
        admin_params_add_int(&params, VIR_CLIENT_INFO_UNIX_PROCESS_ID, peer->pid);
    } else {
        g_autofree char *address = socket_show(peer->address);
        admin_params_add_string(&params, VIR_CLIENT_INFO_SOCKET_ADDR, address);
    }
    admin_params_add_string(&params, VIR_CLIENT_INFO_SASL_USER_NAME, peer->sasl_user);
    admin_params_add_string(&params, VIR_CLIENT_INFO_X509_DISTINGUISHED_NAME, peer->x509_name);
    admin_params_add_string(&params, VIR_CLIENT_INFO_SELINUX_CONTEXT, peer->selinux);
    ret->params_val = params.items;
    ret->params_len = params.count;
    return 0;
}

static int number_of(const struct admin_params *params, const char *name)
{
    for (uint32_t i = 0; i < params->count; i++)
        if (g_str_equal(params->items[i].field, name))
            return params->items[i].value.i;
    return -1;
}

static int add_names(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    struct admin_client_get_info_ret *ret = reply;
    struct admin_params params = {&call->arena, ret->params_val, ret->params_len};
    int user = number_of(&params, VIR_CLIENT_INFO_UNIX_USER_ID);
    int group = number_of(&params, VIR_CLIENT_INFO_UNIX_GROUP_ID);
    g_autofree char *user_name = user < 0 ? NULL : account_user_name((uid_t)user);
    g_autofree char *group_name = group < 0 ? NULL : account_group_name((gid_t)group);

    admin_params_add_string(&params, VIR_CLIENT_INFO_UNIX_USER_NAME, user_name);
    admin_params_add_string(&params, VIR_CLIENT_INFO_UNIX_GROUP_NAME, group_name);
    ret->params_val = params.items;
    ret->params_len = params.count;
    return 0;
}

/* ---- the log ---- */

static unsigned count_words(const char *text)
{
    unsigned count = 0;

    for (const char *at = text; *at; at++)
        count += *at != ' ' && (at == text || at[-1] == ' ');
    return count;
}

static int get_outputs(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    struct admin_connect_get_logging_outputs_ret *ret = reply;
    g_autofree char *text = log_outputs();

    ret->outputs = arena_strdup(&call->arena, text);
    ret->noutputs = count_words(text);
    return 0;
}

static int get_filters(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    struct admin_connect_get_logging_filters_ret *ret = reply;
    g_autofree char *text = log_filters();

    ret->filters = *text ? arena_strdup(&call->arena, text) : NULL;
    ret->nfilters = count_words(text);
    return 0;
}

static int set_outputs(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_connect_set_logging_outputs_args *args = arguments;

    return log_configure(0, NULL, args->outputs ? args->outputs : "", error);
}

static int set_filters(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_connect_set_logging_filters_args *args = arguments;

    return log_configure(0, args->filters ? args->filters : "", NULL, error);
}

/* ---- the daemon ---- */

static int nothing(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    return 0;
}

static int get_lib_version(struct admin_call *call, const void *arguments, void *reply,
                           GError **error)
{
    struct admin_connect_get_lib_version_ret *ret = reply;

    ret->libVer = LIBVIR_VERSION_NUMBER;
    return 0;
}

static int update_tls(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_server_update_tls_files_args *args = arguments;
    struct admin_server found;

    if (find_server(call, args->srv.name, &found, error) < 0)
        return -1;
    return daemon_update_tls(call->request->daemon, error);
}

static int set_timeout(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    const struct admin_connect_set_daemon_timeout_args *args = arguments;

    daemon_set_idle_timeout(call->request->daemon, args->timeout);
    return 0;
}

static int shut_down(struct admin_call *call, const void *arguments, void *reply, GError **error)
{
    log_info("ending, as an administrator asks");
    daemon_quit(call->request->daemon);
    return 0;
}

/* ---- serving ---- */

static const struct admin_method methods[] = {
    [ADMIN_PROC_CONNECT_OPEN] = {nothing},
    [ADMIN_PROC_CONNECT_CLOSE] = {nothing},
    [ADMIN_PROC_CONNECT_GET_LIB_VERSION] = {get_lib_version},
    [ADMIN_PROC_CONNECT_LIST_SERVERS] = {list_servers},
    [ADMIN_PROC_CONNECT_LOOKUP_SERVER] = {lookup_server},
    [ADMIN_PROC_SERVER_GET_THREADPOOL_PARAMETERS] = {get_threadpool},
    [ADMIN_PROC_SERVER_SET_THREADPOOL_PARAMETERS] = {set_threadpool},
    [ADMIN_PROC_SERVER_LIST_CLIENTS] = {list_clients},
    [ADMIN_PROC_SERVER_LOOKUP_CLIENT] = {lookup_client},
    [ADMIN_PROC_CLIENT_GET_INFO] = {get_client_info, add_names},
    [ADMIN_PROC_CLIENT_CLOSE] = {close_client},
    [ADMIN_PROC_SERVER_GET_CLIENT_LIMITS] = {get_client_limits},
    [ADMIN_PROC_SERVER_SET_CLIENT_LIMITS] = {set_client_limits},
    [ADMIN_PROC_CONNECT_GET_LOGGING_OUTPUTS] = {get_outputs},
    [ADMIN_PROC_CONNECT_GET_LOGGING_FILTERS] = {get_filters},
    [ADMIN_PROC_CONNECT_SET_LOGGING_OUTPUTS] = {nothing, set_outputs},
    [ADMIN_PROC_CONNECT_SET_LOGGING_FILTERS] = {nothing, set_filters},
    [ADMIN_PROC_SERVER_UPDATE_TLS_FILES] = {update_tls},
    [ADMIN_PROC_CONNECT_SET_DAEMON_TIMEOUT] = {set_timeout},
    [ADMIN_PROC_CONNECT_DAEMON_SHUTDOWN] = {shut_down},
};

static void end_call(struct admin_call *call, const GError *error)
{
    if (error)
        request_fail(call->request, error);
    else
        request_reply(call->request, call->ret, NULL, 0);
    arena_clear(&call->arena);
    g_free(call);
}

static void finish_on_worker(void *data)
{
    struct admin_call *call = data;
    g_autoptr(GError) error = NULL;

    call->method->on_worker(call, call->args, call->ret, &error);
    end_call(call, error);
}

static void *allocate(struct admin_call *call, const struct codec_type *type)
{
    return type ? arena_alloc(&call->arena, type->size) : NULL;
}

static int begin_call(struct admin_call *call, GError **error)
{
    const struct frame *frame = call->request->frame;
    const struct protocol_method *facts = call->request->method;

    call->args = allocate(call, facts->args);
    call->ret = allocate(call, facts->ret);
    if (facts->number >= G_N_ELEMENTS(methods) || !methods[facts->number].on_loop) {
        error_set(error, VIR_ERR_NO_SUPPORT, "%s", protocol_method_word(facts));
        return -1;
    }
    call->method = &methods[facts->number];
    if (codec_decode(facts->args, frame->payload, frame->payload_size, &call->arena, call->args,
                     error) < 0 ||
        protocol_method_check_flags(facts, call->args, 0, error) < 0)
        return -1;
    return call->method->on_loop(call, call->args, call->ret, error);
}

static void serve_own(struct request *request)
{
    if (request->method->number == MODVIRT_PROC_DAEMON_GET_CALLS)
        tally_serve(request);
    else
        status_serve(request);
}

static void serve(struct request *request)
{
    struct admin_call *call;
    g_autoptr(GError) error = NULL;

    if (request->frame->header.program == MODVIRT_PROGRAM) {
        serve_own(request);
        return;
    }
    call = g_new0(struct admin_call, 1);
    call->request = request;
    if (begin_call(call, &error) == 0 && call->method->on_worker)
        request_push(request, finish_on_worker, call);
    else
        end_call(call, error);
}

static enum dispatch_lane lane(struct request *request)
{
    return DISPATCH_INLINE;
}

void admin_connected(struct server_client *client)
{
    server_client_set_authenticated(client);
}

void admin_frame(struct daemon *daemon, struct server_client *client, struct frame *frame)
{
    static const struct protocol_program *const programs[] = {&admin_program, &modvirt_program,
                                                              NULL};
    static const struct dispatch_table table = {programs, lane, serve, VIR_FROM_ADMIN};

    dispatch_frame(daemon, &table, client, frame);
}

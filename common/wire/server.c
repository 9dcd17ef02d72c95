/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/connection-internal.h"
#include "wire/listener.h"

enum {
    ACCEPTS_PER_ROUND = 16,
    LINGER_WAIT =
        50, /* ms in which an honest local client has authenticated, even on a busy host */
    REMOTE_LINGER_WAIT = 2000, /* same for a remote one, with a handshake of TLS before */
    RETRY_WAIT = 1000,         /* ms, when the process is out of descriptors or memory */
};

void server_limits_init(struct server_limits *ret_limits)
{
    *ret_limits = (struct server_limits){
        .max_clients = 5000,
        .max_anonymous = 20,
        .max_queued = 1000,
        .connection = connection_default_limits,
    };
}

/* A listening socket of this server. */
struct entrance {
    struct server *server;
    struct server_service service;
    struct listener listener;
    struct loop_source *source;
};

struct server {
    struct loop *loop;
    char *name;
    struct server_limits limits;
    const struct server_handlers *handlers;
    void *handlers_data;
    GPtrArray *entrances;
    GPtrArray *services; /* of entrances that are closed while their clients stay */
    GHashTable *clients; /* by id */
    struct server_client *oldest, *newest;
    struct loop_timer *retry_timer;
    struct loop_timer *linger_timer;
    bool retrying; /* out of descriptors: not accepting until retry_timer fires */
    bool stopping;
    GQueue anonymous; /* clients, the oldest first */
    uint64_t last_id;
    uint64_t evicted;
};

static void update_accepting(struct server *server);

/* clients */

static void link_client(struct server *server, struct server_client *client)
{
    client->older = server->newest;
    if (server->newest)
        server->newest->newer = client;
    else
        server->oldest = client;
    server->newest = client;
    g_hash_table_insert(server->clients, &client->id, client);
    g_queue_push_tail(&server->anonymous, client);
}

static void unlink_client(struct server *server, struct server_client *client)
{
    struct server_client **from_older = client->older ? &client->older->newer : &server->oldest;
    struct server_client **from_newer = client->newer ? &client->newer->older : &server->newest;

    *from_older = client->newer;
    *from_newer = client->older;
    g_hash_table_remove(server->clients, &client->id);
    if (!client->authenticated)
        g_queue_remove(&server->anonymous, client);
}

static void client_frame(struct connection *connection, struct frame *frame, void *data)
{
    struct server_client *client = data;

    client->server->handlers->frame(client, frame, client->server->handlers_data);
}

static void client_closed(struct connection *connection, const GError *reason, void *data)
{
    struct server_client *client = data;
    struct server *server = client->server;

    unlink_client(server, client);
    if (server->handlers->disconnected)
        server->handlers->disconnected(client, reason, server->handlers_data);
    connection_unref(connection);
    g_free(client);
    server->retrying = false; /* a descriptor is free again */
    update_accepting(server);
}

static const struct connection_handlers client_handlers = {
    .frame = client_frame,
    .closed = client_closed,
};

static struct server_client *add_client(struct server *server, const struct server_service *service,
                                        int fd, GError **error)
{
    struct transport *transport = service->transport ? service->transport(fd, service->data, error)
                                                     : transport_new_unix(fd, error);
    struct server_client *client;

    if (!transport)
        return NULL;
    client = g_new(struct server_client, 1);
    *client = (struct server_client){
        .id = server->last_id + 1,
        .connected_at = time(NULL),
        .accepted_at = loop_now(server->loop),
        .service = service,
        .server = server,
    };
    client->connection =
        connection_new(server->loop, transport, CONNECTION_SERVER, &server->limits.connection,
                       &client_handlers, client, error);
    if (!client->connection) {
        g_free(client);
        return NULL;
    }
    server->last_id = client->id;
    link_client(server, client);
    if (server->handlers->connected)
        server->handlers->connected(client, server->handlers_data);
    return client;
}

void server_client_set_authenticated(struct server_client *client)
{
    if (client->authenticated)
        return;
    client->authenticated = true;
    g_queue_remove(&client->server->anonymous, client);
    connection_set_authenticated(client->connection);
    update_accepting(client->server);
}

/* too many unauthenticated clients */

/* The user of a local client, the host of a remote one. */
static char *origin_of(struct server_client *client)
{
    const struct transport_peer *peer = connection_peer(client->connection);

    if (peer->local)
        return g_strdup_printf("uid %u", peer->uid);
    return g_strndup(peer->address, strcspn(peer->address, ";"));
}

/* One that waits for nothing: with a call in flight it may be typing a password. */
static bool is_silent(struct server_client *client)
{
    struct connection_stats stats;

    connection_get_stats(client->connection, &stats);
    return stats.calls == 0 && !connection_is_closing(client->connection);
}

static bool is_remote(const struct server_service *service)
{
    return service->transport != NULL;
}

static int64_t linger_wait(bool remote)
{
    return remote ? REMOTE_LINGER_WAIT : LINGER_WAIT;
}

/* Silent for longer than an honest client needs to say its first word. */
static bool lingers(struct server_client *client)
{
    return is_silent(client) && loop_now(client->server->loop) - client->accepted_at >=
                                    linger_wait(is_remote(client->service));
}

static unsigned most_anonymous(const struct server *server)
{
    const struct server_limits *limits = &server->limits;

    return limits->max_anonymous ? MIN(limits->max_anonymous, limits->max_clients)
                                 : limits->max_clients;
}

/* Of local or of remote clients: all that are anonymous, and those of them that are silent. */
static void count_anonymous(const struct server *server, bool remote, unsigned *ret_all,
                            unsigned *ret_silent)
{
    *ret_all = *ret_silent = 0;
    for (GList *each = server->anonymous.head; each; each = each->next) {
        struct server_client *client = each->data;

        if (is_remote(client->service) != remote)
            continue;
        ++*ret_all;
        *ret_silent += is_silent(client);
    }
}

/* Of the origin with the most of them, the one that came first: see server.h. */
static struct server_client *find_victim(struct server *server, bool remote)
{
    g_autoptr(GHashTable) groups =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    GPtrArray *largest = NULL;

    for (GList *each = server->anonymous.head; each; each = each->next) {
        struct server_client *client = each->data;
        g_autofree char *origin = NULL;
        GPtrArray *group;

        if (is_remote(client->service) != remote || !lingers(client))
            continue;
        origin = origin_of(client);
        group = g_hash_table_lookup(groups, origin);
        if (!group) {
            group = g_ptr_array_new();
            g_hash_table_insert(groups, g_steal_pointer(&origin), group);
        }
        g_ptr_array_add(group, client);
        if (!largest || group->len > largest->len)
            largest = group;
    }
    return largest ? g_ptr_array_index(largest, 0) : NULL;
}

static void evict_anonymous(struct server *server, bool remote);

static void look_now(struct loop_timer *timer, void *data)
{
    evict_anonymous(data, false);
    evict_anonymous(data, true);
    update_accepting(data);
}

/* All are young: a burst of honest clients, most likely. Accepting pauses until some have spoken,
 * or lingered, which is looked at again and again. */
static void look_again(struct server *server)
{
    if (server->linger_timer)
        loop_timer_restart(server->linger_timer, LINGER_WAIT);
    else
        server->linger_timer = loop_add_timer(server->loop, LINGER_WAIT, look_now, server);
}

static void evict_anonymous(struct server *server, bool remote)
{
    struct server_client *victim;
    GError *reason = NULL;
    unsigned all, silent;

    count_anonymous(server, remote, &all, &silent);
    if (silent <= most_anonymous(server))
        return;
    victim = find_victim(server, remote);
    if (!victim) {
        look_again(server);
        return;
    }
    server->evicted++;
    error_set(&reason, VIR_ERR_RPC, "it had not authenticated and made room for another client");
    connection_close(victim->connection, reason);
}

/* accepting */

/* Nobody silent to make room for more: those who wait for a password count, up to twice the limit.
 */
static bool may_accept(const struct server *server, bool remote)
{
    unsigned all, silent;

    if (server->stopping || server->retrying ||
        g_hash_table_size(server->clients) >= server->limits.max_clients)
        return false;
    count_anonymous(server, remote, &all, &silent);
    return all < 2 * most_anonymous(server) && silent <= most_anonymous(server);
}

static void update_accepting(struct server *server)
{
    const uint32_t events[] = {may_accept(server, false) ? EPOLLIN : 0,
                               may_accept(server, true) ? EPOLLIN : 0};

    for (unsigned i = 0; i < server->entrances->len; i++) {
        struct entrance *entrance = g_ptr_array_index(server->entrances, i);

        loop_source_set_events(entrance->source, events[is_remote(&entrance->service)]);
    }
}

static void retry_now(struct loop_timer *timer, void *data)
{
    struct server *server = data;

    server->retrying = false;
    update_accepting(server);
}

/* Out of descriptors: the socket stays readable, and looking at it again at once would spin. */
static void accept_later(struct server *server)
{
    server->retrying = true;
    if (server->retry_timer)
        loop_timer_restart(server->retry_timer, RETRY_WAIT);
    else
        server->retry_timer = loop_add_timer(server->loop, RETRY_WAIT, retry_now, server);
}

/* True if there may be more. */
static bool accept_one(struct entrance *entrance)
{
    struct server *server = entrance->server;
    int fd = accept4(entrance->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        add_client(server, &entrance->service, fd, NULL);
        evict_anonymous(server, is_remote(&entrance->service));
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        accept_later(server);
    return errno == ECONNABORTED || errno == EINTR;
}

static void entrance_ready(struct loop_source *source, uint32_t events, void *data)
{
    struct entrance *entrance = data;
    struct server *server = entrance->server;
    bool remote = is_remote(&entrance->service);

    for (int i = 0; i < ACCEPTS_PER_ROUND && may_accept(server, remote); i++)
        if (!accept_one(entrance))
            break;
    update_accepting(server);
}

static int add_entrance(struct server *server, const struct server_service *service,
                        struct listener *listener, GError **error)
{
    struct entrance *entrance = g_new(struct entrance, 1);

    *entrance = (struct entrance){.server = server, .service = *service, .listener = *listener};
    entrance->source =
        loop_add_fd(server->loop, listener->fd, EPOLLIN, entrance_ready, entrance, error);
    if (!entrance->source) {
        listener_close(&entrance->listener);
        g_free(entrance);
        return -1;
    }
    g_ptr_array_add(server->entrances, entrance);
    update_accepting(server);
    return 0;
}

int server_listen(struct server *server, const struct server_service *service, const char *path,
                  mode_t mode, gid_t group, GError **error)
{
    struct listener listener;

    if (listener_open(path, mode, group, server->limits.max_queued, &listener, error) < 0)
        return -1;
    return add_entrance(server, service, &listener, error);
}

static int listen_at(struct server *server, const struct server_service *service,
                     const struct addrinfo *address, GError **error)
{
    struct listener listener;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    g_autofree char *shown = NULL;

    getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    shown = g_strdup_printf("address %s, TCP port %s", host, port);
    if (listener_open_tcp(address->ai_addr, address->ai_addrlen, shown, server->limits.max_queued,
                          &listener, error) < 0)
        return -1;
    return add_entrance(server, service, &listener, error);
}

/* A host without a family of addresses is nobody's fault; an address that is taken is. */
static bool lacks_family(const struct addrinfo *address)
{
    const struct sockaddr_storage any = {.ss_family = (sa_family_t)address->ai_family};
    autofd int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || bind(fd, (const struct sockaddr *)&any, address->ai_addrlen) < 0;
}

int server_listen_tcp(struct server *server, const struct server_service *service,
                      const char *address, const char *port, GError **error)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int status = getaddrinfo(address, port, &hints, &list);

    if (status != 0) {
        error_set(error, VIR_ERR_SYSTEM_ERROR, "cannot listen on %s, TCP port %s: %s",
                  address ? address : "all addresses", port, gai_strerror(status));
        return -1;
    }
    for (struct addrinfo *each = list; each && status == 0; each = each->ai_next)
        if (!lacks_family(each))
            status = listen_at(server, service, each, error);
    freeaddrinfo(list);
    return status;
}

int server_adopt(struct server *server, const struct server_service *service, int fd,
                 GError **error)
{
    struct listener listener;

    if (listener_adopt(fd, &listener, error) < 0)
        return -1;
    return add_entrance(server, service, &listener, error);
}

struct server_client *server_add_client(struct server *server, const struct server_service *service,
                                        int fd, GError **error)
{
    return add_client(server, service, fd, error);
}

/* stopping */

/* Clients keep pointing at the service of the socket they came through. */
static void remove_entrance(struct server *server, unsigned index)
{
    struct entrance *entrance = g_ptr_array_remove_index(server->entrances, index);

    loop_source_remove(g_steal_pointer(&entrance->source));
    listener_close(&entrance->listener);
    g_ptr_array_add(server->services, entrance);
}

static void remove_entrances(struct server *server)
{
    while (server->entrances->len)
        remove_entrance(server, server->entrances->len - 1);
}

static void accept_all(struct entrance *entrance)
{
    while (accept_one(entrance))
        ;
}

unsigned server_withdraw(struct server *server)
{
    for (unsigned i = server->entrances->len; i-- > 0;) {
        struct entrance *entrance = g_ptr_array_index(server->entrances, i);

        if (!entrance->listener.own)
            continue;
        /* A TCP socket loses who waits with the first of these, a unix socket keeps them. */
        accept_all(entrance);
        listener_withdraw(&entrance->listener);
        accept_all(entrance);
        remove_entrance(server, i);
    }
    return g_hash_table_size(server->clients);
}

void server_shutdown(struct server *server, unsigned milliseconds)
{
    server->stopping = true;
    remove_entrances(server);
    for (struct server_client *client = server->oldest; client; client = client->newer)
        connection_finish(client->connection, milliseconds);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    server->stopping = true;
    remove_entrances(server);
    while (server->oldest)
        connection_close_now(server->oldest->connection);
    loop_timer_remove(server->retry_timer);
    loop_timer_remove(server->linger_timer);
    g_ptr_array_free(server->entrances, TRUE);
    g_ptr_array_free(server->services, TRUE);
    g_hash_table_destroy(server->clients);
    g_free(server->name);
    g_free(server);
}

/* the whole */

struct server *server_new(struct loop *loop, const char *name, const struct server_limits *limits,
                          const struct server_handlers *handlers, void *data)
{
    struct server *server = g_new(struct server, 1);

    *server = (struct server){
        .loop = loop,
        .name = g_strdup(name),
        .limits = *limits,
        .handlers = handlers,
        .handlers_data = data,
        .entrances = g_ptr_array_new(),
        .services = g_ptr_array_new_with_free_func(g_free),
        .clients = g_hash_table_new(g_int64_hash, g_int64_equal),
    };
    return server;
}

const char *server_name(const struct server *server)
{
    return server->name;
}

void server_get_limits(const struct server *server, struct server_limits *ret_limits)
{
    *ret_limits = server->limits;
}

void server_set_limits(struct server *server, const struct server_limits *limits)
{
    server->limits = *limits;
    update_accepting(server);
}

struct server_client *server_find_client(struct server *server, uint64_t id)
{
    return g_hash_table_lookup(server->clients, &id);
}

struct server_client *server_first_client(struct server *server)
{
    return server->oldest;
}

void server_get_stats(const struct server *server, struct server_stats *ret_stats)
{
    *ret_stats = (struct server_stats){
        .clients = g_hash_table_size(server->clients),
        .anonymous = server->anonymous.length,
        .accepted = server->last_id,
        .evicted = server->evicted,
        .accepting = may_accept(server, false),
    };
}

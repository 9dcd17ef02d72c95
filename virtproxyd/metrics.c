/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "wire/listener.h"

#include "daemon-metrics.h"
#include "domain-metrics.h"
#include "exposition.h"
#include "gather.h"

#define MOST_CONNECTIONS 16
#define MOST_BACKLOG 16
#define IDLE_SECONDS 10
/* Of headers and all, for each connection. */
#define CONNECTION_MEMORY (16 * 1024)
/* Scrapes that come at once, or one on the heels of the other, get the same text. */
#define FRESH_MICROSECONDS 1000000
#define CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* One address. */
struct endpoint {
    struct metrics *metrics;
    struct listener listener; /* its descriptor is the server's */
    struct MHD_Daemon *server;
    bool tcp;
};

struct metrics {
    const struct daemon *daemon;
    struct loop *loop; /* of the links to the daemons */
    GThread *thread;
    struct workers *workers;
    GArray *endpoints; /* struct endpoint */

    GMutex lock; /* one scrape at a time; guards the rest */
    char *text;
    int64_t made_at;
};

static const struct family took = {"modvirt_scrape_duration_seconds", FAMILY_GAUGE, "seconds",
                                   "Time that it took to ask all daemons."};

/* ---- the text ---- */

static char *scrape(struct metrics *metrics)
{
    struct exposition *exposition = exposition_new();
    int64_t began = g_get_monotonic_time();
    struct gathered gathered;

    gather_daemons(metrics->loop, metrics->workers, metrics->daemon->session,
                   metrics->daemon->spec->name, &gathered);
    for (size_t i = 0; i < PRESENCE_DAEMONS; i++) {
        const struct gathered_daemon *daemon = &gathered.daemons[i];

        daemon_metrics_add(exposition, daemon);
        for (uint32_t j = 0; j < daemon->domains.retStats_len; j++)
            domain_metrics_add(exposition, daemon->daemon->name, &daemon->domains.retStats_val[j]);
    }
    gathered_clear(&gathered);
    int64_t microseconds = g_get_monotonic_time() - began;
    exposition_add(exposition, &took, "", "%d.%06d", (int)(microseconds / 1000000),
                   (int)(microseconds % 1000000));
    return exposition_end(exposition);
}

static char *get_text(struct metrics *metrics)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->lock);

    if (!metrics->text || g_get_monotonic_time() - metrics->made_at > FRESH_MICROSECONDS) {
        g_free(metrics->text);
        metrics->text = scrape(metrics);
        metrics->made_at = g_get_monotonic_time();
    }
    return g_strdup(metrics->text);
}

/* ---- HTTP ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, char *text,
                              const char *type)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* A name that is not this host's may be another site's, led here by its own name service. */
static bool is_own_host(struct MHD_Connection *connection)
{
    static const char *const own[] = {"127.0.0.1", "[::1]", "localhost"};
    const char *host =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

    for (size_t i = 0; host && i < G_N_ELEMENTS(own); i++) {
        size_t length = strlen(own[i]);

        if (g_ascii_strncasecmp(host, own[i], length) == 0 &&
            (!host[length] || host[length] == ':'))
            return true;
    }
    return !host;
}

static enum MHD_Result serve(void *data, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **state)
{
    struct endpoint *endpoint = data;
    bool reads =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;

    /* the first call is for the headers; without a body to come, there is one more */
    if (!*state && reads) {
        *state = endpoint;
        return MHD_YES;
    }
    if (!reads)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, g_strdup("only GET\n"),
                      "text/plain");
    if (endpoint->tcp && !is_own_host(connection))
        return answer(connection, MHD_HTTP_FORBIDDEN, g_strdup("not this host's name\n"),
                      "text/plain");
    if (strcmp(url, "/metrics") != 0)
        return answer(connection, MHD_HTTP_NOT_FOUND, g_strdup("only /metrics\n"), "text/plain");
    return answer(connection, MHD_HTTP_OK, get_text(endpoint->metrics), CONTENT_TYPE);
}

/* ---- addresses ---- */

/* "127.0.0.1:9177" or "[::1]:9177" */
static bool read_loopback(const char *text, struct sockaddr_storage *ret, socklen_t *ret_length)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    const char *colon = strrchr(text, ':');
    bool bracketed = *text == '[' && colon && colon > text && colon[-1] == ']';
    guint64 port;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
        return false;
    g_autofree char *address =
        g_strndup(text + bracketed, (size_t)(colon - text) - (bracketed ? 2 : 0));
    memset(ret, 0, sizeof(*ret));
    if (!bracketed && inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_length = sizeof(*v4);
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (!bracketed || inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    *ret_length = sizeof(*v6);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int listen_at(const char *address, struct endpoint *endpoint, GError **error)
{
    struct sockaddr_storage loopback;
    socklen_t length;

    endpoint->tcp = *address != '/';
    if (!endpoint->tcp)
        return listener_open(address, endpoint->metrics->daemon->settings.unix_sock_ro_perms,
                             (gid_t)-1, MOST_BACKLOG, &endpoint->listener, error);
    if (read_loopback(address, &loopback, &length))
        return listener_open_tcp((const struct sockaddr *)&loopback, length, address, MOST_BACKLOG,
                                 &endpoint->listener, error);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "metrics_listen: '%s' is neither the path of a unix socket nor a loopback address "
              "with a port, such as 127.0.0.1:9177 or [::1]:9177",
              address);
    return -1;
}

static int begin_serving(struct endpoint *endpoint, const char *address, GError **error)
{
    endpoint->server = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, serve, endpoint,
        MHD_OPTION_LISTEN_SOCKET, endpoint->listener.fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (endpoint->server) {
        fd_take(&endpoint->listener.fd);
        return 0;
    }
    error_set(error, VIR_ERR_INTERNAL_ERROR, "metrics can't be served at '%s'", address);
    return -1;
}

/* ---- the whole ---- */

static void *run_loop(void *data)
{
    loop_run(data);
    return NULL;
}

static int begin(struct metrics *metrics, char *const *addresses, GError **error)
{
    static const struct workers_limits limits = {.maximum = PRESENCE_DAEMONS};

    metrics->loop = loop_new(error);
    if (!metrics->loop)
        return -1;
    metrics->workers = workers_new("metrics", &limits);
    metrics->thread = g_thread_new("metrics-loop", run_loop, metrics->loop);
    for (unsigned i = 0; addresses[i]; i++) {
        struct endpoint *endpoint = &g_array_index(metrics->endpoints, struct endpoint, i);

        if (listen_at(addresses[i], endpoint, error) < 0 ||
            begin_serving(endpoint, addresses[i], error) < 0)
            return -1;
    }
    return 0;
}

struct metrics *metrics_new(const struct daemon *daemon, char *const *addresses, GError **error)
{
    struct metrics *metrics = g_new0(struct metrics, 1);
    guint count = g_strv_length((char **)addresses);

    g_mutex_init(&metrics->lock);
    metrics->daemon = daemon;
    metrics->endpoints = g_array_sized_new(FALSE, TRUE, sizeof(struct endpoint), count);
    for (guint i = 0; i < count; i++) {
        const struct endpoint endpoint = {.metrics = metrics, .listener = {.fd = -1}};

        g_array_append_val(metrics->endpoints, endpoint);
    }
    if (begin(metrics, addresses, error) == 0)
        return metrics;
    metrics_free(metrics);
    return NULL;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (guint i = 0; i < metrics->endpoints->len; i++) {
        struct endpoint *endpoint = &g_array_index(metrics->endpoints, struct endpoint, i);

        if (endpoint->server)
            MHD_stop_daemon(endpoint->server);
        listener_close(&endpoint->listener);
    }
    g_array_unref(metrics->endpoints);
    workers_free(metrics->workers);
    if (metrics->thread) {
        loop_quit(metrics->loop);
        g_thread_join(metrics->thread);
    }
    loop_free(metrics->loop);
    g_mutex_clear(&metrics->lock);
    g_free(metrics->text);
    g_free(metrics);
}

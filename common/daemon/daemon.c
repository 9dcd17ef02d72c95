/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/daemon.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/workers.h"
#include "daemon/admin.h"
#include "daemon/auth.h"
#include "daemon/authenticate.h"
#include "daemon/detach.h"
#include "daemon/life.h"
#include "daemon/logging.h"
#include "daemon/login.h"
#include "daemon/polkit.h"
#include "daemon/remote.h"
#include "daemon/tally.h"
#include "wire/connection.h"
#include "wire/server.h"

/* Threads wait far more than they allocate: a heap for each would only hold memory. */
#define MOST_ARENAS 2
#define MAPPED_SIZE (1024 * 1024)
#define KEPT_SIZE (2 * 1024 * 1024)
/* A client takes one descriptor, a guest a handful. */
#define WANTED_DESCRIPTORS 65536
/* How long a predecessor that accepts nobody any more may take to end. */
#define PREDECESSOR_MILLISECONDS 5000
#define LONGEST_PID_FILE 64
/* After which nothing of ours may still be at work. */
#define LAST_DRAIN_MILLISECONDS 2000
#define ADMIN_PRIORITY_WORKERS 1

/* Clients */

/* Stands in client->data of a client that the daemon's own code has not seen. */
static char refused;

static void client_connected(struct server_client *client, void *data)
{
    const struct transport_peer *peer = connection_peer(client->connection);
    struct daemon *daemon = data;
    GError *error = NULL;

    daemon->life->clients++;
    daemon_idle_check(daemon);
    if (peer->local && auth_check_peer(daemon->session, geteuid(), peer->uid, &error) < 0) {
        client->data = &refused;
        connection_close(client->connection, error);
        return;
    }
    if (peer->local)
        log_debug("client %" G_GUINT64_FORMAT " on %s: pid %d, uid %u", client->id,
                  client->service->name, peer->pid, peer->uid);
    else
        log_debug("client %" G_GUINT64_FORMAT " on %s: %s", client->id, client->service->name,
                  peer->address);
    if (client->service->admin)
        admin_connected(client);
    else if (daemon->spec->connected)
        daemon->spec->connected(daemon, client);
}

static void client_frame(struct server_client *client, struct frame *frame, void *data)
{
    struct daemon *daemon = data;

    /* Calls that come after the decision to end have not been begun: clients may repeat them. */
    if (client->data == &refused || daemon->life->stopping)
        frame_free(frame);
    else if (client->service->admin)
        admin_frame(daemon, client, frame);
    else
        daemon->spec->frame(daemon, client, frame);
}

static void client_disconnected(struct server_client *client, const GError *reason, void *data)
{
    struct daemon *daemon = data;

    log_debug("client %" G_GUINT64_FORMAT " has gone: %s", client->id,
              reason ? reason->message : "closed by itself");
    authenticate_end(client);
    if (client->data != &refused && !client->service->admin && daemon->spec->disconnected)
        daemon->spec->disconnected(daemon, client, reason);
    daemon->life->clients--;
    daemon_idle_check(daemon);
    daemon_stop_check(daemon);
}

static const struct server_handlers client_handlers = {
    .connected = client_connected,
    .frame = client_frame,
    .disconnected = client_disconnected,
};

/* Settings and what follows from them */

static struct server_limits server_limits(const struct settings *settings, bool admin)
{
    struct server_limits limits;

    server_limits_init(&limits);
    limits.max_clients = admin ? settings->admin_max_clients : settings->max_clients;
    limits.max_queued = admin ? settings->admin_max_queued_clients : settings->max_queued_clients;
    limits.connection.max_requests =
        admin ? settings->admin_max_client_requests : settings->max_client_requests;
    limits.max_anonymous = settings->max_anonymous_clients;
    return limits;
}

static struct workers_limits workers_limits(const struct settings *settings, bool admin)
{
    if (admin)
        return (struct workers_limits){settings->admin_min_workers, settings->admin_max_workers,
                                       ADMIN_PRIORITY_WORKERS};
    return (struct workers_limits){settings->min_workers, settings->max_workers,
                                   settings->prio_workers};
}

/* As many again; most often there are none. */
static struct workers_limits patient_limits(const struct settings *settings)
{
    return (struct workers_limits){0, settings->max_workers, 0};
}

static int apply_settings(struct daemon *daemon, GError **error)
{
    const struct settings *settings = &daemon->settings;
    struct server_limits main_limits = server_limits(settings, false);
    struct server_limits admin_limits = server_limits(settings, true);
    struct workers_limits threads = workers_limits(settings, false);
    struct workers_limits patient_threads = patient_limits(settings);
    struct workers_limits admin_threads = workers_limits(settings, true);

    server_set_limits(daemon->server, &main_limits);
    server_set_limits(daemon->admin, &admin_limits);
    if (workers_set_limits(daemon->workers, &threads, error) < 0 ||
        workers_set_limits(daemon->patient, &patient_threads, error) < 0)
        return -1;
    return workers_set_limits(daemon->admin_workers, &admin_threads, error);
}

static const char *config_file(const struct daemon *daemon)
{
    const char *given = daemon->life->options.config_file;

    return given ? given : daemon->paths.config_file;
}

static const char *pid_file(const struct daemon *daemon)
{
    const char *given = daemon->life->options.pid_file;

    return given ? given : daemon->paths.pid_file;
}

/* Settings that are no longer current. Other threads may be reading their texts, so they are kept:
 * a few hundred bytes for each time that somebody changes the configuration. */
struct retired {
    struct settings settings;
    void *extra;
    struct retired *next;
};

static void free_settings(struct daemon *daemon, struct settings *settings, void *extra)
{
    const struct config_part part = {&daemon->spec->extra_keys, extra};

    settings_clear(settings);
    if (extra)
        config_clear(&part, 1);
    g_free(extra);
}

static void free_all_settings(struct daemon *daemon)
{
    struct retired *retired = daemon->life->retired;

    free_settings(daemon, &daemon->settings, daemon->extra);
    while (retired) {
        struct retired *next = retired->next;
        free_settings(daemon, &retired->settings, retired->extra);
        g_free(retired);
        retired = next;
    }
}

static void retire_settings(struct daemon *daemon)
{
    struct retired *retired = g_new(struct retired, 1);

    *retired = (struct retired){daemon->settings, daemon->extra, daemon->life->retired};
    daemon->life->retired = retired;
}

static int load_settings(struct daemon *daemon, GError **error)
{
    const struct daemon_spec *spec = daemon->spec;
    g_autofree void *extra = spec->extra_size ? g_malloc0(spec->extra_size) : NULL;
    struct settings settings;

    if (settings_load(config_file(daemon), daemon->life->options.config_file, &spec->extra_keys,
                      extra, &settings, error) < 0)
        return -1;
    if (spec->remote && remote_check(extra, error) < 0) {
        g_prefix_error(error, "%s: ", config_file(daemon));
        free_settings(daemon, &settings, g_steal_pointer(&extra));
        return -1;
    }
    retire_settings(daemon);
    daemon->settings = settings;
    daemon->extra = g_steal_pointer(&extra);
    return 0;
}

int daemon_update_tls(struct daemon *daemon, GError **error)
{
    if (daemon->remote && remote_has_tls(daemon->remote))
        return remote_load_tls(daemon->remote, daemon->extra, daemon->session, error);
    error_set(error, VIR_ERR_INTERNAL_ERROR, "no tls service found, unable to update tls files");
    return -1;
}

static void log_warning(const char *text, void *data)
{
    log_warn("%s", text);
}

/* Sockets are made at the start alone. */
static void warn_of_restart(const struct daemon *daemon)
{
    const struct retired *old = daemon->life->retired;

    config_warn_of_restart(&settings_table, &old->settings, &daemon->settings, log_warning, NULL);
    if (daemon->extra)
        config_warn_of_restart(&daemon->spec->extra_keys, old->extra, daemon->extra, log_warning,
                               NULL);
}

static int reload(struct daemon *daemon, GError **error)
{
    if (load_settings(daemon, error) < 0 || log_reopen(error) < 0 ||
        logging_apply(&daemon->life->options, &daemon->settings, error) < 0 ||
        apply_settings(daemon, error) < 0)
        return -1;
    warn_of_restart(daemon);
    if (daemon->remote && remote_has_tls(daemon->remote) && daemon_update_tls(daemon, error) < 0)
        return -1;
    return daemon->spec->reload ? daemon->spec->reload(daemon, error) : 0;
}

/* Signals */

static void notify_reloading(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static void reload_signal(int number, void *data)
{
    struct daemon *daemon = data;
    g_autoptr(GError) error = NULL;

    if (daemon->life->stopping)
        return;
    notify_reloading();
    if (reload(daemon, &error) < 0)
        log_error("the configuration could not be read again: %s", error->message);
    else
        log_info("configuration read again");
    sd_notify(0, "READY=1");
}

static void stop_signal(int number, void *data)
{
    struct daemon *daemon = data;

    if (daemon->life->stopping) {
        log_warn("signal %d again: not waiting for calls and clients", number);
        daemon->life->hurried = true;
        loop_quit(daemon->loop);
        return;
    }
    log_info("signal %d: ending", number);
    daemon_stop_begin(daemon);
}

static int add_signals(struct daemon *daemon, GError **error)
{
    static const struct {
        int number;
        loop_signal_function function;
    } wanted[] = {{SIGTERM, stop_signal}, {SIGINT, stop_signal}, {SIGHUP, reload_signal}};

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        daemon->life->signals[i] =
            loop_add_signal(daemon->loop, wanted[i].number, wanted[i].function, daemon, error);
        if (!daemon->life->signals[i])
            return -1;
    }
    return 0;
}

static void quit_posted(void *data)
{
    daemon_stop_begin(data);
}

void daemon_quit(struct daemon *daemon)
{
    loop_post(daemon->loop, quit_posted, daemon);
}

/* Start */

/* A socket as descriptor 0, 1 or 2 would be taken for a terminal or a log. */
static int occupy_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= WANTED_DESCRIPTORS)
        return;
    limit.rlim_cur = MIN(limit.rlim_max, WANTED_DESCRIPTORS);
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Waits for a predecessor that is about to end; false when there is none, or it serves clients. */
static bool outlive_predecessor(struct daemon *daemon)
{
    g_autofree char *text = NULL;
    struct process process = PROCESS_INIT;

    if (sockets_answer(&daemon->life->sockets) ||
        file_read_all(pid_file(daemon), LONGEST_PID_FILE, &text, NULL, NULL) < 0 ||
        process_open((pid_t)g_ascii_strtoll(text, NULL, 10), 0, &process, NULL) < 0)
        return false;
    log_info("waiting for the process %d to end", process.pid);
    bool ended = process_wait(&process, PREDECESSOR_MILLISECONDS, NULL);
    process_clear(&process);
    return ended;
}

static int lock_pid(struct daemon *daemon, GError **error)
{
    g_autoptr(GError) first = NULL;

    if (file_lock_pid(pid_file(daemon), &daemon->life->pid_fd, &first) == 0)
        return 0;
    if (error_is(first, VIR_ERR_OPERATION_FAILED) && outlive_predecessor(daemon))
        return file_lock_pid(pid_file(daemon), &daemon->life->pid_fd, error);
    g_propagate_error(error, g_steal_pointer(&first));
    return -1;
}

static int make_loop(struct daemon *daemon, GError **error)
{
    struct server_limits limits = server_limits(&daemon->settings, false);
    struct server_limits admin_limits = server_limits(&daemon->settings, true);
    struct workers_limits threads = workers_limits(&daemon->settings, false);
    struct workers_limits patient_threads = patient_limits(&daemon->settings);
    struct workers_limits admin_threads = workers_limits(&daemon->settings, true);

    daemon->loop = loop_new(error);
    if (!daemon->loop || add_signals(daemon, error) < 0)
        return -1;
    daemon->life->started_at = loop_now(daemon->loop);
    daemon->polkit = polkit_new(daemon->loop);
    daemon->tally = tally_new();
    daemon->workers = workers_new("worker", &threads);
    daemon->patient = workers_new("patient", &patient_threads);
    daemon->admin_workers = workers_new("admin-worker", &admin_threads);
    daemon->server =
        server_new(daemon->loop, daemon->spec->name, &limits, &client_handlers, daemon);
    daemon->admin = server_new(daemon->loop, "admin", &admin_limits, &client_handlers, daemon);
    return 0;
}

static const char *socket_stem(const struct daemon_spec *spec)
{
    return spec->socket_stem ? spec->socket_stem : spec->name;
}

static void warn_of_open_doors(const struct remote_settings *settings)
{
    if (settings->listen_tcp && g_str_equal(settings->auth_tcp, "none"))
        log_warn("auth_tcp = \"none\": who reaches TCP port %s has full control of this host",
                 settings->tcp_port);
    if (settings->listen_tls && g_str_equal(settings->auth_tls, "none") &&
        settings->tls_no_verify_certificate)
        log_warn(
            "tls_no_verify_certificate = 1 and auth_tls = \"none\": who reaches TCP port %s has "
            "full control of this host",
            settings->tls_port);
}

/* Certificates that are wrong are found before the sockets are made. */
static int begin_remote(struct daemon *daemon, GError **error)
{
    struct sockets *sockets = &daemon->life->sockets;

    sockets->remote_settings = daemon->extra;
    warn_of_open_doors(daemon->extra);
    if (!sockets_have_tls(sockets))
        return 0;
    return remote_load_tls(daemon->remote, daemon->extra, daemon->session, error);
}

/* All that may fail before anybody can connect. */
static int prepare(struct daemon *daemon, GError **error)
{
    struct daemon_life *life = daemon->life;
    const struct daemon_spec *spec = daemon->spec;

    if (load_settings(daemon, error) < 0 || paths_make(&daemon->paths, daemon->session, error) < 0)
        return -1;
    logging_choose_default(spec->name, &life->options, &daemon->paths, daemon->session);
    if (logging_apply(&life->options, &daemon->settings, error) < 0 ||
        sockets_plan(spec->name, socket_stem(spec), daemon->paths.runtime, daemon->session,
                     &daemon->settings, &life->sockets, error) < 0)
        return -1;
    if (life->options.detach && detach_begin(&life->detach_fd, error) < 0)
        return -1;
    return lock_pid(daemon, error);
}

static int start(struct daemon *daemon, GError **error)
{
    struct daemon_life *life = daemon->life;
    const struct daemon_spec *spec = daemon->spec;

    log_info("%s (modvirt) %s starts", spec->name, MODVIRT_VERSION);
    if (make_loop(daemon, error) < 0 || (spec->start && spec->start(daemon, error) < 0))
        return -1;
    life->started = true;
    if (daemon->remote && begin_remote(daemon, error) < 0)
        return -1;
    if (sockets_open(&life->sockets, daemon->server, daemon->admin, error) < 0)
        return -1;
    daemon_idle_begin(daemon, life->options.idle_timeout);
    sd_notify(0, "READY=1");
    if (life->detach_fd >= 0)
        detach_end(life->detach_fd);
    life->detach_fd = -1;
    return 0;
}

/* End */

static bool drain_workers(struct daemon *daemon, int milliseconds)
{
    return workers_drain(daemon->workers, milliseconds) &&
           workers_drain(daemon->patient, milliseconds) &&
           workers_drain(daemon->admin_workers, milliseconds);
}

/* With threads at work on what we would free: no orderly end. The state on disk is always whole. */
static void abandon(struct daemon *daemon)
{
    log_error("calls are still at work: ending without the last steps");
    file_unlock_pid(pid_file(daemon), daemon->life->pid_fd);
    _exit(EXIT_SUCCESS);
}

static void finish_loop(struct daemon *daemon)
{
    struct daemon_life *life = daemon->life;

    server_free(daemon->admin);
    server_free(daemon->server);
    /* The ends of clients may have made work too. */
    if (!drain_workers(daemon, life->hurried ? 0 : LAST_DRAIN_MILLISECONDS))
        abandon(daemon);
    if (life->drain)
        g_thread_join(life->drain);
    if (life->started && daemon->spec->stop)
        daemon->spec->stop(daemon);
    workers_free(daemon->admin_workers);
    workers_free(daemon->patient);
    workers_free(daemon->workers);
    polkit_free(daemon->polkit);
    login_shut_down();
    daemon_idle_end(daemon);
    for (size_t i = 0; i < G_N_ELEMENTS(life->signals) && life->signals[i]; i++)
        loop_signal_remove(life->signals[i]);
    loop_free(daemon->loop);
    tally_free(daemon->tally); /* the loop's last posts end calls that were passed on */
}

static void finish(struct daemon *daemon)
{
    struct daemon_life *life = daemon->life;

    if (daemon->server)
        finish_loop(daemon);
    if (life->pid_fd >= 0)
        file_unlock_pid(pid_file(daemon), life->pid_fd);
    sockets_clear(&life->sockets);
    remote_free(daemon->remote);
    free_all_settings(daemon);
    paths_clear(&daemon->paths);
    log_reset();
}

static void report(const struct daemon_spec *spec, const GError *error)
{
    log_error("%s", error->message);
    if (!logging_reaches_stderr())
        fprintf(stderr, "%s: %s\n", spec->name, error->message);
}

static int check_tls(struct daemon *daemon)
{
    g_autoptr(GError) error = NULL;
    int status = load_settings(daemon, &error);

    if (status < 0)
        report(daemon->spec, error);
    else
        status = remote_print_check(daemon->extra, daemon->session, stdout);
    free_all_settings(daemon);
    paths_clear(&daemon->paths);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct daemon *daemon)
{
    g_autoptr(GError) error = NULL;

    if (daemon->spec->remote)
        daemon->remote = daemon->life->sockets.remote = remote_new();
    if (sockets_take_passed(daemon->spec->name, socket_stem(daemon->spec), &daemon->life->sockets,
                            &error) < 0 ||
        prepare(daemon, &error) < 0 || start(daemon, &error) < 0) {
        report(daemon->spec, error);
        finish(daemon);
        return EXIT_FAILURE;
    }
    loop_run(daemon->loop);
    finish(daemon);
    return EXIT_SUCCESS;
}

/* Packets of streams come one after another: their memory is not given back in between. */
static void set_up_malloc(void)
{
    mallopt(M_ARENA_MAX, MOST_ARENAS);
    mallopt(M_MMAP_THRESHOLD, MAPPED_SIZE);
    mallopt(M_TRIM_THRESHOLD, KEPT_SIZE);
}

int daemon_main(const struct daemon_spec *spec, int argc, char **argv)
{
    struct daemon_life life = {.pid_fd = -1, .detach_fd = -1};
    struct daemon daemon = {.spec = spec, .life = &life};
    g_autoptr(GError) error = NULL;

    daemon.privileged = geteuid() == 0;
    daemon.session = !daemon.privileged;
    if (occupy_standard_descriptors() < 0)
        return EXIT_FAILURE;
    set_up_malloc();
    umask(0077);
    if (paths_find(spec->name, daemon.session, &daemon.paths, &error) < 0) {
        fprintf(stderr, "%s: %s\n", spec->name, error->message);
        return EXIT_FAILURE;
    }
    enum options_result result =
        options_read(spec->name, spec->remote, &daemon.paths, argc, argv, &life.options);
    if (result == OPTIONS_RUN && daemon.session && !spec->session_allowed) {
        fprintf(stderr, "%s: serves the whole host and must be started by root\n", spec->name);
        result = OPTIONS_BAD;
    }
    if (result != OPTIONS_RUN) {
        paths_clear(&daemon.paths);
        return result == OPTIONS_DONE ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (life.options.check_tls)
        return check_tls(&daemon);
    raise_descriptors();
    return run(&daemon);
}

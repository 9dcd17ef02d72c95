/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gather.h"

#include <string.h>

#include "base/log.h"
#include "base/workers.h"
#include "daemon/paths.h"
#include "facts/constants.h"
#include "wire/upstream.h"

#include "route.h"

#define STATISTICS                                                                                 \
    (VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON |              \
     VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK)

/* One daemon that is asked, on a worker. */
struct question {
    struct loop *loop;
    char *admin_path, *path; /* of its sockets */
    const char *scheme;      /* of its URIs, if it is a hypervisor's; NULL */
    bool session;
    int64_t deadline; /* by g_get_monotonic_time() */
    struct gathered_daemon *answer;
};

static int time_left(const struct question *question)
{
    int64_t left = (question->deadline - g_get_monotonic_time()) / 1000;

    return (int)CLAMP(left, 0, GATHER_MILLISECONDS);
}

static int ask_itself(struct question *question, GError **error)
{
    struct gathered_daemon *answer = question->answer;
    struct upstream *upstream = upstream_connect(question->loop, question->admin_path,
                                                 time_left(question), NULL, NULL, error);
    int status;

    if (!upstream)
        return -1;
    status = upstream_call(upstream, MODVIRT_PROGRAM, MODVIRT_PROGRAM_VERSION,
                           MODVIRT_PROC_DAEMON_GET_STATUS, NULL, NULL,
                           &modvirt_daemon_get_status_ret_type, &answer->arena, &answer->status,
                           time_left(question), error);
    answer->up = status == 0;
    if (status == 0)
        status = upstream_call(upstream, MODVIRT_PROGRAM, MODVIRT_PROGRAM_VERSION,
                               MODVIRT_PROC_DAEMON_GET_CALLS, NULL, NULL,
                               &modvirt_daemon_get_calls_ret_type, &answer->arena, &answer->calls,
                               time_left(question), error);
    upstream_free(upstream);
    return status;
}

static int call(struct question *question, struct upstream *upstream, int procedure,
                const struct codec_type *args_type, const void *args,
                const struct codec_type *ret_type, void *ret, GError **error)
{
    return upstream_call(upstream, REMOTE_PROGRAM, REMOTE_PROGRAM_VERSION, procedure, args_type,
                         args, ret_type, &question->answer->arena, ret, time_left(question), error);
}

static int open_driver(struct question *question, struct upstream *upstream, GError **error)
{
    g_autofree char *uri =
        g_strdup_printf("%s:///%s", question->scheme, question->session ? "session" : "system");
    const struct remote_connect_open_args args = {.name = uri, .flags = VIR_CONNECT_RO};
    struct remote_auth_list_ret types;

    if (call(question, upstream, REMOTE_PROC_AUTH_LIST, NULL, NULL, &remote_auth_list_ret_type,
             &types, error) < 0)
        return -1;
    return call(question, upstream, REMOTE_PROC_CONNECT_OPEN, &remote_connect_open_args_type, &args,
                NULL, NULL, error);
}

static int ask_for_domains(struct question *question, GError **error)
{
    const struct remote_connect_get_all_domain_stats_args args = {
        .stats = STATISTICS,
        .flags = VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
    };
    struct gathered_daemon *answer = question->answer;
    struct upstream *upstream =
        upstream_connect(question->loop, question->path, time_left(question), NULL, NULL, error);
    int status;

    if (!upstream)
        return -1;
    status = open_driver(question, upstream, error);
    if (status == 0)
        status = call(question, upstream, REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS,
                      &remote_connect_get_all_domain_stats_args_type, &args,
                      &remote_connect_get_all_domain_stats_ret_type, &answer->domains, error);
    upstream_free(upstream);
    return status;
}

static void ask(void *data)
{
    struct question *question = data;
    g_autoptr(GError) error = NULL;

    if (ask_itself(question, &error) < 0 ||
        (question->scheme && ask_for_domains(question, &error) < 0))
        log_debug("no figures of %s: %s", question->answer->daemon->name, error->message);
    g_free(question->admin_path);
    g_free(question->path);
    g_free(question);
}

static struct question *question_new(const struct presence_daemon *daemon, const char *runtime,
                                     struct gathered_daemon *answer)
{
    struct question *question = g_new0(struct question, 1);

    question->admin_path = g_strdup_printf("%s/%s-admin-sock", runtime, daemon->stem);
    question->path = g_strdup_printf("%s/%s-sock", runtime, daemon->stem);
    question->scheme = route_hypervisor(daemon->name);
    question->deadline = g_get_monotonic_time() + GATHER_MILLISECONDS * INT64_C(1000);
    question->answer = answer;
    return question;
}

void gather_daemons(struct loop *loop, struct workers *workers, bool session, const char *own,
                    struct gathered *ret)
{
    *ret = (struct gathered){0};
    for (size_t i = 0; i < PRESENCE_DAEMONS; i++) {
        const struct presence_daemon *daemon = &presence_daemons[i];
        struct gathered_daemon *answer = &ret->daemons[i];
        struct paths paths;

        answer->daemon = daemon;
        if (paths_find(daemon->name, session, &paths, NULL) < 0)
            continue;
        /* to look at the lock on its own pid file would give it up */
        answer->presence = strcmp(daemon->name, own) == 0
                               ? PRESENCE_RUNNING
                               : presence_look(daemon, paths.runtime, paths.pid_file);
        if (answer->presence == PRESENCE_RUNNING) {
            struct question *question = question_new(daemon, paths.runtime, answer);

            question->loop = loop;
            question->session = session;
            workers_push(workers, ask, question, false);
        }
        paths_clear(&paths);
    }
    workers_drain(workers, -1);
}

void gathered_clear(struct gathered *gathered)
{
    for (size_t i = 0; i < PRESENCE_DAEMONS; i++)
        arena_clear(&gathered->daemons[i].arena);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usage: modvirt status [--json] [DAEMON...] - what the daemons of this host are doing. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/paths.h"
#include "daemon/presence.h"

#include "query.h"

enum state {
    STATE_ABSENT,  /* no socket, no process */
    STATE_WAITING, /* whoever connects starts it */
    STATE_RUNNING,
    STATE_SILENT, /* a process that does not answer: not healthy */
    STATE_DEAD,   /* sockets that nobody listens on any more: not healthy */
};

static const char *const state_names[] = {"absent", "waiting", "running", "silent", "dead"};

struct report {
    const struct presence_daemon *daemon;
    enum state state;
    struct json_object *facts, *sockets; /* owned */
    char *trouble;                       /* why it is silent */
};

/* ---- finding out ---- */

static struct json_object *describe_socket(const char *path, const struct stat *status)
{
    struct json_object *socket = json_object_new_object();
    const struct passwd *user = getpwuid(status->st_uid);
    const struct group *group = getgrgid(status->st_gid);
    g_autofree char *mode = g_strdup_printf("%04o", status->st_mode & 07777);

    json_object_object_add(socket, "path", json_object_new_string(path));
    json_object_object_add(socket, "mode", json_object_new_string(mode));
    json_object_object_add(socket, "user", json_object_new_string(user ? user->pw_name : "?"));
    json_object_object_add(socket, "group", json_object_new_string(group ? group->gr_name : "?"));
    return socket;
}

static struct json_object *find_sockets(const struct presence_daemon *daemon, const char *folder)
{
    struct json_object *sockets = json_object_new_array();

    for (size_t i = 0; i < PRESENCE_SOCKETS; i++) {
        g_autofree char *path =
            g_strdup_printf("%s/%s%s", folder, daemon->stem, presence_suffixes[i]);
        struct stat status;

        if (stat(path, &status) == 0 && S_ISSOCK(status.st_mode))
            json_object_array_add(sockets, describe_socket(path, &status));
    }
    return sockets;
}

/* A name that comes more than once has a list. */
static void add_fact(struct json_object *facts, const char *name, const char *value)
{
    struct json_object *list = NULL;

    if (!g_str_has_prefix(name, "config.")) {
        json_object_object_add(facts, name, json_object_new_string(value));
        return;
    }
    if (!json_object_object_get_ex(facts, name, &list)) {
        list = json_object_new_array();
        json_object_object_add(facts, name, list);
    }
    json_object_array_add(list, json_object_new_string(value));
}

static void ask(struct report *report, const char *folder)
{
    g_autofree char *path = g_strdup_printf("%s/%s-admin-sock", folder, report->daemon->stem);
    struct modvirt_daemon_get_status_ret ret = {0};
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GError) error = NULL;

    if (query_status(path, &arena, &ret, &error) < 0) {
        report->state = STATE_SILENT;
        report->trouble = g_strdup(error->message);
        return;
    }
    for (uint32_t i = 0; i < ret.items_len; i++)
        add_fact(report->facts, ret.items_val[i].name, ret.items_val[i].value);
}

/* Who does not run is not connected to: that would start it. */
static int examine(const struct presence_daemon *daemon, struct report *ret, GError **error)
{
    static const enum state states[] = {
        [PRESENCE_ABSENT] = STATE_ABSENT,
        [PRESENCE_WAITING] = STATE_WAITING,
        [PRESENCE_RUNNING] = STATE_RUNNING,
        [PRESENCE_DEAD] = STATE_DEAD,
    };
    struct report report = {.daemon = daemon, .facts = json_object_new_object()};
    struct paths paths;

    if (paths_find(daemon->name, geteuid() != 0, &paths, error) < 0) {
        json_object_put(report.facts);
        return -1;
    }
    report.sockets = find_sockets(daemon, paths.runtime);
    report.state = states[presence_look(daemon, paths.runtime, paths.pid_file)];
    if (report.state == STATE_RUNNING)
        ask(&report, paths.runtime);
    paths_clear(&paths);
    *ret = report;
    return 0;
}

static void report_clear(struct report *report)
{
    json_object_put(report->facts);
    json_object_put(report->sockets);
    g_free(report->trouble);
}

/* ---- showing ---- */

static const char *fact(const struct report *report, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(report->facts, name, &value) ? json_object_get_string(value)
                                                                  : NULL;
}

static char *write_uptime(const char *text)
{
    guint64 seconds = text ? g_ascii_strtoull(text, NULL, 10) : 0;

    if (seconds >= 86400)
        return g_strdup_printf("%d d %d h", (int)(seconds / 86400), (int)(seconds / 3600 % 24));
    if (seconds >= 3600)
        return g_strdup_printf("%d h %d min", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    return g_strdup_printf("%d min %d s", (int)(seconds / 60), (int)(seconds % 60));
}

static void print_objects(const struct report *report)
{
    static const char *const names[] = {"domains",    "networks", "pools",  "secrets",
                                        "interfaces", "filters",  "devices"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *active = g_strdup_printf("%s.active", names[i]);

        if (fact(report, names[i]))
            printf("  %-10s%s, %s of them active\n", names[i], fact(report, names[i]),
                   fact(report, active));
    }
}

static void print_running(const struct report *report)
{
    g_autofree char *uptime = write_uptime(fact(report, "uptime"));
    struct json_object *ignored = NULL;

    printf("  process   %s, version %s, for %s\n", fact(report, "pid"), fact(report, "version"),
           uptime);
    printf("  clients   %s of at most %s\n", fact(report, "clients"), fact(report, "clients.max"));
    print_objects(report);
    if (fact(report, "error.last")) {
        g_autoptr(GDateTime) time =
            g_date_time_new_from_unix_local(g_ascii_strtoll(fact(report, "error.time"), NULL, 10));
        g_autofree char *when = g_date_time_format(time, "%Y-%m-%d %H:%M:%S");

        printf("  error     %s: %s\n", when, fact(report, "error.last"));
    }
    if (json_object_object_get_ex(report->facts, "config.ignored", &ignored))
        for (size_t i = 0; i < json_object_array_length(ignored); i++)
            printf("  ignored   %s\n",
                   json_object_get_string(json_object_array_get_idx(ignored, i)));
}

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name));
}

static void print_text(const struct report *report)
{
    printf("%s: %s\n", report->daemon->name, state_names[report->state]);
    if (report->state == STATE_RUNNING)
        print_running(report);
    if (report->trouble)
        printf("  trouble   %s\n", report->trouble);
    for (size_t i = 0; i < json_object_array_length(report->sockets); i++) {
        struct json_object *socket = json_object_array_get_idx(report->sockets, i);

        printf("  socket    %s, mode %s, of %s and group %s\n", text_of(socket, "path"),
               text_of(socket, "mode"), text_of(socket, "user"), text_of(socket, "group"));
    }
}

static struct json_object *to_json(const struct report *report)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "name", json_object_new_string(report->daemon->name));
    json_object_object_add(object, "state", json_object_new_string(state_names[report->state]));
    if (report->trouble)
        json_object_object_add(object, "trouble", json_object_new_string(report->trouble));
    json_object_object_add(object, "facts", json_object_get(report->facts));
    json_object_object_add(object, "sockets", json_object_get(report->sockets));
    return object;
}

/* ---- the whole ---- */

static bool is_wanted(const struct presence_daemon *daemon, char *const *names)
{
    for (char *const *name = names; *name; name++)
        if (strcmp(*name, daemon->name) == 0)
            return true;
    return !*names;
}

/* Healthy: something is there, all that runs answers, and whoever was asked for is there. */
static int show_status(char *const *names, bool json)
{
    struct json_object *all = json_object_new_array();
    bool healthy = true;
    unsigned there = 0;

    for (size_t i = 0; i < PRESENCE_DAEMONS; i++) {
        struct report report;
        g_autoptr(GError) error = NULL;

        if (!is_wanted(&presence_daemons[i], names))
            continue;
        if (examine(&presence_daemons[i], &report, &error) < 0) {
            fprintf(stderr, "modvirt: %s\n", error->message);
            return EXIT_FAILURE;
        }
        healthy = healthy && report.state != STATE_SILENT && report.state != STATE_DEAD &&
                  (report.state || !*names);
        there += report.state != STATE_ABSENT;
        if (json)
            json_object_array_add(all, to_json(&report));
        else if (report.state || *names)
            print_text(&report);
        report_clear(&report);
    }
    if (json)
        puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
                                                     JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (!there)
        puts("no daemon is there");
    json_object_put(all);
    return healthy && there ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(FILE *stream)
{
    fputs("Usage: modvirt status [--json] [DAEMON...]\n\n"
          "Shows which of the virtualization daemons are there, and what they are doing. Ends with "
          "0\n"
          "when all is well, 1 when a daemon does not answer, none is there, or one that was named "
          "is\n"
          "not. For the host's daemons: as root; for a session's: as its user.\n",
          stream);
    return stream == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool all_known(char *const *names)
{
    for (; *names; names++) {
        bool found = false;

        for (size_t i = 0; i < PRESENCE_DAEMONS; i++)
            found = found || strcmp(presence_daemons[i].name, *names) == 0;
        if (!found) {
            fprintf(stderr, "modvirt: there is no daemon called '%s'\n", *names);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "jhV", options, NULL)) != -1) {
        if (option == 'V') {
            printf("modvirt %s\n", MODVIRT_VERSION);
            return EXIT_SUCCESS;
        }
        if (option != 'j')
            return usage(option == 'h' ? stdout : stderr);
        json = true;
    }
    if (optind == argc || strcmp(argv[optind], "status") != 0 || !all_known(argv + optind + 1))
        return usage(stderr);
    return show_status(argv + optind + 1, json);
}

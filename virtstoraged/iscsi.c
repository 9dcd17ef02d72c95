/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iscsi.h"

#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/workers.h"

#include "program.h"

#define SESSIONS "/sys/class/iscsi_session"
#define CONNECTIONS "/sys/class/iscsi_connection"
#define TOOL_MS 60000
#define LOGIN_MS 120000
#define LOGIN_TRIES "2" /* of some seconds each: somebody waits */
#define WORD_MOST 4096
#define RECORD_MOST 65536
#define TARGETS_MOST 10000
#define OURS "modvirt-" /* interfaces with a name of initiator */

/* ---- pure ---- */

/* The line "name = value", or the end of text. */
static const char *find_line(const char *text, const char *name)
{
    size_t length = strlen(name);

    while (*text) {
        if (g_str_has_prefix(text, name) && g_str_has_prefix(text + length, " ="))
            return text;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

char *iscsi_set(const char *record, const char *name, const char *value)
{
    static const char end[] = "# END RECORD";
    const char *line = find_line(record, name), *rest = line + strcspn(line, "\n");
    const char *last = *line ? NULL : strstr(record, end);

    rest += *rest == '\n';
    if (last)
        line = rest = last;
    const char *gap = line == record || line[-1] == '\n' ? "" : "\n";
    return g_strdup_printf("%.*s%s%s = %s\n%s", (int)(line - record), record, gap, name, value,
                           rest);
}

char *iscsi_get(const char *record, const char *name)
{
    const char *line = find_line(record, name);

    if (!*line)
        return NULL;
    line += strlen(name) + strlen(" =");
    return g_strstrip(g_strndup(line, strcspn(line, "\n")));
}

static bool is_listed(const GPtrArray *words, const char *word)
{
    for (guint i = 0; i < words->len; i++)
        if (strcmp(words->pdata[i], word) == 0)
            return true;
    return false;
}

/* Names of targets are made of letters, digits and few other characters. */
static bool is_name(const char *word)
{
    for (const char *c = word; *c; c++)
        if (*c <= ' ' || *c == 0x7f || *c == '/')
            return false;
    return *word && *word != '.' && g_utf8_validate(word, -1, NULL);
}

GPtrArray *iscsi_read_targets(const char *text)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", TARGETS_MOST);

    for (char **line = lines; *line; line++) {
        char *name = strchr(*line, ' ');

        g_strchomp(*line);
        if (name && is_name(name + 1) && !is_listed(names, name + 1))
            g_ptr_array_add(names, g_strdup(name + 1));
    }
    return names;
}

/* ---- sessions ---- */

static char *read_word(const char *folder, const char *entry, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s/%s", folder, entry, name);
    char *text = NULL;

    if (file_read_optional(path, WORD_MOST, &text, NULL, NULL) < 0 || !text)
        return g_strdup("");
    return g_strstrip(text);
}

static bool resolves_to(const char *host, const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char text[NI_MAXHOST];
    bool same = false;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    for (const struct addrinfo *one = found; one && !same; one = one->ai_next)
        same = getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text), NULL, 0,
                           NI_NUMERICHOST) == 0 &&
               strcmp(text, address) == 0;
    freeaddrinfo(found);
    return same;
}

static bool is_portal(const struct iscsi_target *target, unsigned session)
{
    g_autofree char *entry = g_strdup_printf("connection%u:0", session);
    g_autofree char *address = read_word(CONNECTIONS, entry, "persistent_address");
    g_autofree char *port = read_word(CONNECTIONS, entry, "persistent_port");

    return g_ascii_strtoull(port, NULL, 10) == target->port &&
           (strcmp(address, target->host) == 0 || resolves_to(target->host, address));
}

static bool is_session(const struct iscsi_target *target, const char *entry, unsigned session)
{
    g_autofree char *name = read_word(SESSIONS, entry, "targetname");
    g_autofree char *initiator = read_word(SESSIONS, entry, "initiatorname");
    g_autofree char *interface = read_word(SESSIONS, entry, "ifacename");
    bool ours = target->initiator ? strcmp(initiator, target->initiator) == 0
                                  : !g_str_has_prefix(interface, OURS);

    return ours && strcmp(name, target->name) == 0 && is_portal(target, session);
}

static bool read_host(const char *entry, unsigned *ret_host)
{
    g_autofree char *link = g_strdup_printf(SESSIONS "/%s", entry);
    g_autofree char *path = realpath(link, NULL);
    const char *part = path ? strstr(path, "/host") : NULL;

    return part && sscanf(part, "/host%9u", ret_host) == 1;
}

bool iscsi_find_session(const struct iscsi_target *target, unsigned *ret_session,
                        unsigned *ret_host)
{
    g_auto(GStrv) entries = NULL;

    if (file_list(SESSIONS, NULL, &entries, NULL) < 0)
        return false;
    for (char **entry = entries; *entry; entry++)
        if (sscanf(*entry, "session%9u", ret_session) == 1 &&
            is_session(target, *entry, *ret_session) && read_host(*entry, ret_host))
            return true;
    return false;
}

/* ---- iscsiadm ---- */

static int run(int milliseconds, char **ret_text, GError **error, const char *const *words)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, (void *)"iscsiadm");
    for (; *words; words++)
        g_ptr_array_add(argv, (void *)*words);
    g_ptr_array_add(argv, NULL);
    struct program program = {.argv = (const char *const *)argv->pdata,
                              .milliseconds = milliseconds};
    workers_begin_wait(); /* servers may be slow, or not there */
    int result = program_run(&program, ret_text, error);
    workers_end_wait();
    return result;
}
#define RUN(milliseconds, ret_text, error, ...)                                                    \
    run(milliseconds, ret_text, error, (const char *const[]){__VA_ARGS__, NULL})

static char *portal_of(const struct iscsi_target *target)
{
    bool bare = strchr(target->host, ':') && *target->host != '[';

    return g_strdup_printf("%s%s%s:%u,1", bare ? "[" : "", target->host, bare ? "]" : "",
                           target->port);
}

/* One of ours for each name of initiator. */
static char *interface_of(const struct iscsi_target *target)
{
    if (!target->initiator)
        return g_strdup("default");
    g_autofree char *digest =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, target->initiator, -1);
    return g_strdup_printf(OURS "%.12s", digest);
}

static int run_node(const struct iscsi_target *target, const char *what, const char *how,
                    GError **error)
{
    g_autofree char *portal = portal_of(target), *interface = interface_of(target);

    return RUN(LOGIN_MS, NULL, error, "--mode", "node", "--portal", portal, "--targetname",
               target->name, "--interface", interface, what, how);
}

/* ---- interfaces ---- */

/* Held while sessions by an interface of ours begin, and when those that are not needed go. */
static GMutex interfaces;

static int make_interface(const struct iscsi_target *target, GError **error)
{
    g_autofree char *name = interface_of(target);

    if (!target->initiator)
        return 0;
    RUN(TOOL_MS, NULL, NULL, "--mode", "iface", "--interface", name, "--op", "new");
    return RUN(TOOL_MS, NULL, error, "--mode", "iface", "--interface", name, "--op", "update",
               "--name", "iface.initiatorname", "--value", target->initiator);
}

static bool is_used(const char *interface)
{
    g_auto(GStrv) entries = NULL;

    if (file_list(SESSIONS, NULL, &entries, NULL) < 0)
        return true;
    for (char **entry = entries; *entry; entry++) {
        g_autofree char *name = read_word(SESSIONS, *entry, "ifacename");
        if (strcmp(name, interface) == 0)
            return true;
    }
    return false;
}

static void remove_interface(const struct iscsi_target *target)
{
    g_autofree char *name = interface_of(target);

    if (target->initiator && !is_used(name))
        RUN(TOOL_MS, NULL, NULL, "--mode", "iface", "--interface", name, "--op", "delete");
}

/* ---- records ---- */

/* Where iscsiadm keeps the record; NULL: there is none. The caller frees. */
static char *find_record(const struct iscsi_target *target)
{
    static const char *const folders[] = {"/etc/iscsi/nodes", "/var/lib/iscsi/nodes"};
    g_autofree char *interface = interface_of(target);

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        char *path = g_strdup_printf("%s/%s/%s,%u,1/%s", folders[i], target->name, target->host,
                                     target->port, interface);
        if (access(path, F_OK) == 0)
            return path;
        g_free(path);
    }
    return NULL;
}

struct setting {
    const char *name, *value; /* NULL: left as it is */
};

static void free_secret(char *text)
{
    explicit_bzero(text, strlen(text));
    g_free(text);
}

/* By its file: iscsiadm takes values as arguments, which all the host can read. */
static int change_record(const struct iscsi_target *target, const struct setting *settings,
                         size_t count, GError **error)
{
    g_autofree char *path = find_record(target);
    char *text = NULL;

    if (!path) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "iscsiadm has left no record of target '%s'",
                  target->name);
        return -1;
    }
    if (file_read_all(path, RECORD_MOST, &text, NULL, error) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!settings[i].value)
            continue;
        char *changed = iscsi_set(text, settings[i].name, settings[i].value);
        free_secret(text);
        text = changed;
    }
    int result = file_replace(path, text, strlen(text), 0600, error);
    free_secret(text);
    return result;
}

static int make_record(const struct iscsi_target *target, GError **error)
{
    const struct setting settings[] = {
        {"node.startup", "manual"},
        {"node.session.initial_login_retry_max", LOGIN_TRIES},
    };
    g_autofree char *path = find_record(target);

    if (path)
        return 0;
    if (run_node(target, "--op", "new", error) < 0)
        return -1;
    return change_record(target, settings, G_N_ELEMENTS(settings), error);
}

static int set_credentials(const struct iscsi_target *target, const char *user,
                           const char *password, GError **error)
{
    const struct setting settings[] = {
        {"node.session.auth.authmethod", "CHAP"},
        {"node.session.auth.username", user},
        {"node.session.auth.password", password},
    };

    if (!password)
        return 0;
    if (!*user || strpbrk(user, "\r\n") || strpbrk(password, "\r\n")) {
        error_set(error, VIR_ERR_INVALID_ARG, "names and passwords of CHAP are one line of text");
        return -1;
    }
    return change_record(target, settings, G_N_ELEMENTS(settings), error);
}

/* One that begins sessions at each boot is somebody else's. */
static void remove_record(const struct iscsi_target *target)
{
    g_autofree char *path = find_record(target);
    g_autofree char *text = NULL;

    if (!path || file_read_all(path, RECORD_MOST, &text, NULL, NULL) < 0)
        return;
    g_autofree char *startup = iscsi_get(text, "node.startup");
    explicit_bzero(text, strlen(text));
    if (g_strcmp0(startup, "manual") == 0)
        run_node(target, "--op", "delete", NULL);
}

/* ---- in and out ---- */

static int check_names(const struct iscsi_target *target, GError **error)
{
    if (is_name(target->host) && is_name(target->name) &&
        (!target->initiator || is_name(target->initiator)))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "'%s' at '%s' is no name of an iSCSI target",
              target->name, target->host);
    return -1;
}

static int log_in(const struct iscsi_target *target, const char *user, const char *password,
                  GError **error)
{
    if (make_interface(target, error) == 0 && make_record(target, error) == 0 &&
        set_credentials(target, user, password, error) == 0 &&
        run_node(target, "--login", NULL, error) == 0)
        return 0;
    remove_record(target);
    remove_interface(target);
    return -1;
}

int iscsi_log_in(const struct iscsi_target *target, const char *user, const char *password,
                 GError **error)
{
    if (check_names(target, error) < 0)
        return -1;
    if (target->initiator)
        g_mutex_lock(&interfaces);
    int result = log_in(target, user, password, error);
    if (target->initiator)
        g_mutex_unlock(&interfaces);
    return result;
}

int iscsi_log_out(const struct iscsi_target *target, GError **error)
{
    if (run_node(target, "--logout", NULL, error) < 0)
        return -1;
    remove_record(target);
    g_mutex_lock(&interfaces);
    remove_interface(target);
    g_mutex_unlock(&interfaces);
    return 0;
}

int iscsi_rescan(unsigned session, GError **error)
{
    g_autofree char *number = g_strdup_printf("%u", session);

    return RUN(TOOL_MS, NULL, error, "--mode", "session", "--sid", number, "--rescan");
}

int iscsi_discover(const struct iscsi_target *target, char **ret_text, GError **error)
{
    g_autofree char *portal = portal_of(target), *interface = interface_of(target);

    g_mutex_lock(&interfaces);
    int result = make_interface(target, error);
    if (result == 0)
        result = RUN(TOOL_MS, ret_text, error, "--mode", "discovery", "--type", "sendtargets",
                     "--portal", portal, "--op", "nonpersistent", "--interface", interface);
    remove_interface(target);
    g_mutex_unlock(&interfaces);
    return result;
}

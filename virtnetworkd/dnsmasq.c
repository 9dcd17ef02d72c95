/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dnsmasq.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "host/socket-owner.h"

#include "dnsmasq-config.h"
#include "dnsmasq-watch.h"
#include "lease.h"
#include "vnet.h"

#define START_MS 20000
#define END_MS 2000
#define OUTPUT_MOST 65536
#define TRIES_MOST 20

/* ---- files ---- */

static char *file_path(const struct network *network, const char *suffix)
{
    return g_strdup_printf("%s/%s%s", networkd->dnsmasq_folder, network->name, suffix);
}

static char *pid_path(const struct network *network)
{
    return g_strdup_printf("%s/%s.pid", networkd->status_folder, network->name);
}

char *dnsmasq_lease_path(const struct network *network)
{
    return g_strdup_printf("%s/%s.status", networkd->dnsmasq_folder, network->bridge);
}

/* dnsmasq's own user reads those that it reads again. */
static int write_file(const char *path, const char *text, GError **error)
{
    return file_replace_volatile(path, text, strlen(text), 0644, error);
}

/* What it reads only once. */
static char *make_config(const struct network *network)
{
    g_autofree char *pid = pid_path(network);
    g_autofree char *hosts_path = file_path(network, ".hostsfile");
    g_autofree char *names_path = file_path(network, ".addnhosts");
    const struct dnsmasq_paths paths = {pid, hosts_path, names_path};

    return dnsmasq_write_config(network, &paths);
}

static int write_files(const struct network *network, GError **error)
{
    g_autofree char *path = file_path(network, ".conf"), *config = make_config(network);
    g_autofree char *hosts_path = file_path(network, ".hostsfile");
    g_autofree char *names_path = file_path(network, ".addnhosts");
    g_autofree char *hosts = dnsmasq_write_hosts(network);
    g_autofree char *names = dnsmasq_write_addn_hosts(network);

    if (file_make_folders(networkd->dnsmasq_folder, 0755, error) < 0 ||
        write_file(path, config, error) < 0 || write_file(hosts_path, hosts, error) < 0)
        return -1;
    return write_file(names_path, names, error);
}

static void remove_files(const struct network *network)
{
    static const char *const suffixes[] = {".conf", ".hostsfile", ".addnhosts"};
    g_autofree char *pid = pid_path(network);

    unlink(pid);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *path = file_path(network, suffixes[i]);
        unlink(path);
    }
}

/* ---- the process ---- */

/* A pid file may be older than the process that has the number now. */
static bool is_ours(pid_t pid, const struct network *network)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int)pid);
    g_autofree char *config = file_path(network, ".conf");
    g_autofree char *option = g_strdup_printf("--conf-file=%s", config);
    g_autofree char *text = NULL;
    size_t length;

    if (file_read_all(path, OUTPUT_MOST, &text, &length, NULL) < 0)
        return false;
    for (size_t i = 0; i < length; i += strlen(text + i) + 1)
        if (strcmp(text + i, option) == 0)
            return true;
    return false;
}

pid_t dnsmasq_pid(const struct network *network)
{
    g_autofree char *path = pid_path(network);
    g_autofree char *text = NULL;

    if (file_read_all(path, 64, &text, NULL, NULL) < 0)
        return 0;
    pid_t pid = (pid_t)g_ascii_strtoll(text, NULL, 10);
    return pid > 0 && is_ours(pid, network) ? pid : 0;
}

static int run(const struct network *network, GError **error)
{
    g_autofree char *config = file_path(network, ".conf"), *leases = dnsmasq_lease_path(network);
    g_autofree char *config_option = g_strdup_printf("--conf-file=%s", config);
    g_autofree char *script_option = g_strdup_printf("--dhcp-script=%s", networkd->lease_helper);
    g_autofree char *leases_variable = g_strdup_printf("MODVIRT_LEASES=%s", leases);
    g_autofree char *bridge_variable = g_strdup_printf("VIR_BRIDGE_NAME=%s", network->bridge);
    const char *argv[] = {"dnsmasq", config_option, "--leasefile-ro", script_option, NULL};
    const char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", leases_variable,
                                 bridge_variable, NULL};
    const struct process_spec spec = {
        .argv = argv, .environment = environment, .new_session = true};

    return process_run(&spec, OUTPUT_MOST, START_MS, NULL, error);
}

/* One that a killed daemon had just started, or told to end: it has no pid file. */
static void end_unknown(const struct network *network)
{
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    const char *name;

    while (proc && (name = g_dir_read_name(proc))) {
        struct process process = PROCESS_INIT;
        pid_t pid = (pid_t)g_ascii_strtoll(name, NULL, 10);

        if (pid <= 0 || !is_ours(pid, network) || process_open(pid, 0, &process, NULL) < 0)
            continue;
        process_kill(&process, END_MS);
        process_clear(&process);
    }
}

/* ---- who has its port ---- */

/* What it can't have, by what it says then. */
static const struct {
    const char *words;
    unsigned port;
} ports[] = {
    {"DHCPv6 server socket", 547},
    {"DHCP server socket", 67},
    {"TFTP", 69},
    {"listening socket", 53},
};

static unsigned find_port(const char *said)
{
    for (size_t i = 0; strstr(said, strerror(EADDRINUSE)) && i < G_N_ELEMENTS(ports); i++)
        if (strstr(said, ports[i].words))
            return ports[i].port;
    return 0;
}

/* Other networks' have their ports on their own bridges alone. */
static bool is_a_networks(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int)pid), *text = NULL;
    g_autofree char *option = g_strdup_printf("--conf-file=%s/", networkd->dnsmasq_folder);
    size_t length;

    return file_read_all(path, OUTPUT_MOST, &text, &length, NULL) == 0 &&
           memmem(text, length, option, strlen(option));
}

static void append_owners(bool udp, unsigned port, GString *out)
{
    g_autoptr(GArray) pids = socket_owner_list(udp, port);

    for (guint i = 0; i < pids->len; i++) {
        pid_t pid = g_array_index(pids, pid_t, i);
        g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid), *name = NULL;

        if (!is_a_networks(pid) && file_read_all(path, 64, &name, NULL, NULL) == 0)
            g_string_append_printf(out, "%s'%s' (process %d)", out->len ? ", " : "",
                                   g_strchomp(name), (int)pid);
    }
}

/* Others that have it; the caller's. */
static GString *find_owners(unsigned port)
{
    GString *owners = g_string_new(NULL);

    if (port)
        append_owners(true, port, owners);
    if (port == 53 && !owners->len)
        append_owners(false, port, owners);
    return owners;
}

static void name_owners(GError *problem, unsigned port, const char *owners)
{
    g_autofree char *said = problem->message;

    problem->message = g_strdup_printf("%s: port %u of all addresses belongs to %s: have it serve "
                                       "the addresses that it needs alone",
                                       said, port, owners);
}

/* A port that nobody has who could be named is one of a dnsmasq of this network, which is about to
 * end, or is ended here. */
static int run_again(const struct network *network, GError **error)
{
    for (unsigned tries = TRIES_MOST;; tries--) {
        g_autoptr(GError) problem = NULL;

        if (run(network, &problem) == 0)
            return 0;
        unsigned port = find_port(problem->message);
        g_autoptr(GString) owners = find_owners(port);
        if (port && !owners->len && tries > 1) {
            end_unknown(network);
            continue;
        }
        if (owners->len)
            name_owners(problem, port, owners->str);
        g_propagate_error(error, g_steal_pointer(&problem));
        return -1;
    }
}

/* ---- orders ---- */

int dnsmasq_start(struct vnet *vnet, const struct network *network, GError **error)
{
    pid_t pid = dnsmasq_pid(network);

    if (!dnsmasq_is_needed(network))
        return 0;
    g_autofree char *leases = dnsmasq_lease_path(network);
    if ((!pid && write_files(network, error) < 0) || lease_begin(leases, error) < 0)
        return -1;
    if (!pid) {
        if (run_again(network, error) < 0)
            return -1;
        pid = dnsmasq_pid(network);
    }
    if (!pid) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "dnsmasq ended right after its start");
        return -1;
    }
    dnsmasq_watch_begin(vnet, pid);
    return 0;
}

static int reload(const struct network *network, GError **error)
{
    pid_t pid = dnsmasq_pid(network);

    if (write_files(network, error) < 0)
        return -1;
    if (pid)
        kill(pid, SIGHUP);
    return 0;
}

void dnsmasq_begin_stop(struct vnet *vnet, const struct network *network,
                        struct process *ret_process)
{
    g_autofree char *path = pid_path(network);
    pid_t pid = dnsmasq_pid(network);

    /* nobody takes one that is about to end for one that serves, not even a later daemon */
    unlink(path);
    *ret_process = (struct process)PROCESS_INIT;
    dnsmasq_watch_end(vnet);
    if (pid && process_open(pid, 0, ret_process, NULL) == 0)
        process_signal(ret_process, SIGTERM, NULL);
}

void dnsmasq_end_stop(const struct network *network, struct process *process)
{
    if (process->fd >= 0 && !process_kill(process, END_MS))
        log_error("network '%s': dnsmasq (process %d) does not end", network->name,
                  (int)process->pid);
    process_clear(process);
    remove_files(network);
}

void dnsmasq_forget(const struct network *network)
{
    if (!network->bridge)
        return;
    g_autofree char *path = dnsmasq_lease_path(network);
    lease_end(path);
}

int dnsmasq_follow(struct vnet *vnet, const struct network *old, const struct network *network,
                   GError **error)
{
    g_autofree char *before = make_config(old), *config = make_config(network);
    struct process process;

    if (strcmp(before, config) == 0)
        return dnsmasq_is_needed(network) ? reload(network, error) : 0;
    dnsmasq_begin_stop(vnet, network, &process);
    dnsmasq_end_stop(network, &process);
    return dnsmasq_start(vnet, network, error);
}

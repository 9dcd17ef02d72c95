/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#include "agent-channel.h"
#include "arguments.h"
#include "backing-chain.h"
#include "bandwidth.h"
#include "check-files.h"
#include "check.h"
#include "counters.h"
#include "cpu-live.h"
#include "dac.h"
#include "display.h"
#include "emulator-override.h"
#include "fd-group.h"
#include "firmware.h"
#include "helper.h"
#include "io-errors.h"
#include "launch-security.h"
#include "log-file.h"
#include "memory-devices.h"
#include "monitor.h"
#include "netdev.h"
#include "placement.h"
#include "prepare.h"
#include "pstore.h"
#include "qmp-commands.h"
#include "resource-limits.h"
#include "stop.h"
#include "tuning.h"
#include "vcpus.h"

#define MONITOR_DEADLINE_MS 30000
#define SPAWN_GRACE_MS 1000

/* ---- the monitor's socket ---- */

/*
 * We make the listening socket and connect to it before QEMU exists, and QEMU inherits it: there is
 * nothing to wait for, and a restarted daemon can connect again by the path.
 */
static int make_monitor_socket(const char *folder, int *ret_listen, int *ret_connected,
                               GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autofd int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    autofd int connected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/monitor.sock", folder) >=
        (int)sizeof(address.sun_path)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the monitor's path is too long: %s", folder);
        return -1;
    }
    unlink(address.sun_path); /* of a daemon that was killed */
    if (listening < 0 || connected < 0 ||
        bind(listening, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listening, 1) < 0 ||
        connect(connected, (struct sockaddr *)&address, sizeof(address)) < 0) {
        error_set_errno(error, errno, "cannot make the monitor's socket %s", address.sun_path);
        return -1;
    }
    *ret_listen = fd_take(&listening);
    *ret_connected = fd_take(&connected);
    return 0;
}

/* ---- the process ---- */

static char *versions(const struct emulator *emulator)
{
    struct utsname host;

    uname(&host);
    return g_strdup_printf(
        "modvirt version: %s, qemu version: %u.%u.%u %s, kernel: %s, hostname: %s", MODVIRT_VERSION,
        emulator->version / 1000000, emulator->version / 1000 % 1000, emulator->version % 1000,
        emulator->package ? emulator->package : "", host.release, host.nodename);
}

static int spawn(struct guest *guest, const struct domain *live, const struct arguments *arguments,
                 const struct log_file *log, GError **error)
{
    const struct qemu_config *config = dac_config(guest);
    struct process process = PROCESS_INIT;
    struct resource_limits limits = {0};
    struct process_spec spec = {
        .argv = (const char *const *)arguments->words->pdata,
        .environment = (const char *const *)arguments->environment->pdata,
        .output = log->fd,
        .errors = log->fd,
        .fds = (const struct process_fd *)arguments->fds->data,
        .fd_count = arguments->fds->len,
        .set_user = config->set_user,
        .uid = config->uid,
        .gid = config->gid,
        .groups = config->groups,
        .group_count = config->group_count,
        .umask = 0002, /* what QEMU makes is its group's too */
        .new_session = true,
    };

    if (resource_limits_apply(&limits, config, live, &spec, error) < 0 ||
        process_start(&spec, &process, error) < 0)
        return -1;
    if (guest_set_process(guest, &process, error) < 0) {
        process_kill(&process, SPAWN_GRACE_MS);
        process_clear(&process);
        return -1;
    }
    return resource_limits_enter_group(guest, live, error);
}

/* A QEMU that keeps silent may wait for somebody. */
static void explain_silence(const struct domain *live, GError **error)
{
    g_autofree char *awaited = netdev_awaited(live);

    if (!awaited || !error || !error_is(*error, VIR_ERR_OPERATION_TIMEOUT))
        return;
    g_clear_error(error);
    error_set(error, VIR_ERR_OPERATION_TIMEOUT,
              "QEMU waits for a vhost-user client, and none came within %d s: %s",
              MONITOR_DEADLINE_MS / 1000, awaited);
}

/* Once QEMU has gone, its own words say more than that the connection was closed. False: it has
 * not. */
static bool explain_end(struct guest *guest, const char *name, const char *when, GError **error)
{
    g_autofree char *words = NULL;

    if (!guest_wait(guest, 500))
        return false;
    words = log_file_read(qemu_of(&guest->object), name, guest->log_start);
    if (words) {
        g_clear_error(error);
        error_set(error, VIR_ERR_INTERNAL_ERROR, "%s: %s", when, words);
    }
    return true;
}

/* There is no use in going on for someone who wants it ended. */
static int check_wanted(const struct job *job, GError **error)
{
    if (!job_is_cancelled(job))
        return 0;
    error_set(error, VIR_ERR_OPERATION_ABORTED, "the domain was destroyed while it was starting");
    return -1;
}

/* The status file comes first, without a process: a daemon that is killed between the two would
 * leave a QEMU of which nobody knows. */
static int spawn_on_record(struct guest *guest, struct job *job, const struct domain *live,
                           const struct arguments *arguments, const struct log_file *log,
                           GError **error)
{
    struct store *store = qemu_of(&guest->object)->store;

    if (check_wanted(job, error) < 0 || store_save_status(store, job, error) < 0 ||
        spawn(guest, live, arguments, log, error) < 0)
        return -1;
    return store_save_status(store, job, error);
}

static int run_emulator(struct guest *guest, struct job *job, const struct domain *live,
                        struct arguments *arguments, const struct emulator *emulator, int monitor,
                        GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    g_autofree char *command = arguments_print(arguments, " \\\n");
    g_autofree char *heading = versions(emulator);
    struct log_file log = {.fd = -1};

    if (log_file_open(qemu, live->name, heading, command, &log, error) < 0) {
        close(monitor);
        return -1;
    }
    guest->log_start = log.start;
    int result = spawn_on_record(guest, job, live, arguments, &log, error);
    arguments_close(arguments);
    if (result < 0)
        close(monitor);
    else if ((result = monitor_open(guest, live->name, monitor, MONITOR_DEADLINE_MS, error)) < 0 &&
             !explain_end(guest, live->name, "process exited while connecting to monitor", error))
        explain_silence(live, error);
    close(log.fd);
    return result;
}

/* On record before, so that a later daemon clears up, and after, so that it finds them. */
static int start_helpers(struct guest *guest, struct job *job, const struct domain *live,
                         GError **error)
{
    struct store *store = qemu_of(&guest->object)->store;

    if (resource_limits_make_group(guest, live, error) < 0 ||
        store_save_status(store, job, error) < 0 || helper_start_all(guest, live, error) < 0)
        return -1;
    return guest->helpers ? store_save_status(store, job, error) : 0;
}

static int launch(struct guest *guest, struct job *job, const struct domain *live, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    struct emulator *emulator EMULATOR_AUTO = NULL;
    autofd int listening = -1;
    int monitor = -1;
    struct arguments arguments = {0};
    struct arguments_context context = {.config = dac_config(guest),
                                        .guest = guest,
                                        .status_folder = qemu->status_folder,
                                        .folder = guest->folder,
                                        .session = qemu->driver->daemon->session};

    /* on record before anything of the host changes */
    if (probe_get(qemu->probes, live->devices.emulator, &emulator, error) < 0 ||
        emulator_override(live, &emulator, error) < 0 ||
        check_domain(live, emulator, &qemu->config, error) < 0 ||
        launch_security_check(live, emulator, error) < 0 || check_files(live, error) < 0 ||
        store_save_status(qemu->store, job, error) < 0 || prepare_access(guest, live, error) < 0 ||
        start_helpers(guest, job, live, error) < 0 ||
        make_monitor_socket(guest->folder, &listening, &monitor, error) < 0)
        return -1;
    context.emulator = emulator;
    context.monitor_fd = listening;
    fd_group_unlock(guest);
    if (arguments_build(live, &context, &arguments, error) < 0) {
        close(monitor);
        return -1;
    }
    fd_clear(&listening);
    int result = run_emulator(guest, job, live, &arguments, emulator, monitor, error);
    arguments_clear(&arguments);
    return result;
}

/* ---- what QEMU chose ---- */

static void learn_terminal(struct domain *live, struct chardev_source *source, const char *alias,
                           const struct qmp_chardev *chardevs, unsigned count)
{
    g_autofree char *label = g_strdup_printf("char%s", alias ? alias : "");
    const char *path = source->type == CHARDEV_PTY ? qmp_chardev_pty(chardevs, count, label) : NULL;

    /* QEMU is not to choose what we open later */
    if (!path || !g_str_has_prefix(path, "/dev/pts/") || strstr(path, ".."))
        return;
    chardev_source_make_end(source, &live->definition.arena)->path =
        arena_strdup(&live->definition.arena, path);
}

static void show_terminal(struct chardev_source *source)
{
    if (source->type == CHARDEV_PTY && chardev_source_end(source))
        source->tty = chardev_source_end(source)->path;
}

/* The first console is the first serial port, shown a second time. */
static void mirror_console(struct domain *live)
{
    if (!live->devices.consoles.count || !live->devices.serials.count)
        return;
    struct domain_console *console = live->devices.consoles.items[0];
    const struct domain_serial *serial = live->devices.serials.items[0];

    if (console->target != CONSOLE_TARGET_SERIAL)
        return;
    console->source = serial->source;
    console->info.alias = serial->info.alias;
}

static void learn_terminals(struct domain *live, const struct qmp_chardev *chardevs, unsigned count)
{
    struct domain_devices *devices = &live->devices;

    LIST_EACH (serial, &devices->serials)
        learn_terminal(live, &serial->source, serial->info.alias, chardevs, count);
    LIST_EACH (parallel, &devices->parallels)
        learn_terminal(live, &parallel->source, parallel->info.alias, chardevs, count);
    LIST_EACH (channel, &devices->channels)
        learn_terminal(live, &channel->source, channel->info.alias, chardevs, count);
    LIST_EACH (console, &devices->consoles)
        learn_terminal(live, &console->source, console->info.alias, chardevs, count);
    mirror_console(live);
    LIST_EACH (console, &devices->consoles)
        show_terminal(&console->source);
}

/* Statistics that fail to come are no reason to end a guest. */
static void ask_for_memory(struct qmp *qmp, const struct domain *live)
{
    const struct domain_memballoon *balloon = live->devices.memballoon;
    g_autoptr(GError) error = NULL;

    if (!balloon || !balloon->period)
        return;
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", balloon->info.alias);
    if (qmp_set_balloon_period(qmp, path, balloon->period, 0, &error) < 0)
        log_warn("%s: no statistics of its memory: %s", qmp_who(qmp), error->message);
}

int start_learn(struct guest *guest, struct job *job, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct qmp *qmp = guest_get_qmp(guest, error);
    struct qmp_chardev *chardevs;
    unsigned count;

    if (!qmp)
        return -1;
    object_get_view(&guest->object, &view);
    DEFINITION_AUTO struct domain *changed = (struct domain *)definition_copy(view.live);
    int result = qmp_get_chardev(qmp, 0, &arena, &chardevs, &count, error);
    if (result == 0)
        ask_for_memory(qmp, changed);
    if (result == 0)
        result = memory_devices_begin(changed, qmp, error);
    qmp_unref(qmp);
    if (result < 0)
        return -1;
    learn_terminals(changed, chardevs, count);
    agent_channel_learn(guest, job, changed, chardevs, count);
    object_publish_live(job, definition_copy(&changed->definition));
    return 0;
}

/* What no word of the command line says. */
static int tell_settings(struct job *job, const struct domain *live,
                         const struct qemu_config *config, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest_of(job_object(job)), error);
    int result = 0;

    if (!qmp)
        return -1;
    result = backing_chain_confirm(live, qmp, error);
    LIST_EACH (graphics, &live->devices.graphics)
        if (result == 0)
            result = display_set_password(qmp, graphics, config, error);
    if (result == 0)
        result = tuning_apply(qmp, live, error);
    if (result == 0)
        result = vcpus_plug_later(qmp, live, error);
    qmp_unref(qmp);
    return result;
}

/* What the host does for it, or to it. */
static int tell_host(struct guest *guest, const struct domain *live, GError **error)
{
    if (placement_apply_all(guest, live, error) < 0 || bandwidth_apply_all(live, error) < 0)
        return -1;
    return counters_apply(guest, live, error);
}

/* ---- running ---- */

static int let_run(struct guest *guest, struct job *job, const struct start_request *request,
                   GError **error)
{
    if (request->paused) {
        object_publish_state(job, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
        return 0;
    }
    atomic_store(&guest->run_reason, request->reason);
    if (guest_command(job, "cont", NULL, error) < 0)
        return -1;
    object_notice_state(&guest->object, VIR_DOMAIN_RUNNING, request->reason);
    return 0;
}

/* What follows once QEMU answers. It may still go, for want of a display for instance. */
static int settle(struct guest *guest, struct job *job, const struct domain *live,
                  const struct start_request *request, GError **error)
{
    const struct qemu_config *config = &qemu_of(&guest->object)->config;

    if (cpu_live_learn(guest, job, error) == 0 && start_learn(guest, job, error) == 0 &&
        tell_settings(job, live, config, error) == 0 && tell_host(guest, live, error) == 0 &&
        let_run(guest, job, request, error) == 0)
        return 0;
    explain_end(guest, live->name, "qemu unexpectedly closed the monitor", error);
    return -1;
}

static int bring_up(struct guest *guest, struct job *job, const struct domain *live,
                    const struct start_request *request, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);

    if (launch(guest, job, live, error) < 0 || settle(guest, job, live, request, error) < 0)
        return -1;
    if (request->client) {
        guest->owner = client_ref(request->client);
        if (!client_add_autodestroy(request->client, &guest->object)) {
            error_set(error, VIR_ERR_OPERATION_ABORTED, "the client has gone");
            return -1;
        }
    }
    return store_save_status(qemu->store, job, error);
}

/* From here on others see it as active, about to start; a failure ends like any other stop. */
static int publish_starting(struct guest *guest, struct job *job, struct domain *live,
                            GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);

    atomic_store(&guest->end_reason, 0);
    atomic_store(&guest->taints, 0);
    io_errors_forget(guest);
    atomic_store(&guest->fake_reboot, false);
    atomic_store(&guest->pause_reason, VIR_DOMAIN_PAUSED_UNKNOWN);
    atomic_store(&guest->run_reason, VIR_DOMAIN_RUNNING_UNPAUSED);
    if (registry_set_id(qemu->domains, job, live->id.value, error) < 0)
        return -1;
    object_publish_active(job, definition_copy(&live->definition), live->id.value,
                          VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP);
    return 0;
}

/* On record before anything is asked for: what a daemon that is killed had got, the next one gives
 * back. Published whatever came of it, as it is undone by what it says. */
static int prepare_on_record(struct guest *guest, struct job *job, struct domain *live,
                             const struct start_request *request, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    int result = store_save_status(qemu->store, job, error);

    if (result == 0)
        result = prepare_live(guest, live, error);
    if (result == 0)
        result = firmware_make_nvram(live, dac_config(guest), request->reset_nvram, error);
    if (result == 0)
        result = pstore_make_file(live, dac_config(guest), error);
    object_publish_live(job, definition_copy(&live->definition));
    return result;
}

static void give_up(struct guest *guest, struct job *job)
{
    atomic_store(&guest->end_reason, VIR_DOMAIN_SHUTOFF_FAILED);
    guest_signal(guest, SIGKILL, NULL);
    guest_wait(guest, 5000);
    stop_clear_up(guest, job, VIR_DOMAIN_SHUTOFF_FAILED);
}

/*
 * A status file without a running guest is one that could not be read at the start, of another
 * implementation perhaps: its guest may run all the same, and must not run twice.
 */
static int check_status_file(struct qemu *qemu, const char *name, GError **error)
{
    g_autofree char *path = store_status_path(qemu->store, name);

    if (access(path, F_OK) < 0)
        return 0;
    error_set(
        error, VIR_ERR_OPERATION_INVALID,
        "%s says that the domain runs already, but can't be read: see the log of this daemon; "
        "if there is no QEMU of the domain, remove the file",
        path);
    return -1;
}

int start_guest(struct job *job, const struct definition *definition,
                const struct start_request *request, GError **error)
{
    struct guest *guest = guest_of(job_object(job));
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_copy(definition);

    if (check_status_file(qemu_of(&guest->object), live->name, error) < 0)
        return -1;
    prepare_run(guest, live, registry_next_id(qemu_of(&guest->object)->domains));
    if (publish_starting(guest, job, live, error) < 0)
        return -1;
    if (prepare_on_record(guest, job, live, request, error) < 0 ||
        bring_up(guest, job, live, request, error) < 0) {
        give_up(guest, job);
        return -1;
    }
    guest_raise_lifecycle(guest, job, VIR_DOMAIN_EVENT_STARTED, request->event_detail);
    if (request->paused)
        guest_raise_lifecycle(guest, job, VIR_DOMAIN_EVENT_SUSPENDED,
                              VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
    return 0;
}

int start_autostart(struct job *job, const struct object_view *view, GError **error)
{
    static const struct start_request request = {.reason = VIR_DOMAIN_RUNNING_BOOTED,
                                                 .event_detail = VIR_DOMAIN_EVENT_STARTED_BOOTED};

    return start_guest(job, view->config, &request, error);
}

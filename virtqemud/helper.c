/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "host/cgroup.h"

#include "dac.h"
#include "helper-kinds.h"
#include "log-file.h"
#include "prepare.h"
#include "reservations.h"

#define READY_MS 30000
#define STOP_GRACE_MS 3000
#define BACKLOG 1
#define PID_BYTES 32
#define EVENT_BYTES 4096
#define WORDS_BYTES 4096

/* ---- names ---- */

static const char *device_alias(const struct device *device)
{
    return device && device->info && device->info->alias ? device->info->alias : "";
}

/* "1-name-tpm0": as the folder of the run, which is unique among the guests that run. */
static char *base_name(const struct domain *domain, const struct device *device)
{
    g_autofree char *run = prepare_run_name(domain->id.value, domain->name);

    return *device_alias(device) ? g_strdup_printf("%s-%s", run, device_alias(device))
                                 : g_steal_pointer(&run);
}

char *helper_socket_path(const struct domain *domain, enum helper_kind kind,
                         const struct device *device, const char *status_folder, const char *folder)
{
    const struct helper_kind_row *row = helper_kind_row(kind);
    g_autofree char *base = base_name(domain, device);

    if (row->folder && status_folder)
        return g_strdup_printf("%s/%s/%s%s", status_folder, row->folder, base, row->suffix);
    return g_strdup_printf("%s/%s%s", folder, device_alias(device), row->suffix);
}

/* Beside the socket; of one with rights that QEMU does not have, where QEMU cannot write. */
static char *pid_path(const struct qemu *qemu, const struct domain *domain, enum helper_kind kind,
                      const struct device *device, const char *socket)
{
    g_autofree char *base = base_name(domain, device);

    if (helper_kind_row(kind)->folder)
        return g_strdup_printf("%s.pid", socket);
    return g_strdup_printf("%s/%s-%s.pid", qemu->status_folder, base,
                           names_word(&helper_kind_names, kind));
}

/* ---- one that runs ---- */

/* Just begun, or found. */
struct running {
    struct process process;
    int peer;
};

#define NOT_RUNNING                                                                                \
    {                                                                                              \
        .process = PROCESS_INIT, .peer = -1                                                        \
    }

static void helper_unref(void *data)
{
    struct helper *helper = data;

    if (atomic_fetch_sub(&helper->references, 1) > 1)
        return;
    process_clear(&helper->process);
    fd_clear(&helper->peer);
    g_free(helper->device);
    g_free(helper->guest);
    g_free(helper);
}

/* Waits on the monitors' loop for the end of a helper, with a reference. */
struct helper_watch {
    struct qemu *qemu;
    struct helper *helper;
    struct loop_source *source;
};

static void watch_free(struct helper_watch *watch)
{
    watch->helper->watch = NULL;
    loop_source_remove(watch->source);
    helper_unref(watch->helper);
    g_free(watch);
}

static void on_end(struct loop_source *source, uint32_t events, void *data)
{
    struct helper_watch *watch = data;
    struct helper *helper = watch->helper;
    int status = -1;

    process_wait(&helper->process, 0, &status);
    if (!atomic_load(&helper->stopping)) {
        g_autofree char *words = status >= 0 ? process_status_text(status) : NULL;
        log_error("domain '%s': %s of its device '%s' has ended%s%s", helper->guest,
                  names_word(&helper_kind_names, helper->kind), helper->device, words ? ": " : "",
                  words ? words : "");
    }
    watch_free(watch);
}

static void start_watch(void *data)
{
    struct helper_watch *watch = data;
    g_autoptr(GError) error = NULL;

    watch->helper->watch = watch;
    watch->source = loop_add_fd(watch->qemu->monitors, watch->helper->process.fd, EPOLLIN, on_end,
                                watch, &error);
    if (watch->source)
        return;
    log_error("the end of a helper will not be noticed: %s", error->message);
    watch_free(watch);
}

void helper_stop_watching(struct guest *guest)
{
    for (guint i = 0; guest->helpers && i < guest->helpers->len; i++) {
        struct helper *helper = guest->helpers->pdata[i];
        if (helper->watch)
            watch_free(helper->watch);
    }
}

/* What runs is taken over. */
static void add_helper(struct guest *guest, const char *name, enum helper_kind kind,
                       const char *device, const struct running *running)
{
    struct helper *helper = g_new0(struct helper, 1);
    struct helper_watch *watch = g_new0(struct helper_watch, 1);

    *helper = (struct helper){.references = 2, /* of the guest, and of the watch */
                              .kind = (uint8_t)kind,
                              .device = g_strdup(device),
                              .guest = g_strdup(name),
                              .process = running->process,
                              .process_time = process_start_time(running->process.pid),
                              .peer = running->peer};
    *watch = (struct helper_watch){.qemu = qemu_of(&guest->object), .helper = helper};
    g_mutex_lock(&guest->lock);
    if (!guest->helpers)
        guest->helpers = g_ptr_array_new_with_free_func(helper_unref);
    g_ptr_array_add(guest->helpers, helper);
    g_mutex_unlock(&guest->lock);
    loop_post(watch->qemu->monitors, start_watch, watch);
}

/* ---- the socket ---- */

/* One of ours is for root, or for the program, to write, and for QEMU to pass through; the run's is
 * there. */
static int make_folder(const struct qemu_config *config, const struct helper_kind_row *row,
                       const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    bool own = row->background && config->set_user;

    if (!row->folder)
        return 0;
    return file_make_folders_owned(folder, 0711, own ? config->uid : (uid_t)-1,
                                   own ? config->gid : (gid_t)-1, error);
}

/* Folders of QEMU's user are open to every QEMU: what is there by now is never followed. */
static int hand_over(const struct qemu_config *config, const char *path, GError **error)
{
    if (!config->set_user || lchown(path, config->uid, config->gid) == 0)
        return 0;
    error_set_errno(error, errno, "cannot hand over '%s'", path);
    return -1;
}

/* One that listens before the helper is there, so that nobody has to wait for it. */
static int listen_at(const struct qemu_config *config, const char *path, int *ret_fd,
                     GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the path of a socket is too long: '%s'", path);
        return -1;
    }
    /* the mode of a socket that is not bound yet is that of its file */
    if (fd < 0 || fchmod(fd, 0600) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0) {
        error_set_errno(error, errno, "cannot listen on '%s'", path);
        return -1;
    }
    if (hand_over(config, path, error) < 0)
        return -1;
    *ret_fd = fd_take(&fd);
    return 0;
}

/* ---- starting ---- */

static int find_program(const struct helper_kind_row *row, const struct helper_launch *launch,
                        char **ret_path, GError **error)
{
    g_autofree char *named = row->find ? row->find(launch) : NULL;
    const char *program = named ? named : row->program;
    char *path = g_find_program_in_path(program);

    if (!path) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "device '%s' needs the program '%s': %s",
                  device_alias(launch->device), program, row->package);
        return -1;
    }
    *ret_path = path;
    return 0;
}

/* The last line that a program said that would not start. */
static void quote(const char *program, int status, int words, GError **error)
{
    char text[WORDS_BYTES] = {0};
    off_t size = lseek(words, 0, SEEK_END);
    ssize_t length = pread(words, text, sizeof(text) - 1, MAX(size - (off_t)sizeof(text) + 1, 0));
    g_autofree char *end = process_status_text(status);

    g_strstrip(text);
    const char *line = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
    error_set(error, VIR_ERR_OPERATION_FAILED, "could not start %s: %s (%s)", program,
              length > 0 ? line : "it said nothing", end);
}

/* Who writes the file may have lost control of itself, or have the rights of some QEMU: its word is
 * good for processes of its own program alone. Variants of one begin with the same name. */
static int check_program(const struct helper_launch *launch, const struct process *process,
                         GError **error)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", process->pid);
    g_autofree char *now = g_file_read_link(link, NULL);
    g_autofree char *path = realpath(launch->program, NULL);

    if (now && path && g_str_has_prefix(now, path))
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "process %d of %s is not %s", process->pid,
              launch->pid_file, launch->program);
    return -1;
}

/* Its id, which some programs write a moment after their first process has gone: news tells of
 * changes in the folder. The caller frees. */
static char *await_pid(const struct helper_launch *launch, int news, GError **error)
{
    int64_t deadline = g_get_monotonic_time() + READY_MS * G_TIME_SPAN_MILLISECOND;
    char events[EVENT_BYTES];

    for (;;) {
        char *text = NULL;
        int64_t left = (deadline - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
        struct pollfd change = {.fd = news, .events = POLLIN};

        if (file_read_optional(launch->pid_file, PID_BYTES, &text, NULL, error) < 0)
            return NULL;
        if (text && strchr(text, '\n'))
            return text;
        g_free(text);
        if (left <= 0 || poll(&change, 1, (int)left) <= 0)
            break;
        if (read(news, events, sizeof(events)) < 0)
            break;
    }
    error_set(error, VIR_ERR_OPERATION_TIMEOUT, "%s did not write %s", launch->program,
              launch->pid_file);
    return NULL;
}

static int read_pid(const struct helper_launch *launch, int news, struct process *ret_process,
                    GError **error)
{
    g_autofree char *text = await_pid(launch, news, error);
    struct process process;

    if (!text || process_open((pid_t)strtol(text, NULL, 10), 0, &process, error) < 0)
        return -1;
    if (check_program(launch, &process, error) < 0) {
        process_clear(&process);
        return -1;
    }
    *ret_process = process;
    return 0;
}

/* In the group before its first step: what it forks is there as well. */
static int start_in_group(const struct helper_launch *launch, const struct process_spec *spec,
                          struct process *ret_process, GError **error)
{
    g_auto(GStrv) folders = guest_get_cgroup(launch->run);
    g_auto(GStrv) entries = cgroup_entries((const char *const *)folders);
    struct process_spec inside = *spec;

    inside.cgroups = (const char *const *)entries;
    return process_start(&inside, ret_process, error);
}

/* One that leaves its first process once it is ready. */
static int run_background(const struct helper_launch *launch, struct process_spec *spec,
                          struct process *ret_process, GError **error)
{
    struct process first = PROCESS_INIT;
    g_autofree char *folder = g_path_get_dirname(launch->pid_file);
    autofd int news = inotify_init1(IN_CLOEXEC);
    autofd int words = memfd_create("words", MFD_CLOEXEC);
    int status = 0;

    spec->output = spec->errors = words;
    if (news < 0 || inotify_add_watch(news, folder, IN_MODIFY | IN_MOVED_TO) < 0) {
        error_set_errno(error, errno, "cannot watch '%s'", folder);
        return -1;
    }
    if (start_in_group(launch, spec, &first, error) < 0)
        return -1;
    bool ended = process_wait(&first, READY_MS, &status);
    if (!ended)
        process_kill(&first, STOP_GRACE_MS);
    process_clear(&first);
    if (!ended) {
        error_set(error, VIR_ERR_OPERATION_TIMEOUT, "%s is not ready after %d s", launch->program,
                  READY_MS / 1000);
        return -1;
    }
    if (status != 0) {
        quote(launch->program, status, words, error);
        return -1;
    }
    if (hand_over(dac_config(launch->run), launch->socket, error) < 0)
        return -1;
    return read_pid(launch, news, ret_process, error);
}

/* What the helper gets: a socket that listens, or one end of a connection, whose other end goes to
 * *ret_peer. */
static int make_socket(const struct helper_kind_row *row, const struct helper_launch *launch,
                       int *ret_fd, int *ret_peer, GError **error)
{
    int pair[2];

    if (!row->connected)
        return listen_at(dac_config(launch->run), launch->socket, ret_fd, error);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        error_set_errno(error, errno, "cannot make a socket");
        return -1;
    }
    *ret_fd = pair[0];
    *ret_peer = pair[1];
    return 0;
}

/* One that goes on in the foreground, with a socket of ours. */
static int run_foreground(const struct helper_kind_row *row, const struct helper_launch *launch,
                          struct process_spec *spec, int log, struct running *ret_running,
                          GError **error)
{
    autofd int fd = -1, peer = -1;

    if (make_socket(row, launch, &fd, &peer, error) < 0)
        return -1;
    struct process_fd inherited[1 + G_N_ELEMENTS(launch->fds)] = {{fd, HELPER_SOCKET_FD}};
    for (unsigned i = 0; i < launch->fd_count; i++)
        inherited[1 + i] = (struct process_fd){launch->fds[i], HELPER_SOCKET_FD + 1 + (int)i};
    spec->fds = inherited;
    spec->fd_count = 1 + launch->fd_count;
    spec->output = spec->errors = log;
    if (start_in_group(launch, spec, &ret_running->process, error) < 0)
        return -1;
    ret_running->peer = fd_take(&peer);
    return 0;
}

static int run(const struct helper_kind_row *row, struct helper_launch *launch,
               struct running *ret_running, GError **error)
{
    g_autofree char *title = g_strdup_printf("%s-%s", launch->domain->name,
                                             launch->device ? device_alias(launch->device) : "all");
    g_ptr_array_add(launch->argv, NULL);
    struct process_spec spec = {.argv = (const char *const *)launch->argv->pdata,
                                .set_user = launch->set_user,
                                .uid = launch->uid,
                                .gid = launch->gid,
                                .new_session = true};
    g_autofree char *command = g_strjoinv(" ", (char **)launch->argv->pdata);
    struct log_file log = {.fd = -1};

    if (row->background)
        return run_background(launch, &spec, &ret_running->process, error);
    if (log_file_open(launch->qemu, title, row->program, command, &log, error) < 0)
        return -1;
    int result = run_foreground(row, launch, &spec, log.fd, ret_running, error);
    close(log.fd);
    return result;
}

int helper_launch_add_fd(struct helper_launch *launch, int fd)
{
    g_assert(launch->fd_count < G_N_ELEMENTS(launch->fds));
    launch->fds[launch->fd_count++] = fd;
    return HELPER_SOCKET_FD + (int)launch->fd_count;
}

static int build_and_run(const struct helper_kind_row *row, struct helper_launch *launch,
                         struct running *ret_running, GError **error)
{
    int result = row->build(launch, error) < 0 ? -1 : run(row, launch, ret_running, error);

    for (unsigned i = 0; i < launch->fd_count; i++)
        close(launch->fds[i]);
    return result;
}

static int start_kind(struct guest *guest, const struct domain *live, enum helper_kind kind,
                      const struct device *device, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    const struct helper_kind_row *row = helper_kind_row(kind);
    struct running running = NOT_RUNNING;
    g_autofree char *program = NULL;
    g_autofree char *socket =
        helper_socket_path(live, kind, device, qemu->status_folder, guest->folder);
    g_autofree char *pid_file = pid_path(qemu, live, kind, device, socket);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    struct helper_launch launch = {.run = guest,
                                   .qemu = qemu,
                                   .domain = live,
                                   .device = device,
                                   .socket = socket,
                                   .pid_file = pid_file,
                                   .argv = argv};

    if (find_program(row, &launch, &program, error) < 0 ||
        make_folder(dac_config(guest), row, socket, error) < 0)
        return -1;
    launch.program = program;
    unlink(socket); /* of a daemon that was killed, as the next */
    unlink(pid_file);
    g_ptr_array_add(argv, g_strdup(program));
    if (build_and_run(row, &launch, &running, error) < 0)
        return -1;
    add_helper(guest, live->name, kind, device_alias(device), &running);
    return 0;
}

int helper_start(struct guest *guest, const struct domain *live, const struct device *device,
                 GError **error)
{
    enum helper_kind kind = helper_kind_of(device);

    return kind == HELPER_NONE ? 0 : start_kind(guest, live, kind, device, error);
}

int helper_start_all(struct guest *guest, const struct domain *live, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    if (reservations_are_managed(live) &&
        start_kind(guest, live, HELPER_RESERVATIONS, NULL, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (helper_start(guest, live, &devices[i], error) < 0)
            return -1;
    return 0;
}

void helper_restore(struct guest *guest, const char *name, enum helper_kind kind,
                    const char *device, pid_t pid, uint64_t process_time)
{
    struct running running = NOT_RUNNING;
    g_autoptr(GError) error = NULL;

    if (process_open(pid, process_time, &running.process, &error) == 0)
        add_helper(guest, name, kind, device, &running);
    else
        log_error("domain '%s': %s of its device '%s' has ended: %s", name,
                  names_word(&helper_kind_names, kind), device, error->message);
}

/* ---- stopping ---- */

static struct helper *take_helper(struct guest *guest, enum helper_kind kind, const char *device)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    for (guint i = 0; guest->helpers && i < guest->helpers->len; i++) {
        struct helper *helper = guest->helpers->pdata[i];
        if (helper->kind == kind && strcmp(helper->device, device) == 0)
            return g_ptr_array_steal_index(guest->helpers, i);
    }
    return NULL;
}

int helper_take_peer(struct guest *guest, const struct device *device)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    for (guint i = 0; guest->helpers && i < guest->helpers->len; i++) {
        struct helper *helper = guest->helpers->pdata[i];
        if (strcmp(helper->device, device_alias(device)) == 0)
            return fd_take(&helper->peer);
    }
    return -1;
}

static void stop_kind(struct guest *guest, const struct domain *live, enum helper_kind kind,
                      const struct device *device)
{
    struct qemu *qemu = qemu_of(&guest->object);
    struct helper *helper = take_helper(guest, kind, device_alias(device));

    if (helper) {
        atomic_store(&helper->stopping, true);
        if (!process_kill(&helper->process, STOP_GRACE_MS))
            log_error("domain '%s': %s (process %d) does not end", helper->guest,
                      names_word(&helper_kind_names, kind), helper->process.pid);
        helper_unref(helper);
    }
    if (!guest->folder)
        return;
    g_autofree char *socket =
        helper_socket_path(live, kind, device, qemu->status_folder, guest->folder);
    g_autofree char *pid_file = pid_path(qemu, live, kind, device, socket);
    unlink(pid_file);
    unlink(socket);
    if (helper_kind_row(kind)->clean)
        helper_kind_row(kind)->clean(socket);
}

void helper_stop(struct guest *guest, const struct domain *live, const struct device *device)
{
    enum helper_kind kind = helper_kind_of(device);

    if (kind != HELPER_NONE)
        stop_kind(guest, live, kind, device);
}

/* A daemon that was killed may have begun some that it did not record. QEMU has gone. */
static void kill_rest(struct guest *guest)
{
    g_auto(GStrv) folders = guest_get_cgroup(guest);

    cgroup_kill((const char *const *)folders);
}

void helper_stop_all(struct guest *guest, const struct domain *live)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++)
        helper_stop(guest, live, &devices[i]);
    if (reservations_are_managed(live))
        stop_kind(guest, live, HELPER_RESERVATIONS, NULL);
    kill_rest(guest);
}

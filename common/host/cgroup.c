/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "host/cgroup-delegate.h"

#define PROC_LIMIT (1024 * 1024)

static const char *const usual_controllers[] = {"cpu",   "cpuacct", "cpuset", "memory",
                                                "blkio", "devices", NULL};

/* One line of /proc/self/cgroup: "4:memory:/a/b", or "0::/a/b" for the unified hierarchy. */
struct membership {
    char *controllers; /* "cpu,cpuacct"; "" for the unified one */
    char *path;
};

static bool parse_membership(const char *line, struct membership *ret)
{
    g_auto(GStrv) parts = g_strsplit(line, ":", 3);

    if (g_strv_length(parts) != 3)
        return false;
    ret->controllers = g_strdup(parts[1]);
    ret->path = g_strdup(parts[2]);
    return true;
}

static bool lists(const char *controllers, const char *wanted)
{
    g_auto(GStrv) words = g_strsplit(controllers, ",", 0);

    return g_strv_contains((const char *const *)words, wanted);
}

static bool is_wanted(const struct membership *membership, const char *const *controllers)
{
    if (!*membership->controllers)
        return true;
    for (size_t i = 0; controllers[i]; i++)
        if (lists(membership->controllers, controllers[i]))
            return true;
    return false;
}

/*
 * Where a hierarchy is mounted: a line of /proc/self/mountinfo whose type after the dash is cgroup2
 * (unified), or cgroup with the controllers among its options.
 */
static char *find_mount(const char *mountinfo, const char *controllers)
{
    g_auto(GStrv) lines = g_strsplit(mountinfo, "\n", 0);
    g_auto(GStrv) first = g_strsplit(controllers, ",", 2);

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, " ", 0);
        char *dash = strstr(*line, " - ");
        g_auto(GStrv) tail = dash ? g_strsplit(dash + 3, " ", 3) : NULL;

        if (!tail || g_strv_length(tail) != 3 || g_strv_length(fields) < 5)
            continue;
        if (!*controllers ? strcmp(tail[0], "cgroup2") == 0
                          : strcmp(tail[0], "cgroup") == 0 && lists(tail[2], first[0]))
            return g_strdup(fields[4]);
    }
    return NULL;
}

/* A cpuset of the old kind is of no use until it says where: as its parent does. */
static void inherit_cpuset(const char *parent, const char *folder)
{
    static const char *const names[] = {"cpuset.cpus", "cpuset.mems"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *from = g_build_filename(parent, names[i], NULL);
        g_autofree char *to = g_build_filename(folder, names[i], NULL);
        g_autofree char *text = NULL;
        int fd = -1;

        if (file_read_all(from, 65536, &text, NULL, NULL) < 0 ||
            (fd = open(to, O_WRONLY | O_CLOEXEC)) < 0)
            continue;
        if (write(fd, text, strlen(text)) < 0)
            errno = 0; /* entering the group will tell */
        close(fd);
    }
}

/* False where groups can't be made by us: no rights, or a read-only mount. */
static bool may_make(int errnum)
{
    return errnum != EACCES && errnum != EPERM && errnum != EROFS && errnum != ENOENT;
}

/* What is to be made, and below which groups. */
struct making {
    const char *name;
    const char *memberships; /* text of /proc/PID/cgroup */
    const char *mountinfo;
    const char *const *controllers;
    const char *scope; /* the unit that the process is in, where systemd knows; NULL: none */
};

static bool is_in_scope(const struct making *making, const struct membership *membership)
{
    g_autofree char *last = g_path_get_basename(membership->path);

    return making->scope && g_str_equal(last, making->scope);
}

static int make_folder(const struct making *making, const char *mount,
                       const struct membership *membership, GPtrArray *folders, GError **error)
{
    bool scope = is_in_scope(making, membership);
    g_autofree char *own = g_build_filename(mount, membership->path, NULL);
    g_autofree char *parent =
        *membership->controllers || scope ? g_strdup(own) : cgroup_base_of(own);
    g_autofree char *folder =
        g_build_filename(parent, scope ? CGROUP_SCOPE_LEAF : making->name, NULL);

    if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
        if (!may_make(errno))
            return 0;
        error_set_errno(error, errno, "cannot make the control group %s", folder);
        return -1;
    }
    if (lists(membership->controllers, "cpuset"))
        inherit_cpuset(parent, folder);
    g_ptr_array_add(folders, g_steal_pointer(&folder));
    return 0;
}

static int make_in(const struct making *making, const char *line, GPtrArray *folders,
                   GError **error)
{
    struct membership membership;
    int result = 0;

    if (!parse_membership(line, &membership))
        return 0;
    g_autofree char *mount = is_wanted(&membership, making->controllers)
                                 ? find_mount(making->mountinfo, membership.controllers)
                                 : NULL;
    if (mount)
        result = make_folder(making, mount, &membership, folders, error);
    g_free(membership.controllers);
    g_free(membership.path);
    return result;
}

/* "0::/a/b" is the line of the unified hierarchy. */
static char *unified_path(const char *memberships)
{
    g_auto(GStrv) lines = g_strsplit(memberships, "\n", 0);

    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, "0::"))
            return g_strdup(*line + strlen("0::"));
    return NULL;
}

char *cgroup_unified_folder(void)
{
    g_autofree char *memberships = NULL;
    g_autofree char *mountinfo = NULL;

    if (file_read_all("/proc/self/cgroup", PROC_LIMIT, &memberships, NULL, NULL) < 0 ||
        file_read_all("/proc/self/mountinfo", PROC_LIMIT, &mountinfo, NULL, NULL) < 0)
        return NULL;
    g_autofree char *path = unified_path(memberships);
    g_autofree char *mount = path ? find_mount(mountinfo, "") : NULL;
    return mount ? g_build_filename(mount, path, NULL) : NULL;
}

static int make_all(const struct making *making, char ***ret_folders, GError **error)
{
    g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = g_strsplit(making->memberships, "\n", 0);

    for (char **line = lines; *line; line++)
        if (make_in(making, *line, folders, error) < 0) {
            g_ptr_array_add(folders, NULL);
            cgroup_remove((const char *const *)folders->pdata);
            return -1;
        }
    g_ptr_array_add(folders, NULL);
    *ret_folders = (char **)g_ptr_array_free(g_steal_pointer(&folders), FALSE);
    return 0;
}

static int make_beside(const char *process, struct making *making, char ***ret_folders,
                       GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/cgroup", process);
    g_autofree char *memberships = NULL;
    g_autofree char *mountinfo = NULL;

    if (file_read_all(path, PROC_LIMIT, &memberships, NULL, error) < 0 ||
        file_read_all("/proc/self/mountinfo", PROC_LIMIT, &mountinfo, NULL, error) < 0)
        return -1;
    making->memberships = memberships;
    making->mountinfo = mountinfo;
    if (!making->controllers)
        making->controllers = usual_controllers;
    return make_all(making, ret_folders, error);
}

int cgroup_make(const char *name, const char *const *controllers, char ***ret_folders,
                GError **error)
{
    struct making making = {.name = name, .controllers = controllers};

    return make_beside("self", &making, ret_folders, error);
}

/* A group that has processes can't hand anything down: so its only one goes first. */
static int settle_in_scope(const char *const *folders, const char *scope, pid_t pid, GError **error)
{
    if (cgroup_enter(folders, pid, error) < 0)
        return -1;
    for (size_t i = 0; folders[i]; i++) {
        g_autofree char *parent = g_path_get_dirname(folders[i]);

        if (g_str_has_suffix(parent, scope))
            cgroup_hand_down_from(parent);
    }
    return 0;
}

int cgroup_make_in_scope(pid_t pid, const char *scope, const char *name,
                         const char *const *controllers, char ***ret_folders, GError **error)
{
    struct making making = {.name = name, .controllers = controllers, .scope = scope};
    g_autofree char *process = g_strdup_printf("%d", pid);
    g_auto(GStrv) folders = NULL;

    if (make_beside(process, &making, &folders, error) < 0)
        return -1;
    if (settle_in_scope((const char *const *)folders, scope, pid, error) < 0) {
        cgroup_remove((const char *const *)folders);
        return -1;
    }
    *ret_folders = g_steal_pointer(&folders);
    return 0;
}

int cgroup_enter(const char *const *folders, pid_t pid, GError **error)
{
    g_autofree char *text = g_strdup_printf("%d", pid);

    for (size_t i = 0; folders && folders[i]; i++) {
        g_autofree char *path = g_build_filename(folders[i], "cgroup.procs", NULL);
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        /* one that has ended already is none to move, and says itself why it ended */
        if (fd < 0 || (write(fd, text, strlen(text)) < 0 && errno != ESRCH)) {
            error_set_errno(error, errno, "cannot move process %d into the control group %s", pid,
                            folders[i]);
            if (fd >= 0)
                close(fd);
            return -1;
        }
        close(fd);
    }
    return 0;
}

char **cgroup_entries(const char *const *folders)
{
    g_autoptr(GStrvBuilder) entries = g_strv_builder_new();

    for (size_t i = 0; folders && folders[i]; i++) {
        g_autofree char *path = g_build_filename(folders[i], "cgroup.procs", NULL);
        g_strv_builder_add(entries, path);
    }
    return g_strv_builder_end(entries);
}

void cgroup_kill(const char *const *folders)
{
    for (size_t i = 0; folders && folders[i]; i++) {
        g_autofree char *path = g_build_filename(folders[i], "cgroup.procs", NULL);
        g_autofree char *text = NULL;

        if (file_read_all(path, 65536, &text, NULL, NULL) < 0)
            continue;
        g_auto(GStrv) pids = g_strsplit(text, "\n", -1);
        for (char **pid = pids; *pid; pid++)
            if (**pid && atoi(*pid) > 0)
                kill(atoi(*pid), SIGKILL);
    }
}

/* With its parts, which have none of their own. */
static void remove_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *part = g_build_filename(folder, name, NULL);

        rmdir(part); /* fails for files */
    }
    g_clear_pointer(&dir, g_dir_close);
    rmdir(folder);
}

void cgroup_remove(const char *const *folders)
{
    for (size_t i = 0; folders && folders[i]; i++)
        remove_folder(folders[i]);
}


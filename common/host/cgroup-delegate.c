/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cgroup-delegate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "host/cgroup.h"

#define LIST_LIMIT 65536

char *cgroup_base_of(const char *folder)
{
    g_autofree char *name = g_path_get_basename(folder);

    return g_str_equal(name, CGROUP_OWN_LEAF) ? g_path_get_dirname(folder) : g_strdup(folder);
}

/* Words of a file of the group; NULL: there is no such file. The caller frees. */
static char **read_words(const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = NULL;

    if (file_read_all(path, LIST_LIMIT, &text, NULL, NULL) < 0)
        return NULL;
    return g_strsplit_set(g_strstrip(text), " \n", -1);
}

static int write_file(const char *folder, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int result = fd >= 0 && write(fd, text, strlen(text)) >= 0 ? 0 : errno;

    if (fd >= 0)
        close(fd);
    return result;
}

/* What is to be handed down and is not yet: "+cpu", one a word. NULL: no unified hierarchy. */
static char **list_missing(const char *folder)
{
    g_auto(GStrv) all = read_words(folder, "cgroup.controllers");
    g_auto(GStrv) given = read_words(folder, "cgroup.subtree_control");
    g_autoptr(GPtrArray) missing = g_ptr_array_new();

    if (!all || !given)
        return NULL;
    for (char **word = all; *word; word++)
        if (**word && !g_strv_contains((const char *const *)given, *word))
            g_ptr_array_add(missing, g_strdup_printf("+%s", *word));
    g_ptr_array_add(missing, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&missing), FALSE);
}

/* The hierarchy's own root may have both. */
static bool is_root(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "cgroup.type", NULL);

    return access(path, F_OK) < 0;
}

/* Others can't be told to step aside. */
static int check_alone(const char *folder, pid_t pid, GError **error)
{
    g_auto(GStrv) pids = read_words(folder, "cgroup.procs");
    g_autofree char *own = g_strdup_printf("%d", pid);

    for (char **other = pids; other && *other; other++)
        if (**other && !g_str_equal(*other, own)) {
            error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                      "guests get no controllers of the unified hierarchy: process %s is in the "
                      "daemon's group %s too",
                      *other, folder);
            return -1;
        }
    return 0;
}

static int step_aside(const char *folder, pid_t pid, GError **error)
{
    g_autofree char *leaf = g_build_filename(folder, CGROUP_OWN_LEAF, NULL);
    g_autofree char *number = g_strdup_printf("%d", pid);

    if (mkdir(leaf, 0755) < 0 && errno != EEXIST) {
        error_set_errno(error, errno, "cannot make the control group %s", leaf);
        return -1;
    }
    int errnum = write_file(leaf, "cgroup.procs", number);
    if (errnum == 0)
        return 0;
    error_set_errno(error, errnum, "cannot move process %d into the control group %s", pid, leaf);
    return -1;
}

/* One by one: some are of no use in a group with threads of its own, or taken by the old kind. */
static int hand_down(const char *folder, const char *const *words, GError **error)
{
    g_autoptr(GString) refused = g_string_new(NULL);
    int errnum = 0;

    for (; *words; words++) {
        int result = write_file(folder, "cgroup.subtree_control", *words);

        if (result == 0)
            continue;
        errnum = result;
        g_string_append_printf(refused, " %s", *words + 1);
    }
    if (!errnum)
        return 0;
    error_set_errno(error, errnum, "%s does not hand down to guests:%s", folder, refused->str);
    return -1;
}

int cgroup_hand_down_at(const char *folder, pid_t pid, bool managed, GError **error)
{
    g_autofree char *base = cgroup_base_of(folder);
    g_auto(GStrv) missing = list_missing(base);
    bool inside = g_str_equal(base, folder) && !is_root(folder);

    if (!missing || !*missing)
        return 0;
    if (inside && managed) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "guests get no controllers of the unified hierarchy: the service manager has to "
                  "start the daemon in a group '" CGROUP_OWN_LEAF
                  "' of its own (DelegateSubgroup=, "
                  "systemd 254)");
        return -1;
    }
    if (inside && (check_alone(folder, pid, error) < 0 || step_aside(folder, pid, error) < 0))
        return -1;
    return hand_down(base, (const char *const *)missing, error);
}

void cgroup_hand_down_from(const char *folder)
{
    g_auto(GStrv) missing = list_missing(folder);

    if (missing)
        hand_down(folder, (const char *const *)missing, NULL);
}

int cgroup_hand_down(GError **error)
{
    g_autofree char *folder = cgroup_unified_folder();

    if (!folder)
        return 0;
    return cgroup_hand_down_at(folder, getpid(), access("/run/systemd/system", F_OK) == 0, error);
}

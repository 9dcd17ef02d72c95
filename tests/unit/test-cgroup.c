/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "host/cgroup.h"

static char *group_name(const char *what)
{
    return g_strdup_printf("modvirt-test-%s-%d", what, getpid());
}

/* The folders, or NULL where nobody may make groups: then the test is skipped. */
static char **make(const char *name)
{
    g_autoptr(GError) error = NULL;
    char **folders = NULL;

    cgroup_make(name, NULL, &folders, &error);
    g_assert_no_error(error);
    g_assert_nonnull(folders);
    if (folders[0])
        return folders;
    g_strfreev(folders);
    g_test_skip("this host lets us make no control groups");
    return NULL;
}

static void expect_gone(char **folders)
{
    for (char **folder = folders; *folder; folder++)
        g_assert_cmpint(access(*folder, F_OK), ==, -1);
}

static pid_t start_child(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    g_assert_cmpint(pid, >, 0);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_make_and_remove(void)
{
    g_autofree char *name = group_name("make");
    g_auto(GStrv) folders = make(name);

    if (!folders)
        return;
    for (char **folder = folders; *folder; folder++)
        g_assert_true(g_str_has_suffix(*folder, name));
    g_auto(GStrv) again = make(name); /* one that is there already will do */
    cgroup_remove((const char *const *)folders);
    expect_gone(folders);
    cgroup_remove((const char *const *)folders);
    cgroup_remove(NULL);
}

static void test_enter(void)
{
    g_autofree char *name = group_name("enter");
    g_auto(GStrv) folders = make(name);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!folders)
        return;
    pid_t pid = start_child();
    g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", pid);
    int result = cgroup_enter((const char *const *)folders, pid, &error);
    if (result == 0)
        file_read_all(path, 65536, &text, NULL, &error);
    cgroup_remove((const char *const *)folders); /* does nothing: somebody is in */
    bool kept = access(folders[0], F_OK) == 0;
    end_child(pid);
    cgroup_remove((const char *const *)folders);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(text, name));
    g_assert_true(kept);
    expect_gone(folders);
}

/* A process may have ended before it could be moved: its end is told by others. */
static void test_enter_too_late(void)
{
    g_autofree char *name = group_name("late");
    g_auto(GStrv) folders = make(name);
    g_autoptr(GError) error = NULL;

    if (!folders)
        return;
    pid_t pid = start_child();
    end_child(pid);
    cgroup_enter((const char *const *)folders, pid, &error);
    cgroup_remove((const char *const *)folders);
    g_assert_no_error(error);
    expect_gone(folders);
}

static void test_no_controllers(void)
{
    static const char *const none[] = {NULL};
    g_autofree char *name = group_name("none");
    g_auto(GStrv) folders = NULL;
    g_autoptr(GError) error = NULL;

    cgroup_make(name, none, &folders, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_strv_length(folders), <=, 1); /* the unified hierarchy, if there is one */
    cgroup_remove((const char *const *)folders);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cgroup/make-and-remove", test_make_and_remove);
    g_test_add_func("/cgroup/enter", test_enter);
    g_test_add_func("/cgroup/enter-too-late", test_enter_too_late);
    g_test_add_func("/cgroup/no-controllers", test_no_controllers);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "host/cgroup-delegate.h"
#include "host/cgroup-value.h"
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

/* The children of a program that was in the group before its first step are there as well. */
static void test_enter_at_start(void)
{
    g_autofree char *name = group_name("begin");
    g_auto(GStrv) folders = make(name);
    g_auto(GStrv) entries = cgroup_entries((const char *const *)folders);
    const struct process_spec spec = {
        .argv = (const char *const[]){"/bin/sh", "-c", "(cat /proc/self/cgroup; exit)", NULL},
        .cgroups = (const char *const *)entries};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!folders)
        return;
    process_run(&spec, 65536, 10000, &text, &error);
    cgroup_remove((const char *const *)folders);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(text, name));
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

/* ---- handing controllers down, in folders that look like the kernel's ---- */

struct tree {
    char *top, *own;
};

static void put(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *get(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void tree_begin(struct tree *tree, gconstpointer data)
{
    tree->top = g_dir_make_tmp("cgroup-XXXXXX", NULL);
    tree->own = g_build_filename(tree->top, CGROUP_OWN_LEAF, NULL);
    put(tree->top, "cgroup.controllers", "memory\n");
    put(tree->top, "cgroup.subtree_control", "");
    put(tree->top, "cgroup.type", "domain\n");
    put(tree->top, "cgroup.procs", "4711\n");
    g_assert_cmpint(mkdir(tree->own, 0755), ==, 0);
    put(tree->own, "cgroup.procs", "");
}

static void tree_end(struct tree *tree, gconstpointer data)
{
    static const char *const names[] = {"cgroup.controllers", "cgroup.subtree_control",
                                        "cgroup.type", "cgroup.procs"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(tree->top, names[i], NULL);
        g_autofree char *own = g_build_filename(tree->own, names[i], NULL);
        unlink(path);
        unlink(own);
    }
    rmdir(tree->own);
    g_assert_cmpint(rmdir(tree->top), ==, 0);
    g_free(tree->own);
    g_free(tree->top);
}

static void expect(const char *folder, const char *name, const char *text)
{
    g_autofree char *found = get(folder, name);

    g_assert_cmpstr(found, ==, text);
}

static void test_hand_down(struct tree *tree, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(cgroup_hand_down_at(tree->top, 4711, false, &error), ==, 0);
    g_assert_no_error(error);
    expect(tree->own, "cgroup.procs", "4711");
    expect(tree->top, "cgroup.subtree_control", "+memory");
    g_autofree char *base = cgroup_base_of(tree->own);
    g_assert_cmpstr(base, ==, tree->top);
}

/* The service manager has put the daemon there already. */
static void test_hand_down_from_leaf(struct tree *tree, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(cgroup_hand_down_at(tree->own, 4711, true, &error), ==, 0);
    g_assert_no_error(error);
    expect(tree->own, "cgroup.procs", "");
    expect(tree->top, "cgroup.subtree_control", "+memory");
}

static void expect_left_alone(struct tree *tree, bool managed)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(cgroup_hand_down_at(tree->top, 4711, managed, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_UNSUPPORTED));
    expect(tree->own, "cgroup.procs", "");
    expect(tree->top, "cgroup.subtree_control", "");
}

/* A service manager that is older could not start the daemon again; and others may be there. */
static void test_hand_down_refused(struct tree *tree, gconstpointer data)
{
    expect_left_alone(tree, true);
    put(tree->top, "cgroup.procs", "4711\n4712\n");
    expect_left_alone(tree, false);
}

static void test_handed_down_already(struct tree *tree, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    put(tree->top, "cgroup.subtree_control", "memory pids\n");
    g_assert_cmpint(cgroup_hand_down_at(tree->top, 4711, true, &error), ==, 0);
    g_assert_no_error(error);
    expect(tree->top, "cgroup.subtree_control", "memory pids\n");
}

/* A daemon that is started in a group of a real unified hierarchy, alone. */
static void test_hand_down_for_real(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = cgroup_unified_folder();
    g_autofree char *base = folder ? cgroup_base_of(folder) : NULL;

    if (!folder || !g_getenv("MODVIRT_CGROUP_ALONE")) {
        g_test_skip("this process is not alone in a group of the unified hierarchy");
        return;
    }
    cgroup_hand_down(&error);
    g_assert_no_error(error);
    g_autofree char *all = get(base, "cgroup.controllers");
    g_autofree char *given = get(base, "cgroup.subtree_control");
    g_assert_cmpstr(all, !=, "\n");
    g_assert_cmpstr(given, ==, all);
    g_auto(GStrv) folders = make("guest");
    g_assert_cmpint(cgroup_set((const char *const *)folders, CGROUP_MEMORY_HARD, 65536, &error), ==,
                    0);
    g_assert_cmpint(cgroup_set((const char *const *)folders, CGROUP_CPU_SHARES, 200, &error), ==,
                    0);
    g_assert_no_error(error);
    cgroup_remove((const char *const *)folders);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cgroup/make-and-remove", test_make_and_remove);
    g_test_add_func("/cgroup/enter", test_enter);
    g_test_add_func("/cgroup/enter-at-start", test_enter_at_start);
    g_test_add_func("/cgroup/enter-too-late", test_enter_too_late);
    g_test_add_func("/cgroup/no-controllers", test_no_controllers);
#define TREE(name, function)                                                                       \
    g_test_add("/cgroup/" name, struct tree, NULL, tree_begin, function, tree_end)
    TREE("hand-down", test_hand_down);
    TREE("hand-down-from-leaf", test_hand_down_from_leaf);
    TREE("hand-down-refused", test_hand_down_refused);
    TREE("handed-down-already", test_handed_down_already);
    g_test_add_func("/cgroup/hand-down-for-real", test_hand_down_for_real);
    return g_test_run();
}

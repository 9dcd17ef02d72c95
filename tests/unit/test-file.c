/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

struct fixture {
    char *folder, *path;
};

static void set_up(struct fixture *fixture, const void *unused)
{
    fixture->folder = g_dir_make_tmp("modvirt-file-XXXXXX", NULL);
    g_assert_nonnull(fixture->folder);
    fixture->path = g_build_filename(fixture->folder, "file", NULL);
}

static void remove_tree(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_unlink(path) < 0)
            remove_tree(path);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(folder);
}

static void tear_down(struct fixture *fixture, const void *unused)
{
    remove_tree(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
}

static void assert_content(const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    size_t length = 0;

    file_read_all(path, 1000000, &text, &length, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, expected);
    g_assert_cmpuint(length, ==, strlen(expected));
}

static void replace(const char *path, const char *text, mode_t mode)
{
    g_autoptr(GError) error = NULL;

    file_replace(path, text, strlen(text), mode, &error);
    g_assert_no_error(error);
}

/* Temporary files included. */
static unsigned count_files(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    unsigned count = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir))
        count++;
    g_dir_close(dir);
    return count;
}

static void test_replace(struct fixture *fixture, const void *unused)
{
    struct stat info;
    mode_t before = umask(0077);

    replace(fixture->path, "first", 0644);
    assert_content(fixture->path, "first");
    g_assert_cmpint(stat(fixture->path, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0644);
    replace(fixture->path, "", 0600);
    assert_content(fixture->path, "");
    g_assert_cmpint(stat(fixture->path, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0600);
    g_assert_cmpuint(count_files(fixture->folder), ==, 1);
    umask(before);
}

static void test_replace_large(struct fixture *fixture, const void *unused)
{
    g_autofree char *text = g_strnfill(900000, 'x');

    replace(fixture->path, text, 0600);
    assert_content(fixture->path, text);
}

static void test_replace_missing_folder(struct fixture *fixture, const void *unused)
{
    g_autofree char *path = g_build_filename(fixture->folder, "no", "file", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(file_replace(path, "x", 1, 0600, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_nonnull(strstr(error->message, "/no': No such file or directory"));
}

static void test_replace_over_folder(struct fixture *fixture, const void *unused)
{
    g_autoptr(GError) error = NULL;

    g_mkdir(fixture->path, 0700);
    g_assert_cmpint(file_replace(fixture->path, "x", 1, 0600, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, fixture->path));
    g_assert_cmpuint(count_files(fixture->folder), ==, 1);
}

/* Runs check in a child with a mount namespace of its own, where a small tmpfs is at folder. */
static void run_on_small_disk(const char *folder, void (*check)(const char *folder))
{
    pid_t pid = fork();
    int status;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", folder, "tmpfs", 0, "size=64k") < 0)
            _exit(77);
        check(folder);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        g_test_skip("no mount namespace");
    else
        g_assert_cmpint(status, ==, 0);
}

static void check_full_disk(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "file", NULL);
    g_autofree char *large = g_strnfill(200000, 'x');
    g_autoptr(GError) error = NULL;

    replace(path, "old", 0600);
    g_assert_cmpint(file_replace(path, large, strlen(large), 0600, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_nonnull(strstr(error->message, path));
    g_assert_nonnull(strstr(error->message, "No space left on device"));
    assert_content(path, "old");
    g_assert_cmpuint(count_files(folder), ==, 1);
}

static void check_read_only_disk(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "file", NULL);
    g_autoptr(GError) error = NULL;

    replace(path, "old", 0600);
    g_assert_cmpint(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
    g_assert_cmpint(file_replace(path, "new", 3, 0600, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_nonnull(strstr(error->message, "Read-only file system"));
    assert_content(path, "old");
    g_assert_cmpuint(count_files(folder), ==, 1);
}

static void test_full_disk(struct fixture *fixture, const void *unused)
{
    run_on_small_disk(fixture->folder, check_full_disk);
}

static void test_read_only_disk(struct fixture *fixture, const void *unused)
{
    run_on_small_disk(fixture->folder, check_read_only_disk);
}

static void test_read_limit(struct fixture *fixture, const void *unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    replace(fixture->path, "12345", 0600);
    g_assert_cmpint(file_read_all(fixture->path, 5, &text, NULL, &error), ==, 0);
    g_clear_pointer(&text, g_free);
    g_assert_cmpint(file_read_all(fixture->path, 4, &text, NULL, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "more than 4 bytes"));
    g_assert_null(text);
    g_clear_error(&error);
    /* Its size is 0 by stat. */
    g_assert_cmpint(file_read_all("/proc/self/stat", 20, &text, NULL, &error), ==, -1);
    g_clear_error(&error);
    g_assert_cmpint(file_read_all("/proc/self/stat", 4096, &text, NULL, &error), ==, 0);
    g_assert_no_error(error);
    g_free(text);
    /* the kernel says that this one has 4096 bytes */
    g_assert_cmpint(file_read_all("/sys/devices/system/cpu/online", 2048, &text, NULL, &error), ==,
                    0);
}

static void test_read_value(struct fixture *fixture, const void *unused)
{
    replace(fixture->path, " 0-3 \n", 0600);
    g_autofree char *value = file_read_value("%s", fixture->path);
    g_assert_cmpstr(value, ==, "0-3");
    g_assert_null(file_read_value("%s%d", fixture->path, 1));
    g_assert_null(file_read_value("%s", fixture->folder));
}

static void test_read_absent(struct fixture *fixture, const void *unused)
{
    g_autoptr(GError) error = NULL;
    char *text = (char *)"untouched";

    g_assert_cmpint(file_read_all(fixture->path, 10, &text, NULL, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "No such file or directory"));
    g_assert_cmpstr(text, ==, "untouched");
    g_clear_error(&error);
    g_assert_cmpint(file_read_optional(fixture->path, 10, &text, NULL, &error), ==, 0);
    g_assert_null(text);
    g_assert_cmpint(file_read_optional(fixture->folder, 10, &text, NULL, &error), ==, -1);
}

static void test_remove(struct fixture *fixture, const void *unused)
{
    g_autoptr(GError) error = NULL;

    replace(fixture->path, "x", 0600);
    g_assert_cmpint(file_remove(fixture->path, &error), ==, 0);
    g_assert_cmpint(file_remove(fixture->path, &error), ==, 0);
    g_assert_cmpint(file_remove(fixture->folder, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, fixture->folder));
}

static void test_rename(struct fixture *fixture, const void *unused)
{
    g_autofree char *other = g_build_filename(fixture->folder, "other", NULL);
    g_autoptr(GError) error = NULL;

    replace(fixture->path, "new", 0600);
    replace(other, "old", 0600);
    g_assert_cmpint(file_rename(fixture->path, other, &error), ==, 0);
    assert_content(other, "new");
    g_assert_cmpint(file_rename(fixture->path, other, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, other));
}

static void test_symlink(struct fixture *fixture, const void *unused)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(file_symlink("one", fixture->path, &error), ==, 0);
    g_assert_cmpint(file_symlink("two", fixture->path, &error), ==, 0);
    g_autofree char *target = g_file_read_link(fixture->path, NULL);
    g_assert_cmpstr(target, ==, "two");
    g_assert_cmpuint(count_files(fixture->folder), ==, 1);
}

static void test_folders(struct fixture *fixture, const void *unused)
{
    g_autofree char *deep = g_build_filename(fixture->folder, "a", "b", "c", NULL);
    g_autofree char *first = g_build_filename(fixture->folder, "a", NULL);
    g_autofree char *below_file = g_build_filename(fixture->path, "x", NULL);
    g_autoptr(GError) error = NULL;
    mode_t before = umask(0077);
    struct stat info;

    file_make_folders(deep, 0755, &error);
    g_assert_no_error(error);
    file_make_folders(deep, 0700, &error);
    g_assert_no_error(error);
    umask(before);
    g_assert_cmpint(stat(first, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0755);
    g_assert_cmpint(stat(deep, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0755);

    replace(fixture->path, "", 0600);
    g_assert_cmpint(file_make_folders(below_file, 0755, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "Not a directory"));
}

static void test_list(struct fixture *fixture, const void *unused)
{
    static const char *const names[] = {"b.xml", "a.xml", "c.txt", ".modvirt-1-2"};
    g_autofree char *absent = g_build_filename(fixture->folder, "absent", NULL);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) list = NULL;
    g_auto(GStrv) empty = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, names[i], NULL);
        replace(path, "", 0600);
    }
    g_assert_cmpint(file_list(fixture->folder, ".xml", &list, &error), ==, 0);
    g_autofree char *joined = g_strjoinv(" ", list);
    g_assert_cmpstr(joined, ==, "a.xml b.xml");
    g_assert_cmpint(file_list(absent, NULL, &empty, &error), ==, 0);
    g_assert_cmpuint(g_strv_length(empty), ==, 0);
    g_assert_cmpint(file_sweep(fixture->folder, &error), ==, 0);
    g_assert_cmpuint(count_files(fixture->folder), ==, 3);
}

static void test_lock(struct fixture *fixture, const void *unused)
{
    g_autofree char *own = g_strdup_printf("%d\n", getpid());
    g_autofree char *named = g_strdup_printf("pid %d", getpid());
    g_autoptr(GError) error = NULL;
    int fd = -1, second = -1;

    file_lock_pid(fixture->path, &fd, &error);
    g_assert_no_error(error);
    assert_content(fixture->path, own);
    g_assert_cmpint(file_lock_pid(fixture->path, &second, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
    g_assert_nonnull(strstr(error->message, named));
    g_clear_error(&error);
    file_unlock_pid(fixture->path, fd);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));

    /* A file left by a process that was killed is no obstacle. */
    replace(fixture->path, "123456789\n", 0644);
    g_assert_cmpint(file_lock_pid(fixture->path, &fd, &error), ==, 0);
    assert_content(fixture->path, own);

    /* Only the own file is removed. */
    g_unlink(fixture->path);
    replace(fixture->path, "other\n", 0644);
    file_unlock_pid(fixture->path, fd);
    assert_content(fixture->path, "other\n");
}

#define ADD(name, function)                                                                        \
    g_test_add("/file/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("replace", test_replace);
    ADD("replace-large", test_replace_large);
    ADD("replace-missing-folder", test_replace_missing_folder);
    ADD("replace-over-folder", test_replace_over_folder);
    ADD("full-disk", test_full_disk);
    ADD("read-only-disk", test_read_only_disk);
    ADD("read-limit", test_read_limit);
    ADD("read-value", test_read_value);
    ADD("read-absent", test_read_absent);
    ADD("remove", test_remove);
    ADD("rename", test_rename);
    ADD("symlink", test_symlink);
    ADD("folders", test_folders);
    ADD("list", test_list);
    ADD("lock", test_lock);
    return g_test_run();
}

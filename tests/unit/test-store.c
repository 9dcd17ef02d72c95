/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "object/startup.h"
#include "store-fixture.h"

static void expect_objects(struct world *world, const char *expected)
{
    g_autofree char *objects = world_objects(world);

    g_assert_cmpstr(objects, ==, expected);
}

static void expect_files(const char *folder, const char *expected)
{
    g_autofree char *files = world_ls(folder);

    g_assert_cmpstr(files, ==, expected);
}

/* Exactly one note is about the file, and has the words. */
static void expect_note(struct world *world, const char *file, bool is_error, const char *words)
{
    int found = 0;

    for (guint i = 0; i < world->notes->len; i++) {
        const struct store_note *note = g_ptr_array_index(world->notes, i);

        g_test_message("%s", note->text);
        if (!g_str_has_prefix(note->text, file))
            continue;
        found++;
        g_assert_cmpint(note->is_error, ==, is_error);
        g_assert_nonnull(strstr(note->text, words));
    }
    g_assert_cmpint(found, ==, 1);
}

static void test_round_trip(void)
{
    struct world *world = world_new(NULL);
    g_autofree char *path = store_config_path(world->store, "a");
    g_autofree char *link = g_build_filename(world->autostart, "a.xml", NULL);
    g_autofree char *target = NULL;
    g_autofree char *text = NULL;
    struct stat status;

    world_define(world, "a", 1, "one", true);
    world_define(world, "b--c", 2, "<&>", false);
    world_define(world, "Zoë of Köln", 3, "two words", false);
    world_define(world, "a", 1, "another", false);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(text, "<!--\n"));
    g_assert_nonnull(strstr(text, "virsh edit a\n"));
    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0600);
    g_assert_cmpint(stat(world->config, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0700);
    target = g_file_read_link(link, NULL);
    g_assert_cmpstr(target, ==, path);
    world_load(world);
    expect_objects(world, "Zoë of Köln=two words a=another* b--c=<&>");
    g_assert_cmpuint(world->notes->len, ==, 0);
    world_free(world);
}

static void test_autostart_and_remove(void)
{
    struct world *world = world_new(NULL);

    world_define(world, "a", 1, NULL, true);
    world_define(world, "b", 2, NULL, true);
    expect_files(world->autostart, "a.xml b.xml");
    g_assert_cmpint(world_set_autostart(world, "a", true, NULL), ==, 0);
    g_assert_cmpint(world_set_autostart(world, "a", false, NULL), ==, 0);
    g_assert_cmpint(world_set_autostart(world, "a", false, NULL), ==, 0);
    expect_files(world->autostart, "b.xml");
    g_assert_cmpint(world_undefine(world, "b", NULL), ==, 0);
    expect_files(world->autostart, "");
    expect_files(world->config, "a.xml autostart");
    world_load(world);
    expect_objects(world, "a=");
    world_free(world);
}

/* A link that an undefine could not remove does not start the next object of that name. */
static void test_stale_link(void)
{
    struct world *world = world_new(NULL);
    g_autofree char *path = store_config_path(world->store, "a");
    g_autofree char *link = g_build_filename(world->autostart, "a.xml", NULL);

    world_define(world, "b", 2, NULL, true);
    g_assert_cmpint(symlink(path, link), ==, 0);
    world_define(world, "a", 1, NULL, false);
    world_load(world);
    expect_objects(world, "a= b=*");
    world_free(world);
}

static void test_names(void)
{
    g_autofree char *longest = g_strnfill(251, 'x');
    g_autofree char *longer = g_strnfill(252, 'x');
    const char *good[] = {"a", "...", ".hidden", "a b", "ä", "-x", longest};
    const char *bad[] = {"", ".", "..", "a/b", "/", "a\nb", "\x7f", ".modvirt-1", longer};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_cmpint(store_check_name(&thing_kind, good[i], NULL), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct world *world = world_new(NULL);
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(store_check_name(&thing_kind, bad[i], &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_XML_ERROR);
        g_assert_cmpint(world_save(world, bad[i], 1, NULL, NULL), ==, -1);
        g_assert_cmpuint(registry_count(world->registry, NULL, NULL), ==, 0);
        expect_files(world->root, "");
        world_free(world);
    }
    g_assert_cmpint(store_check_name(&thing_kind, NULL, NULL), ==, -1);
}

static void test_longest_name(void)
{
    g_autofree char *longest = g_strnfill(251, 'x');
    g_autofree char *expected = g_strdup_printf("%s=text*", longest);
    struct world *world = world_new(NULL);

    world_define(world, longest, 1, "text", true);
    world_load(world);
    expect_objects(world, expected);
    world_free(world);
}

/* ---- what is found at a start ---- */

static void test_broken_files(void)
{
    static const char *const broken[] = {"empty", "garbage", "torn", "other", "nameless"};
    static const char *const texts[] = {
        "",
        "\x01\x02\xff",
        "<thing><name>torn</na",
        "<bucket><name>other</name></bucket>",
        "<thing><text>x</text></thing>",
    };
    struct world *world = world_new(NULL);

    world_define(world, "a", 1, "one", false);
    world_write(world, "config/.modvirt-1-1", "left by a killed daemon");
    world_write(world, "config/notes.txt", "not ours");
    world_write(world, "config/bad.xml", "<thing><name>x/y</name></thing>");
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *name = g_strdup_printf("config/%s.xml", broken[i]);

        world_write(world, name, texts[i]);
    }
    world_load(world);
    expect_objects(world, "a=one");
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *path = store_config_path(world->store, broken[i]);

        expect_note(world, path, true, "not loaded: ");
    }
    g_assert_cmpuint(world->notes->len, ==, G_N_ELEMENTS(broken) + 1);
    expect_files(world->config,
                 "a.xml bad.xml empty.xml garbage.xml nameless.xml notes.txt other.xml torn.xml");
    world_free(world);
}

static void write_thing(struct world *world, const char *file, const char *name, const char *digit)
{
    g_autofree char *path = g_strdup_printf("config/%s.xml", file);
    g_autofree char *text = g_strdup_printf("<thing><name>%s</name><uuid>%s0000000-0000-0000-"
                                            "0000-000000000000</uuid></thing>",
                                            name, digit);

    world_write(world, path, text);
}

static void test_clashing_files(void)
{
    struct world *world = world_new(NULL);
    g_autofree char *copy = store_config_path(world->store, "a-copy");
    g_autofree char *twin = store_config_path(world->store, "twin");
    g_autofree char *moved = store_config_path(world->store, "moved");

    write_thing(world, "a", "a", "1");
    write_thing(world, "a-copy", "a", "1");
    write_thing(world, "twin", "twin", "1");
    write_thing(world, "moved", "b", "2");
    world_load(world);
    expect_objects(world, "a= b=");
    expect_note(world, copy, true, "which has a file of its own");
    expect_note(world, twin, true, "'a' is already defined with uuid");
    expect_note(world, moved, false, "renamed to 'b.xml'");
    expect_files(world->config, "a-copy.xml a.xml b.xml twin.xml");
    world_free(world);
}

static void test_links(void)
{
    struct world *world = world_new(NULL);
    g_autofree char *gone = g_build_filename(world->autostart, "gone.xml", NULL);
    g_autofree char *foreign = g_build_filename(world->autostart, "foreign.xml", NULL);
    g_autofree char *target = store_config_path(world->store, "gone");

    world_define(world, "a", 1, NULL, true);
    g_assert_cmpint(symlink(target, gone), ==, 0);
    g_assert_cmpint(symlink("/nowhere/foreign.xml", foreign), ==, 0);
    world_load(world);
    expect_objects(world, "a=*");
    expect_note(world, gone, false, "removed");
    expect_note(world, foreign, true, "ignored");
    expect_files(world->autostart, "a.xml foreign.xml");
    world_free(world);
}

static void test_nothing(void)
{
    struct world *world = world_new(NULL);

    world_load(world);
    g_assert_cmpuint(world->notes->len, ==, 0);
    expect_files(world->root, "");
    world_free(world);
}

/* A folder that is there but can't be listed is an error: else all would seem undefined. */
static void test_no_folder(void)
{
    struct world *world = world_new(NULL);
    g_autoptr(GError) error = NULL;
    GPtrArray *notes = NULL;

    world_write(world, "config", "a file");
    g_assert_cmpint(store_load(world->store, world->registry, 0, &notes, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_null(notes);
    world_free(world);
}

static void test_many(void)
{
    struct world *world = world_new(NULL);

    for (int i = 0; i < 1000; i++) {
        g_autofree char *path = g_strdup_printf("config/thing-%04d.xml", i);
        g_autofree char *text = g_strdup_printf("<thing><name>thing-%04d</name><uuid>"
                                                "00000000-0000-0000-0000-0000%08d</uuid></thing>",
                                                i, i);

        world_write(world, path, text);
    }
    world_load(world);
    g_assert_cmpuint(world->notes->len, ==, 0);
    g_assert_cmpuint(registry_count(world->registry, NULL, NULL), ==, 1000);
    world_free(world);
}

/* ---- status ---- */

static struct object *start(struct world *world, const char *name, int id)
{
    OBJECT_AUTO struct object *object = registry_get_by_name(world->registry, name, NULL);
    JOB_AUTO struct job *job = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(job_begin(object, JOB_MODIFY, "start", 0, &job, NULL), ==, 0);
    g_assert_cmpint(registry_set_id(world->registry, job, id, NULL), ==, 0);
    object_publish_active(job, thing_new(name, 5, "live"), id, VIR_DOMAIN_RUNNING, 0);
    store_save_status(world->store, job, &error);
    g_assert_no_error(error);
    return g_steal_pointer(&object);
}

static void test_status(void)
{
    struct world *world = world_new(NULL);
    g_autofree char *torn = store_status_path(world->store, "torn");
    OBJECT_VIEW_AUTO struct object_view view = {0};
    JOB_AUTO struct job *job = NULL;
    struct object *object;

    world_define(world, "a", 5, "one", false);
    object_unref(start(world, "a", 7));
    world_write(world, "status/torn.xml", "<status id='8'>");
    world_write(world, "status/no-id.xml",
                "<status><thing><name>no-id</name><uuid>06060606-0606-0606-0606-060606060606"
                "</uuid></thing></status>");
    world_write(world, "status/a.pid", "4711");
    world_load(world);
    expect_objects(world, "a=one");
    expect_note(world, torn, true, "no thing in it");
    g_assert_cmpuint(world->notes->len, ==, 2);
    object = registry_get_by_id(world->registry, 7, NULL);
    g_assert_nonnull(object);
    object_get_view(object, &view);
    g_assert_cmpint(view.state, ==, VIR_DOMAIN_RUNNING);
    g_assert_nonnull(view.live);
    g_assert_cmpint(registry_next_id(world->registry), ==, 8);
    g_assert_cmpint(job_begin(object, JOB_MODIFY, "stop", 0, &job, NULL), ==, 0);
    g_assert_cmpint(store_remove_status(world->store, job, NULL), ==, 0);
    expect_files(world->status, "a.pid no-id.xml torn.xml");
    object_unref(object);
    job_end(g_steal_pointer(&job));
    world_free(world);
}

/* A transient object has its status file only. */
static void test_transient(void)
{
    struct world *world = world_new(NULL);
    OBJECT_AUTO struct object *object = NULL;

    world_define(world, "a", 5, "one", false);
    object = start(world, "a", 7);
    g_assert_cmpint(world_undefine(world, "a", NULL), ==, 0);
    expect_objects(world, "a=live");
    world_load(world);
    expect_objects(world, "a=");
    g_assert_cmpuint(registry_count(world->registry, registry_filter_active, NULL), ==, 1);
    world_free(world);
}

/* ---- a daemon killed before each of its changes to the disk ---- */

static int crash_at; /* 0: never; else before this many-th change from now */
static int fail_at;  /* the same, but that change fails; flushing does not count */

static void maybe_crash(void)
{
    if (crash_at && --crash_at == 0)
        _exit(9);
}

static bool fails(long number)
{
    if (number == SYS_fsync || !fail_at || --fail_at != 0)
        return false;
    errno = EIO;
    return true;
}

/* The calls by which files change, in place of the C library's. */
#define CRASHING(call, parameters, number, ...)                                                    \
    int call parameters                                                                            \
    {                                                                                              \
        maybe_crash();                                                                             \
        return fails(number) ? -1 : (int)syscall(number, __VA_ARGS__);                             \
    }

CRASHING(fsync, (int fd), SYS_fsync, fd)
CRASHING(unlink, (const char *path), SYS_unlinkat, AT_FDCWD, path, 0)
CRASHING(unlinkat, (int folder, const char *path, int flags), SYS_unlinkat, folder, path, flags)
CRASHING(symlinkat, (const char *target, int folder, const char *path), SYS_symlinkat, target,
         folder, path)
CRASHING(rename, (const char *old_path, const char *new_path), SYS_renameat2, AT_FDCWD, old_path,
         AT_FDCWD, new_path, 0)
CRASHING(renameat, (int old_folder, const char *old_path, int new_folder, const char *new_path),
         SYS_renameat2, old_folder, old_path, new_folder, new_path, 0)

struct crash_case {
    const char *name;
    bool exists, autostart;
    void (*act)(struct world *world);
    const char *outcomes[3]; /* what may be there afterwards; the last of them when all was done */
};

static void act_define(struct world *world)
{
    world_save(world, "a", 1, "new", NULL);
}

static void act_undefine(struct world *world)
{
    world_undefine(world, "a", NULL);
}

static void act_rename(struct world *world)
{
    world_rename(world, "a", "b", NULL);
}

static void act_autostart_on(struct world *world)
{
    world_set_autostart(world, "a", true, NULL);
}

static void act_autostart_off(struct world *world)
{
    world_set_autostart(world, "a", false, NULL);
}

static const struct crash_case crash_cases[] = {
    {"define", false, false, act_define, {"", "a=new"}},
    {"redefine", true, true, act_define, {"a=old*", "a=new*"}},
    {"undefine", true, false, act_undefine, {"a=old", ""}},
    {"undefine-autostart", true, true, act_undefine, {"a=old*", ""}},
    {"rename", true, false, act_rename, {"a=old", "b=old"}},
    {"rename-autostart", true, true, act_rename, {"a=old*", "b=old*"}},
    {"autostart-on", true, false, act_autostart_on, {"a=old", "a=old*"}},
    {"autostart-off", true, true, act_autostart_off, {"a=old*", "a=old"}},
};

/* True if the child did all of it. */
static bool act_and_crash(const struct crash_case *test, struct world *world, int at)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        crash_at = at;
        test->act(world);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    g_assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
    return WEXITSTATUS(status) == 0;
}

/* What a restarted daemon finds is one of the outcomes, and nothing is left beside it. */
static void check_outcome(const struct crash_case *test, struct world *world, bool done)
{
    g_autofree char *objects = NULL;
    g_autofree char *again = NULL;
    bool exists, linked;

    world_load(world);
    objects = world_objects(world);
    if (done)
        g_assert_cmpstr(objects, ==, test->outcomes[1]);
    else
        g_assert_true(g_strv_contains(test->outcomes, objects));
    exists = *objects != '\0';
    linked = strchr(objects, '*') != NULL;
    expect_files(world->autostart, !linked ? "" : *objects == 'a' ? "a.xml" : "b.xml");
    for (const char *name = "ab"; *name; name++) {
        const char file[] = {'c', 'o', 'n', 'f', 'i', 'g', '/', *name, '.', 'x', 'm', 'l', '\0'};

        g_assert_cmpint(world_has(world, file), ==, exists && *objects == *name);
    }
    world_load(world);
    again = world_objects(world);
    g_assert_cmpstr(objects, ==, again);
    g_assert_cmpuint(world->notes->len, ==, 0);
}

static void test_crash(gconstpointer data)
{
    const struct crash_case *test = data;
    bool done = false;
    int at;

    for (at = 1; !done; at++) {
        struct world *world = world_new(NULL);

        if (test->exists)
            world_define(world, "a", 1, "old", test->autostart);
        done = act_and_crash(test, world, at);
        check_outcome(test, world, done);
        world_free(world);
    }
    g_test_message("%d points", at - 2);
    g_assert_cmpint(at, >, 2);
}

/* A change that fails is taken back: what the daemon goes on with is what a restart finds. */
static void test_failing(gconstpointer data)
{
    const struct crash_case *test = data;
    bool done = false;
    int at;

    for (at = 1; !done; at++) {
        struct world *world = world_new(NULL);
        g_autofree char *objects = NULL;

        if (test->exists)
            world_define(world, "a", 1, "old", test->autostart);
        fail_at = at;
        test->act(world);
        done = fail_at != 0;
        fail_at = 0;
        objects = world_objects(world);
        world_load(world);
        expect_objects(world, objects);
        if (done)
            g_assert_cmpstr(objects, ==, test->outcomes[1]);
        world_free(world);
    }
    g_assert_cmpint(at, >, 2);
}

/* And once more while it recovers from a rename that was cut short. */
static void act_load(struct world *world)
{
    world_load(world);
}

static void test_crash_twice(void)
{
    static const struct crash_case load = {"load", true, true, act_load, {"a=old*", "b=old*"}};
    bool done = false;

    for (int first = 4; first < 8; first++)
        for (int second = 1; second < 12; second++) {
            struct world *world = world_new(NULL);

            world_define(world, "a", 1, "old", true);
            act_and_crash(&crash_cases[5], world, first);
            done = act_and_crash(&load, world, second);
            check_outcome(&load, world, false);
            world_free(world);
        }
    g_assert_true(done);
}

/* ---- disks that are full or read-only, in a mount namespace of their own ---- */

#define SKIPPED 77

static void enter_namespace(const char *root, const char *options)
{
    int flags = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);

    if (unshare(flags) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", root, "tmpfs", 0, options) < 0)
        _exit(SKIPPED);
}

/* Runs act on a small tmpfs; in a process of its own. */
static void run_on_tmpfs(const char *options, void (*act)(struct world *world))
{
    g_autofree char *root = g_dir_make_tmp("store-XXXXXX", NULL);
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        enter_namespace(root, options);
        act(world_new(root));
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    rmdir(root);
    g_assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        g_test_skip("cannot make a mount namespace here");
    else
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

/* Takes the last byte; returns the file's path. */
static char *fill_disk(struct world *world)
{
    char *path = g_build_filename(world->root, "filler", NULL);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    char block[1024] = "";

    while (write(fd, block, sizeof(block)) > 0)
        continue;
    close(fd);
    return path;
}

/* Nothing changed, no file was left, and it works again once there is room. */
static void act_full(struct world *world)
{
    g_autofree char *big = g_strnfill(200 * 1024, 'x');
    g_autofree char *filler = NULL;
    g_autoptr(GError) error = NULL;

    world_define(world, "a", 1, "old", true);
    g_assert_cmpint(world_save(world, "a", 1, big, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_nonnull(strstr(error->message, "a.xml"));
    g_assert_nonnull(strstr(error->message, "No space left"));
    g_assert_cmpint(world_save(world, "b", 2, big, NULL), ==, -1);
    filler = fill_disk(world);
    g_assert_cmpint(world_save(world, "a", 1, "new", NULL), ==, -1);
    g_assert_cmpint(world_save(world, "c", 3, "new", NULL), ==, -1);
    g_assert_cmpint(world_rename(world, "a", "z", NULL), ==, -1);
    expect_objects(world, "a=old*");
    world_load(world);
    expect_objects(world, "a=old*");
    expect_files(world->config, "a.xml autostart");
    g_assert_cmpint(unlink(filler), ==, 0);
    g_assert_cmpint(world_save(world, "a", 1, "new", NULL), ==, 0);
    g_assert_cmpint(world_rename(world, "a", "z", NULL), ==, 0);
    world_load(world);
    expect_objects(world, "z=new*");
}

/* No file can be made any more, at whichever step of a rename that is noticed. */
static void act_full_of_files(struct world *world)
{
    g_autoptr(GError) error = NULL;
    int fillers = 0, result = -1;

    world_define(world, "a", 1, "old", true);
    while (world_save(world, "b", 2, "x", NULL) == 0) {
        g_autofree char *name = g_strdup_printf("filler-%d", fillers++);

        g_assert_cmpint(world_undefine(world, "b", NULL), ==, 0);
        world_write(world, name, "");
    }
    while (result < 0) {
        g_autofree char *path = g_strdup_printf("%s/filler-%d", world->root, --fillers);

        g_clear_error(&error);
        result = world_rename(world, "a", "z", &error);
        if (result < 0)
            g_assert_nonnull(strstr(error->message, "No space left"));
        world_load(world);
        expect_objects(world, result < 0 ? "a=old*" : "z=old*");
        g_assert_cmpuint(world->notes->len, ==, 0);
        unlink(path);
    }
    expect_files(world->config, "autostart z.xml");
    expect_files(world->autostart, "z.xml");
}

static void act_read_only(struct world *world)
{
    g_autoptr(GError) error = NULL;

    world_define(world, "a", 1, "old", true);
    world_define(world, "b", 2, "old", false);
    world_write(world, "config/.modvirt-1-1", "");
    world_write(world, "config/odd.xml", "<thing><name>c</name></thing>");
    g_assert_cmpint(mount(NULL, world->root, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
    g_assert_cmpint(world_save(world, "a", 1, "new", &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "Read-only file system"));
    g_assert_cmpint(world_undefine(world, "a", NULL), ==, -1);
    g_assert_cmpint(world_rename(world, "a", "z", NULL), ==, -1);
    g_assert_cmpint(world_set_autostart(world, "b", true, NULL), ==, -1);
    g_assert_cmpint(world_set_autostart(world, "a", false, NULL), ==, -1);
    g_assert_cmpint(world_save(world, "new", 4, "new", NULL), ==, -1);
    expect_objects(world, "a=old* b=old");
    world_load(world);
    expect_objects(world, "a=old* b=old c=");
}

static void test_full(void)
{
    run_on_tmpfs("size=128k", act_full);
}

static void test_full_of_files(void)
{
    run_on_tmpfs("size=1m,nr_inodes=12", act_full_of_files);
}

static void test_read_only(void)
{
    run_on_tmpfs("size=1m", act_read_only);
}

/* ---- autostart at the start ---- */

static GString *started;

static int start_unless_b(struct job *job, const struct object_view *view, GError **error)
{
    g_string_append(started, view->name);
    if (strcmp(view->name, "b") != 0)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "no");
    return -1;
}

static void test_startup(void)
{
    struct world *world = world_new(NULL);
    g_autofree char *marker = g_build_filename(world->status, "autostarted", NULL);
    g_autoptr(GPtrArray) notes = NULL;
    g_autoptr(GError) error = NULL;

    started = g_string_new(NULL);
    for (uint8_t i = 0; i < 4; i++)
        world_define(world, (char[]){(char)('a' + i), '\0'}, i + 1, NULL, i != 2);
    g_assert_cmpint(
        startup_autostart(world->store, world->registry, start_unless_b, &notes, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR)); /* the folder is not there */
    g_assert_cmpstr(started->str, ==, "");
    g_assert_cmpint(mkdir(world->status, 0755), ==, 0);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(
            startup_autostart(world->store, world->registry, start_unless_b, &notes, NULL), ==, 0);
        g_assert_cmpstr(started->str, ==, "abd");
        g_assert_cmpuint(notes->len, ==, i == 0);
        if (i == 0)
            g_assert_cmpstr(g_ptr_array_index(notes, 0), ==,
                            "cannot autostart thing 'b': operation failed: no");
        g_clear_pointer(&notes, g_ptr_array_unref);
    }
    g_assert_true(g_file_test(marker, G_FILE_TEST_EXISTS));
    g_string_free(started, TRUE);
    world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/round-trip", test_round_trip);
    g_test_add_func("/store/autostart", test_autostart_and_remove);
    g_test_add_func("/store/stale-link", test_stale_link);
    g_test_add_func("/store/names", test_names);
    g_test_add_func("/store/longest-name", test_longest_name);
    g_test_add_func("/store/broken-files", test_broken_files);
    g_test_add_func("/store/clashing-files", test_clashing_files);
    g_test_add_func("/store/links", test_links);
    g_test_add_func("/store/nothing", test_nothing);
    g_test_add_func("/store/no-folder", test_no_folder);
    g_test_add_func("/store/many", test_many);
    g_test_add_func("/store/status", test_status);
    g_test_add_func("/store/transient", test_transient);
    for (size_t i = 0; i < G_N_ELEMENTS(crash_cases); i++) {
        g_autofree char *path = g_strdup_printf("/store/crash/%s", crash_cases[i].name);

        g_autofree char *failing = g_strdup_printf("/store/failing/%s", crash_cases[i].name);

        g_test_add_data_func(path, &crash_cases[i], test_crash);
        g_test_add_data_func(failing, &crash_cases[i], test_failing);
    }
    g_test_add_func("/store/crash/twice", test_crash_twice);
    g_test_add_func("/store/full", test_full);
    g_test_add_func("/store/full-of-files", test_full_of_files);
    g_test_add_func("/store/read-only", test_read_only);
    g_test_add_func("/store/startup", test_startup);
    return g_test_run();
}

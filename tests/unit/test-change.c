/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "object/change.h"
#include "store-fixture.h"

/* A thing that is defined, and active if id is not -1; the job is the test's. */
static struct job *make(struct world *world, const char *name, int id)
{
    OBJECT_AUTO struct object *object = NULL;
    struct job *job = NULL;

    world_define(world, name, 1, "old", false);
    object = registry_get_by_name(world->registry, name, NULL);
    g_assert_cmpint(job_begin(object, JOB_MODIFY, "test", 0, &job, NULL), ==, 0);
    if (id >= 0) {
        g_assert_cmpint(registry_set_id(world->registry, job, id, NULL), ==, 0);
        object_publish_active(job, thing_new(name, 1, "old"), id, VIR_DOMAIN_RUNNING, 0);
    }
    return job;
}

static void begin(struct change *change, struct world *world, struct job *job, unsigned flags)
{
    g_autoptr(GError) error = NULL;

    change_begin(change, world->store, job, flags, &error);
    g_assert_no_error(error);
}

static void set_text(struct change *change, const char *live, const char *config)
{
    if (change->live)
        ((struct thing *)change->live)->text = arena_strdup(&change->live->arena, live);
    if (change->config)
        ((struct thing *)change->config)->text = arena_strdup(&change->config->arena, config);
}

static const char *text_of(const struct definition *definition)
{
    return definition ? ((const struct thing *)definition)->text : "-";
}

/* What readers see, and what the files hold. */
static void expect(struct world *world, struct job *job, const char *live, const char *config)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(job_object(job), &view);
    g_assert_cmpstr(text_of(view.live), ==, live);
    g_assert_cmpstr(text_of(view.config), ==, config);
    g_autofree char *path = store_config_path(world->store, view.name);
    g_autofree char *text = NULL;
    g_autofree char *part = g_strdup_printf("<text>%s</text>", config);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, part));
}

static void expect_status(struct world *world, const char *live)
{
    g_autofree char *path = store_status_path(world->store, "a");
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, live));
}

static void test_affects(void)
{
    static const struct {
        int id;
        unsigned flags;
        const char *live, *config;
    } cases[] = {
        {-1, VIR_DOMAIN_AFFECT_CURRENT, "-", "new config"},
        {-1, VIR_DOMAIN_AFFECT_CONFIG, "-", "new config"},
        {3, VIR_DOMAIN_AFFECT_CURRENT, "new live", "old"},
        {3, VIR_DOMAIN_AFFECT_LIVE, "new live", "old"},
        {3, VIR_DOMAIN_AFFECT_CONFIG, "old", "new config"},
        {3, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, "new live", "new config"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct world *world = world_new(NULL);
        JOB_AUTO struct job *job = make(world, "a", cases[i].id);
        g_autoptr(GError) error = NULL;
        CHANGE_AUTO struct change change = {0};

        begin(&change, world, job, cases[i].flags);
        set_text(&change, "new live", "new config");
        change_save(&change, &error);
        g_assert_no_error(error);
        expect(world, job, cases[i].live, cases[i].config);
        if (change.live)
            expect_status(world, "new live");
        g_clear_pointer(&job, job_end);
        world_free(world);
    }
}

static void test_refused(void)
{
    struct world *world = world_new(NULL);
    JOB_AUTO struct job *job = make(world, "a", -1);
    CHANGE_AUTO struct change change = {0};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(change_begin(&change, world->store, job, VIR_DOMAIN_AFFECT_LIVE, &error), ==,
                    -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_INVALID));
    g_assert_null(change.live);
    g_assert_null(change.config);
    g_clear_pointer(&job, job_end);
    world_free(world);
}

/* What was begun and is not saved leaves no trace. */
static void test_dropped(void)
{
    struct world *world = world_new(NULL);
    JOB_AUTO struct job *job = make(world, "a", 3);

    {
        CHANGE_AUTO struct change change = {0};

        begin(&change, world, job, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG);
        set_text(&change, "new live", "new config");
    }
    expect(world, job, "old", "old");
    g_clear_pointer(&job, job_end);
    world_free(world);
}

/* A text that is within the limits as it comes, and beyond them once it is escaped. */
static void test_unreadable(void)
{
    g_autofree char *huge = g_strnfill(15 * 1024 * 1024, '&');
    struct world *world = world_new(NULL);
    JOB_AUTO struct job *job = make(world, "a", 3);
    g_autoptr(GError) error = NULL;
    CHANGE_AUTO struct change change = {0};

    begin(&change, world, job, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG);
    set_text(&change, "new live", huge);
    g_assert_cmpint(change_check(&change, NULL), ==, -1);
    g_assert_cmpint(change_save(&change, &error), ==, -1);
    g_assert_nonnull(error);
    expect(world, job, "old", "old");
    g_clear_pointer(&job, job_end);
    world_free(world);
}

/* ---- a full disk ---- */

struct full_disk {
    bool status; /* the folder of the running, or that of the defined */
    bool applied;
    const char *live; /* that readers see afterwards */
};

static void save_on_full_disk(const struct full_disk *row)
{
    struct world *world = world_new(NULL);
    JOB_AUTO struct job *job = make(world, "a", 3);
    const char *folder = row->status ? world->status : world->config;
    g_autofree char *large = g_strnfill(64 * 1024, 'x');
    g_autoptr(GError) error = NULL;
    CHANGE_AUTO struct change change = {0};

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_cmpint(mount("tmpfs", folder, "tmpfs", 0, "size=32k"), ==, 0);
    begin(&change, world, job,
          VIR_DOMAIN_AFFECT_LIVE | (row->status ? 0 : VIR_DOMAIN_AFFECT_CONFIG));
    if (!row->status)
        g_assert_cmpint(world_save(world, "b", 2, "old", NULL), ==, 0);
    set_text(&change, row->status ? large : "new live", large);
    change.applied = row->applied;
    g_assert_cmpint(change_save(&change, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "No space left on device"));
    g_assert_cmpint(umount(folder), ==, 0);
    expect(world, job, row->live ? row->live : large, "old");
    if (row->applied && !row->status)
        expect_status(world, row->live);
    g_clear_pointer(&job, job_end);
    world_free(world);
}

/* In a child with a mount namespace of its own. */
static void test_full_disk(gconstpointer data)
{
    pid_t pid = fork();
    int status;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(77);
        save_on_full_disk(data);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        g_test_skip("no mount namespace");
    else
        g_assert_cmpint(status, ==, 0);
}

/* What QEMU has done already is the truth, whatever could be saved. */
static const struct full_disk full_disks[] = {
    {.live = "old"},
    {.applied = true, .live = "new live"},
    {.status = true, .live = "old"},
    {.status = true, .applied = true},
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/change/affects", test_affects);
    g_test_add_func("/change/refused", test_refused);
    g_test_add_func("/change/dropped", test_dropped);
    g_test_add_func("/change/unreadable", test_unreadable);
    g_test_add_data_func("/change/full-disk/stored", &full_disks[0], test_full_disk);
    g_test_add_data_func("/change/full-disk/stored-applied", &full_disks[1], test_full_disk);
    g_test_add_data_func("/change/full-disk/status", &full_disks[2], test_full_disk);
    g_test_add_data_func("/change/full-disk/status-applied", &full_disks[3], test_full_disk);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtstoraged/guard.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/fd.h"

/* Work that begins, and ends when it is told to. */
struct task {
    GMutex lock;
    GCond changed;
    bool may_end, cleared;
};

struct box {
    struct task *task;
    int result;
};

static int work(void *data, GError **error)
{
    struct box *box = data;
    struct task *task = box->task;

    g_mutex_lock(&task->lock);
    while (!task->may_end)
        g_cond_wait(&task->changed, &task->lock);
    g_mutex_unlock(&task->lock);
    if (box->result < 0)
        error_set(error, VIR_ERR_INTERNAL_ERROR, "it failed");
    return box->result;
}

static void clear(void *data)
{
    struct task *task = ((struct box *)data)->task;

    g_mutex_lock(&task->lock);
    task->cleared = true;
    g_cond_signal(&task->changed);
    g_mutex_unlock(&task->lock);
}

static struct box *box_new(struct task *task, int result)
{
    struct box *box = g_atomic_rc_box_new(struct box);

    *box = (struct box){task, result};
    return box;
}

/* The thread that worked may be the last to let go. */
static void release(struct task *task, struct box *box)
{
    g_atomic_rc_box_release_full(box, clear);
    g_mutex_lock(&task->lock);
    while (!task->cleared)
        g_cond_wait(&task->changed, &task->lock);
    task->cleared = false;
    g_mutex_unlock(&task->lock);
}

static void test_answers(void)
{
    autofd int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct guard *guard = guard_new(folder);
    struct task task = {.may_end = true};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(guard_check(guard, "it", &error), ==, 0);
    g_usleep(1100 * 1000); /* older than what counts as fresh: it is asked */
    g_assert_cmpint(guard_check(guard, "it", &error), ==, 0);
    g_assert_cmpint(guard_check(NULL, "it", &error), ==, 0);

    struct box *box = box_new(&task, 0);
    g_assert_cmpint(guard_run(guard, "it", work, clear, box, &error), ==, 0);
    g_assert_no_error(error);
    release(&task, box);
    box = box_new(&task, -1);
    g_assert_cmpint(guard_run(guard, "it", work, clear, box, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    release(&task, box);
    guard_free(guard);
}

/* What hangs is left behind, and what it has is freed when it ends. */
static void test_hangs(void)
{
    struct task task = {.may_end = false};
    g_autoptr(GError) error = NULL;
    struct box *box = box_new(&task, 0);

    g_assert_cmpint(guard_run(NULL, "/mnt", work, clear, box, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_TIMEOUT));
    g_assert_nonnull(strstr(error->message, "/mnt"));
    g_mutex_lock(&task.lock);
    g_assert_false(task.cleared);
    task.may_end = true;
    g_cond_signal(&task.changed);
    g_mutex_unlock(&task.lock);
    release(&task, box);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guard/answers", test_answers);
    g_test_add_func("/guard/hangs", test_hangs);
    return g_test_run();
}

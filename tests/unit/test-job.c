/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/job.h"

#include "thing.h"

#define LONG_MS 20000 /* never reached where the code is right */

struct fixture {
    struct registry *registry;
    struct object *object;
};

static void set_up(struct fixture *fixture, gconstpointer unused)
{
    fixture->registry = registry_new(&thing_kind);
    fixture->object = thing_define(fixture->registry, "a", 1);
}

static void tear_down(struct fixture *fixture, gconstpointer unused)
{
    int before = thing_cleared();

    object_unref(fixture->object);
    registry_free(fixture->registry);
    g_assert_cmpint(thing_cleared(), ==, before + 1);
}

static struct job *begin(struct object *object, enum job_lane lane, const char *name)
{
    g_autoptr(GError) error = NULL;
    struct job *job = NULL;

    g_assert_cmpint(job_begin(object, lane, name, LONG_MS, &job, &error), ==, 0);
    g_assert_no_error(error);
    return job;
}

static void refuse(struct object *object, enum job_lane lane, unsigned deadline_ms,
                   enum error_code code, const char *message)
{
    g_autoptr(GError) error = NULL;
    struct job *job = (struct job *)&error;

    g_assert_cmpint(job_begin(object, lane, "refused", deadline_ms, &job, &error), ==, -1);
    g_assert_true(job == (struct job *)&error);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_cmpstr(error->message, ==, message);
}

/* Until so many wait: what the other threads do has been noticed then. */
static void await_waiting(struct object *object, unsigned count)
{
    struct job_info info;

    do {
        g_thread_yield();
        job_get_info(object, &info);
    } while (info.waiting != count);
}

static bool is_set(void *data)
{
    return g_atomic_int_get((gint *)data) != 0;
}

/* ---- */

static void test_info(struct fixture *fixture, gconstpointer unused)
{
    struct job_info info;
    struct job *job;

    job_get_info(fixture->object, &info);
    g_assert_null(info.name);
    job = begin(fixture->object, JOB_MODIFY, "virDomainSetMemory");
    g_assert_true(job_object(job) == fixture->object);
    g_assert_cmpint(job_lane(job), ==, JOB_MODIFY);
    g_assert_false(job_is_cancelled(job));
    job_get_info(fixture->object, &info);
    g_assert_cmpstr(info.name, ==, "virDomainSetMemory");
    g_assert_null(info.async_name);
    g_assert_cmpuint(info.waiting, ==, 0);
    job_end(job);
    job_end(NULL);
    job_get_info(fixture->object, &info);
    g_assert_null(info.name);
}

static void test_deadline(struct fixture *fixture, gconstpointer unused)
{
    struct job *job = begin(fixture->object, JOB_MODIFY, "virDomainSetMemory");
    int64_t before = g_get_monotonic_time();
    const char *message = "Timed out during operation: cannot acquire state change lock of thing "
                          "'a' (held by virDomainSetMemory for 0 s)";

    refuse(fixture->object, JOB_MODIFY, 0, VIR_ERR_OPERATION_TIMEOUT, message);
    refuse(fixture->object, JOB_MODIFY, 50, VIR_ERR_OPERATION_TIMEOUT, message);
    g_assert_cmpint(g_get_monotonic_time() - before, >=, 50 * G_TIME_SPAN_MILLISECOND);
    g_assert_false(job_is_cancelled(job));
    refuse(fixture->object, JOB_DESTROY, 50, VIR_ERR_OPERATION_TIMEOUT, message);
    g_assert_true(job_is_cancelled(job));
    job_end(job);
    job_end(begin(fixture->object, JOB_MODIFY, "next"));
}

struct contender {
    struct object *object;
    enum job_lane lane;
    int number;
    GArray *order; /* changed with the turn only */
    GThread *thread;
};

static gpointer contend(gpointer data)
{
    struct contender *contender = data;
    struct job *job = begin(contender->object, contender->lane, "contend");

    g_array_append_val(contender->order, contender->number);
    job_end(job);
    return NULL;
}

/* Starts contenders, each of which waits before the next one comes. */
static void start_contenders(struct contender *contenders, int count, struct object *object,
                             GArray *order)
{
    for (int i = 0; i < count; i++) {
        contenders[i] =
            (struct contender){.object = object, .lane = JOB_MODIFY, .number = i, .order = order};
        contenders[i].thread = g_thread_new("contender", contend, &contenders[i]);
        await_waiting(object, (unsigned)i + 1);
    }
}

static void join_contenders(const struct contender *contenders, int count)
{
    for (int i = 0; i < count; i++)
        g_thread_join(contenders[i].thread);
}

static void test_fairness(struct fixture *fixture, gconstpointer unused)
{
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    struct job *job = begin(fixture->object, JOB_MODIFY, "holder");
    struct contender contenders[20];

    start_contenders(contenders, 20, fixture->object, order);
    job_end(job);
    join_contenders(contenders, 20);
    g_assert_cmpuint(order->len, ==, 20);
    for (int i = 0; i < 20; i++)
        g_assert_cmpint(g_array_index(order, int, i), ==, i);
}

static void test_max_queued(struct fixture *fixture, gconstpointer unused)
{
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    struct job *job = begin(fixture->object, JOB_MODIFY, "holder");
    struct contender contenders[2];

    job_set_max_queued(2);
    start_contenders(contenders, 2, fixture->object, order);
    refuse(fixture->object, JOB_MODIFY, LONG_MS, VIR_ERR_OPERATION_FAILED,
           "operation failed: cannot acquire state change lock of thing 'a': 2 jobs wait for it "
           "already (max_queued)");
    job_set_max_queued(0);
    job_end(job);
    join_contenders(contenders, 2);
}

/* ---- waiting within a job ---- */

struct holder {
    struct object *object;
    enum job_lane lane;
    gint started;
    gint condition;
    enum error_code result;
    bool accepts;
    GArray *order; /* gets 0 when the wait is over */
    GThread *thread;
};

static gpointer hold(gpointer data)
{
    struct holder *holder = data;
    g_autoptr(GError) error = NULL;
    struct job *job = begin(holder->object, holder->lane, "holder");
    int result, zero = 0;

    job_allow(job, JOB_LANE(JOB_SUSPEND));
    g_atomic_int_set(&holder->started, 1);
    if (holder->lane == JOB_ASYNC)
        result = job_yield(job, is_set, &holder->condition, "the guest", LONG_MS, &error);
    else
        result = job_wait(job, is_set, &holder->condition, "the guest", LONG_MS, &error);
    holder->result = result < 0 ? error_code_of(error) : VIR_ERR_OK;
    if (holder->order)
        g_array_append_val(holder->order, zero);
    holder->accepts = job_accept_cancel(job);
    job_end(job);
    return NULL;
}

static void start_holder(struct holder *holder, struct object *object, enum job_lane lane)
{
    *holder = (struct holder){.object = object, .lane = lane};
    holder->thread = g_thread_new("holder", hold, holder);
    while (!g_atomic_int_get(&holder->started))
        g_thread_yield();
}

static void test_wait(struct fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    struct holder holder;
    gint never = 0;
    struct job *job;

    start_holder(&holder, fixture->object, JOB_MODIFY);
    g_atomic_int_set(&holder.condition, 1);
    job_signal(fixture->object);
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OK);

    job = begin(fixture->object, JOB_MODIFY, "waits");
    g_assert_cmpint(job_wait(job, is_set, &never, "DEVICE_DELETED", 20, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpstr(error->message, ==,
                    "Timed out during operation: thing 'a': timed out waiting for DEVICE_DELETED");
    job_end(job);
}

static void test_destroy_barges(struct fixture *fixture, gconstpointer unused)
{
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    struct contender contenders[3];
    struct holder holder;
    struct job *job;

    start_holder(&holder, fixture->object, JOB_MODIFY);
    start_contenders(contenders, 3, fixture->object, order);
    job = begin(fixture->object, JOB_DESTROY, "destroy");
    g_assert_cmpuint(order->len, ==, 0);
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OPERATION_ABORTED);
    g_assert_false(holder.accepts);
    g_assert_false(job_is_cancelled(job));
    job_end(job);
    join_contenders(contenders, 3);
    g_assert_cmpuint(order->len, ==, 3);
}

/* ---- async jobs ---- */

static void test_async_lanes(struct fixture *fixture, gconstpointer unused)
{
    const char *message = "Timed out during operation: cannot acquire state change lock of thing "
                          "'a' (held by holder for 0 s)";
    struct holder holder;
    struct job_info info;
    struct job *job;

    start_holder(&holder, fixture->object, JOB_ASYNC);
    job = begin(fixture->object, JOB_SUSPEND, "suspend");
    job_get_info(fixture->object, &info);
    g_assert_cmpstr(info.name, ==, "suspend");
    g_assert_cmpstr(info.async_name, ==, "holder");
    job_end(job);
    job_end(begin(fixture->object, JOB_CONTROL, "set speed"));
    refuse(fixture->object, JOB_MODIFY, 20, VIR_ERR_OPERATION_TIMEOUT, message);
    refuse(fixture->object, JOB_ASYNC, 20, VIR_ERR_OPERATION_TIMEOUT, message);
    g_atomic_int_set(&holder.condition, 1);
    job_signal(fixture->object);
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OK);
    job_end(begin(fixture->object, JOB_MODIFY, "after"));
}

/* The async job's wait is over, but another has the turn: it comes back when that one ends, before
 * the others. */
static void test_async_returns(struct fixture *fixture, gconstpointer unused)
{
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(int));
    struct contender contender = {
        .object = fixture->object, .lane = JOB_SUSPEND, .order = order, .number = 1};
    struct holder holder;
    struct job *job;

    start_holder(&holder, fixture->object, JOB_ASYNC);
    holder.order = order;
    job = begin(fixture->object, JOB_SUSPEND, "suspend");
    contender.thread = g_thread_new("contender", contend, &contender);
    await_waiting(fixture->object, 1);
    g_atomic_int_set(&holder.condition, 1);
    job_signal(fixture->object);
    await_waiting(fixture->object, 2);
    job_end(job);
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OK);
    g_thread_join(contender.thread);
    g_assert_cmpuint(order->len, ==, 2);
    g_assert_cmpint(g_array_index(order, int, 0), ==, 0);
}

static void test_async_cancel(struct fixture *fixture, gconstpointer unused)
{
    struct holder holder;
    struct job *job;

    g_assert_false(job_cancel_async(fixture->object));
    start_holder(&holder, fixture->object, JOB_ASYNC);
    g_assert_true(job_cancel_async(fixture->object));
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OPERATION_ABORTED);
    g_assert_true(holder.accepts);

    /* a destroy job gets the turn while the async job yields, and the latter no peace */
    start_holder(&holder, fixture->object, JOB_ASYNC);
    job = begin(fixture->object, JOB_DESTROY, "destroy");
    job_end(job);
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OPERATION_ABORTED);
    g_assert_false(holder.accepts);
}

/* ---- objects that go away ---- */

static gpointer wait_in_vain(gpointer data)
{
    struct object *object = data;

    refuse(object, JOB_MODIFY, LONG_MS, VIR_ERR_NO_DOMAIN,
           "Domain not found: no thing with matching uuid "
           "'01010101-0101-0101-0101-010101010101' (a)");
    return NULL;
}

static void test_removed(struct fixture *fixture, gconstpointer unused)
{
    struct job *job = begin(fixture->object, JOB_MODIFY, "undefine");
    GThread *threads[3];

    for (unsigned i = 0; i < 3; i++) {
        threads[i] = g_thread_new("in vain", wait_in_vain, fixture->object);
        await_waiting(fixture->object, i + 1);
    }
    registry_remove(fixture->registry, job);
    for (unsigned i = 0; i < 3; i++)
        g_thread_join(threads[i]);
    job_end(job);
    wait_in_vain(fixture->object);
}

/* A destroy job removes a transient object under a yielding async job, which ends in order. */
static void test_removed_async(struct fixture *fixture, gconstpointer unused)
{
    struct holder holder;
    struct job *job;

    start_holder(&holder, fixture->object, JOB_ASYNC);
    job = begin(fixture->object, JOB_DESTROY, "destroy");
    await_waiting(fixture->object, 1);
    registry_remove(fixture->registry, job);
    job_end(job);
    g_thread_join(holder.thread);
    g_assert_cmpint(holder.result, ==, VIR_ERR_OPERATION_ABORTED);
}

/* ---- many at once ---- */

#define CHURN_THREADS 6
#define CHURN_ROUNDS 400

struct churn {
    struct object *object;
    int count; /* not atomic: the turn guards it */
    gint refused;
};

static void churn_async(struct churn *churn, struct job *job)
{
    gint never = 0;

    job_allow(job, JOB_LANE(JOB_MODIFY));
    job_yield(job, is_set, &never, "nothing", 1, NULL);
    churn->count++;
    job_accept_cancel(job);
}

static gpointer churn_jobs(gpointer data)
{
    struct churn *churn = data;

    for (int i = 0; i < CHURN_ROUNDS; i++) {
        enum job_lane lane = (enum job_lane)g_random_int_range(0, JOB_ASYNC + 1);
        JOB_AUTO struct job *job = NULL;

        if (job_begin(churn->object, lane, "churn", g_random_int_range(0, 3), &job, NULL) < 0) {
            g_atomic_int_inc(&churn->refused);
            continue;
        }
        churn->count++;
        if (lane == JOB_ASYNC)
            churn_async(churn, job);
        job_signal(churn->object);
        job_cancel_async(churn->object);
    }
    return NULL;
}

static void test_churn(struct fixture *fixture, gconstpointer unused)
{
    struct churn churn = {.object = fixture->object};
    GThread *threads[CHURN_THREADS];

    for (int i = 0; i < CHURN_THREADS; i++)
        threads[i] = g_thread_new("churn", churn_jobs, &churn);
    for (int i = 0; i < CHURN_THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(churn.count + churn.refused, >=, CHURN_THREADS * CHURN_ROUNDS);
    job_end(begin(fixture->object, JOB_ASYNC, "after"));
}

#define ADD(path, function) g_test_add(path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/job/info", test_info);
    ADD("/job/deadline", test_deadline);
    ADD("/job/fairness", test_fairness);
    ADD("/job/max-queued", test_max_queued);
    ADD("/job/wait", test_wait);
    ADD("/job/destroy-barges", test_destroy_barges);
    ADD("/job/async-lanes", test_async_lanes);
    ADD("/job/async-returns", test_async_returns);
    ADD("/job/async-cancel", test_async_cancel);
    ADD("/job/removed", test_removed);
    ADD("/job/removed-async", test_removed_async);
    ADD("/job/churn", test_churn);
    return g_test_run();
}

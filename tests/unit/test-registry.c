/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/registry.h"

#include <string.h>

#include "thing.h"

static struct job *begin(struct object *object)
{
    g_autoptr(GError) error = NULL;
    struct job *job = NULL;

    job_begin(object, JOB_MODIFY, "test", 10000, &job, &error);
    g_assert_no_error(error);
    return job;
}

static void assert_error(GError **error, enum error_code code, const char *message)
{
    g_assert_cmpint(error_code_of(*error), ==, code);
    g_assert_cmpstr((*error)->message, ==, message);
    g_clear_error(error);
}

static void test_find(void)
{
    struct registry *registry = registry_new(&thing_kind);
    g_autoptr(GError) error = NULL;
    OBJECT_AUTO struct object *a = thing_define(registry, "a", 1);
    struct object *found;
    uint8_t uuid[16];

    found = registry_get_by_name(registry, "a", NULL);
    g_assert_true(found == a);
    object_unref(found);
    memset(uuid, 1, sizeof(uuid));
    found = registry_get_by_uuid(registry, uuid, NULL);
    g_assert_true(found == a);
    object_unref(found);
    found = registry_get(registry, "renamed meanwhile", uuid, NULL);
    g_assert_true(found == a);
    object_unref(found);
    memset(uuid, 2, sizeof(uuid));
    g_assert_null(registry_get_by_name(registry, "b", &error));
    assert_error(&error, VIR_ERR_NO_DOMAIN, "Domain not found: no thing with matching name 'b'");
    g_assert_null(registry_get_by_id(registry, 7, &error));
    assert_error(&error, VIR_ERR_NO_DOMAIN, "Domain not found: no thing with matching id 7");
    g_assert_null(registry_get_by_uuid(registry, uuid, &error));
    assert_error(&error, VIR_ERR_NO_DOMAIN,
                 "Domain not found: no thing with matching uuid "
                 "'02020202-0202-0202-0202-020202020202'");
    g_assert_null(registry_get(registry, "b", uuid, &error));
    assert_error(&error, VIR_ERR_NO_DOMAIN,
                 "Domain not found: no thing with matching uuid "
                 "'02020202-0202-0202-0202-020202020202' (b)");
    registry_free(registry);
}

static void refuse_add(struct registry *registry, const char *name, uint8_t number, unsigned flags,
                       enum error_code code, const char *message)
{
    DEFINITION_AUTO struct definition *definition = thing_new(name, number, NULL);
    g_autoptr(GError) error = NULL;
    struct object *object = NULL;

    g_assert_cmpint(registry_add(registry, definition, flags, &object, &error), ==, -1);
    g_assert_null(object);
    assert_error(&error, code, message);
}

static void test_clashes(void)
{
    struct registry *registry = registry_new(&thing_kind);
    OBJECT_AUTO struct object *a = thing_define(registry, "a", 1);
    OBJECT_AUTO struct object *b = thing_define(registry, "b", 2);
    OBJECT_AUTO struct object *again = thing_define(registry, "a", 1);
    struct job *job = begin(b);

    g_assert_true(again == a);
    refuse_add(registry, "a", 3, 0, VIR_ERR_OPERATION_FAILED,
               "operation failed: thing 'a' already exists with uuid "
               "01010101-0101-0101-0101-010101010101");
    refuse_add(registry, "c", 1, 0, VIR_ERR_OPERATION_FAILED,
               "operation failed: thing 'a' is already defined with uuid "
               "01010101-0101-0101-0101-010101010101");
    refuse_add(registry, "a", 1, REGISTRY_NEW, VIR_ERR_OPERATION_FAILED,
               "operation failed: thing 'a' already exists with uuid "
               "01010101-0101-0101-0101-010101010101");
    object_publish_active(job, thing_new("b", 2, NULL), 1, VIR_DOMAIN_RUNNING, 0);
    refuse_add(registry, "b", 2, REGISTRY_INACTIVE, VIR_ERR_OPERATION_INVALID,
               "Requested operation is not valid: thing is already active as 'b'");
    job_end(job);
    g_assert_cmpuint(registry_count(registry, NULL, NULL), ==, 2);
    registry_free(registry);
}

/* An object that has published nothing holds its name, but nobody sees it. */
static void test_hidden(void)
{
    struct registry *registry = registry_new(&thing_kind);
    DEFINITION_AUTO struct definition *definition = thing_new("a", 1, NULL);
    struct job *job = NULL;

    g_assert_cmpint(registry_begin(registry, definition, REGISTRY_NEW, "define", 0, &job, NULL), ==,
                    0);
    g_assert_null(registry_get_by_name(registry, "a", NULL));
    g_assert_cmpuint(registry_count(registry, NULL, NULL), ==, 0);
    refuse_add(registry, "a", 3, 0, VIR_ERR_OPERATION_FAILED,
               "operation failed: thing 'a' already exists with uuid "
               "01010101-0101-0101-0101-010101010101");
    g_assert_true(registry_remove_unused(registry, job));
    job_end(job);
    object_unref(thing_define(registry, "a", 3));
    g_assert_cmpuint(registry_count(registry, NULL, NULL), ==, 1);
    registry_free(registry);
}

static void test_view(void)
{
    struct registry *registry = registry_new(&thing_kind);
    OBJECT_AUTO struct object *object = thing_define(registry, "a", 1);
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct definition *live = thing_new("a", 1, "live");
    struct job *job = begin(object);
    unsigned affected = 0;

    object_get_view(object, &view);
    g_assert_cmpint(view.state, ==, VIR_DOMAIN_SHUTOFF);
    g_assert_cmpint(view.id, ==, -1);
    g_assert_true(object_view_definition(&view, false) == view.config);
    g_assert_cmpint(object_check_affect(&thing_kind, &view, 0, &affected, NULL), ==, 0);
    g_assert_cmpuint(affected, ==, VIR_DOMAIN_AFFECT_CONFIG);
    g_assert_cmpint(
        object_check_affect(&thing_kind, &view, VIR_DOMAIN_AFFECT_LIVE, &affected, NULL), ==, -1);
    object_view_clear(&view);

    object_publish_facts(object, g_atomic_rc_box_new0(int));
    object_publish_active(job, live, 5, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    object_publish_facts(object, g_atomic_rc_box_new0(int));
    object_get_view(object, &view);
    g_assert_cmpint(view.id, ==, 5);
    g_assert_nonnull(view.facts);
    g_assert_false(view.updated);
    g_assert_true(object_view_definition(&view, false) == live);
    g_assert_true(object_view_definition(&view, true) == view.config);
    g_assert_cmpint(object_check_affect(&thing_kind, &view, 3, &affected, NULL), ==, 0);
    g_assert_cmpuint(affected, ==, 3);
    object_view_clear(&view);

    g_assert_true(object_notice_state(object, VIR_DOMAIN_PAUSED, 1));
    g_assert_false(object_notice_state(object, VIR_DOMAIN_PAUSED, 1));
    object_publish_config(job, thing_new("a", 1, "new"));
    object_publish_autostart(job, true);
    object_get_view(object, &view);
    g_assert_true(view.updated);
    g_assert_true(view.autostart);
    g_assert_cmpint(view.state, ==, VIR_DOMAIN_PAUSED);
    object_view_clear(&view);

    object_publish_config(job, NULL);
    object_get_view(object, &view);
    g_assert_false(view.autostart);
    g_assert_true(object_view_definition(&view, true) == live);
    g_assert_cmpint(
        object_check_affect(&thing_kind, &view, VIR_DOMAIN_AFFECT_CONFIG, &affected, NULL), ==, -1);
    object_view_clear(&view);
    g_assert_false(registry_remove_unused(registry, job));
    object_publish_inactive(job, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DESTROYED);
    g_assert_false(object_notice_state(object, VIR_DOMAIN_PAUSED, 1));
    g_assert_true(registry_remove_unused(registry, job));
    job_end(job);
    registry_free(registry);
}

static void test_id(void)
{
    struct registry *registry = registry_new(&thing_kind);
    OBJECT_AUTO struct object *a = thing_define(registry, "a", 1);
    OBJECT_AUTO struct object *b = thing_define(registry, "b", 2);
    g_autoptr(GError) error = NULL;
    struct job *job_a = begin(a), *job_b = begin(b);
    struct object *found;

    g_assert_cmpint(registry_next_id(registry), ==, 1);
    g_assert_cmpint(registry_set_id(registry, job_a, 9, NULL), ==, 0);
    g_assert_cmpint(registry_next_id(registry), ==, 10);
    found = registry_get_by_id(registry, 9, NULL);
    g_assert_true(found == a);
    object_unref(found);
    g_assert_cmpint(registry_set_id(registry, job_b, 9, &error), ==, -1);
    assert_error(&error, VIR_ERR_INTERNAL_ERROR, "internal error: id 9 belongs to thing 'a'");
    g_assert_cmpint(registry_set_id(registry, job_a, -1, NULL), ==, 0);
    g_assert_null(registry_get_by_id(registry, 9, NULL));
    g_assert_cmpint(registry_set_id(registry, job_b, 9, NULL), ==, 0);
    registry_remove(registry, job_b);
    g_assert_null(registry_get_by_id(registry, 9, NULL));
    job_end(job_a);
    job_end(job_b);
    registry_free(registry);
}

static void test_rename(void)
{
    struct registry *registry = registry_new(&thing_kind);
    OBJECT_AUTO struct object *a = thing_define(registry, "a", 1);
    OBJECT_AUTO struct object *b = thing_define(registry, "b", 2);
    g_autoptr(GError) error = NULL;
    struct job *job = begin(a), *other = begin(b);
    struct object *found;

    g_assert_cmpint(registry_rename_begin(registry, job, "b", &error), ==, -1);
    assert_error(&error, VIR_ERR_OPERATION_INVALID,
                 "Requested operation is not valid: thing with name 'b' already exists");
    g_assert_cmpint(registry_rename_begin(registry, job, "c", NULL), ==, 0);
    g_assert_cmpint(registry_rename_begin(registry, other, "c", NULL), ==, -1);
    refuse_add(registry, "c", 3, 0, VIR_ERR_OPERATION_FAILED,
               "operation failed: another thing is being renamed to 'c'");
    g_assert_null(registry_get_by_name(registry, "c", NULL));
    registry_rename_end(registry, job, "c", NULL);
    g_assert_cmpint(registry_rename_begin(registry, job, "c", NULL), ==, 0);
    registry_rename_end(registry, job, "c", thing_new("c", 1, NULL));
    g_assert_null(registry_get_by_name(registry, "a", NULL));
    found = registry_get_by_name(registry, "c", NULL);
    g_assert_true(found == a);
    object_unref(found);
    job_end(job);
    job_end(other);
    object_unref(thing_define(registry, "a", 4));
    registry_free(registry);
}

static bool is_odd(struct object *object, const struct object_view *view, void *data)
{
    return object_uuid(object)[0] % 2;
}

static void test_list(void)
{
    struct registry *registry = registry_new(&thing_kind);
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GPtrArray) odd = NULL;

    for (uint8_t i = 1; i <= 100; i++) {
        g_autofree char *name = g_strdup_printf("thing-%d", i * 7 % 101);

        object_unref(thing_define(registry, name, i));
    }
    all = registry_list(registry, NULL, NULL);
    g_assert_cmpuint(all->len, ==, 100);
    for (guint i = 0; i < all->len; i++)
        g_assert_cmpint(object_uuid(g_ptr_array_index(all, i))[0], ==, i + 1);
    for (guint i = 0; i < all->len; i += 3) {
        struct job *job = begin(g_ptr_array_index(all, i));

        registry_remove(registry, job);
        job_end(job);
    }
    odd = registry_list(registry, is_odd, NULL);
    g_assert_cmpuint(odd->len, ==, 33);
    for (guint i = 1; i < odd->len; i++)
        g_assert_cmpint(object_uuid(g_ptr_array_index(odd, i))[0], >,
                        object_uuid(g_ptr_array_index(odd, i - 1))[0]);
    g_assert_cmpuint(registry_count(registry, registry_filter_active, NULL), ==, 0);
    g_assert_cmpuint(registry_count(registry, NULL, NULL), ==, 66);
    registry_free(registry);
}

/* ---- many threads define, start, rename, list and undefine the same few things ---- */

#define CHURN_THREADS 6
#define CHURN_ROUNDS 1500
#define CHURN_NAMES 8

static void churn_define(struct registry *registry, unsigned number)
{
    g_autofree char *name = g_strdup_printf("thing-%u", number);
    struct definition *definition = thing_new(name, (uint8_t)number, NULL);
    struct job *job = NULL;

    if (registry_begin(registry, definition, 0, "define", 1000, &job, NULL) < 0) {
        definition_unref(definition);
        return;
    }
    object_publish_config(job, definition);
    job_end(job);
}

static void churn_start_stop(struct registry *registry, struct object *object, struct job *job)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    int id = registry_next_id(registry);

    object_get_view(object, &view);
    if (!view.config)
        return;
    g_assert_cmpint(registry_set_id(registry, job, id, NULL), ==, 0);
    object_publish_active(job, definition_ref(view.config), id, VIR_DOMAIN_RUNNING, 1);
    object_publish_facts(object, g_atomic_rc_box_new0(int));
    object_publish_inactive(job, VIR_DOMAIN_SHUTOFF, 1);
    g_assert_cmpint(registry_set_id(registry, job, -1, NULL), ==, 0);
}

static void churn_rename(struct registry *registry, struct object *object, struct job *job)
{
    struct definition *definition = thing_new("renamed", object_uuid(object)[0], NULL);

    if (registry_rename_begin(registry, job, "renamed", NULL) < 0)
        definition_unref(definition);
    else
        registry_rename_end(registry, job, "renamed", definition);
}

static void churn_change(struct registry *registry, unsigned number)
{
    uint8_t uuid[16];
    OBJECT_AUTO struct object *object = NULL;
    JOB_AUTO struct job *job = NULL;

    memset(uuid, (int)number, sizeof(uuid));
    object = registry_get_by_uuid(registry, uuid, NULL);
    if (!object || job_begin(object, JOB_MODIFY, "change", 1000, &job, NULL) < 0)
        return;
    churn_start_stop(registry, object, job);
    if (g_random_int_range(0, 4) == 0) {
        churn_rename(registry, object, job);
    } else if (g_random_boolean()) {
        object_publish_config(job, NULL);
        g_assert_true(registry_remove_unused(registry, job));
    }
}

static void churn_list(struct registry *registry)
{
    g_autoptr(GPtrArray) list = registry_list(registry, NULL, NULL);

    g_assert_cmpuint(list->len, <=, CHURN_NAMES);
    for (guint i = 0; i < list->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};

        object_get_view(g_ptr_array_index(list, i), &view);
        g_assert_cmpint(view.id != -1, ==, view.live != NULL);
    }
}

static gpointer churn(gpointer data)
{
    for (int i = 0; i < CHURN_ROUNDS; i++) {
        unsigned number = (unsigned)g_random_int_range(1, CHURN_NAMES + 1);

        churn_define(data, number);
        churn_list(data);
        churn_change(data, number);
    }
    return NULL;
}

static void test_churn(void)
{
    struct registry *registry = registry_new(&thing_kind);
    GThread *threads[CHURN_THREADS];

    for (int i = 0; i < CHURN_THREADS; i++)
        threads[i] = g_thread_new("churn", churn, registry);
    for (int i = 0; i < CHURN_THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(registry_count(registry, NULL, NULL), <=, CHURN_NAMES);
    registry_free(registry);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry/find", test_find);
    g_test_add_func("/registry/clashes", test_clashes);
    g_test_add_func("/registry/hidden", test_hidden);
    g_test_add_func("/registry/view", test_view);
    g_test_add_func("/registry/id", test_id);
    g_test_add_func("/registry/rename", test_rename);
    g_test_add_func("/registry/list", test_list);
    g_test_add_func("/registry/churn", test_churn);
    return g_test_run();
}

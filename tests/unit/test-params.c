/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "driver/params.h"

static void test_building(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct params params = {.arena = &arena};

    params_add_int(&params, -1, "int");
    params_add_uint(&params, 2, "a.%u.uint", 3);
    params_add_long(&params, INT64_MIN, "long");
    params_add_ulong(&params, UINT64_MAX, "ulong");
    params_add_double(&params, 0.5, "double");
    params_add_bool(&params, true, "bool");
    params_add_string(&params, "text", "string");
    params_add_string(&params, NULL, "absent");
    g_assert_cmpuint(params.count, ==, 7);
    g_assert_cmpint(params.items[0].value.type, ==, VIR_TYPED_PARAM_INT);
    g_assert_cmpint(params.items[0].value.i, ==, -1);
    g_assert_cmpstr(params.items[1].field, ==, "a.3.uint");
    g_assert_cmpuint(params.items[1].value.ui, ==, 2);
    g_assert_true(params.items[2].value.l == INT64_MIN);
    g_assert_true(params.items[3].value.ul == UINT64_MAX);
    g_assert_cmpfloat(params.items[4].value.d, ==, 0.5);
    g_assert_cmpint(params.items[5].value.b, ==, 1);
    g_assert_cmpstr(params.items[6].value.s, ==, "text");
}

static void test_growing(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct params params = {.arena = &arena};

    for (unsigned i = 0; i < 1000; i++)
        params_add_uint(&params, i, "field.%u", i);
    g_assert_cmpuint(params.count, ==, 1000);
    for (unsigned i = 0; i < 1000; i++)
        g_assert_cmpuint(params.items[i].value.ui, ==, i);
    g_assert_cmpstr(params.items[999].field, ==, "field.999");
}

/* A name has at most 79 bytes on the wire. */
static void test_long_name(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct params params = {.arena = &arena};
    g_autofree char *name = g_strnfill(200, 'n');

    params_add_int(&params, 1, "%s", name);
    g_assert_cmpuint(strlen(params.items[0].field), ==, VIR_TYPED_PARAM_FIELD_LENGTH - 1);
}

struct values {
    int i;
    unsigned ui;
    int64_t l;
    uint64_t ul;
    double d;
    bool b, given;
    const char *s;
};

static const struct param_row rows[] = {
    {"int", VIR_TYPED_PARAM_INT, offsetof(struct values, i), offsetof(struct values, given)},
    {"uint", VIR_TYPED_PARAM_UINT, offsetof(struct values, ui), 0},
    {"long", VIR_TYPED_PARAM_LLONG, offsetof(struct values, l), 0},
    {"ulong", VIR_TYPED_PARAM_ULLONG, offsetof(struct values, ul), 0},
    {"double", VIR_TYPED_PARAM_DOUBLE, offsetof(struct values, d), 0},
    {"bool", VIR_TYPED_PARAM_BOOLEAN, offsetof(struct values, b), 0},
    {"string", VIR_TYPED_PARAM_STRING, offsetof(struct values, s), 0},
};

static void test_reading(void)
{
    struct remote_typed_param params[] = {
        {"string", {.type = VIR_TYPED_PARAM_STRING, .s = "text"}},
        {"bool", {.type = VIR_TYPED_PARAM_BOOLEAN, .b = 1}},
        {"double", {.type = VIR_TYPED_PARAM_DOUBLE, .d = 2.5}},
        {"ulong", {.type = VIR_TYPED_PARAM_ULLONG, .ul = UINT64_MAX}},
        {"long", {.type = VIR_TYPED_PARAM_LLONG, .l = -4}},
        {"uint", {.type = VIR_TYPED_PARAM_UINT, .ui = 5}},
        {"int", {.type = VIR_TYPED_PARAM_INT, .i = -6}},
    };
    struct values values = {0};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(params_read(params, 0, rows, G_N_ELEMENTS(rows), &values, &error), ==, 0);
    g_assert_false(values.given);
    params_read(params, G_N_ELEMENTS(params), rows, G_N_ELEMENTS(rows), &values, &error);
    g_assert_no_error(error);
    g_assert_cmpint(values.i, ==, -6);
    g_assert_cmpuint(values.ui, ==, 5);
    g_assert_cmpint(values.l, ==, -4);
    g_assert_true(values.ul == UINT64_MAX);
    g_assert_cmpfloat(values.d, ==, 2.5);
    g_assert_true(values.b);
    g_assert_true(values.given);
    g_assert_cmpstr(values.s, ==, "text");
}

/* What is set by rows is asked for by the same. */
static void test_rows(void)
{
    struct values values = {.i = -6, .ui = 5, .l = -4, .ul = UINT64_MAX, .d = 2.5, .b = true};
    struct values back = {0};
    struct arena arena ARENA_AUTO = {0};
    struct params params = {.arena = &arena};
    g_autoptr(GError) error = NULL;

    params_add_rows(&params, rows, G_N_ELEMENTS(rows), &values);
    g_assert_cmpuint(params.count, ==, G_N_ELEMENTS(rows));
    params_read(params.items, params.count, rows, G_N_ELEMENTS(rows), &back, &error);
    g_assert_no_error(error);
    g_assert_cmpint(back.i, ==, -6);
    g_assert_true(back.ul == UINT64_MAX);
    g_assert_cmpfloat(back.d, ==, 2.5);
    g_assert_true(back.b);
    g_assert_cmpstr(back.s, ==, "");
}

/* Whatever is wrong with one, none is taken over. */
static void refuse(const struct remote_typed_param *bad, enum error_code code, const char *words)
{
    struct remote_typed_param params[] = {{"int", {.type = VIR_TYPED_PARAM_INT, .i = 9}}, *bad};
    struct values values = {0};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(params_read(params, 2, rows, G_N_ELEMENTS(rows), &values, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_cmpint(values.i, ==, 0);
    g_assert_false(values.given);
}

static void test_refusing(void)
{
    static const struct remote_typed_param unknown = {"other", {.type = VIR_TYPED_PARAM_INT}};
    static const struct remote_typed_param wrong = {"uint", {.type = VIR_TYPED_PARAM_STRING}};
    static const struct remote_typed_param twice = {"int", {.type = VIR_TYPED_PARAM_INT}};
    static const struct remote_typed_param no_type = {"uint", {.type = 4711}};

    refuse(&unknown, VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter 'other' not supported");
    refuse(&wrong, VIR_ERR_INVALID_ARG,
           "invalid type 'string' for parameter 'uint', expected 'uint'");
    refuse(&twice, VIR_ERR_INVALID_ARG, "parameter 'int' occurs multiple times");
    refuse(&no_type, VIR_ERR_INVALID_ARG, "invalid type 'unknown'");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/params/building", test_building);
    g_test_add_func("/params/growing", test_growing);
    g_test_add_func("/params/long-name", test_long_name);
    g_test_add_func("/params/reading", test_reading);
    g_test_add_func("/params/rows", test_rows);
    g_test_add_func("/params/refusing", test_refusing);
    return g_test_run();
}

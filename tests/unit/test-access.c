/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/access.h"

#include <string.h>

#include "base/error.h"

/* The permissions that a read-only caller has; a new one must be put here on purpose. */
static const char *const reading[] = {
    "getattr",
    "read",
    "search-domains",
    "search-interfaces",
    "search-networks",
    "search-node-devices",
    "search-nwfilters",
    "search-nwfilter-bindings",
    "search-ports",
    "search-secrets",
    "search-storage-pools",
    "search-storage-vols",
    NULL,
};

static struct identity *caller(bool readonly)
{
    return identity_new(&(struct identity_values){.readonly = readonly});
}

static void test_readonly(void)
{
    struct identity *weak = caller(true), *strong = caller(false);
    unsigned allowed = 0;

    for (int i = 0; i < ACCESS_PERM_LAST; i++) {
        const char *word = access_permission_word((enum access_permission)i);
        bool expected = g_strv_contains(reading, word);
        g_autoptr(GError) error = NULL;
        int result = access_check(weak, ACCESS_OBJECT_DOMAIN, (enum access_permission)i, NULL,
                                  "virDomainCreate", &error);

        g_test_message("%s", word);
        g_assert_cmpint(result, ==, expected ? 0 : -1);
        g_assert_cmpint(access_allows(weak, ACCESS_OBJECT_DOMAIN, (enum access_permission)i, NULL),
                        ==, expected);
        g_assert_true(access_allows(strong, ACCESS_OBJECT_DOMAIN, (enum access_permission)i, NULL));
        allowed += expected;
        if (expected)
            continue;
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_OPERATION_DENIED);
        g_assert_cmpint(error_from_of(error, VIR_FROM_NONE), ==, VIR_FROM_DOMAIN);
        g_assert_cmpstr(error->message, ==,
                        "operation forbidden: read only access prevents virDomainCreate");
    }
    g_assert_cmpuint(allowed, ==, G_N_ELEMENTS(reading) - 1);
    identity_unref(weak);
    identity_unref(strong);
}

static int refuse_start(struct identity *identity, enum access_object object,
                        enum access_permission permission, const struct access_subject *subject,
                        GError **error)
{
    if (permission != ACCESS_PERM_START)
        return 0;
    error_set(error, VIR_ERR_ACCESS_DENIED, "not today");
    return -1;
}

static bool concerns_reader(const struct identity *identity)
{
    return !identity_values(identity)->readonly;
}

static void test_drivers(void)
{
    static const struct access_driver refuses = {"refuses", concerns_reader, refuse_start};
    static const struct access_driver *const drivers[] = {&refuses, NULL};
    struct identity *identity = caller(false);
    g_autoptr(GError) error = NULL;

    g_assert_false(access_asks(NULL) || access_asks(identity));
    access_set_drivers(drivers);
    g_assert_true(access_asks(NULL) && access_asks(identity));
    g_assert_cmpint(access_check(identity, ACCESS_OBJECT_DOMAIN, ACCESS_PERM_START, NULL,
                                 "virDomainCreate", &error),
                    ==, -1);
    g_assert_cmpint(error_code_of(error), ==, VIR_ERR_ACCESS_DENIED);
    g_assert_false(access_allows(identity, ACCESS_OBJECT_DOMAIN, ACCESS_PERM_START, NULL));
    g_assert_true(access_allows(identity, ACCESS_OBJECT_DOMAIN, ACCESS_PERM_STOP, NULL));
    access_set_drivers(NULL);
    identity_unref(identity);
}

/* ---- identity ---- */

static void test_params(void)
{
    struct identity *identity = identity_new(&(struct identity_values){
        .has_user = true,
        .has_group = true,
        .has_process = true,
        .user = 1000,
        .group = 100,
        .process = 4711,
        .process_time = 12345,
        .user_name = "alice",
        .group_name = "users",
        .sasl_user = "alice@EXAMPLE.COM",
        .x509_name = "CN=alice",
        .selinux_context = "unconfined",
    });
    struct identity_param params[IDENTITY_PARAMS], again[IDENTITY_PARAMS];
    struct identity *copy = NULL;
    g_autoptr(GError) error = NULL;
    unsigned count = identity_to_params(identity, params);

    g_assert_cmpuint(count, ==, IDENTITY_PARAMS);
    identity_from_params(params, count, true, &copy, &error);
    g_assert_no_error(error);
    g_assert_true(identity_values(copy)->readonly);
    g_assert_cmpuint(identity_to_params(copy, again), ==, count);
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpstr(params[i].field, ==, again[i].field);
        g_assert_cmpint(params[i].type, ==, again[i].type);
        g_assert_cmpuint(params[i].number, ==, again[i].number);
        g_assert_cmpstr(params[i].text, ==, again[i].text);
    }
    identity_unref(copy);
    copy = identity_with_readonly(identity, true);
    g_assert_true(identity_values(copy)->readonly);
    g_assert_cmpstr(identity_values(copy)->x509_name, ==, "CN=alice");
    identity_unref(copy);
    identity_unref(identity);
}

static void test_bad_params(void)
{
    static const struct identity_param uid = {VIR_CONNECT_IDENTITY_UNIX_USER_ID,
                                              VIR_TYPED_PARAM_ULLONG, 0, NULL};
    const struct identity_param bad[][2] = {
        {{"shoe-size", VIR_TYPED_PARAM_ULLONG, 43, NULL}, uid},
        {{VIR_CONNECT_IDENTITY_UNIX_USER_ID, VIR_TYPED_PARAM_STRING, 0, "root"}, uid},
        {uid, uid},
        {{VIR_CONNECT_IDENTITY_UNIX_GROUP_ID, VIR_TYPED_PARAM_ULLONG, 0xffffffff, NULL}, uid},
        {{VIR_CONNECT_IDENTITY_UNIX_GROUP_ID, VIR_TYPED_PARAM_ULLONG, 1ULL << 32, NULL}, uid},
        {{VIR_CONNECT_IDENTITY_PROCESS_ID, VIR_TYPED_PARAM_LLONG, (uint64_t)-1, NULL}, uid},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        struct identity *identity = NULL;

        g_assert_cmpint(identity_from_params(bad[i], 2, false, &identity, &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_INVALID_ARG);
        g_assert_null(identity);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/readonly", test_readonly);
    g_test_add_func("/access/drivers", test_drivers);
    g_test_add_func("/identity/params", test_params);
    g_test_add_func("/identity/bad-params", test_bad_params);
    return g_test_run();
}

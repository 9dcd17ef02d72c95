/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "virtqemud/claims.h"

#define CARD "PCI device 0000:00:02.0"

static bool take(struct claims *claims, const struct claim *claim, const char *refused_by)
{
    g_autoptr(GError) error = NULL;

    if (claims_take(claims, claim, &error) == 0)
        return true;
    g_assert_true(error_is(error, VIR_ERR_OPERATION_INVALID));
    g_assert_nonnull(strstr(error->message, refused_by));
    return false;
}

static void test_one_guest(void)
{
    const struct claim one = {CARD, "one", "hostdev0", false};
    const struct claim again = {CARD, "one", "hostdev1", false};
    const struct claim two = {CARD, "two", "hostdev0", false};
    struct claims *claims = claims_new();

    g_assert_true(take(claims, &one, ""));
    g_assert_false(take(claims, &two, CARD " is in use by driver QEMU, domain one"));
    g_assert_false(take(claims, &again, "domain one"));
    /* those who were refused have nothing to give back */
    claims_drop(claims, &two);
    claims_drop(claims, &again);
    g_assert_true(claims_holds_alone(claims, &one));
    claims_drop(claims, &one);
    g_assert_false(claims_holds_alone(claims, &one));
    g_assert_true(take(claims, &two, ""));
    claims_free(claims);
}

static void test_shared(void)
{
    const struct claim one = {CARD, "one", "hostdev0", true};
    const struct claim two = {CARD, "two", "hostdev0", true};
    const struct claim three = {CARD, "three", "hostdev0", false};
    struct claims *claims = claims_new();

    g_assert_true(take(claims, &one, ""));
    g_assert_true(take(claims, &two, ""));
    g_assert_false(take(claims, &three, "domain one"));
    claims_drop(claims, &one);
    g_assert_false(take(claims, &three, "domain two"));
    claims_drop(claims, &two);
    g_assert_true(take(claims, &three, ""));
    g_assert_false(take(claims, &one, "domain three"));
    claims_free(claims);
}

static void test_marked(void)
{
    const struct claim one = {CARD, "one", NULL, false};
    const struct claim two = {CARD, "two", NULL, false};
    struct claims *claims = claims_new();

    claims_mark(claims, &one);
    claims_mark(claims, &two);
    g_assert_false(claims_holds_alone(claims, &one));
    claims_drop(claims, &one);
    g_assert_false(claims_holds_alone(claims, &one));
    g_assert_true(claims_holds_alone(claims, &two));
    g_assert_false(take(claims, &one, "domain two"));
    claims_free(claims);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/claims/one-guest", test_one_guest);
    g_test_add_func("/claims/shared", test_shared);
    g_test_add_func("/claims/marked", test_marked);
    return g_test_run();
}

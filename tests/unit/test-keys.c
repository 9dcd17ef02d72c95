/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "virtqemud/keys.h"

static unsigned translate(unsigned set, unsigned code)
{
    g_autoptr(GError) error = NULL;
    unsigned number = 0;

    key_translate(set, code, &number, &error);
    g_assert_no_error(error);
    return number;
}

static void refuse(unsigned set, unsigned code, int why)
{
    g_autoptr(GError) error = NULL;
    unsigned number = 4711;

    g_assert_cmpint(key_translate(set, code, &number, &error), ==, -1);
    g_assert_cmpint(error_code_of(error), ==, why);
    g_assert_cmpuint(number, ==, 4711);
}

/* KEY_ of linux/input-event-codes.h; the numbers are those of a PC's keyboard. */
static void test_linux(void)
{
    static const struct {
        unsigned code, number;
    } keys[] = {
        {1, 0x01},   /* escape */
        {28, 0x1c},  /* enter */
        {30, 0x1e},  /* A */
        {83, 0x53},  /* keypad dot */
        {87, 0x57},  /* F11 */
        {97, 0x9d},  /* right control */
        {103, 0xc8}, /* up */
        {111, 0xd3}, /* delete */
        {125, 0xdb}, /* left meta */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        g_assert_cmphex(translate(VIR_KEYCODE_SET_LINUX, keys[i].code), ==, keys[i].number);
}

/* The same keys in all sets: A, right control, up. */
static void test_sets(void)
{
    static const struct {
        unsigned set, a, control, up;
    } rows[] = {
        {VIR_KEYCODE_SET_LINUX, 30, 97, 103},
        {VIR_KEYCODE_SET_XT, 0x1e, 0xe01d, 0xe048},
        {VIR_KEYCODE_SET_ATSET1, 0x1e, 0xe01d, 0xe048},
        {VIR_KEYCODE_SET_ATSET2, 0x1c, 0xe014, 0xe075},
        {VIR_KEYCODE_SET_ATSET3, 0x1c, 0x58, 0x63},
        {VIR_KEYCODE_SET_OSX, 0, 0x3e, 0x7e},
        {VIR_KEYCODE_SET_XT_KBD, 0x1e, 0x11d, 0x148},
        {VIR_KEYCODE_SET_USB, 4, 228, 82},
        {VIR_KEYCODE_SET_WIN32, 0x41, 0xa3, 0x26},
        {VIR_KEYCODE_SET_QNUM, 0x1e, 0x9d, 0xc8},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmphex(translate(rows[i].set, rows[i].a), ==, 0x1e);
        g_assert_cmphex(translate(rows[i].set, rows[i].control), ==, 0x9d);
        g_assert_cmphex(translate(rows[i].set, rows[i].up), ==, 0xc8);
    }
}

/* What scan codes there are goes through as it is. */
static void test_numbers(void)
{
    g_assert_cmphex(translate(VIR_KEYCODE_SET_XT, 0x1e), ==, 0x1e);
    g_assert_cmphex(translate(VIR_KEYCODE_SET_QNUM, 0xd3), ==, 0xd3);
}

static void test_refused(void)
{
    refuse(VIR_KEYCODE_SET_LINUX, 0, VIR_ERR_INTERNAL_ERROR);
    refuse(VIR_KEYCODE_SET_LINUX, 4711, VIR_ERR_INTERNAL_ERROR);
    refuse(VIR_KEYCODE_SET_LINUX, G_MAXUINT, VIR_ERR_INTERNAL_ERROR);
    refuse(VIR_KEYCODE_SET_XT, 0, VIR_ERR_INTERNAL_ERROR);
    refuse(VIR_KEYCODE_SET_XT, 0x100, VIR_ERR_INTERNAL_ERROR);
    refuse(VIR_KEYCODE_SET_USB, 3, VIR_ERR_INTERNAL_ERROR);
    refuse(VIR_KEYCODE_SET_LAST, 1, VIR_ERR_INVALID_ARG);
    refuse(G_MAXUINT, 1, VIR_ERR_INVALID_ARG);
}

/* No two keys of a keyboard are the same, but for SysRq, which is a key of its own on few. */
static void test_distinct(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    unsigned count = 0;

    for (unsigned code = 1; code < 512; code++) {
        unsigned number;

        if (key_translate(VIR_KEYCODE_SET_LINUX, code, &number, NULL) < 0)
            continue;
        g_assert_cmpuint(number, <=, 0xff);
        if (code != 84 && !g_hash_table_add(seen, GUINT_TO_POINTER(number)))
            g_error("key %u has number %#x of another", code, number);
        count++;
    }
    g_assert_cmpuint(count, >, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keys/linux", test_linux);
    g_test_add_func("/keys/sets", test_sets);
    g_test_add_func("/keys/numbers", test_numbers);
    g_test_add_func("/keys/refused", test_refused);
    g_test_add_func("/keys/distinct", test_distinct);
    return g_test_run();
}

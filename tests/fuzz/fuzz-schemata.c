/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shares of a group of resctrl, as the kernel tells them: what is read is the same when it is
 * written and read again, and bits that are chosen were free. */
#include "fuzz.h"
#include "host/schemata.h"

static void check_again(const GArray *entries)
{
    g_autofree char *text = schemata_format(entries);
    g_autoptr(GArray) again = NULL;

    if (schemata_parse(text, &again, NULL) < 0 || again->len != entries->len)
        FAIL("not the same: %s\n", text);
    g_autofree char *once_more = schemata_format(again);
    if (g_strcmp0(text, once_more) != 0)
        FAIL("not the same: %s and %s\n", text, once_more);
}

static void choose(uint64_t free_bits)
{
    uint64_t mask;

    for (unsigned count = 0; count <= 65; count++)
        if (schemata_choose_bits(free_bits, count, &mask) &&
            ((mask & ~free_bits) || (unsigned)__builtin_popcountll(mask) != count))
            FAIL("%u bits of %" G_GINT64_MODIFIER "x\n", count, free_bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GArray) entries = NULL;

    if (schemata_parse(text, &entries, NULL) < 0)
        return 0;
    check_again(entries);
    for (unsigned i = 0; i < entries->len; i++)
        choose(~g_array_index(entries, struct schemata_entry, i).value);
    return 0;
}

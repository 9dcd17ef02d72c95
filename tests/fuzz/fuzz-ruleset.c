/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "fuzz.h"
#include "virtnetworkd/ruleset.h"

/*
 * Rules of others, whatever they are: they are read, a packet's way through them ends, and who is
 * said to drop it can be told.
 */
static void walk(const struct ruleset *ruleset, const struct ruleset_packet *packet)
{
    g_autofree char *rule = NULL;
    g_autofree char *where = ruleset_find_drop(ruleset, packet, &rule);

    if (!where != !(where && g_str_has_prefix(where, "table ")) || (rule && !where))
        FAIL("dropped by %s: %s", where ? where : "nobody", rule ? rule : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ruleset_packet packets[] = {
        {.hook = "forward", .in = "virbr0", .subnet = "192.168.122.0/24"},
        {.hook = "forward", .out = "virbr0", .established = true},
        {.hook = "input", .in = "virbr0", .udp_port = 67},
    };
    g_autofree char *text = g_strndup((const char *)data, size);
    struct ruleset *ruleset = ruleset_read(text, "modvirt");

    for (size_t i = 0; i < G_N_ELEMENTS(packets); i++)
        walk(ruleset, &packets[i]);
    ruleset_free(ruleset);
    return 0;
}

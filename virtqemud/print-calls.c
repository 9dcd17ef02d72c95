/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usage: print-calls - prints a page of all calls that virtqemud serves, from their rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "methods.h"

static const char heading[] =
    "# What virtqemud serves\n\n"
    "Made from the table of its methods. Every other call is answered `this function is not\n"
    "supported by the connection driver`. Those that take the guest's turn wait for one "
    "another.\n\n"
    "| call | the guest must be | takes its turn |\n"
    "| --- | --- | --- |\n";

static const char *const states[] = {
    [METHOD_ANY_STATE] = "",
    [METHOD_ACTIVE] = "running",
    [METHOD_INACTIVE] = "shut off",
    [METHOD_PERSISTENT] = "defined",
};

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_line(GPtrArray *lines, const struct method *row)
{
    const struct protocol_binding *binding = &row->binding;
    const char *api = protocol_method_find(binding->program, binding->number)->api;

    if (api) /* others are between the client's library and us */
        g_ptr_array_add(lines, g_strdup_printf("| `%s` | %s | %s |", api, states[row->state],
                                               row->job ? "yes" : ""));
}

int main(void)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; i < qemu_driver_spec.group_count; i++)
        for (size_t j = 0; j < qemu_driver_spec.groups[i]->count; j++)
            add_line(lines, &qemu_driver_spec.groups[i]->rows[j]);
    g_ptr_array_sort(lines, compare_lines);
    fputs(heading, stdout);
    /* older and newer forms of one call have one name */
    for (guint i = 0; i < lines->len; i++)
        if (i == 0 || strcmp(lines->pdata[i], lines->pdata[i - 1]) != 0)
            puts(lines->pdata[i]);
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NUMA nodes: all that -numa says, or nothing, as a document with cells has all of them. */
#include <string.h>

#include "base/units.h"

#include "native-parts.h"

#define MAX_CELLS 128

static bool is_numa(const struct native_option *option)
{
    return option->row && g_str_equal(option->row->name, "numa") && option->value;
}

/* "cpus" may be there more than once. */
static struct cpuset *take_cpus(struct native *native, struct native_list *list)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < list->count; i++) {
        if (!g_str_equal(list->pairs[i].key, "cpus"))
            continue;
        list->pairs[i].taken = true;
        g_string_append_printf(text, "%s%s", text->len ? "," : "", list->pairs[i].value);
    }
    return text->len ? cpuset_parse(native->arena, text->str) : NULL;
}

/* Memory in a plain object is what a cell means anyway. */
static bool read_object(struct native *native, const char *id, uint64_t *ret_kib)
{
    const struct native_option *object = native_find_backend(native, "object", id);

    if (!object)
        return false;
    struct native_list list = native_list_read(object->value, object->row->first, native->arena);
    const char *type = native_list_take(&list, "qom-type");
    const char *size = native_list_take(&list, "size");
    native_list_ignore(&list, "id", NULL);
    return g_strcmp0(type, "memory-backend-ram") == 0 && size &&
           native_size(size, UNIT_BYTES, ret_kib) && native_list_done(&list);
}

static bool read_node(struct native *native, struct native_list *list, struct cpu_numa *numa)
{
    struct numa_cell *cell = arena_new(native->arena, struct numa_cell);
    bool has_cpus = native_list_find(list, "cpus");
    unsigned id = numa->cells.count;

    native_list_take_uint(list, "nodeid", &id);
    cell->cpus = take_cpus(native, list);
    const char *object = native_list_take(list, "memdev"), *size = native_list_take(list, "mem");
    if (id != numa->cells.count || id >= MAX_CELLS || has_cpus != !!cell->cpus ||
        !native_list_done(list) || !object == !size)
        return false;
    cell->id = OPT_UINT(id);
    LIST_APPEND(native->arena, &numa->cells, cell);
    return object ? read_object(native, object, &cell->memory)
                  : native_size(size, UNIT_MIB, &cell->memory);
}

static bool read_distance(struct native *native, struct native_list *list, struct cpu_numa *numa)
{
    struct numa_distance *distance = arena_new(native->arena, struct numa_distance);
    unsigned from, to, value;

    if (!native_list_take_uint(list, "src", &from) || !native_list_take_uint(list, "dst", &to) ||
        !native_list_take_uint(list, "val", &value) || !native_list_done(list) ||
        from >= numa->cells.count || to >= numa->cells.count)
        return false;
    distance->id = OPT_UINT(to);
    distance->value = value;
    LIST_APPEND(native->arena, &numa->cells.items[from]->distances, distance);
    return true;
}

static bool read_option(struct native *native, const struct native_option *option,
                        struct cpu_numa *numa)
{
    struct native_list list = native_list_read(option->value, option->row->first, native->arena);
    const char *type = native_list_take(&list, "type");

    if (g_strcmp0(type, "node") == 0)
        return read_node(native, &list, numa);
    return g_strcmp0(type, "dist") == 0 && read_distance(native, &list, numa);
}

/* With the object that a node's memory is in. */
static void take(struct native *native, struct native_option *option)
{
    const char *id = native_list_find(&option->list, "memdev");
    struct native_option *object = id ? native_find_backend(native, "object", id) : NULL;

    option->taken = true;
    if (object)
        object->taken = true;
}

void native_complete_numa(struct native *native)
{
    struct cpu_numa *numa = arena_new(native->arena, struct cpu_numa);
    struct domain *domain = native->domain;
    uint64_t memory = 0;

    for (guint i = 0; i < native->options->len; i++) {
        struct native_option *option = &g_array_index(native->options, struct native_option, i);
        if (is_numa(option) && !read_option(native, option, numa))
            return;
    }
    if (!numa->cells.count)
        return;
    for (guint i = 0; i < native->options->len; i++) {
        struct native_option *option = &g_array_index(native->options, struct native_option, i);
        if (is_numa(option))
            take(native, option);
    }
    for (unsigned i = 0; i < numa->cells.count; i++)
        memory += numa->cells.items[i]->memory;
    domain->memory = memory;
    native_cpu(native)->numa = numa;
}

/* The whole is read at the end. */
static int leave(struct native *native, struct native_option *option, GError **error)
{
    return 0;
}

const struct native_row native_numa_rows[] = {
    {"numa", "type", NATIVE_LAST, .read = leave},
    {NULL},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-nodes.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"

#define KIB_PER_MIB 1024
#define ADVICE_DEADLINE_MS 30000

/* ---- those that are named ---- */

int host_nodes_check(const struct cpuset *nodes, GError **error)
{
    for (int node = nodes ? cpuset_next(nodes, 0) : -1; node >= 0;
         node = cpuset_next(nodes, (unsigned)node + 1)) {
        g_autofree char *path = g_strdup_printf("/sys/devices/system/node/node%d", node);

        /* a kernel without NUMA has no nodes there, and is one */
        if (node == 0 || access(path, F_OK) == 0)
            continue;
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "NUMA node %d is unavailable", node);
        return -1;
    }
    return 0;
}

static int check_tune(const struct numa_tune *tune, GError **error)
{
    if (tune->memory && host_nodes_check(tune->memory->nodeset, error) < 0)
        return -1;
    LIST_EACH (node, &tune->nodes)
        if (host_nodes_check(node->nodeset, error) < 0)
            return -1;
    return 0;
}

/* ---- those that are left to the host ---- */

static bool is_left_to_host(const struct domain *live)
{
    const struct numa_tune *tune = live->numa_tune;

    return live->vcpu_placement == PLACEMENT_AUTO ||
           (tune && tune->memory && tune->memory->placement == PLACEMENT_AUTO);
}

static int ask(const struct domain *live, struct arena *arena, struct cpuset **ret_nodes,
               GError **error)
{
    g_autofree char *program = g_find_program_in_path("numad");
    g_autofree char *wish =
        g_strdup_printf("%u:%" G_GUINT64_FORMAT,
                        live->current_vcpus ? live->current_vcpus : live->max_vcpus,
                        live->current_memory / KIB_PER_MIB);
    const char *argv[] = {program, "-w", wish, NULL};
    const struct process_spec spec = {.argv = argv};
    g_autofree char *advice = NULL;

    if (!program) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "placement='auto' needs the program 'numad': install the package numad");
        return -1;
    }
    if (process_run(&spec, 4096, ADVICE_DEADLINE_MS, &advice, error) < 0 ||
        !(*ret_nodes = cpuset_parse(arena, g_strstrip(advice)))) {
        g_clear_error(error);
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "Failed to query numad for the advisory nodeset: it says '%s'",
                  advice ? advice : "");
        return -1;
    }
    return 0;
}

/* The CPUs of the nodes; none where the kernel knows nothing of nodes. */
static struct cpuset *cpus_of(const struct cpuset *nodes, struct arena *arena)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (int node = cpuset_next(nodes, 0); node >= 0;
         node = cpuset_next(nodes, (unsigned)node + 1)) {
        g_autofree char *path = g_strdup_printf("/sys/devices/system/node/node%d/cpulist", node);
        g_autofree char *text = NULL;

        if (g_file_get_contents(path, &text, NULL, NULL) && *g_strstrip(text))
            g_string_append_printf(all, "%s%s", all->len ? "," : "", text);
    }
    return all->len ? cpuset_parse(arena, all->str) : NULL;
}

static int follow_advice(struct domain *live, GError **error)
{
    struct arena *arena = &live->definition.arena;
    struct numa_memory_tune *memory = live->numa_tune ? live->numa_tune->memory : NULL;
    struct cpuset *nodes;

    if (ask(live, arena, &nodes, error) < 0)
        return -1;
    if (memory && memory->placement == PLACEMENT_AUTO)
        memory->nodeset = nodes;
    if (live->vcpu_placement == PLACEMENT_AUTO && !live->vcpu_cpuset)
        live->vcpu_cpuset = cpus_of(nodes, arena);
    return 0;
}

int host_nodes_choose(struct domain *live, GError **error)
{
    if (is_left_to_host(live) && follow_advice(live, error) < 0)
        return -1;
    return live->numa_tune ? check_tune(live->numa_tune, error) : 0;
}

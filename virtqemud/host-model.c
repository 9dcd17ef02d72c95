/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-model.h"

static bool has_feature(const struct domain_cpu *cpu, const char *name)
{
    LIST_EACH (feature, &cpu->features)
        if (g_strcmp0(feature->name, name) == 0)
            return true;
    return false;
}

/* Those of the host first, as the document's come later on the command line too. */
static void add_features(struct domain *domain, const struct emulator_host_model *host)
{
    struct arena *arena = &domain->definition.arena;
    struct domain_cpu *cpu = domain->cpu;
    unsigned at = 0;

    for (unsigned i = 0; i < host->feature_count; i++) {
        if (has_feature(cpu, host->features[i].name))
            continue;
        struct cpu_feature *feature = arena_new(arena, struct cpu_feature);
        feature->name = arena_strdup(arena, host->features[i].name);
        feature->policy = host->features[i].on ? CPU_POLICY_REQUIRE : CPU_POLICY_DISABLE;
        LIST_INSERT(arena, &cpu->features, at++, feature);
    }
}

bool host_model_is_wanted(const struct domain_cpu *cpu)
{
    return cpu->mode == CPU_MODE_HOST_MODEL ||
           (cpu->mode == CPU_MODE_CUSTOM && cpu->match == CPU_MATCH_MINIMUM);
}

void host_model_expand(struct domain *domain, const struct emulator *emulator)
{
    enum accelerator accelerator =
        domain->type == DOMAIN_TYPE_KVM ? ACCELERATOR_KVM : ACCELERATOR_TCG;
    const struct emulator_host_model *host = &emulator->cpus[accelerator].host;
    struct arena *arena = &domain->definition.arena;
    struct domain_cpu *cpu = domain->cpu;

    if (!cpu || !host_model_is_wanted(cpu) || !host->model)
        return;
    if (cpu->mode == CPU_MODE_HOST_MODEL)
        cpu->vendor = arena_strdup(arena, host->vendor);
    cpu->mode = CPU_MODE_CUSTOM;
    cpu->match = CPU_MATCH_EXACT;
    cpu->model = arena_strdup(arena, host->model);
    if (!cpu->fallback)
        cpu->fallback = CPU_FALLBACK_ALLOW;
    add_features(domain, host);
}
